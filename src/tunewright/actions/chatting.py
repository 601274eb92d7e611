"""`chat`: a conversation with whatever answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tunewright.actions.answering import say_forced
from tunewright.actions.opened_arms import LoadedArm, OpenedArm, open_model_or_arm
from tunewright.contracts import Progress, SilentProgress
from tunewright.data.refusals import excerpt
from tunewright.errors import Problem, RenderError
from tunewright.records import Answer, Citations, Message, Passage
from tunewright.retrieve.prompt import citations
from tunewright.train.defaults import precision_here


class Speaker(Protocol):
    """What can be talked to."""

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether a conversation can be answered without leaving something out."""

    def left_out(self, messages: Sequence[Message]) -> str:
        """The text that is cut out of a conversation so that it can be answered; empty where nothing is.

        Raises:
            RenderError: the messages cannot become tokens.
        """

    def stream(self, messages: Sequence[Message], on_text: Callable[[str], None]) -> Answer:
        """Answer a conversation, handing over text as it is written."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Passages that an answer was written from; none where the model reads no documents."""

    passages: tuple[Passage, ...]
    """[1] is the first."""
    citations: Citations
    """Which of them the answer names."""


NO_SOURCES = Sources((), Citations(passages=(), unknown=()))


@dataclass(slots=True)
class Chat:
    """A conversation with a model or an arm; remembers what was said."""

    model: Speaker
    system_prompt: str | None = None
    messages: list[Message] = field(default_factory=list)
    num_forgotten: int = 0
    """Messages that no longer fit the context."""
    left_out: str = ""
    """What was cut out of the middle of the newest message, or of a longer prompt before it, so that they fit."""
    sources: Sources = NO_SOURCES
    """What the newest answer was written from."""

    def say(self, text: str, on_text: Callable[[str], None]) -> Answer:
        """Send a message and get the answer, which is also handed to `on_text` piece by piece as it is written.

        When the context is full, the oldest turns are forgotten, two messages at a time; see `num_forgotten`. A message
        that does not fit even alone loses its middle, as rows do in training; see `left_out`.

        Raises:
            RenderError: the text holds a control token, or nothing of it fits the context.
        """
        system = [Message(role="system", content=self.system_prompt)] if self.system_prompt else []
        user = Message(role="user", content=text)
        kept = self.messages
        while kept and not self.model.fits([*system, *kept, user]):
            kept = kept[2:]
        asked = [*system, *kept, user]
        left_out = "" if kept else self.model.left_out(asked)
        answer = self.model.stream(asked, on_text)
        self.left_out = left_out
        self.num_forgotten += len(self.messages) - len(kept)
        said = [user, Message(role="assistant", content=answer.text)] if answer.text is not None else []
        self.messages = [*kept, *said]
        if isinstance(self.model, LoadedArm):
            passages = tuple(hit.passage for hit in self.model.hits)
            self.sources = Sources(passages, citations(answer.text or "", self.model.hits))
        return answer


def chat(
    model: str,
    *,
    system_prompt: str | None = None,
    home: Path | None = None,
    progress: Progress | None = None,
    force: bool = False,
) -> Chat:
    """Open a run, an arm of a study or a base for talking to it.

    Args:
        model: see `open_model_or_arm`.
        system_prompt: put before every conversation, after the system prompt of an arm that has one. Default: the one
            that stood before the rows of the run or study; an empty one leaves it out.
        force: see `open_model_or_arm`.
    Raises:
        RenderError: the system prompt given here holds a control token, leaves no room for a message, or is not written
            by the base's template.
    """
    opened = open_model_or_arm(model, home, force=force)
    progress = progress or SilentProgress()
    is_given = bool(system_prompt)
    if system_prompt is None and opened.system_prompt:
        system_prompt = opened.system_prompt
        told = "As before its rows, this stands before what you write (--system '' leaves it out):"
        progress.say(f"{told} {excerpt(system_prompt)}")
    if isinstance(opened, OpenedArm):
        progress.say(_introduced(opened))
        conversation = Chat(opened.load(rows_per_batch=1), system_prompt)
    else:
        say_forced(opened, progress)
        on = opened.base.ref.name
        progress.say(f"{opened.name} model on {on}; it writes what is most probable, the same each time.")
        precision, _ = precision_here()
        conversation = Chat(opened.load(precision, rows_per_batch=1).for_answering(), system_prompt)
    # That of the rows stood before them in training too, cut or not.
    if system_prompt and is_given:
        require_room(conversation.model, system_prompt)
    return conversation


def require_room(model: Speaker, system_prompt: str) -> None:
    """Raises: RenderError when a system prompt would lose its middle whatever is asked."""
    system, question = Message(role="system", content=system_prompt), Message(role="user", content="?")
    left_out = model.left_out([system, question])
    # What an arm puts there may be too long by itself; it was measured like that.
    if left_out and not model.left_out([question]):
        found = f"{len(system_prompt):,} characters, {len(left_out):,} of them more than fit the context with a message"
        fix = "Shorten it, or talk to a model with a longer context."
        raise RenderError(Problem("--system", found, "a prompt that leaves room for a message", fix))


def _introduced(arm: OpenedArm) -> str:
    """Who answers, and where what is written goes."""
    on = f"{arm.recipe.base}; it writes what is most probable, the same each time"
    if arm.hosted_at:
        on = f"{arm.hosted_at}, to which everything you write is sent"
    return f"{arm.name} arm of {arm.study.record.id}, with {arm.kept.told or 'your messages alone'}, on {on}."
