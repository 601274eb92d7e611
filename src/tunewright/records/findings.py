"""Findings: what the checks say about rows, and what will be done about it."""

from enum import StrEnum
from typing import Literal

from pydantic import model_validator

from tunewright.records.base import Record
from tunewright.records.dataset import Source
from tunewright.records.lengths import LengthHistogram
from tunewright.records.representation import Measurement


class Severity(StrEnum):
    """blocking: training is refused unless the recipe accepts the check by name; warning: look at it; note: know it.

    A blocking check that the recipe accepts is shown as accepted.
    """

    BLOCKING = "blocking"
    ACCEPTED = "accepted"
    WARNING = "warning"
    NOTE = "note"


class Finding(Record):
    """One thing found by one check: a row, or rows that belong together."""

    check: str
    example_ids: tuple[str, ...]
    locations: tuple[str, ...]
    """`file:row` of each example, in the same order."""
    explanation: str
    """What is wrong with exactly these rows, readable without knowing the check."""
    evidence: tuple[str, ...] = ()
    """Excerpts to look at side by side, one per example where that makes sense."""
    drop: tuple[str, ...] = ()
    """Ids among example_ids that are dropped by default."""
    edited_text: tuple[tuple[str, str], ...] = ()
    """(old, new) replacements that repair the text of every message of these examples by default."""
    score: float = 1.0
    """How sure or how bad, for ranking within the check; the worst first."""
    num_more: int = 0
    """Further rows that are meant and not listed, such as the rest of a group."""
    num_only_here: int = 0
    """Of these, rows that no finding of the check before this one has counted, nor any lists."""


_DROP_UNUSABLE = "Correct the rows in your file, or have them dropped with `--set data.unusable_rows=drop`."
_ADVICE = {
    "splits": "Add rows, or give held-out rows of your own with `--validation FILE` and `--test FILE`.",
    "unreadable_rows": "Correct the rows in your file, or remove them; they cannot be accepted.",
    "special_tokens": _DROP_UNUSABLE,
    "unusable_rows": _DROP_UNUSABLE,
    "cut_prompts": "Shorten the inputs, or take a base with a longer context.",
    "topic_shares": "Add training rows about what they hardly hold, or ask whether production asks for it at all.",
    "reference_drift": "Add training rows in the words of production, and take out what production never asks.",
    "not_covered": "Add training rows that answer such inputs, or decide that the model is not for them.",
    "group_balance": "Add rows of small groups. Where the label depends on the group, ask whether it should.",
    "gender_terms": "Add rows with the terms that are rare. Where the label depends on them, ask whether it should.",
}
"""For checks that a fix list does not settle best."""


class CheckResult(Record):
    """Everything one check has to say about a data set."""

    check: str
    title: str
    explanation: str
    """What the check looks for, with its threshold, and why it matters."""
    severity: Severity
    action: str
    """What will happen to the rows found, in words."""
    num_rows: int
    """Distinct rows found."""
    findings: tuple[Finding, ...]
    """The worst first; at most as many as were asked for."""
    measured: tuple[Measurement, ...] = ()
    """Figures about the data as a whole, whether or not something was found."""
    skipped: str | None = None
    """Why the check did not run, such as an extra that is not installed or a setting that is not given."""
    is_acceptable: bool = True
    """Whether a recipe can accept what was found by name, if it blocks."""
    lacks_extra: bool = False
    """Whether it was skipped because an extra is not installed."""
    seconds: float = 0.0

    @property
    def blocks(self) -> bool:
        """Whether training is refused because of what was found."""
        return self.severity is Severity.BLOCKING and self.num_rows > 0

    @property
    def advice(self) -> str:
        """How a user goes on from here."""
        if self.check == "duplicates":
            return "To keep copies in the training data, add `--set data.keep_duplicates=true`."
        if self.check == "shared_inputs":
            return "Correct one of the files. To train on such rows, take them out of the held-out files."
        if self.check in _ADVICE:
            return _ADVICE[self.check]
        by_list = (
            "write a fix list with `tunewright check DATA --fix fixes.jsonl`, edit it, and give it to tune with "
            "`--set data.fixes=fixes.jsonl`"
        )
        if self.blocks:
            accept = f"`--set 'data.checks.accept=[{self.check}]'`"
            return f"Correct the rows in your file, or {by_list}. To train on them as they are, add {accept}."
        if any(finding.drop or finding.edited_text for finding in self.findings):
            skip = f"`--set 'data.checks.skip=[{self.check}]'`"
            return f"To decide otherwise, {by_list}. To leave rows as they are, add {skip}."
        return f"Correct the rows in your file, or {by_list}."


class Fix(Record):
    """One line of a fix list: what happens to one row, whatever the checks would do with it."""

    location: str
    """Where the row stood when the list was written, for whoever reads it."""
    example_id: str
    """The row: the hash of its content. All copies of it are meant."""
    action: Literal["drop", "keep", "edit"]
    check: str
    """The check that found the row."""
    reason: str
    text: tuple[tuple[str, str], ...] = ()
    """(old, new) replacements in every message of the row, in this order. Read only when the action is edit."""
    evidence: str = ""
    """An excerpt of the row, for whoever reads the list."""

    @model_validator(mode="after")
    def _edit_says_how(self) -> "Fix":
        if self.action == "edit" and not self.text:
            raise ValueError('an edit needs text: [["old", "new"]]')
        if any(not old for old, _ in self.text):
            raise ValueError("the old text of an edit is empty")
        return self


class LabelCount(Record):
    """How often one answer occurs, as a label."""

    label: str
    num_rows: int


class DataReport(Record):
    """Everything `check` found in a data set, and what will be done about it unless somebody says otherwise."""

    sources: tuple[Source, ...]
    num_rows: int
    """Rows read, copies included."""
    num_distinct_rows: int
    """Rows that were checked."""
    num_dropped: int
    """Distinct rows that the checks drop by default."""
    num_edited: int
    """Distinct rows that the checks edit by default."""
    num_copies: int = 0
    """Exact copies of other rows, which are left out as well; 0 where copies are kept."""
    results: tuple[CheckResult, ...]
    lengths: tuple[LengthHistogram, ...]
    labels: tuple[LabelCount, ...]
    """The most frequent answers, when answers repeat as labels do; else empty."""
    num_labels: int
    """Distinct answers behind `labels`."""
    seconds: float

    @property
    def blocking(self) -> tuple[CheckResult, ...]:
        """What training is refused for."""
        return tuple(result for result in self.results if result.blocks)

    def short(self, place: str) -> str:
        """A place without the folder that all sources have in common."""
        folders = {source.name.rpartition("/")[0] for source in self.sources}
        folder = folders.pop()
        is_common = not folders and folder and "://" not in folder
        return place.removeprefix(f"{folder}/") if is_common else place

    def explained(self, finding: Finding) -> str:
        """The explanation of a finding with its places short; a folder that the text of a row names stays."""
        text = finding.explanation
        for place in finding.locations:
            text = text.replace(place, self.short(place))
        return text
