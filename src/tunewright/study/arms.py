"""The arms: ways to ask a model that change what it is given and nothing else.

Every arm is a ChatModel around another one, so arms stack: few-shot examples on top of a system prompt on top of a
model. What an arm puts before or into the row's messages is its whole identity.

    ZeroShot(model)                          the row as it is
    Prompted(ZeroShot(model), text)          system: text, user: ...
    FewShot(Prompted(...), pool, k=2)        system: text, user: q1, assistant: a1, user: q2, assistant: a2, user: ...
    Retrieval(Prompted(...), index, k=4)     system: text, user: the row with four passages
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tunewright.contracts import Advance, ChatModel, PassageIndex
from tunewright.records import Answer, Hit, Message, content_hash
from tunewright.retrieve.prompt import with_passages
from tunewright.study.similar_examples import ExamplePool


@dataclass(frozen=True, slots=True)
class Given:
    """What the model at the bottom of an arm gets for a conversation."""

    messages: tuple[Message, ...]
    num_examples: int = 0
    """Training rows among them."""
    hits: tuple[Hit, ...] = ()
    """Passages in the last message of the user: [1] is the first."""

    def shows_as_much_as(self, other: "Given") -> bool:
        """Whether no example and no passage of the other had to give way here."""
        return self.num_examples >= other.num_examples and len(self.hits) >= len(other.hits)


class Arm(Protocol):
    """A ChatModel with a name for its answers."""

    @property
    def identity(self) -> str:
        """SHA-256 over everything that decides what the arm answers: equal identities give equal answers."""

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether the model takes what this arm makes of the messages whole, with room for an answer."""

    def given(self, messages: Sequence[Message]) -> Given:
        """What the model is asked when this arm is asked one conversation."""

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As contracts.ChatModel."""


@dataclass(frozen=True, slots=True)
class ZeroShot:
    """The model as it is, with the row as it is: the bottom of every other arm, and an arm of its own.

    Args:
        model_identity: hash of the model and of the limits under which it answers.
        takes_whole: whether a prompt leaves room for an answer without being shortened.
        takes_system: whether the model is given system messages.
    """

    model: ChatModel
    model_identity: str
    takes_whole: Callable[[Sequence[Message]], bool]
    takes_system: bool = True

    @property
    def identity(self) -> str:
        """As Arm."""
        return content_hash(["zero-shot", self.model_identity])

    def fits(self, messages: Sequence[Message]) -> bool:
        """As Arm."""
        return self.takes_whole(messages)

    def given(self, messages: Sequence[Message]) -> Given:
        """As Arm."""
        return Given(tuple(messages))

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As Arm."""
        return self.model.answer(prompts, advance)


