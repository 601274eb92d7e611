"""Statistics: from the scores of the rows to a value with its interval, and from two arms to a verdict.

Items are the unit: an item is one distinct input, and items are resampled, never rows or tokens. Where items share a
group (a customer, a document), the group is the unit instead; groups.py says how and why.

Intervals are 95 % percentile bootstrap intervals (Efron and Tibshirani 1993, "An Introduction to the Bootstrap",
chapter 13). Percentile rather than BCa: the interval of perplexity is then exactly the exp of the interval of loss, no
end leaves the metric's range, and it exists where BCa's jackknife breaks down (all rows equal but one). Its weakness
is being too narrow where hardly any row differs; there, intervals after Wilson (1927) take its place.
"""

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

import numpy as np

from tunewright.evaluate.aggregate import STATISTICS, Aggregate, Floats, Statistic, columns_of
from tunewright.evaluate.groups import (
    Groups,
    group_p_value,
    groups_of,
    num_groups,
    resample_groups,
    tail_share,
)
from tunewright.evaluate.scorers import AGGREGATES
from tunewright.evaluate.wilson import (
    MIN_RARE,
    SIGNIFICANCE,
    Interval,
    is_rare,
    square_and_add,
    widened,
    wider,
    wilson_of,
)
from tunewright.records import Difference, Estimate, Metric, Score, Verdict

MIN_ITEMS = 2
"""With fewer scored items there is nothing to resample, so there is no estimate."""
MIN_ITEMS_FOR_VERDICT = 10
"""A bootstrap over fewer items knows too few values for its interval to be trusted."""
MIN_CHANGED_FOR_VERDICT = 6
"""The fewest items (or groups of them) with another value that can convince a sign test (2 x 0.5^6 = 0.03). When fewer
changed, all the same way, the bootstrap interval would leave out 0 from four items on."""
POWER = 0.8
"""How often a study of the size given by `num_rows_to_settle` finds a difference that is there."""
MAX_VALUES_AT_ONCE = 2_000_000
"""Resampled values of one column held in memory together."""

_Test = Literal["paired bootstrap", "paired bootstrap of groups", "exact McNemar", "none"]


def estimate(metric: Metric, scores: Sequence[Score], num_resamples: int, seed: int) -> Estimate | None:
    """Value of one metric over the scored items with its 95 % interval; None with fewer than two scored items.

    Args:
        metric: one that AGGREGATES names.
        scores: the scores of this metric, one per item; unscored ones are counted and left out. Where scored items
            share a group, groups are resampled; a single group is taken for all there is, and its items are.
        num_resamples: bootstrap resamples.
        seed: of the resampling; equal inputs give equal intervals.
    """
    scored = [score for score in scores if score.value is not None]
    if len(scored) < MIN_ITEMS:
        return None
    aggregate = AGGREGATES[metric.name]
    columns, statistic = columns_of(aggregate, scored), STATISTICS[aggregate]
    value = float(statistic(*columns))
    groups = groups_of(scored)
    is_few = aggregate is Aggregate.RATE and is_rare(columns[0], groups)
    if not is_few or groups:
        interval = _percentiles(_resample(statistic, columns, groups, num_resamples, seed), groups)
    if is_few:
        wilson = wilson_of(columns[0], groups)
        # Where groups are few and of unequal size, neither of the two is wide enough alone.
        interval = wider(wilson, interval) if groups else wilson
    elif metric.is_share and _is_point(interval):
        interval = widened(value, 0.0, 1.0, groups, len(scored))
    return _estimate(value, interval, scored, len(scores) - len(scored))


