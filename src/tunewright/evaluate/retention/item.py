"""What every part of the retention suite is made of."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

from tunewright.records import Conversation, Message, Metric, PlainText

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
    num_kinds: int = 1
    """Kinds of items that take turns, such as questions with and without an answer: item i is of kind i modulo this."""

    @property
    def name(self) -> str:
        """Short and unique within a suite; key of the part in files and reports."""
        return self.metric.name

    def thinned(self, max_items: int | None) -> "Part":
        """The part with at most so many items, in their order; None asks for all.

        Numbers of two kinds differ by no more than one. Items of a kind come from its whole length.
        """
        if max_items is None or len(self.items) <= max_items:
            return self
        share, rest = divmod(max_items, self.num_kinds)
        chosen = [
            place
            for kind in range(self.num_kinds)
            for place in _spread(range(kind, len(self.items), self.num_kinds), share + (kind < rest))
        ]
        return replace(self, items=tuple(self.items[place] for place in sorted(chosen)))


def _spread(places: Sequence[int], num: int) -> list[int]:
    """One place out of each of so many stretches of equal length.

    Which one is drawn: places at equal distances would all meet one kind where kinds take turns at that distance.
    """
    chance = random.Random(f"retention {len(places)} {num}")  # noqa: S311  (variety, not secrecy)
    bounds = [index * len(places) // num for index in range(num + 1)] if num else []
    return [places[chance.randrange(start, end)] for start, end in pairwise(bounds)]


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
