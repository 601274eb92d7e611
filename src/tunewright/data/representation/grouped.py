"""Rows by group: how many there are of each, which labels they have, and which groups stand out."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from tunewright.data.checks.answers import answer_kind, normal_label
from tunewright.data.checks.check import RowSet, SomeRows
from tunewright.data.representation.shares import SIGNIFICANCE, difference_p_value, holm, share_of
from tunewright.records import GroupCount, GroupTable, LabelShare

MIN_ROWS = 30
"""A smaller group is hardly learned, and a score of it says nothing: of 30 rows, 95 % intervals are 35 points wide."""
MIN_DIFFERENCE = 0.05
"""A label rate that is significantly but hardly different, as happens in large data, is no finding."""
MAX_LABELS = 10
"""Only the most frequent labels are counted by group, and of two labels the rarer one."""


@dataclass(frozen=True, slots=True)
class RateDifference:
    """A label that one group has more or less often than all other rows."""

    group: str
    label: str
    rate: float
    other_rate: float
    p_value: float
    """Adjusted for all groups and labels of the table (Holm)."""


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """A table, and what stands out in it."""

    table: GroupTable
    rows: Mapping[str, SomeRows]
    """By group."""
    differences: tuple[RateDifference, ...]


def count_groups(name: str, rows: RowSet, group_of: Iterable[str]) -> GroupedRows:
    """Count rows and labels by group.

    Args:
        name: what divides the rows.
        rows: all rows.
        group_of: the group of each row.
    """
    positions: defaultdict[str, array[int]] = defaultdict(lambda: array("I"))
    for position, group in enumerate(group_of):
        positions[group].append(position)
    members = {group: SomeRows(rows, found) for group, found in positions.items()}
    labels = _frequent_labels(rows)
    in_order = sorted(members, key=lambda group: (-len(members[group]), group))
    counts = {group: _count_labels(members[group], labels) for group in in_order}
    table = GroupTable(
        name=name,
        groups=tuple(
            GroupCount(
                group=group,
                num_rows=len(members[group]),
                labels=tuple(
                    LabelShare(label=label, share=share_of(counts[group][label], len(members[group])))
                    for label in labels
                ),
            )
            for group in in_order
        ),
    )
    num_rows = {group: len(members[group]) for group in in_order}
    return GroupedRows(table, members, _differences(num_rows, counts, labels))


def _count_labels(rows: RowSet, labels: Sequence[str]) -> Counter[str]:
    """Rows of each of the labels. Answers that are none are as many as the rows, so they are not counted."""
    return Counter(label for row in rows if (label := normal_label(row.answer)) in labels) if labels else Counter()


def _frequent_labels(rows: RowSet) -> list[str]:
    if answer_kind(rows) != "label":
        return []
    counts = Counter(normal_label(row.answer) for row in rows)
    in_order = sorted(counts, key=lambda label: (-counts[label], label))
    # Of two labels the rates of one say everything.
    return in_order[1:] if len(in_order) == 2 else in_order[:MAX_LABELS]


def _differences(
    num_rows: Mapping[str, int], counts: Mapping[str, Counter[str]], labels: Sequence[str]
) -> tuple[RateDifference, ...]:
    """Compare every group of at least MIN_ROWS with all other rows; the smallest p-value first."""
    total = sum(counts.values(), Counter[str]())
    num_all = sum(num_rows.values())
    found = []
    for group, inside in counts.items():
        num_outside = num_all - num_rows[group]
        if min(num_rows[group], num_outside) < MIN_ROWS:
            continue
        for label in labels:
            share = share_of(inside[label], num_rows[group])
            other = share_of(total[label] - inside[label], num_outside)
            p_value = difference_p_value(share, other)
            found.append(RateDifference(group, label, share.value, other.value, p_value))
    adjusted = holm([difference.p_value for difference in found])
    standing_out = [
        RateDifference(each.group, each.label, each.rate, each.other_rate, p_value)
        for each, p_value in zip(found, adjusted, strict=True)
        if p_value < SIGNIFICANCE and abs(each.rate - each.other_rate) >= MIN_DIFFERENCE
    ]
    return tuple(sorted(standing_out, key=lambda each: each.p_value))
