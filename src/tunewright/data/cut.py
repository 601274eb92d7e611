"""Cutting held-out splits from units of rows: along one order, or along one order within each label."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tunewright.records import Split


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows that have to lie in one split."""

    name: tuple[int, str]
    order: str
    """Hash that puts units in an order that neither the file nor other units decide."""
    num_rows: int
    label: str
    """The label of most of its rows."""
    time: float
    """Of its newest row."""


SplitOf = dict[tuple[int, str], Split]
"""By the name of the unit; those that are not named are for training."""


def seeded_hash(seed: int, text: str) -> str:
    """The place of a text in an order that looks random and is the same every time."""
    return hashlib.sha256(f"{seed}:{text}".encode()).hexdigest()


def cut_in_order(units: Sequence[Unit], wanted: Mapping[Split, int]) -> SplitOf:
    """Fill the splits one after the other, each with at least the rows wanted as long as there are units."""
    split_of: SplitOf = {}
    pending = iter(units)
    for split, num_wanted in wanted.items():
        num_taken = 0
        while num_taken < num_wanted and (unit := next(pending, None)) is not None:
            split_of[unit.name] = split
            num_taken += unit.num_rows
    return split_of


Cut = Callable[[Sequence[Unit], Mapping[Split, int], Sequence[Unit]], SplitOf]
"""Cuts the rows wanted of each split from units; other units stay in training and only count for shares."""


def cut_around_giants(units: Sequence[Unit], wanted: Mapping[Split, int], least: int, cut: Cut) -> SplitOf:
    """Cut from the units that fill no split twice over; from all, where those are too few for the rows wanted.

    One short question that thousands of chats begin with ties them into one unit: a test split would hold nothing else.
    Where the last unit of a split leaves too little for the next, less is cut: half, a quarter, and so on.

    Args:
        units: what is cut.
        wanted: rows of each split, in the order of filling.
        least: rows that a split has to have; where giants in training deny them, giants are cut too.
        cut: fills the splits.
    """
    most = 2 * min(wanted.values(), default=0)
    smaller = [unit for unit in units if unit.num_rows <= most]
    giants = [unit for unit in units if unit.num_rows > most]
    if sum(unit.num_rows for unit in smaller) >= sum(wanted.values()):
        for fewer in _halved(wanted, least):
            split_of = cut(smaller, fewer, giants)
            if all(_num_rows(smaller, split_of, split) >= least for split in wanted):
                return split_of
    return cut(units, wanted, ())


def _halved(wanted: Mapping[Split, int], least: int) -> Iterator[Mapping[Split, int]]:
    yield wanted
    while max(wanted.values(), default=0) > least:
        wanted = {split: max(least, num_wanted // 2) for split, num_wanted in wanted.items()}
        yield wanted


def _num_rows(units: Iterable[Unit], split_of: SplitOf, split: Split) -> int:
    return sum(unit.num_rows for unit in units if split_of.get(unit.name) is split)


def cut_by_label(
    units: Sequence[Unit], wanted: Mapping[Split, int], others: Sequence[Unit] = (), seed: int = 0
) -> SplitOf:
    """Fill the splits so that each has the share of every label that all rows have, as far as units allow.

    A unit is taken for its label where that brings the label closer to its quota. What is then still wanted is filled
    from all labels in the order of the hashes, with units that overshoot it only where no others are left.

    Args:
        units: what is cut.
        wanted: rows of each split, in the order of filling.
        others: units that are in a split already or stay in training; they count for the shares.
        seed: of which labels get a row more than others of their size. Those are other ones in validation than in test.
    """
    sizes: Counter[str] = Counter()
    for unit in (*units, *others):
        sizes[unit.label] += unit.num_rows
    split_of: SplitOf = {}
    labels = sorted(sizes, key=lambda label: seeded_hash(seed, label))
    left = sorted(units, key=lambda unit: unit.order)
    for split, num_wanted in wanted.items():
        by_label: dict[str, list[Unit]] = defaultdict(list)
        for unit in left:
            by_label[unit.label].append(unit)
        num_taken = 0
        for label, quota in quotas(sizes, num_wanted, labels[::-1] if split is Split.VALIDATION else labels).items():
            for unit in _closest(by_label[label], quota):
                split_of[unit.name] = split
                num_taken += unit.num_rows
        left = [unit for unit in left if unit.name not in split_of]
        for unit in (*_closest(left, num_wanted - num_taken), *left):
            if num_taken < num_wanted and unit.name not in split_of:
                split_of[unit.name] = split
                num_taken += unit.num_rows
        left = [unit for unit in left if unit.name not in split_of]
    return split_of


def _closest(units: Iterable[Unit], num_wanted: int) -> Iterator[Unit]:
    """The units, in their order, that each bring the rows taken closer to those wanted."""
    for unit in units:
        if 2 * num_wanted >= unit.num_rows:
            num_wanted -= unit.num_rows
            yield unit


def quotas(sizes: Mapping[str, int], num_wanted: int, labels: Sequence[str] = ()) -> dict[str, int]:
    """Share out a number in proportion to sizes, in whole rows: largest remainders (Hamilton's method).

    Args:
        labels: the order in which equal remainders get a row; that of the alphabet, if not given.

    >>> quotas({"yes": 70, "no": 30}, 5)
    {'no': 2, 'yes': 3}
    """
    total = sum(sizes.values())
    num_wanted = min(num_wanted, total)
    exact = {label: Fraction(num_wanted * sizes[label], total) for label in sorted(sizes)}
    whole = {label: int(share) for label, share in exact.items()}
    by_remainder = sorted(labels or exact, key=lambda label: whole[label] - exact[label])
    for label in by_remainder[: num_wanted - sum(whole.values())]:
        whole[label] += 1
    return whole
