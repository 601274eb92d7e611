"""Read a recipe: file, `key=value` overrides and options become one frozen object, or a list of what is wrong."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_origin

import yaml
from pydantic import ValidationError

from tunewright.errors import Problem, RecipeError
from tunewright.records.base import Record
from tunewright.records.recipe import TuneRecipe
from tunewright.records.text_file import DistinctKeys, read_yaml_file

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

AnyRecipe = TypeVar("AnyRecipe", bound=Record)


def read_recipe(fields: dict[str, Any], path: Path | None = None, overrides: tuple[str, ...] = ()) -> TuneRecipe:
    """Build a recipe from a YAML file, `key=value` overrides and the command's own arguments, weakest first.

    Args:
        fields: nested settings that win over everything, such as `{"data": {"path": "rows.jsonl"}}`.
        path: a recipe file in YAML (JSON is YAML too).
        overrides: dotted settings such as `train.learning_rate=1e-3`; the value is read as YAML.
    Raises:
        RecipeError: the file is not a mapping, or keys are unknown or values out of range; all are listed.
    """
    return read_settings(TuneRecipe, fields, path, overrides)


def read_settings(
    kind: type[AnyRecipe], fields: dict[str, Any], path: Path | None = None, overrides: tuple[str, ...] = ()
) -> AnyRecipe:
    """As `read_recipe`, for a recipe of any kind."""
    merged = _read_mapping(path) if path else {}
    for override in overrides:
        _merge(merged, _parse_override(override))
    _merge(merged, fields)
    if isinstance(merged.get("method"), dict):
        merged["method"].setdefault("kind", "lora")  # so that method.rank=8 alone means what it says
    try:
        return kind.model_validate(merged)
    except ValidationError as error:
        raise RecipeError(_problems(error, str(path) if path else "recipe", kind)) from None


_MISSING_ADVICE = {"data": "Say what to learn from, as in `data: {path: tickets.jsonl}`."}


def _read_mapping(path: Path) -> dict[str, Any]:
    loaded = read_yaml_file(path)
    if not isinstance(loaded, dict):
        found = "nothing" if loaded is None else f"a {type(loaded).__name__}"
        raise RecipeError(Problem(str(path), found, "a mapping of settings", "See docs/recipes.md for an example."))
    return loaded


def _parse_override(override: str) -> dict[str, Any]:
    key, separator, text = override.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(parts):
        raise RecipeError(
            Problem(f"--set {override}", "no key=value", "a dotted setting and a value", "As in train.epochs=2.")
        )
    try:
        value = yaml.load(text, Loader=DistinctKeys)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError):
        value = text
    if value is None and text.lstrip().startswith("#"):  # a heading, a number of a ticket; for YAML a comment
        value = text
    if isinstance(value, str) and not text.lstrip().startswith(('"', "'", "|", ">")):
        value = text.strip()  # YAML would cut it at " #" and join its lines
    for part in reversed(parts):
        value = {part: value}
    return dict(value)


def _merge(target: dict[str, Any], update: dict[str, Any]) -> None:
    for key, value in update.items():
        if isinstance(value, dict) and isinstance(target.get(key), dict):
            _merge(target[key], value)
        else:
            target[key] = value


def _problems(error: ValidationError, where: str, kind: type[Record]) -> list[Problem]:
    """Put pydantic's findings into our four parts, with dotted names as the user writes them."""
    return [_problem(detail, where, kind) for detail in error.errors()]


