"""Equal examples among many, by their hashes alone: 24 bytes for each while they are sorted."""

from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.example_file import Examples

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Half a SHA-256. The chance that any two of a billion different examples agree in it is below 1 in 10^20.
_KEY_BYTES = 16

Place = tuple[int, int]
"""Which of the parts, and where in it."""


def first_of_each(parts: Sequence[Examples]) -> list["array[int]"]:
    """For each part, the ascending positions of its examples that equal none before them, in it or in earlier parts."""
    order, is_again = _sorted(parts)
    is_first = np.zeros(len(order), dtype=bool)
    is_first[order[~is_again]] = True
    firsts = []
    start = 0
    for part in parts:
        firsts.append(array("I", np.flatnonzero(is_first[start : start + len(part)]).tolist()))
        start += len(part)
    return firsts


def repeated(parts: Sequence[Examples]) -> list[list[Place]]:
    """The places of examples that stand in several, in the order of the parts; ordered by their first place."""
    order, is_again = _sorted(parts)
    is_repeated = is_again | np.append(is_again[1:], False)
    starts = np.cumsum([0, *map(len, parts)])
    groups: list[list[Place]] = []
    for index, again in zip(order[is_repeated].tolist(), is_again[is_repeated].tolist(), strict=True):
        part = int(np.searchsorted(starts, index, side="right")) - 1
        place = part, index - int(starts[part])
        if again:
            groups[-1].append(place)
        else:
            groups.append([place])
    return sorted(groups)


def _sorted(parts: Sequence[Examples]) -> tuple["NDArray[np.int64]", "NDArray[np.bool_]"]:
    """The examples of all parts so that equal ones are neighbours, and which of them equal the one before."""
    keys = np.frombuffer(b"".join(_keys(parts)), dtype=np.uint64).reshape(-1, 2)
    order = np.lexsort((keys[:, 1], keys[:, 0]))  # stable: of equal ones the first stays the first
    is_again = np.zeros(len(order), dtype=bool)
    is_again[1:] = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
    return order, is_again


def _keys(parts: Sequence[Examples]) -> Iterator[bytes]:
    for part in parts:
        for index in range(len(part)):
            yield part.id(index)[:_KEY_BYTES]
