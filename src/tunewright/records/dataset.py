"""DatasetVersion: which examples, in which split, from where, and what was changed on the way."""

from enum import StrEnum
from functools import cached_property
from typing import Literal

from pydantic import model_validator

from tunewright.records.base import Record, content_hash


class Split(StrEnum):
    """Train teaches, validation chooses the checkpoint, test is touched once, at the end."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


Form = Literal["messages", "prompt_completion", "alpaca", "sharegpt", "chat_log", "preference", "text", "columns"]
"""The shape of a row: chat messages, prompt/completion, instruction/input/output, from/value turns, request and
response of a chat service, a better and a worse answer, plain text, or two columns named by the user."""


class Source(Record):
    """One file, folder of documents, query result or hub dataset that was read."""

    name: str
    sha256: str
    """Hash of the bytes read (of a folder's file names and their hashes; of the rows' canonical JSON for a query or a
    hub dataset)."""
    form: Form
    num_rows: int
    warnings: tuple[str, ...] = ()
    """What was repaired while reading, such as a byte order mark."""
    part_of: str | None = None
    """The recipe's source that it was read for, by its title; None where the recipe has a single path."""
    licence: str | None = None
    """As the recipe states it; rows with a licence of their own carry that in their provenance."""
    owner: str | None = None
    weight: float = 1.0
    """How often its training rows count in each epoch."""


class Change(Record):
    """One row that was dropped, moved to another split, or edited, and why."""

    action: Literal["dropped", "moved", "edited"]
    example_id: str
    location: str
    """Source and row, as in `tickets.jsonl:12`."""
    reason: str
    cause: str = ""
    """The step that did it, for counting: a check's id, `fix list`, `duplicates`, `held-out rows`, `weights` or
    `unusable rows`. Empty in versions that were stored before steps were counted."""


class DatasetEntry(Record):
    """One row of a version."""

    example_id: str
    split: Split


class DatasetVersion(Record):
    """A frozen selection of examples. Splits share no example and no input."""

    entries: tuple[DatasetEntry, ...]
    sources: tuple[Source, ...]
    changes: tuple[Change, ...] = ()

    @model_validator(mode="after")
    def _splits_are_disjoint(self) -> "DatasetVersion":
        split_of: dict[str, Split] = {}
        for entry in self.entries:
            if split_of.setdefault(entry.example_id, entry.split) != entry.split:
                raise ValueError(f"example {entry.example_id[:12]} is in two splits")
        return self

    @cached_property
    def id(self) -> str:
        """SHA-256 over the example ids and their splits."""
        return content_hash([[entry.example_id, entry.split] for entry in self.entries])

    def num_rows(self, split: Split) -> int:
        """Rows of a split; a row that stands twice counts twice."""
        return sum(entry.split == split for entry in self.entries)
