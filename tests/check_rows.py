"""Rows as checks see them, from pairs of question and answer."""

from collections.abc import Iterable

from tunewright.data.checks.check import RowSet, checked_row
from tunewright.records import Conversation, Example, Message, Provenance, Split


def chat_rows(
    pairs: Iterable[tuple[str, str]], split: Split | None = None, source: str = "rows", system: str = ""
) -> RowSet:
    """One row per pair, numbered from 1. Equal rows are kept once, as in a real row set."""
    rows = {}
    for number, (question, answer) in enumerate(pairs, start=1):
        messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
        if system:
            messages = (Message(role="system", content=system), *messages)
        example = Example(body=Conversation(messages=messages), provenance=Provenance(source=source, row=number))
        rows.setdefault(example.id, checked_row(example, split))
    return tuple(rows.values())
