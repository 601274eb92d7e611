"""JSON answers: read strictly, and compared field by field or, where they are calls of functions, call by call."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import numpy as np

from tunewright.evaluate.canonical import canonical_text


def is_json(text: str) -> bool:
    """Whether the whole text is one strict JSON object or array."""
    try:
        return isinstance(strict_json(text), dict | list)
    except (ValueError, ArithmeticError, RecursionError):  # bad text, a huge exponent, thousands of brackets
        return False


def strict_json(text: str) -> Any:
    """Parse JSON, its numbers as decimals.

    Raises:
        ValueError: it is none, gives a key twice, or has NaN or infinity, which Python's own parser lets pass.
        ArithmeticError: a number has an exponent beyond those of decimals.
    """
    return json.loads(
        text, object_pairs_hook=_object_without_repeats, parse_constant=_finite, parse_float=_finite, parse_int=_finite
    )


def _object_without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a key is given twice")
    return fields


def _finite(text: str) -> Decimal:
    # Decimals, so that 1 equals 1.0 but never `true` (see _same_json), and long numbers keep their digits.
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(f"{text} is not JSON")
    return number


def share_of_fields(given: Any, wanted: Any) -> float:
    """The value of `scorers.json_fields` for one reference, both as `strict_json` reads them."""
    if _are_calls(wanted) and _are_calls(given):
        return _share_of_calls(given, wanted)
    if not isinstance(wanted, dict) or not wanted or not isinstance(given, dict):
        return float(_same_json(given, wanted))
    return sum(key in given and _same_json(given[key], value) for key, value in wanted.items()) / len(wanted)


def _are_calls(value: Any) -> bool:
    """Whether a value has the form in which `calls_as_json` writes calls."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(each, dict) and each.keys() == {"name", "arguments"} for each in value)
    )


def _share_of_calls(given: Sequence[Any], wanted: Sequence[Any]) -> float:
    from scipy.optimize import linear_sum_assignment

    num_right = np.array([[_num_right(call, other) for other in wanted] for call in given])
    num_most = max(sum(_num_right(call, call) for call in calls) for calls in (given, wanted))
    return float(num_right[linear_sum_assignment(num_right, maximize=True)].sum()) / num_most


def _num_right(given: Any, wanted: Any) -> int:
    """The name and the arguments that two calls have in common; nothing where the names differ."""
    if not _same_json(given["name"], wanted["name"]):
        return 0
    ours, theirs = given["arguments"], wanted["arguments"]
    if not isinstance(ours, dict) or not isinstance(theirs, dict):  # a row may hold arguments that are no object
        return 1 + _same_json(ours, theirs)
    return 1 + sum(key in ours and _same_json(ours[key], value) for key, value in theirs.items())


def _same_json(left: Any, right: Any) -> bool:
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(_same_json(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(_same_json, left, right))
    if isinstance(left, str) and isinstance(right, str):  # escapes such as \u0301 come out of the parser as they were
        return canonical_text(left) == canonical_text(right)
    # In Python True == 1; in JSON they differ.
    return type(left) is type(right) and bool(left == right)
