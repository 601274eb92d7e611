"""Versions of a named data set: their log, what differs between two, and what a card says about one."""

from functools import cached_property
from typing import Literal

from tunewright.records.base import Record, content_hash
from tunewright.records.data_recipe import DataRecipe
from tunewright.records.dataset import Source, Split
from tunewright.records.findings import LabelCount


class SourceDifference(Record):
    """How many rows of one source differ between two versions."""

    source: str
    num_new: int
    num_gone: int
    num_changed: int
    """Rows with the same input and another answer."""


class RowDifference(Record):
    """One row that differs between two versions."""

    kind: Literal["new", "gone", "changed"]
    location: str
    """In the newer version, except for a row that is gone."""
    input: str
    """Empty for a plain text."""
    before: str | None
    """The answer or text; None for a new row."""
    after: str | None
    """None for a row that is gone."""


class VersionDifference(Record):
    """What the newer of two versions has and the older has not, and the other way round."""

    older: str
    newer: str
    """Ids."""
    num_same: int
    """Distinct rows that both have."""
    num_moved: int
    """Of those, rows that lie in another split."""
    num_more_copies: int
    """How many times more training rows that both have stand in the newer version, as weights make them."""
    num_fewer_copies: int
    is_reordered: bool
    """Whether the rows that both have stand in another order, which changes what training computes. A row stands where
    its first copy does."""
    sources: tuple[SourceDifference, ...]
    """Those with a difference, by name."""
    rows: tuple[RowDifference, ...]

    @property
    def is_empty(self) -> bool:
        """Whether both versions have the same rows as often, in the same splits and order."""
        has_copies = self.num_more_copies or self.num_fewer_copies
        return not (self.sources or self.num_moved or has_copies or self.is_reordered)


class StepCount(Record):
    """How many rows one step dropped, moved or edited, or how many copies it added."""

    action: Literal["dropped", "moved", "edited", "repeated"]
    cause: str
    num_rows: int


class VersionEntry(Record):
    """One line of the log of a named data set: which version became the current one, when, and from what."""

    number: int
    """Counts from 1; `tickets@2` is the second line of the log of tickets."""
    action: Literal["build", "refresh", "back"]
    version_id: str
    dataset_hash: str | None = None
    """As `Run.dataset_hash`."""
    parent_id: str | None
    """The version that was current before."""
    created_at: str
    """UTC, ISO 8601."""
    read_at: str
    """When the sources were read; earlier than `created_at` when an older version was taken back."""
    command: str
    """What made it, as typed."""
    folder: str
    """Where relative paths of the recipe start."""
    recipe: DataRecipe
    sources: tuple[Source, ...]
    test_number: int
    """The line of the log in which the test split was made."""
    differences: tuple[SourceDifference, ...] = ()
    """From the parent."""
    num_more_copies: int = 0
    """Of training rows that the parent has too."""
    num_fewer_copies: int = 0
    steps: tuple[StepCount, ...] = ()
    """What reading, checking and splitting did to rows."""
    notes: tuple[str, ...] = ()
    """What splitting decided and why."""
    gaps: tuple[str, ...] = ()
    """Checks that did not run, and problems that the recipe accepts."""

    @cached_property
    def recipe_id(self) -> str:
        """SHA-256 of the canonical JSON of the recipe."""
        return content_hash(self.recipe.model_dump(mode="json"))


class DatasetLog(Record):
    """The history of a named data set. Lines are added and never taken away; the last one is current."""

    name: str
    entries: tuple[VersionEntry, ...]

    @property
    def current(self) -> VersionEntry:
        """The newest version, which the name alone stands for."""
        return self.entries[-1]


class LengthSummary(Record):
    """How long one part of the rows is, in words (runs without white space)."""

    part: Literal["input", "answer", "text"]
    median: int
    percentile_95: int
    longest: int


class SplitSummary(Record):
    """Figures about one split; lengths are those of its distinct rows."""

    split: Split
    num_rows: int
    """Copies that were kept or that weights made included."""
    num_inputs: int
    lengths: tuple[LengthSummary, ...]
    labels: tuple[LabelCount, ...]
    """The most frequent answers with their rows, copies included, when answers repeat as labels do; else empty."""
    num_labels: int


class ShownRow(Record):
    """One row to look at."""

    split: Split
    location: str
    input: str
    answer: str


class DatasetCard(Record):
    """Everything there is to say about a version: where it comes from, what was done to it, and what it holds."""

    version_id: str
    name: str | None
    """The named data set it belongs to, if it was asked for or built by name."""
    entry: VersionEntry | None
    """Its line of the log; None for a version without a name, such as one that `tune` made."""
    sources: tuple[Source, ...]
    steps: tuple[StepCount, ...]
    splits: tuple[SplitSummary, ...]
    rows: tuple[ShownRow, ...]


class BuildResult(Record):
    """What `data build`, `data refresh` and `data back` did."""

    name: str
    is_new: bool
    """False when nothing has changed, so that the log has no new line."""
    entry: VersionEntry
    """The current line of the log."""
    num_rows: dict[str, int]
    """By split."""
    difference: VersionDifference | None
    """From the version that was current before; None for the first."""
