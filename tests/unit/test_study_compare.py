"""The comparison of constructed arms: numbers, telling answers, and what the summary says about them."""

import re
from collections.abc import Sequence

import pytest

from tunewright.evaluate import task
from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.records import (
    Answer,
    Conversation,
    EvaluateRecipe,
    Example,
    Message,
    PlainText,
    Provenance,
    Score,
    Verdict,
)
from tunewright.study.compare import Comparison, compare

RECIPE = EvaluateRecipe(num_resamples=300)
Values = Sequence[float | None]


def _items(num_items: int) -> tuple[task.TestItem, ...]:
    return task.test_items([_row(number, f"question {number}") for number in range(num_items)], max_inputs=None)


def _row(number: int, question: str) -> Example:
    messages = (
        Message(role="system", content="Answer in one word."),
        Message(role="user", content=question),
        Message(role="assistant", content="reference"),
    )
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=number))


def _arm(name: str, items: Sequence[task.TestItem], **values_of: Values) -> ArmScores:
    scores = [
        Score(
            example_id=item.example.id,
            metric=metric,
            value=value,
            reason="the answer failed" if value is None else None,
        )
        for metric, values in values_of.items()
        for item, value in zip(items, values, strict=True)
    ]
    answers = {item.example.id: Answer(text=f"{name} says", finish="stop") for item in items}
    return ArmScores(arm=name, scores=tuple(scores), answers=answers)


def _compare(items: Sequence[task.TestItem], headline: str, base: ArmScores, *later: ArmScores) -> Comparison:
    metrics = [SCORERS[name].metric for name in dict.fromkeys(score.metric for score in base.scores)]
    return compare([base, *later], items, metrics, headline, RECIPE)


def _steps(start: float, step: float, num_values: int = 30) -> list[float]:
    return [start + step * index for index in range(num_values)]


def test_every_metric_of_every_arm_is_reported_and_later_arms_are_compared_with_the_first() -> None:
    items = _items(30)
    arms = [
        _arm(name, items, chrf=_steps(start, 0.001), loss=_steps(2, 0.1))
        for name, start in (("a", 0.1), ("b", 0.2), ("c", 0.3))
    ]
    found = _compare(items, "chrf", *arms)
    assert [metric.name for metric in found.metrics] == ["chrf", "loss"]
    assert [(result.metric, result.arm) for result in found.results] == [
        (metric, arm) for metric in ("chrf", "loss") for arm in "abc"
    ]
    assert [(change.metric, change.arm, change.baseline) for change in found.differences] == [
        ("chrf", "b", "a"),
        ("chrf", "c", "a"),
        ("loss", "b", "a"),
        ("loss", "c", "a"),
    ]
    assert found.summary.startswith("chrF is better: 11.5 % [")
    assert "with a, 31.4 % [" in found.summary


def test_answers_shown_are_the_best_the_worst_and_the_most_improved_without_repeats() -> None:
    items = _items(30)
    base = [0.0] * 30
    tuned = [index / 30 for index in range(30)]
    base[12:17] = [-value for value in (0.5, 0.4, 0.3, 0.2, 0.1)]  # these five gain most among the middle rows
    found = _compare(items, "loss", _arm("base", items, loss=tuned), _arm("tuned", items, loss=base))
    # Lower loss is better: rows 12 to 16 are the best, so they are not repeated as the most improved.
    locations = [int(row.location.removeprefix("rows.jsonl:")) for row in found.answers]
    assert locations[:5] == [12, 13, 14, 15, 16]
    assert locations[5:10] == [0, 1, 2, 3, 4]
    assert locations[10:] == [29, 28, 27, 26, 25]


def test_an_answer_row_shows_the_last_question_and_both_arms() -> None:
    items = _items(12)
    found = _compare(
        items, "chrf", _arm("base", items, chrf=[0.1] * 12), _arm("tuned", items, chrf=_steps(0.2, 0.01, 12))
    )
    best = found.answers[0]
    assert (best.prompt, best.references, best.location) == ("question 11", ("reference",), "rows.jsonl:11")
    assert {arm: answer.text for arm, answer in best.answers.items()} == {"base": "base says", "tuned": "tuned says"}
    assert best.values == pytest.approx({"base": 0.1, "tuned": 0.31})
    assert len({row.example_id for row in found.answers}) == len(found.answers) == 12


def test_the_question_of_a_conversation_is_what_the_user_said_last() -> None:
    turns = (
        ("user", "hello"),
        ("assistant", "hi"),
        ("user", "first half"),
        ("user", "second half"),
        ("assistant", "ok"),
    )
    body = Conversation.model_validate({"messages": [{"role": role, "content": content} for role, content in turns]})
    example = Example(body=body, provenance=Provenance(source="chat.jsonl", row=1))
    items = [*task.test_items([example], None), *_items(1)]
    found = _compare(items, "chrf", _arm("base", items, chrf=[0.9, 0.1]))
    assert found.answers[0].prompt == "first half\n\nsecond half"


def test_rows_without_a_headline_value_are_not_shown_as_worst() -> None:
    items = _items(4)
    found = _compare(items, "chrf", _arm("base", items, chrf=[0.5, None, 0.7, 0.6]))
    assert [row.values["base"] for row in found.answers] == [0.7, 0.6, 0.5]


def test_plain_text_has_numbers_and_no_answers() -> None:
    texts = [
        Example(body=PlainText(text=f"text {number}"), provenance=Provenance(source="t.txt", row=number))
        for number in range(12)
    ]
    items = task.test_items(texts, None)
    arm = ArmScores(arm="base", scores=_arm("base", items, loss=_steps(2, 0.1, 12)).scores, answers={})
    found = _compare(items, "loss", arm)
    assert found.answers == ()
    assert found.results[0].estimate is not None