def difference(
    metric: Metric,
    arm: str,
    baseline: str,
    arm_scores: Sequence[Score],
    baseline_scores: Sequence[Score],
    num_resamples: int,
    seed: int,
) -> Difference:
    """`arm` minus `baseline` over the items scored in both, with a 95 % interval and a verdict.

    For right/wrong metrics the test is McNemar's, exact, on the items where one arm is right and the other wrong, and
    the verdict needs p < 0.05. For the others items are resampled in pairs, and the verdict needs an interval without
    0, ten items, and six whose value changed. Where items share a group, groups are resampled for all metrics, and the
    verdict needs p < 0.05, an interval without 0, ten items, and six groups with an item whose value changed. With
    fewer than two common items there is no estimate and no test.

    Args:
        metric: one that AGGREGATES names.
        arm_scores: the scores of this metric under `arm`, one per item.
        baseline_scores: the same under `baseline`; items are matched by example id.
        num_resamples: bootstrap resamples.
        seed: of the resampling; equal inputs give equal intervals.
    """
    pairs = scored_in_both(arm_scores, baseline_scores)
    num_items = len({score.example_id for score in (*arm_scores, *baseline_scores)})
    found: Estimate | None = None
    p_value: float | None = None
    test: _Test = "none"
    verdict = Verdict.TOO_FEW_ROWS
    if len(pairs) >= MIN_ITEMS:
        scored = [score for score, _ in pairs]
        groups = groups_of(scored)
        value, interval, p_value, test = _compare(metric, pairs, groups, num_resamples, seed)
        found = _estimate(value, interval, scored, num_items - len(pairs))
        is_certain = test == "exact McNemar" or _leaves_out_zero(interval, pairs, groups)
        if is_certain and (p_value < SIGNIFICANCE or test == "paired bootstrap"):
            verdict = Verdict.BETTER if (value > 0) == metric.higher_is_better else Verdict.WORSE
    return Difference(
        metric=metric.name, arm=arm, baseline=baseline, estimate=found, p_value=p_value, test=test, verdict=verdict
    )


def sign_test_p_value(num_gained: int, num_lost: int) -> float:
    """Exact two-sided p-value of the sign test: a fair coin over the items that changed, 1 where none did.

    On items that are right or wrong this is McNemar's exact test (McNemar 1947).
    """
    from scipy.stats import binomtest

    num_changed = num_gained + num_lost
    return float(binomtest(num_gained, num_changed).pvalue) if num_changed else 1.0


def num_rows_to_settle(change: Estimate, smallest: float, num_comparisons: int) -> int:
    """About how many rows more would show whether a difference is real.

    The paired standard deviation comes from the interval: s = half its width x sqrt(n) / 1.96. A difference d then
    needs N = ((z(1 - 0.05 / 2m) + z(0.8)) s / d)^2 rows to be found in four of five studies (Chow, Shao and Wang 2008,
    "Sample Size Calculations in Clinical Research", section 3.1), m being the comparisons that share the 5 %.

    Args:
        change: the difference as measured; its value is taken for the true one.
        smallest: the difference that still matters, taken where the measured one is smaller. Above 0.
        num_comparisons: m, at least 1.
    Returns:
        N - n, at least 1.
    """
    normal = NormalDist()
    deviation = (change.high - change.low) / 2 * math.sqrt(change.num_rows) / normal.inv_cdf(1 - SIGNIFICANCE / 2)
    quantiles = normal.inv_cdf(1 - SIGNIFICANCE / (2 * num_comparisons)) + normal.inv_cdf(POWER)
    num_rows = math.ceil((quantiles * deviation / max(abs(change.value), smallest)) ** 2)
    return max(1, MIN_ITEMS_FOR_VERDICT - change.num_rows, num_rows - change.num_rows)


