"""Schema validity and parsing of code, on hand-written answers."""

import json
import unicodedata
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import MissingExtraError, RecipeError
from tunewright.evaluate import task
from tunewright.evaluate.canonical import canonical_text
from tunewright.evaluate.formats import (
    CODE_PARSES,
    code_parses,
    format_scorers,
    infer_schema,
    json_style,
    schema_scorer,
)
from tunewright.evaluate.judge import ArmScores, rescore
from tunewright.evaluate.scorers import AGGREGATES, SCORERS
from tunewright.records import Answer, Conversation, Example, Message, Provenance, content_hash

TICKETS = ['{"team": "billing", "order": 12}', '{"team": "sales", "order": null}'] * 10


def _fits(schema: dict[str, object], answer: str) -> bool:
    score = schema_scorer(schema).score
    assert score is not None
    return bool(score(answer, ["{}"]))


@pytest.mark.parametrize(
    ("answer", "fits"),
    [
        ('{"order": 7, "team": "sales"}', True),
        ('{"team": "sales"}', False),
        ('{"team": "sales", "order": "7"}', False),
        ('{"team": "shipping", "order": 7}', False),
        ('{"team": "sales", "order": 7, "note": ""}', False),
        ('{"team": "sales", "order": true}', False),
        ('{"team": "sales", "order": 7} done', False),
        ("[]", False),
        ('{"team": "sales", "team": "sales", "order": 7}', False),
    ],
)
def test_an_answer_fits_the_schema_learned_from_the_rows(answer: str, fits: bool) -> None:
    assert _fits(infer_schema(TICKETS), answer) is fits


def test_texts_that_hardly_repeat_are_free_and_keys_that_may_be_missing_are_optional() -> None:
    answers = [
        json.dumps({"name": f"name {number}", **({"tags": ["x"]} if number % 2 else {})}) for number in range(10)
    ]
    schema = infer_schema(answers)
    assert _fits(schema, '{"name": "another"}')
    assert _fits(schema, '{"name": "another", "tags": []}')
    assert not _fits(schema, '{"name": "another", "tags": [1]}')
    assert not _fits(schema, '{"tags": []}')


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), _VALUES, max_size=3), min_size=1, max_size=8))
def test_every_answer_fits_the_schema_inferred_from_all(values: list[object]) -> None:
    answers = [json.dumps(value) for value in values]
    schema = infer_schema(answers)
    assert all(_fits(schema, answer) for answer in answers)


def test_a_schema_is_inferred_from_integers_of_any_length() -> None:
    answers = ['{"n": 2}', f'{{"n": 1{"0" * 5000}}}']
    assert infer_schema(answers)["properties"] == {"n": {"type": "number"}}
    assert all(_fits(infer_schema(answers), answer) for answer in answers)
    assert json_style(['{"n":2}', *answers[1:]]) == (",", ":")


def test_answers_with_half_of_a_character_leave_no_mark_in_a_schema_that_is_kept_in_files() -> None:
    broken = ['{"kind": "caf\\ud83d"}', '{"caf\\ud83d": 1}'] * 5
    assert infer_schema([*broken, *['{"kind": "bug"}'] * 5]) == infer_schema(['{"kind": "bug"}'] * 5)
    assert content_hash(infer_schema(broken)) == content_hash({})


def test_a_given_schema_is_followed() -> None:
    schema = {"type": "object", "required": ["n"], "properties": {"n": {"$ref": "#/$defs/whole"}}}
    schema["$defs"] = {"whole": {"type": "integer"}}
    assert _fits(schema, '{"n": 2}')
    assert _fits(schema, '{"n": 2.0, "more": 1}')
    assert not _fits(schema, '{"n": 2.5}')
    assert _fits(schema, f'{{"n": 1{"0" * 5000}}}') is False  # beyond what a number can be


PRICE = {"type": "object", "properties": {"price": {"multipleOf": 0.01}, "item": {"$ref": "#"}}}


@pytest.mark.parametrize("draft", [{}, {"$schema": "https://json-schema.org/draft/2020-12/schema"}])
def test_every_price_in_cents_is_a_multiple_of_a_cent(draft: dict[str, object]) -> None:
    score = schema_scorer({**draft, **PRICE}).score
    assert score is not None
    prices = [f"{cents // 100}.{cents % 100:02}" for cents in range(1, 2000)]
    assert all(score(f'{{"price": {price}}}', []) for price in prices)
    assert score('{"item": {"price": 0.07}}', []) == 1.0
    assert score('{"item": {"price": 0.075}}', []) == 0.0


@pytest.mark.parametrize("step", [0.01, 5])
def test_a_number_beyond_a_float_is_no_multiple_and_ends_nothing(step: float) -> None:
    assert not _fits({"properties": {"n": {"multipleOf": step}}}, f'{{"n": {"1" * 400}}}')
    assert _fits({"properties": {"n": {"multipleOf": step}}}, '{"n": 1e300}')


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("is_escaped", [False, True])
def test_a_schema_is_followed_in_either_unicode_form(form: Literal["NFC", "NFD"], is_escaped: bool) -> None:
    answer = json.dumps({"té": unicodedata.normalize(form, "café")}, ensure_ascii=is_escaped)
    assert _fits(infer_schema([answer] * 5), canonical_text(answer))  # as `judge` hands it over


