"""Values, intervals and tests against hand-worked cases, plain-Python recomputation and simulated studies."""

import math
import random
from collections.abc import Sequence

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from tunewright.evaluate.aggregate import LabelScore
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.records import Difference, Estimate, Score, Verdict


def _scores(metric: str, values: Sequence[float | None], weights: Sequence[float] | None = None) -> list[Score]:
    return [
        Score(
            example_id=f"row {index}",
            metric=metric,
            value=value,
            weight=weights[index] if weights else 1.0,
            reason="failed" if value is None else None,
        )
        for index, value in enumerate(values)
    ]


def _label_scores(pairs: Sequence[tuple[str, str]]) -> list[Score]:
    return [
        LabelScore(
            example_id=f"row {index}", metric="macro_f1", value=float(guess == label), predicted=guess, label=label
        )
        for index, (guess, label) in enumerate(pairs)
    ]


def _estimate(scores: Sequence[Score], num_resamples: int = 1000, seed: int = 0) -> Estimate:
    found = estimate(SCORERS[scores[0].metric].metric, scores, num_resamples, seed)
    assert found is not None
    return found


def _difference(arm: Sequence[Score], baseline: Sequence[Score], seed: int = 0) -> Difference:
    return difference(SCORERS[arm[0].metric].metric, "tuned", "base", arm, baseline, 1000, seed)


# Values


def test_loss_is_weighted_by_tokens_and_perplexity_is_its_exp() -> None:
    nats, tokens = [1.0, 4.0, 2.0], [10.0, 1.0, 5.0]
    loss = _estimate(_scores("loss", nats, tokens))
    perplexity = _estimate(_scores("perplexity", [math.exp(value) for value in nats], tokens))
    assert loss.value == pytest.approx((10 * 1 + 1 * 4 + 5 * 2) / 16)
    for end in ("value", "low", "high"):
        assert getattr(perplexity, end) == pytest.approx(math.exp(getattr(loss, end)))


def test_macro_f1_equals_a_hand_worked_confusion_table() -> None:
    pairs = [("a", "a"), ("a", "a"), ("b", "a"), ("b", "b"), ("what?", "b"), ("c", "c")]
    # a: 2 hits, 3 true, 2 guessed: 4/5. b: 1 hit, 2 true, 2 guessed: 2/4. c: 1. "what?" is no label of the data.
    assert _estimate(_label_scores(pairs)).value == pytest.approx((0.8 + 0.5 + 1.0) / 3)


def test_macro_f1_resamples_equal_a_plain_recomputation() -> None:
    generator = random.Random(1)
    pairs = [(generator.choice("abcx"), generator.choice("aabc")) for _ in range(80)]

    def macro_f1(rows: Sequence[tuple[str, str]]) -> float:
        labels = {label for _, label in rows}
        values = []
        for label in labels:
            hits = sum(guess == true == label for guess, true in rows)
            values.append(2 * hits / sum((guess == label) + (true == label) for guess, true in rows))
        return sum(values) / len(values)

    resampled = sorted(macro_f1(generator.choices(pairs, k=len(pairs))) for _ in range(2000))
    found = _estimate(_label_scores(pairs), num_resamples=2000)
    assert found.value == pytest.approx(macro_f1(pairs))
    assert (found.low, found.high) == pytest.approx((resampled[50], resampled[1950]), abs=0.015)


def test_unscored_rows_are_counted_and_never_zero() -> None:
    found = _estimate(_scores("chrf", [0.5, None, 0.7, None, 0.6]))
    assert found.value == pytest.approx(0.6)
    assert (found.num_rows, found.num_unscored) == (3, 2)


@pytest.mark.parametrize("values", [[], [None, None], [0.5], [0.5, None]])
def test_fewer_than_two_scored_rows_give_no_estimate(values: list[float | None]) -> None:
    assert estimate(SCORERS["chrf"].metric, _scores("chrf", values), 100, 0) is None


