"""Files to examined rows: read, carry out the fix list, check, carry out what the checks do by default.

`prepare` goes on to cut splits from the result; `tunewright check` shows it.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from tunewright.contracts import Progress
from tunewright.data.checks.base_tokens import RowsUnderBase
from tunewright.data.checks.check import RowSet
from tunewright.data.checks.duplicates import check_duplicates, check_shared_inputs
from tunewright.data.checks.run import Decisions, decide, edit_example, run_checks
from tunewright.data.checks.unreadable import unreadable_rows
from tunewright.data.chosen import with_chosen_answers
from tunewright.data.copies import first_of_each
from tunewright.data.example_file import ExampleFile, Examples, RowsOnDisk, SelectedExamples, examples_on_disk
from tunewright.data.fixes import NOTHING_LEFT, decisions_of, default_fixes, read_fixes
from tunewright.data.groups import Groups
from tunewright.data.read import LoadHubDataset
from tunewright.data.refusals import Unreadable
from tunewright.data.representation.reference import has_field
from tunewright.data.sources import read_path, read_sources
from tunewright.records import Change, CheckRecipe, CheckResult, DataRecipe, Example, Finding, Fix, Source, Split

GROUPING_CHECKS = frozenset({"near_duplicates", "contradictions", "contradictory_preferences"})
"""Checks whose findings are rows that ask the same thing: one split must hold all of them."""

Files = Mapping[Split, Examples]
"""Rows of each file in its order, copies included. The main file stands under train, even before it is split."""


@dataclass(frozen=True, slots=True)
class ExaminedData:
    """All rows after the fix list and the default decisions, and what led there."""

    sources: tuple[Source, ...]
    files: Files
    rows: RowSet
    """What the checks saw: distinct rows after the fix list, before the default decisions."""
    results: tuple[CheckResult, ...]
    decisions: Decisions
    """By default, as the checks would have it."""
    changes: tuple[Change, ...]
    """Every row dropped or edited, by the fix list and by default."""
    fixes: tuple[Fix, ...]
    """The fix list of the recipe, extended by the default decision for every other row found."""
    group_of: Mapping[str, str]
    """The group of an input id that shares a split with others; an input on its own is left out."""


def examine(
    recipe: DataRecipe,
    load_hub_dataset: LoadHubDataset | None,
    progress: Progress,
    never_dropped: Set[str] = frozenset(),
    base: RowsUnderBase | None = None,
    unreadable: Unreadable | None = None,
) -> ExaminedData:
    """Read and check everything a recipe names. Findings, blocking ones included, are results and not errors.

    Args:
        never_dropped: ids of rows, as they are after repairs, that no check drops by default: a frozen test split.
        base: what rows are measured with. Training measures them itself, so only `check` gives it.
        unreadable: takes rows that are refused, so that the others are examined all the same. They become a result.
    Raises:
        DataError: rows or the fix list cannot be read.
        RecipeError: settings contradict each other or have no effect.
        MissingExtraError: a source needs a library that is not installed.
    """
    sources, files = _read(recipe, load_hub_dataset, unreadable)
    listed: tuple[Fix, ...] = ()
    changes: tuple[Change, ...] = ()
    if recipe.train_on_chosen:
        chosen, changes = with_chosen_answers(files)
        files = {split: examples_on_disk(examples) for split, examples in chosen.items()}
    settled: frozenset[str] = frozenset()
    if recipe.fixes is not None:
        listed = read_fixes(Path(recipe.fixes))
        ordered = decisions_of(listed, chain.from_iterable(files.values()), recipe.fixes)
        files, ordered_changes = _carry_out(ordered, files)
        changes += ordered_changes
        kept = {fix.example_id for fix in listed if fix.action == "keep"}
        settled = frozenset(kept | {change.example_id for change in ordered_changes if change.action == "edited"})
    rows = distinct_rows(files)
    results = run_checks(rows, _with_reference_input(recipe), progress, base=base, settled=settled)
    findings = _sparing(never_dropped, rows, [finding for result in results for finding in result.findings])
    decisions = _dropping_emptied(decide(findings, settled), rows)
    undecided = (row for row in rows if row.id not in settled)
    fixes = (*listed, *default_fixes(undecided, findings, decisions))
    about_reading = () if unreadable is None else (unreadable_rows(unreadable),)
    about_copies = (check_duplicates(files, keep=recipe.keep_duplicates), check_shared_inputs(files))
    files, more_changes = _carry_out(decisions, files)
    return ExaminedData(
        sources=sources,
        files=files,
        rows=rows,
        results=(*about_reading, *about_copies, *results),
        decisions=decisions,
        changes=changes + more_changes,
        fixes=fixes,
        group_of=_groups(findings, rows, decisions),
    )


def _with_reference_input(recipe: DataRecipe) -> CheckRecipe:
    """Production inputs often stand under the name that the rows have for them; otherwise the usual names hold."""
    checks = recipe.checks
    if checks.reference is None or checks.reference_input is not None or recipe.input is None:
        return checks
    if not has_field(checks.reference, recipe.input):
        return checks
    return checks.model_copy(update={"reference_input": recipe.input})


def _read(
    recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None, unreadable: Unreadable | None
) -> tuple[tuple[Source, ...], Files]:
    files = {Split.TRAIN: ExampleFile()}
    read = read_sources(recipe, load_hub_dataset, files[Split.TRAIN].extend, unreadable)
    for split, path in ((Split.TEST, recipe.test_path), (Split.VALIDATION, recipe.validation_path)):
        if path is not None:
            files[split] = ExampleFile()
            read += read_path(path, recipe, load_hub_dataset, hold=files[split].extend, unreadable=unreadable)
    return tuple(part.source for part in read), files


def distinct_rows(files: Files) -> RowSet:
    """The rows that checks see: one of each content, train before validation before test.

    Of a row in several files the held-out copy counts, since that is the one that stays. Rows of a single file have no
    split yet. Beside a held-out file the main file counts as training data, even if one more split is cut from it.
    """
    is_split = len(files) > 1
    strongest_first = [split for split in (Split.TEST, Split.VALIDATION, Split.TRAIN) if split in files]
    positions = dict(zip(strongest_first, first_of_each([files[split] for split in strongest_first]), strict=True))
    return RowsOnDisk(
        [(files[split], positions[split], split if is_split else None) for split in Split if split in files]
    )


def _carry_out(decisions: Decisions, files: Files) -> tuple[Files, tuple[Change, ...]]:
    """Apply decisions to every copy of a row."""
    changes: list[Change] = []
    changed: dict[Split, Examples] = {}
    decided = decisions.dropped.keys() | decisions.edited.keys()
    for split, examples in files.items():
        kept = array("I")
        replaced = {}
        for position in range(len(examples)):
            if examples.id(position).hex() not in decided:
                kept.append(position)
                continue
            after, change = _apply(decisions, examples[position])
            if change is not None:
                changes.append(change)
            if after is not None:
                kept.append(position)
                replaced[position] = after
        changed[split] = SelectedExamples(examples, kept, replaced)
    return changed, tuple(changes)


def _apply(decisions: Decisions, example: Example) -> tuple[Example | None, Change | None]:
    """What becomes of an example, None if it is dropped. A repair that leaves nothing valid drops the row."""
    if reason := decisions.dropped.get(example.id):
        return None, _change("dropped", example, reason)
    edit = decisions.edited.get(example.id)
    if edit is None:
        return example, None
    try:
        edited = edit_example(example, edit.replacements)
    except ValueError:
        return None, _change("dropped", example, f"{edit.reason}; {NOTHING_LEFT}")
    return edited, _change("edited", edited, edit.reason) if edited.id != example.id else None


def _dropping_emptied(decisions: Decisions, rows: RowSet) -> Decisions:
    """Decide to drop the rows of which a repair leaves nothing, so that fix lists and counts say what happens."""
    emptied = {}
    edited_rows = (row for row in rows if row.id in decisions.edited) if decisions.edited else ()
    for row in edited_rows:
        after, change = _apply(decisions, row.example)
        if after is None and change is not None:
            emptied[row.id] = change.reason
    edited = {example_id: edit for example_id, edit in decisions.edited.items() if example_id not in emptied}
    return Decisions({**decisions.dropped, **emptied}, edited)


def _change(action: Literal["dropped", "edited"], example: Example, reason: str) -> Change:
    cause, _, _ = reason.partition(": ")  # `reason_of` and the fix list begin with who decided
    cause = "fix list" if cause.startswith("fix list") else cause
    return Change(action=action, example_id=example.id, location=str(example.provenance), reason=reason, cause=cause)


def _sparing(never_dropped: Set[str], rows: RowSet, findings: Sequence[Finding]) -> list[Finding]:
    """The findings without the proposal to drop rows that have to stay."""
    if not never_dropped:
        return list(findings)
    repairs = decide(finding.model_copy(update={"drop": ()}) for finding in findings)
    spared = {row.id for row in rows if row.id in never_dropped and row.id not in repairs.edited}
    repaired = (row for row in rows if row.id in repairs.edited)
    spared |= {row.id for row in repaired if (after := _apply(repairs, row.example)[0]) and after.id in never_dropped}
    return [
        finding.model_copy(update={"drop": tuple(id_ for id_ in finding.drop if id_ not in spared)})
        for finding in findings
    ]


def _groups(findings: Iterable[Finding], rows: RowSet, decisions: Decisions) -> dict[str, str]:
    """Join the inputs of rows that were found together and stay; the smallest id names the group."""
    grouping = [finding for finding in findings if finding.check in GROUPING_CHECKS]
    grouped = {example_id for finding in grouping for example_id in finding.example_ids}
    input_of = {
        row.id: example.input_id
        for row in rows
        if row.id in grouped and (example := _apply(decisions, row.example)[0]) is not None
    }
    groups: Groups[str] = Groups()
    inputs: set[str] = set()
    for finding in grouping:
        together = {input_of[example_id] for example_id in finding.example_ids if example_id in input_of}
        groups.join(together)
        inputs |= together
    return {input_id: groups.name(input_id) for input_id in inputs}
