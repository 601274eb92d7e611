"""Calls that do not fit their declaration, and calls and results without each other."""

import json
from pathlib import Path
from typing import Any

import pytest
from public_files import public_file

from tunewright.contracts import SilentProgress
from tunewright.data import examine, read_rows
from tunewright.data.checks.answers import answer_kind, answered
from tunewright.data.checks.check import RowSet, checked_row
from tunewright.data.checks.run import edit_example, run_checks
from tunewright.data.checks.tool_calls import TOOL_CALLS
from tunewright.data.forms import to_body
from tunewright.records import CheckRecipe, Conversation, DataRecipe, Example, Finding, Provenance, Severity

ADDRESS = {
    "type": "object",
    "properties": {"zip": {"type": "string"}},
    "required": ["zip"],
    "additionalProperties": False,
}
PARAMETERS = {
    "type": "object",
    "properties": {
        "city": {"type": "string"},
        "days": {"type": "integer", "minimum": 1},
        "unit": {"enum": ["C", "F"]},
        "places": {"type": "array", "items": {"$ref": "#/$defs/address"}},
    },
    "required": ["city"],
    "additionalProperties": False,
    "$defs": {"address": ADDRESS},
}
WEATHER = {"name": "weather", "parameters": PARAMETERS}


def call(arguments: object = None, name: str = "weather", id_: str = "c1") -> dict[str, Any]:
    written = (
        arguments if isinstance(arguments, str) else json.dumps({"city": "Oslo"} if arguments is None else arguments)
    )
    return {"role": "assistant", "tool_calls": [{"id": id_, "function": {"name": name, "arguments": written}}]}


def result(id_: str | None = "c1") -> dict[str, Any]:
    return {"role": "tool", "content": "8 °C", "tool_call_id": id_}


USER = {"role": "user", "content": "Warm in Oslo?"}
ANSWER = {"role": "assistant", "content": "No."}


def rows(*messages: dict[str, Any], tools: object = (WEATHER,)) -> RowSet:
    row = {"messages": [USER, *messages], "tools": list(tools) if isinstance(tools, tuple) else tools}
    body = to_body(row, "messages", DataRecipe(path="rows"))
    return (checked_row(Example(body=body, provenance=Provenance(source="rows", row=1))),)


def find(found_in: RowSet) -> list[str]:
    findings = list(TOOL_CALLS.find(found_in, CheckRecipe()))
    assert all(isinstance(finding, Finding) for finding in findings)
    return [finding.explanation for finding in findings if isinstance(finding, Finding)]


def test_calls_that_fit_are_left_alone() -> None:
    full = {"city": "Oslo", "days": 3, "unit": "C", "places": [{"zip": "0150"}]}
    assert find(rows(call(full), result(), ANSWER)) == []
    assert find(rows(call())) == []  # the call itself is the answer


@pytest.mark.parametrize(
    ("arguments", "explanation"),
    [
        ("{city: Oslo}", "messages[1].tool_calls[0].arguments are no JSON object: 'city: Oslo}'."),
        ('["Oslo"]', "messages[1].tool_calls[0].arguments are a JSON list, not an object."),
        (
            '{"city": "a", "city": "b"}',
            "messages[1].tool_calls[0].arguments are no JSON object: the key 'city' twice in",
        ),
        ({}, "messages[1].tool_calls[0].arguments: 'city' is a required property."),
        ({"city": 3}, "messages[1].tool_calls[0].arguments.city: 3 is not of type 'string'."),
        ({"city": "a", "days": 0}, "messages[1].tool_calls[0].arguments.days: 0 is less than the minimum of 1."),
        ({"city": "a", "unit": "K"}, "messages[1].tool_calls[0].arguments.unit: 'K' is not one of ['C', 'F']."),
        ({"city": "a", "town": "b"}, "messages[1].tool_calls[0].arguments: Additional properties are not allowed"),
        (
            {"city": "a", "places": [{"zip": "1"}, {}]},
            "messages[1].tool_calls[0].arguments.places[1]: 'zip' is a required",
        ),
    ],
)
def test_wrong_arguments_are_found_with_their_field(arguments: object, explanation: str) -> None:
    (found,) = find(rows(call(arguments)))
    assert found.startswith(explanation)


def test_a_price_in_cents_is_a_multiple_of_a_cent() -> None:
    price = {"type": "object", "properties": {"price": {"type": "number", "multipleOf": 0.01}}}
    tools = ({"name": "pay", "parameters": price},)
    for number in ("0.07", "4.35", "19.99", "1e300"):
        assert find(rows(call(f'{{"price": {number}}}', name="pay"), tools=tools)) == []
    (found,) = find(rows(call('{"price": 0.075}', name="pay"), tools=tools))
    assert "0.075 is not a multiple of 0.01" in found


def test_a_function_that_is_not_declared_is_found_if_others_are() -> None:
    (found,) = find(rows(call(name="forecast")))
    assert found == "messages[1].tool_calls[0].name is `forecast`, which is not among weather."
    assert find(rows(call({"anything": 1}, name="forecast"), tools=None)) == []


def test_calls_and_results_need_each_other() -> None:
    assert find(rows(call(), ANSWER)) == ["messages[1].tool_calls[0] calls `weather`, but no result follows."]
    assert find(rows(ANSWER, result(), ANSWER)) == [
        "messages[2] is the result of the call 'c1', which does not stand before it."
    ]
    assert find(rows(ANSWER, result(None), ANSWER)) == [
        "messages[2] is the result of a call, which does not stand before it."
    ]
    two = {"role": "assistant", "tool_calls": [call()["tool_calls"][0], call()["tool_calls"][0]]}
    assert find(rows(two, result(), ANSWER)) == ["messages[1].tool_calls have the same id more than once."]


