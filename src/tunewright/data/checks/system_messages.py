"""Conversations without the system message that nearly all others begin with."""

from collections.abc import Iterable

from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.records import CheckRecipe, Finding, Severity

MIN_SHARE = 2 / 3
"""Share of the rows with a question that begin with a system message, from which on the others are odd."""


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    asked = with_system = 0
    for row in rows:
        asked += row.kind != "text"
        with_system += bool(row.system)
    if not asked or with_system < MIN_SHARE * asked:
        return
    share = with_system / asked
    for row in rows:
        if row.kind != "text" and not row.system:
            explanation = f"The row has no system message, but {share:.0%} of the rows begin with one."
            yield row_finding(MISSING_SYSTEM_MESSAGE.id, row, explanation, excerpt(row.input))


MISSING_SYSTEM_MESSAGE = Check(
    id="missing_system_message",
    title="Rows without the system message of the others",
    explanation="Rows without a system message where at least two thirds of the rows have one. The model learns to "
    "answer in another way when it is missing; to give all rows without one the same, set `data.system_prompt`.",
    severity=Severity.NOTE,
    action="listed only",
    find=_find,
)
