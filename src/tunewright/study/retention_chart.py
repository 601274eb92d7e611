"""One chart of what was learned and what was forgotten: the task and general ability by optimizer step."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.records import Estimate, RetentionSummary, TrainingSummary
from tunewright.study.charts import SERIES_COLOURS, Chart
from tunewright.study.svg import INK, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TASK_COLOUR = SERIES_COLOURS[1]
_ABILITIES = (
    ("overall", "right-or-wrong items", SERIES_COLOURS[2], "D"),
    ("text", "general text", SERIES_COLOURS[3], "o"),
)
"""Part, name in the legend, colour and marker: the two whose limits are stated in the recipe."""


def retention_curves(training: TrainingSummary, name: str = "") -> tuple[Chart, ...]:
    """Draw the task's metric or loss and the drops of general ability on one chart; none when they were not measured.

    Drops are given in parts of their limit, so that points of a share and per cent of a loss have one limit line.

    Args:
        name: tells the drawings of two trainings on one page apart.
    """
    retention = training.retention
    if retention is None:
        return ()
    task = _task_curve(training, retention)
    curves = [
        _Ability(label, colour, marker, tuple(_used_limit(training, part)))
        for part, label, colour, marker in _ABILITIES
    ]
    strength = f" at {retention.strength:g} of its strength" if retention.strength < 1 else ""
    kept = f"step {retention.kept_step:,}{strength}"
    mark = "Dotted" if task.kept is None else "Star"
    panel = _RetentionPanel(task, tuple(curves), retention.kept_step)
    caption = (
        f"Squares, left axis: {task.described}. Right axis: what general ability has lost, in per "
        f"cent of what it may lose, with 95 % intervals. Dashed: the limit. {mark}: what was kept, {kept}."
    )
    label = f"Task ({task.name}) and loss of general ability by optimizer step; kept: {kept}"
    return (Chart("Task and general ability", caption, draw(f"{name}retention", label, (5.0, 3.4), panel)),)


@dataclass(frozen=True, slots=True)
class _TaskCurve:
    name: str
    """What the axis shows."""
    described: str
    """The same for the caption."""
    points: tuple[tuple[int, float], ...]
    kept: float | None
    """The value where the star stands; None where that of the kept weights is not known."""


def _task_curve(training: TrainingSummary, retention: RetentionSummary) -> _TaskCurve:
    """What decided how good a checkpoint is at the task: the leading metric, else the validation loss."""
    metric = training.task_metric
    asked = [(point.step, point.task) for point in training.curve if point.task is not None]
    if metric is None or not asked:
        losses = [(point.step, point.validation_loss) for point in training.curve if point.validation_loss is not None]
        described = "loss on the task's validation rows"
        return _TaskCurve("validation loss", described, tuple(losses), training.best_validation_loss)
    scale, unit = (100.0, " (%)") if metric.is_share else (1.0, "")
    points = {step: scale * task.value for step, task in asked}
    described = f"{metric.title}{unit}, of answers to {asked[-1][1].num_rows} of the task's validation inputs"
    if retention.strength < 1:
        kept = scale * retention.task.value if retention.task else None
    else:
        kept = points.get(training.best_step, asked[-1][1].value * scale)
    return _TaskCurve(f"{metric.title}{unit}", described, tuple(points.items()), kept)


def _used_limit(training: TrainingSummary, part: str) -> list[tuple[int, Estimate]]:
    """Drops in per cent of their limit. A limit of nothing has no such scale."""
    points = []
    for point in training.curve:
        found = point.retention.of(part) if point.retention else None
        if found and found.drop and found.limit:
            ends = {end: 100 * getattr(found.drop, end) / found.limit for end in ("value", "low", "high")}
            points.append((point.step, found.drop.model_copy(update=ends)))
    return points


@dataclass(frozen=True, slots=True)
class _Ability:
    label: str
    colour: str
    marker: str
    points: tuple[tuple[int, Estimate], ...]


@dataclass(frozen=True, slots=True)
class _RetentionPanel:
    task: _TaskCurve
    abilities: tuple[_Ability, ...]
    kept_step: int

    def __call__(self, axes: "Axes") -> None:
        steps, values = zip(*self.task.points, strict=True)
        axes.plot(steps, values, color=_TASK_COLOUR, linewidth=1.8, marker="s", markersize=4, label="task")
        step = self.kept_step
        if (kept := self.task.kept) is not None:
            axes.plot([step], [kept], color=INK, marker="*", markersize=13, markerfacecolor=_TASK_COLOUR, linewidth=0)
        axes.axvline(step, color=INK, linewidth=0.8, linestyle=(0, (2, 3)), alpha=0.6)
        axes.set_xlabel("optimizer step")
        axes.set_ylabel(f"{self.task.name} of the task")
        right = axes.twinx()
        for ability in self.abilities:
            self._draw(right, ability)
        right.axhline(100, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
        right.set_ylabel("lost, in % of the limit")
        right.grid(visible=False)
        handles, labels = axes.get_legend_handles_labels()
        others = right.get_legend_handles_labels()
        axes.legend(
            handles + others[0], labels + others[1], loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=3,
            borderaxespad=0.2, columnspacing=1.2,
        )  # fmt: skip

    def _draw(self, axes: "Axes", ability: _Ability) -> None:
        for step, drop in ability.points:
            axes.plot([step, step], [drop.low, drop.high], color=ability.colour, linewidth=1.2)
        steps = [step for step, _ in ability.points]
        values = [drop.value for _, drop in ability.points]
        axes.plot(
            steps, values, color=ability.colour, linewidth=1.4, marker=ability.marker, markersize=4, label=ability.label
        )
