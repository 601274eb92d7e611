"""Charts of the data report: how long rows are, and how often each label occurs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.records import LabelCount, LengthHistogram
from tunewright.study.charts import SERIES_COLOURS, Chart, short_name
from tunewright.study.svg import INK, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOUR = SERIES_COLOURS[1]


def length_charts(lengths: Sequence[LengthHistogram]) -> tuple[Chart, ...]:
    """Draw how many words or tokens inputs, answers and texts have, one chart each where that differs."""
    charts = []
    for found in (each for each in lengths if not _is_constant(each)):
        facts = f"median {found.median:g}, longest {found.longest:,} {found.unit}"
        beyond = " Longer rows are in the last bar." if found.longest >= found.bin_edges[-1] else ""
        svg = draw(
            f"{found.part}-{found.unit}",
            f"Histogram of {found.part} lengths of {sum(found.counts):,} rows: {facts}",
            (5.0, 2.6),
            _LengthPanel(found),
        )
        title = f"{found.part.capitalize()} length{' in tokens' if found.unit == 'tokens' else ''}"
        charts.append(Chart(title, f"{facts[0].upper()}{facts[1:]}; dashed line: median.{beyond}", svg))
    return tuple(charts)


def constant_lengths(lengths: Sequence[LengthHistogram]) -> tuple[str, ...]:
    """A sentence for each part that is equally long in all rows, where a chart would show a single bar."""
    said = []
    for found in filter(_is_constant, lengths):
        unit = found.unit.removesuffix("s") if found.longest == 1 else found.unit
        said.append(f"Every {found.part} has {found.longest:,} {unit}.")
    return tuple(said)


def _is_constant(lengths: LengthHistogram) -> bool:
    return lengths.longest == lengths.bin_edges[0]


def label_bars(labels: Sequence[LabelCount], num_labels: int) -> tuple[Chart, ...]:
    """Draw the most frequent labels as bars; no chart where answers are no labels."""
    if not labels:
        return ()
    spoken = "; ".join(f"{found.label} {found.num_rows:,}" for found in labels)
    svg = draw("labels", f"Rows per label: {spoken}", (5.0, 0.7 + 0.29 * len(labels)), _LabelPanel(labels))
    shown = f"The {len(labels)} most frequent of {num_labels:,} labels" if num_labels > len(labels) else "All labels"
    return (Chart("Label balance", f"{shown}, by number of rows.", svg),)


@dataclass(frozen=True, slots=True)
class _LengthPanel:
    lengths: LengthHistogram

    def __call__(self, axes: "Axes") -> None:
        found = self.lengths
        axes.stairs(found.counts, found.bin_edges, fill=True, color=_COLOUR, alpha=0.85)
        axes.axvline(found.median + 0.5, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
        axes.set_xlabel(found.unit)
        axes.set_ylabel("rows")
        axes.set_ylim(bottom=0)
        axes.locator_params(nbins=6, integer=True)
        axes.grid(visible=False, axis="x")


@dataclass(frozen=True, slots=True)
class _LabelPanel:
    labels: Sequence[LabelCount]

    def __call__(self, axes: "Axes") -> None:
        places = range(len(self.labels))
        axes.barh(places, [found.num_rows for found in self.labels], color=_COLOUR, alpha=0.85, height=0.7)
        axes.set_yticks(places, [short_name(found.label) for found in self.labels])
        axes.set_ylim(len(self.labels) - 0.4, -0.6)
        axes.set_xlabel("rows")
        axes.locator_params(axis="x", nbins=6, integer=True)
        axes.grid(visible=False, axis="y")
        for place, found in enumerate(self.labels):
            axes.annotate(
                f"{found.num_rows:,}",
                (found.num_rows, place),
                xytext=(3, 0),
                textcoords="offset points",
                va="center",
                fontsize=8.5,
            )
        axes.margins(x=0.12)
