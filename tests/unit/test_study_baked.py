"""A baked prompt: when quality counts as equal, what is saved, and which rows are trained on."""

from collections.abc import Sequence

import numpy as np
import pytest
from study_parts import row

from tunewright.data import PreparedData
from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference
from tunewright.records import (
    Answer,
    BakeRecipe,
    BakeSummary,
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Estimate,
    Prices,
    Score,
    Split,
    format_savings,
)
from tunewright.study.answers import KeptAnswer
from tunewright.study.baked import Sides, equivalence, summarise_bake, with_answers
from tunewright.study.bench import Measured


def change(low: float, high: float, num_rows: int = 100) -> Estimate:
    return Estimate(value=(low + high) / 2, low=low, high=high, num_rows=num_rows)


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
    draw, metric, called_equal = np.random.default_rng(0), SCORERS["exact_match"].metric, 0
    for _ in range(300):
        prompted = draw.random(400) < 0.8
        tuned = np.where(draw.random(400) < 0.125, False, prompted)  # 0.8 x 0.875 = 0.7
        found = difference(metric, "tuned", "prompted", _scores(tuned), _scores(prompted), 200, 0)
        called_equal += equivalence(found.estimate, 0.1, higher_is_better=True) in ("equal", "no worse")
    assert called_equal <= 15


def _scores(values: Sequence[bool]) -> tuple[Score, ...]:
    return tuple(
        Score(example_id=str(place), metric="exact_match", value=float(value)) for place, value in enumerate(values)
    )


def measured(arm: str, values: Sequence[bool], prompt_tokens: int, seconds: float) -> Measured:
    answers = {
        str(place): Answer(text=f"{value}", finish="stop", num_prompt_tokens=prompt_tokens, num_answer_tokens=5)
        for place, value in enumerate(values)
    }
    kept = tuple(
        KeptAnswer(arm=arm, row=key, decoding="d", answer=answer, batch_seconds=seconds, batch_rows=1)
        for key, answer in answers.items()
    )
    return Measured(ArmScores(arm=arm, scores=_scores(values), answers=answers), kept)


def bake(tuned_values: Sequence[bool], prices: Prices = Prices(machine_per_hour=3.6)) -> BakeSummary:  # noqa: B008
    prompted = measured("prompted", [True] * 90 + [False] * 10, 200, 0.5)
    tuned = measured("tuned", tuned_values, 20, 0.2)
    sides = Sides(prompted, tuned, prompted.facts("prompted", 0, 0), tuned.facts("tuned", 0, 0))
    recipe = BakeRecipe(prompt="p.txt", prices=prices)
    return summarise_bake(sides, SCORERS["exact_match"].metric, "Be brief.", recipe, (200, 0), 80)


def test_the_summary_says_that_quality_is_equal_and_what_a_thousand_requests_save() -> None:
    found = bake([True] * 90 + [False] * 10)
    assert found.outcome == "equal"
    assert found.told.startswith("Quality is equal within 5 points: Exact match of tuned minus prompted is ")
    # 180 tokens and 0.3 s a request; 3.60 an hour is 0.001 a second.
    assert (found.tokens_saved, found.milliseconds_saved) == (180_000, pytest.approx(300_000))
    assert found.money_saved == pytest.approx(0.3)
    assert format_savings(found) == (
        "A thousand requests save 180,000 prompt tokens, 300,000 ms of machine time and 0.3 USD."
    )
    assert found.agreement is not None
    assert found.agreement.value == 1.0


def test_a_model_that_lost_quality_is_called_worse() -> None:
    found = bake([True] * 40 + [False] * 60)
    assert found.outcome == "worse"
    assert found.told.startswith("Quality is worse by more than 5 points: ")
    assert found.agreement is not None
    assert found.agreement.value == 0.5


def test_a_slower_model_saves_less_than_nothing() -> None:
    found = bake([True] * 100)
    slower = found.model_copy(update={"money_saved": -0.5, "milliseconds_saved": -500.0})
    assert format_savings(slower).endswith("-500 ms of machine time and -0.5 USD.")


def test_rows_get_the_prompted_answers_and_unusable_ones_are_named() -> None:
    rows = [row(f"question {number}", "own answer", number) for number in range(7)]
    splits = [Split.TRAIN] * 4 + [Split.VALIDATION, Split.TRAIN, Split.TEST]
    entries = tuple(DatasetEntry(example_id=one.id, split=split) for one, split in zip(rows, splits, strict=True))
    data = PreparedData(DatasetVersion(entries=entries, sources=(), changes=()), {one.id: one for one in rows})
    answers = [
        Answer(text="as prompted", finish="stop"),
        Answer(text=None, finish="failed", reason="it broke"),
        Answer(text="and so on and", finish="length"),
        Answer(text=" ", finish="stop"),
        Answer(text="as prompted, too", finish="stop"),
        Answer(text="too long", finish="stop"),
    ]
    by_row = {one.id: answer for one, answer in zip(rows, answers, strict=False)}
    found = with_answers(data, by_row, lambda one: "it is refused" if "too long" in str(one.body) else None)
    texts = {
        split: [one.body.answer for one in found.rows(split) if isinstance(one.body, Conversation)] for split in Split
    }
    assert texts == {
        Split.TRAIN: ["as prompted"],
        Split.VALIDATION: ["as prompted, too"],
        Split.TEST: ["own answer"],
    }
    assert [(dropped.location, dropped.reason) for dropped in found.version.changes] == [
        ("rows.jsonl:1", "the prompted base gave no answer: it broke"),
        ("rows.jsonl:2", "the prompted base's answer ran into the length limit"),
        ("rows.jsonl:3", "the prompted base gave an empty answer"),
        ("rows.jsonl:5", "it is refused"),
    ]
    assert found.version.id != data.version.id
