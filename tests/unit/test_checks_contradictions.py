"""Contradictions: which answers of one question cannot both be right, and which are only worded differently."""

import csv
import json
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import pytest
from check_rows import chat_rows
from public_files import public_file

from tunewright.data.checks.check import checked_row
from tunewright.data.checks.contradictions import CONTRADICTIONS
from tunewright.data.read import read_rows
from tunewright.records import CheckRecipe, DataRecipe, Example, Finding, PlainText, Provenance, Severity, Split

REPOSITORY = Path(__file__).parents[2]
ASKED = "What does the support desk say about a lamp that flickers after two hours of use?"
LABELS = [(f"message number {number}", f"queue {number % 3}") for number in range(30)]


def find(pairs: list[tuple[str, str]]) -> list[Finding]:
    findings = CONTRADICTIONS.find(chat_rows(pairs), CheckRecipe())
    return sorted(findings, key=lambda finding: -finding.score)


def test_contradictions_block_and_change_nothing() -> None:
    (finding,) = find([*LABELS, ("message number 3", "queue 1")])
    assert CONTRADICTIONS.severity is Severity.BLOCKING
    assert (finding.drop, finding.edited_text) == ((), ())


def test_labels_of_one_input_must_be_equal_and_are_shown_side_by_side() -> None:
    (finding,) = find([*LABELS, ("message number 3", "queue 1")])
    assert finding.locations == ("rows:4", "rows:31")
    assert finding.explanation == "rows:4 and rows:31 have the same input, “message number 3”, but the labels differ."
    assert finding.evidence == ("queue 0", "queue 1")


def test_sentences_are_labels_when_nearly_all_answers_recur_unless_several_answers_are_the_design() -> None:
    label = "The sentiment of this long review is clearly {}.".format
    pairs = [(f"review number {number}", label(["good", "poor"][number % 2])) for number in range(30)]
    (finding,) = find([*pairs, ("review number 3", label("good"))])
    assert finding.explanation.endswith("have the same input, “review number 3”, but the labels differ.")
    free_text = [
        (f"letter number {number}", label(f"{number:b}".translate({48: "ha", 49: "ho"}))) for number in range(9)
    ]
    assert find([*pairs, *free_text, ("review number 3", label("good"))]) == []
    both = [(f"review number {number}", label(["poor", "good"][number % 2])) for number in range(20)]
    assert find([*pairs, *both]) == []


def test_all_rows_of_one_contradiction_are_one_finding() -> None:
    (finding,) = find([*LABELS, ("message number 3", "queue 1"), ("message number 3", "queue 2")])
    assert finding.locations == ("rows:4", "rows:31", "rows:32")
    assert finding.explanation.endswith("More rows contradict one of them: 1.")


def test_case_and_punctuation_make_no_other_label() -> None:
    assert find([*LABELS, ("message number 3", " Queue 0. ")]) == []


def test_nearly_the_same_input_counts_too() -> None:
    pairs = [*LABELS, (ASKED, "queue 0"), (ASKED.lower().replace("flickers", "flikkers"), "queue 1")]
    assert find(pairs) == []  # one changed word in fifteen is under the threshold of 5-grams
    (finding,) = find([*LABELS, (ASKED, "queue 0"), ("Hi! " + ASKED.lower(), "queue 1")])
    assert finding.explanation.startswith("rows:31 and rows:32 have nearly the same input, “")
    assert finding.explanation.endswith("”, but the labels differ.")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(ASKED.replace("two", "six"), id="number"),
        pytest.param(ASKED.replace("of use", "of sleep"), id="content word"),
        pytest.param(ASKED + " Not?", id="negation"),
        pytest.param(ASKED + " Urgent!", id="added content"),
        pytest.param(ASKED.replace("What", "When"), id="question word"),
    ],
)
def test_another_question_may_have_another_answer(other: str) -> None:
    assert find([*LABELS, (ASKED, "queue 0"), (other, "queue 1")]) == []


