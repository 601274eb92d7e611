"""The command that examines rows under the settings of a recipe, to be pasted into a shell."""

import json
import shlex

from tunewright.records import DataRecipe

_OPTIONS = {
    "input": "--input",
    "output": "--output",
    "form": "--form",
    "validation_path": "--validation",
    "test_path": "--test",
}


def check_command(recipe: DataRecipe) -> str:
    """`tunewright check` with every setting that is not the default.

    A recipe does not know its file, so that RECIPE.yaml stands for the one that lists several sources.
    """
    given = recipe.model_dump(mode="json", exclude_defaults=True, exclude={"path", "sources"})
    words = ["tunewright", "check", recipe.path or "RECIPE.yaml"]
    for name, option in _OPTIONS.items():
        if name in given:
            words += [option, given.pop(name)]
    checks = given.pop("checks", {})
    settings = {**given, **{f"checks.{name}": value for name, value in checks.items()}}
    for name, value in settings.items():
        words += ["--set", f"data.{name}={json.dumps(value, ensure_ascii=False)}"]
    return shlex.join(words)
