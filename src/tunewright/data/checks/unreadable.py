"""Rows that cannot be read: `check` lists them beside everything else, where training refuses the file at once."""

from tunewright.data.checks.row_finding import refused_finding
from tunewright.data.refusals import Unreadable
from tunewright.records import CheckResult, Severity

UNREADABLE_ROWS = "unreadable_rows"


def unreadable_rows(unreadable: Unreadable) -> CheckResult:
    """Make what the reader refused a result like that of any check."""
    return CheckResult(
        check=UNREADABLE_ROWS,
        title="Rows that cannot be read",
        explanation=(
            "Rows that are no valid row of their file: broken JSON, a field that is missing or of another type, a "
            "conversation without a question or an answer. They are left out of every other check."
        ),
        severity=Severity.BLOCKING,
        action="training is refused until they are corrected or removed",
        num_rows=unreadable.num_rows,
        is_acceptable=False,
        findings=tuple(refused_finding(UNREADABLE_ROWS, problem) for problem in unreadable.problems),
    )
