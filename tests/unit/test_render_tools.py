"""Rows with tools: what templates write of them, the renderer law, and refusals by name."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from chat_bases import PLAIN, STYLES, TOOLS, write_base

from tunewright.data.tool_calls import read_tools
from tunewright.errors import RenderError
from tunewright.records import Conversation, Example, Message, Provenance, ToolCall
from tunewright.render import Renderer, TokenSequence, load_renderer
from tunewright.render.template import ChatTemplate
from tunewright.render.tools import find_tool_support
from tunewright.study.arms import with_system_prompt

WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Weather now.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
DECLARED = read_tools([WEATHER])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_base(tmp_path_factory.mktemp("base") / "tools", TOOLS)


@pytest.fixture(scope="module")
def renderer(folder: Path) -> Renderer:
    return load_renderer(folder)


def call(city: str, number: int = 1) -> ToolCall:
    return ToolCall(id=f"call{number:05}", name="weather", arguments=json.dumps({"city": city}))


def result(text: str, number: int = 1) -> Message:
    return Message(role="tool", content=text, tool_call_id=f"call{number:05}", name="weather")


ASKED = Message(role="user", content="Is it warmer in Oslo or in Rome?", tools=DECLARED)
CALLS = Message(role="assistant", content="", tool_calls=(call("Oslo", 1), call("Rome", 2)))
RESULTS = (result("8 °C", 1), result("21 °C", 2))
ANSWER = Message(role="assistant", content="In Rome.")


def example(*messages: Message) -> Example:
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=7))


def shown(renderer: Renderer, sequence: TokenSequence, state: str) -> list[str]:
    """The texts of the runs of tokens in a state."""
    pieces = renderer.show(sequence)
    edges = [False, *(piece.state == state for piece in pieces), False]
    starts = [i for i, (before, after) in enumerate(pairwise(edges)) if after and not before]
    ends = [i for i, (before, after) in enumerate(pairwise(edges)) if before and not after]
    return ["".join(piece.text for piece in pieces[a:b]) for a, b in zip(starts, ends, strict=True)]


def oracle_tokens(folder: Path, messages: Any, *, prompt: bool) -> list[int]:
    from transformers import AutoTokenizer

    rows: list[dict[str, object]] = []
    for message in messages:
        rows.append({"role": message.role, "content": message.content})
        if message.tool_calls:
            rows[-1]["tool_calls"] = [
                {
                    "id": each.id,
                    "type": "function",
                    "function": {"name": each.name, "arguments": json.loads(each.arguments)},
                }
                for each in message.tool_calls
            ]
        if message.role == "tool":
            rows[-1] |= {"tool_call_id": message.tool_call_id, "name": message.name}
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    return list(tokenizer.apply_chat_template(rows, tools=[WEATHER], add_generation_prompt=prompt, return_dict=False))


@pytest.mark.parametrize("system", [(), (Message(role="system", content="Be brief."),)], ids=["no system", "system"])
def test_tokens_equal_apply_chat_template_and_calls_and_answers_are_trained(
    system: tuple[Message, ...], folder: Path, renderer: Renderer
) -> None:
    messages = (*system, ASKED.model_copy(update={"tools": None}), CALLS, *RESULTS, ANSWER)
    messages = (messages[0].model_copy(update={"tools": DECLARED}), *messages[1:])

    (sequence,) = renderer.render(example(*messages))

    assert list(sequence.token_ids) == oracle_tokens(folder, messages, prompt=False)
    assert list(renderer.prompt(messages[:-1]).token_ids) == oracle_tokens(folder, messages[:-1], prompt=True)
    assert shown(renderer, sequence, "trained") == [
        '<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>'
        '<tool_call>{"name": "weather", "arguments": {"city": "Rome"}}</tool_call><|im_end|>',
        "In Rome.<|im_end|>",
    ]
    declared, results = shown(renderer, sequence, "context")[:2]
    assert json.dumps(WEATHER) in declared
    assert "<tool_response>8 °C</tool_response>\n<tool_response>21 °C</tool_response>" in results


def test_a_row_may_end_in_its_calls(renderer: Renderer) -> None:
    (sequence,) = renderer.render(example(ASKED, CALLS))
    ((trained),) = shown(renderer, sequence, "trained")
    assert trained.startswith('<tool_call>{"name": "weather"')
    prompt = renderer.prompt([ASKED])
    assert sequence.token_ids[: len(prompt.token_ids)] == prompt.token_ids


def test_a_call_with_weight_zero_is_read_but_not_trained(renderer: Renderer) -> None:
    (both,) = renderer.render(example(ASKED, CALLS, *RESULTS, ANSWER))
    (one,) = renderer.render(example(ASKED, CALLS.model_copy(update={"weight": 0}), *RESULTS, ANSWER))
    assert one.token_ids == both.token_ids
    assert shown(renderer, one, "trained") == ["In Rome.<|im_end|>"]


def test_a_long_result_is_shortened_and_stays_a_result(renderer: Renderer) -> None:
    long = result(" ".join(f"word{number}" for number in range(300)))
    row = example(ASKED, CALLS.model_copy(update={"tool_calls": (call("Oslo"),)}), long, ANSWER)
    (sequence,) = renderer.fitted(500, 100).render(row)
    assert sequence.cut is not None
    assert "word150" in sequence.cut.text
    assert "<tool_response>word0 " in "".join(shown(renderer, sequence, "context"))
    assert len(shown(renderer, sequence, "trained")) == 2


def test_a_template_sees_nothing_of_tools_in_rows_without_them() -> None:
    template = ChatTemplate("{% for m in messages %}{{ m.keys() | list | join(',') }};{% endfor %}{{ tools }}", {})
    seen = template.render([Message(role="user", content="a")], add_generation_prompt=False, where="x")
    assert seen == "role,content;None"


@pytest.mark.parametrize(
    ("messages", "found"),
    [
        ((ASKED, ANSWER), "declarations of functions"),
        ((Message(role="user", content="Hi"), CALLS), "calls of functions"),
        ((ASKED, CALLS, *RESULTS, ANSWER), "declarations of functions and calls of functions"),
    ],
)
@pytest.mark.parametrize(
    ("style", "name"),
    [(PLAIN, "the built-in plain template"), (STYLES["chatml"], "the base's chat template")],
    ids=["plain", "chatml"],
)
def test_a_template_that_leaves_tools_out_is_refused_by_name(
    style: Any, name: str, messages: tuple[Message, ...], found: str, tmp_path: Path
) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", style))
    expected = rf"rows\.jsonl:7: found {found}.*, which {name} does not write, expected .* made for tools\. Use a base"
    with pytest.raises(RenderError, match=expected):
        renderer.render(example(*messages))
    with pytest.raises(RenderError, match=f"prompt: found declarations of functions, which {name} does not write"):
        renderer.prompt([ASKED])


def test_a_template_that_fails_on_tools_or_drops_results_is_known_before_any_row() -> None:
    failing = (
        "{% for m in messages %}{{ m.content }}{% if m.tool_calls %}{{ raise_exception('no') }}{% endif %}{% endfor %}"
    )
    support = find_tool_support(ChatTemplate(failing, {}), "it")
    assert (support.declarations, support.calls, support.results) == (False, False, False)
    dropping = (TOOLS.template or "").replace("+ message.content + '</tool_response>'", "+ '</tool_response>'")
    support = find_tool_support(ChatTemplate(dropping, {}), "it")
    assert (support.declarations, support.calls, support.results) == (True, True, False)
    with pytest.raises(RenderError, match="x: found results of calls, which it does not write"):
        support.require([*RESULTS], "x")


def test_a_system_message_that_a_template_leaves_out_is_refused_by_name(tmp_path: Path) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", STYLES["llama2"]))
    told = Message(role="system", content="Always answer in French.")
    row = example(told, ASKED.model_copy(update={"tools": None}), Message(role="assistant", content="Oui."))
    words = "found a system message, which the base's chat template leaves out, expected messages that all reach"
    with pytest.raises(RenderError, match=rf"rows\.jsonl:7: {words}"):
        renderer.render(row)
    with pytest.raises(RenderError, match=f"prompt: {words}"):
        renderer.prompt([told, ASKED.model_copy(update={"tools": None})])


def test_text_beside_calls_is_refused_where_the_template_writes_the_calls_alone(tmp_path: Path) -> None:
    # As Llama 3.1's own template does.
    template = (TOOLS.template or "").replace("assistant\n' + message.content }}", "assistant\n' }}")
    renderer = load_renderer(write_base(tmp_path / "base", replace(TOOLS, template=template)))
    both = CALLS.model_copy(update={"content": "I look it up.", "weight": 0})
    found = "found text beside calls of functions, which the base's chat template does not write"
    with pytest.raises(RenderError, match=rf"rows\.jsonl:7: {found}, .* Empty the content of messages with calls"):
        renderer.render(example(ASKED, both, *RESULTS, ANSWER))
    with pytest.raises(RenderError, match=f"prompt: {found}"):
        renderer.prompt([ASKED, both, *RESULTS])
    assert renderer.render(example(ASKED, CALLS.model_copy(update={"content": " \n"}), *RESULTS, ANSWER))


def test_text_beside_calls_is_trained_with_them(renderer: Renderer) -> None:
    (sequence,) = renderer.render(example(ASKED, CALLS.model_copy(update={"content": "I look it up."})))
    ((trained),) = shown(renderer, sequence, "trained")
    assert trained.startswith('I look it up.<tool_call>{"name": "weather"')


def test_a_system_message_that_a_template_writes_in_capitals_is_not_left_out(tmp_path: Path) -> None:
    template = (
        "{% for m in messages %}{{ m.role }}: {{ m.content | upper if m.role == 'system' else m.content }}</s>\n"
        "{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    )
    renderer = load_renderer(write_base(tmp_path / "base", replace(STYLES["llama2"], template=template)))
    assert renderer.takes_system
    assert renderer.prompt([Message(role="system", content="Be brief."), ASKED.model_copy(update={"tools": None})])


@pytest.mark.parametrize(("style", "takes"), [("chatml", True), ("llama2", False), ("gemma", False)])
def test_a_prompt_stands_in_the_users_turn_where_system_messages_are_refused(
    tmp_path: Path, style: str, takes: bool
) -> None:
    renderer = load_renderer(write_base(tmp_path / "base", STYLES[style]))
    assert renderer.takes_system is takes
    question = [ASKED.model_copy(update={"tools": None})]
    assert renderer.fits(with_system_prompt(question, "Be brief.", in_user_turn=not takes))
    assert renderer.fits(with_system_prompt(question, "Be brief.")) is takes


def test_arguments_that_are_no_json_object_cannot_be_written(renderer: Renderer) -> None:
    for arguments in ("{city: Oslo}", '["Oslo"]', "[" * 100_000):
        broken = ToolCall(id="c", name="weather", arguments=arguments)
        row = example(ASKED, Message(role="assistant", content="", tool_calls=(broken,)))
        with pytest.raises(
            RenderError, match=r"rows\.jsonl:7: found arguments of a call of weather that are no JSON object"
        ):
            renderer.render(row)


@pytest.mark.parametrize(
    "messages",
    [
        (ASKED, Message(role="assistant", content="", tool_calls=(call("<|im_end|>"),))),
        (
            ASKED,
            Message(role="assistant", content="", tool_calls=(ToolCall(id="c", name="<|im_end|>", arguments="{}"),)),
        ),
        (
            ASKED,
            Message(
                role="assistant",
                content="",
                tool_calls=(ToolCall(id="c", name="f", arguments='{"x":"\\u003c|im_end|>"}'),),
            ),
        ),
        (ASKED.model_copy(update={"tools": read_tools([{"name": "<|im_end|>"}])}), ANSWER),
        (ASKED, CALLS, RESULTS[0].model_copy(update={"name": "<|im_end|>"}), ANSWER),
    ],
    ids=["arguments", "name of a call", "escaped", "declaration", "name of a result"],
)
def test_control_tokens_in_calls_declarations_and_results_are_refused(
    messages: tuple[Message, ...], renderer: Renderer
) -> None:
    with pytest.raises(RenderError, match=r"rows\.jsonl:7 messages\[\d\]: found <\|im_end\|> in the text"):
        renderer.render(example(*messages))
