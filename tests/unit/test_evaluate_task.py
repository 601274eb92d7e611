"""Items grouped by input, and metrics chosen from the answers of real and constructed data."""

import csv
import json

import pytest
from public_files import public_file

from tunewright.errors import RecipeError
from tunewright.evaluate import task
from tunewright.evaluate.task import choose_metrics
from tunewright.records import Conversation, Example, Message, PlainText, Provenance


def _row(number: int, question: str, answer: str) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=number))


def test_rows_of_one_input_are_one_item_with_several_references() -> None:
    rows = [_row(1, "q1", "a"), _row(2, "q2", "b"), _row(3, "q1", "c"), _row(4, "q1", "a")]
    first, second = task.test_items(rows, max_inputs=None)
    assert (first.example, first.examples) == (rows[0], (rows[0], rows[2], rows[3]))
    assert first.references == ("a", "c")
    assert first.prompt == (Message(role="user", content="q1"),)
    assert second.references == ("b",)


def test_groups_that_share_an_input_are_one_as_when_rows_are_split() -> None:
    def of(group: str | None, number: int, question: str) -> Example:
        row = _row(number, question, "a")
        return row.model_copy(update={"provenance": row.provenance.model_copy(update={"group": group})})

    rows = [of("c", 1, "q1"), of("b", 2, "q2"), of("a", 3, "q1"), of("d", 4, "q3"), of(None, 5, "q4"), of("c", 6, "q5")]
    assert [item.group for item in task.test_items(rows, None)] == ["a", "b", "d", None, "a"]


def test_max_inputs_keeps_the_first_inputs_with_all_their_rows() -> None:
    rows = [_row(1, "q1", "a"), _row(2, "q2", "b"), _row(3, "q1", "c")]
    (only,) = task.test_items(rows, max_inputs=1)
    assert only.examples == (rows[0], rows[2])


def test_plain_text_has_neither_prompt_nor_references() -> None:
    text = Example(body=PlainText(text="Once upon a time."), provenance=Provenance(source="t.txt", row=1))
    (item,) = task.test_items([text], max_inputs=None)
    assert (item.prompt, item.references, item.examples) == ((), (), (text,))


TEXTS = [f"This is free text number {number} of them." for number in range(40)]


@pytest.mark.parametrize(
    ("answers", "headline", "others"),
    [
        (['{"team": "a"}'] * 39 + ["oops"], "json_fields", ("json_valid", "exact_match")),
        (['{"team": "a"}'] * 37 + TEXTS[:3], "chrf", ("token_f1", "exact_match")),
        (["yes", "no"] * 3, "accuracy", ("macro_f1",)),
        (["Yes", " yes", "no", "YES", "no ", "No"], "accuracy", ("macro_f1",)),
        (["yes", "no"] * 2, "chrf", ("token_f1", "exact_match")),  # two rows a label are too few
        (["this label has far too many words", "no"] * 20, "chrf", ("token_f1", "exact_match")),
        ([f"label {number % 9}" for number in range(40)], "chrf", ("token_f1", "exact_match")),  # 9 > 40 / 5
        ([f"label {number % 8}" for number in range(40)], "accuracy", ("macro_f1",)),
        ([f"{text} #### {number}" for number, text in enumerate(TEXTS)], "final_number", ("chrf",)),
        ([f"{text} #### 1/{number}" for number, text in enumerate(TEXTS)], "chrf", ("token_f1", "exact_match")),
        ([f"{text} #### {number},5" for number, text in enumerate(TEXTS)], "chrf", ("token_f1", "exact_match")),
        ([f"{text} #### 10:{number}" for number, text in enumerate(TEXTS)], "chrf", ("token_f1", "exact_match")),
        ([f"{text} ####" for text in TEXTS], "chrf", ("token_f1", "exact_match")),
        (
            [f"#### Part {number}\nTake 2.\n\n{text}" for number, text in enumerate(TEXTS)],
            "chrf",
            ("token_f1", "exact_match"),
        ),
        (TEXTS, "chrf", ("token_f1", "exact_match")),
    ],
)
def test_metrics_follow_the_form_of_the_answers(answers: list[str], headline: str, others: tuple[str, ...]) -> None:
    metrics, chosen_headline, reason = choose_metrics(answers)
    assert metrics == (headline, *others, "loss", "perplexity")
    assert chosen_headline == headline
    assert "training answers" in reason


def test_plain_text_is_measured_by_its_loss() -> None:
    assert choose_metrics([])[:2] == (("loss", "perplexity"), "loss")


def test_chosen_metrics_are_kept_in_their_order_and_the_first_leads() -> None:
    choice = choose_metrics(TEXTS, ["token_f1", "loss"])
    assert choice[:2] == (("token_f1", "loss"), "token_f1")
    assert choose_metrics([], ["perplexity"]).headline == "perplexity"


@pytest.mark.parametrize(
    ("chosen", "answers", "message"),
    [
        (["bleu"], TEXTS, "found 'bleu', expected one of exact_match, token_f1, chrf, accuracy"),
        (["chrf", "chrf"], TEXTS, "found 'chrf' 2 times, expected each name once"),
        ([], TEXTS, "found an empty list, expected at least one metric"),
        (["chrf"], [], "chrf: found rows of plain text, expected rows with answers. Use loss and perplexity"),
        (["json_fields"], TEXTS, r"json_fields: found a JSON object or array in 0\.0 % of the training answers"),
        (
            ["final_number"],
            ["seven"] * 9 + ["7"],
            r"found a text with a plain final number in 10\.0 % of the training answers",
        ),
        (["macro_f1"], TEXTS, "macro_f1: found 40 different answers in 40 training rows, expected labels that repeat"),
    ],
)
def test_metrics_that_are_unknown_or_do_not_fit_are_refused(
    chosen: list[str], answers: list[str], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        choose_metrics(answers, chosen)


def test_all_bad_names_are_listed_at_once() -> None:
    with pytest.raises(RecipeError) as caught:
        choose_metrics(TEXTS, ["bleu", "rouge", "accuracy"])
    assert len(caught.value.problems) == 3


def test_e2e_restaurant_texts_are_judged_as_text() -> None:
    with public_file("datasets/e2e_nlg/devset.csv").open(encoding="utf-8", newline="") as file:
        answers = [row["ref"] for row in csv.DictReader(file)]
    assert choose_metrics(answers).headline == "chrf"


def test_e2e_rows_share_their_inputs() -> None:
    with public_file("datasets/e2e_nlg/devset.csv").open(encoding="utf-8", newline="") as file:
        rows = [_row(number, row["mr"], row["ref"]) for number, row in enumerate(csv.DictReader(file), start=1)]
    items = task.test_items(rows, max_inputs=None)
    assert (len(rows), len(items)) == (4672, 547)
    assert sum(len(item.examples) for item in items) == len(rows)


def test_gsm8k_answers_are_judged_by_their_final_number() -> None:
    lines = public_file("datasets/gsm8k/train.jsonl").read_text(encoding="utf-8").splitlines()[:1000]
    assert choose_metrics([json.loads(line)["answer"] for line in lines]).headline == "final_number"


def test_clinc_intents_are_judged_as_labels() -> None:
    splits = json.loads(public_file("datasets/clinc150/data_small.json").read_text(encoding="utf-8"))
    assert choose_metrics([label for _, label in splits["train"]]).headline == "accuracy"
