"""The judge with scripted systems: one score per metric and item, and no failure that turns into a zero."""

import math
import unicodedata
from collections.abc import Sequence

import pytest

from tunewright.contracts import Advance, SilentProgress
from tunewright.evaluate import task
from tunewright.evaluate.aggregate import LabelScore
from tunewright.evaluate.judge import ArmScores, judge
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import estimate
from tunewright.records import Answer, Conversation, Example, Message, PlainText, Provenance, TokenLoss


class ScriptedSystem:
    """Answers and losses by question and by answer; anything not in the script is an error of the test."""

    def __init__(self, answers: dict[str, Answer], losses: dict[str, TokenLoss | str]) -> None:
        self.answers, self.losses = answers, losses

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        advance(len(prompts))
        return [self.answers[prompt[-1].content] for prompt in prompts]

    def token_losses(self, examples: Sequence[Example], advance: Advance) -> list[TokenLoss | str]:
        advance(len(examples))
        return [self.losses[_text(example)] for example in examples]


def _text(example: Example) -> str:
    return example.body.answer if isinstance(example.body, Conversation) else example.body.text


def _row(question: str, answer: str) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=1))


def _said(text: str) -> Answer:
    return Answer(text=text, finish="stop")


def _judge(system: ScriptedSystem, rows: Sequence[Example], metrics: Sequence[str]) -> ArmScores:
    return judge(system, system, task.test_items(rows, None), metrics, SilentProgress(), "base")


def test_every_score_carries_the_group_of_its_item() -> None:
    rows = [
        row.model_copy(
            update={"provenance": row.provenance.model_copy(update={"group": row.provenance.group or group})}
        )
        for row, group in ((_row("q1", "a"), "x"), (_row("q2", "b"), "y"), (_row("q3", "c"), None))
    ]
    losses: dict[str, TokenLoss | str] = {
        "a": TokenLoss(sum_nats=6.0, num_tokens=2),
        "b": "too long",
        "c": TokenLoss(sum_nats=0.0, num_tokens=0),
    }
    failed = Answer(text=None, finish="failed", reason="HTTP 500")
    found = _judge(
        ScriptedSystem({"q1": _said("a"), "q2": failed, "q3": _said("c")}, losses), rows,
        ("accuracy", "macro_f1", "loss"),
    )  # fmt: skip
    assert [score.group for score in found.scores] == ["x", "y", None] * 3


def test_loss_of_an_item_covers_all_its_rows_and_weighs_their_tokens() -> None:
    rows = [_row("q1", "a"), _row("q2", "c"), _row("q1", "b")]
    losses: dict[str, TokenLoss | str] = {
        "a": TokenLoss(sum_nats=6.0, num_tokens=2),
        "b": TokenLoss(sum_nats=2.0, num_tokens=6),
        "c": TokenLoss(sum_nats=5.0, num_tokens=5),
    }
    result = _judge(ScriptedSystem({}, losses), rows, ["loss", "perplexity"])
    assert [(score.value, score.weight) for score in result.of("loss")] == [(1.0, 8), (1.0, 5)]
    assert [score.value for score in result.of("perplexity")] == pytest.approx([math.e, math.e])
    assert [score.example_id for score in result.of("loss")] == [rows[0].id, rows[1].id]
    assert not result.answers


@pytest.mark.parametrize(
    ("loss", "reason"),
    [
        ("the row does not fit into the context", "the row does not fit into the context"),
        (TokenLoss(sum_nats=0.0, num_tokens=0), "the row has no trained token"),
    ],
)
def test_a_row_without_loss_is_unscored_with_its_reason(loss: TokenLoss | str, reason: str) -> None:
    (score,) = _judge(ScriptedSystem({}, {"a": loss}), [_row("q", "a")], ["loss"]).scores
    assert (score.value, score.reason) == (None, reason)


def test_a_perplexity_too_large_for_a_float_is_unscored_beside_its_finite_loss() -> None:
    system = ScriptedSystem({}, {"a": TokenLoss(sum_nats=1000.0, num_tokens=1)})
    loss, perplexity = _judge(system, [_row("q", "a")], ["loss", "perplexity"]).scores
    assert loss.value == 1000.0
    assert (perplexity.value, perplexity.reason) == (None, "the perplexity is inf")


def test_one_row_without_loss_leaves_its_item_unscored() -> None:
    system = ScriptedSystem({}, {"a": TokenLoss(sum_nats=1.0, num_tokens=1), "b": "too long"})
    (score,) = _judge(system, [_row("q", "a"), _row("q", "b")], ["loss"]).scores
    assert (score.value, score.reason) == (None, "1 of 2 rows of this input: too long")


