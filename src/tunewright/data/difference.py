"""What differs between two versions: rows new, gone and changed, by source."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Set

from tunewright.data.checks.check import checked_row
from tunewright.data.prepare import PreparedData
from tunewright.records import Example, RowDifference, SourceDifference, Split, VersionDifference

KINDS = ("new", "gone", "changed")


def difference(older: PreparedData, newer: PreparedData) -> VersionDifference:
    """Compare two versions by the content of their rows; where a row stands in its file does not count.

    A row is changed when its input stands in both versions and its answer does not. Of several answers to one input
    the first that is gone is paired with the first that is new.
    """
    gone = [example for id_, example in older.examples.items() if id_ not in newer.examples]
    new = [example for id_, example in newer.examples.items() if id_ not in older.examples]
    pending: dict[str, list[Example]] = defaultdict(list)
    for example in reversed(gone):
        pending[example.input_id].append(example)
    rows: list[tuple[str, RowDifference]] = []
    for example in new:
        before = pending[example.input_id].pop() if pending.get(example.input_id) else None
        rows.append((example.provenance.source, _row(before, example)))
    paired = {id(example) for example in gone} - {id(example) for rest in pending.values() for example in rest}
    rows += [(example.provenance.source, _row(example, None)) for example in gone if id(example) not in paired]
    more, fewer = _copies(older, newer)
    return VersionDifference(
        older=older.version.id,
        newer=newer.version.id,
        num_same=len(newer.examples) - len(new),
        num_moved=_num_moved(older, newer),
        num_more_copies=more,
        num_fewer_copies=fewer,
        is_reordered=_is_reordered(older, newer),
        sources=_by_source(rows),
        rows=tuple(row for _, row in rows),
    )


def _row(before: Example | None, after: Example | None) -> RowDifference:
    shown = after or before
    assert shown is not None
    kind = "new" if before is None else "gone" if after is None else "changed"
    return RowDifference(
        kind=kind,
        location=str(shown.provenance),
        input=checked_row(shown).input,
        before=None if before is None else checked_row(before).answer,
        after=None if after is None else checked_row(after).answer,
    )


def _by_source(rows: Iterable[tuple[str, RowDifference]]) -> tuple[SourceDifference, ...]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for source, row in rows:
        counts[source][row.kind] += 1
    return tuple(
        SourceDifference(source=source, **{f"num_{kind}": counts[source][kind] for kind in KINDS})
        for source in sorted(counts)
    )


def _num_moved(older: PreparedData, newer: PreparedData) -> int:
    before, after = _split_of(older), _split_of(newer)
    return sum(after.get(id_, split) != split for id_, split in before.items())


def _copies(older: PreparedData, newer: PreparedData) -> tuple[int, int]:
    """How many copies more and how many fewer rows have that both versions train on."""
    before, after = _training_copies(older), _training_copies(newer)
    common = before.keys() & after.keys()
    return (
        sum(max(after[id_] - before[id_], 0) for id_ in common),
        sum(max(before[id_] - after[id_], 0) for id_ in common),
    )


def _training_copies(data: PreparedData) -> Counter[str]:
    return Counter(entry.example_id for entry in data.version.entries if entry.split == Split.TRAIN)


def _is_reordered(older: PreparedData, newer: PreparedData) -> bool:
    """Whether rows that lie in one split of both versions have another order there."""
    common = _split_of(older).items() & _split_of(newer).items()
    return _in_order(older, common) != _in_order(newer, common)


def _in_order(data: PreparedData, common: Set[tuple[str, Split]]) -> list[tuple[str, Split]]:
    pairs = ((entry.example_id, entry.split) for entry in data.version.entries)
    return [pair for pair in dict.fromkeys(pairs) if pair in common]


def _split_of(data: PreparedData) -> dict[str, Split]:
    return {entry.example_id: entry.split for entry in data.version.entries}
