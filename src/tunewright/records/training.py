"""Training: its curve, what it was expected to take, what it changed on the way, and which weights it kept."""

import math
from typing import Literal

from tunewright.records.base import Record
from tunewright.records.result import Estimate, Metric
from tunewright.records.retention import RetentionResult, RetentionSummary
from tunewright.records.sizes import format_bytes

PathName = Literal["fast", "packed", "padded", "alone"]
"""Of the ways to compute rows; see model/layout.py."""

_HOW: dict[PathName, str] = {
    "fast": "Rows are packed without padding and computed by tunewright's own layers",
    "packed": "Rows are packed without padding and computed by the network's own code",
    "padded": "Rows are padded to equal length and computed by the network's own code",
    "alone": "Rows are computed one after the other by the network's own code",
}


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
    """In the curve of a run that is under way, none before the first step: the network is the base."""
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
    longest_row: int | None = None
    """In tokens: what a micro-batch holds at least; None for runs of versions that did not say."""
    disk_bytes: int | None = None
    """Most that the run's folder will hold at once; None for runs of versions that did not say."""
    free_disk_bytes: int | None = None
    """On the disk of that folder, before the first checkpoint."""

    @property
    def told(self) -> str:
        """In one line."""
        minutes, seconds = divmod(round(self.seconds), 60)
        disk = ""
        if self.disk_bytes is not None and self.free_disk_bytes is not None:
            disk = f", disk: about {format_bytes(self.disk_bytes)} of {format_bytes(self.free_disk_bytes)} free"
        return (
            f"Forecast: {self.num_steps:,} steps, {self.num_tokens:,} tokens, "
            f"{f'{minutes:,} min ' if minutes else ''}{seconds} s, peak memory {self.peak_memory_bytes / 1e9:.1f} GB"
            f"{disk}."
        )


class TrainingPath(Record):
    """What computed the rows of a training, and why nothing faster did."""

    name: PathName
    reason: str
    """Why it is none of the faster ones; of the fastest, how it was found to be right."""
    num_shared_tokens: int = 0
    """That all rows begin with; computed once per batch."""
    num_processes: int = 1
    """That share the rows of a step."""
    left_out_layers: tuple[str, ...] = ()
    """Linear layers, by the last part of their names, that LoRA was to update and cannot."""

    @property
    def told(self) -> str:
        """In a few sentences."""
        told = [f"{_HOW[self.name]} ({self.reason})."]
        if self.num_processes > 1:
            told.insert(0, f"{self.num_processes} processes share the rows of a step.")
        if self.num_shared_tokens:
            told.append(f"The {self.num_shared_tokens} tokens that all rows begin with are computed once per batch.")
        if self.left_out_layers:
            told.append(f"LoRA leaves out {', '.join(self.left_out_layers)}: no update can be added to such layers.")
        return " ".join(told)


class Remedy(Record):
    """What a run changed about itself to be able to go on."""

    from_step: int
    """Steps done before the first one that it holds for."""
    tokens_per_micro_batch: int | None = None
    """Less is computed at once; the result is the same, but for which inputs dropout zeroes."""
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
    path: TrainingPath | None = None
    """None for runs of versions that did not note it."""
    forecast: Forecast | None = None
    """None for runs of versions that made none."""
    remedies: tuple[Remedy, ...] = ()
    """What had to be changed on the way."""
    retention: RetentionSummary | None = None
    """None when it was not measured."""

    @property
    def ending(self) -> str:
        """Why it went no further, as part of a sentence."""
        if self.stopped == "finished":
            return "ran to the end"
        beyond = self._better_beyond_limits()
        if beyond is None or beyond.retention is None:
            return "stopped early because validations no longer got better"
        parts = ", ".join(part.part for part in beyond.retention.parts if not part.is_within)
        return (
            "stopped early because validations within the limits of general ability no longer got better: that of step "
            f"{beyond.step:,} did, and is beyond them ({parts})"
        )

    def _better_beyond_limits(self) -> CurvePoint | None:
        """The best validation after the checkpoint that was kept that early stopping did not count.

        While nothing trained can be kept, every validation counts.
        """
        losses = {point.step: point.validation_loss for point in self.curve if point.validation_loss is not None}
        if self.best_step == 0 or self.best_step not in losses:
            return None

        def rank(point: CurvePoint) -> tuple[bool, float]:
            return point.step != self.task_step, losses.get(point.step, math.inf)

        better = [
            point
            for point in self.curve
            if point.step > self.best_step
            and not (point.retention is None or point.retention.is_within)
            and rank(point) < (True, losses[self.best_step])
        ]
        return min(better, key=rank, default=None)

    @property
    def all_seconds(self) -> float:
        """Training time with that of trainings whose weights were not kept."""
        attempts = self.retention.attempts if self.retention else ()
        return sum(attempt.seconds for attempt in attempts) or self.seconds
