"""Report: what was measured, on which rows, with which uncertainty, and what follows from it."""

from enum import StrEnum
from typing import Any, Literal

from tunewright.records.base import Record
from tunewright.records.dataset import Change, Source
from tunewright.records.recipe import Derived
from tunewright.records.run import BaseModelRef, Environment
from tunewright.records.score import Answer


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


class Verdict(StrEnum):
    BETTER = "better"
    WORSE = "worse"
    TOO_FEW_ROWS = "too few rows to tell"


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
    test: Literal["paired bootstrap", "exact McNemar", "none"]
    verdict: Verdict


class AnswerRow(Record):
    """One test input with the answers of every arm side by side."""

    example_id: str
    location: str
    prompt: str
    references: tuple[str, ...]
    answers: dict[str, Answer]
    """By arm."""
    values: dict[str, float | None]
    """Value of the sorting metric by arm."""


class CurvePoint(Record):
    """One optimizer step (or validation) of the training curve."""

    step: int
    epoch: float
    train_loss: float | None = None
    """Nats per trained token over the step."""
    validation_loss: float | None = None
    validation_parts: dict[str, float] | None = None
    """Loss of each kind of validation rows, where they are of several kinds."""
    learning_rate: float | None = None
    gradient_norm: float | None = None


class TrainingSummary(Record):
    num_steps: int
    num_planned_steps: int
    best_step: int
    best_validation_loss: float
    stopped: Literal["finished", "early"]
    """early: validation loss stopped falling (patience)."""
    num_trained_parameters: int
    num_parameters: int
    num_tokens: int
    """Tokens seen, padding not counted."""
    num_trained_tokens: int
    seconds: float
    peak_memory_bytes: int
    curve: tuple[CurvePoint, ...]


class DataSummary(Record):
    dataset_id: str
    sources: tuple[Source, ...]
    num_rows: dict[str, int]
    """By split."""
    num_test_inputs: int
    """Distinct inputs among the test rows; rows that share an input are scored together, as its references."""
    changes: tuple[Change, ...]
    samples: tuple[str, ...]
    """Three rendered rows as the model sees them."""
    prompt_tokens: tuple[int, ...] = ()
    answer_tokens: tuple[int, ...] = ()
    """Lengths of the training rows, for the histogram."""


class Report(Record):
    """Result of `tune` (arms base and tuned) or `evaluate` (one arm)."""

    run_id: str
    title: str
    created_at: str
    command: str
    summary: str
    """The verdict in plain words."""
    arms: tuple[str, ...]
    metrics: tuple[Metric, ...]
    results: tuple[ArmMetric, ...]
    differences: tuple[Difference, ...]
    headline_metric: str
    """The metric that sorts the answers and leads the summary."""
    answers: tuple[AnswerRow, ...]
    """Best and worst rows of the last arm under the headline metric."""
    training: TrainingSummary | None
    data: DataSummary
    base: BaseModelRef
    recipe: dict[str, Any]
    derived: tuple[Derived, ...]
    environment: Environment
    seconds: dict[str, float]
    """Wall time by stage."""
