"""Charts of how well rows represent what the model will be asked: topics, drift, groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.records import (
    CheckResult,
    Estimate,
    GroupTable,
    InputClusters,
    ReferenceComparison,
    ReferenceCoverage,
    TokenLengths,
)
from tunewright.study.charts import SERIES_COLOURS, Chart, short_name
from tunewright.study.svg import INK, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_GROUPS_DRAWN = 12
REFERENCE = "reference"

_MARKERS = ("o", "s", "D", "^")
_NAMES = {"all": "rows", "train": "training", "validation": "validation", "test": "test", REFERENCE: "reference"}


def representation_charts(results: Sequence[CheckResult]) -> tuple[Chart, ...]:
    """Draw what the checks have measured about the data as a whole; no chart of what was not measured."""
    charts: list[Chart] = []
    for number, measured in enumerate(each for result in results for each in result.measured):
        if isinstance(measured, TokenLengths):
            continue  # lengths are drawn beside those in words
        if isinstance(measured, InputClusters):
            charts.append(_topic_chart(measured))
            if any(REFERENCE in cluster.shares for cluster in measured.clusters):
                charts.append(_drift_chart(measured))
        elif isinstance(measured, ReferenceComparison):
            charts.append(_separation_chart(measured))
        elif isinstance(measured, ReferenceCoverage):
            charts.append(_coverage_chart(measured))
        else:
            charts.append(_group_chart(measured, number))
    return tuple(charts)


def comparison_told(measured: ReferenceComparison | ReferenceCoverage) -> str:
    """What was found about the reference, with its 95 % interval, as sentences that need no picture."""
    if isinstance(measured, ReferenceCoverage):
        covered = measured.covered
        return (
            f"{covered.value:.1%} of {covered.num_rows:,} inputs of {measured.reference} (95 % interval "
            f"{covered.low:.1%} to {covered.high:.1%}) have a training input with a similarity of at least "
            f"{measured.threshold:.2f}. The others are listed above."
        )
    return (
        f"{_spoken_auc(measured.auc)}: the chance that a classifier ranks an input of {measured.reference} above a "
        f"training input. At 0.5 it cannot tell them apart; beyond {measured.threshold:g} it is a warning."
    )


def _spoken_auc(auc: Estimate) -> str:
    return f"AUC {auc.value:.2f}, 95 % interval {auc.low:.2f} to {auc.high:.2f}"


def _topic_chart(measured: InputClusters) -> Chart:
    samples = [name for name in measured.clusters[0].shares if name != REFERENCE]
    rows = [(cluster.name, tuple(cluster.shares[name] for name in samples)) for cluster in measured.clusters]
    names = tuple(_NAMES[name] for name in samples)
    by_split = " by split" if len(samples) > 1 else ""
    caption = f"{measured.choice} Named by typical words. Dot: share of the inputs{by_split}; line: 95 % interval."
    return _share_chart("topics", f"Topics of the inputs{by_split}", caption, names, rows)


def _drift_chart(measured: InputClusters) -> Chart:
    first = next(iter(measured.clusters[0].shares))
    rows = [(cluster.name, (cluster.shares[first], cluster.shares[REFERENCE])) for cluster in measured.clusters]
    caption = (
        "Share of each topic, with 95 % intervals. Where the lines of a topic do not meet, production asks for it "
    )
    caption += "more or less often than training teaches it."
    return _share_chart("drift", "Training against production", caption, (_NAMES[first], "reference"), rows)


def _group_chart(measured: GroupTable, number: int) -> Chart:
    total = sum(group.num_rows for group in measured.groups)
    drawn = measured.groups[:MAX_GROUPS_DRAWN]
    spoken = "; ".join(f"{group.group} {group.num_rows:,}" for group in drawn)
    panel = _CountPanel([(group.group, group.num_rows) for group in drawn])
    size = (5.0, 0.7 + 0.29 * len(drawn))
    svg = draw(f"groups{number}", f"Rows by {measured.name}: {spoken}", size, panel)
    shown = (
        f"The {len(drawn)} largest of {len(measured.groups):,} groups"
        if len(drawn) < len(measured.groups)
        else "All groups"
    )
    return Chart(
        f"Rows by {measured.name}", f"{shown}, of {total:,} rows. A group of fewer than 30 rows is hardly learned.", svg
    )


def _separation_chart(measured: ReferenceComparison) -> Chart:
    auc = measured.auc
    panel = _ScalePanel(auc, 0.5, 1.0, measured.threshold, ((0.5, "alike"), (0.75, "0.75"), (1.0, "never alike")))
    svg = draw(
        "separation", f"How well training and reference inputs are told apart: {_spoken_auc(auc)}", (5.0, 1.3), panel
    )
    caption = f"{comparison_told(measured)} Line: 95 % interval; dashed: {measured.threshold:g}."
    return Chart("Can training and production be told apart?", caption, svg)


def _coverage_chart(measured: ReferenceCoverage) -> Chart:
    covered = measured.covered
    spoken = f"{covered.value:.1%} of {covered.num_rows:,} inputs"
    panel = _ScalePanel(covered, 0.0, 1.0, None, ((0.0, "0 %"), (0.5, "50 %"), (1.0, "100 %")))
    svg = draw("coverage", f"Reference inputs that training covers: {spoken}", (5.0, 1.3), panel)
    return Chart("Production inputs that training covers", f"{comparison_told(measured)} Line: 95 % interval.", svg)


_SharesByName = Sequence[tuple[str, tuple[Estimate, ...]]]


def _share_chart(name: str, title: str, caption: str, samples: Sequence[str], rows: _SharesByName) -> Chart:
    spoken = "; ".join(
        f"{label} {', '.join(f'{sample} {found.value:.1%}' for sample, found in zip(samples, shares, strict=True))}"
        for label, shares in rows
    )
    size = (5.0, 0.9 + len(rows) * (0.24 + 0.12 * len(samples)))
    return Chart(title, caption, draw(name, f"{title}: {spoken}", size, _SharePanel(samples, rows)))


@dataclass(frozen=True, slots=True)
class _SharePanel:
    """A line per name; one dot with its interval per sample, below each other."""

    samples: Sequence[str]
    rows: _SharesByName

    def __call__(self, axes: "Axes") -> None:
        spread = 0.5 / len(self.samples)
        for series, sample in enumerate(self.samples):
            colour = SERIES_COLOURS[(series + 1) % len(SERIES_COLOURS)]
            offset = (series - (len(self.samples) - 1) / 2) * spread
            for place, (_, shares) in enumerate(self.rows):
                found = shares[series]
                axes.plot([100 * found.low, 100 * found.high], [place + offset] * 2, color=colour, linewidth=2)
            axes.plot(
                [100 * shares[series].value for _, shares in self.rows],
                [place + offset for place in range(len(self.rows))],
                color=colour,
                marker=_MARKERS[series % len(_MARKERS)],
                markersize=5,
                linewidth=0,
                label=sample,
            )
        axes.set_yticks(range(len(self.rows)), [short_name(name) for name, _ in self.rows])
        axes.set_ylim(len(self.rows) - 0.4, -0.6)
        axes.set_xlim(left=0)
        axes.set_xlabel("% of the inputs")
        axes.grid(visible=False, axis="y")
        if len(self.samples) > 1:
            # Above the axes, where it cannot cover a dot.
            axes.legend(loc="lower right", bbox_to_anchor=(1.0, 0.99), ncols=len(self.samples), borderaxespad=0.2)


@dataclass(frozen=True, slots=True)
class _CountPanel:
    rows: Sequence[tuple[str, int]]

    def __call__(self, axes: "Axes") -> None:
        places = range(len(self.rows))
        axes.barh(places, [count for _, count in self.rows], color=SERIES_COLOURS[1], alpha=0.85, height=0.7)
        axes.set_yticks(places, [short_name(name) for name, _ in self.rows])
        axes.set_ylim(len(self.rows) - 0.4, -0.6)
        axes.set_xlabel("rows")
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.grid(visible=False, axis="y")
        axes.margins(x=0.12)
        for place, (_, count) in enumerate(self.rows):
            axes.annotate(
                f"{count:,}",
                (count, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
            )


@dataclass(frozen=True, slots=True)
class _ScalePanel:
    """One value with its interval on a scale whose ends have a meaning."""

    found: Estimate
    low: float
    high: float
    threshold: float | None
    ticks: tuple[tuple[float, str], ...]

    def __call__(self, axes: "Axes") -> None:
        colour = SERIES_COLOURS[1]
        axes.plot([self.found.low, self.found.high], [0, 0], color=colour, linewidth=2.4, solid_capstyle="butt")
        for end in (self.found.low, self.found.high):
            axes.plot([end], [0], color=colour, marker="|", markersize=9, markeredgewidth=1.6)
        axes.plot([self.found.value], [0], color=colour, marker="o", markersize=8, clip_on=False)
        if self.threshold is not None:
            axes.axvline(self.threshold, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
        # A value beyond the scale, such as an AUC below .5, still shows.
        room = 0.03 * (self.high - self.low)
        axes.set_xlim(min(self.low, self.found.low) - room, self.high + room)
        axes.set_xticks([place for place, _ in self.ticks], [name for _, name in self.ticks])
        axes.set_ylim(-1, 1)
        axes.set_yticks([])
        axes.spines["left"].set_visible(False)
