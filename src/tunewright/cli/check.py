"""`tunewright check`: what is wrong with your rows, before anything is trained."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli import options
from tunewright.cli.settings import is_recipe_file, named_base, read_rows_recipe

EXIT_BLOCKING = 1
CheckedBase = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="MODEL",
        help="Also measure rows in the tokens of the base you want to tune (bundled, a folder, or a hub id): "
        "control tokens, inputs that are too long. Default: that of the recipe file, if it names one.",
    ),
]
FixList = Annotated[
    Path | None,
    typer.Option(
        "--fix",
        metavar="FILE",
        help="Write a fix list: one JSON line per row found, with what will happen to it. Edit it, and give it to "
        "tune with --set data.fixes=FILE.",
    ),
]
Page = Annotated[Path | None, typer.Option("--page", metavar="FILE", help="Also write the report as one HTML page.")]


def check(
    *,
    data: options.DataOrRecipe,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    validation: options.Validation = None,
    test: options.Test = None,
    overrides: options.DataOverrides = None,
    base: CheckedBase = None,
    fix: FixList = None,
    page: Page = None,
    json_file: options.JsonFile = None,
) -> None:
    """Find what is wrong with your rows: problem, how many rows, what will happen.

    Looks for duplicates, contradictions, leaks between splits, personal data,
    broken text, wrong labels and more. Nothing is changed; tune uses the same
    checks. Ends with exit code 1 when a problem would stop training.

    Example:

    $ tunewright check tickets.csv --input question --output answer
    $ tunewright check tickets.jsonl --base bundled --page findings.html
    $ tunewright check recipe.yaml
    """
    from tunewright.actions import check as examine
    from tunewright.cli.findings import print_data_report
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    recipe = read_rows_recipe(
        data,
        input_column,
        output_column,
        form,
        overrides or (),
        validation=validation,
        test=test,
        sections=("data",),
        may_be_recipe=True,
    )[0]
    screen.require_no_input(recipe, data)
    report = examine(recipe, base=base or named_base(data), fixes_file=fix, page=page, progress=screen.progress)
    print_data_report(screen, report, has_fix_list=fix is not None)
    if fix is not None:
        rows = {"--input": input_column, "--output": output_column, "--form": form}
        given = {**rows, "--validation": validation, "--test": test, "--base": base}
        command = _tune_command(data, given, [*(overrides or ()), f"data.fixes={fix}"])
        screen.line(f"Fix list: {fix}  (change its actions, then: {command})")
    if page is not None:
        screen.line(f"Report: {page}")
    screen.write_json(report.model_dump(mode="json"))
    if report.blocking:
        raise typer.Exit(EXIT_BLOCKING)


def _tune_command(data: str, given: Mapping[str, str | None], overrides: Sequence[str]) -> str:
    """The tuning of the rows that were examined, with the options that they were examined under."""
    words = ["tunewright", "tune", *(["--recipe"] if is_recipe_file(data) else []), data]
    words += [word for option, value in given.items() if value for word in (option, value)]
    words += [word for override in overrides for word in ("--set", override)]
    return shlex.join(words)
