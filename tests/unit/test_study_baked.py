"""A baked prompt: what is told of quality, what is saved, and which rows are trained on."""

from collections.abc import Sequence

import pytest
from study_parts import row, said

from tunewright.data import PreparedData
from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.records import (
    Answer,
    BakeRecipe,
    BakeSummary,
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Example,
    Prices,
    Provenance,
    Score,
    Split,
    format_savings,
)
from tunewright.study.answers import KeptAnswer
from tunewright.study.baked import Sides, summarise_bake, with_answers
from tunewright.study.bench import Measured


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
        ("rows.jsonl:2", "the prompted base's answer ran into the length limit (evaluate.max_answer_tokens)"),
        ("rows.jsonl:3", "the prompted base gave an empty answer"),
        ("rows.jsonl:5", "it is refused"),
    ]
    assert found.version.id != data.version.id


def test_of_a_chat_only_the_prompted_answer_is_trained() -> None:
    turns = said("user", "Hello."), said("assistant", "own"), said("user", "And?"), said("assistant", "own, too")
    chat = Example(body=Conversation(messages=turns), provenance=Provenance(source="chats.jsonl", row=1))
    entries = (DatasetEntry(example_id=chat.id, split=Split.TRAIN),)
    data = PreparedData(DatasetVersion(entries=entries, sources=(), changes=()), {chat.id: chat})
    (found,) = with_answers(data, {chat.id: Answer(text="as prompted", finish="stop")}, lambda _: None).rows(
        Split.TRAIN
    )
    assert isinstance(found.body, Conversation)
    assert [message.content for message in found.body.messages if message.is_trained] == ["as prompted"]
    assert found.input_id == chat.input_id
