"""How measured numbers are written, wherever they are shown: terminal, page, verdict, docs."""

import math

from tunewright.records.report import Estimate, Metric


def format_estimate(estimate: Estimate, metric: Metric, *, is_difference: bool = False) -> tuple[str, str]:
    """Give `61 %` and `[52, 70]`, with two digits of the interval's width; differences carry their sign."""
    scale = 100.0 if metric.is_share else 1.0
    digits = _num_decimals(scale * (estimate.high - estimate.low), most=1 if metric.is_share else 4)
    sign = "+" if is_difference else "-"
    value, low, high = (
        f"{scale * number:{sign}z,.{digits}f}" for number in (estimate.value, estimate.low, estimate.high)
    )
    unit = "" if not metric.is_share else " points" if is_difference else " %"
    return value + unit, f"[{low}, {high}]"


def format_p_value(p_value: float) -> str:
    """Give `0.031`, or `< 0.001`: below that the digits mean nothing."""
    return "< 0.001" if p_value < 0.001 else f"{p_value:.2g}"


def _num_decimals(width: float, most: int) -> int:
    if width <= 0:
        return 0 if most == 1 else 3
    return max(0, min(most, 1 - math.floor(math.log10(width))))
