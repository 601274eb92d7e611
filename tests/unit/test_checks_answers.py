"""What kind of answers a data set has."""

import json

import pytest
from checked_rows import conversations, plain_texts

from tunewright.data.checks.answers import answer_kind, is_json, parse_json
from tunewright.data.refusals import RefusedError
from tunewright.evaluate.task import choose_metrics

OBJECTS = [json.dumps({"number": number}) for number in range(100)]
LABELS = ["billing", "Dispatch ", "dispatch", "repairs"] * 25
PYTHON = [f"def f{number}(x):\n    return x + {number}" for number in range(100)]
SQL = [f"-- all of them\nSELECT name\nFROM lamps WHERE id = {number}" for number in range(100)]
FENCED = [f"```js\nlet x = {number}\n```" for number in range(100)]
PROSE = [f"Select the lamp number {number}, import it and update your set." for number in range(100)]


def pairs(answers: list[str]) -> list[tuple[str, str]]:
    return [(f"question {number}", answer) for number, answer in enumerate(answers)]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        (OBJECTS, "json"),
        (["[1, 2]"] * 100, "json"),
        (LABELS, "label"),
        (["yes", "no"] * 3, "label"),
        (PYTHON, "code"),
        (SQL, "code"),
        (PYTHON[:50] + FENCED[:50], "code"),
        (PROSE, "text"),
        (["3.14", "42", *PROSE], "text"),
        ([f"label {number}" for number in range(100)], "text"),
    ],
)
def test_the_kind_is_that_of_nearly_all_answers(answers: list[str], kind: str) -> None:
    assert answer_kind(conversations(pairs(answers))) == kind


@pytest.mark.parametrize(("num_odd", "kind"), [(5, "json"), (6, "text")])
def test_one_answer_in_twenty_may_have_another_form(num_odd: int, kind: str) -> None:
    assert answer_kind(conversations(pairs(OBJECTS[num_odd:] + PROSE[:num_odd]))) == kind


def test_plain_texts_have_no_answers_whatever_they_contain() -> None:
    assert answer_kind(plain_texts(OBJECTS)) == "text"
    assert answer_kind(()) == "text"


@pytest.mark.parametrize(
    ("answers", "headline"),
    [(OBJECTS, "json_fields"), (LABELS, "accuracy"), (PROSE, "chrf"), (["a b"] * 9, "accuracy")],
)
def test_checks_and_metrics_agree_on_what_the_answers_are(answers: list[str], headline: str) -> None:
    of_kind = {"json": "json_fields", "label": "accuracy", "text": "chrf"}
    assert of_kind[answer_kind(conversations(pairs(answers)))] == choose_metrics(answers).headline == headline


def test_json_may_stand_between_white_space() -> None:
    assert parse_json(' \n{"a": [1, null]}\r\n') == {"a": [1, None]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1} thanks', "character 10: found 'thanks'"),
        ('{"a": 1', "character 8: found the end of the text"),
        ('{"a": 1, "a": 2}', "twice in one object"),
        ('{"a": NaN}', "NaN"),
        ("12", "found the number 12, expected a JSON object or array"),
        ("[" * 100, "nested more than 64 deep"),
    ],
)
def test_what_is_not_strict_json_is_refused_with_the_place(text: str, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        parse_json(text)
    assert not is_json(text)
