"""Charts of the report, as SVG that can be pasted into one HTML page.

Every chart is narrow enough for a phone. Arms differ by marker and curves by line, as well as by colour.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import TYPE_CHECKING
from unicodedata import east_asian_width

from tunewright.records import ArmMetric, CurvePoint, Estimate, Metric, TrainingSummary
from tunewright.study.svg import INK, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_CURVE_POINTS = 400
MAX_NAME_COLUMNS = 40
"""Of a name beside a row of a chart. A letter of a wide script, as in Chinese, takes two."""

SERIES_COLOURS = ("#78818c", "#1f80c6", "#cf5c00", "#0a9167", "#b4589c", "#8f7200", "#7a6fd0")
"""By arm, the first being the baseline. After Okabe and Ito (2008), shifted until each has a contrast of at least 3:1
on the page's light and on its dark background."""
SERIES_MARKERS = ("o", "s", "D", "^", "v", "P", "X")
"""By arm, as the colours."""
_TRAIN_COLOUR, _VALIDATION_COLOUR = SERIES_COLOURS[0], SERIES_COLOURS[1]


@dataclass(frozen=True, slots=True)
class Chart:
    """One drawing for the page.

    `caption` is one line that says what to see; `svg` is markup that is safe to insert as it stands.
    """

    title: str
    caption: str
    svg: str


def metric_intervals(
    metrics: Sequence[Metric], results: Sequence[ArmMetric], arms: Sequence[str], name: str = "metric"
) -> tuple[Chart, ...]:
    """Draw a dot with its 95 % interval per arm, one chart per metric because their scales differ.

    Shares all use the axis from 0 to 100 %, so their charts can be compared. An arm without an estimate keeps its line,
    which then says so. `name` tells the drawings of two calls for one page apart.
    """
    charts = []
    for index, metric in enumerate(metrics):
        estimates = {result.arm: result.estimate for result in results if result.metric == metric.name}
        rows = [(arm, estimates.get(arm)) for arm in arms]
        direction = "higher" if metric.higher_is_better else "lower"
        charts.append(
            Chart(
                title=metric.title,
                caption=f"Dot: value; line: 95 % interval; {direction} is better.",
                svg=draw(
                    f"{name}{index}",
                    f"{metric.title} with 95 % interval: {'; '.join(_spoken(arm, found) for arm, found in rows)}",
                    (5.0, 0.5 + 0.5 * len(rows)),
                    _IntervalPanel(rows, is_share=metric.is_share),
                ),
            )
        )
    return tuple(charts)


def training_curves(training: TrainingSummary, name: str = "") -> tuple[Chart, ...]:
    """Draw loss, learning rate and gradient norm by optimizer step; a quantity that was not recorded has no chart.

    `name` tells the drawings of two trainings on one page apart.
    """
    charts = []
    if any(point.train_loss is not None or point.validation_loss is not None for point in training.curve):
        charts.append(_loss_chart(training, name))
    schedule = _series(training.curve, lambda point: point.learning_rate)
    if schedule:
        peak = max(value for _, value in schedule)
        label = f"Learning rate by optimizer step, peak {peak:.3g}"
        svg = draw(f"{name}learning-rate", label, (5.0, 2.5), _LinePanel(schedule))
        caption = f"Rises to its peak of {peak:.3g}, then falls.{_num_drawn(schedule, 'points')}"
        charts.append(Chart("Learning rate", caption, svg))
    norms = _series(training.curve, lambda point: point.gradient_norm)
    if norms:
        highest = max(value for _, value in norms)
        label = f"Gradient norm by optimizer step, highest {highest:.3g}"
        svg = draw(f"{name}gradient-norm", label, (5.0, 2.5), _LinePanel(norms))
        caption = f"Before clipping; highest {highest:.3g}. Spikes point to unusual rows or too high a learning rate."
        charts.append(Chart("Gradient norm", caption + _num_drawn(norms, "points"), svg))
    return tuple(charts)


def length_histogram(prompt_tokens: Sequence[int], answer_tokens: Sequence[int]) -> tuple[Chart, ...]:
    """Draw how long the training rows are, prompts and answers apart; an empty sequence has no chart."""
    charts = []
    for name, lengths in (("Prompt", prompt_tokens), ("Answer", answer_tokens)):
        if not lengths:
            continue
        facts = f"median {median(lengths):g}, longest {max(lengths):,} tokens"
        svg = draw(
            f"{name.lower()}-tokens",
            f"Histogram of {name.lower()} lengths of {len(lengths):,} training rows: {facts}",
            (5.0, 2.6),
            _HistogramPanel(lengths),
        )
        charts.append(Chart(f"{name} length", f"{facts[0].upper()}{facts[1:]}; dashed line: median.", svg))
    return tuple(charts)


def _loss_chart(training: TrainingSummary, name: str) -> Chart:
    train = _series(training.curve, lambda point: point.train_loss)
    validation = _series(training.curve, lambda point: point.validation_loss)
    best = f"{training.best_validation_loss:.4g} at step {training.best_step:,}"
    caption = f"Thin line: training, unsmoothed. Squares: validation. Star: the checkpoint that was kept, {best}."
    caption += _num_drawn(train, "training points")
    panel = _LossPanel(train, validation, (training.best_step, training.best_validation_loss))
    label = f"Training and validation loss by step; best {best}"
    return Chart("Loss", caption, draw(f"{name}loss", label, (4.6, 3.3), panel))