def test_equal_seeds_give_equal_intervals() -> None:
    scores = _scores("chrf", [index / 20 for index in range(20)])
    assert _estimate(scores) == _estimate(scores)
    assert _estimate(scores).low != _estimate(scores, seed=1).low


# Intervals


def test_interval_of_a_weighted_ratio_equals_a_plain_recomputation() -> None:
    generator = random.Random(0)
    rows = [(generator.gauss(2.0, 0.6), generator.randint(1, 40)) for _ in range(50)]

    def ratio(sample: Sequence[tuple[float, int]]) -> float:
        return sum(value * weight for value, weight in sample) / sum(weight for _, weight in sample)

    resampled = sorted(ratio(generator.choices(rows, k=len(rows))) for _ in range(4000))
    found = _estimate(_scores("loss", [value for value, _ in rows], [weight for _, weight in rows]), 4000)
    assert found.value == pytest.approx(ratio(rows))
    assert (found.low, found.high) == pytest.approx((resampled[100], resampled[3900]), abs=0.02)
    assert found.interval == "bootstrap"


@pytest.mark.parametrize("metric", ["loss", "chrf"])
def test_intervals_cover_the_truth_in_about_95_of_100_studies(metric: str) -> None:
    generator = np.random.default_rng(0)
    num_studies, num_rows, num_hits = 300, 60, 0
    for study in range(num_studies):
        values = generator.beta(2, 5, size=num_rows)  # mean 2/7, skewed as text scores are
        weights = generator.integers(1, 30, size=num_rows)
        found = _estimate(_scores(metric, values.tolist(), weights.tolist()), num_resamples=200, seed=study)
        num_hits += found.low <= 2 / 7 <= found.high
    assert 0.90 <= num_hits / num_studies <= 0.98


def test_wilson_covers_rare_answers_where_the_bootstrap_does_not() -> None:
    num_rows, truth = 60, 0.02
    covered = {"wilson": 0.0, "bootstrap": 0.0}
    for num_right in range(10):  # more than nine of sixty has a chance below 1e-6
        probability = float(binom.pmf(num_right, num_rows, truth))
        found = _estimate(_scores("exact_match", [1.0] * num_right + [0.0] * (num_rows - num_right)), 100)
        assert found.interval == "wilson"
        covered["wilson"] += probability * (found.low <= truth <= found.high)
        # The percentile interval in the limit of many resamples: quantiles of the binomial at the observed share.
        low, high = binom.ppf([0.025, 0.975], num_rows, num_right / num_rows) if num_right else (0, 0)
        covered["bootstrap"] += probability * (low <= truth * num_rows <= high)
    assert covered == pytest.approx({"wilson": 0.97, "bootstrap": 0.70}, abs=0.01)


@pytest.mark.parametrize(
    ("num_right", "low", "high"),
    [(0, 0.0, 0.060172), (60, 0.939828, 1.0), (3, 0.017149, 0.137005)],  # z = 1.959964: 0 of n ends at z^2 / (n + z^2)
)
def test_rare_right_or_wrong_answers_get_wilsons_interval(num_right: int, low: float, high: float) -> None:
    found = _estimate(_scores("accuracy", [1.0] * num_right + [0.0] * (60 - num_right)))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-5)
    oracle = binomtest(num_right, 60).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((oracle.low, oracle.high))
    assert found.interval == "wilson"


@pytest.mark.parametrize("num_rare", [9, 10])
def test_fewer_than_ten_right_or_wrong_answers_are_rare(num_rare: int) -> None:
    for num_right in (num_rare, 60 - num_rare):
        found = _estimate(_scores("accuracy", [1.0] * num_right + [0.0] * (60 - num_right)))
        assert found.interval == ("wilson" if num_rare < 10 else "bootstrap")


def test_a_common_share_gets_the_bootstrap_interval() -> None:
    found = _estimate(_scores("accuracy", [1.0] * 30 + [0.0] * 30), 4000)
    assert (found.low, found.high) == pytest.approx((0.375, 0.625), abs=0.03)  # 0.5 +- 1.96 sqrt(0.25 / 60)
    assert found.interval == "bootstrap"


