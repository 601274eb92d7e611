"""Intervals and tests by group: hand-worked cases, and simulated comparisons of arms whose truth is known."""

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binomtest
from scipy.stats import t as student

from tunewright.evaluate.aggregate import LabelScore
from tunewright.evaluate.groups import group_p_value, groups_of, num_independent, tail_share
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.records import Difference, Estimate, Score, Verdict


def _scores(metric: str, values: Sequence[float], groups: Sequence[str | None]) -> list[Score]:
    return [
        Score(example_id=f"row {place}", metric=metric, value=value, group=group)
        for place, (value, group) in enumerate(zip(values, groups, strict=True))
    ]


def _estimate(scores: Sequence[Score], num_resamples: int = 1000) -> Estimate:
    found = estimate(SCORERS[scores[0].metric].metric, scores, num_resamples, 0)
    assert found is not None
    return found


def _difference(arm: Sequence[Score], baseline: Sequence[Score], num_resamples: int = 1000) -> Difference:
    return difference(SCORERS[arm[0].metric].metric, "tuned", "base", arm, baseline, num_resamples, 0)


def _alike(num_groups: int, size: int) -> list[str | None]:
    return [f"customer {group}" for group in range(num_groups) for _ in range(size)]


# What is a group


def test_items_without_a_group_are_groups_of_their_own() -> None:
    scores = _scores("chrf", [0.1, 0.2, 0.3, 0.4], ["a", None, "a", None])
    assert [group.tolist() for group in groups_of(scores)] == [[0, 2], [1], [3]]
    assert _estimate(scores).num_groups == 3


@pytest.mark.parametrize("metric", ["accuracy", "chrf", "loss"])
def test_groups_of_one_item_change_nothing(metric: str) -> None:
    values = [float(place % 3 == 0) for place in range(30)]
    others = [float(place % 4 == 0) for place in range(30)]
    alone, named = [None] * 30, _alike(30, 1)
    assert _estimate(_scores(metric, values, alone)) == _estimate(_scores(metric, values, named))
    assert _difference(_scores(metric, values, alone), _scores(metric, others, alone)) == _difference(
        _scores(metric, values, named), _scores(metric, others, named)
    )


@pytest.mark.parametrize(
    ("metric", "values", "others", "ends", "ends_of_change", "p_value"),
    [
        (
            "accuracy", [float(place % 3 == 0) for place in range(60)], [float(place % 4 == 0) for place in range(60)],
            (0.21666666666666667, 0.4666666666666667), (-0.08333333333333331, 0.25), 0.42435622215270996,
        ),
        (
            "accuracy",
            [float(place % 12 == 0) for place in range(60)], [float(place % 15 == 0) for place in range(60)],
            (0.03612045660173076, 0.1806894201833441), (-0.07927669134634224, 0.11490866612139164), 1.0,
        ),
        (
            "chrf", [place * 7 % 60 / 60 for place in range(60)], [place * 11 % 60 / 60 for place in range(60)],
            (0.4166666666666667, 0.5700208333333333), (-0.10450000000000001, 0.10447222222222215), 0.999000999000999,
        ),
    ],
)  # fmt: skip
def test_without_groups_the_numbers_are_those_of_before_there_were_any(
    metric: str,
    values: list[float],
    others: list[float],
    ends: tuple[float, float],
    ends_of_change: tuple[float, float],
    p_value: float,
) -> None:
    tuned, base = (_scores(metric, each, [None] * 60) for each in (values, others))
    found, change = _estimate(tuned), _difference(tuned, base)
    assert (found.low, found.high, found.num_groups) == (*ends, None)
    assert change.estimate is not None
    assert (change.estimate.low, change.estimate.high, change.p_value) == (*ends_of_change, p_value)


@pytest.mark.parametrize("num_right", range(10))
def test_wilsons_interval_of_items_is_scipys_to_the_last_bit(num_right: int) -> None:
    found = _estimate(_scores("accuracy", [1.0] * num_right + [0.0] * 50, [None] * (50 + num_right)))
    oracle = binomtest(num_right, 50 + num_right).proportion_ci(method="wilson")
    assert (found.low, found.high) == (oracle.low, oracle.high)


def test_a_single_group_is_taken_for_all_there_is() -> None:
    values = [place / 30 for place in range(30)]
    found, alone = _estimate(_scores("chrf", values, ["a"] * 30)), _estimate(_scores("chrf", values, [None] * 30))
    assert found.num_groups == 1
    assert found.model_copy(update={"num_groups": None}) == alone


# Hand-worked


def test_equal_items_of_a_group_say_no_more_than_one() -> None:
    values = [0.1, 0.3, 0.5, 0.9]
    spread = _estimate(_scores("chrf", [value for value in values for _ in range(5)], _alike(4, 5)), 4000)
    # Drawn are 4 of 4 groups. Student's t with 3 degrees of freedom goes out to the 0.01 % tail, and the rarest
    # draws, four times the same group, have 0.39 %: the interval reaches from the least group to the greatest.
    assert tail_share(4, 0.05) < 4**-4
    assert (spread.low, spread.high) == pytest.approx((0.1, 0.9))


def test_percentiles_are_taken_as_far_out_as_students_t_asks_for() -> None:
    # 5 groups: t = 2.7764, times sqrt(5 / 4) is 3.1041, beyond which lies 0.0954 % of a normal distribution.
    assert tail_share(5, 0.05) == pytest.approx(0.000954, abs=1e-6)
    assert tail_share(10_000, 0.05) == pytest.approx(0.025, abs=1e-4)