def test_rows_under_other_system_messages_are_asked_for_something_else() -> None:
    rows = chat_rows([(ASKED, "It waits.")], system="In one way.") + chat_rows([(ASKED, "Buy bread!")], system="Other.")
    assert list(CONTRADICTIONS.find(rows, CheckRecipe())) == []


def test_json_is_compared_by_value() -> None:
    assert find([(ASKED, '{"issue": "late", "count": 1}'), (ASKED, '{"count":1.0,"issue":"Late"}')]) == []
    (finding,) = find([(ASKED, '{"issue": "late"}'), (ASKED, '{"issue": "early"}')])
    assert "the JSON values differ" in finding.explanation


@pytest.mark.parametrize(
    ("left", "right", "reason"),
    [
        ("It waits 3 hours.", "It waits five hours.", "the numbers differ: 3 and 5"),
        ("7", "8", "the numbers differ: 7 and 8"),
        ("The lamp is covered.", "The lamp isn't covered.", "one answer negates what the other says"),
        ("You should ask Anna Berg.", "You should ask Tom Hill.", "the names differ: anna berg and hill tom"),
        ("Add both. #### 72", "First take half, which gives it. #### 1,072", "the final answers differ: 72 and 1072"),
        (r"So \boxed{\text{yes}} it is.", r"It is not: \boxed{no}", "the final answers differ: yes and no"),
        (r"First \boxed{1}, then \boxed{2 \text{ m}}.", r"It is \boxed{30\%}.", "the final answers differ: 2 and 30"),
        ("Half. The final answer is 72.", "Add. **Final answer:** 70", "the final answers differ: 72 and 70"),
        ("#### Add\nBoth.\n\n#### 72", "#### 1,072\nThe answer is: 1072", "the final answers differ: 72 and 1072"),
        ("a broken coil", "the software", "the answers have no word in common"),
    ],
)
def test_free_text_contradicts_in_numbers_negations_names_and_bare_facts(left: str, right: str, reason: str) -> None:
    (finding,) = find([(ASKED, left), (ASKED, right)])
    assert finding.explanation.endswith(f"”, but {reason}.")


def test_of_a_long_input_the_end_is_shown_where_the_question_is() -> None:
    (finding,) = find([("A long story. " * 50 + "\nHow many?", "7"), ("A long story. " * 50 + "\nHow many?", "8")])
    shown = finding.explanation.partition("“")[2].partition("”")[0]
    assert shown.startswith("…")
    assert shown.endswith("A long story. How many?")
    assert len(shown) == 101


@pytest.mark.parametrize(
    ("left", "right"),
    [
        pytest.param("It is a quiet pub by the river.", "By the river there is a quiet pub.", id="order"),
        pytest.param("Replace the coil first.", "Send it back to us and wait for a new one.", id="other advice"),
        pytest.param("It costs 3 to 5 pounds.", "It costs 3 pounds.", id="less said"),
        pytest.param("It is cheap. It is not near.", "It is cheap.", id="negation of something else left out"),
        pytest.param("near Burger King", "near Burgerking", id="misspelt name"),
        pytest.param("It has three stars.", "It has 3 stars.", id="number in words"),
        pytest.param("the old king", "a king", id="less exact fact"),
        pytest.param("See A. #### 1,000", "See B. #### 1000.0", id="same final answer"),
        pytest.param("#### Heat\nGrind it.\n\n#### Water\nHot.", "Weigh.\n\n#### Pouring\nSlowly.", id="headings"),
        pytest.param(
            "#### Heat\nGrind it.\n\n#### Water", "Weigh it first.\n\n##### Pour slowly", id="headings at the end"
        ),
        pytest.param(r"So it is \boxed{\frac{3}{4}}.", r"We get \boxed{0.75} of it.", id="formula"),
        pytest.param("The final answer is 3/4.", "We get the final answer: 0.75", id="fraction"),
        pytest.param(r"So it is \boxed{\frac{3}{4}", r"It has no \boxed{value}, sadly.", id="box that is not closed"),
    ],
)
def test_other_words_for_the_same_are_no_contradiction(left: str, right: str) -> None:
    assert find([(ASKED, left), (ASKED, right)]) == []