def _compare(
    metric: Metric, pairs: Sequence[tuple[Score, Score]], groups: Groups, num_resamples: int, seed: int
) -> tuple[float, Interval, float, _Test]:
    """Difference, its interval, and the p-value with the test it comes from."""
    aggregate = AGGREGATES[metric.name]
    statistic = STATISTICS[aggregate]
    arm_columns = columns_of(aggregate, [score for score, _ in pairs])
    baseline_columns = columns_of(aggregate, [score for _, score in pairs])
    width = len(arm_columns)

    def change(*columns: Floats, axis: int = -1) -> Floats:
        return statistic(*columns[:width], axis=axis) - statistic(*columns[width:], axis=axis)

    columns = (*arm_columns, *baseline_columns)
    value = float(change(*columns))
    resampled = _resample(change, columns, groups, num_resamples, seed)
    interval = _percentiles(resampled, groups)
    if metric.is_share and _is_point(interval):
        interval = widened(value, -1.0, 1.0, groups, len(pairs))
    is_gained, is_lost = (np.array(sign * (arm_columns[0] - baseline_columns[0]) > 0, float) for sign in (1, -1))
    num_gained, num_lost = int(is_gained.sum()), int(is_lost.sum())
    if aggregate is Aggregate.RATE and num_gained + num_lost < MIN_RARE:
        interval = square_and_add(is_gained, is_lost, groups)
    if groups:
        return value, interval, group_p_value(value, resampled, len(groups)), "paired bootstrap of groups"
    if aggregate is Aggregate.RATE:
        return value, interval, sign_test_p_value(num_gained, num_lost), "exact McNemar"
    return value, interval, _bootstrap_p_value(resampled), "paired bootstrap"


def scored_in_both(arm: Sequence[Score], baseline: Sequence[Score]) -> list[tuple[Score, Score]]:
    """The scores of both for each item that has one under both."""
    baseline_of = {score.example_id: score for score in baseline if score.value is not None}
    return [
        (score, baseline_of[score.example_id])
        for score in arm
        if score.value is not None and score.example_id in baseline_of
    ]


def _estimate(value: float, interval: Interval, scored: Sequence[Score], num_unscored: int) -> Estimate:
    return Estimate(
        value=value,
        # A statistic that is not a mean (macro F1 with few rows per label) can lie outside its own percentiles.
        low=min(interval.low, value),
        high=max(interval.high, value),
        num_rows=len(scored),
        num_unscored=num_unscored,
        interval=interval.method,
        num_groups=num_groups(scored),
    )


def _leaves_out_zero(interval: Interval, pairs: Sequence[tuple[Score, Score]], groups: Groups) -> bool:
    is_changed = np.array([score.value != baseline.value for score, baseline in pairs])
    num_changed = sum(is_changed[group].any() for group in groups) if groups else is_changed.sum()
    has_enough = len(pairs) >= MIN_ITEMS_FOR_VERDICT and num_changed >= MIN_CHANGED_FOR_VERDICT
    return bool(has_enough and (interval.low > 0 or interval.high < 0))


def _resample(statistic: Statistic, columns: Sequence[Floats], groups: Groups, num_resamples: int, seed: int) -> Floats:
    """Values of the statistic over resampled items, or groups of them; the columns of an item stay together.

    Items give the same numbers as scipy.stats.bootstrap (paired, with the same generator), in a third of its time.
    """
    if groups:
        return resample_groups(statistic, columns, groups, num_resamples, seed)
    generator = np.random.default_rng(seed)
    num_items = len(columns[0])
    at_once = max(1, MAX_VALUES_AT_ONCE // num_items)
    parts = []
    for first in range(0, num_resamples, at_once):
        drawn = generator.integers(0, num_items, (min(at_once, num_resamples - first), num_items))
        parts.append(statistic(*(column[drawn] for column in columns)))
    return np.concatenate(parts)


def _percentiles(resampled: Floats, groups: Groups) -> Interval:
    tail = tail_share(len(groups), SIGNIFICANCE) if groups else SIGNIFICANCE / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Interval(float(low), float(high), "bootstrap")


def _is_point(interval: Interval) -> bool:
    return bool(np.isclose(interval.low, interval.high, rtol=0.0, atol=1e-12))


def _bootstrap_p_value(resampled: Floats) -> float:
    """Twice the share of resamples on the rarer side of 0, so that 0.05 is where the percentile interval starts to
    leave out 0 (Efron and Tibshirani 1993, section 15.4).

    One is added to both counts, so that p is never 0 (Davison and Hinkley 1997, "Bootstrap Methods and their
    Application", section 4.4).
    """
    num_rarer = min(int(np.sum(resampled <= 0)), int(np.sum(resampled >= 0)))
    return min(1.0, 2 * (1 + num_rarer) / (1 + len(resampled)))
