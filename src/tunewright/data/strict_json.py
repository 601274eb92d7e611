r"""JSON without the traps that Python's parser lets through.

`json.loads` takes the last of two equal keys, accepts NaN, reads 1e999 as infinity and `"\ud800"` as a text that no
tokenizer can encode, and ends in RecursionError on deep nesting. All of these are refused here. The C scanner does the
parsing; the checks cost little because each has a cheap test that ordinary rows pass.
"""

import json
import math
import re
from collections import Counter
from typing import NoReturn

from tunewright.data.refusals import RefusedError, describe, excerpt

MAX_DEPTH = 64

# A string up to its closing quote, or to the end where that is missing. Possessive, so the time is linear.
_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_NOT_A_BRACKET = re.compile(r"[^\[\]{}]++")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")

_EXPECTED = {
    "Expecting value": "a JSON value",
    "Expecting property name": "a key in double quotes",
    "Expecting ':'": "a colon after the key",
    "Expecting ','": "a comma or a closing bracket",
    "Extra data": "the end of the row",
    "Invalid control character": "an escape such as \\n or \\t instead of the raw control character",
    "Invalid \\": "a JSON escape such as \\n or \\u00e9",
}
"""Plain words for the messages of Python's parser, by how they start."""


def check_depth(text: str, max_depth: int = MAX_DEPTH) -> None:
    """Refuse deep nesting before it is parsed, since the parser recurses.

    Raises:
        RefusedError: more than `max_depth` lists and objects are open at once.
    """
    if text.count("[") + text.count("{") <= max_depth:
        return
    depth = 0
    for bracket in _NOT_A_BRACKET.sub("", _STRING.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        if depth > max_depth:
            raise RefusedError(
                "", f"values nested more than {max_depth} deep", "flat rows", "Write the inner part as text."
            )


def decode_value(text: str, start: int = 0) -> tuple[object, int]:
    """Parse the JSON value at `start`, which must not be white space; check_depth comes first.

    Returns:
        The value and the index of the first character after it.
    Raises:
        json.JSONDecodeError: the syntax is wrong; refuse_syntax puts it into words.
        RefusedError: the syntax is right, but a rule of this module is broken. `skip_value` finds the end.
    """
    value, end = _DECODER.raw_decode(text, start)
    if _SURROGATE_ESCAPE.search(text, start, end):
        _check_surrogates(value, "")
    return value, end


def skip_value(text: str, start: int) -> int:
    """Index after a value that decode_value refused. Raises json.JSONDecodeError."""
    return _SKIPPER.raw_decode(text, start)[1]


def refuse_syntax(error: json.JSONDecodeError, place: str) -> RefusedError:
    """Say what the parser met, as a RefusedError at `place`."""
    rest = error.doc[error.pos :].rstrip()
    if not rest or error.msg.startswith("Unterminated string"):
        return RefusedError(
            place,
            f"{excerpt(rest)} and then the end of the text" if rest else "the end of the text",
            "the rest of the row",
            "The row is incomplete. If it is the last one, the file was cut off: export or download it again.",
        )
    expected = next((words for start, words in _EXPECTED.items() if error.msg.startswith(start)), error.msg.lower())
    return RefusedError(place, excerpt(rest), expected, "Correct the JSON here.")


def require_object(value: object) -> dict[str, object]:
    """Raises: RefusedError when a row is not an object."""
    if isinstance(value, dict):
        return value
    raise RefusedError(
        "",
        describe(value),
        "an object with named fields",
        'Write the row as {"prompt": "...", "completion": "..."}. A file that is one JSON array is named .json.',
    )


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    twice, _ = Counter(key for key, _ in pairs).most_common(1)[0]
    raise RefusedError("", f"the key {excerpt(twice)} twice in one object", "each key once", "Remove one of them.")


def _integer(digits: str) -> int:
    # Twenty characters hold every 64-bit integer; longer ones are not worth converting.
    if len(digits) <= 20 and -(2**63) <= (value := int(digits)) < 2**63:
        return value
    raise RefusedError("", f"the number {digits[:40]}", "an integer of at most 64 bits", "Write it as a text.")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isfinite(value):
        return value
    raise RefusedError("", f"the number {digits[:40]}", "a number below 1.8e308", "Write it as a text.")


def _constant(name: str) -> NoReturn:
    raise RefusedError("", name, "a finite number or null", f"JSON has no {name}: remove the row or the value.")


def _check_surrogates(value: object, place: str) -> None:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise RefusedError(
                place,
                f"{excerpt(value[error.start : error.end])}, half of a character",
                "whole characters",
                "The text was cut inside an emoji or similar: repair it or remove the row.",
            ) from None
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_surrogates(item, f"{place}[{index}]")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_surrogates(key, place)
            _check_surrogates(item, f"{place}.{key}" if place else key)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant)
# Numbers stay text: int() itself refuses more than 4,300 digits.
_SKIPPER = json.JSONDecoder(parse_int=str, parse_float=str)
