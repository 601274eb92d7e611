"""Example: one conversation or one text, and where it came from."""

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunewright.records.base import Record, content_hash

Role = Literal["system", "user", "assistant"]


class Message(Record):
    """One turn of a conversation."""

    role: Role
    content: str
    weight: Literal[0, 1] = 1
    """Whether an assistant turn is trained (1) or only read (0). Other roles are never trained."""

    @property
    def is_trained(self) -> bool:
        return self.role == "assistant" and self.weight == 1


class Conversation(Record):
    """Messages in order: an optional system message, then turns that end with the assistant's.

    At least one assistant turn is trained, and no trained turn is empty.
    """

    kind: Literal["conversation"] = "conversation"
    messages: tuple[Message, ...]

    @model_validator(mode="after")
    def _roles_are_in_order(self) -> "Conversation":
        roles = [message.role for message in self.messages]
        if "system" in roles[1:]:
            raise ValueError("a system message can only be the first message")
        if not roles or roles[-1] != "assistant":
            raise ValueError("the last message must be the assistant's: it is what the model learns to write")
        if "user" not in roles:
            raise ValueError("a user message is missing: the model needs something to answer")
        if not any(message.is_trained for message in self.messages):
            raise ValueError("every assistant message has weight 0, so nothing would be trained")
        for index, message in enumerate(self.messages):
            if message.is_trained and not message.content.strip():
                raise ValueError(f"messages[{index}] is an empty assistant answer")
        return self

    @property
    def prompt(self) -> tuple[Message, ...]:
        """What the model is given before it writes the last answer that is trained."""
        return self.messages[: self._last_trained]

    @property
    def answer(self) -> str:
        """The last answer that is trained: what evaluation compares with."""
        return self.messages[self._last_trained].content

    @property
    def _last_trained(self) -> int:
        return max(index for index, message in enumerate(self.messages) if message.is_trained)


class PlainText(Record):
    """A text for continued pre-training: every token is trained."""

    kind: Literal["text"] = "text"
    text: str

    @model_validator(mode="after")
    def _is_not_empty(self) -> "PlainText":
        if not self.text.strip():
            raise ValueError("the text is empty")
        return self


class Provenance(Record):
    """Where a row came from."""

    source: str
    """File name or hub dataset id, as the user gave it."""
    row: int
    """Line of the file for JSON Lines, row number (from 1) otherwise."""

    def __str__(self) -> str:
        return f"{self.source}:{self.row}"


class Example(Record):
    """One thing to learn from, with its provenance. Its identity is its content, not its origin."""

    body: Annotated[Conversation | PlainText, Field(discriminator="kind")]
    provenance: Provenance

    @cached_property
    def id(self) -> str:
        """SHA-256 of the content: equal rows of different files have the same id."""
        return content_hash(self.body.model_dump())

    @cached_property
    def input_id(self) -> str:
        """SHA-256 of what the model is given: rows with equal questions and other answers share it."""
        if isinstance(self.body, PlainText):
            return self.id
        return content_hash([[message.role, message.content] for message in self.body.prompt])
