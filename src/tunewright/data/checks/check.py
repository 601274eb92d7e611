"""Check and RowSet: what a check is, and the rows as checks see them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from tunewright.records import CheckRecipe, Conversation, Example, Finding, Severity, Split


@dataclass(frozen=True, slots=True)
class CheckedRow:
    """One row with the texts that checks look at."""

    example: Example
    split: Split | None
    """Split of the file it stands in; None in a file that is still to be split."""
    input: str
    """What the model is given: the messages before the last trained answer, joined by line breaks. Empty for text."""
    answer: str
    """The last trained answer, or the text of a plain text."""

    @property
    def id(self) -> str:
        return self.example.id

    @property
    def location(self) -> str:
        return str(self.example.provenance)

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text of the row, in order: all messages, or the one text."""
        body = self.example.body
        return tuple(message.content for message in body.messages) if isinstance(body, Conversation) else (body.text,)


def checked_row(example: Example, split: Split | None = None) -> CheckedRow:
    """See an example as checks do."""
    if isinstance(example.body, Conversation):
        given = "\n".join(message.content for message in example.body.prompt)
        return CheckedRow(example, split, given, example.body.answer)
    return CheckedRow(example, split, "", example.body.text)


RowSet = tuple[CheckedRow, ...]
"""Distinct rows (exact duplicates are gone), in the order of their files: train, then validation, then test."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of a data set."""

    id: str
    title: str
    explanation: str
    """What it looks for, its threshold and its source, and why it matters; for people who do not know the field."""
    severity: Severity
    action: str
    """What happens by default to the rows found, in words: "all but the best are dropped", "listed only"."""
    find: Callable[[RowSet, CheckRecipe], Iterable[Finding]]
    """May raise MissingExtraError; then the check counts as skipped, and the report says so."""
    idle: Callable[[CheckRecipe], str | None] = lambda recipe: None
    """Why the check has nothing to do under a recipe, such as "no benchmark files are named"; None when it runs."""
    tolerated_share: float = 0.0
    """A blocking check only warns while it finds no larger share of the rows than this."""