def test_one_arm_states_its_values() -> None:
    items = _items(30)
    found = _compare(items, "chrf", _arm("base", items, chrf=_steps(0.1, 0.01), loss=_steps(2, 0.1)))
    assert found.differences == ()
    assert re.fullmatch(
        r"chrF of base is 24\.5 % \[[\d.]+, [\d.]+\] on 30 test inputs \(95 % intervals in brackets\)\. "
        r"Also measured: Loss 3\.45 \[[\d.]+, [\d.]+\]\.",
        found.summary,
    )


def test_two_arms_state_both_values_the_difference_and_where_the_other_metrics_went() -> None:
    items = _items(30)
    base = _arm(
        "base", items, exact_match=[0.0] * 30, loss=_steps(3, 0.01), chrf=_steps(0.6, 0.01), token_f1=[0.5] * 30
    )
    tuned = _arm(
        "tuned",
        items,
        exact_match=[1.0] * 15 + [0.0] * 15,
        loss=_steps(2, 0.02),
        chrf=_steps(0.4, 0.015),
        token_f1=[0.5] * 30,
    )
    found = _compare(items, "exact_match", base, tuned)
    assert re.fullmatch(
        r"Exact match is better: 0 % \[0, 11\] with base, 50 % \[[\d.]+, [\d.]+\] with tuned; "
        r"the difference is \+50 points \[\+[\d.]+, \+[\d.]+\] on 30 test inputs, p < 0\.001 "
        r"\(95 % intervals in brackets\)\. "
        r"Better: Loss; worse: chrF; too few rows to tell: Token F1\.",
        found.summary,
    )


def test_a_better_loss_without_better_answers_is_said_exactly_so() -> None:
    items = _items(30)
    base = _arm("base", items, final_number=[0.0] * 30, loss=_steps(3, 0.01), perplexity=_steps(20, 0.01))
    tuned = _arm("tuned", items, final_number=[1.0] + [0.0] * 29, loss=_steps(2, 0.02), perplexity=_steps(7, 0.02))
    found = _compare(items, "final_number", base, tuned)
    assert found.differences[0].verdict is Verdict.TOO_FEW_ROWS
    assert found.summary.startswith("Too few rows to tell whether Final number right changed: 0 % [0, 11] with base, ")
    assert ", p = 1 (95 % intervals" in found.summary
    assert re.search(
        r"Loss is better \(3\.1\d* \[.*?\] to 2\.\d+ \[.*?\]\), but Final number right does not show it: tuned finds "
        r"the reference answers likelier, yet what it writes is not measurably closer to them\.$",
        found.summary,
    )


def test_a_better_loss_with_closer_answers_is_not_said_to_leave_them_as_far() -> None:
    items = _items(30)
    base = _arm("base", items, exact_match=[0.0] * 30, chrf=_steps(0.3, 0.01), loss=_steps(3, 0.01))
    tuned = _arm("tuned", items, exact_match=[1.0] + [0.0] * 29, chrf=_steps(0.5, 0.01), loss=_steps(2, 0.02))
    found = _compare(items, "exact_match", base, tuned)
    assert found.summary.endswith("), but Exact match does not show it; better: chrF.")


def test_a_better_loss_with_worse_answers_says_that_they_are_farther() -> None:
    items = _items(30)
    base = _arm("base", items, exact_match=[1.0] * 15 + [0.0] * 15, chrf=_steps(0.5, 0.01), loss=_steps(3, 0.01))
    tuned = _arm("tuned", items, exact_match=[0.0] * 30, chrf=_steps(0.3, 0.01), loss=_steps(2, 0.02))
    found = _compare(items, "exact_match", base, tuned)
    assert found.summary.endswith(
        "but Exact match does not show it: tuned finds the reference answers likelier, yet what it writes is "
        "measurably farther from them; worse: chrF."
    )


def test_unscored_rows_are_counted_by_arm() -> None:
    items = _items(30)
    values: list[float | None] = [*_steps(0.1, 0.01, 28), None, None]
    found = _compare(
        items,
        "chrf",
        _arm("base", items, chrf=values, token_f1=values),
        _arm("tuned", items, chrf=_steps(0.1, 0.01), token_f1=[0.1] * 30),
    )
    assert found.summary.endswith("Unscored rows, left out and not counted as wrong: 2 of base (chrF, Token F1).")


def test_a_metric_that_could_not_be_measured_gives_its_reason() -> None:
    items = _items(3)
    found = _compare(
        items, "chrf", _arm("base", items, chrf=[0.1, 0.2, 0.3]), _arm("tuned", items, chrf=[None, None, 0.4])
    )
    reason = "1 of 3 rows could be scored, an interval needs 2; most often: the answer failed"
    assert (found.results[1].estimate, found.results[1].reason) == (None, reason)
    assert found.differences[0].estimate is None
    assert found.summary.startswith(f"chrF of tuned could not be measured: {reason}.")
    assert _compare(items, "chrf", _arm("base", items, chrf=[None] * 3)).summary.startswith(
        "chrF of base could not be measured: 0 of 3"
    )


def test_a_single_row_says_that_an_interval_needs_two() -> None:
    items = _items(1)
    found = _compare(items, "chrf", _arm("base", items, chrf=[0.1]))
    assert found.results[0].reason == "1 of 1 rows could be scored, an interval needs 2"


def test_arms_scored_on_different_rows_are_not_compared() -> None:
    items = _items(4)
    found = _compare(
        items,
        "chrf",
        _arm("base", items, chrf=[0.1, 0.2, None, None]),
        _arm("tuned", items, chrf=[None, None, 0.3, 0.4]),
    )
    assert found.summary.startswith("chrF cannot be compared: hardly any input was scored under both arms.")
