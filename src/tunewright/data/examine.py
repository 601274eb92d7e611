"""Files to examined rows: read, carry out the fix list, check, carry out what the checks do by default.

`prepare` goes on to cut splits from the result; `tunewright check` shows it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from tunewright.contracts import Progress
from tunewright.data.checks.check import RowSet, checked_row
from tunewright.data.checks.duplicates import check_duplicates, check_shared_inputs
from tunewright.data.checks.run import Decisions, decide, edit_example, run_checks
from tunewright.data.fixes import decisions_of, default_fixes, read_fixes
from tunewright.data.read import LoadHubDataset, read_rows
from tunewright.records import Change, CheckResult, DataRecipe, Example, Finding, Fix, Source, Split

GROUPING_CHECKS = frozenset({"near_duplicates", "contradictions"})
"""Checks whose findings are rows that ask the same thing: one split must hold all of them."""

Files = Mapping[Split, tuple[Example, ...]]
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


def examine(recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None, progress: Progress) -> ExaminedData:
    """Read and check everything a recipe names. Findings, blocking ones included, are results and not errors.

    Raises:
        DataError: rows or the fix list cannot be read.
        RecipeError: settings contradict each other or have no effect.
    """
    sources, files = _read(recipe, load_hub_dataset)
    listed: tuple[Fix, ...] = ()
    changes: tuple[Change, ...] = ()
    settled: frozenset[str] = frozenset()
    if recipe.fixes is not None:
        listed = read_fixes(Path(recipe.fixes))
        ordered = decisions_of(listed, chain.from_iterable(files.values()), recipe.fixes)
        files, changes = _carry_out(ordered, files)
        kept = {fix.example_id for fix in listed if fix.action == "keep"}
        settled = frozenset(kept | {change.example_id for change in changes if change.action == "edited"})
    rows = distinct_rows(files)
    results = run_checks(rows, recipe.checks, progress)
    findings = [finding for result in results for finding in result.findings]
    decisions = decide(findings, settled)
    undecided = [row for row in rows if row.id not in settled]
    fixes = (*listed, *default_fixes(tuple(undecided), findings, decisions))
    about_copies = (check_duplicates(files, keep=recipe.keep_duplicates), check_shared_inputs(files))
    files, more_changes = _carry_out(decisions, files)
    return ExaminedData(
        sources=sources,
        files=files,
        rows=rows,
        results=(*about_copies, *results),
        decisions=decisions,
        changes=changes + more_changes,
        fixes=fixes,
        group_of=_groups(findings, rows, decisions),
    )


def _read(recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None) -> tuple[tuple[Source, ...], Files]:
    sources = []
    files = {}
    paths = {Split.TRAIN: recipe.path, Split.TEST: recipe.test_path, Split.VALIDATION: recipe.validation_path}
    for split, path in paths.items():
        if path is not None:
            read = read_rows(path, recipe, load_hub_dataset)
            sources.append(read.source)
            files[split] = read.examples
    return tuple(sources), files


def distinct_rows(files: Files) -> RowSet:
    """The rows that checks see: one of each content, train before validation before test.

    Of a row in several files the held-out copy counts, since that is the one that stays. Rows of a single file have no
    split yet. Beside a held-out file the main file counts as training data, even if one more split is cut from it.
    """
    is_split = len(files) > 1
    home: dict[str, Split] = {}
    for split in (Split.TEST, Split.VALIDATION, Split.TRAIN):
        for example in files.get(split, ()):
            home.setdefault(example.id, split)
    rows = []
    seen: set[str] = set()
    for split in Split:
        for example in files.get(split, ()):
            if home[example.id] is split and example.id not in seen:
                seen.add(example.id)
                rows.append(checked_row(example, split if is_split or split is not Split.TRAIN else None))
    return tuple(rows)


def _carry_out(decisions: Decisions, files: Files) -> tuple[Files, tuple[Change, ...]]:
    """Apply decisions to every copy of a row."""
    changes: list[Change] = []
    changed: dict[Split, tuple[Example, ...]] = {}
    for split, examples in files.items():
        kept = []
        for example in examples:
            after, change = _apply(decisions, example)
            if change is not None:
                changes.append(change)
            if after is not None:
                kept.append(after)
        changed[split] = tuple(kept)
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
        return None, _change("dropped", example, f"{edit.reason}; after the repair nothing is left to learn from")
    return edited, _change("edited", edited, edit.reason) if edited.id != example.id else None


def _change(action: Literal["dropped", "edited"], example: Example, reason: str) -> Change:
    return Change(action=action, example_id=example.id, location=str(example.provenance), reason=reason)


def _groups(findings: Iterable[Finding], rows: RowSet, decisions: Decisions) -> dict[str, str]:
    """Join the inputs of rows that were found together and stay: union-find, the smallest id names the group."""
    example_of = {row.id: row.example for row in rows}
    parent: dict[str, str] = {}

    def root(input_id: str) -> str:
        while parent.setdefault(input_id, input_id) != input_id:
            parent[input_id] = input_id = parent[parent[input_id]]
        return input_id

    for finding in findings:
        if finding.check in GROUPING_CHECKS:
            staying = (_apply(decisions, example_of[example_id])[0] for example_id in finding.example_ids)
            roots = sorted({root(example.input_id) for example in staying if example is not None})
            for other in roots[1:]:
                parent[other] = roots[0]
    return {input_id: root(input_id) for input_id in parent}