@pytest.mark.parametrize(
    ("metric", "value", "low", "high"),
    [("chrf", 0.0, 0.0, 0.0602), ("json_fields", 1.0, 0.9398, 1.0), ("token_f1", 0.5, 0.4699, 0.5301)],
)
def test_equal_values_of_a_share_do_not_look_certain(metric: str, value: float, low: float, high: float) -> None:
    found = _estimate(_scores(metric, [value] * 60))
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-4)
    assert found.interval == "wilson"


# Differences


@pytest.mark.parametrize(
    ("num_gained", "num_lost", "p_value"),
    [(3, 0, 0.25), (10, 0, 0.001953125), (0, 0, 1.0), (6, 0, 0.03125), (1, 8, 0.0390625), (5, 5, 1.0)],
)
def test_right_or_wrong_answers_are_compared_by_mcnemars_exact_test(
    num_gained: int, num_lost: int, p_value: float
) -> None:
    num_same = 60 - num_gained - num_lost
    base = _scores("exact_match", [0.0] * num_gained + [1.0] * num_lost + [0.0, 1.0] * num_same)
    tuned = _scores("exact_match", [1.0] * num_gained + [0.0] * num_lost + [0.0, 1.0] * num_same)
    found = _difference(tuned, base)
    assert found.test == "exact McNemar"
    assert found.p_value == pytest.approx(p_value)
    expected = Verdict.TOO_FEW_ROWS
    if p_value < 0.05:
        expected = Verdict.BETTER if num_gained > num_lost else Verdict.WORSE
    assert found.verdict is expected


@pytest.mark.parametrize(("num_gained", "excludes_zero"), [(0, False), (3, False), (4, False), (6, True), (60, True)])
def test_interval_of_few_changed_answers_agrees_with_the_test(num_gained: int, excludes_zero: bool) -> None:
    base = _scores("accuracy", [0.0] * 60)
    tuned = _scores("accuracy", [1.0] * num_gained + [0.0] * (60 - num_gained))
    found = _difference(tuned, base).estimate
    assert found is not None
    assert found.value == pytest.approx(num_gained / 60)
    assert found.low < found.high
    assert (found.low > 0) is excludes_zero


def test_no_changed_answer_leaves_wilsons_room_on_both_sides() -> None:
    scores = _scores("accuracy", [0.0, 1.0] * 30)
    found = _difference(scores, scores).estimate
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((0.0, -0.060172, 0.060172), abs=1e-5)
    assert found.interval == "wilson"


def test_equal_text_scores_leave_wilsons_room_on_both_sides() -> None:
    scores = _scores("chrf", [index / 60 for index in range(60)])
    found = _difference(scores, scores)
    assert found.estimate is not None
    assert (found.estimate.low, found.estimate.high) == pytest.approx((-0.060172, 0.060172), abs=1e-5)
    assert (found.p_value, found.verdict) == (1.0, Verdict.TOO_FEW_ROWS)


def test_pairs_are_formed_by_row_and_only_where_both_are_scored() -> None:
    base = _scores("chrf", [0.1, 0.2, None, 0.4, 0.5])
    tuned = _scores("chrf", [0.2, None, 0.9, 0.6, 0.8])
    found = _difference(tuned[::-1], base).estimate
    assert found is not None
    assert found.value == pytest.approx((0.1 + 0.2 + 0.3) / 3)
    assert (found.num_rows, found.num_unscored) == (3, 2)


