"""Example: one conversation, one text or one preference pair, and where it came from."""

import json
import unicodedata
from collections.abc import Sequence
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunewright.records.base import Record, canonical_json, content_hash

Role = Literal["system", "user", "assistant", "tool"]


def _is_absent(value: object) -> bool:
    return not value


class ToolCall(Record):
    """One call of a function, as the assistant writes it."""

    id: str
    """Ties a result to its call."""
    name: Annotated[str, Field(min_length=1)]
    arguments: str
    """A JSON object by name of the parameter; whatever the row holds when it is none."""


class Message(Record):
    """One turn of a conversation.

    Fields about tools are left out of files and hashes when they are empty, so that rows without tools keep the
    identity they had before there were any.
    """

    role: Role
    content: str
    weight: Literal[0, 1] = 1
    """Whether an assistant turn is trained (1) or only read (0). Other roles are never trained."""
    tool_calls: tuple[ToolCall, ...] = Field(default=(), exclude_if=_is_absent)
    """Functions that the assistant calls in this turn, beside or instead of its content."""
    tool_call_id: str | None = Field(default=None, exclude_if=_is_absent)
    """The call whose result a tool's message is."""
    name: str | None = Field(default=None, exclude_if=_is_absent)
    """The function that a tool's message comes from."""
    tools: str | None = Field(default=None, exclude_if=_is_absent)
    """Functions that may be called, as a JSON list of declarations; only on the first message of a conversation.

    They are part of what the model is given, so they travel with the messages wherever a prompt goes."""

    @property
    def is_trained(self) -> bool:
        """Whether the loss covers this turn, its end included."""
        return self.role == "assistant" and self.weight == 1

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything said in this turn: the content, then the arguments of each call."""
        arguments = tuple(call.arguments for call in self.tool_calls)
        return arguments if arguments and not self.content else (self.content, *arguments)

    @property
    def answer(self) -> str:
        """What is compared when this turn is the answer: its calls as canonical JSON, or its content if it has none."""
        return calls_as_json(self.tool_calls) if self.tool_calls else self.content


def calls_as_json(calls: Sequence[ToolCall]) -> str:
    """Write calls in the one way in which they are compared: names and arguments, without ids, sorted with their keys.

    Calls of one turn cannot depend on each other's results, so their order says nothing.

    >>> calls_as_json([ToolCall(id="1", name="weather", arguments='{"unit": "C", "city": "Oslo"}')])
    '[{"arguments":{"city":"Oslo","unit":"C"},"name":"weather"}]'
    """
    written = [{"name": call.name, "arguments": _loaded(call.arguments)} for call in calls]
    return canonical_json(sorted(written, key=canonical_json))


def _loaded(arguments: str) -> object:
    """Arguments as JSON, or the text itself when they are none: it is compared all the same."""
    try:
        value = json.loads(arguments)
        canonical_json(value).encode("utf-8")  # NaN and half of a character are read, but cannot be written
    except (ValueError, RecursionError):
        return arguments
    return value


class Conversation(Record):
    """Messages in order: an optional system message, then turns that end with the assistant's.

    At least one assistant turn is trained, and no trained turn is empty. Whether calls and results belong together is
    not judged here; the check `tool_calls` does.
    """

    kind: Literal["conversation"] = "conversation"
    messages: tuple[Message, ...]

    @model_validator(mode="after")
    def _roles_are_in_order(self) -> "Conversation":
        roles = [message.role for message in self.messages]
        _require_order(self.messages)
        if not roles or roles[-1] != "assistant":
            raise ValueError("the last message must be the assistant's: it is what the model learns to write")
        if "user" not in roles:
            raise ValueError("a user message is missing: the model needs something to answer")
        if not any(message.is_trained for message in self.messages):
            raise ValueError("every assistant message has weight 0, so nothing would be trained")
        for index, message in enumerate(self.messages):
            if message.is_trained and not message.tool_calls and not message.content.strip():
                raise ValueError(f"messages[{index}] is an empty assistant answer")
        return self

    @property
    def prompt(self) -> tuple[Message, ...]:
        """What the model is given before it writes the last answer that is trained."""
        return self.messages[: self._last_trained]

    @property
    def earlier_prompts(self) -> tuple[tuple[Message, ...], ...]:
        """What the model is given before each answer that is trained but the last."""
        trained = [index for index, message in enumerate(self.messages) if message.is_trained]
        return tuple(self.messages[:index] for index in trained[:-1])

    @property
    def answer(self) -> str:
        """The last answer that is trained: what evaluation compares with. Calls of functions are canonical JSON."""
        return self.messages[self._last_trained].answer

    @property
    def ends_in_calls(self) -> bool:
        """Whether the last answer that is trained calls functions."""
        return bool(self.messages[self._last_trained].tool_calls)

    @property
    def tools(self) -> str | None:
        """Functions that the assistant may call, as a JSON list of declarations; None when there are none."""
        return self.messages[0].tools

    @property
    def _last_trained(self) -> int:
        return max(index for index, message in enumerate(self.messages) if message.is_trained)


def _require_order(messages: Sequence[Message]) -> None:
    """Raises: ValueError when a message stands where, or holds what, its role does not allow."""
    for index, message in enumerate(messages):
        if index and message.role == "system":
            raise ValueError("a system message can only be the first message")
        if index and message.tools:
            raise ValueError(f"messages[{index}] declares tools, which only the first message can")
        if message.tool_calls and message.role != "assistant":
            raise ValueError(f"messages[{index}] calls tools, which only the assistant can")
        if (message.tool_call_id or message.name) and message.role != "tool":
            raise ValueError(f"messages[{index}] names a call, which only a tool's result can")


class PreferencePair(Record):
    """A prompt with a better and a worse answer. Tells a model which to prefer, not what to write."""

    kind: Literal["preference"] = "preference"
    prompt: tuple[Message, ...]
    """Ends with the user's message. Assistant turns in it are only read."""
    chosen: str
    rejected: str

    @model_validator(mode="after")
    def _is_a_choice(self) -> "PreferencePair":
        _require_order(self.prompt)
        if not self.prompt or self.prompt[-1].role != "user":
            raise ValueError("the prompt must end with the user's message: the answers follow it")
        if any(message.is_trained for message in self.prompt):
            raise ValueError("an assistant message of the prompt has weight 1, but only the answers are compared")
        for name, answer in (("chosen", self.chosen), ("rejected", self.rejected)):
            if not answer.strip():
                raise ValueError(f"the {name} answer is empty")
        return self