def test_a_deep_answer_under_a_schema_that_contains_itself_is_only_invalid() -> None:
    schema = {"type": "array", "items": {"$ref": "#"}}
    assert _fits(schema, "[[[]]]")
    assert not _fits(schema, "[" * 400 + "]" * 400)


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"properties": {"a": {"$ref": "#/properties/a"}}}])
def test_a_schema_without_an_end_is_refused_and_makes_no_answer_wrong(schema: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=r"schema: \$ref: found a part that only refers back to itself"):
        _fits(schema, '{"a": [{"b": 1}]}')


@pytest.mark.parametrize("schema", [{"type": "objekt"}, {"properties": {"a": 1}}, {"pattern": "("}])
def test_what_is_no_schema_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(RecipeError, match=r"schema: .*: found .*, expected a JSON Schema"):
        schema_scorer(schema)


@pytest.mark.parametrize("target", ["https://example.com/schema.json", "#/$defs/nothing"])
def test_a_schema_is_not_loaded_from_elsewhere(target: str) -> None:
    with pytest.raises(RecipeError, match=r"schema: \$ref: found .*, expected a part of the schema itself"):
        _fits({"$ref": target}, "{}")


def test_without_jsonschema_the_install_line_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jsonschema", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunewright\[data\]'"):
        schema_scorer({})


@pytest.mark.parametrize(
    ("answer", "parses"),
    [
        ("def f(x):\n    return x", True),
        ("print(1)", True),
        ("```python\nx = 1\n```", True),
        ("Here it is:\n```python\nx = 1\n```\nDone.", True),
        ("```python\nx = (\n```", False),
        ("```\nx = 1\n```", True),
        ("It prints 1:\n```\nprint(1)\n```", True),
        ("```\nx = (\n```", False),
        ("```\n```", False),
        ("```python\nprint(1)\n```\nIts output:\n```\n1 line\n```", True),
        ("```bash\nls (\n```\n```\nx = 1\n```", True),
        ("```sql\nSELECT a FROM t\n```", False),
        ("def f(x)\n    return x", False),
        ("I cannot do that.", False),
        ("", False),
    ],
)
def test_python_answers_parse_or_not(answer: str, parses: bool) -> None:
    assert code_parses(answer, ["def g():\n    pass"]) == float(parses)


@pytest.mark.parametrize(
    ("answer", "parses"),
    [
        ("SELECT name FROM people WHERE age > 3", True),
        ("```sql\nselect 1 from t\n```", True),
        ("```\nselect 1 from t\n```", True),
        ("SELECT name FROM people WHERE (age", False),
        ("not found", False),
        ("def f(): pass", False),
    ],
)
def test_sql_answers_parse_or_not(answer: str, parses: bool) -> None:
    pytest.importorskip("sqlglot")
    assert code_parses(answer, ["SELECT a FROM t"]) == float(parses)


def test_only_references_that_are_code_can_be_judged_by() -> None:
    assert [CODE_PARSES.can_judge(text) for text in ("def f(): pass", "a plain text", "```json\n{}\n```")] == [
        True,
        False,
        False,
    ]


def test_sql_without_its_parser_is_unscored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tunewright.evaluate.formats.can_parse_sql", lambda: False)
    assert not CODE_PARSES.can_judge("SELECT a FROM t")


@pytest.mark.parametrize(
    ("answers", "metrics"),
    [
        (TICKETS, ["json_valid", "schema_valid", "json_fields"]),
        (["import os\n", "def f():\n    pass"], ["code_parses"]),
        (["a text", "another"], []),
        ([], []),
    ],
)
def test_the_metrics_follow_the_form_of_the_answers(answers: list[str], metrics: list[str]) -> None:
    found = format_scorers(answers)
    assert [scorer.metric.name for scorer in found] == metrics
    assert all(scorer.aggregate is AGGREGATES[scorer.metric.name] for scorer in found)


def test_a_given_schema_wins_over_the_inferred_one() -> None:
    score = format_scorers(TICKETS, {"type": "array"})[1].score
    assert score is not None
    assert (score("[1]", ["{}"]), score(TICKETS[0], ["{}"])) == (1.0, 0.0)


def test_the_empty_schema_is_a_given_one_too_which_any_json_fits() -> None:
    score = format_scorers(TICKETS, {})[1].score
    assert score is not None
    assert (score("[1]", ["{}"]), score("no JSON", ["{}"])) == (1.0, 0.0)


def test_further_scorers_judge_the_answers_that_were_given() -> None:
    rows = [
        Example(
            body=Conversation(
                messages=(Message(role="user", content=f"q{number}"), Message(role="assistant", content=reference))
            ),
            provenance=Provenance(source="rows.jsonl", row=number),
        )
        for number, reference in enumerate((TICKETS[0], TICKETS[1], "free text"))
    ]
    items = task.test_items(rows, None)
    written = (TICKETS[1], "no JSON", TICKETS[0])
    answers = {item.example.id: Answer(text=text, finish="stop") for item, text in zip(items, written, strict=True)}
    judged = rescore(ArmScores(arm="a", scores=(), answers=answers), items, format_scorers(TICKETS))
    assert [score.value for score in judged.of("schema_valid")] == [1.0, 0.0, None]
    assert judged.of("schema_valid")[2].reason == "the reference is not a JSON object or array"
    assert rescore(judged, items, (SCORERS["json_valid"],)) == judged
