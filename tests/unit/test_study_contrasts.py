"""Pairs of arms, their correction, and slices, on constructed scores."""

from collections.abc import Sequence

import pytest

from tunewright.evaluate import task
from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.records import (
    ArmMetric,
    Conversation,
    Estimate,
    EvaluateRecipe,
    Example,
    Message,
    Provenance,
    Score,
    Verdict,
)
from tunewright.study.contrasts import against, best_arm, pairwise, slice_results, slices, why_incomplete

RECIPE = EvaluateRecipe(num_resamples=300)
ACCURACY, CHRF, LOSS = (SCORERS[name].metric for name in ("accuracy", "chrf", "loss"))


def _arm(name: str, metric: str, values: Sequence[float | None]) -> ArmScores:
    scores = tuple(
        Score(example_id=str(row), metric=metric, value=value, reason="failed" if value is None else None)
        for row, value in enumerate(values)
    )
    return ArmScores(arm=name, scores=scores, answers={})


def _right(num_right: int, num_rows: int = 40) -> list[float]:
    return [1.0] * num_right + [0.0] * (num_rows - num_right)


def test_every_pair_is_compared_once_and_corrected_over_all_pairs() -> None:
    arms = [_arm("a", "accuracy", _right(10)), _arm("b", "accuracy", _right(17)), _arm("c", "accuracy", _right(30))]
    found = pairwise(arms, [ACCURACY], RECIPE)
    assert [(change.arm, change.baseline) for change in found] == [("b", "a"), ("c", "a"), ("c", "b")]
    # 7, 20 and 13 answers changed, all for the better: p = 2 x 0.5^7, 2 x 0.5^20, 2 x 0.5^13.
    assert [change.p_value for change in found] == pytest.approx([2**-6, 2**-19, 2**-12])
    assert [change.adjusted_p_value for change in found] == pytest.approx([2**-6, 3 * 2**-19, 2 * 2**-12])
    assert all(change.verdict is Verdict.BETTER for change in found)


def test_a_difference_that_the_correction_rejects_has_no_verdict() -> None:
    arms = [_arm(name, "accuracy", _right(right)) for name, right in zip("abcd", (10, 16, 10, 10), strict=True)]
    found = against(pairwise(arms, [ACCURACY], RECIPE), "accuracy", "a")[0]
    assert found.p_value == pytest.approx(2**-5)  # 0.031 alone
    assert found.adjusted_p_value == pytest.approx(6 * 2**-5)
    assert found.verdict is Verdict.TOO_FEW_ROWS
    alone = pairwise(arms[:2], [ACCURACY], RECIPE)[0]
    assert (alone.adjusted_p_value, alone.verdict) == (pytest.approx(2**-5), Verdict.BETTER)


def test_metrics_are_corrected_apart_and_untested_pairs_do_not_count() -> None:
    arms = [
        ArmScores(arm=name, scores=_arm(name, "accuracy", right).scores + _arm(name, "chrf", text).scores, answers={})
        for name, right, text in (
            ("a", _right(10), [0.2] * 40),
            ("b", _right(20), [None] * 40),
            ("c", _right(20), [0.2 + row / 100 for row in range(40)]),
        )
    ]
    found = pairwise(arms, [ACCURACY, CHRF], RECIPE)
    chrf = [change for change in found if change.metric == "chrf"]
    assert [change.adjusted_p_value for change in chrf if change.p_value is None] == [None, None]
    tested = next(change for change in chrf if change.p_value is not None)
    assert (tested.arm, tested.baseline, tested.adjusted_p_value) == ("c", "a", tested.p_value)


def test_enough_resamples_are_taken_for_the_correction_to_be_passed() -> None:
    arms = [_arm(str(arm), "chrf", [0.1 + row / 1000 + (arm == 6) / 2 for row in range(40)]) for arm in range(7)]
    found = against(pairwise(arms, [CHRF], EvaluateRecipe(num_resamples=100)), "chrf", "0")
    assert [change.verdict for change in found if change.arm == "6"] == [Verdict.BETTER]


def test_a_difference_turned_round_is_the_difference_of_the_other_arm() -> None:
    first, second = _arm("a", "chrf", [0.1, 0.5, 0.3] * 9), _arm("b", "chrf", [0.3, 0.4, 0.9] * 9)
    there, back = pairwise([first, second], [CHRF], RECIPE)[0], pairwise([second, first], [CHRF], RECIPE)[0]
    turned = there.reversed
    assert turned.estimate is not None
    assert back.estimate is not None
    assert turned.estimate.model_dump() == pytest.approx(back.estimate.model_dump())
    assert (turned.arm, turned.baseline, turned.verdict) == (back.arm, back.baseline, back.verdict)
    assert turned.reversed == there


