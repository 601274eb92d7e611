"""Facets: fields of a row that decide about its split, or that checks count by. They are no part of what is learned."""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Literal, TypedDict

from tunewright.data.refusals import ReadLog, RefusedError, describe, excerpt, join_names
from tunewright.errors import Problem
from tunewright.records import DataRecipe, Example

Row = Mapping[str, object]
_SETTINGS = ("group_column", "time_column")


class Facets(TypedDict):
    """The fields of a Provenance that come from the row itself."""

    group: str | None
    time: str | None
    fields: tuple[tuple[str, str], ...]


def facet_columns(recipe: DataRecipe) -> set[str]:
    """The columns that are read beside input and answer."""
    named = {column for column in (recipe.group_column, recipe.time_column) if column is not None}
    return named | set(recipe.checks.groups)


def require_facet_columns(rows: Sequence[Row], recipe: DataRecipe, log: ReadLog, *, is_mixed: bool = False) -> None:
    """Refuse a file none of whose first rows has a column that decides about splits: its rows could leak unseen.

    Args:
        rows: the first rows.
        recipe: which columns are named.
        log: receives what is refused.
        is_mixed: whether the file is one of several sources. Then it may lack a column that is only counted by.
    Raises:
        DataError: names the closest column.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: list[tuple[str, str | None]] = [(setting, getattr(recipe, setting)) for setting in _SETTINGS]
    columns += [("checks.groups", column) for column in recipe.checks.groups]
    for setting, column in columns:
        if column is not None and column not in names and is_mixed and setting == "checks.groups":
            log.warnings.append(f"no column {excerpt(column)}, so its rows are in no group")
        elif column is not None and column not in names:
            close = difflib.get_close_matches(column, names, n=1, cutoff=0.5)
            advice = f"Did you mean {close[0]}?" if close else f"Correct or remove data.{setting}."
            log.refuse(None, RefusedError("", f"no column {excerpt(column)}", f"one of {join_names(names)}", advice))
            log.raise_if_refused()


def read_facets(row: Row, recipe: DataRecipe) -> Facets:
    """Take group, time and counted fields of a row as text; what is not named or empty is None or left out.

    Raises:
        RefusedError: the value is a list or an object.
    """
    counted = ((column, _facet(row, column)) for column in recipe.checks.groups)
    return Facets(
        group=_facet(row, recipe.group_column),
        time=_facet(row, recipe.time_column),
        fields=tuple((column, value) for column, value in counted if value is not None),
    )


def _facet(row: Row, column: str | None) -> str | None:
    value = None if column is None else row.get(column)
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, date):  # a datetime is one too
        return value.isoformat()
    raise RefusedError(str(column), describe(value), "a text, a number or a time", "Write it as a text.")


TimeKind = Literal["a number", "a date or time"]


def parse_time(text: str) -> tuple[TimeKind, float]:
    """Read a number, or an ISO 8601 date or time as seconds since 1970. A time without a zone counts as UTC.

    Raises:
        ValueError: it is neither.
    """
    try:
        number = float(text)
    except ValueError:
        moment = datetime.fromisoformat(text)
        return "a date or time", (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if not math.isfinite(number):
        raise ValueError(text)
    return "a number", number


def times_of(examples: Sequence[Example], column: str) -> tuple[dict[str, float], list[Problem]]:
    """The time of every row by its place, and what is wrong with those that have none.

    All of them have to be of one kind: the number 20240131 and the date 2024-01-31 cannot be put in order.
    """
    times: dict[str, float] = {}
    problems = []
    first: TimeKind | None = None
    for example in examples:
        location, text = str(example.provenance), example.provenance.time
        expected = first or "an ISO 8601 date or time, or a number"
        fix = "Correct the row, or remove data.time_column."
        if text is None:
            problems.append(Problem(f"{location} {column}", "nothing", expected, fix))
            continue
        try:
            kind, time = parse_time(text)
        except (ValueError, OverflowError):
            problems.append(Problem(f"{location} {column}", excerpt(text), expected, fix))
            continue
        first = first or kind
        if kind != first:
            problems.append(Problem(f"{location} {column}", excerpt(text), f"{first}, as in the rows before", fix))
        times[location] = time
    return times, problems
