"""The messages of a row, in the shape of OpenAI or of ShareGPT."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunewright.data.refusals import RefusedError, describe
from tunewright.data.tool_calls import read_calls, read_written_calls, with_call_ids
from tunewright.records import Message, Role


@dataclass(frozen=True, slots=True)
class MessageShape:
    """How one family of data sets writes a message."""

    role_key: str
    text_key: str
    roles: Mapping[str, Role]
    calls_role: str | None
    """A role whose text is a call of functions, as JSON; None where calls stand in a field of their own."""

    @property
    def fields(self) -> frozenset[str]:
        """Fields of a message that are read, whatever its role."""
        return frozenset({self.role_key, self.text_key, *_WEIGHT_FIELDS, *_TOOL_FIELDS})


_TOOL_FIELDS = ("tool_calls", "tool_call_id")
_WEIGHT_FIELDS = ("weight", "loss_weight")
"""OpenAI's name, and LLaMA-Factory's, which writes 0.0 and 1.0."""

OPENAI = MessageShape(
    "role", "content", {"system": "system", "user": "user", "assistant": "assistant", "tool": "tool"}, calls_role=None
)
SHAREGPT = MessageShape(
    "from",
    "value",
    {
        "system": "system",
        "human": "user",
        "user": "user",
        "gpt": "assistant",
        "assistant": "assistant",
        "function_call": "assistant",
        "observation": "tool",
    },
    calls_role="function_call",
)


def turns(question: str, answer: str) -> list[Message]:
    """A question and its answer."""
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def with_system_prompt(messages: Sequence[Message], system_prompt: str | None) -> list[Message]:
    """Put a system message before messages that have none; an empty one is none."""
    if not system_prompt or (messages and messages[0].role == "system"):
        return list(messages)
    return [Message(role="system", content=system_prompt), *messages]


def read_messages(value: object, field: str, shape: MessageShape) -> list[Message]:
    """The messages of a row.

    Args:
        value: what the field holds.
        field: names it in an error.
        shape: how messages are written.
    Raises:
        RefusedError: something is no message; its place is the field, as in `messages[1].role`.
    """
    if not isinstance(value, list):
        raise RefusedError(field, describe(value), "a list of messages", "See docs/data-formats.md for a row.")
    return with_call_ids(read_message(message, f"{field}[{index}]", shape) for index, message in enumerate(value))


def unused_message_fields(messages: Sequence[object], field: str, shape: MessageShape) -> set[str]:
    """Name the fields of messages that hold something and that `read_messages` ignores."""
    unused = set()
    for message in messages:
        assert isinstance(message, dict)  # it was read
        is_result = shape.roles[message[shape.role_key]] == "tool"
        used = shape.fields | {"name"} if is_result else shape.fields
        unused |= {f"{field}[].{name}" for name, item in message.items() if name not in used and item is not None}
    return unused


def read_message(message: object, place: str, shape: MessageShape) -> Message:
    """One message.

    Raises:
        RefusedError: as `read_messages`.
    """
    if not isinstance(message, dict):
        expected = f"an object with {shape.role_key} and {shape.text_key}"
        raise RefusedError(place, describe(message), expected, "Correct the row.")
    # Arrow tables fill what a message lacks with null, so null means absent.
    if message.get("function_call") is not None:
        fix = "Write it as tool_calls, the form that followed it; see docs/data-formats.md for a row."
        raise RefusedError(f"{place}.function_call", "a call in OpenAI's first form", "tool_calls", fix)
    written_role = message.get(shape.role_key)
    if not isinstance(written_role, str) or written_role not in shape.roles:
        expected = " or ".join(shape.roles)
        raise RefusedError(
            f"{place}.{shape.role_key}", describe(written_role), expected, f"Rename the {shape.role_key}."
        )
    role = shape.roles[written_role]
    calls = read_calls(message.get("tool_calls"), f"{place}.tool_calls")
    if calls and role != "assistant":
        fix = "Remove the field, or correct the role."
        raise RefusedError(f"{place}.tool_calls", f"calls of the {role}", "calls of the assistant", fix)
    content = read_content(message, f"{place}.{shape.text_key}", shape, may_be_absent=bool(calls))
    if written_role == shape.calls_role:
        content, calls = "", read_written_calls(content, f"{place}.{shape.text_key}")
    # The weight of other roles means nothing; keeping it would make equal rows look different.
    is_read_only = _weight(message, place) == 0 and role == "assistant"
    is_result = role == "tool"
    return Message(
        role=role,
        content=content,
        weight=0 if is_read_only else 1,
        tool_calls=calls,
        tool_call_id=_optional_text(message, "tool_call_id", place) if is_result else None,
        name=_optional_text(message, "name", place) if is_result else None,
    )


def read_content(message: Mapping[str, object], place: str, shape: MessageShape, *, may_be_absent: bool) -> str:
    """The text of a message, whatever its role; a list of text parts is joined.

    Raises:
        RefusedError: it is no text, or absent although it may not be.
    """
    content = message.get(shape.text_key)
    if content is None and may_be_absent:
        return ""
    if isinstance(content, list) and content:
        return "".join(_text_part(part, f"{place}[{index}]") for index, part in enumerate(content))
    if not isinstance(content, str):
        raise RefusedError(place, describe(content), "a text, or a list of text parts", "Correct the row.")
    return content


def _text_part(part: object, place: str) -> str:
    """The text of `{"type": "text", "text": ...}`, OpenAI's form, or with `value`, LLaMA-Factory's."""
    if isinstance(part, dict) and part.get("type") == "text":
        text = part.get("text", part.get("value"))
        if isinstance(text, str):
            return text
    found = f"a part of type {describe(part.get('type'))}" if isinstance(part, dict) else describe(part)
    fix = "Only text can be trained on: remove the part, or the row."
    raise RefusedError(place, found, 'a text part, {"type": "text", "text": ...}', fix)


def _weight(message: Mapping[str, object], place: str) -> object:
    fix = "1 trains the assistant's message, 0 only shows it."
    weight = message.get("weight")
    if weight is not None and (type(weight) is not int or weight not in (0, 1)):
        raise RefusedError(f"{place}.weight", describe(weight), "the number 0 or 1", fix)
    other = message.get("loss_weight")
    if other is not None and (isinstance(other, bool) or other not in (0, 1)):
        raise RefusedError(f"{place}.loss_weight", describe(other), "the number 0 or 1", fix)
    return weight if weight is not None else other


def _optional_text(message: Mapping[str, object], field: str, place: str) -> str | None:
    value = message.get(field)
    if value is not None and not isinstance(value, str):
        raise RefusedError(f"{place}.{field}", describe(value), "a text", "Write it as a text.")
    return value or None
