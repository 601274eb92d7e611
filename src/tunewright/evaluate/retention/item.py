"""What every part of the retention suite is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from tunewright.records import Conversation, Message, Metric, PlainText

T = TypeVar("T")
Writing = PlainText | Conversation
"""Something whose probability is asked: a text, or the last answer of a conversation."""


class Kind(StrEnum):
    """How the writings of one item become its score."""

    LOSS = "loss"
    """One writing; the score is its loss in nats per token."""
    CHOICE = "choice"
    """The right writing, then a wrong one; 1 when the right one is the more probable, and equal is not right."""
    TWINS = "twins"
    """Two answers to a question, then the same two to its twin; 1 when the twins prefer different answers."""


Item = tuple[Writing, ...]
"""As many writings as the kind of its part asks for."""


@dataclass(frozen=True, slots=True)
class Part:
    """Items that measure one ability."""

    metric: Metric
    """Its name is the part's; what it says stands in the report."""
    kind: Kind
    items: tuple[Item, ...]

    @property
    def name(self) -> str:
        """Short and unique within a suite; key of the part in files and reports."""
        return self.metric.name

    def thinned(self, max_items: int | None) -> "Part":
        """The part with at most so many items, evenly spaced, so that each kind of item inside it stays."""
        return Part(self.metric, self.kind, evenly(self.items, max_items))


def evenly(items: tuple[T, ...], max_items: int | None) -> tuple[T, ...]:
    """At most so many of the items, evenly spaced; None asks for all."""
    if max_items is None or len(items) <= max_items:
        return items
    return tuple(items[index * len(items) // max_items] for index in range(max_items))


def share_metric(name: str, title: str, explanation: str, *, higher_is_better: bool = True) -> Metric:
    """Describe a part whose items are right or wrong."""
    return Metric(name=name, title=title, explanation=explanation, higher_is_better=higher_is_better, is_share=True)


def two_sentences(good: str, bad: str) -> Item:
    """A choice between two texts."""
    return PlainText(text=good), PlainText(text=bad)


def two_answers(prompt: Sequence[Message], right: str, wrong: str) -> Item:
    """A choice between two answers to the same prompt."""
    return answered(prompt, right), answered(prompt, wrong)


def answered(prompt: Sequence[Message], answer: str) -> Conversation:
    """A conversation whose last answer is the one that counts."""
    return Conversation(messages=(*prompt, Message(role="assistant", content=answer)))
