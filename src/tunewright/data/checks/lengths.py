"""Lengths that stand out: texts far longer than usual, and answers of a single character."""

from collections.abc import Iterator, Sequence
from statistics import median

from tunewright.data.checks.answers import answer_kind
from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.checks.row_finding import row_finding
from tunewright.records import CheckRecipe, Conversation, Finding, Severity

LONG_FACTOR = 10
MIN_MEDIAN_CHARACTERS = 10
"""A shorter median counts as this: among answers of 3 characters one of 31 is nothing strange."""


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    usual_input = _usual([row.input for row in rows])
    usual_answer = _usual([row.answer for row in rows])
    is_free_text = answer_kind(rows) == "text"
    for row in rows:
        name = "answer" if isinstance(row.example.body, Conversation) else "text"
        yield from _find_long(row, "input", row.input, usual_input)
        yield from _find_long(row, name, row.answer, usual_answer)
        if is_free_text and len(row.answer.strip()) == 1:
            explanation = f"The {name} is a single character, while others have {usual_answer:,.0f} (median)."
            yield row_finding(LENGTHS.id, row, explanation, excerpt(f"{row.input} → {row.answer}"))


def _usual(texts: Sequence[str]) -> float:
    return max(MIN_MEDIAN_CHARACTERS, median([len(text) for text in texts if text] or [0]))


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
