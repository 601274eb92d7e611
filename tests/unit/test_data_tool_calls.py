"""Declarations, calls and results as rows write them, and what cannot be one."""

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.data.filled_nulls import without_filled_nulls
from tunewright.data.forms import choose_form, to_body, unused_fields
from tunewright.data.messages import OPENAI, read_messages
from tunewright.data.read import read_rows
from tunewright.data.refusals import ReadLog, RefusedError
from tunewright.data.tool_calls import read_calls, read_tools, read_written_calls
from tunewright.records import Conversation, DataRecipe, Example, Message, Provenance, ToolCall

PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
FUNCTION = {"name": "weather", "description": "Weather now.", "parameters": PARAMETERS}
DECLARED = json.dumps([{"type": "function", "function": FUNCTION}], separators=(",", ":"))
OSLO = ToolCall(id="c1", name="weather", arguments='{"city":"Oslo"}')

OPENAI_ROW = {
    "messages": [
        {"role": "user", "content": "Warm in Oslo?"},
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{"city": "Oslo"}'}}
            ],
        },
        {"role": "tool", "tool_call_id": "c1", "name": "weather", "content": "8 °C"},
        {"role": "assistant", "content": "No."},
    ],
    "tools": [{"type": "function", "function": FUNCTION}],
}
SHAREGPT_ROW = {
    "conversations": [
        {"from": "human", "value": "Warm in Oslo?"},
        {"from": "function_call", "value": '{"name": "weather", "arguments": {"city": "Oslo"}}'},
        {"from": "observation", "value": "8 °C"},
        {"from": "gpt", "value": "No."},
    ],
    "tools": json.dumps([FUNCTION]),
}


def convert(row: dict[str, Any], **settings: Any) -> Conversation:
    recipe = DataRecipe(path="rows.jsonl", **settings)
    body = to_body(row, choose_form([row], recipe, ReadLog("rows.jsonl")), recipe)
    assert isinstance(body, Conversation)
    return body


def test_openai_rows_keep_their_calls_results_and_declarations() -> None:
    body = convert(OPENAI_ROW)
    assert body.messages == (
        Message(role="user", content="Warm in Oslo?", tools=DECLARED),
        Message(role="assistant", content="", tool_calls=(OSLO,)),
        Message(role="tool", content="8 °C", tool_call_id="c1", name="weather"),
        Message(role="assistant", content="No."),
    )
    assert body.tools == DECLARED
    assert unused_fields(OPENAI_ROW, "messages") == set()


def test_llamafactory_rows_say_the_same_with_ids_of_their_own() -> None:
    body = convert(SHAREGPT_ROW)
    assert body.tools == DECLARED
    assert body.messages[1].tool_calls == (OSLO.model_copy(update={"id": "call00001"}),)
    assert body.messages[2] == Message(role="tool", content="8 °C", tool_call_id="call00001")
    assert unused_fields(SHAREGPT_ROW, "sharegpt") == set()


def test_a_system_prompt_goes_first_and_carries_the_declarations() -> None:
    body = convert(OPENAI_ROW, system_prompt="Be brief.")
    assert body.messages[0] == Message(role="system", content="Be brief.", tools=DECLARED)
    assert body.messages[1].tools is None


@pytest.mark.parametrize(
    "call",
    [
        {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": '{ "city": "Oslo" }'}},
        {"id": "c1", "function": {"name": "weather", "arguments": {"city": "Oslo"}}},
        {"id": "c1", "name": "weather", "arguments": {"city": "Oslo"}},
    ],
)
def test_equal_calls_are_equal_however_they_are_written(call: dict[str, object]) -> None:
    assert read_calls([call], "tool_calls") == (OSLO,)


@pytest.mark.parametrize("arguments", ["", "{city: Oslo}", '["Oslo"]', '{"a": 1, "a": 2}', '{"a": NaN}'])
def test_arguments_that_are_no_strict_json_object_stay_as_written_for_the_check(arguments: str) -> None:
    (call,) = read_calls([{"name": "weather", "arguments": arguments}], "tool_calls")
    assert call.arguments == arguments


def call_of(name: str, parameters: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    declared = {"type": "object", "properties": parameters, "required": list(parameters)}
    call = {"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return {
        "messages": [{"role": "user", "content": "Do it."}, {"role": "assistant", "content": "", "tool_calls": [call]}],
        "tools": [{"type": "function", "function": {"name": name, "parameters": declared}}],
    }


CITY, NUMBER = {"type": "string"}, {"type": "integer"}
DAY = {"type": "object", "properties": {"in": {"type": ["integer", "null"]}, "of": {"enum": ["may"]}}}
MIXED_ROWS = [
    call_of("weather", {"city": CITY}, {"city": "Oslo"}),
    call_of("add", {"x": NUMBER, "y": NUMBER}, {"x": 1, "y": 2}),
    call_of("plan", {"days": {"type": "array", "items": DAY}}, {"days": [{"in": None}, {"in": 2, "of": "may"}]}),
    call_of("now", {}, {}),
]


def test_calls_in_parquet_and_in_hub_datasets_are_those_of_the_same_rows_in_jsonl(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in MIXED_ROWS), encoding="utf-8")
    table = pa.Table.from_pylist(MIXED_ROWS)
    pq.write_table(table, tmp_path / "rows.parquet")

    def bodies(path: str) -> list[Any]:
        read = read_rows(path, DataRecipe(path=path), lambda _: table.to_pylist())
        return [example.body for example in read.examples]

    written = bodies(str(tmp_path / "rows.jsonl"))
    assert bodies(str(tmp_path / "rows.parquet")) == written
    assert bodies("owner/calls") == written
    assert [body.messages[1].tool_calls[0].arguments for body in written[1:]] == [
        '{"x":1,"y":2}',
        '{"days":[{"in":null},{"in":2,"of":"may"}]}',
        "{}",
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "null"},
        {"type": ["string", "null"]},
        {"type": "string", "nullable": True},
        {"enum": ["a", None]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
    ],
)
def test_an_argument_of_a_table_stays_null_where_its_declaration_allows_it(schema: dict[str, Any]) -> None:
    row = call_of("find", {"page": schema, "name": CITY}, {"page": None, "name": None, "city": None})
    assert convert(without_filled_nulls(row)).messages[1].tool_calls[0].arguments == '{"page":null}'
    for unknown in (None, "{", json.dumps([{"name": "other"}])):
        clean = without_filled_nulls({**row, "tools": unknown})
        assert read_messages(clean["messages"], "messages", OPENAI)[1].tool_calls[0].arguments == "{}"


