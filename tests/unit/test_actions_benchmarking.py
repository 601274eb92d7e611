"""Values of public tasks: what is a share is shown as one, anything else in its own unit."""

import pytest

from tunewright.actions.benchmarking import _compared
from tunewright.outside.lm_eval import TaskValues
from tunewright.records import Verdict
from tunewright.study.page import _benchmark_row


def values(
    metric: str, numbers: list[float], *, higher_is_better: bool = True, name_of_filter: str | None = None
) -> TaskValues:
    by_item = {str(item): number for item, number in enumerate(numbers)}
    return TaskValues("task", metric, "2", higher_is_better, by_item, name_of_filter)


def test_the_filter_is_named_with_the_metric_whose_unit_stays() -> None:
    found = values("f1", [0.5, 1.0] * 10, name_of_filter="strict-match")
    result = _compared(found, found, (200, 0))
    assert (result.metric, result.is_share) == ("f1,strict-match", True)


def test_a_perplexity_is_shown_as_a_number_and_less_of_it_is_better() -> None:
    before = values("word_perplexity", [20.0 + item for item in range(12)], higher_is_better=False)
    after = values("word_perplexity", [15.0 + item for item in range(12)], higher_is_better=False)
    found = _compared(before, after, (200, 0))
    assert (found.is_share, found.higher_is_better, found.change.verdict) == (False, False, Verdict.BETTER)
    row = _benchmark_row(found)
    # The means are 25.5 and 20.5, and each item is lower by exactly 5.
    assert (row.base.split()[0], row.tuned.split()[0]) == ("25.5", "20.5")
    assert row.change.split()[0].rstrip("0") == "-5."
    assert not any(sign in f"{row.base} {row.tuned} {row.change}" for sign in ("%", "points"))


@pytest.mark.parametrize(
    ("metric", "numbers", "is_share"),
    [
        ("acc_norm", [1.0, 0.0] * 10, True),
        ("f1", [0.5, 1.0] * 10, True),
        ("a_metric_of_ones_and_zeros", [1.0, 0.0] * 10, True),
        ("bits_per_byte", [0.7, 0.8] * 10, False),
        ("num_words", [12.0, 30.0] * 10, False),
        ("acc", [0.5, 2.0] * 10, False),
    ],
)
def test_only_what_is_known_to_be_a_share_is_shown_in_per_cent(
    metric: str, numbers: list[float], *, is_share: bool
) -> None:
    found = _compared(values(metric, numbers), values(metric, numbers), (200, 0))
    assert found.is_share is is_share
    assert (" %" in _benchmark_row(found).base) is is_share
