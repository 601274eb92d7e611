"""`tunewright recipe`: what would be done, and every setting there is."""

from typing import Annotated

import typer

from tunewright.cli import options
from tunewright.cli.settings import Settings


def recipe(
    *,
    data: options.OptionalData = None,
    base: options.Base = None,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    method: options.MethodKind = None,
    validation: options.Validation = None,
    test: options.Test = None,
    recipe_file: options.RecipeFile = None,
    overrides: options.Overrides = None,
    schema: Annotated[
        bool | None, typer.Option("--schema", help="Print the JSON schema of recipe files instead.")
    ] = None,
    json_file: options.JsonFile = None,
) -> None:
    """Print the recipe that `tune` would follow, with every derived setting and the reason for it.

    Takes the settings of `tune`, reads and checks the rows, and trains nothing.
    Without settings it lists all there are, with their defaults.

    Example:

    $ tunewright recipe tickets.csv --input question --output answer > recipe.yaml
    $ tunewright tune --recipe recipe.yaml
    """
    settings = Settings.among(locals())
    if schema:
        settings.refuse_beside("--schema")
        _print_schema(json_file)
    elif settings.given:
        _print_resolved(settings, json_file)
    else:
        _print_settings(json_file)


def _print_schema(json_file: str | None) -> None:
    from tunewright.cli.screen import STDOUT, Screen
    from tunewright.records import TuneRecipe

    Screen(json_file or STDOUT).write_json(TuneRecipe.model_json_schema())


def _print_resolved(settings: Settings, json_file: str | None) -> None:
    from tunewright.actions import explain_recipe
    from tunewright.cli.recipe_view import annotated_yaml
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    recipe = settings.recipe()
    screen.require_no_input(recipe, settings.recipe_file)
    resolved, derived = explain_recipe(recipe, screen.progress)
    screen.line(annotated_yaml(resolved, derived))
    screen.write_json(
        {"recipe": resolved.model_dump(mode="json"), "derived": [item.model_dump(mode="json") for item in derived]}
    )


def _print_settings(json_file: str | None) -> None:
    from dataclasses import asdict

    from tunewright.cli.recipe_view import describe_settings, list_settings
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    found = list_settings()
    screen.show(describe_settings(found))
    screen.write_json([asdict(setting) for setting in found])