def test_several_calls_and_results_without_ids_are_paired_in_order() -> None:
    turn = {"role": "assistant", "tool_calls": [{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]}
    results = [{"role": "tool", "content": "1"}, {"role": "tool", "content": "2"}, {"role": "tool", "content": "3"}]
    messages = read_messages([{"role": "user", "content": "a"}, turn, *results, turn], "messages", OPENAI)
    assert [call.id for message in messages for call in message.tool_calls] == [
        "call00001", "call00002", "call00003", "call00004",
    ]  # fmt: skip
    assert [message.tool_call_id for message in messages if message.role == "tool"] == ["call00001", "call00002", None]


@pytest.mark.parametrize("nothing", [None, [], "", "[]", "null"])
def test_no_declarations_are_none(nothing: object) -> None:
    assert read_tools(nothing) is None


def test_declarations_are_wrapped_and_keep_the_order_of_their_keys() -> None:
    arrow = {"type": "function", "function": {"name": "f", "strict": None, "parameters": {"b": 1, "a": 2}}}
    assert read_tools([arrow]) == '[{"type":"function","function":{"name":"f","parameters":{"b":1,"a":2}}}]'
    assert read_tools([{"name": "f"}]) == '[{"type":"function","function":{"name":"f"}}]'


@pytest.mark.parametrize(
    ("tools", "message"),
    [
        ("{", r"^tools: found the end of the text"),
        ("[1] 2", r"^tools: found ' 2', expected the end"),
        ('{"a": 1, "a": 2}', r"^tools: found the key 'a' twice"),
        ({"name": "f"}, r"^tools: found an object, expected a list of declarations"),
        (["f"], r"^tools\[0\]: found 'f', expected a declaration as an object"),
        ([{"type": "web_search"}], r"^tools\[0\]\.type: found 'web_search', expected 'function'"),
        ([{"function": {}}], r"^tools\[0\]\.function\.name: found null, expected the name of a function"),
        ([{"function": 3}], r"^tools\[0\]\.function\.name: found the number 3"),
        ([{"name": ""}], r"^tools\[0\]\.name: found ''"),
    ],
)
def test_what_is_no_declaration_is_refused_with_its_place(tools: object, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        read_tools(tools)


@pytest.mark.parametrize(
    ("calls", "message"),
    [
        ({}, r"^tool_calls: found an object, expected a list of calls"),
        (["f"], r"^tool_calls\[0\]: found 'f', expected a call as an object"),
        ([{"type": "custom", "custom": {}}], r"^tool_calls\[0\]\.type: found 'custom', expected 'function'"),
        ([{"id": 3, "name": "f", "arguments": {}}], r"^tool_calls\[0\]\.id: found the number 3, expected a text"),
        ([{"function": "f"}], r"^tool_calls\[0\]\.function: found 'f', expected an object with name and arguments"),
        ([{"arguments": {}}], r"^tool_calls\[0\]\.name: found null, expected the name of a function"),
        (
            [{"function": {"name": "f"}}],
            r"^tool_calls\[0\]\.function\.arguments: found null, expected a text that holds",
        ),
    ],
)
def test_what_is_no_call_is_refused_with_its_place(calls: object, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        read_calls(calls, "tool_calls")


def test_a_written_call_that_is_no_json_is_refused() -> None:
    assert len(read_written_calls('[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]', "value")) == 2
    with pytest.raises(RefusedError, match=r"^value: found 'call f', expected a JSON value"):
        read_written_calls("call f", "value")
    with pytest.raises(RefusedError, match=r"^value\.name: found null"):
        read_written_calls("{}", "value")


def test_rows_that_differ_only_in_their_declarations_have_other_inputs() -> None:
    def example(tools: str | None) -> Example:
        messages = (Message(role="user", content="a", tools=tools), Message(role="assistant", content="b"))
        return Example(body=Conversation(messages=messages), provenance=Provenance(source="r", row=1))

    assert example(DECLARED).input_id != example(None).input_id
    assert example(DECLARED).id != example(None).id
