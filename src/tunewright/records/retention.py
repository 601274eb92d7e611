"""Retention: what training did to the base's general ability, and what was tried to keep it."""

from typing import Literal

from tunewright.records.base import Record
from tunewright.records.result import Estimate, Metric


class RetentionPart(Record):
    """One ability of the base, such as grammar, at one moment of training."""

    part: str
    """Name of its Metric in RetentionSummary."""
    estimate: Estimate | None = None
    """None with fewer than two scored items."""
    drop: Estimate | None = None
    """What was lost since the base, on the same items: points of a share, or the rise of the loss as a share of the
    base's loss. Positive is worse."""
    limit: float | None = None
    """Most that may be lost; None where a part is reported and decides nothing."""

    @property
    def is_within(self) -> bool:
        """Whether the drop may lie within the limit: only a whole interval beyond it counts as beyond."""
        return self.limit is None or self.drop is None or self.drop.low <= self.limit


class RetentionResult(Record):
    """One run of the retention suite."""

    parts: tuple[RetentionPart, ...]

    @property
    def is_within(self) -> bool:
        """Whether no part has certainly lost more than its limit."""
        return all(part.is_within for part in self.parts)

    def of(self, name: str) -> RetentionPart:
        """One part by its name."""
        return next(part for part in self.parts if part.part == name)


class StrengthTrial(Record):
    """The trained adapter at a part of its strength, without training again."""

    strength: float
    """What the adapter's update was multiplied with: 0 is the base, 1 is as trained."""
    validation_loss: float
    retention: RetentionResult | None
    """None where it was not measured: another strength was kept before its turn came, or the loss is too high."""
    task: Estimate | None = None
    """The leading metric on validation answers, of the strength that is kept."""


class RetentionAttempt(Record):
    """One training among those that were tried because too much general ability was lost."""

    name: Literal["as asked", "rehearsal", "mlp"]
    """rehearsal: with general rows among the user's; mlp: also with LoRA in the feed-forward blocks alone."""
    told: str
    """What came of it, in plain words."""
    lowest_loss: float
    """Lowest validation loss, whatever was forgotten."""
    kept_loss: float
    """Validation loss of the weights that would be kept: those of the base where nothing keeps within the limits."""
    task: Estimate | None = None
    """The leading metric of these weights on validation answers; None where the validation loss decides."""
    keeps_within: bool
    """Whether trained weights were found that keep general ability."""
    is_enough: bool = True
    """Whether they also keep most of what was gained at the task, so that nothing else was tried."""
    seconds: float
    """Wall time of training, measuring and trying strengths."""


class RetentionSummary(Record):
    """What training did to general ability, and what was done about it."""

    suite_version: int
    suite_hash: str
    """Of every text, local files included."""
    num_items: int
    num_tokens: int
    """Read by one run of the suite."""
    metrics: tuple[Metric, ...]
    """What each part is, in their order."""
    base: RetentionResult
    kept: RetentionResult
    """Of the weights in the artifact."""
    end: RetentionResult
    """Of the last weights that training reached."""
    kept_step: int
    end_step: int
    strength: float = 1.0
    """Of the adapter in the artifact."""
    task: Estimate | None = None
    """The leading metric of the kept weights on validation answers; None where the validation loss decides."""
    keeps_task: bool = True
    """Whether they keep most of what was gained at the task: False where only what forgets too much does."""
    trials: tuple[StrengthTrial, ...] = ()
    """Strengths that were tried because what is best at the task was beyond the limits, strongest first."""
    attempts: tuple[RetentionAttempt, ...] = ()
    """Every training in its order, where there was more than one; the best at the task within the limits is kept."""
    told: str
    """What was kept and why, in plain words."""
    advice: tuple[str, ...] = ()
    """What else can be tried, each with its setting."""
    seconds_per_run: float
    """Wall time of the first run of the suite; every validation takes about as long again."""
    trial_seconds: float = 0.0
    """Wall time of the trials."""