@pytest.mark.parametrize(("metric", "best"), [(CHRF, "high"), (LOSS, "low")])
def test_the_best_arm_follows_the_direction_of_the_metric(metric: object, best: str) -> None:
    chosen = CHRF if metric is CHRF else LOSS
    results = [
        ArmMetric(
            arm=arm,
            metric=chosen.name,
            estimate=Estimate(value=value, low=value, high=value, num_rows=9) if value else None,
        )
        for arm, value in (("unmeasured", None), ("low", 0.2), ("high", 0.4))
    ]
    assert best_arm(chosen, results) == best
    assert best_arm(chosen, results[:1]) is None


def test_an_arm_that_was_left_out_is_not_the_best() -> None:
    estimates = {
        arm: Estimate(value=value, low=value, high=value, num_rows=9) for arm, value in (("a", 0.4), ("b", 1.0))
    }
    results = [ArmMetric(arm=arm, metric="accuracy", estimate=found) for arm, found in estimates.items()]
    assert best_arm(ACCURACY, results, {"b": "it failed"}) == "a"
    assert best_arm(ACCURACY, results, estimates) is None


@pytest.mark.parametrize(("num_answered", "is_named"), [(0, True), (12, True), (89, True), (90, False), (100, False)])
def test_an_arm_that_failed_on_more_than_a_tenth_of_the_rows_is_incomplete(num_answered: int, is_named: bool) -> None:
    # Of 120 rows 20 can be scored under no arm.
    full = _arm("full", "accuracy", [*_right(50, 100), *[None] * 20])
    failing = _arm("failing", "accuracy", [*[1.0] * num_answered, *[None] * (120 - num_answered)])
    found = why_incomplete([failing, full], "accuracy")
    assert found == ({"failing": f"it answered only {num_answered} of 100 rows: failed"} if is_named else {})


def test_the_reason_of_an_incomplete_arm_is_the_most_frequent_one_of_rows_that_others_answered() -> None:
    full = _arm("full", "accuracy", [*_right(5, 10), *[None] * 20])
    reasons = ["HTTP 429", "HTTP 500", "HTTP 429", *["the reference is not JSON"] * 20]
    answered = _arm("failing", "accuracy", [1.0] * 7).scores
    failed = tuple(
        Score(example_id=str(row), metric="accuracy", value=None, reason=reason)
        for row, reason in enumerate(reasons, start=7)
    )
    failing = ArmScores(arm="failing", scores=answered + failed, answers={})
    assert why_incomplete([full, failing], "accuracy") == {"failing": "it answered only 7 of 10 rows: HTTP 429"}
    assert why_incomplete([], "accuracy") == {}


def _items(rows: Sequence[tuple[str, str, str | None, tuple[tuple[str, str], ...]]]) -> tuple[task.TestItem, ...]:
    return task.test_items(
        [
            Example(
                body=Conversation(
                    messages=(
                        Message(role="user", content=f"question {number}"),
                        Message(role="assistant", content=answer),
                    )
                ),
                provenance=Provenance(source=source, row=number, group=group, fields=fields),
            )
            for number, (answer, source, group, fields) in enumerate(rows)
        ],
        None,
    )


def test_items_are_sliced_by_everything_that_tells_them_apart() -> None:
    items = _items(
        [
            ("Billing", "a.jsonl", "anna", (("region", "north"), ("source", "web"))),
            ("billing ", "a.jsonl", None, (("region", "south"), ("source", "mail"))),
            ("refund", "b.jsonl", "ben", ()),
        ]
    )
    ids = [item.example.id for item in items]
    assert slices(items, has_labels=True, cluster_of={ids[0]: "money", ids[2]: "travel"}) == {
        "label": {"billing": (ids[0], ids[1]), "refund": (ids[2],)},
        "source": {"a.jsonl": (ids[0], ids[1]), "b.jsonl": (ids[2],)},
        "cluster": {"money": (ids[0],), "travel": (ids[2],)},
        "group": {"anna": (ids[0],), "ben": (ids[2],)},
        "region": {"north": (ids[0],), "south": (ids[1],)},
        "field source": {"mail": (ids[1],), "web": (ids[0],)},
    }


def test_a_slice_with_one_value_and_texts_that_are_no_labels_are_left_out() -> None:
    assert slices(_items([("a", "f", None, ()), ("b", "f", None, ())]), has_labels=False) == {}


def test_each_value_of_a_slice_has_its_own_estimate_and_small_ones_say_so() -> None:
    arm = _arm("tuned", "accuracy", [1.0] * 30 + [0.0] * 12 + [None, 1.0])
    parts = {"label": {"a": tuple(map(str, range(30))), "b": tuple(map(str, range(30, 42))), "c": ("42", "43")}}
    large, small, unmeasured = slice_results([arm], parts, ACCURACY, RECIPE)
    assert (large.slice, large.value, large.arm, large.num_items, large.note) == ("label", "a", "tuned", 30, None)
    assert large.estimate is not None
    assert large.estimate.value == 1.0
    assert small.estimate is not None
    assert (small.estimate.value, small.note) == (0.0, "only 12 items: too few to conclude anything")
    assert (unmeasured.num_items, unmeasured.estimate) == (2, None)
    assert unmeasured.note == "1 of 2 items could be scored, an interval needs 2"