def test_a_failed_answer_is_unscored_by_every_text_metric() -> None:
    rows = [_row("q1", "yes"), _row("q2", "no")]
    failed = Answer(text=None, finish="failed", reason="the prompt has 900 tokens, 512 fit")
    result = _judge(ScriptedSystem({"q1": failed, "q2": _said("no")}, {}), rows, ["exact_match", "chrf", "macro_f1"])
    for metric in ("exact_match", "chrf", "macro_f1"):
        unscored, scored = result.of(metric)
        assert (unscored.value, unscored.reason) == (None, "the prompt has 900 tokens, 512 fit")
        assert scored.value == 1.0
    assert result.answers[rows[0].id] == failed


def test_an_answer_cut_by_its_token_limit_is_scored_like_any_other() -> None:
    system = ScriptedSystem({"q": Answer(text="yes and", finish="length")}, {})
    (score,) = _judge(system, [_row("q", "yes")], ["exact_match"]).scores
    assert score.value == 0.0


@pytest.mark.parametrize("opening", ["<think>\n", ""])
def test_thoughts_before_an_answer_are_no_part_of_it(opening: str) -> None:
    system = ScriptedSystem({"q": _said(f"{opening}Billing, or shipping?\n</think>\n\nbilling")}, {})
    result = _judge(system, [_row("q", "billing")], ["accuracy", "exact_match", "chrf"])
    assert [score.value for score in result.scores] == [1.0, 1.0, 1.0]


def test_thoughts_are_compared_where_a_reference_has_them() -> None:
    system = ScriptedSystem({"q": _said("<think>Hm.</think>billing")}, {})
    for reference, value in (("<think>Hm.</think>billing", 1.0), ("<think>Oh.</think>billing", 0.0)):
        (score,) = _judge(system, [_row("q", reference)], ["exact_match"]).scores
        assert score.value == value


def test_a_reference_that_cannot_be_compared_leaves_the_row_unscored() -> None:
    system = ScriptedSystem({"q": _said("7")}, {})
    (score,) = _judge(system, [_row("q", "seven")], ["final_number"]).scores
    assert (score.value, score.reason) == (None, "the reference is not a text with a plain final number")


def test_macro_f1_keeps_the_predicted_and_the_true_label() -> None:
    rows = [_row("q1", "Yes"), _row("q2", "no"), _row("q2", "maybe")]
    system = ScriptedSystem({"q1": _said("what?"), "q2": _said(" MAYBE")}, {})
    missed, found = _judge(system, rows, ["macro_f1"]).scores
    assert isinstance(missed, LabelScore)
    assert isinstance(found, LabelScore)
    assert (missed.predicted, missed.label, missed.value) == ("what?", "yes", 0.0)
    assert (found.predicted, found.label, found.value) == ("no", "no", 1.0), "any of several labels is the first"


def test_macro_f1_of_inputs_with_several_labels_is_averaged_over_the_same_labels_for_every_arm() -> None:
    rows = [_row("q1", "a"), _row("q2", "c"), _row("q3", "a"), _row("q3", "b")]
    values = []
    for label in ("a", "b"):
        system = ScriptedSystem({"q1": _said("a"), "q2": _said("what?"), "q3": _said(label)}, {})
        found = estimate(SCORERS["macro_f1"].metric, _judge(system, rows, ["macro_f1"]).of("macro_f1"), 100, 0)
        assert found is not None
        values.append(found.value)
    assert values == [0.5, 0.5], "of a and c"


@pytest.mark.parametrize(
    "metric", ["exact_match", "token_f1", "chrf", "accuracy", "macro_f1", "json_valid", "json_fields"]
)
@pytest.mark.parametrize(("answered", "wanted"), [("NFC", "NFD"), ("NFD", "NFC")])
def test_letters_count_as_equal_in_either_unicode_form(metric: str, answered: str, wanted: str) -> None:
    text = '{"té": ["crème brûlée", 2]}' if metric.startswith("json") else "crème brûlée"
    system = ScriptedSystem({"q": _said(unicodedata.normalize(answered, text))}, {})
    (score,) = _judge(system, [_row("q", unicodedata.normalize(wanted, text))], [metric]).scores
    assert score.value == 1.0
    if isinstance(score, LabelScore):
        assert score.predicted == score.label


def test_plain_text_is_never_asked_and_unscored_by_text_metrics() -> None:
    text = Example(body=PlainText(text="Once."), provenance=Provenance(source="t.txt", row=1))
    (score,) = _judge(ScriptedSystem({}, {}), [text], ["chrf"]).scores
    assert (score.value, score.reason) == (None, "the row is plain text: there is nothing to answer")