def test_a_greeting_may_be_answered_by_anything() -> None:
    assert find([("hi", "hello"), ("hi", "good day")]) == []


def test_several_answers_by_design_are_no_contradiction_for_having_no_word_in_common() -> None:
    questions = [f"How did the girl feel in chapter {number} of that long book?" for number in range(20)]
    pairs = [(question, answer) for question in questions for answer in ("sad", f"upset {question.split()[7]}ly")]
    assert len(find(pairs[:38])) > 0
    assert find(pairs) == []


def test_the_surest_contradiction_comes_first() -> None:
    findings = find(
        [
            *LABELS,
            (ASKED, "a broken coil"),
            (ASKED, "the software"),
            ("message number 3", "queue 1"),
            ("How long does it take?", "About 3 whole days"),
            ("How long does it take?", "About 4 whole days"),
        ]
    )
    assert [finding.score for finding in findings] == [1.0, 0.8, 0.5]


def test_plain_texts_ask_nothing() -> None:
    rows = tuple(
        checked_row(Example(body=PlainText(text=text), provenance=Provenance(source="text", row=1)))
        for text in ("3", "4")
    )
    assert list(CONTRADICTIONS.find(rows, CheckRecipe())) == []


@pytest.mark.parametrize(("second_id", "number"), [("0" * 16 + "1" * 48, 0), ("0" * 64, 1)], ids=["half", "whole"])
def test_inputs_are_the_same_when_their_whole_hashes_are(second_id: str, number: int) -> None:
    first, second = chat_rows([("Who guards the gate?", "the green dragon"), ("Where sleeps he?", "in a blue tower")])
    rows = (replace(first, input_id="0" * 64), replace(second, input_id=second_id))
    assert len(list(CONTRADICTIONS.find(rows, CheckRecipe()))) == number


def test_clinc150_has_the_contradictions_that_a_brute_force_count_finds() -> None:
    data = json.loads(public_file("datasets/clinc150/data_full.json").read_text(encoding="utf-8"))
    intents: dict[str, set[str]] = defaultdict(set)
    rows = ()
    for name, split in (("train", Split.TRAIN), ("val", Split.VALIDATION), ("test", Split.TEST)):
        for pair in (data[name], data[f"oos_{name}"]):
            rows += chat_rows(pair, split, name)
            for text, intent in pair:
                intents[text].add(intent)
    same_input = {text for text, found in intents.items() if len(found) > 1}
    findings = list(CONTRADICTIONS.find(rows, CheckRecipe()))
    by_id = {row.id: row for row in rows}
    found = {by_id[example_id].input for finding in findings for example_id in finding.example_ids[:2]}
    assert len(findings) == len(same_input) == 4
    assert found == same_input


def test_the_bundled_tickets_have_no_contradiction() -> None:
    path = str(REPOSITORY / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl")
    rows = tuple(checked_row(example) for example in read_rows(path, DataRecipe(path=path), None).examples)
    assert list(CONTRADICTIONS.find(rows, CheckRecipe())) == []


def test_e2e_nlg_has_a_handful_although_it_has_eight_texts_per_input() -> None:
    with public_file("datasets/e2e_nlg/devset.csv").open(encoding="utf-8", newline="") as file:
        rows = chat_rows([(meaning, text) for meaning, text in list(csv.reader(file))[1:]])
    findings = list(CONTRADICTIONS.find(rows, CheckRecipe()))
    evidence = [finding.evidence[:2] for finding in findings]
    expected = (
        "The Phoenix along the riverside is rated 3 out of 5.",
        "Along the riverside is The Phoenix, it's rated 5 out of 5.",
    )
    assert expected in evidence
    assert len(findings) <= 8
