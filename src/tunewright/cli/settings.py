"""From options to recipes. An option that was not given sets nothing, so that the recipe file keeps its say."""

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.errors import Problem, RecipeError

if TYPE_CHECKING:
    from tunewright.records import DataRecipe, EvaluateRecipe, TuneRecipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of `tune`, `study` and `recipe`, as typed; None and () mean not given."""

    data: str | None = None
    base: str | None = None
    input_column: str | None = None
    output_column: str | None = None
    form: str | None = None
    method: str | None = None
    validation: str | None = None
    test: str | None = None
    bake: str | None = None
    tasks: str | None = None
    recipe_file: Path | None = None
    overrides: tuple[str, ...] = ()

    @classmethod
    def among(cls, arguments: Mapping[str, Any]) -> "Settings":
        """Pick the settings out of the arguments of a command, whose parameters are named like these fields."""
        found = {field.name: arguments[field.name] for field in fields(cls) if field.name in arguments}
        return cls(**{**found, "overrides": tuple(arguments["overrides"] or ())})

    @property
    def given(self) -> list[str]:
        """The options that were given, as the user writes them."""
        return [_OPTION_OF[field.name] for field in fields(self) if getattr(self, field.name) not in (None, ())]

    def recipe(self) -> "TuneRecipe":
        """Build the recipe.

        Raises:
            RecipeError: a setting is unknown or out of range, or nothing says where the data is.
        """
        from tunewright.records import read_recipe

        return read_recipe(self.fields("tune"), self.recipe_file, self.overrides)

    def fields(self, command: str) -> dict[str, Any]:
        """The settings that were given, nested as in a recipe.

        Args:
            command: what the example of an error shows.
        Raises:
            RecipeError: nothing says where the data is.
        """
        names_data = any(override.startswith("data") for override in self.overrides)
        if self.data is None and self.recipe_file is None and not names_data:
            example = f"As in: tunewright {command} tickets.csv --input question --output answer."
            raise RecipeError(Problem("DATA", "nothing", "a file of examples or a hub dataset id", example))
        values: dict[str, str | list[str] | None] = {
            "data.path": self.data,
            "data.input": self.input_column,
            "data.output": self.output_column,
            "data.form": self.form,
            "data.validation_path": self.validation,
            "data.test_path": self.test,
            "base": self.base,
            "method.kind": self.method,
            "bake.prompt": self.bake,
            "retention.tasks": None if self.tasks is None else [task.strip() for task in self.tasks.split(",")],
        }
        return _nested(values)

    def refuse_beside(self, option: str, given: Sequence[str] = ()) -> None:
        """A run that goes on, or a schema, has no use for settings.

        Args:
            given: further options that were given.
        Raises:
            RecipeError: settings were given.
        """
        if self.given or given:
            found = ", ".join([*self.given, *given])
            raise RecipeError(Problem(option, found, "no settings beside it", f"Remove {found}, or {option}."))


_OPTION_OF = {
    "data": "DATA",
    "base": "--base",
    "input_column": "--input",
    "output_column": "--output",
    "form": "--form",
    "method": "--method",
    "validation": "--validation",
    "test": "--test",
    "bake": "--bake",
    "tasks": "--retention",
    "recipe_file": "--recipe",
    "overrides": "--set",
}


def typed_command() -> str:
    """The command line as it can be pasted again."""
    return shlex.join(["tunewright", *sys.argv[1:]])


def is_recipe_file(path: str) -> bool:
    """Whether a path is that of a recipe, and not of rows."""
    return path.lower().endswith((".yaml", ".yml"))


def read_rows_recipe(
    data: str,
    input_column: str | None = None,
    output_column: str | None = None,
    form: str | None = None,
    overrides: Sequence[str] = (),
    *,
    validation: str | None = None,
    test: str | None = None,
    sections: Sequence[str] = ("data", "evaluate"),
    may_be_recipe: bool = False,
) -> "tuple[DataRecipe, EvaluateRecipe]":
    """Build the recipes of commands that read rows and do not train.

    Args:
        data: the rows, or the recipe file that names them.
        sections: parts of the recipe that have an effect on the command.
        may_be_recipe: whether a file that ends in .yaml is read as a recipe, of which only `sections` count.
    Raises:
        RecipeError: a setting is unknown, out of range, or belongs to training, where it would have no effect.
    """
    from tunewright.records import read_recipe

    refuse_other_sections(overrides, sections)
    recipe_file = Path(data) if may_be_recipe and is_recipe_file(data) else None
    values = {
        "data.path": None if recipe_file else data,
        "data.input": input_column,
        "data.output": output_column,
        "data.form": form,
        "data.validation_path": validation,
        "data.test_path": test,
    }
    recipe = read_recipe(_nested(values), recipe_file, tuple(overrides))
    return recipe.data, recipe.evaluate


def named_base(data: str) -> str | None:
    """The base that a recipe file names; None where it names none, or where `data` is no recipe file.

    Raises:
        RecipeError: the file cannot be read.
    """
    from tunewright.records import read_recipe

    if not is_recipe_file(data):
        return None
    recipe = read_recipe({}, Path(data), ())
    return recipe.base if "base" in recipe.model_fields_set else None


def refuse_other_sections(overrides: Sequence[str], sections: Sequence[str]) -> None:
    """A command that does not train has no use for settings of training.

    Raises:
        RecipeError: names the first override of another section.
    """
    for override in overrides:
        # Without "=" it is no setting at all, which read_recipe says.
        if "=" in override and override.partition(".")[0] not in sections:
            fix = "Remove it: nothing is trained here."
            expected = " or ".join(f"{section}.*" for section in sections)
            raise RecipeError(Problem(f"--set {override}", "a setting without effect", expected, fix))


def _nested(values: Mapping[str, str | list[str] | None]) -> dict[str, Any]:
    """Turn `{"data.path": "rows.jsonl", "base": None}` into `{"data": {"path": "rows.jsonl"}}`."""
    nested: dict[str, Any] = {}
    for dotted, value in values.items():
        if value is not None:
            section, _, name = dotted.partition(".")
            if name:
                nested.setdefault(section, {})[name] = value
            else:
                nested[section] = value
    return nested
