"""Charts of a study: what quality costs, and when training is earned back. Drawn as those of study/charts.py."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.records import ArmCost, BreakEven, Estimate, Metric, format_amount, format_break_even, format_plain
from tunewright.study.charts import SERIES_COLOURS, SERIES_MARKERS, Chart
from tunewright.study.svg import INK, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True)
class _Place:
    """An arm on the plane of cost and quality; `series` is its colour and marker on every chart."""

    name: str
    cost: float
    estimate: Estimate
    series: int


def cost_against_quality(
    metric: Metric, estimates: Sequence[tuple[str, Estimate | None]], costs: Sequence[ArmCost], currency: str
) -> tuple[Chart, ...]:
    """Draw each arm at the cost of a thousand requests and its value; none with fewer than two arms to draw.

    Args:
        estimates: of the metric, by arm, in the order of the report.
        costs: arms whose cost is unknown are left out.
    """
    cost_of = {cost.arm: cost.per_thousand_requests for cost in costs}
    places = [
        _Place(name, cost, found, series % len(SERIES_COLOURS))
        for series, (name, found) in enumerate(estimates)
        if found is not None and (cost := cost_of.get(name)) is not None
    ]
    if len(places) < 2:
        return ()
    spoken = "; ".join(
        f"{place.name} {place.estimate.value:.3g} at {format_amount(place.cost, currency)}" for place in places
    )
    svg = draw(
        "cost-quality",
        f"{metric.title} by cost of a thousand requests: {spoken}",
        (5.0, 3.4),
        _CostPanel(places, metric, currency),
    )
    where = "left and high is better" if metric.higher_is_better else "left and low is better"
    return (Chart("Cost against quality", f"Line: 95 % interval; {where}. Set-up is not in the cost.", svg),)


def break_even_curve(found: BreakEven | None, currency: str) -> tuple[Chart, ...]:
    """Draw the total cost of the tuned and of the other arm by number of requests; none where a cost is unknown."""
    if found is None or not found.curve:
        return ()
    label = f"Total cost by number of requests. {format_break_even(found)}"
    svg = draw("break-even", label, (5.0, 3.2), _BreakEvenPanel(found, currency))
    return (Chart("Break-even", format_break_even(found), svg),)


@dataclass(frozen=True, slots=True)
class _CostPanel:
    places: Sequence[_Place]
    metric: Metric
    currency: str

    def __call__(self, axes: "Axes") -> None:
        scale = 100.0 if self.metric.is_share else 1.0
        for place in self.places:
            low, value, high = (scale * end for end in (place.estimate.low, place.estimate.value, place.estimate.high))
            colour, marker = SERIES_COLOURS[place.series], SERIES_MARKERS[place.series]
            axes.plot([place.cost, place.cost], [low, high], color=colour, linewidth=2.0, solid_capstyle="butt")
            axes.plot([place.cost], [value], color=colour, marker=marker, markersize=7, linewidth=0, label=place.name)
        costs = [place.cost for place in self.places]
        if min(costs) > 0 and max(costs) > 20 * min(costs):
            axes.set_xscale("log")
            axes.xaxis.set_minor_formatter("")
        else:
            axes.set_xlim(left=0, right=1.1 * max(costs) or 1)
            axes.locator_params(axis="x", nbins=5)
        axes.xaxis.set_major_formatter(_plain)
        if self.metric.is_share:
            axes.set_ylim(-2, 102)
        axes.set_xlabel(f"cost of 1,000 requests ({self.currency})")
        axes.set_ylabel(self.metric.title + (" (%)" if self.metric.is_share else ""))
        # Above the axes, where it cannot cover an arm.
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3, borderaxespad=0.2, columnspacing=1.2)


@dataclass(frozen=True, slots=True)
class _BreakEvenPanel:
    found: BreakEven
    currency: str

    def __call__(self, axes: "Axes") -> None:
        requests = [point.num_requests for point in self.found.curve]
        tuned = [point.tuned for point in self.found.curve]
        other = [point.prompted for point in self.found.curve]
        axes.plot(requests, other, color=SERIES_COLOURS[0], linewidth=1.8, linestyle="--", label=self.found.prompted)
        axes.plot(requests, tuned, color=SERIES_COLOURS[1], linewidth=1.8, label=self.found.tuned)
        if self.found.num_requests is not None and self.found.num_requests > 1:
            axes.axvline(self.found.num_requests, color=INK, linewidth=0.8, linestyle=(0, (2, 3)), alpha=0.6)
        axes.set_xlim(left=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("requests")
        axes.set_ylabel(f"total cost ({self.currency})")
        axes.locator_params(nbins=5)
        axes.yaxis.set_major_formatter(_plain)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=2, borderaxespad=0.2)


def _plain(value: float, _position: float) -> str:
    """A tick that says its whole value: a power of ten beside the axis is overlooked, and stood in the legend."""
    return format_plain(value, 4)
