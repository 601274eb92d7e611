"""The fields of a row: text that must be there, and the question of an instruction row."""

import json
import math
from collections.abc import Mapping

from tunewright.data.refusals import RefusedError, describe, excerpt, join_names

Row = Mapping[str, object]


def present(row: Row, field: str) -> object:
    """The value of a field.

    Raises:
        RefusedError: the row has no such field.
    """
    if field not in row:
        raise RefusedError(field, f"no such field among {join_names(row)}", "a value", "Add it or remove the row.")
    return row[field]


def text_field(row: Row, field: str, *, may_be_empty: bool = False) -> str:
    """A field as text. Numbers, true and false are labels and become text as JSON writes them.

    Raises:
        RefusedError: the field is missing, no text or number, or empty although it may not be.
    """
    value = present(row, field)
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    if not isinstance(value, str):
        raise RefusedError(field, describe(value), "a text or a number", "Write the value as a text or remove the row.")
    if not value.strip() and not may_be_empty:
        raise RefusedError(field, f"an empty text ({excerpt(value)})", "some text", "Fill it in or remove the row.")
    return value


def instruction_question(row: Row) -> str:
    """The field `instruction` and, if there is material to work on, `input` below it.

    Raises:
        RefusedError: as `text_field`.
    """
    instruction = text_field(row, "instruction")
    material = "" if row.get("input") is None else text_field(row, "input", may_be_empty=True)
    return f"{instruction}\n\n{material}" if material.strip() else instruction
