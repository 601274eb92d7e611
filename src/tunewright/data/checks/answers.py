"""What kind of answers the rows have, so that checks for labels, JSON or code run only where they mean something."""

import json
from collections.abc import Callable, Iterator
from typing import Literal

from tunewright.data.checks.check import CheckedRow, RowSet, once, overview
from tunewright.data.checks.code_blocks import code_language
from tunewright.data.refusals import RefusedError, describe
from tunewright.data.strict_json import check_depth, decode_value, refuse_syntax

AnswerKind = Literal["json", "label", "code", "text"]

# The same limits as in evaluate/task.py, which chooses metrics by them: a check and a metric must not disagree.
FITTING_PERCENT = 95
"""Answers that must have a form before it counts as the form of the data: a few odd rows do not change the kind."""
MAX_LABELS = 200
MAX_LABEL_WORDS = 5
MIN_ROWS_PER_LABEL = 3

_WHITE_SPACE = " \t\r\n"


def answer_kind(rows: RowSet) -> AnswerKind:
    """Name what most answers are; the first kind that fits counts.

    | kind | when |
    |---|---|
    | json | at least 95 % are one JSON object or array |
    | label | at most 200 different answers of at most 5 words, each 5 times on average (3 times if there are two) |
    | code | at least 95 % are one fenced block of code, or start like Python or SQL |
    | text | everything else, plain text included |
    """
    return once(rows, _answer_kind)


def _answer_kind(rows: RowSet) -> AnswerKind:
    num_answers = overview(rows).num_answers
    if not num_answers:
        return "text"
    if _are_mostly(is_json, rows, num_answers):
        return "json"
    if _are_labels(rows, num_answers):
        return "label"
    if _are_mostly(lambda answer: code_language(answer) is not None, rows, num_answers):
        return "code"
    return "text"


def answered(rows: RowSet) -> Iterator[CheckedRow]:
    """The rows that have an answer in text: no plain texts, and no conversations that end in calls of functions."""
    return (row for row in rows if row.has_answer)


def normal_label(text: str) -> str:
    """The form in which labels are compared: stripped and case-folded."""
    return text.strip().casefold()


def is_json(text: str) -> bool:
    """Whether the whole text is one strict JSON object or array."""
    if text.lstrip(_WHITE_SPACE)[:1] not in ("{", "["):  # prose is told apart without the cost of an exception
        return False
    try:
        parse_json(text)
    except RefusedError:
        return False
    return True


def parse_json(text: str) -> dict[str, object] | list[object]:
    """Read a text that is one JSON object or array: no other text, no key twice, no NaN or infinity.

    Raises:
        RefusedError: it is not; characters are counted from 1.
    """
    check_depth(text)
    start = len(text) - len(text.lstrip(_WHITE_SPACE))
    try:
        value, end = decode_value(text, start)
        rest = text[end:].lstrip(_WHITE_SPACE)
        if rest:
            raise json.JSONDecodeError("Extra data", text, len(text) - len(rest))
    except json.JSONDecodeError as error:
        raise refuse_syntax(error, f"character {error.pos + 1}") from None
    if isinstance(value, dict | list):
        return value
    raise RefusedError("", describe(value), "a JSON object or array", "Write the answer as an object.")


def _are_mostly(has_form: Callable[[str], bool], rows: RowSet, num_answers: int) -> bool:
    """Stops as soon as too many answers differ, so that a large data set of another kind costs little."""
    num_left = num_answers * (100 - FITTING_PERCENT) // 100
    for row in answered(rows):
        if not has_form(row.answer):
            num_left -= 1
            if num_left < 0:
                return False
    return True


def _are_labels(rows: RowSet, num_answers: int) -> bool:
    labels = set()
    for row in answered(rows):
        labels.add(normal_label(row.answer))
        if len(labels) > MAX_LABELS:
            return False
    return (
        len(labels) <= max(2, num_answers / 5)
        and all(len(label.split()) <= MAX_LABEL_WORDS for label in labels)
        and num_answers / len(labels) >= MIN_ROWS_PER_LABEL
    )
