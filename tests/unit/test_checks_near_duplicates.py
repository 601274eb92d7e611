"""Near-duplicates: what is dropped, what is kept, and what must never count as one."""

import csv
import random
from pathlib import Path

import pytest
from check_rows import chat_rows
from public_files import public_file

from tunewright.data.checks.check import checked_row
from tunewright.data.checks.near_duplicates import NEAR_DUPLICATES
from tunewright.data.checks.near_equal import json_value, normal_label
from tunewright.data.read import read_rows
from tunewright.records import CheckRecipe, DataRecipe, Example, Finding, PlainText, Provenance, Split

REPOSITORY = Path(__file__).parents[2]
QUESTION = "How do I reset the router that stands in the hall behind the green door of the second house?"
ANSWER = "Press the small button on its back for a while, wait until the light turns green, and then connect again."


def find(pairs: list[tuple[str, str]], **settings: float) -> list[Finding]:
    return list(NEAR_DUPLICATES.find(chat_rows(pairs), CheckRecipe.model_validate(settings)))


def dropped(pairs: list[tuple[str, str]]) -> set[str]:
    """Locations of the rows that would go."""
    location = {row.id: row.location for row in chat_rows(pairs)}
    return {location[example_id] for finding in find(pairs) for example_id in finding.drop}


def test_the_longest_answer_is_kept_and_the_others_are_dropped() -> None:
    rows = chat_rows([(QUESTION, ANSWER), (QUESTION.lower(), ANSWER + " Done"), ("Hi. " + QUESTION, ANSWER)])
    (finding,) = NEAR_DUPLICATES.find(rows, CheckRecipe())
    assert finding.locations == ("rows:2", "rows:1", "rows:3")
    assert finding.drop == (rows[0].id, rows[2].id)
    assert finding.explanation.startswith("rows:2 and 2 other rows have at least 94 %")
    assert len(finding.evidence) == 3
    assert all(len(excerpt) <= 200 for excerpt in finding.evidence)


def test_of_equally_long_answers_the_first_row_is_kept() -> None:
    assert dropped([(QUESTION, ANSWER), (QUESTION.upper(), ANSWER), (QUESTION + "!", ANSWER)]) == {"rows:2", "rows:3"}


def test_rows_with_the_same_words_say_so() -> None:
    (finding,) = find([(QUESTION, ANSWER), (QUESTION.upper(), ANSWER)])
    assert finding.explanation == "rows:1 and rows:2 have the same words, and no number, name or negation differs."


def test_the_threshold_is_the_recipes() -> None:
    pairs = [(QUESTION, ANSWER), (QUESTION, ANSWER.replace("for a while", "some time"))]
    assert find(pairs) == []
    assert len(find(pairs, near_duplicate_similarity=0.6)) == 1


@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param((QUESTION, "yes"), (QUESTION + "!", "no"), id="label"),
        pytest.param((QUESTION, "C++"), (QUESTION + "!", "C#"), id="label of signs"),
        pytest.param((QUESTION, "👍"), (QUESTION + "!", "👎"), id="answer without words"),
        pytest.param((QUESTION, '{"issue": "late"}'), (QUESTION + "!", '{"issue": "early"}'), id="JSON"),
        pytest.param((QUESTION, ANSWER + " Wait 3 hours."), (QUESTION, ANSWER + " Wait 5 hours."), id="number"),
        pytest.param((QUESTION, ANSWER + " Do."), (QUESTION, ANSWER + " Do not."), id="negation"),
        pytest.param((QUESTION, ANSWER + " Ask Ann."), (QUESTION, ANSWER + " Ask Eve."), id="name"),
        pytest.param((QUESTION, ANSWER + " x = a + b"), (QUESTION, ANSWER + " x = a - b"), id="operator"),
        pytest.param((QUESTION, ANSWER + " away_team"), (QUESTION, ANSWER + " away_team_score"), id="identifier"),
        pytest.param(("Order A-1. " + QUESTION, ANSWER), ("Order B-1. " + QUESTION, ANSWER), id="code in the input"),
        pytest.param(
            (f"a red one: {QUESTION}", f"for red: {ANSWER}"),
            (f"a blue one: {QUESTION}", f"for blue: {ANSWER}"),
            id="word of the input that recurs in the answer",
        ),
        pytest.param(
            (f"{ANSWER} {ANSWER[:70]}\nWho presses the button?", "the owner"),
            (f"{ANSWER} {ANSWER[:70]}\nWhen does it connect?", "the owner"),
            id="another question under the same passage",
        ),
    ],
)
def test_rows_that_differ_in_what_matters_are_kept(first: tuple[str, str], second: tuple[str, str]) -> None:
    assert find([first, second], near_duplicate_similarity=0.6) == []


