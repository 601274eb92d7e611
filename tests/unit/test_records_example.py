"""Examples with tools and preference pairs: what is valid, and identities that must never change."""

import pytest
from pydantic import ValidationError

from tunewright.records import (
    Conversation,
    Example,
    Message,
    PlainText,
    PreferencePair,
    Provenance,
    ToolCall,
    calls_as_json,
)

USER = Message(role="user", content="Hi")
CALL = ToolCall(id="c", name="f", arguments="{}")
CALLS = Message(role="assistant", content="", tool_calls=(CALL,))


def example(body: Conversation | PlainText | PreferencePair) -> Example:
    return Example(body=body, provenance=Provenance(source="r", row=1))


def test_rows_without_tools_keep_the_identity_they_had_before_tools() -> None:
    # Recorded with version 0.1.0, whose messages had role, content and weight alone.
    said = Message(role="assistant", content="4", weight=0)
    messages = (
        Message(role="system", content="Be brief."),
        Message(role="user", content="2 + 2?"),
        said,
        Message(role="user", content="3 + 3?"),
        Message(role="assistant", content="6"),
    )
    chat = example(Conversation(messages=messages))
    assert chat.id == "489b9aa9b1cd7b49350658e01a80790710f3c3947fe310b9b0e662b191f8842d"
    assert chat.input_id == "a8c10de3df3cb5d6046dedd9d85e3485a003bf675e406264b6e668e2e1b93a5c"
    text = example(PlainText(text="Once upon a time"))
    assert text.id == text.input_id == "f359a494b0a15d5105d8cad1eb809061fb173ea4bc2c2b687340b80104deb8f1"
    assert said.model_dump() == {"role": "assistant", "content": "4", "weight": 0}


def test_examples_with_tools_and_pairs_read_back_as_themselves() -> None:
    result = Message(role="tool", content="1", tool_call_id="c", name="f")
    asked = USER.model_copy(update={"tools": "[]"})
    pair = PreferencePair(prompt=(USER,), chosen="a", rejected="b")
    for body in (Conversation(messages=(asked, CALLS, result, CALLS)), pair):
        stored = example(body)
        again = Example.model_validate_json(stored.model_dump_json())
        assert again == stored
        assert again.id == stored.id


def test_a_turn_may_be_calls_alone_and_its_answer_is_canonical_json() -> None:
    body = Conversation(messages=(USER, CALLS))
    assert body.answer == '[{"arguments":{},"name":"f"}]'
    assert body.ends_in_calls
    assert not Conversation(messages=(USER, Message(role="assistant", content="x"))).ends_in_calls


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ('{"b": 1, "a": "é"}', '{"a":"é","b":1}'),
        ("{b: 1}", '"{b: 1}"'),
        ('{"a": NaN}', '"{\\"a\\": NaN}"'),
        ('{"a": "\\ud83d"}', '"{\\"a\\": \\"\\\\ud83d\\"}"'),
    ],
)
def test_calls_are_compared_without_ids_and_key_order(arguments: str, written: str) -> None:
    calls = [ToolCall(id=id_, name="f", arguments=arguments) for id_ in ("1", "2")]
    assert calls_as_json(calls[:1]) == calls_as_json(calls[1:]) == f'[{{"arguments":{written},"name":"f"}}]'


@pytest.mark.parametrize(
    ("messages", "refusal"),
    [
        ((USER, USER.model_copy(update={"tools": "[]"}), CALLS), r"messages\[1\] declares tools, which only the first"),
        (
            (USER.model_copy(update={"tool_calls": (CALL,)}), CALLS),
            r"messages\[0\] calls tools, which only the assistant",
        ),
        ((USER.model_copy(update={"name": "f"}), CALLS), r"messages\[0\] names a call, which only a tool's result can"),
        ((USER, CALLS.model_copy(update={"tool_call_id": "c"})), r"messages\[1\] names a call"),
    ],
)
def test_fields_about_tools_belong_to_their_roles(messages: tuple[Message, ...], refusal: str) -> None:
    with pytest.raises(ValidationError, match=refusal):
        Conversation(messages=messages)


def test_a_call_needs_the_name_of_a_function() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        ToolCall(id="c", name="", arguments="{}")


@pytest.mark.parametrize(
    ("prompt", "chosen", "rejected", "refusal"),
    [
        ((), "a", "b", "the prompt must end with the user's message"),
        ((USER, Message(role="assistant", content="x", weight=0)), "a", "b", "the prompt must end with the user's"),
        (
            (USER, Message(role="assistant", content="x"), USER),
            "a",
            "b",
            "has weight 1, but only the answers are compared",
        ),
        ((USER, Message(role="system", content="x"), USER), "a", "b", "a system message can only be the first"),
        ((USER,), " ", "b", "the chosen answer is empty"),
        ((USER,), "a", "", "the rejected answer is empty"),
    ],
)
def test_a_pair_that_is_no_choice_is_refused(
    prompt: tuple[Message, ...], chosen: str, rejected: str, refusal: str
) -> None:
    with pytest.raises(ValidationError, match=refusal):
        PreferencePair(prompt=prompt, chosen=chosen, rejected=rejected)


def test_a_pair_shares_its_input_with_conversations_that_ask_the_same() -> None:
    pair = example(PreferencePair(prompt=(USER,), chosen="a", rejected="b"))
    chat = example(Conversation(messages=(USER, Message(role="assistant", content="a"))))
    assert pair.input_id == chat.input_id
    assert pair.id != chat.id
