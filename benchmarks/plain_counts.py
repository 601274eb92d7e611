"""Defects of raw rows, found by a few lines of plain Python and nothing of the library."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

Row = dict[str, Any]
Places = frozenset[str]
"""Rows as `train:12` or `12`, counted from 1."""


def numbered(rows: Iterable[Row], is_odd: Callable[[Row], bool]) -> Places:
    """Rows, counted from 1, of which something is true."""
    return frozenset(str(number) for number, row in enumerate(rows, start=1) if is_odd(row))


def copies(rows: Sequence[object]) -> Places:
    """Rows that are equal to another one."""
    of: dict[str, list[str]] = defaultdict(list)
    for number, row in enumerate(rows, start=1):
        of[json.dumps(row, sort_keys=True)].append(str(number))
    return frozenset(number for found in of.values() if len(found) > 1 for number in found)


def later_copies(rows: Sequence[object]) -> Places:
    """Rows that are equal to an earlier one."""
    seen: set[str] = set()
    later = set()
    for number, row in enumerate(rows, start=1):
        written = json.dumps(row, sort_keys=True)
        if written in seen:
            later.add(str(number))
        seen.add(written)
    return frozenset(later)


def texts_of(value: object) -> Iterator[str]:
    """Every text anywhere in a row."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from texts_of(each)
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_of(each)


def is_misread(row: Row) -> bool:
    """Whether a run of characters beyond ASCII is UTF-8 that was read as Windows-1252."""
    for text in texts_of(row):
        for run in re.findall(r"[^\x00-\x7f]{2,}", text):
            try:
                run.encode("cp1252").decode("utf-8")
            except UnicodeError:
                continue
            return True
    return False


def holding(*pieces: str) -> Callable[[Sequence[Row]], Places]:
    """Rows with any of these pieces in any text."""
    return lambda rows: numbered(rows, lambda row: any(piece in text for text in texts_of(row) for piece in pieces))


def answering(pattern: str) -> Callable[[Sequence[Row]], Places]:
    """Rows whose last answer begins like this."""

    def is_odd(row: Row) -> bool:
        turns = row.get("conversations") or row.get("messages") or [{"value": row.get("output", "")}]
        answer = row["chosen"]["value"] if "chosen" in row else turns[-1].get("value") or turns[-1].get("content") or ""
        return re.match(pattern, answer) is not None

    return lambda rows: numbered(rows, is_odd)


def with_odd_calls(rows: Sequence[Row]) -> Places:
    """Rows with a call that lacks a required parameter or has one of another type or choice, or a result of no call."""
    return numbered(rows, _has_odd_call)


def _has_odd_call(row: Row) -> bool:
    declared = {tool["name"]: tool.get("parameters", {}) for tool in json.loads(row["tools"] or "[]")}
    turns = row["conversations"]
    for index, turn in enumerate(turns):
        if turn["from"] == "observation" and turns[index - 1]["from"] != "function_call":
            return True
        if turn["from"] != "function_call":
            continue
        call = json.loads(turn["value"])
        arguments = call["arguments"]
        if call["name"] not in declared or _does_not_fit(arguments, declared[call["name"]]):
            return True
    return False


TYPES = {"string": str, "number": (int, float), "integer": int, "boolean": bool, "array": list, "object": dict}


def _does_not_fit(value: object, schema: Row) -> bool:
    if "type" in schema and not isinstance(value, TYPES[schema["type"]]):
        return True
    if "enum" in schema and value not in schema["enum"]:
        return True
    if isinstance(value, list):
        return any(_does_not_fit(each, schema.get("items", {})) for each in value)
    if not isinstance(value, dict):
        return False
    known = schema.get("properties", {})
    lacks = any(name not in value for name in schema.get("required", []))
    return lacks or any(name in known and _does_not_fit(each, known[name]) for name, each in value.items())