def test_of_two_answers_that_recur_in_other_rows_one_word_makes_another_label() -> None:
    question = f"{QUESTION} {ANSWER} Is this text friendly?"
    answers = [f"The sentiment of this text is clearly {label}." for label in ("positive", "negative")]
    pair = [(question, answer) for answer in answers]
    others = [(f"{split} is the word?", answer) for split in ("lamp", "tree") for answer in answers]
    assert dropped(pair) == {"rows:2"}
    assert dropped([*pair, *others]) == set()
    assert dropped([*pair, *others, (question.upper(), answers[0])]) == {"rows:7"}


def test_a_misspelling_and_an_added_sentence_change_nothing() -> None:
    edited = "Thanks! " + QUESTION.replace("green", "gren")
    assert len(find([(QUESTION, ANSWER), (edited, ANSWER)], near_duplicate_similarity=0.6)) == 1


def made_up(rng: random.Random, num_words: int) -> str:
    return " ".join("".join(rng.choices("abcdefghijklmnop", k=6)) for _ in range(num_words))


def others(rng: random.Random) -> list[tuple[str, str]]:
    return [(made_up(rng, 20), made_up(rng, 20)) for _ in range(250)]


@pytest.mark.parametrize("num_copies", [20, 21, 200, 300])
@pytest.mark.parametrize("answer_words", [30, 1], ids=["text", "label"])
def test_copies_of_one_row_are_dropped_however_many_they_are(num_copies: int, answer_words: int) -> None:
    rng = random.Random(0)
    first, second, answer = made_up(rng, 30), made_up(rng, 30), made_up(rng, answer_words)
    copies = [(f"{first} {made_up(rng, 1)} {second}", answer) for _ in range(num_copies)]
    assert dropped([*others(rng), *copies]) == {f"rows:{251 + number}" for number in range(1, num_copies)}


def test_of_many_copies_with_two_answers_one_of_each_is_kept() -> None:
    rng = random.Random(0)
    asked, answer = made_up(rng, 60), made_up(rng, 60)
    copies = [(f"{asked} {made_up(rng, 1)}", f"{answer} {'yes indeed' if n % 2 else 'maybe'}") for n in range(300)]
    assert len(dropped(copies)) == 298


def test_copies_under_an_instruction_that_all_rows_have_are_dropped() -> None:
    rng = random.Random(0)
    instruction, asked, answer = made_up(rng, 60), made_up(rng, 40), made_up(rng, 100)
    rows = [(f"{instruction} {asked}", answer) for asked, answer in others(rng)]
    copies = [(f"{instruction} {asked} {made_up(rng, 1)}", answer) for _ in range(60)]
    assert len(dropped([*rows, *copies])) == 59


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param(["yes", "no", "no", "no"], id="labels"),
        pytest.param(["OK"], id="one answer"),
        pytest.param([f"{ANSWER} {ANSWER[:70]}"], id="one long answer"),
    ],
)
def test_rows_of_one_long_instruction_are_kept_whatever_they_answer(answers: list[str]) -> None:
    rng = random.Random(0)
    instruction = made_up(rng, 150)
    assert dropped([(f"{instruction} {made_up(rng, 5)}", rng.choice(answers)) for _ in range(300)]) == set()