def test_the_p_value_is_that_of_students_t_between_groups() -> None:
    generator = np.random.default_rng(0)
    means = generator.normal(0.3, 1.0, size=12)
    resampled = means[generator.integers(0, 12, size=(200_000, 12))].mean(axis=1)
    found = group_p_value(float(means.mean()), resampled, 12)
    t = means.mean() / (means.std(ddof=1) / np.sqrt(12))
    assert found == pytest.approx(2 * student.sf(abs(t), 11), rel=0.02)
    assert group_p_value(0.0, np.zeros(99), 12) == 1.0
    assert group_p_value(0.5, np.full(99, 0.5), 12) == 2 / 100, "never below what resamples can tell"


def test_an_item_of_wholly_alike_groups_counts_by_the_group() -> None:
    is_right = np.array([1.0] * 6 + [0.0] * 54)
    groups = groups_of(_scores("accuracy", is_right.tolist(), _alike(10, 6)))
    # One of ten groups is all right: the variance of the share is 10/9 x (5.4^2 + 9 x 0.6^2) / 60^2 = 0.01, that of
    # independent items 0.09 / n, so 60 items count as 9; few groups: times (1.95996 / 2.26216)^2 = 0.75067.
    assert num_independent(is_right, groups, 0.05) == pytest.approx(9 * 0.75067, rel=1e-4)
    nothing = np.zeros(60)
    assert num_independent(nothing, groups, 0.05) == pytest.approx(10 * 0.75067, rel=1e-4)
    spread = np.array([1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 10)  # as many in each group: no more than the items there are
    assert num_independent(spread, groups, 0.05) == pytest.approx(60 * 0.75067, rel=1e-4)


def test_rare_successes_get_wilsons_interval_by_group() -> None:
    found = _estimate(_scores("accuracy", [0.0] * 120, _alike(20, 6)))
    num = 20 * (1.959964 / 2.093024) ** 2
    assert (found.low, found.high) == pytest.approx((0.0, 1.959964**2 / (num + 1.959964**2)), abs=1e-5)
    assert (found.interval, found.num_groups) == ("wilson", 20)


def test_right_or_wrong_answers_of_groups_are_not_judged_by_mcnemar() -> None:
    # 24 items changed to the better, which convinces McNemar (p = 1e-7), and all are of four customers.
    base = _scores("accuracy", [0.0] * 120, _alike(20, 6))
    tuned = _scores("accuracy", [1.0] * 24 + [0.0] * 96, _alike(20, 6))
    found = _difference(tuned, base)
    assert found.test == "paired bootstrap of groups"
    assert found.p_value is not None
    # Means of the groups: 4 of 20 are 1. t = 0.2 / sqrt(0.16 / 19) = 2.179, 19 degrees of freedom: p = 0.042.
    assert found.p_value == pytest.approx(0.042, abs=0.006)
    assert found.verdict is Verdict.TOO_FEW_ROWS, "fewer than six groups changed"
    steady = _scores("accuracy", [1.0, 1.0, 0.0, 0.0, 0.0, 0.0] * 20, _alike(20, 6))
    assert _difference(steady, base).verdict is Verdict.BETTER


def test_macro_f1_takes_whole_groups() -> None:
    scores = [
        LabelScore(
            example_id=f"row {place}", metric="macro_f1", value=float(guess == label), predicted=guess, label=label,
            group=f"customer {place // 4}",
        )
        for place, (guess, label) in enumerate([("a", "a"), ("b", "b"), ("a", "b"), ("b", "a")] * 5)
    ]  # fmt: skip
    found = _estimate(scores)
    assert (found.value, found.interval, found.num_groups) == (0.5, "wilson", 5), "all groups are the same"


# Simulated


def _arm(generator: np.random.Generator, groups: Sequence[str | None], num_groups: int, shape: float) -> list[Score]:
    rates = np.repeat(generator.beta(shape, shape, num_groups), len(groups) // num_groups)
    return _scores("accuracy", (generator.random(len(groups)) < rates).astype(float).tolist(), groups)


@pytest.mark.parametrize(("num_groups", "num_studies"), [(20, 150), (10, 100)])
def test_equal_arms_on_alike_groups_differ_in_about_five_of_100_studies(num_groups: int, num_studies: int) -> None:
    generator = np.random.default_rng(0)
    groups = _alike(num_groups, 6)
    num_held, num_right, num_alarms, num_alarms_by_item = 0, 0, 0, 0
    for _ in range(num_studies):
        base, tuned = (_arm(generator, groups, num_groups, 0.5) for _ in range(2))
        found, change = _estimate(base, 200), _difference(tuned, base, 200)
        assert change.estimate is not None
        num_right += found.low <= 0.5 <= found.high
        num_held += change.estimate.low <= 0 <= change.estimate.high
        num_alarms += change.verdict is not Verdict.TOO_FEW_ROWS
        alone = [[score.model_copy(update={"group": None}) for score in arm] for arm in (tuned, base)]
        num_alarms_by_item += _difference(*alone, 20).verdict is not Verdict.TOO_FEW_ROWS
    assert 0.91 <= num_held / num_studies <= 0.99
    assert num_right / num_studies >= 0.91
    assert num_alarms / num_studies <= 0.08
    assert num_alarms_by_item / num_studies >= 0.15


def test_wilsons_interval_by_group_covers_rare_alike_successes() -> None:
    generator = np.random.default_rng(0)
    for num_groups in (5, 10, 20):
        num_held = 0
        for _ in range(100):
            values = np.repeat(generator.random(num_groups) < 0.05, 6).astype(float)
            found = _estimate(_scores("accuracy", values.tolist(), _alike(num_groups, 6)), 50)
            num_held += found.low <= 0.05 <= found.high
        assert num_held / 100 >= 0.92
