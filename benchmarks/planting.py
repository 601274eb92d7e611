"""Planting: one defect in clean rows, and where it stands."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile
from random import Random

from clean_rows import Kind, Row, clean_rows


@dataclass
class Plant:
    """One defect that was planted."""

    places: tuple[str, ...]
    """`rows:12` or `held_out:3`, lines from 1. All of them stand in one finding when the defect is found."""
    what: str
    """The planted text, short, for a list of misses."""


@dataclass
class DataSet:
    """Rows to check and everything the checks need beside them."""

    kind: Kind
    rows: list[Row]
    held_out: list[Row] = field(default_factory=list)
    benchmark: list[str] = field(default_factory=list)
    protected: list[str] = field(default_factory=list)
    reference: list[str] = field(default_factory=list)
    """Production inputs."""
    base: bool = False
    """Whether the rows are measured under the bundled base."""
    plants: list[Plant] = field(default_factory=list)


Planter = Callable[[DataSet, int, Random], Plant | None]
"""Plants one defect in the row with this index, or beside it; gives None where it does not fit."""


@dataclass(frozen=True)
class Defect:
    """One way in which rows are wrong."""

    name: str
    check: str
    """The check that has to find it."""
    kind: Kind
    """The clean rows that it is planted in."""
    plant: Planter
    min_recall: float = 0.95
    """What tests ask for, on a dozen plants."""
    share: float = 0.03
    """Rows that have it, where the check depends on how usual something is."""


def planted(defect: Defect, num_rows: int, seed: int = 0) -> DataSet:
    """Clean rows with this defect in about its share of them."""
    random = Random(f"{defect.name} {seed}")
    data = DataSet(defect.kind, clean_rows(defect.kind, num_rows, random))
    wanted = round(defect.share * num_rows)
    for index in sorted(random.sample(range(num_rows), wanted)):
        plant = defect.plant(data, index, random)
        if plant is not None:
            data.plants.append(plant)
    return data


def place_of(index: int) -> str:
    """Where the row with this index stands."""
    return f"rows:{index + 1}"


def append(data: DataSet, row: Row) -> str:
    """Add a row, and give its place."""
    data.rows.append(row)
    return f"rows:{len(data.rows)}"


def in_answer(change: Callable[[str, Random], str | None]) -> Planter:
    """A defect of one answer."""

    def plant(data: DataSet, index: int, random: Random) -> Plant | None:
        row = data.rows[index]
        changed = change(row.answer, random)
        if changed is None or changed == row.answer:
            return None
        data.rows[index] = Row(row.given, changed)
        return Plant((place_of(index),), _difference(row.answer, changed))

    return plant


def _difference(old: str, new: str) -> str:
    """What is new in a text, for a list of misses; where it was cut, how it ends now."""
    if old.startswith(new):
        return f"… {new[-40:]}"
    start = _num_common(old, new)
    num_equal = _num_common(old[start:][::-1], new[start:][::-1])
    return new[max(0, start - 12) : len(new) - num_equal + 12][:60]


def _num_common(left: str, right: str) -> int:
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(left, right, strict=False)))


def as_twin(change: Callable[[Row, Random], Row | None]) -> Planter:
    """A second row made from the first; both stand in one finding."""

    def plant(data: DataSet, index: int, random: Random) -> Plant | None:
        twin = change(data.rows[index], random)
        if twin is None:
            return None
        return Plant((place_of(index), append(data, twin)), f"{twin.given} → {twin.answer}"[:60])

    return plant