def test_labels_of_one_long_instruction_keep_rows_of_a_single_word_apart() -> None:
    rng = random.Random(0)
    instruction = made_up(rng, 150)
    assert dropped([(f"{instruction} {made_up(rng, 1)}", rng.choice(["yes", "no"])) for _ in range(300)]) == set()


def test_every_dropped_row_is_like_a_kept_one_and_not_only_linked_to_it() -> None:
    split = [first + second for first in "bcdfg" for second in "aeioubcdfghj"]
    pairs = [("Say it.", " ".join(split[start : start + 50])) for start in (0, 3, 6)]
    assert dropped(pairs) == {"rows:2"}


def test_a_shared_system_message_makes_no_near_duplicates() -> None:
    rows = chat_rows([("is water wet", "It is."), ("is fire cold", "Far from it.")], system=ANSWER * 5)
    assert list(NEAR_DUPLICATES.find(rows, CheckRecipe())) == []


def test_rows_under_other_system_messages_are_other_rows() -> None:
    rows = chat_rows([(QUESTION, ANSWER)], system="Answer.") + chat_rows([(QUESTION, ANSWER)], system="Joke.")
    assert list(NEAR_DUPLICATES.find(rows, CheckRecipe())) == []


def test_rows_of_different_splits_are_left_to_the_leakage_check() -> None:
    rows = chat_rows([(QUESTION, ANSWER)], Split.TRAIN) + chat_rows([(QUESTION + "!", ANSWER)], Split.TEST)
    assert list(NEAR_DUPLICATES.find(rows, CheckRecipe())) == []


def test_plain_texts_are_compared_too() -> None:
    rows = tuple(
        checked_row(Example(body=PlainText(text=text), provenance=Provenance(source="text", row=row)))
        for row, text in enumerate([ANSWER, ANSWER.upper(), QUESTION], start=1)
    )
    (finding,) = NEAR_DUPLICATES.find(rows, CheckRecipe())
    assert finding.locations == ("text:1", "text:2")
    assert finding.evidence[0].startswith("P")  # no arrow of an empty question


def test_labels_and_json_are_compared_in_a_normal_form() -> None:
    assert normal_label('  "Refund  Request." ') == "refund request"
    assert (
        json_value('{"b": 1.0, "a": "X  y"}') == json_value('{"a":"x y","b":1}') != json_value('{"a":"x y","b":true}')
    )
    assert json_value("[" * 100_000) is None
    assert json_value("{broken") is None


def test_no_row_of_the_bundled_tickets_is_dropped() -> None:
    path = str(REPOSITORY / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl")
    rows = tuple(checked_row(example) for example in read_rows(path, DataRecipe(path=path), None).examples)
    assert len(rows) == 720
    assert list(NEAR_DUPLICATES.find(rows, CheckRecipe())) == []


def test_hardly_a_row_of_e2e_nlg_is_dropped() -> None:
    with public_file("datasets/e2e_nlg/devset.csv").open(encoding="utf-8", newline="") as file:
        rows = chat_rows([(meaning, text) for meaning, text in list(csv.reader(file))[1:]])
    num_dropped = sum(len(finding.drop) for finding in NEAR_DUPLICATES.find(rows, CheckRecipe()))
    assert 0 < num_dropped < 0.005 * len(rows)


def test_names_that_differ_in_a_vowel_sign_and_a_dutch_negation_keep_rows_apart() -> None:
    hindi = "कृपया बताइए कि {} कल किस समय घर पर आएगी"
    answer = "ठीक है, मैं पूछकर बताती हूँ कि कब"
    assert find([(hindi.format("मीना"), answer), (hindi.format("मोना"), answer)]) == []
    dutch = " ".join(f"{letter}{other}" for letter in "bcdfghjk" for other in "aeiouwz")
    assert (
        find([("Komt het pakket?", f"{dutch} het is gekomen"), ("Komt het pakket?", f"{dutch} het is niet gekomen")])
        == []
    )