_Points = list[tuple[int, float]]


def _series(curve: Sequence[CurvePoint], read: Callable[[CurvePoint], float | None]) -> _Points:
    return [(point.step, value) for point in curve if (value := read(point)) is not None]


def thin(points: _Points) -> _Points:
    """Keep at most MAX_CURVE_POINTS: the first, the last, and the lowest and the highest of each stretch between."""
    if len(points) <= MAX_CURVE_POINTS:
        return points
    num_between = len(points) - 2
    num_stretches = MAX_CURVE_POINTS // 2 - 1
    edges = [1 + stretch * num_between // num_stretches for stretch in range(num_stretches + 1)]
    kept = [0, len(points) - 1]
    for start, end in pairwise(edges):
        lowest, *_, highest = sorted(range(start, end), key=lambda index: points[index][1])
        kept += [lowest, highest]
    return [points[index] for index in sorted(kept)]


def _num_drawn(points: _Points, what: str) -> str:
    num_drawn = len(thin(points))
    return f" {num_drawn} of {len(points):,} {what} are drawn." if num_drawn < len(points) else ""


@dataclass(frozen=True, slots=True)
class _IntervalPanel:
    rows: Sequence[tuple[str, Estimate | None]]
    is_share: bool

    def __call__(self, axes: "Axes") -> None:
        scale = 100.0 if self.is_share else 1.0
        for index, (arm, estimate) in enumerate(self.rows):
            series = index % len(SERIES_COLOURS)
            colour = SERIES_COLOURS[series]
            name = short_name(arm) if estimate else f"{short_name(arm)} (not measured)"
            axes.annotate(
                name, (0, index), xycoords=("axes fraction", "data"), xytext=(2, 7), textcoords="offset points"
            )
            if estimate is not None:
                low, value, high = (scale * end for end in (estimate.low, estimate.value, estimate.high))
                axes.plot([low, high], [index, index], color=colour, linewidth=2.2, solid_capstyle="butt")
                for end in (low, high):
                    axes.plot([end], [index], color=colour, marker="|", markersize=8, markeredgewidth=1.6)
                axes.plot([value], [index], color=colour, marker=SERIES_MARKERS[series], markersize=7, clip_on=False)
        axes.set_ylim(len(self.rows) - 0.55, -0.75)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
        axes.locator_params(axis="x", nbins=6)
        if self.is_share:
            axes.set_xlim(-2, 102)
            axes.set_xticks([0, 25, 50, 75, 100], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        else:
            axes.margins(x=0.08)


@dataclass(frozen=True, slots=True)
class _LossPanel:
    train: _Points
    validation: _Points
    best: tuple[int, float]

    def __call__(self, axes: "Axes") -> None:
        axes.plot(*_columns(thin(self.train)), color=_TRAIN_COLOUR, linewidth=0.9, label="training")
        colour = _VALIDATION_COLOUR
        line = _columns(thin(self.validation))
        axes.plot(*line, color=colour, linewidth=1.8, marker="s", markersize=4, label="validation")
        step, loss = self.best
        axes.plot(
            [step], [loss], color=INK, marker="*", markersize=13, markerfacecolor=colour, linewidth=0, label="best"
        )
        axes.axvline(step, color=INK, linewidth=0.8, linestyle=(0, (2, 3)), alpha=0.6)
        axes.set_xlabel("optimizer step")
        axes.set_ylabel("loss (nats per trained token)")
        # Above the axes, where it cannot cover a curve.
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=3, borderaxespad=0.2, columnspacing=1.4)


@dataclass(frozen=True, slots=True)
class _LinePanel:
    points: _Points

    def __call__(self, axes: "Axes") -> None:
        axes.plot(*_columns(thin(self.points)), color=_VALIDATION_COLOUR, linewidth=1.2)
        axes.set_xlabel("optimizer step")
        axes.set_ylim(bottom=0)
        axes.locator_params(nbins=5)
        axes.ticklabel_format(axis="y", scilimits=(-2, 4), useMathText=False)


@dataclass(frozen=True, slots=True)
class _HistogramPanel:
    lengths: Sequence[int]

    def __call__(self, axes: "Axes") -> None:
        axes.hist(self.lengths, bins=min(30, len(set(self.lengths))), color=_VALIDATION_COLOUR, alpha=0.85)
        axes.axvline(median(self.lengths), color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
        axes.set_xlabel("tokens")
        axes.set_ylabel("training rows")
        axes.locator_params(nbins=6, integer=True)
        axes.grid(visible=False, axis="x")


def _columns(points: _Points) -> tuple[list[int], list[float]]:
    return [step for step, _ in points], [value for _, value in points]


def short_name(name: str) -> str:
    """In one line, cut where it is too wide to stand beside a row of a chart."""
    one_line = " ".join(name.split())
    widths = [2 if east_asian_width(letter) in "WF" else 1 for letter in one_line]
    if sum(widths) <= MAX_NAME_COLUMNS:
        return one_line
    num_letters = sum(columns < MAX_NAME_COLUMNS for columns in accumulate(widths))
    return f"{one_line[:num_letters]}…"


def _spoken(arm: str, estimate: Estimate | None) -> str:
    if estimate is None:
        return f"{arm} not measured"
    return f"{arm} {estimate.value:.3g}, from {estimate.low:.3g} to {estimate.high:.3g}"
