"""Lengths that stand out: texts far longer than usual, and answers of a single character."""

from array import array
from collections.abc import Iterator

import numpy as np

from tunewright.data.checks.answers import answer_kind
from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.checks.row_finding import row_finding
from tunewright.records import CheckRecipe, Finding, Severity

LONG_FACTOR = 10
MIN_MEDIAN_CHARACTERS = 10
"""A shorter median counts as this: among answers of 3 characters one of 31 is nothing strange."""


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    inputs, answers = array("I"), array("I")
    for row in rows:
        inputs.append(len(row.input))
        answers.append(len(row.answer))
    usual_input, usual_answer = _usual(inputs), _usual(answers)
    is_free_text = answer_kind(rows) == "text"
    for row in rows:
        name = "text" if row.kind == "text" else "answer"
        yield from _find_long(row, "input", row.input, usual_input)
        yield from _find_long(row, name, row.answer, usual_answer)
        if is_free_text and len(row.answer.strip()) == 1:
            explanation = f"The {name} is a single character, while others have {usual_answer:,.0f} (median)."
            yield row_finding(LENGTHS.id, row, explanation, excerpt(f"{row.input} → {row.answer}"))


def _usual(lengths: "array[int]") -> float:
    found = np.array(lengths)
    return max(MIN_MEDIAN_CHARACTERS, float(np.median(found[found > 0])) if any(lengths) else 0)


def _find_long(row: CheckedRow, name: str, text: str, usual: float) -> Iterator[Finding]:
    factor = len(text) / usual
    if factor > LONG_FACTOR:
        explanation = f"The {name} has {len(text):,} characters, {factor:,.0f} times as many as usual."
        yield row_finding(LENGTHS.id, row, explanation, excerpt(text), factor)


LENGTHS = Check(
    id="lengths",
    title="Unusual lengths",
    explanation=(
        "Inputs and answers of more than 10 times the median number of characters (a median below 10 counts as 10), "
        "and free-text answers of a single character. Very long rows cost most of the training time and are often "
        "something else than the others; a single character is often a cut-off answer."
    ),
    severity=Severity.NOTE,
    action="listed only",
    find=_find,
)
