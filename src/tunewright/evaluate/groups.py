"""Groups: how sure a number is where the test items of one customer, document or conversation are alike.

Items of a group say less than as many items that have nothing to do with each other, so whole groups are resampled
(Field and Welsh 2007, "Bootstrapping clustered data"; Cameron, Gelbach and Miller 2008, "Bootstrap-based improvements
for inference with clustered errors").

Percentiles of few groups are too narrow even so. They are taken further out, as far as Student's t asks for
(Hesterberg 2015, "What Teachers Should Know About the Bootstrap", expanded percentile interval). How often intervals
hold the truth and verdicts are false: benchmarks/group_statistics.py.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tunewright.evaluate.aggregate import Floats, Statistic
from tunewright.records import Score

Groups = tuple[NDArray[np.int64], ...]
"""The places of each group's items; an item without a group is a group of its own."""


def num_groups(scores: Sequence[Score]) -> int | None:
    """How many groups scored items are of, those without one each counted by itself; None where no two share one."""
    num = len(_places(scores))
    return num if num < len(scores) else None


def groups_of(scores: Sequence[Score]) -> Groups:
    """The groups to resample; empty where items are: where no two share a group, and where all are of a single one."""
    places = _places(scores)
    return tuple(np.array(each, dtype=np.int64) for each in places) if 1 < len(places) < len(scores) else ()


def _places(scores: Sequence[Score]) -> list[list[int]]:
    found: dict[str | int, list[int]] = {}
    for place, score in enumerate(scores):
        found.setdefault(place if score.group is None else score.group, []).append(place)
    return list(found.values())


def resample_groups(
    statistic: Statistic, columns: Sequence[Floats], groups: Groups, num_resamples: int, seed: int
) -> Floats:
    """Values of the statistic over resampled groups; all items of a drawn group come along."""
    generator = np.random.default_rng(seed)
    values = []
    for drawn in generator.integers(0, len(groups), (num_resamples, len(groups))):
        places = np.concatenate([groups[group] for group in drawn])
        values.append(float(statistic(*(column[places] for column in columns))))
    return np.array(values)


def tail_share(num_groups: int, significance: float) -> float:
    """The share of resamples beyond each end of the interval: half the significance, or less for few groups.

    With G groups it is the normal tail beyond sqrt(G / (G - 1)) t, t being Student's quantile with G - 1 degrees of
    freedom: resampling G groups gives a variance that is (G - 1) / G of the unbiased one.
    """
    return NormalDist().cdf(-math.sqrt(num_groups / (num_groups - 1)) * _student_quantile(num_groups, significance))


def group_p_value(value: float, resampled: Floats, num_groups: int) -> float:
    """Two-sided p-value of a value against 0: Student's t with G - 1 degrees of freedom.

    The standard error is that of the resampled groups, with G / (G - 1) for its variance as in `tail_share` (Cameron,
    Gelbach and Miller 2008, the bootstrap of the standard error). Counting resamples would call too many equal
    arms different where groups are few. As with counts, p is never below 2 / (1 + resamples).
    """
    from scipy.special import stdtr

    if value == 0:
        return 1.0
    error = float(resampled.std()) * math.sqrt(num_groups / (num_groups - 1))
    p_value = 2 * float(stdtr(num_groups - 1, -abs(value) / error)) if error > 0 else 0.0
    return max(p_value, 2 / (1 + len(resampled)))


def num_independent(is_right: Floats, groups: Groups, significance: float) -> float:
    """As how many independent items those of the groups count when a share is estimated.

    The items divided by the design effect, which is the variance of the share between groups over that of independent
    items, and once more by (t / z)^2, because that variance is known from few groups (Korn and Graubard 1998,
    "Confidence intervals for proportions with small expected number of positive counts estimated from survey data").
    Wilson's interval with this number is among the best that Franco, Little, Louis and Slud 2019 ("Comparative study of
    confidence intervals for proportions in complex sample surveys") compare.

    Where all items are right, or none, nothing shows how alike the items of a group are: they count as one.

    Args:
        is_right: 1 or 0 for each item.
    """
    num_items = len(is_right)
    sizes = np.array([len(group) for group in groups], dtype=np.float64)
    share = float(is_right.mean())
    if share in (0.0, 1.0):
        num = num_items**2 / float(np.sum(sizes**2))  # Kish 1965, "Survey Sampling": groups of unequal size
    else:
        sums = np.array([is_right[group].sum() for group in groups])
        variance = float(np.sum((sums - share * sizes) ** 2)) / num_items**2 * len(groups) / (len(groups) - 1)
        num = min(num_items, share * (1 - share) / variance) if variance > 0 else num_items
    return num * (NormalDist().inv_cdf(1 - significance / 2) / _student_quantile(len(groups), significance)) ** 2


def _student_quantile(num_groups: int, significance: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(num_groups - 1, 1 - significance / 2))
