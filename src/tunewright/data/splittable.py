"""Rows that cannot be split as training would: `check` says so beforehand, beside everything else that it found."""

from tunewright.data.checks.row_finding import refused_finding
from tunewright.data.examine import ExaminedData
from tunewright.data.split import MIN_HELD_OUT_ROWS, MIN_TRAIN_ROWS, split_rows
from tunewright.errors import DataError
from tunewright.records import CheckResult, DataRecipe, Finding, Severity

SPLITS = "splits"
MAX_ROWS_TRIED = 10_000
"""Of more rows hardly any set is too few, and splitting would hold all of them in memory."""


def splittable(recipe: DataRecipe, examined: ExaminedData) -> CheckResult:
    """Split the rows as training would, and make what is refused a result like that of any check."""
    findings: tuple[Finding, ...] = ()
    if len(examined.rows) <= MAX_ROWS_TRIED:
        try:
            split_rows(recipe, examined)
        except DataError as error:
            findings = tuple(refused_finding(SPLITS, problem) for problem in error.problems)
    return CheckResult(
        check=SPLITS,
        title="Rows that cannot be split",
        explanation=(
            f"Training takes at least {MIN_TRAIN_ROWS} rows to learn from and, where they have no file of their own, "
            f"{MIN_HELD_OUT_ROWS} for validation and {MIN_HELD_OUT_ROWS} for the test. Rows with the same input, or "
            "nearly the same, share a split."
        ),
        severity=Severity.BLOCKING,
        action="training is refused until there are enough",
        num_rows=len(examined.rows) if findings else 0,
        findings=findings,
        is_acceptable=False,
    )
