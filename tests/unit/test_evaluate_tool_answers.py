"""Calls in what a model wrote, compared with the calls of a row."""

from collections.abc import Sequence

import pytest

from tunewright.contracts import Advance, SilentProgress
from tunewright.evaluate import task
from tunewright.evaluate.judge import judge
from tunewright.evaluate.tool_answers import calls_in
from tunewright.records import Answer, Conversation, Example, Message, Provenance, TokenLoss, ToolCall

OSLO = '[{"arguments":{"city":"Oslo"},"name":"weather"}]'


@pytest.mark.parametrize(
    "answer",
    [
        '<tool_call>\n{"name": "weather", "arguments": {"city": "Oslo"}}\n</tool_call>',
        'Let me look.\n<tool_call>{"arguments": {"city": "Oslo"}, "name": "weather"}</tool_call>',
        '{"name": "weather", "parameters": {"city": "Oslo"}}',
        '[{"name": "weather", "arguments": {"city": "Oslo"}, "id": "abc"}]',
        r'<tool_call>{"name": "weather", "arguments": "{\"city\": \"Oslo\"}"}</tool_call>',
    ],
)
def test_calls_are_read_in_the_ways_models_write_them(answer: str) -> None:
    assert calls_in(answer) == OSLO


def test_several_calls_are_the_same_in_any_order() -> None:
    call = '<tool_call>{{"name": "{}", "arguments": {{}}}}</tool_call>'
    both = '[{"arguments":{},"name":"a"},{"arguments":{},"name":"b"}]'
    assert calls_in(call.format("b") + call.format("a")) == calls_in(call.format("a") + call.format("b")) == both


@pytest.mark.parametrize("answer", ['{"name": "now"}', '{"name": "now", "arguments": null}'])
def test_a_call_without_arguments_has_none(answer: str) -> None:
    assert calls_in(answer) == '[{"arguments":{},"name":"now"}]'


@pytest.mark.parametrize(
    "answer",
    [
        "It is cold.",
        "",
        "3",
        "[]",
        "{}",
        '{"name": "weather", "arguments": ["Oslo"]}',
        '{"name": "", "arguments": {}}',
        '{"name": "weather", "arguments": "Oslo"}',
        '{"name": "weather", "arguments": "3"}',
        '<tool_call>{"name": "weather"</tool_call>',
        '<tool_call>{"name": "weather", "arguments": {}}</tool_call><tool_call>{}</tool_call>',
        "[" * 100_000,
        r'{"name": "\ud800", "arguments": {}}',
        r'{"name": "weather", "arguments": {"city": "\ud800"}}',
    ],
)
def test_what_cannot_be_read_as_calls_is_just_text(answer: str) -> None:
    assert calls_in(answer) is None


class Says:
    """Gives one answer to everything."""

    def __init__(self, text: str) -> None:
        self.text = text

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        advance(len(prompts))
        return [Answer(text=self.text, finish="stop") for _ in prompts]

    def token_losses(self, examples: Sequence[Example], advance: Advance) -> list[TokenLoss | str]:
        raise AssertionError("no loss is asked for")


CALLS = (ToolCall(id="c1", name="weather", arguments='{"city":"Oslo"}'),)
CALLING = Message(role="assistant", content="", tool_calls=CALLS)
TEXT = Message(role="assistant", content=OSLO)


@pytest.mark.parametrize(
    ("expected", "said", "score"),
    [
        (CALLING, '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>', 1.0),
        (CALLING, '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call>', 0.0),
        (CALLING, 'Oslo.\n</think>\n{"name": "weather", "arguments": {"city": "Oslo"}}', 1.0),
        (CALLING, "It is cold.", 0.0),
        (TEXT, '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>', 0.0),
    ],
    ids=["right call", "wrong arguments", "right call after thoughts", "no call", "text was expected"],
)
def test_an_answer_is_compared_as_calls_where_calls_are_expected(expected: Message, said: str, score: float) -> None:
    body = Conversation(messages=(Message(role="user", content="Warm in Oslo?"), expected))
    row = Example(body=body, provenance=Provenance(source="rows.jsonl", row=1))
    system = Says(said)
    scores = judge(system, system, task.test_items([row], None), ["exact_match"], SilentProgress(), "base")
    assert [each.value for each in scores.of("exact_match")] == [score]


def test_parallel_calls_in_another_order_than_the_row_has_them_are_right() -> None:
    calls = tuple(ToolCall(id=city, name="weather", arguments=f'{{"city":"{city}"}}') for city in ("Rome", "Oslo"))
    asks = Message(role="user", content="Warm in Rome and Oslo?")
    body = Conversation(messages=(asks, Message(role="assistant", content="", tool_calls=calls)))
    row = Example(body=body, provenance=Provenance(source="rows.jsonl", row=1))
    call = '<tool_call>{{"name": "weather", "arguments": {{"city": "{}"}}}}</tool_call>'
    for cities in (("Rome", "Oslo"), ("Oslo", "Rome")):
        system = Says("".join(map(call.format, cities)))
        metrics = ["exact_match", "json_fields"]
        scores = judge(system, system, task.test_items([row], None), metrics, SilentProgress(), "base")
        assert [each.value for each in scores.scores] == [1.0, 1.0]
