"""Shares with their 95 % intervals, and whether two of them differ."""

import math
from collections.abc import Sequence

import numpy as np

from tunewright.records import Estimate

SIGNIFICANCE = 0.05
_NORMAL_QUANTILE = 1.959963984540054
"""Of .975: two-sided 95 %."""
_MIN_EXPECTED = 5
"""With a smaller expected count the chi-square approximation is poor (Cochran 1954); then Fisher's exact test it is."""


def share_of(count: int, num_rows: int) -> Estimate:
    """`count / num_rows` with its interval after Wilson (1927); `num_rows` is at least 1."""
    value = count / num_rows
    squared = _NORMAL_QUANTILE**2
    centre = (value + squared / (2 * num_rows)) / (1 + squared / num_rows)
    spread = value * (1 - value) / num_rows + squared / (4 * num_rows**2)
    half = _NORMAL_QUANTILE * math.sqrt(spread) / (1 + squared / num_rows)
    return Estimate(
        value=value,
        # At 0 and 1 the interval ends there exactly; rounding could put it a hair beyond.
        low=max(0.0, min(centre - half, value)),
        high=min(1.0, max(centre + half, value)),
        num_rows=num_rows,
        interval="wilson",
    )


def difference_p_value(first: Estimate, second: Estimate) -> float:
    """Two-sided p-value of "both shares are equal": chi-square with Yates' correction, Fisher's exact test if rare.

    Args:
        first, second: shares of two samples that have no row in common.
    """
    from scipy.stats import chi2_contingency, fisher_exact

    num_rows = np.array([first.num_rows, second.num_rows])
    inside = np.round([first.value * first.num_rows, second.value * second.num_rows]).astype(np.int64)
    table = np.stack([inside, num_rows - inside], axis=1)
    in_columns = table.sum(axis=0)
    if not in_columns.all():
        return 1.0
    smallest = in_columns.min() * num_rows.min() / num_rows.sum()
    test = chi2_contingency if smallest >= _MIN_EXPECTED else fisher_exact
    return float(test(table)[1])


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """p-values adjusted so that 0.05 is the chance of one or more false alarms among all of them, in their order.

    The smallest of m p-values is multiplied by m, the next by m - 1, and so on; none becomes smaller than the one
    before it. Valid however the tests hang together.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure"; adjusted p-values after Wright 1992.
    """
    adjusted = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[place]))
        adjusted[place] = largest
    return tuple(adjusted)
