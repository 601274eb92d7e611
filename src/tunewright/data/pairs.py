"""Preference pairs of a row: a prompt, a better and a worse answer.

    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"}                                     TRL
    {"chosen": [user, assistant], "rejected": [user, assistant]}                                  TRL, prompt implied
    {"instruction": "Add", "input": "2, 2", "chosen": "4", "rejected": "5"}                       LLaMA-Factory
    {"conversations": [human], "chosen": gpt, "rejected": gpt}                                    LLaMA-Factory
    {"chosen_messages": [user, assistant], "rejected_messages": [user, assistant]}                LLaMA-Factory, v1
    {"input": {"messages": [user]}, "preferred_output": [...], "non_preferred_output": [...]}     OpenAI

An answer is a text, a message, or messages of which the last is the answer and those before it repeat the prompt.
"""

from pydantic import ValidationError

from tunewright.data.fields import Row, instruction_question, present, text_field
from tunewright.data.messages import OPENAI, SHAREGPT, MessageShape, read_message, read_messages, with_system_prompt
from tunewright.data.refusals import RefusedError, describe, join_names
from tunewright.records import Message, PreferencePair

OPENAI_FIELDS = ("input", "preferred_output", "non_preferred_output")
ANSWER_FIELDS = ("chosen", "rejected")
MESSAGE_FIELDS = ("chosen_messages", "rejected_messages")


def read_pair(row: Row, system_prompt: str | None) -> PreferencePair:
    """Turn a row into a preference pair.

    Args:
        row: in one of the shapes above.
        system_prompt: put before a prompt that has no system message.
    Raises:
        RefusedError: the row does not fit; its place is the field.
    """
    prompt = [_read_only(message) for message in _prompt(row)]
    chosen_field, rejected_field = _answer_fields(row)
    before_chosen, chosen = _answer(row, chosen_field)
    before_rejected, rejected = _answer(row, rejected_field)
    if before_chosen != before_rejected:
        found = f"other messages before the answer than {chosen_field} has"
        raise RefusedError(rejected_field, found, "one prompt for both answers", "Correct the row or remove it.")
    prompt = _joined(prompt, before_chosen, chosen_field)
    try:
        return PreferencePair(prompt=tuple(with_system_prompt(prompt, system_prompt)), chosen=chosen, rejected=rejected)
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        roles = join_names(message.role for message in prompt)
        expected = "a prompt that ends with the user's message, and two answers that are not empty"
        raise RefusedError("", f"a prompt of {roles} ({reason})", expected, "Complete the row or remove it.") from None


def used_fields(row: Row) -> set[str]:
    """The fields of a row that `read_pair` reads."""
    if OPENAI_FIELDS[1] in row:
        return set(OPENAI_FIELDS)
    source = _prompt_field(row)
    beside = {"input"} if source == "instruction" else set()
    return {*_answer_fields(row), *beside, *([source] if source else [])}


def _answer_fields(row: Row) -> tuple[str, str]:
    """Where the better and the worse answer stand."""
    if OPENAI_FIELDS[1] in row:
        return OPENAI_FIELDS[1:]
    return MESSAGE_FIELDS if MESSAGE_FIELDS[0] in row else ANSWER_FIELDS


def _prompt_field(row: Row) -> str | None:
    return next((name for name in ("conversations", "prompt", "instruction") if row.get(name) is not None), None)


def _prompt(row: Row) -> list[Message]:
    """The messages of the prompt; none when the answers bring them."""
    if OPENAI_FIELDS[1] in row:
        given = present(row, "input")
        if not isinstance(given, dict):
            raise RefusedError("input", describe(given), "an object with messages", "See docs/data-formats.md.")
        return read_messages(given.get("messages"), "input.messages", OPENAI)
    source = _prompt_field(row)
    if source is None:
        return []
    if source == "instruction":
        return [Message(role="user", content=instruction_question(row))]
    value = row[source]
    if source == "prompt" and not isinstance(value, list):
        return [Message(role="user", content=text_field(row, source, may_be_empty=True))]
    return read_messages(value, source, _shape(value))


def _answer(row: Row, field: str) -> tuple[list[Message], str]:
    """The messages before an answer, read only, and the answer."""
    value = present(row, field)
    if isinstance(value, dict):
        messages = [read_message(value, field, _shape([value]))]
    elif isinstance(value, list):
        messages = read_messages(value, field, _shape(value))
    else:
        return [], text_field(row, field)
    if not messages or messages[-1].role != "assistant" or messages[-1].tool_calls:
        roles = join_names(message.role for message in messages) or "no messages"
        found = f"{roles}, the last with calls of tools" if messages and messages[-1].tool_calls else roles
        fix = "Only answers in text can be compared: correct the row or remove it."
        raise RefusedError(field, found, "messages that end with the assistant's answer in text", fix)
    return [_read_only(message) for message in messages[:-1]], messages[-1].content


def _joined(prompt: list[Message], before: list[Message], field: str) -> list[Message]:
    """The prompt of a row that may write it in a field of its own, before its answers, or in both places."""
    if not prompt and not before:
        fix = "Add the field prompt (or rename the one that holds the question)."
        raise RefusedError("prompt", "no such field, and no messages before the answers", "what is answered", fix)
    if before and prompt and before[-len(prompt) :] != prompt:
        fix = "Correct the row or remove it. An answer is one message."
        raise RefusedError(field, "messages before the answer that are not the prompt", "one answer", fix)
    return before or prompt


def _shape(messages: object) -> MessageShape:
    is_sharegpt = isinstance(messages, list) and any(isinstance(each, dict) and "from" in each for each in messages)
    return SHAREGPT if is_sharegpt else OPENAI


def _read_only(message: Message) -> Message:
    """Of a pair only the answers are compared, so its other assistant turns are not trained."""
    return message.model_copy(update={"weight": 0}) if message.role == "assistant" else message
