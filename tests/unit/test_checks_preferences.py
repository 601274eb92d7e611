"""Preference pairs that teach nothing, teach length, or contradict each other."""

from collections.abc import Iterable
from itertools import count
from math import comb

import pytest

from tunewright.contracts import SilentProgress
from tunewright.data.checks.check import Check, CheckedRow, RowSet, checked_row
from tunewright.data.checks.near_duplicates import NEAR_DUPLICATES
from tunewright.data.checks.preferences import (
    CONTRADICTORY_PREFERENCES,
    EQUAL_PAIRS,
    PREFERENCE_LENGTH_BIAS,
    LengthBias,
    length_bias,
)
from tunewright.data.checks.run import CHECKS, edit_example, run_checks
from tunewright.data.summary import length_histograms
from tunewright.records import CheckRecipe, Example, Finding, Message, PreferencePair, Provenance, Severity

ASKED = "What does the support desk say about a lamp that flickers after two hours of use?"


def pairs(*rows: tuple[str, str, str]) -> RowSet:
    """One row for each (prompt, chosen, rejected), at `rows:1` and so on."""
    return tuple(_row(number, *texts) for number, texts in zip(count(1), rows, strict=False))


def _row(number: int, prompt: str, chosen: str, rejected: str) -> CheckedRow:
    body = PreferencePair(prompt=(Message(role="user", content=prompt),), chosen=chosen, rejected=rejected)
    return checked_row(Example(body=body, provenance=Provenance(source="rows", row=number)))


def find(check: Check, rows: RowSet) -> list[Finding]:
    return [found for found in check.find(rows, CheckRecipe()) if isinstance(found, Finding)]


def test_checks_see_the_chosen_answer_and_every_text() -> None:
    (row,) = pairs(("question", "good", "bad"))
    assert (row.input, row.answer, row.texts) == ("question", "good", ("question", "good", "bad"))
    assert [histogram.part for histogram in length_histograms((row,))] == ["input", "answer"]


def test_every_check_runs_on_pairs() -> None:
    rows = pairs(*((f"question {n} about a mail to anna@mail.de", f"good {n}", f"bad {n}") for n in range(30)))
    results = run_checks(rows, CheckRecipe(), SilentProgress())
    assert len(results) == len(CHECKS)
    personal = next(result for result in results if result.check == "personal_data")
    assert personal.num_rows == 30


def test_an_edit_reaches_prompt_and_both_answers() -> None:
    (row,) = pairs(("a x", "b x", "c x"))
    body = edit_example(row.example, [("x", "y")]).body
    assert isinstance(body, PreferencePair)
    assert (body.prompt[0].content, body.chosen, body.rejected) == ("a y", "b y", "c y")


@pytest.mark.parametrize("check", [EQUAL_PAIRS, CONTRADICTORY_PREFERENCES, PREFERENCE_LENGTH_BIAS])
def test_without_pairs_there_is_nothing_to_check(check: Check) -> None:
    (result,) = (each for each in run_checks((), CheckRecipe(), SilentProgress()) if each.check == check.id)
    assert result.skipped == "there are no preference pairs"
    assert check.lacking(pairs(("a", "b", "c"))) is None


# Equal pairs


@pytest.mark.parametrize("rejected", ["Yes, of course.", " Yes,  of course. \n", "Yes, of\u00a0course."])
def test_equal_answers_are_dropped(rejected: str) -> None:
    rows = pairs(("question", "Yes, of course.", rejected))
    (finding,) = find(EQUAL_PAIRS, rows)
    assert finding.explanation == "The chosen and the rejected answer are the same."
    assert finding.drop == (rows[0].id,)


@pytest.mark.parametrize("rejected", ["yes, of course.", "Yes, of course", "Yes,\nof course."])
def test_case_punctuation_and_line_breaks_may_be_what_was_preferred(rejected: str) -> None:
    assert find(EQUAL_PAIRS, pairs(("question", "Yes, of course.", rejected))) == []


# Length


def two_sided_sign_test(num_longer: int, num_pairs: int) -> float:
    """All outcomes of fair coins that are no likelier than the one seen."""
    seen = comb(num_pairs, num_longer)
    return sum(comb(num_pairs, k) for k in range(num_pairs + 1) if comb(num_pairs, k) <= seen) / 2**num_pairs


@pytest.mark.parametrize(("num_longer", "num_shorter", "num_equal"), [(14, 6, 3), (30, 10, 0), (1, 1, 1), (0, 5, 0)])
def test_the_sign_test_equals_counting_coins_and_leaves_ties_out(
    num_longer: int, num_shorter: int, num_equal: int
) -> None:
    bias = length_bias([(3, 2)] * num_longer + [(2, 3)] * num_shorter + [(2, 2)] * num_equal)
    assert bias is not None
    num_pairs = num_longer + num_shorter
    assert (bias.num_longer, bias.num_unequal) == (num_longer, num_pairs)
    assert bias.p_value == pytest.approx(two_sided_sign_test(num_longer, num_pairs))


def test_the_interval_is_wilsons() -> None:
    bias = length_bias([(3, 2)] * 14 + [(2, 3)] * 6)
    # Wilson 1927, by hand for 14 of 20 with z = 1.959964.
    assert isinstance(bias, LengthBias)
    assert (bias.share, round(bias.low, 4), round(bias.high, 4)) == (0.7, 0.4810, 0.8545)