@dataclass(frozen=True, slots=True)
class Prompted:
    """A system prompt before every row. The system message that a row brings along follows it.

    Args:
        in_user_turn: put it at the start of the first user message, for models that take no system messages.
    """

    inner: Arm
    system_prompt: str
    in_user_turn: bool = False

    @property
    def identity(self) -> str:
        """As Arm."""
        place = ["in the user's turn"] if self.in_user_turn else []
        return content_hash(["prompted", self.inner.identity, self.system_prompt, *place])

    def fits(self, messages: Sequence[Message]) -> bool:
        """As Arm."""
        return self.inner.fits(self._given(messages))

    def given(self, messages: Sequence[Message]) -> Given:
        """As Arm."""
        return self.inner.given(self._given(messages))

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As Arm."""
        return self.inner.answer([self._given(prompt) for prompt in prompts], advance)

    def _given(self, messages: Sequence[Message]) -> tuple[Message, ...]:
        return with_system_prompt(messages, self.system_prompt, in_user_turn=self.in_user_turn)


@dataclass(frozen=True, slots=True)
class FewShot:
    """Similar training rows as earlier turns of the conversation, the most similar one last.

    A row never sees itself. Where the context is too short for k examples, the least similar ones are left out.

    Args:
        newest_only: similar to the last message of the user alone. In a chat the earlier ones are other questions; in
            a row of several turns all of them lead to the one answer.
    """

    inner: Arm
    pool: ExamplePool
    k: int
    newest_only: bool = False

    @property
    def identity(self) -> str:
        """As Arm."""
        chosen_by = ["the newest question"] if self.newest_only else []
        return content_hash(["few-shot", self.inner.identity, self.pool.identity, self.k, *chosen_by])

    def fits(self, messages: Sequence[Message]) -> bool:
        """As Arm."""
        return self.inner.fits(self._given([messages])[0][0])

    def given(self, messages: Sequence[Message]) -> Given:
        """As Arm."""
        ((shown, num_examples),) = self._given([messages])
        return replace(self.inner.given(shown), num_examples=num_examples)

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As Arm."""
        return self.inner.answer([shown for shown, _ in self._given(prompts)], advance)

    def _given(self, prompts: Sequence[Sequence[Message]]) -> list[tuple[tuple[Message, ...], int]]:
        """The messages to ask with, and how many examples are among them."""
        looked_up = [(_newest_question(prompt),) for prompt in prompts] if self.newest_only else prompts
        found = self.pool.nearest(looked_up, self.k)
        return [self._longest_that_fits(prompt, examples) for prompt, examples in zip(prompts, found, strict=True)]

    def _longest_that_fits(
        self, prompt: Sequence[Message], examples: Sequence[tuple[Message, ...]]
    ) -> tuple[tuple[Message, ...], int]:
        system, turns = _parted(prompt)
        for num_examples in range(len(examples), 0, -1):
            shown = [message for example in reversed(examples[:num_examples]) for message in example]
            given = _with_tools_of(prompt, (*system, *shown, *turns))
            if self.inner.fits(given):
                return given, num_examples
        return tuple(prompt), 0


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The k best passages for the row's question before it, as many of them as fit."""

    inner: Arm
    index: PassageIndex
    k: int

    @property
    def identity(self) -> str:
        """As Arm."""
        return content_hash(["retrieval", self.inner.identity, self.index.identity, self.k])

    def fits(self, messages: Sequence[Message]) -> bool:
        """As Arm."""
        return self.inner.fits(self._given([messages])[0][0])

    def given(self, messages: Sequence[Message]) -> Given:
        """As Arm."""
        ((shown, hits),) = self._given([messages])
        return replace(self.inner.given(shown), hits=hits)

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As Arm."""
        return self.inner.answer([given for given, _ in self._given(prompts)], advance)

    def hits(self, prompt: Sequence[Message]) -> tuple[Hit, ...]:
        """The passages that stand before this prompt, in their order."""
        return self._given([prompt])[0][1]

    def _given(self, prompts: Sequence[Sequence[Message]]) -> list[tuple[tuple[Message, ...], tuple[Hit, ...]]]:
        found = self.index.search([question_of(prompt) for prompt in prompts], self.k)
        return [with_passages(prompt, hits, self.inner.fits) for prompt, hits in zip(prompts, found, strict=True)]


def with_system_prompt(
    messages: Sequence[Message], system_prompt: str, *, in_user_turn: bool = False
) -> tuple[Message, ...]:
    """The conversation behind a system prompt; its own system message follows the prompt.

    Args:
        in_user_turn: as in Prompted; such a conversation has no system message of its own.
    """
    own, turns = _parted(messages)
    if in_user_turn:
        place = next(index for index, message in enumerate(turns) if message.role == "user")
        first = turns[place].model_copy(update={"content": f"{system_prompt}\n\n{turns[place].content}"})
        return _with_tools_of(messages, (*own, *turns[:place], first, *turns[place + 1 :]))
    text = "\n\n".join([system_prompt, *(message.content for message in own)])
    return _with_tools_of(messages, (Message(role="system", content=text), *turns))


def question_of(prompt: Sequence[Message]) -> str:
    """What is searched for: the last thing the user said."""
    return _newest_question(prompt).content


def _newest_question(prompt: Sequence[Message]) -> Message:
    return next(message for message in reversed(prompt) if message.role == "user")


def _parted(messages: Sequence[Message]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The row's own system message, if there is one, and its turns; both without declarations of tools."""
    bare = tuple(message.model_copy(update={"tools": None}) for message in messages)
    return (bare[:1], bare[1:]) if bare and bare[0].role == "system" else ((), bare)


def _with_tools_of(messages: Sequence[Message], given: tuple[Message, ...]) -> tuple[Message, ...]:
    """Tools stand on the first message of a conversation, and another message may be the first now."""
    tools = messages[0].tools
    return (given[0].model_copy(update={"tools": tools}), *given[1:]) if tools else given
