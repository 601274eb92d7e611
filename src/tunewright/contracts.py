"""The few things the inside needs from someone else, in its own words."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from tunewright.records.example import Example, Message
from tunewright.records.passages import Hit
from tunewright.records.score import Answer, TokenLoss


class Advance(Protocol):
    """Moves a bar."""

    def __call__(self, done: int = 1, note: str = "") -> None:
        """Move the bar by `done` units and show `note` (such as the current loss) beside it."""


class Progress(Protocol):
    """Shows what is going on. The command line draws bars with time left; notebooks and tests may stay silent."""

    def say(self, text: str) -> None:
        """Tell the user one finished fact on a line of its own."""

    def bar(self, title: str, total: int) -> AbstractContextManager[Advance]:
        """Show a long task of `total` units while the context is open."""


class ChatModel(Protocol):
    """Whatever answers: a base, a tuned model, later a prompt with retrieval or a hosted model."""

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """Answer each prompt greedily, in order.

        A prompt that cannot be answered gives a failed Answer with the reason; it never raises for one row.
        `advance` is called with the number of prompts finished since the last call.
        """


class ScoringModel(Protocol):
    """A model whose probabilities can be read."""

    def token_losses(self, examples: Sequence[Example], advance: Advance) -> list[TokenLoss | str]:
        """Cross-entropy of each example's trained tokens, in order; a string is the reason why one has none."""


class PassageIndex(Protocol):
    """Passages of documents that can be searched."""

    @property
    def identity(self) -> str:
        """Hash of passages, embedder and settings: equal identities give equal hits."""

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """Find the best passages for each query, in order, best first.

        Fewer than `k`, and none at all, where no more have anything in common with the query.

        Args:
            k: most hits per query, at least 1.
        """


class SilentProgress:
    """Shows nothing."""

    def say(self, text: str) -> None:
        """As Progress."""
        del text

    def bar(self, title: str, total: int) -> AbstractContextManager[Advance]:
        """As Progress."""
        del title, total
        return _SilentBar()


class _SilentBar(AbstractContextManager[Advance]):
    def __enter__(self) -> Advance:
        return self

    def __exit__(self, *exception: object) -> None:
        return None

    def __call__(self, done: int = 1, note: str = "") -> None:
        del done, note