def test_answers_of_equal_length_say_nothing() -> None:
    assert length_bias([(3, 3)] * 5) is None
    assert find(PREFERENCE_LENGTH_BIAS, pairs(("a", "bb", "cc"))) == []


def test_a_preference_for_longer_answers_is_told_with_its_interval_and_the_largest_differences() -> None:
    longer = [(f"question {n}", "x" * (20 + n), "y" * 10) for n in range(30)]
    shorter = [(f"question {n}", "x" * 10, "y" * 20) for n in range(30, 40)]
    (finding,) = find(PREFERENCE_LENGTH_BIAS, pairs(*longer, *shorter))
    assert finding.explanation.startswith(
        "The chosen answer is the longer one in 30 of 40 pairs of unequal length: 75 % (95 % interval 60 to 86 %; sign "
        "test p = 0.0022)."
    )
    assert finding.locations[:2] == ("rows:30", "rows:29")
    assert len(finding.example_ids) == 30
    assert [text.partition(":")[0] for text in finding.evidence] == [
        "4.9 times as long as the rejected answer",
        "4.8 times as long as the rejected answer",
        "4.7 times as long as the rejected answer",
    ]
    assert finding.drop == ()


@pytest.mark.parametrize(
    ("num_longer", "num_shorter", "is_found"),
    [(60, 40, False), (61, 39, True), (590, 410, False), (600, 400, True), (6, 1, False), (10, 30, False)],
    ids=["p too large", "p small", "share too small", "share reached", "too few", "shorter"],
)
def test_share_and_chance_both_decide(num_longer: int, num_shorter: int, *, is_found: bool) -> None:
    rows = [(f"q {n}", "xx", "y") for n in range(num_longer)] + [(f"p {n}", "x", "yy") for n in range(num_shorter)]
    assert bool(find(PREFERENCE_LENGTH_BIAS, pairs(*rows))) == is_found


# Contradictions


def contradictions(*rows: tuple[str, str, str]) -> list[Finding]:
    return find(CONTRADICTORY_PREFERENCES, pairs(*rows))


def test_the_same_prompt_with_answers_swapped_is_shown_side_by_side() -> None:
    (finding,) = contradictions((ASKED, "Send it in.", "Throw it away."), (ASKED, "Throw it  away.", "Send it in."))
    assert finding.locations == ("rows:1", "rows:2")
    assert finding.explanation == (
        "rows:1 and rows:2 have the same prompt and the same two answers, but each chooses what the other rejects."
    )
    assert finding.evidence == ("chosen: Send it in.", "chosen: Throw it  away.")
    assert CONTRADICTORY_PREFERENCES.severity is Severity.BLOCKING


def test_nearly_the_same_prompt_counts_too() -> None:
    (finding,) = contradictions((ASKED, "a b", "c d"), ("Hi! " + ASKED.lower(), "c d", "a b"))
    assert "have nearly the same prompt" in finding.explanation


def test_all_pairs_of_one_contradiction_are_one_finding() -> None:
    (finding,) = contradictions((ASKED, "a b", "c d"), (ASKED, "c d", "a b"), ("Hi! " + ASKED.lower(), "c d", "a b"))
    assert finding.locations == ("rows:1", "rows:2", "rows:3")
    assert finding.explanation.endswith("More pairs contradict one of them: 1.")


@pytest.mark.parametrize(
    "other",
    [
        (ASKED, "a b", "c d"),
        (ASKED, "c d", "e f"),
        (ASKED, "A b", "c d"),
        (ASKED.replace("two", "six"), "c d", "a b"),
        (ASKED.replace("lamp", "fridge"), "c d", "a b"),
        ("Where is the invoice of last month?", "c d", "a b"),
    ],
    ids=["same choice", "other answers", "other case", "other number", "other word", "other prompt"],
)
def test_pairs_that_do_not_contradict_each_other_are_left_alone(other: tuple[str, str, str]) -> None:
    assert contradictions((ASKED, "a b", "c d"), other) == []


def test_an_equal_pair_contradicts_nothing() -> None:
    assert contradictions((ASKED, "a b", "a b"), (ASKED, "a b", "a b ")) == []


@pytest.mark.parametrize(("num_other", "severity"), [(198, Severity.WARNING), (100, Severity.BLOCKING)])
def test_up_to_one_percent_of_contradictory_pairs_only_warn(num_other: int, severity: Severity) -> None:
    others: Iterable[tuple[str, str, str]] = (
        (f"question number {n}", f"good {n}", f"bad {n}") for n in range(num_other)
    )
    rows = pairs(("q", "a", "b"), ("q", "b", "a"), *others)
    results = run_checks(rows, CheckRecipe(), SilentProgress())
    (result,) = (each for each in results if each.check == CONTRADICTORY_PREFERENCES.id)
    assert (result.num_rows, result.severity) == (2, severity)


# Near-duplicates


def test_one_chosen_answer_with_two_rejected_ones_is_no_duplicate() -> None:
    answer = "Please send the lamp back to the shop where you bought it, and you get a new one."
    rejected = ("Throw it away.", "Do nothing.")
    assert find(NEAR_DUPLICATES, pairs(*((ASKED, answer, each) for each in rejected))) == []
    same = (ASKED.lower(), answer, rejected[0])
    (finding,) = find(NEAR_DUPLICATES, pairs((ASKED, answer, rejected[0]), same))
    assert finding.locations == ("rows:1", "rows:2")
