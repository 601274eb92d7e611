"""Versions of data sets on the screen: what a build did, what differs, what a version holds, the log."""

from collections.abc import Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from tunewright.cli.screen import Screen
from tunewright.cli.visible import visible
from tunewright.records import (
    BuildResult,
    DatasetCard,
    DatasetLog,
    RowDifference,
    VersionDifference,
    VersionEntry,
)

ID_DIGITS = 12
NUM_SHOWN = 3
"""Rows of each kind of difference."""
MAX_EXCERPT = 160


def print_build(screen: Screen, built: BuildResult) -> None:
    """Print which version is current, how it differs from the one before, and how to use it."""
    entry = built.entry
    if not built.is_new:
        screen.line(f"Nothing has changed: {built.name}@{entry.number} is still the current version.")
        return
    splits = ", ".join(f"{count:,} {split}" for split, count in built.num_rows.items())
    screen.line(f"{built.name}@{entry.number}, version {entry.version_id[:ID_DIGITS]}: {splits} rows", "bold")
    steps = [f"{step.num_rows:,} {step.action} ({step.cause})" for step in entry.steps]
    if steps:
        screen.line(f"Rows changed on the way: {', '.join(steps)}.")
    for note in entry.notes:
        screen.line(note)
    for kind, gaps in groupby(entry.gaps, key=lambda gap: gap.partition(": ")[0]):
        if kind != "Not checked":
            screen.line(f"{kind}: {'; '.join(gap.removeprefix(f'{kind}: ') for gap in gaps)}.")
    if built.difference is not None:
        print_difference(screen, built.difference)
    screen.line(f"Look at it: tunewright data show {built.name}")
    screen.line(f"Train on it: tunewright tune data:{built.name}")


def print_difference(screen: Screen, found: VersionDifference) -> None:
    """Print the counts for each source, then some rows of each kind."""
    if found.is_empty:
        screen.line(f"The two have the same {found.num_same:,} rows.")
        return
    if found.sources:
        screen.show(
            _table(
                ("source", "new", "gone", "changed"),
                [
                    (source.source, f"{source.num_new:,}", f"{source.num_gone:,}", f"{source.num_changed:,}")
                    for source in found.sources
                ],
            )
        )
    verb = "lies" if found.num_moved == 1 else "lie"
    moved = f"; {found.num_moved:,} of them {verb} in another split" if found.num_moved else ""
    screen.line(f"{found.num_same:,} rows are in both{moved}.")
    if copies := _copies(found):
        screen.line(f"Of training rows that both have: {copies}.")
    if found.is_reordered:
        screen.line("Rows that both have stand in another order.")
    for kind in ("new", "gone", "changed"):
        rows = [row for row in found.rows if row.kind == kind]
        for row in rows[:NUM_SHOWN]:
            screen.line(_difference_line(row))
        if len(rows) > NUM_SHOWN:
            screen.line(f"  and {len(rows) - NUM_SHOWN:,} more {kind}; all with --json")


def print_version(screen: Screen, card: DatasetCard) -> None:
    """Print what a version is made of and the first rows of each split."""
    for name, value in _facts(card):
        screen.line(f"{name:<10}{value}")
    screen.line("")
    sources = [
        (source.name, f"{source.num_rows:,}", source.licence or "not stated", source.owner or "not stated")
        for source in card.sources
    ]
    screen.show(_table(("source", "rows", "licence", "owner"), sources))
    for source in card.sources:
        for warning in source.warnings:
            screen.line(f"{source.name}: {warning}")
    screen.line("")
    splits = [(split.split, f"{split.num_rows:,}", f"{split.num_inputs:,}") for split in card.splits]
    screen.show(_table(("split", "rows", "inputs"), splits))
    if card.steps:
        screen.line("")
        steps = [(step.action, step.cause, f"{step.num_rows:,}") for step in card.steps]
        screen.show(_table(("what", "by", "rows"), steps))
    for row in card.rows:
        shown = f"{_short(row.input)} → {_short(row.answer)}" if row.input else _short(row.answer)
        screen.line(f"\n{row.split}  {row.location}", "dim")
        screen.show(Text(visible(shown)))


def print_names(screen: Screen, logs: Sequence[DatasetLog]) -> None:
    """Print every named data set with its current version."""
    if not logs:
        screen.line("No named data sets yet. Make one with: tunewright data build DATA")
        return
    rows = [
        (f"{log.name}@{log.current.number}", log.current.version_id[:ID_DIGITS], _when(log.current)) for log in logs
    ]
    screen.show(_table(("data set", "version", "made (UTC)"), rows))


def print_log(screen: Screen, log: DatasetLog) -> None:
    """Print the lines of a log, newest first."""
    rows = [
        (
            f"{log.name}@{entry.number}",
            entry.action,
            entry.version_id[:ID_DIGITS],
            _when(entry),
            f"{log.name}@{entry.test_number}",
            _what_changed(entry) if entry.parent_id else "first version",
        )
        for entry in reversed(log.entries)
    ]
    screen.show(_table(("entry", "by", "version", "made (UTC)", "test of", "rows"), rows))


def _facts(card: DatasetCard) -> list[tuple[str, str]]:
    facts = [("version", card.version_id)]
    if card.entry is not None:
        facts += [
            ("data set", f"{card.name}@{card.entry.number}"),
            ("made", f"{card.entry.created_at} by {card.entry.action}"),
            ("recipe", card.entry.recipe_id),
            ("folder", card.entry.folder),
            ("command", card.entry.command),
        ]
    return facts


def _difference_line(row: RowDifference) -> str:
    question = f"{_short(row.input)} → " if row.input else ""
    answers = " ⇒ ".join(_short(text) for text in (row.before, row.after) if text is not None)
    return f"  {row.kind:<8}{row.location}  {question}{answers}"


def _what_changed(entry: VersionEntry) -> str:
    counts = {
        "new": sum(found.num_new for found in entry.differences),
        "gone": sum(found.num_gone for found in entry.differences),
        "changed": sum(found.num_changed for found in entry.differences),
    }
    changes = [f"{count:,} {kind}" for kind, count in counts.items() if count]
    return ", ".join([*changes, *filter(None, [_copies(entry)])]) or "the same rows"


def _copies(found: VersionDifference | VersionEntry) -> str:
    more, fewer = found.num_more_copies, found.num_fewer_copies
    counts = [f"{more:,} more" if more else "", f"{fewer:,} fewer" if fewer else ""]
    noun = "copy" if (fewer or more) == 1 else "copies"
    return f"{' and '.join(filter(None, counts))} {noun}" if more or fewer else ""


def _when(entry: VersionEntry) -> str:
    return entry.created_at[:16].replace("T", " ")


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= MAX_EXCERPT else f"{one_line[: MAX_EXCERPT - 1]}…"


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Counts to the right; everything else wraps where the terminal is narrow."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in headings:
        is_count = heading in ("rows", "inputs", "new", "gone", "changed") and "test of" not in headings
        is_whole = is_count or heading in ("version", "made (UTC)")
        table.add_column(heading, justify="right" if is_count else "left", overflow="fold", no_wrap=is_whole)
    for row in rows:
        table.add_row(*(visible(cell) for cell in row))
    return table