def _problem(detail: "ErrorDetails", where: str, kind: type[Record]) -> Problem:
    # pydantic inserts the tag of a union ("lora") into the path; the user never wrote it.
    location = [part for part in detail["loc"] if part not in ("lora", "full")]
    name = ".".join(str(part) for part in location) or "(top level)"
    place = f"{where}: {name}"
    match detail["type"]:
        case own if own in _OWN_PROBLEMS:
            return _own_problem(own, detail.get("ctx", {}), place)
        case "extra_forbidden":
            asked = ".".join(str(part) for part in location if not isinstance(part, int))
            names = _setting_names(kind)
            if asked in names:
                return _of_another_kind(asked, detail["loc"], place)
            closest = difflib.get_close_matches(asked, names, n=1)
            advice = f"Did you mean {closest[0]}?" if closest else "Remove it."
            fix = f"{advice} `tunewright recipe` lists them all."
            return Problem(place, "an unknown setting", "a setting that exists", fix)
        case "empty_path":
            found, fix = "an empty text", "Is a variable of the shell not set? The current folder is written as a dot."
            return Problem(place, found, "a file or folder", fix)
        case "missing":
            return Problem(place, "nothing", "a value", _MISSING_ADVICE.get(name, "Add it."))
        case "union_tag_invalid":
            found, expected = repr(detail["ctx"]["tag"]), f"one of {detail['ctx']['expected_tags']}"
        case "tuple_type":
            found, expected = repr(detail["input"])[:80], "a list, as in [a, b]"
        case _:
            message = detail["msg"].removeprefix("Input should be ")
            found, expected = repr(detail["input"])[:80], message[0].lower() + message[1:]
    return Problem(place, found, expected, _ADVICE.get(name, "Change the value."))


def _of_another_kind(asked: str, location: tuple[int | str, ...], place: str) -> Problem:
    """The section has such a setting where its kind is another one: LoRA's dropout beside full tuning."""
    section = asked.rpartition(".")[0]
    found = f"a setting that {section}.kind={location[-2]} does not have"
    return Problem(place, found, "one that it has", f"Remove it, or choose another {section}.kind.")


def _setting_names(kind: type[Record], prefix: str = "") -> list[str]:
    """Dotted names of all settings, for finding the one that was meant."""
    names = []
    for field, info in kind.model_fields.items():
        parts = [part for part in (info.annotation, *get_args(info.annotation)) if isinstance(part, type)]
        sections = [part for part in parts if issubclass(part, Record)]
        names += [name for section in sections for name in _setting_names(section, f"{prefix}{field}.")]
        names += [] if sections and get_origin(info.annotation) is not tuple else [f"{prefix}{field}"]
    return names


def _own_problem(kind: str, context: dict[str, Any], where: str) -> Problem:
    """Say what a validator of ours has found; pydantic knows no words for it."""
    setting, found, expected, fix = _OWN_PROBLEMS[kind]
    return Problem(f"{where}.{setting}", found.format(**context), expected, fix)


_OWN_PROBLEMS = {
    "no_path": ("path", "nothing", "a value", "Add it, or list several sources under data.sources."),
    "path_and_sources": (
        "path",
        "a path beside data.sources",
        "one of them",
        "Remove the path, or make it one of the sources.",
    ),
    "equal_titles": (
        "sources",
        "{title!r} twice",
        "sources that can be told apart",
        "Give each of them a name of its own.",
    ),
    "fallback_twice": ("fallbacks", "{name!r} twice", "each fallback once", "Remove the others."),
    "loss_increase_of_refuse": (
        "max_task_loss_increase",
        "{increase:g} with retention.beyond=refuse",
        "retention.beyond=tell, which alone reads it",
        "Remove one of the two.",
    ),
    "repeats_of_nothing": (
        "canary_repeats",
        "{repeats} without canaries",
        "memorisation.canaries to repeat",
        "Remove it, or set memorisation.canaries as well.",
    ),
    "tasks_of_study": (
        "tasks",
        "names of tasks",
        "none: a study runs no public benchmarks",
        "Leave them out, or run them with `tunewright tune --retention TASK,...`.",
    ),
}
"""Setting, found, expected and fix by the type of the validation error."""

_ADVICE = {
    "method.rank": "Rank is the width of the LoRA update (8 to 64 is usual). "
    "To train every weight use method.kind=full.",
    "method": "Use method.kind=lora or method.kind=full.",
}