def test_at_most_three_problems_of_a_row_are_named_and_all_rank_it() -> None:
    found_in = rows(call({"days": 0, "unit": "K", "places": [{}]}), ANSWER)
    (finding,) = TOOL_CALLS.find(found_in, CheckRecipe())
    assert isinstance(finding, Finding)
    assert finding.explanation.endswith("; and 2 more.")
    assert finding.score == 5
    assert finding.evidence[0].startswith('weather({"days":0')


@pytest.mark.parametrize(
    ("parameters", "explanation"),
    [
        (
            {"properties": {"x": {"type": "str"}}},
            "tools.weather.parameters are no JSON Schema: .properties.x.type 'str' is not",
        ),
        ("none", "tools.weather.parameters are no JSON Schema: they must be an object."),
        ({"$ref": "https://example.com/schema.json"}, "messages[1].tool_calls[0].arguments: cannot be checked, since"),
        ({"$ref": "#"}, "messages[1].tool_calls[0].arguments: cannot be checked, since"),
    ],
)
def test_a_declaration_that_cannot_be_used_is_named_and_nothing_is_fetched(
    parameters: object, explanation: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object, **settings: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    (found,) = find(rows(call(), tools=({"name": "weather", "parameters": parameters},)))
    assert found.startswith(explanation)


def test_regular_expressions_of_declarations_are_not_run() -> None:
    endless = "^(a+)+$"
    parameters = {
        "properties": {"city": {"pattern": endless}, "rest": {"additionalProperties": False, "properties": {}}},
        "patternProperties": {endless: {"type": "integer"}},
        "additionalProperties": False,
        "unevaluatedProperties": False,
    }
    arguments = {"city": "a" * 40 + "!", "a" * 40 + "!": "x", "rest": {"b": 1}}
    (found,) = find(rows(call(arguments), tools=({"name": "weather", "parameters": parameters},)))
    assert found.startswith("messages[1].tool_calls[0].arguments.rest: Additional properties are not allowed")


def test_half_a_character_in_arguments_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    messages = [USER, call('{"city": "Oslo \\ud83d"}')]
    path.write_text(json.dumps({"messages": messages}), encoding="utf-8")
    examined = examine(DataRecipe(path=str(path)), None, SilentProgress())
    (found,) = (each for each in examined.results if each.blocks)
    reason = "messages[1].tool_calls[0].arguments are no JSON object: '\\ud83d', half of a character."
    assert (found.check, found.findings[0].explanation) == ("tool_calls", reason)
    assert found.findings[0].locations == (f"{path}:1",)


def test_the_check_blocks_and_without_tools_has_nothing_to_do() -> None:
    (result_,) = (
        each for each in run_checks(rows(call({})), CheckRecipe(), SilentProgress()) if each.check == "tool_calls"
    )
    assert (result_.severity, result_.blocks) == (Severity.BLOCKING, True)
    assert TOOL_CALLS.lacking(rows(ANSWER)) == "no row calls tools"


def test_calls_are_no_answers_in_text_for_other_checks() -> None:
    (row,) = rows(call())
    assert row.answer == '[{"arguments":{"city":"Oslo"},"name":"weather"}]'
    assert list(answered((row,))) == []
    assert answer_kind((row,)) == "text"
    assert row.texts == ("Warm in Oslo?", '{"city":"Oslo"}')


def test_an_edit_reaches_the_arguments() -> None:
    body = edit_example(rows(call())[0].example, [("Oslo", "Rome")]).body
    assert isinstance(body, Conversation)
    assert body.messages[1].tool_calls[0].arguments == '{"city":"Rome"}'


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "glaive_toolcall_en_demo.json",
            {260: "messages[3].tool_calls[0].arguments.calories_per_item: [150, 350, 800] is not of"},
        ),
        (
            "glaive_toolcall_zh_demo.json",
            {
                6: "messages[1].tool_calls[0].arguments.dimensions: 'radius' is a required property",
                22: "messages[5].tool_calls[0].arguments: 'keywords' is a required property",
                103: "messages[1].tool_calls[0].arguments.cuisine: '意大利' is not one of",
                109: "messages[1].tool_calls[0].arguments.dimensions: 'radius' is a required property",
                145: "messages[5].tool_calls[0].arguments: 'keywords' is a required property",
                198: "messages[2] is the result of a call",
                240: "messages[1].tool_calls[0].arguments.cuisine: '意大利' is not one of",
                294: "messages[2] is the result of a call",
            },
        ),
    ],
)
def test_the_odd_calls_of_llamafactorys_demo_files_are_found(name: str, found: dict[int, str]) -> None:
    path = public_file(f"dirty/llamafactory_demo/{name}")
    read = read_rows(str(path), DataRecipe(path=str(path)), None)
    by_row = {}
    for finding in TOOL_CALLS.find(tuple(map(checked_row, read.examples)), CheckRecipe()):
        assert isinstance(finding, Finding)
        by_row[int(finding.locations[0].rpartition(":")[2])] = finding.explanation
    assert sorted(by_row) == sorted(found)
    for row, start in found.items():
        assert by_row[row].startswith(start)
