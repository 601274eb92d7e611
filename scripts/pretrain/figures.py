"""What the card says of the training run, as a small file beside the weights that came of it, and its picture."""

import hashlib
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path

from pretrain.mix import Stage

from tunewright.records import Run, TrainingSummary
from tunewright.records.base import Record

KINDS_SHOWN = ("text", "repeats", "context_answer", "few_shot_labels", "json_extraction", "copying", "rewriting")
"""Of the held-out rows; twelve lines could not be told apart."""


class HeldOut(Record):
    """Losses of the held-out rows after some steps."""

    step: int
    losses: dict[str, float]
    """Nats per trained token, by kind."""


class StageFigures(Record):
    """A stretch of training with one mix."""

    name: str
    num_steps: int
    tokens_per_step: int
    learning_rate: float
    shares: Mapping[str, float]
    """Share of the tokens of each kind of rows."""


class TrainingFigures(Record):
    """One sitting in numbers."""

    date: str
    stages: tuple[StageFigures, ...]
    num_steps: int
    num_parameters: int
    num_tokens: int
    num_trained_tokens: int
    seconds: float
    machine: str
    versions: dict[str, str]
    start_sha256: str | None
    """Of the model.safetensors that it went on from; None where that is not known any more."""
    start_share: float = 0.0
    """Of the weights that it went on from, in the average that it wrote."""
    weights_sha256: str
    """Of the model.safetensors that it wrote."""
    train_losses: tuple[float, ...]
    """Nats per trained token of each step."""
    held_out: tuple[HeldOut, ...]


class PretrainingFigures(Record):
    """Every sitting that made the bundled weights, each from the weights of the one before."""

    sittings: tuple[TrainingFigures, ...]

    def followed_by(self, sitting: TrainingFigures) -> "PretrainingFigures":
        """These and one more, or that one alone where it did not go on from the last of these."""
        goes_on = self.sittings and self.sittings[-1].weights_sha256 == sitting.start_sha256
        return PretrainingFigures(sittings=(*self.sittings, sitting) if goes_on else (sitting,))


def figures_of(
    summary: TrainingSummary, run: Run, stages: Sequence[Stage], start: Path, model: Path, start_share: float = 0.0
) -> TrainingFigures:
    """Leave out what the card does not need: rates, gradient lengths, folders of the machine."""
    packages = run.environment.packages
    return TrainingFigures(
        date=run.created_at[:10],
        stages=tuple(
            StageFigures(
                name=stage.name,
                num_steps=stage.num_steps,
                tokens_per_step=stage.tokens_per_step,
                learning_rate=stage.learning_rate,
                shares=stage.shares,
            )
            for stage in stages
            if stage.num_steps
        ),
        num_steps=summary.num_steps,
        num_parameters=summary.num_parameters,
        num_tokens=summary.num_tokens,
        num_trained_tokens=summary.num_trained_tokens,
        seconds=round(summary.seconds, 1),
        machine=run.environment.accelerator or run.environment.processor,
        versions={name: packages[name] for name in ("torch", "transformers")},
        start_sha256=sha256_of(start),
        start_share=start_share,
        weights_sha256=sha256_of(model),
        train_losses=tuple(round(point.train_loss, 5) for point in summary.curve if point.train_loss is not None),
        held_out=tuple(
            HeldOut(step=point.step, losses={kind: round(loss, 5) for kind, loss in point.validation_parts.items()})
            for point in summary.curve
            if point.validation_parts is not None
        ),
    )


def sha256_of(folder: Path) -> str:
    """Of the weights in a model's folder."""
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def draw_curve(figures: PretrainingFigures, path: Path) -> None:
    """Training loss of each step, and held-out losses by kind. Dashed: a stage ends; solid: a sitting."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    train_losses = [loss for sitting in figures.sittings for loss in sitting.train_losses]
    left.plot(range(1, len(train_losses) + 1), train_losses, linewidth=0.9)
    left.set(title="training loss of the mix", ylabel="nats per trained token")
    starts = list(accumulate((sitting.num_steps for sitting in figures.sittings), initial=0))
    for kind in KINDS_SHOWN:
        points = [
            (before + point.step, point.losses[kind])
            for before, sitting in zip(starts, figures.sittings, strict=False)
            for point in sitting.held_out
        ]
        right.plot(*zip(*points, strict=True), marker="o", markersize=3, label=kind)
    right.set(title="held-out loss by kind")
    right.legend(fontsize=7)
    stages = [stage for sitting in figures.sittings for stage in sitting.stages]
    ends = list(accumulate(stage.num_steps for stage in stages))[:-1]
    for panel in (left, right):
        for end in ends:
            panel.axvline(end, color="grey", linewidth=0.8, linestyle="-" if end in starts else "--")
        panel.set(xlabel="step", ylim=(0, None))
        panel.grid(visible=True, alpha=0.3)
    # Ids of the drawing come from the salt: the same bytes for the same numbers.
    with mpl.rc_context({"svg.hashsalt": "tunewright"}):
        figure.savefig(path, metadata={"Date": None})
