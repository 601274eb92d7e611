"""Rows as checks see them, from texts. Exact duplicates are gone, as in a real row set."""

from collections.abc import Iterable, Sequence

from tunewright.data.checks.check import CheckedRow, RowSet, checked_row
from tunewright.records import Conversation, Example, Message, PlainText, Provenance, Split


def conversations(pairs: Iterable[Sequence[str]], split: Split | None = None) -> RowSet:
    """One row for each (input, answer), at `rows:1` and so on."""
    return _distinct((_conversation(given, answer) for given, answer in pairs), split)


def plain_texts(texts: Iterable[str]) -> RowSet:
    """One row for each text, at `rows:1` and so on."""
    return _distinct((PlainText(text=text) for text in texts), None)


def _conversation(given: str, answer: str) -> Conversation:
    return Conversation(messages=(Message(role="user", content=given), Message(role="assistant", content=answer)))


def _distinct(bodies: Iterable[Conversation | PlainText], split: Split | None) -> RowSet:
    rows: dict[str, CheckedRow] = {}
    for number, body in enumerate(bodies, start=1):
        example = Example(body=body, provenance=Provenance(source="rows", row=number))
        rows.setdefault(example.id, checked_row(example, split))
    return tuple(rows.values())
