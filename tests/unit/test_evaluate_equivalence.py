"""Whether two arms are equally good: what is called equal must be, also where few rows show little."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tunewright.evaluate.equivalence import cautious, equivalence
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference
from tunewright.records import Estimate, Score


def compared(
    metric: str,
    arm: Sequence[float],
    baseline: Sequence[float],
    groups: Sequence[str] | None = None,
    *,
    is_cautious: bool = True,
) -> Estimate | None:
    of, both = SCORERS[metric].metric, [scores(metric, values, groups) for values in (arm, baseline)]
    change = difference(of, "tuned", "prompted", *both, 200, 0)
    return cautious(change, of, *both).estimate if is_cautious else change.estimate


def change(low: float, high: float, num_rows: int = 100) -> Estimate:
    return Estimate(value=(low + high) / 2, low=low, high=high, num_rows=num_rows)


def scores(metric: str, values: Sequence[float], groups: Sequence[str] | None = None) -> tuple[Score, ...]:
    return tuple(
        Score(example_id=str(place), metric=metric, value=float(value), group=groups[place] if groups else None)
        for place, value in enumerate(values)
    )


@pytest.mark.parametrize(
    ("low", "high", "outcome"),
    [
        (-0.04, 0.04, "equal"),
        (-0.05, 0.01, "not shown"),  # the margin itself is not within it
        (-0.04, 0.05, "no worse"),
        (0.06, 0.2, "no worse"),
        (-0.08, 0.02, "not shown"),
        (-0.3, -0.06, "worse"),
        (-0.3, 0.3, "not shown"),
    ],
)
def test_equal_is_an_interval_within_the_margin(low: float, high: float, outcome: str) -> None:
    assert equivalence(change(low, high), 0.05, higher_is_better=True) == outcome


def test_for_a_loss_higher_is_worse() -> None:
    assert equivalence(change(0.1, 0.3), 0.05, higher_is_better=False) == "worse"
    assert equivalence(change(-0.3, 0.01), 0.05, higher_is_better=False) == "no worse"


def test_few_rows_show_nothing() -> None:
    assert equivalence(change(0.0, 0.0, num_rows=9), 0.05, higher_is_better=True) == "not shown"
    assert equivalence(None, 0.05, higher_is_better=True) == "not shown"
    few_groups = change(0.0, 0.0).model_copy(update={"num_groups": 9})
    assert equivalence(few_groups, 0.05, higher_is_better=True) == "not shown"


def test_quality_that_differs_by_the_margin_is_called_equal_in_at_most_one_of_twenty_studies() -> None:
    """The null hypothesis of an equivalence test at its border: simulated studies of 400 rows, 10 points worse."""
    draw, called_equal = np.random.default_rng(0), 0
    for _ in range(300):
        prompted = draw.random(400) < 0.8
        tuned = np.where(draw.random(400) < 0.125, False, prompted)  # 0.8 x 0.875 = 0.7
        found = compared("exact_match", tuned, prompted)
        called_equal += equivalence(found, 0.1, higher_is_better=True) in ("equal", "no worse")
    assert called_equal <= 15


Pairs = tuple["np.ndarray", "np.ndarray"]
"""Scores of tuned and of prompted on the same rows."""


def ruined(chance: np.random.Generator, num_rows: int, share: float = 0.125) -> Pairs:
    """One answer in eight loses 0.4, the others stay as they were but for 0.02: 5 points worse in all."""
    prompted = chance.uniform(0.4, 0.7, num_rows)
    noise = chance.uniform(-0.02, 0.02, num_rows)
    return prompted + np.where(chance.random(num_rows) < share, -0.4, noise), prompted


def steady(chance: np.random.Generator, num_rows: int) -> Pairs:
    """Every answer loses a little, 5 points on average."""
    prompted = chance.uniform(0.4, 0.7, num_rows)
    return prompted + chance.normal(-0.05, 0.1, num_rows), prompted


@pytest.mark.parametrize("num_rows", [10, 20, 30, 50, 100])
@pytest.mark.parametrize("draw", [ruined, steady])
def test_what_is_worse_by_the_margin_is_called_equal_in_at_most_one_of_forty_studies(
    draw: Callable[[np.random.Generator, int], Pairs], num_rows: int
) -> None:
    chance, num_studies, num_equal, num_plain = np.random.default_rng(0), 400, 0, 0
    for _ in range(num_studies):
        pairs = draw(chance, num_rows)
        cautious, plain = compared("chrf", *pairs), compared("chrf", *pairs, is_cautious=False)
        num_equal += equivalence(cautious, 0.05, higher_is_better=True) in ("equal", "no worse")
        num_plain += equivalence(plain, 0.05, higher_is_better=True) in ("equal", "no worse")
    assert num_equal <= num_studies / 40
    if draw is ruined and num_rows < 100:
        assert num_plain > num_studies / 40, "resampling alone does not keep the promise"


def test_quality_that_stays_is_called_equal_from_fifty_rows_on() -> None:
    chance, outcomes = np.random.default_rng(0), {}
    for num_rows in (20, 50, 100):
        prompted = chance.uniform(0.4, 0.7, num_rows)
        found = compared("chrf", prompted + chance.normal(0.0, 0.03, num_rows), prompted)
        outcomes[num_rows] = equivalence(found, 0.05, higher_is_better=True)
    assert outcomes == {20: "not shown", 50: "equal", 100: "equal"}


def test_rows_of_few_groups_show_less_than_as_many_rows_on_their_own() -> None:
    values = np.random.default_rng(0).uniform(0.4, 0.7, 100)
    groups = [f"customer {place % 12}" for place in range(100)]
    alone, grouped = compared("chrf", values, values), compared("chrf", values, values, groups)
    assert alone is not None
    assert grouped is not None
    assert grouped.low < alone.low < 0 < alone.high < grouped.high


def test_right_and_wrong_answers_keep_their_interval() -> None:
    arms = [1, 0, 1, 1] * 10, [1, 1, 1, 0] * 10
    assert compared("exact_match", *arms) == compared("exact_match", *arms, is_cautious=False)
