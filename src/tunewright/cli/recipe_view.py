"""Recipes as text: one that was resolved, as YAML with its reasons, and the list of all settings."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import yaml
from rich.console import Group
from rich.padding import Padding
from rich.text import Text

from tunewright.records import Derived, Record, TuneRecipe

JsonSchema = Mapping[str, Any]


def annotated_yaml(recipe: TuneRecipe, derived: Sequence[Derived]) -> str:
    """Write a recipe as YAML that `--recipe` reads back; derived settings carry their reason as a comment."""
    reasons = {item.setting: item.reason for item in derived}
    heading = "# Settings with a comment were derived from the data, the base and this machine; the others are yours\n"
    heading += "# or defaults. To follow this recipe: tunewright tune --recipe FILE\n"
    return heading + "\n".join(_yaml_lines(recipe.model_dump(mode="json"), reasons))


def _yaml_lines(value: Mapping[str, Any], reasons: Mapping[str, str], section: str = "") -> Iterator[str]:
    indent = "  " * len(section.split(".")) if section else ""
    for name, item in value.items():
        dotted = f"{section}.{name}" if section else name
        if isinstance(item, dict):
            yield f"{indent}{name}:"
            yield from _yaml_lines(item, reasons, dotted)
        else:
            reason = " ".join(reasons.get(dotted, "").split())
            yield f"{indent}{name}: {_one_line_yaml(item)}" + (f"  # {reason}" if reason else "")


def _one_line_yaml(value: object) -> str:
    # Text with line breaks (of which Unicode has several) would need more lines in any other style.
    style = '"' if isinstance(value, str) and not value.isprintable() else None
    text: str = yaml.safe_dump(
        value, default_style=style, default_flow_style=True, allow_unicode=True, width=sys.maxsize, sort_keys=False
    )
    return text.strip().removesuffix("\n...")


@dataclass(frozen=True, slots=True)
class SettingDescription:
    """One setting of a recipe."""

    name: str
    """Dotted, as `--set` takes it; `[]` stands for each item of a list."""
    kind: str
    """What values it takes, in words."""
    default: Any
    """None when it is derived, optional or required; the explanation says which."""
    is_required: bool
    explanation: str


def list_settings(kind: type[Record] = TuneRecipe) -> tuple[SettingDescription, ...]:
    """Every setting of a recipe, in the order of the recipe."""
    schema = kind.model_json_schema()
    return tuple(_walk(schema, schema["$defs"], ""))


def describe_settings(settings: Sequence[SettingDescription]) -> Group:
    """Lay the list out as name, values, default, and explanation under it."""
    parts: list[Text | Padding] = []
    for setting in settings:
        heading = Text.assemble((setting.name, "bold"), f": {setting.kind}")
        if setting.is_required:
            heading.append(", required")
        elif setting.default is not None:
            heading.append(f", default {_one_line_yaml(setting.default)}")
        parts += [heading, Padding(Text(setting.explanation), (0, 0, 0, 4), expand=False)]
    return Group(*parts)


def _walk(schema: JsonSchema, definitions: JsonSchema, prefix: str) -> Iterator[SettingDescription]:
    required = schema.get("required", ())
    for name, field in schema["properties"].items():
        dotted = f"{prefix}{name}"
        if "oneOf" in field:
            yield from _walk_variants(field, definitions, dotted)
        elif "$ref" in field:
            yield from _walk(_resolve(field, definitions), definitions, f"{dotted}.")
        elif section := next((option for option in field.get("anyOf", ()) if "$ref" in option), None):
            # Without the section nothing in it is needed.
            inner = _walk(_resolve(section, definitions), definitions, f"{dotted}.")
            yield from (replace(setting, is_required=False) for setting in inner)
        else:
            explanation = " ".join(field.get("description", "").split())
            yield SettingDescription(dotted, _kind(field), field.get("default"), name in required, explanation)
            if "$ref" in field.get("items", ()):
                yield from _walk(_resolve(field["items"], definitions), definitions, f"{dotted}[].")


def _walk_variants(field: JsonSchema, definitions: JsonSchema, dotted: str) -> Iterator[SettingDescription]:
    """A choice between records: first the setting that chooses, then the settings of each."""
    tag = field["discriminator"]["propertyName"]
    resolved = [_resolve(reference, definitions) for reference in field["oneOf"]]
    variants = {variant["properties"][tag]["const"]: variant for variant in resolved}
    sentences = (f"{name}: {variant['description']}" for name, variant in variants.items())
    explanation = " ".join(" ".join((field.get("description", ""), *sentences)).split())
    yield SettingDescription(f"{dotted}.{tag}", " or ".join(variants), field["default"][tag], False, explanation)
    for variant in variants.values():
        own = {name: inner for name, inner in variant["properties"].items() if name != tag}
        yield from _walk({"properties": own}, definitions, f"{dotted}.")


def _resolve(reference: JsonSchema, definitions: JsonSchema) -> JsonSchema:
    found: JsonSchema = definitions[reference["$ref"].rpartition("/")[2]]
    return found


_TYPE_WORDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}
_ITEM_WORDS = {"string": "text", "integer": "whole numbers"}
_LIMIT_WORDS = {
    "minimum": "at least",
    "exclusiveMinimum": "above",
    "maximum": "at most",
    "exclusiveMaximum": "below",
}


def _kind(field: JsonSchema) -> str:
    options = [option for option in field.get("anyOf", [field]) if option.get("type") != "null"]
    return " or ".join(_kind_of_one(option) for option in options)


def _kind_of_one(field: JsonSchema) -> str:
    if "enum" in field:
        *others, last = field["enum"]
        return f"{', '.join(others)} or {last}"
    if "$ref" in field.get("items", ()):
        return "list of settings"
    if field["type"] == "array":
        return f"list of {_ITEM_WORDS[field['items']['type']]}"
    limits = (f", {words} {field[key]:,}" for key, words in _LIMIT_WORDS.items() if key in field)
    return _TYPE_WORDS[field["type"]] + "".join(limits)
