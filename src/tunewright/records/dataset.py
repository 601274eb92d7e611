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


Form = Literal["messages", "prompt_completion", "alpaca", "sharegpt", "text", "columns"]
"""The shape of a row: chat messages, prompt/completion, instruction/input/output, from/value turns, plain text,
or two columns named by the user."""


class Source(Record):
    """One file or hub dataset that was read."""

    name: str
    sha256: str
    """Hash of the bytes read (of the rows' canonical JSON for a hub dataset)."""
    form: Form
    num_rows: int
    warnings: tuple[str, ...] = ()
    """What was repaired while reading, such as a byte order mark."""


class Change(Record):
    """One row that was dropped, moved to another split, or edited, and why."""

    action: Literal["dropped", "moved", "edited"]
    example_id: str
    location: str
    """Source and row, as in `tickets.jsonl:12`."""
    reason: str


class DatasetEntry(Record):
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
        return sum(entry.split == split for entry in self.entries)