class PlainText(Record):
    """A text for continued pre-training: every token is trained."""

    kind: Literal["text"] = "text"
    text: str

    @model_validator(mode="after")
    def _is_not_empty(self) -> "PlainText":
        if not self.text.strip():
            raise ValueError("the text is empty")
        return self


Body = Conversation | PlainText | PreferencePair


class Provenance(Record):
    """Where a row came from."""

    source: str
    """File name or hub dataset id, as the user gave it."""
    row: int
    """Line of the file for JSON Lines, passage of a document, row number (from 1) otherwise."""
    part_of: str | None = None
    """The recipe's source that the row was read for, by its title; None where the recipe has a single path."""
    licence: str | None = None
    """None where it is not known."""
    group: str | None = None
    """Value of `data.group_column`, or the document of a passage: rows that share it share a split."""
    time: str | None = None
    """Value of `data.time_column`, as written."""
    fields: tuple[tuple[str, str], ...] = ()
    """(name, value) of the fields of `data.checks.groups` that the row has."""
    cut_short_by: str | None = None
    """What ended the answer, `length` or `content_filter`, where the log of a service says that it is not whole."""

    def __str__(self) -> str:
        return f"{self.source}:{self.row}"


class Example(Record):
    """One thing to learn from, with its provenance. Its identity is its content, not its origin."""

    body: Annotated[Body, Field(discriminator="kind")]
    provenance: Provenance

    @cached_property
    def id(self) -> str:
        """SHA-256 of the content: equal rows of different files have the same id."""
        return content_hash(self.body.model_dump())

    @cached_property
    def input_id(self) -> str:
        """SHA-256 of what the model is given: rows with equal questions and other answers share it."""
        return self.id if isinstance(self.body, PlainText) else input_id(self.body.prompt)

    @cached_property
    def loose_input_id(self) -> str:
        """As `input_id`, but equal too for inputs that differ only in white space, case or compatible characters."""
        body = self.body
        return content_hash(_loose(body.text)) if isinstance(body, PlainText) else _loose_input_id(body.prompt)

    @cached_property
    def earlier_input_ids(self) -> tuple[str, ...]:
        """Of a conversation, `loose_input_id` as it would be if it ended at each trained answer before the last."""
        prompts = self.body.earlier_prompts if isinstance(self.body, Conversation) else ()
        return tuple(map(_loose_input_id, prompts))


def input_id(prompt: Sequence[Message]) -> str:
    """SHA-256 of a prompt, as in `Example.input_id`."""
    return content_hash([_identity(message) for message in prompt])


def _loose_input_id(prompt: Sequence[Message]) -> str:
    return input_id([message.model_copy(update={"content": _loose(message.content)}) for message in prompt])


def _loose(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _identity(message: Message) -> list[object]:
    """What a message is as part of an input: its weight says nothing to the model."""
    about_tools = message.model_dump(exclude={"role", "content", "weight"})
    return [message.role, message.content, *([about_tools] if about_tools else [])]
