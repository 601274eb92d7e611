"""Nulls that an Arrow table fills in for keys that one row's declarations or calls have and another's lack.

A column of objects has the keys of all its rows, so that beside a function of a city a call that adds two numbers comes
out of a Parquet file, and of a hub dataset, as

    {"name": "add", "arguments": {"city": null, "x": 1, "y": 2}}
"""

import json
from collections.abc import Mapping

from tunewright.data.refusals import RefusedError
from tunewright.data.tool_calls import read_tools


def without_filled_nulls(row: Mapping[str, object]) -> dict[str, object]:
    """The row with the keys that its declarations and arguments had before they stood in a table.

    An argument stays null where its declaration allows it. All else is as it was.
    """
    tools = _without_nulls(row.get("tools"))
    clean = {name: tools if name == "tools" else value for name, value in row.items()}
    chats = {name: value for name, value in row.items() if _has_calls(value)}
    if chats:
        declared = _parameters(tools)
        clean |= {name: _with_true_arguments(value, declared) for name, value in chats.items()}
    return clean


def _without_nulls(value: object) -> object:
    """The value without keys that hold null, at any depth."""
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return value


def _has_calls(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(item, dict) and item.get("tool_calls") for item in value)


def _parameters(tools: object) -> dict[str, object]:
    """The JSON Schema of each declared function's parameters; none where the declarations cannot be read."""
    try:
        declared = json.loads(read_tools(tools) or "[]")
    except RefusedError:
        return {}
    return {tool["function"]["name"]: tool["function"].get("parameters") for tool in declared}


def _with_true_arguments(value: object, declared: Mapping[str, object]) -> object:
    """Messages, calls or one call with the arguments that were written."""
    if isinstance(value, list):
        return [_with_true_arguments(item, declared) for item in value]
    if not isinstance(value, dict):
        return value
    if isinstance(value.get("arguments"), dict):
        return {**value, "arguments": _allowed(value["arguments"], declared.get(str(value.get("name"))))}
    inside = ("tool_calls", "function")
    return {key: _with_true_arguments(item, declared) if key in inside else item for key, item in value.items()}


def _allowed(value: object, schema: object) -> object:
    parts = schema if isinstance(schema, dict) else {}
    if isinstance(value, list):
        return [_allowed(item, parts.get("items")) for item in value]
    if not isinstance(value, dict):
        return value
    properties = parts.get("properties")
    known = properties if isinstance(properties, dict) else {}
    return {
        key: _allowed(item, known.get(key))
        for key, item in value.items()
        if item is not None or _allows_null(known.get(key))
    }


def _allows_null(schema: object) -> bool:
    if not isinstance(schema, dict):
        return False
    kinds, choices = schema.get("type"), schema.get("enum")
    return (
        "null" in (kinds if isinstance(kinds, list) else [kinds])
        or schema.get("nullable") is True
        or (isinstance(choices, list) and None in choices)
        or any(_allows_null(part) for name in ("anyOf", "oneOf") for part in schema.get(name) or ())
    )
