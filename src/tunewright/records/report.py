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
    test: Literal["paired bootstrap", "exact McNemar", "none"]
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


class CurvePoint(Record):
    """One optimizer step (or validation) of the training curve."""

    step: int
    epoch: float
    train_loss: float | None = None
    """Nats per trained token over the step."""
    validation_loss: float | None = None
    validation_parts: dict[str, float] | None = None
    """Loss of each kind of validation rows, where they are of several kinds."""
    task: Estimate | None = None
    """The leading metric of answers to validation rows, where it decides what is kept."""
    retention: RetentionResult | None = None
    learning_rate: float | None = None
    gradient_norm: float | None = None
    was_skipped: bool | None = None
    """Its loss or gradient was not a number, so the weights were not updated."""


class Forecast(Record):
    """What a training was expected to take, said before its first step."""

    num_steps: int
    """Planned; early stopping may end sooner."""
    num_tokens: int
    seconds: float
    """Steps and validations; without measurements of general ability."""
    peak_memory_bytes: int

    @property
    def told(self) -> str:
        """In one line."""
        minutes, seconds = divmod(round(self.seconds), 60)
        return (
            f"Forecast: {self.num_steps:,} steps, {self.num_tokens:,} tokens, "
            f"{f'{minutes:,} min ' if minutes else ''}{seconds} s, peak memory {self.peak_memory_bytes / 1e9:.1f} GB."
        )


class Remedy(Record):
    """What a run changed about itself to be able to go on."""

    from_step: int
    """Steps done before the first one that it holds for."""
    tokens_per_micro_batch: int | None = None
    """Less is computed at once; the result is the same."""
    gradient_checkpointing: bool | None = None
    """Layers are computed a second time in the backward pass; the result is the same."""
    learning_rate_factor: float | None = None
    """The planned learning rate is multiplied with it."""
    reason: str

    @property
    def told(self) -> str:
        """In plain words, without the reason."""
        if self.tokens_per_micro_batch is not None:
            return (
                f"Memory is short: from step {self.from_step + 1} on, micro-batches of {self.tokens_per_micro_batch:,} "
                "tokens, with the same rows per step."
            )
        if self.gradient_checkpointing:
            return (
                f"Memory is short: from step {self.from_step + 1} on, gradient checkpointing. Layers are computed a "
                "second time in the backward pass, with the same result; steps take about a third longer."
            )
        return (
            f"Training diverged: back to the best checkpoint, after step {self.from_step}, and on from there at "
            f"{self.learning_rate_factor:g} times the learning rate."
        )


class StrengthTrial(Record):
    """The trained adapter at a part of its strength, without training again."""

    strength: float
    """What the adapter's update was multiplied with: 0 is the base, 1 is as trained."""
    validation_loss: float
    retention: RetentionResult | None
    """None where it was not measured: another strength was kept before its turn came, or the loss is too high."""


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
    keeps_within: bool
    """Whether trained weights were found that keep general ability."""
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
    max_items_between: int | None = None
    """Most items of each part at validations; None where all of them were measured."""
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
    trials: tuple[StrengthTrial, ...] = ()
    """Strengths that were tried because the checkpoint was beyond the limits, strongest first."""
    attempts: tuple[RetentionAttempt, ...] = ()
    """Every training in its order, where there was more than one; the last that keeps within the limits is kept."""
    told: str
    """What was kept and why, in plain words."""
    advice: tuple[str, ...] = ()
    """What else can be tried, each with its setting."""
    seconds_per_run: float
    """Wall time of the first run of the suite; every validation takes about as long again."""
    trial_seconds: float = 0.0
    """Wall time of the trials."""


class TrainingSummary(Record):
    """How training went, and which of its checkpoints was kept."""

    num_steps: int
    num_planned_steps: int
    best_step: int
    """The checkpoint that was kept: the best at the task among those that keep general ability."""
    best_validation_loss: float
    task_step: int | None = None
    """The checkpoint that is best at the task, whatever was forgotten."""
    task_metric: Metric | None = None
    """What `task` of the curve is; None where the validation loss says how good a checkpoint is at the task."""
    stopped: Literal["finished", "early"]
    """early: validations stopped getting better (patience)."""
    num_trained_parameters: int
    num_parameters: int
    num_tokens: int
    """Tokens seen, padding not counted."""
    num_trained_tokens: int
    seconds: float
    peak_memory_bytes: int
    curve: tuple[CurvePoint, ...]
    forecast: Forecast | None = None
    """None for runs of versions that made none."""
    remedies: tuple[Remedy, ...] = ()
    """What had to be changed on the way."""
    retention: RetentionSummary | None = None
    """None when it was not measured."""

    @property
    def all_seconds(self) -> float:
        """Training time with that of trainings whose weights were not kept."""
        attempts = self.retention.attempts if self.retention else ()
        return sum(attempt.seconds for attempt in attempts) or self.seconds


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
    recipe: dict[str, Any]
    derived: tuple[Derived, ...]
    environment: Environment
    seconds: dict[str, float]
    """Wall time by stage."""
