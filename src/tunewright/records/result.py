"""Results: measured numbers with their uncertainty, and what the numbers of two arms say about each other."""

from enum import StrEnum
from typing import Literal

from tunewright.records.base import Record


class Estimate(Record):
    """A measured number with its uncertainty."""

    value: float
    low: float
    high: float
    """Ends of the 95 % interval."""
    num_rows: int
    """Scored rows behind the value (n)."""
    num_unscored: int = 0
    interval: Literal["bootstrap", "wilson"] = "bootstrap"
    num_groups: int | None = None
    """Groups that the rows are of, which were then resampled in place of rows; None where no two rows share one."""

    @property
    def is_by_group(self) -> bool:
        """Whether groups were resampled: rows are where each stands alone, and where all are of one group."""
        return self.num_groups is not None and self.num_groups > 1

    @property
    def num_independent(self) -> int:
        """What was resampled: groups or rows."""
        return self.num_groups if self.num_groups is not None and self.num_groups > 1 else self.num_rows

    def is_within_a_row(self, of: float) -> bool:
        """Whether the mean is behind a higher one by no more than one row can make it.

        >>> Estimate(value=0.95, low=0.9, high=1.0, num_rows=20).is_within_a_row(1.0)
        True
        """
        return self.value >= of - 1 / self.num_rows - 1e-9  # means are not exact


class Verdict(StrEnum):
    """What the numbers say about a difference. The third is an answer, not a failure: more rows may settle it."""

    BETTER = "better"
    WORSE = "worse"
    TOO_FEW_ROWS = "too few rows to tell"

    @property
    def opposite(self) -> "Verdict":
        """The verdict of the same comparison seen from the other side."""
        return {Verdict.BETTER: Verdict.WORSE, Verdict.WORSE: Verdict.BETTER}.get(self, self)


class Metric(Record):
    """What a number means, for people who have not read the code."""

    name: str
    title: str
    explanation: str
    higher_is_better: bool
    is_share: bool
    """Whether values lie in 0..1 and read best as per cent."""


class ArmMetric(Record):
    """One metric of one arm. `estimate` is None when no row could be scored; `reason` then says why."""

    arm: str
    metric: str
    estimate: Estimate | None
    reason: str | None = None


class Difference(Record):
    """`arm` minus `baseline` on the same rows."""

    metric: str
    arm: str
    baseline: str
    estimate: Estimate | None
    p_value: float | None
    """Of the test named in `test`, two-sided."""
    test: Literal["paired bootstrap", "paired bootstrap of groups", "exact McNemar", "none"]
    verdict: Verdict
    adjusted_p_value: float | None = None
    """p-value after Holm's correction over the comparisons of a study, which the verdict then follows; None where
    nothing was corrected."""

    @property
    def reversed(self) -> "Difference":
        """The same comparison seen from the other arm."""
        found = self.estimate
        if found is not None:
            ends = {"value": -found.value, "low": -found.high, "high": -found.low}
            found = found.model_copy(update=ends)
        sides = {"arm": self.baseline, "baseline": self.arm}
        return self.model_copy(update={**sides, "estimate": found, "verdict": self.verdict.opposite})


class SliceResult(Record):
    """One metric of one arm over the test items that share a property, such as a label or a source."""

    slice: str
    """The property: label, source, cluster, or the name of a group column."""
    value: str
    arm: str
    metric: str
    num_items: int
    """Items of the slice, scored or not."""
    estimate: Estimate | None
    note: str | None = None
    """Why there is no estimate, or that the slice is too small to conclude from."""
