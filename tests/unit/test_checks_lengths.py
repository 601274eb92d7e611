"""Lengths that stand out."""

from pathlib import Path

import pytest
from checked_rows import conversations, plain_texts

from tunewright.data import read_rows
from tunewright.data.checks.check import RowSet, checked_row
from tunewright.data.checks.lengths import LENGTHS
from tunewright.records import CheckRecipe, DataRecipe, Finding

TICKETS = Path(__file__).parents[2] / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl"


def find(rows: RowSet) -> list[Finding]:
    return list(LENGTHS.find(rows, CheckRecipe()))


def sentences(num_rows: int) -> list[tuple[str, str]]:
    """Inputs of 20 characters and answers of 30, all different."""
    return [(f"question {number:011}", f"the answer to this is {number:08}") for number in range(num_rows)]


@pytest.mark.parametrize(("num_characters", "is_found"), [(200, False), (201, True)])
def test_an_input_of_more_than_ten_times_the_median_is_found(num_characters: int, is_found: bool) -> None:
    found = find(conversations([*sentences(20), ("x" * num_characters, "the answer")]))
    assert [finding.explanation for finding in found] == (
        ["The input has 201 characters, 10 times as many as usual."] if is_found else []
    )


def test_a_long_answer_ranks_by_how_long_it_is_and_is_shown_in_part() -> None:
    (finding,) = find(conversations([*sentences(20), ("question", "y" * 3000)]))
    assert finding.explanation == "The answer has 3,000 characters, 100 times as many as usual."
    assert finding.score == 100
    assert len(finding.evidence[0]) <= 200
    assert finding.locations == ("rows:21",)


def test_a_text_is_called_a_text() -> None:
    (finding,) = find(plain_texts([*(f"paragraph number {number}" for number in range(20)), "z" * 500]))
    assert finding.explanation.startswith("The text has 500 characters")


@pytest.mark.parametrize(("num_characters", "is_found"), [(100, False), (101, True)])
def test_a_short_median_counts_as_ten_characters(num_characters: int, is_found: bool) -> None:
    pairs = [(f"question {number}", "yes" if number % 2 else "no") for number in range(20)]
    found = find(conversations([*pairs, ("question", "n" * num_characters)]))
    assert bool(found) == is_found


def test_a_single_character_is_odd_in_free_text_and_normal_for_a_label() -> None:
    (finding,) = find(conversations([*sentences(20), ("Is it so?", " y\n")]))
    assert finding.explanation == "The answer is a single character, while others have 30 (median)."
    assert finding.evidence == ("Is it so? →  y\n",)
    assert find(conversations((f"question {number}", "AB"[number % 2]) for number in range(20))) == []


def test_the_bundled_tickets_and_no_rows_at_all_raise_no_alarm() -> None:
    read = read_rows(str(TICKETS), DataRecipe(path=str(TICKETS)), None)
    assert find(tuple(checked_row(example) for example in read.examples)) == find(()) == []