def test_pairing_finds_a_small_steady_gain_that_separate_intervals_hide() -> None:
    generator = np.random.default_rng(0)
    values = generator.uniform(0, 0.9, size=40)
    gains = generator.normal(0.02, 0.01, size=40)
    base, tuned = _scores("chrf", values.tolist()), _scores("chrf", (values + gains).tolist())
    assert _estimate(tuned).low < _estimate(base).high
    found = _difference(tuned, base)
    assert found.estimate is not None
    assert found.p_value is not None
    half_width = 1.96 * gains.std() / math.sqrt(40)
    assert found.estimate.low == pytest.approx(gains.mean() - half_width, abs=0.001)
    assert found.estimate.high == pytest.approx(gains.mean() + half_width, abs=0.001)
    assert found.p_value == pytest.approx(2 / 1001)
    assert (found.test, found.verdict) == ("paired bootstrap", Verdict.BETTER)


@pytest.mark.parametrize(
    ("metric", "shift", "verdict"),
    [
        ("loss", -0.3, Verdict.BETTER),
        ("loss", 0.3, Verdict.WORSE),
        ("perplexity", -0.3, Verdict.BETTER),
        ("chrf", 0.3, Verdict.BETTER),
        ("chrf", -0.3, Verdict.WORSE),
    ],
)
def test_verdict_respects_which_direction_is_better(metric: str, shift: float, verdict: Verdict) -> None:
    values = [1.5 + index / 40 for index in range(20)]
    weights = [float(1 + index % 7) for index in range(20)]
    base = _scores(metric, values, weights)
    tuned = _scores(metric, [value + shift * (1 + index / 20) for index, value in enumerate(values)], weights)
    assert _difference(tuned, base).verdict is verdict


@pytest.mark.parametrize(("num_rows", "num_changed"), [(9, 9), (40, 5)])
def test_a_verdict_needs_ten_rows_and_six_that_changed(num_rows: int, num_changed: int) -> None:
    base = _scores("chrf", [0.1] * num_rows)
    tuned = _scores("chrf", [0.5 + index / 100 if index < num_changed else 0.1 for index in range(num_rows)])
    found = _difference(tuned, base)
    assert found.estimate is not None
    assert found.estimate.low > 0
    assert found.verdict is Verdict.TOO_FEW_ROWS
    more = [0.5 + index / 100 if index <= num_changed else 0.1 for index in range(num_rows + 1)]
    assert _difference(_scores("chrf", more), _scores("chrf", [0.1] * (num_rows + 1))).verdict is Verdict.BETTER


def test_macro_f1_differences_pair_labels_of_both_arms() -> None:
    labels = ["a", "b", "c"] * 20
    base = _label_scores([("a", label) for label in labels])
    tuned = _label_scores([(label, label) for label in labels])
    found = _difference(tuned, base)
    assert found.estimate is not None
    assert found.estimate.value == pytest.approx(1 - 0.5 / 3)  # base: a has 20 hits of 20 true, 60 guessed: 40/80
    assert found.verdict is Verdict.BETTER


@pytest.mark.parametrize("values", [[None, None], [0.5, None]])
def test_fewer_than_two_common_rows_are_not_compared(values: list[float | None]) -> None:
    found = _difference(_scores("chrf", [0.5, 0.6]), _scores("chrf", values))
    assert (found.estimate, found.p_value, found.test) == (None, None, "none")
    assert found.verdict is Verdict.TOO_FEW_ROWS


def test_identical_losses_are_no_difference() -> None:
    scores = _scores("loss", [1.0 + index / 10 for index in range(20)])
    found = _difference(scores, scores)
    assert found.estimate is not None
    assert (found.estimate.value, found.p_value, found.verdict) == (0.0, 1.0, Verdict.TOO_FEW_ROWS)


def test_false_alarms_between_equal_arms_stay_near_five_per_cent() -> None:
    generator = np.random.default_rng(1)
    num_alarms = 0
    for study in range(200):
        values = generator.beta(2, 5, size=(2, 60)).tolist()
        found = difference(
            SCORERS["chrf"].metric, "b", "a", _scores("chrf", values[0]), _scores("chrf", values[1]), 200, study
        )
        num_alarms += found.verdict is not Verdict.TOO_FEW_ROWS
    assert num_alarms / 200 <= 0.10
