"""Report: what was measured, on which rows, with which uncertainty, and what follows from it."""

from typing import Any, Literal

from tunewright.records.base import Record
from tunewright.records.dataset import Change, Source
from tunewright.records.recipe import Derived
from tunewright.records.result import ArmMetric, Difference, Estimate, Metric, SliceResult
from tunewright.records.run import BaseChange, BaseModelRef, Environment
from tunewright.records.score import Answer
from tunewright.records.training import TrainingSummary


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


class BenchmarkResult(Record):
    """A task of lm-evaluation-harness before and after training."""

    task: str
    metric: str
    version: str
    """Of the task: other versions give other values."""
    is_share: bool = True
    """Whether its values are shares of right answers; others, such as a perplexity, are in the metric's own unit."""
    higher_is_better: bool = True
    base: Estimate | None
    tuned: Estimate | None
    change: Difference
    """tuned minus base, item by item."""


class MemorisationSummary(Record):
    """What can be got out of the base and of the tuned model."""

    canary_repeats: int
    max_exposure: float
    """Bits of a secret that is told apart from all others; one that was never seen has 1.4 on average."""
    base_exposures: tuple[float, ...]
    tuned_exposures: tuple[float, ...]
    """Of each planted secret, in bits; empty where none was planted."""
    base_rate: Estimate | None
    tuned_rate: Estimate | None
    """Share of training rows whose second half is written word for word; None where too few are long enough."""
    unseen_rate: Estimate | None
    """The same of test rows by the tuned model: what can be written without having been memorised."""
    num_too_short: int
    """Training rows that were passed over, because the second half is shorter than eight tokens."""


class BakeSummary(Record):
    """Whether the prompt is in the weights now, and what that saves."""

    prompt: str
    """The system prompt itself."""
    margin: float
    """In the unit of the headline metric."""
    outcome: Literal["equal", "no worse", "worse", "not shown"]
    """equal: the whole 95 % interval of tuned minus prompted lies within the margin; no worse: its lower end does;
    worse: all of it lies below the margin; not shown: the rows cannot tell."""
    told: str
    """The same in words, with figures."""
    agreement: Estimate | None
    """Share of test inputs that the tuned model answers with the very text of the prompted base."""
    num_distilled: int
    """Training rows whose token distributions were learned, too."""
    tokens_saved: float
    """Prompt tokens of a thousand requests."""
    milliseconds_saved: float
    """Machine time of a thousand requests; negative where the tuned model takes longer."""
    money_saved: float
    """The same in money, at the price of an hour of the machine."""
    currency: str


class DataSummary(Record):
    """The rows that a run was trained and judged on."""

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
    slices: tuple[SliceResult, ...] = ()
    """The headline metric by label, source, group and counted field, where the test rows have several of them."""
    answers: tuple[AnswerRow, ...]
    """Best and worst rows of the last arm under the headline metric."""
    training: TrainingSummary | None
    benchmarks: tuple[BenchmarkResult, ...] = ()
    """Public tasks that were asked for."""
    memorisation: MemorisationSummary | None = None
    bake: BakeSummary | None = None
    """Where a prompt was baked in; the arms are then prompted, base and tuned."""
    data: DataSummary
    base: BaseModelRef
    forced: tuple[BaseChange, ...] = ()
    """As in the run's record."""
    recipe: dict[str, Any]
    derived: tuple[Derived, ...]
    environment: Environment
    seconds: dict[str, float]
    """Wall time by stage."""
