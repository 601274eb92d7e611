"""DATASET.md: where a version comes from, what was done to it, what it holds, its gaps, and how to make it again."""

import json
from collections.abc import Iterable, Iterator, Sequence

from tunewright.records import DatasetCard, SplitSummary, VersionEntry
from tunewright.study.markdown import escape_markdown

MAX_HASH = 16


def render_card(card: DatasetCard) -> str:
    """Write a card as Markdown. Equal cards give equal text."""
    entry = card.entry
    title = f"{card.name}@{entry.number}" if card.name and entry else card.version_id[:MAX_HASH]
    lines = [f"# Data set {title}", "", f"Version `{card.version_id}`."]
    if entry is not None:
        lines += [f"Made {entry.created_at} by `{entry.action}`; recipe `{entry.recipe_id[:MAX_HASH]}`."]
        if entry.parent_id:
            lines += [f"Follows version `{entry.parent_id[:MAX_HASH]}`. {_since(card)}"]
    lines += ["", "## Where it comes from", "", *_sources(card)]
    lines += ["", "## What was done to it", "", *_steps(card)]
    lines += ["", "## What it holds", "", *_splits(card.splits)]
    lines += ["", "## Known gaps", "", *_gaps(card)]
    if entry is not None:
        lines += ["", "## How to make it again", "", *_rebuild(card.name or "data", entry)]
        lines += ["", f"To train on it: `tunewright tune data:{title}`."]
    return "\n".join(lines) + "\n"


def _rebuild(name: str, entry: VersionEntry) -> Iterator[str]:
    yield f"It was made in `{entry.folder}` by"
    yield from ("", f"    {entry.command}", "")
    yield f"To start over, save this there as `{name}.yaml` and run `tunewright data build {name}.yaml`:"
    yield from ("", "```yaml", _recipe(entry), "```")


def _recipe(entry: VersionEntry) -> str:
    """The settings that are not defaults, as JSON, which is YAML."""
    settings = {"data": entry.recipe.model_dump(mode="json", exclude_defaults=True)}
    return json.dumps(settings, indent=2, ensure_ascii=False)


def _since(card: DatasetCard) -> str:
    differences = card.entry.differences if card.entry else ()
    if not differences:
        return "No row is new, gone or changed."
    return " ".join(
        f"{_text(difference.source)}: {difference.num_new:,} new, {difference.num_gone:,} gone, "
        f"{difference.num_changed:,} changed."
        for difference in differences
    )


def _sources(card: DatasetCard) -> Iterator[str]:
    read = card.entry.read_at if card.entry else "not recorded"
    rows = [
        (
            source.part_of or source.name,
            source.name,
            f"{source.num_rows:,}",
            source.form,
            source.licence or "not stated",
            source.owner or "not stated",
            f"{source.weight:g}",
            read,
            source.sha256[:MAX_HASH],
        )
        for source in card.sources
    ]
    headings = ("source", "file", "rows", "form", "licence", "owner", "weight", "read", "SHA-256")
    yield from _table(headings, rows)
    for source in card.sources:
        yield from (f"\n{_text(f'{source.name}: {warning}.')}" for warning in source.warnings)


def _steps(card: DatasetCard) -> Iterator[str]:
    num_read = sum(source.num_rows for source in card.sources)
    num_rows = sum(split.num_rows for split in card.splits)
    rows = [("read", "", f"{num_read:,}")]
    rows += [(step.action, step.cause, f"{step.num_rows:,}") for step in card.steps]
    rows += [("in the version", "", f"{num_rows:,}")]
    yield from _table(("step", "by", "rows"), rows)
    if card.entry is not None and card.entry.notes:
        yield ""
        yield from (f"- {_text(note)}" for note in card.entry.notes)


def _splits(splits: Sequence[SplitSummary]) -> Iterator[str]:
    rows = [
        (
            split.split,
            f"{split.num_rows:,}",
            f"{split.num_inputs:,}",
            lengths.part,
            f"{lengths.median:,}",
            f"{lengths.percentile_95:,}",
            f"{lengths.longest:,}",
        )
        for split in splits
        for lengths in split.lengths
    ]
    headings = ("split", "rows", "inputs", "words of the", "median", "95 % have at most", "longest")
    yield from _table(headings, rows)
    labelled = [split for split in splits if split.labels]
    if not labelled:
        return
    names = sorted({label.label for split in labelled for label in split.labels})
    counts = [{label.label: label.num_rows for label in split.labels} for split in labelled]
    yield ""
    yield from _table(
        ("label", *(split.split for split in labelled)),
        [
            (name, *(_share(found.get(name, 0), split) for found, split in zip(counts, labelled, strict=True)))
            for name in names
        ],
    )
    num_labels = max(split.num_labels for split in labelled)
    if num_labels > len(names):
        yield f"\nThe most frequent labels of {num_labels:,}; a 0 may be a label that is not among them there."


def _share(num_rows: int, split: SplitSummary) -> str:
    return f"{num_rows:,} ({num_rows / split.num_rows:.0%})"


def _gaps(card: DatasetCard) -> Iterator[str]:
    gaps = [*(card.entry.gaps if card.entry else ["Checks of this version are not recorded: it has no line in a log."])]
    gaps += [f"No licence is stated for {source.name}." for source in card.sources if source.licence is None]
    yield from (f"- {_text(gap)}" for gap in gaps or ["None recorded."])


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for line in (headings, ["---"] * len(headings), *rows):
        yield "| " + " | ".join(map(_text, line)) + " |"


def _text(text: str) -> str:
    """Text of others on one line."""
    return escape_markdown(" ".join(text.split()))
