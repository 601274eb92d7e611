"""What the card says of the training run, as a small file beside the weights that came of it, and its picture."""

import hashlib
from pathlib import Path

from pretrain.stages import STAGES

from tunewright.records import Run, TrainingSummary
from tunewright.records.base import Record

KINDS_SHOWN = ("text", "repeats", "context_answer", "few_shot_labels", "json_extraction", "copying", "rewriting")
"""Of the held-out rows; twelve lines could not be told apart."""


class HeldOut(Record):
    """Losses of the held-out rows after some steps."""

    step: int
    losses: dict[str, float]
    """Nats per trained token, by kind."""


class TrainingFigures(Record):
    """One training run in numbers."""

    num_steps: int
    num_parameters: int
    num_tokens: int
    num_trained_tokens: int
    seconds: float
    machine: str
    versions: dict[str, str]
    weights_sha256: str
    """Of model.safetensors, which the run wrote."""
    train_losses: tuple[float, ...]
    """Nats per trained token of each step."""
    held_out: tuple[HeldOut, ...]


def figures_of(summary: TrainingSummary, run: Run, weights: Path) -> TrainingFigures:
    """Leave out what the card does not need: rates, gradient lengths, folders of the machine."""
    packages = run.environment.packages
    return TrainingFigures(
        num_steps=summary.num_steps,
        num_parameters=summary.num_parameters,
        num_tokens=summary.num_tokens,
        num_trained_tokens=summary.num_trained_tokens,
        seconds=round(summary.seconds, 1),
        machine=run.environment.accelerator or run.environment.processor,
        versions={name: packages[name] for name in ("torch", "transformers")},
        weights_sha256=hashlib.sha256(weights.read_bytes()).hexdigest(),
        train_losses=tuple(round(point.train_loss, 5) for point in summary.curve if point.train_loss is not None),
        held_out=tuple(
            HeldOut(step=point.step, losses={kind: round(loss, 5) for kind, loss in point.validation_parts.items()})
            for point in summary.curve
            if point.validation_parts is not None
        ),
    )


def draw_curve(figures: TrainingFigures, path: Path) -> None:
    """Training loss of each step, and held-out losses by kind; dashed where a stage ends."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.plot(range(1, figures.num_steps + 1), figures.train_losses, linewidth=0.9)
    left.set(title="training loss of the mix", ylabel="nats per trained token")
    for kind in KINDS_SHOWN:
        points = [(point.step, point.losses[kind]) for point in figures.held_out]
        right.plot(*zip(*points, strict=True), marker="o", markersize=3, label=kind)
    right.set(title="held-out loss by kind")
    right.legend(fontsize=7)
    ends = [sum(stage.num_steps for stage in STAGES[:number]) for number in range(1, len(STAGES))]
    for panel in (left, right):
        for end in ends:
            panel.axvline(end, color="grey", linewidth=0.8, linestyle="--")
        panel.set(xlabel="step", ylim=(0, None))
        panel.grid(visible=True, alpha=0.3)
    # Ids of the drawing come from the salt: the same bytes for the same numbers.
    with mpl.rc_context({"svg.hashsalt": "tunewright"}):
        figure.savefig(path, metadata={"Date": None})
