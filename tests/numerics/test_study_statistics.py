"""Do a study's intervals and verdicts keep their promise? Oracles from scipy, and simulated studies."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import bootstrap, norm
from study_statistics import simulate

from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate, num_rows_to_settle
from tunewright.records import Estimate, Score, Verdict

CHRF = SCORERS["chrf"].metric


def _scores(values: np.ndarray) -> list[Score]:
    return [Score(example_id=str(row), metric="chrf", value=value) for row, value in enumerate(values.tolist())]


def _scipy(values: tuple[np.ndarray, ...], statistic: Callable[..., np.ndarray]) -> tuple[float, float]:
    generator = np.random.default_rng(7)
    found = bootstrap(
        values, statistic, paired=True, vectorized=True, n_resamples=999, method="percentile", rng=generator
    ).confidence_interval
    return found.low, found.high


def test_the_interval_of_a_value_is_scipys_percentile_bootstrap() -> None:
    values = np.random.default_rng(0).beta(2, 5, 40)
    found = estimate(CHRF, _scores(values), 999, 7)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(_scipy((values,), np.mean), abs=1e-12)


def test_the_interval_of_a_difference_is_scipys_paired_bootstrap() -> None:
    generator = np.random.default_rng(0)
    arm, base = generator.beta(3, 5, 40), generator.beta(2, 5, 40)
    found = difference(CHRF, "arm", "base", _scores(arm), _scores(base), 999, 7).estimate
    oracle = _scipy((arm, base), lambda first, second, axis: first.mean(axis=axis) - second.mean(axis=axis))
    assert found is not None
    assert (found.low, found.high) == pytest.approx(oracle, abs=1e-12)


@pytest.mark.parametrize("num_comparisons", [1, 10])
def test_the_rows_that_settle_it_follow_the_stated_formula(num_comparisons: int) -> None:
    half_width = norm.ppf(0.975) * 0.4 / np.sqrt(50)  # a paired standard deviation of 0.4 on 50 rows
    change = Estimate(value=-0.05, low=-0.05 - half_width, high=-0.05 + half_width, num_rows=50)
    quantiles = norm.ppf(1 - 0.025 / num_comparisons) + norm.ppf(0.8)
    assert num_rows_to_settle(change, 0.02, num_comparisons) == np.ceil((quantiles * 0.4 / 0.05) ** 2) - 50
    assert num_rows_to_settle(change, 0.1, num_comparisons) == np.ceil((quantiles * 0.4 / 0.1) ** 2) - 50


def test_without_any_spread_at_least_the_rows_of_a_verdict_are_asked_for() -> None:
    assert num_rows_to_settle(Estimate(value=0.5, low=0.5, high=0.5, num_rows=4), 0.02, 1) == 6
    assert num_rows_to_settle(Estimate(value=0.5, low=0.5, high=0.5, num_rows=40), 0.02, 1) == 1


def test_studies_of_the_size_asked_for_find_the_difference_in_about_four_of_five() -> None:
    generator = np.random.default_rng(0)
    gain, deviation = 0.05, 0.2
    half_width = norm.ppf(0.975) * deviation / np.sqrt(40)
    seen = Estimate(value=gain, low=gain - half_width, high=gain + half_width, num_rows=40)
    num_rows = 40 + num_rows_to_settle(seen, 0.02, 1)
    num_found = 0
    for study in range(100):
        base = generator.uniform(0.2, 0.8, num_rows)
        change = difference(
            CHRF, "b", "a", _scores(base + generator.normal(gain, deviation, num_rows)), _scores(base), 200, study
        )
        num_found += change.verdict is Verdict.BETTER
    assert 70 <= num_found <= 90


def test_two_hundred_synthetic_studies_keep_the_promise() -> None:
    found = simulate(num_studies=200, num_arms=3, max_rows=80, num_resamples=400)
    assert 0.92 <= found.coverage_of_values <= 0.98
    assert 0.92 <= found.coverage_of_differences <= 0.98
    assert found.false_verdicts <= 0.05
    assert found.false_tune <= found.false_verdicts < found.false_verdicts_uncorrected
    assert found.false_works <= 0.05
    assert found.false_none_works <= 0.05


@pytest.mark.slow
def test_two_thousand_synthetic_studies_keep_the_promise() -> None:
    found = simulate(num_studies=2000, num_arms=5, max_rows=300, num_resamples=1000)
    assert 0.93 <= found.coverage_of_values <= 0.97
    assert 0.93 <= found.coverage_of_differences <= 0.97
    assert found.false_verdicts <= 0.05
    assert max(found.false_tune, found.false_works, found.false_none_works) <= 0.05
    # Correcting for the comparisons with the best arm alone forgets that it was picked.
    assert found.false_verdicts < found.false_verdicts_to_best_alone < found.false_verdicts_uncorrected
