"""Leakage: training rows that nearly repeat a held-out row."""

import json
import random
import re

import pytest
from check_rows import chat_rows
from public_files import public_file

from tunewright.data.checks.check import RowSet
from tunewright.data.checks.leakage import LEAKAGE
from tunewright.records import CheckRecipe, Finding, Split

QUESTION = "How do I reset the router that stands in the hall behind the green door of the house?"
ANSWER = "Press the small button on its back for a while, wait until the light turns green, and then connect."


def find(rows: RowSet) -> list[Finding]:
    return list(LEAKAGE.find(rows, CheckRecipe()))


def test_the_training_row_is_dropped_and_the_held_out_row_stays() -> None:
    train = chat_rows([("Good evening", "Good evening to you"), (QUESTION + "!", ANSWER)], Split.TRAIN, "train")
    test = chat_rows([(QUESTION, ANSWER)], Split.TEST, "test")
    (finding,) = find(train + test)
    assert finding.locations == ("train:2", "test:1")
    assert finding.drop == (train[1].id,)
    assert finding.explanation == (
        "train:2 is training data and test:1 is test data, but they have the same words, "
        "and no number, name or negation differs."
    )


def test_a_training_row_is_reported_once_with_the_closest_held_out_row() -> None:
    train = chat_rows([(QUESTION, ANSWER + " Done")], Split.TRAIN, "train")
    validation = chat_rows([("So: " + QUESTION, ANSWER)], Split.VALIDATION, "validation")
    test = chat_rows([(QUESTION + "!", ANSWER + " done.")], Split.TEST, "test")
    (finding,) = find(train + validation + test)
    assert finding.locations == ("train:1", "test:1")


@pytest.mark.parametrize("num_copies", [20, 21, 300])
def test_all_copies_of_a_held_out_row_leak_however_many_they_are(num_copies: int) -> None:
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(num_copies + 101)]
    asked, answer = " ".join(words[:50]), " ".join(words[50:100])
    copies = [(f"{asked} {word}", answer) for word in words[100:]]
    train, test = chat_rows(copies[1:], Split.TRAIN), chat_rows(copies[:1], Split.TEST, "test")
    assert len(find((*train, *test))) == num_copies


def test_similarity_below_one_is_stated_rounded_down() -> None:
    train = chat_rows([("So: " + QUESTION, ANSWER)], Split.TRAIN, "train")
    (finding,) = find(train + chat_rows([(QUESTION, ANSWER)], Split.TEST, "test"))
    assert "they have 97 % of the word 5-grams in common" in finding.explanation


def test_equal_inputs_are_left_to_the_splitting() -> None:
    train = chat_rows([(QUESTION, ANSWER + " Done")], Split.TRAIN, "train")
    assert find(train + chat_rows([(QUESTION, ANSWER)], Split.TEST, "test")) == []
    assert find(train + chat_rows([(f" {QUESTION.upper()}", ANSWER)], Split.TEST, "test")) == []


def test_rows_that_are_still_to_be_split_and_rows_of_one_split_cannot_leak() -> None:
    pairs = [(QUESTION, ANSWER), (QUESTION + "!", ANSWER)]
    assert find(chat_rows(pairs)) == []
    assert find(chat_rows(pairs, Split.TRAIN)) == []
    assert find(chat_rows(pairs, Split.TEST)) == []


def test_validation_and_test_rows_do_not_leak_into_each_other() -> None:
    validation = chat_rows([(QUESTION + "!", ANSWER)], Split.VALIDATION, "validation")
    assert find(validation + chat_rows([(QUESTION, ANSWER)], Split.TEST, "test")) == []


def test_rows_about_another_order_do_not_leak() -> None:
    train = chat_rows([(f"Order 4711. {QUESTION}", ANSWER)], Split.TRAIN, "train")
    assert find(train + chat_rows([(f"Order 4712. {QUESTION}", ANSWER)], Split.TEST, "test")) == []


def test_clinc150_leaks_at_least_the_rows_with_the_same_words() -> None:
    data = json.loads(public_file("datasets/clinc150/data_full.json").read_text(encoding="utf-8"))
    train, test = chat_rows(data["train"], Split.TRAIN, "train"), chat_rows(data["test"], Split.TEST, "test")

    def bare(text: str) -> str:
        return " ".join(re.findall("[a-z0-9]+", text))

    test_inputs = {text for text, _ in data["test"]}
    same_words = {(bare(text), intent) for text, intent in data["test"]}
    wanted = {text for text, intent in data["train"] if text not in test_inputs and (bare(text), intent) in same_words}
    leaking = {finding.example_ids[0] for finding in find(train + test)}
    found = {row.input for row in train if row.id in leaking}
    assert len(wanted) > 10
    assert wanted - found == set()
