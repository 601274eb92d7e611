"""Examples on disk: as many as fit there, and 80 bytes of memory for each.

Each example is written twice to temporary files: the fields that checks look at, and the whole of it. The checks pass
over the rows thirty times, and so parse no more than they need; the first rows they keep in memory.
"""

import json
from abc import abstractmethod
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate, groupby, islice, tee
from operator import itemgetter
from sys import getsizeof
from typing import cast, overload

from tunewright.data.checks.check import CheckedRow, RememberingRows, RowView, checked_row, row_view
from tunewright.data.spill import Spill
from tunewright.records import Example, Split

_BYTES_PER_READ = 2**17
_DIGEST_BYTES = 32
MAX_HELD_BYTES = 200_000_000
"""Memory for rows that are not read again: about 100,000 rows of 100 words, whose checks then take a third less time.
Where there are more, the first rows are held and the others are read each time."""
_BYTES_OF_A_ROW = 1_000
"""What a row takes in memory beside its texts: ids, place and objects."""


class Examples(Sequence[Example]):
    """Examples in their order. Their ids are known without reading them."""

    @abstractmethod
    def id(self, index: int) -> bytes:
        """The 32 bytes of which `self[index].id` is the hexadecimal form."""

    @abstractmethod
    def input_id(self, index: int) -> bytes:
        """The same of `self[index].input_id`."""

    @abstractmethod
    def read(self, positions: Iterable[int]) -> Iterator[Example]:
        """The examples at these positions; it is fast where they ascend."""

    @abstractmethod
    def rows(self, positions: Iterable[int], split: Split | None) -> Iterator[CheckedRow]:
        """The same as checks see them."""

    def __iter__(self) -> Iterator[Example]:
        return self.read(range(len(self)))

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> list[Example]: ...
    def __getitem__(self, index: int | slice) -> Example | list[Example]:
        if isinstance(index, slice):
            return [*self.read(range(len(self))[index])]
        (example,) = self.read((range(len(self))[index],))
        return example


class ExampleFile(Examples):
    """Examples in temporary files, written one after the other.

    Args:
        examples: the first ones.
    Raises:
        StoreError: the disk is full or refuses.
    """

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._views = _Records()
        self._examples = _Records()
        self._ids = bytearray()
        self._input_ids = bytearray()
        self.extend(examples)

    def extend(self, examples: Iterable[Example]) -> "SelectedExamples":
        """Write more, and give those that were written now.

        Raises:
            StoreError: the disk is full or refuses.
        """
        start = len(self)
        for example in examples:
            self._append(example)
        return SelectedExamples(self, range(start, len(self)), {})

    def _append(self, example: Example) -> None:
        self._views.append(_packed(row_view(example)))
        self._examples.append(example.model_dump_json().encode("utf-8"))
        self._ids += bytes.fromhex(example.id)
        self._input_ids += bytes.fromhex(example.input_id)

    def __len__(self) -> int:
        return len(self._ids) // _DIGEST_BYTES

    def id(self, index: int) -> bytes:
        """As Examples."""
        return bytes(self._ids[_DIGEST_BYTES * index : _DIGEST_BYTES * (index + 1)])

    def input_id(self, index: int) -> bytes:
        """As Examples."""
        return bytes(self._input_ids[_DIGEST_BYTES * index : _DIGEST_BYTES * (index + 1)])

    def read(self, positions: Iterable[int]) -> Iterator[Example]:
        """As Examples."""
        for index, data in self._examples.at(positions):
            example = Example.model_validate_json(data)
            # They are known, and slow to compute: put where the cached properties keep them.
            vars(example).update(id=self.id(index).hex(), input_id=self.input_id(index).hex())
            yield example

    def rows(self, positions: Iterable[int], split: Split | None) -> Iterator[CheckedRow]:
        """As Examples."""
        for index, data in self._views.at(positions):
            load = partial(self.__getitem__, index)
            yield CheckedRow(split, *_unpacked(data), self.id(index).hex(), self.input_id(index).hex(), load)


class SelectedExamples(Examples):
    """Some of the examples of others, and some of these in another form.

    Args:
        whole: the others.
        positions: which of them, ascending.
        replaced: what stands in the place of an example, by its position in `whole`.
    """

    def __init__(self, whole: Examples, positions: Sequence[int], replaced: Mapping[int, Example]) -> None:
        self._whole = whole
        self._positions = positions
        self._replaced = replaced

    def __len__(self) -> int:
        return len(self._positions)

    def id(self, index: int) -> bytes:
        """As Examples."""
        position = self._positions[index]
        replaced = self._replaced.get(position)
        return self._whole.id(position) if replaced is None else bytes.fromhex(replaced.id)

    def input_id(self, index: int) -> bytes:
        """As Examples."""
        position = self._positions[index]
        replaced = self._replaced.get(position)
        return self._whole.input_id(position) if replaced is None else bytes.fromhex(replaced.input_id)

    def read(self, positions: Iterable[int]) -> Iterator[Example]:
        """As Examples."""
        inner, same = tee(self._positions[index] for index in positions)
        for position, example in zip(inner, self._whole.read(same), strict=True):
            yield self._replaced.get(position, example)

    def rows(self, positions: Iterable[int], split: Split | None) -> Iterator[CheckedRow]:
        """As Examples."""
        inner, same = tee(self._positions[index] for index in positions)
        for position, row in zip(inner, self._whole.rows(same, split), strict=True):
            replaced = self._replaced.get(position)
            yield row if replaced is None else checked_row(replaced, split)


def examples_on_disk(examples: Iterable[Example]) -> Examples:
    """The examples themselves if they are on disk, or else written there."""
    return examples if isinstance(examples, Examples) else ExampleFile(examples)


class RowsOnDisk(RememberingRows):
    """Rows of several files one after another; a row is read when it is asked for.

    Args:
        parts: examples, the ascending positions of those that are rows, and the split of these rows.
        max_held_bytes: memory for rows that are kept.
    """

    def __init__(
        self, parts: Sequence[tuple[Examples, Sequence[int], Split | None]], max_held_bytes: int = MAX_HELD_BYTES
    ) -> None:
        super().__init__()
        self._parts = parts
        self._starts = [0, *accumulate(len(positions) for _, positions, _ in parts)]
        self._held: list[CheckedRow] = []
        """The first rows, as many as were read one after the other and have room."""
        self._room = max_held_bytes

    def __len__(self) -> int:
        return self._starts[-1]

    def __iter__(self) -> Iterator[CheckedRow]:
        num_held = len(self._held)
        yield from islice(self._held, num_held)
        for position, row in enumerate(self._read(range(num_held, len(self))), start=num_held):
            self._hold(position, row)
            yield row

    def at(self, positions: Iterable[int]) -> Iterator[CheckedRow]:
        """The rows at these positions, in their order; reading from the disk is fast where they ascend."""
        num_held = len(self._held)
        for is_held, some in groupby(positions, key=lambda position: position < num_held):
            yield from self._rows(some, are_held=is_held)

    @overload
    def __getitem__(self, index: int) -> CheckedRow: ...
    @overload
    def __getitem__(self, index: slice) -> list[CheckedRow]: ...
    def __getitem__(self, index: int | slice) -> CheckedRow | list[CheckedRow]:
        if isinstance(index, slice):
            return [*self.at(range(len(self))[index])]
        (row,) = self.at((range(len(self))[index],))
        return row

    def _rows(self, positions: Iterable[int], *, are_held: bool) -> Iterator[CheckedRow]:
        return map(self._held.__getitem__, positions) if are_held else self._read(positions)

    def _hold(self, position: int, row: CheckedRow) -> None:
        """Keep a row while there is room, if all before it are kept."""
        if self._room <= 0 or position != len(self._held):
            return
        self._held.append(row)
        of_its_own = {id(text): text for text in (row.input, row.answer, row.asked, *row.texts)}
        self._room -= _BYTES_OF_A_ROW + sum(map(getsizeof, of_its_own.values()))

    def _read(self, positions: Iterable[int]) -> Iterator[CheckedRow]:
        for number, in_part in groupby(map(self._place, positions), key=itemgetter(0)):
            examples, of_part, split = self._parts[number]
            yield from examples.rows((of_part[place] for _, place in in_part), split)

    def _place(self, position: int) -> tuple[int, int]:
        """Which part a row is in, and where in it."""
        number = bisect_right(self._starts, position) - 1
        return number, position - self._starts[number]


def _packed(view: RowView) -> bytes:
    """A view as JSON, without the texts that repeat others of its texts, as in nearly all rows."""
    given, answer, texts, asked, *rest = view
    short = (given, answer, None if texts == (given, answer) else texts, None if asked == given else asked, *rest)
    return json.dumps(short, ensure_ascii=False).encode("utf-8")


def _unpacked(data: bytes) -> RowView:
    view = json.loads(data)
    given, answer, texts, asked, *_ = view
    if texts is None:
        view[2] = (given, answer)
    if asked is None:
        view[3] = given
    return cast(RowView, view)  # what _packed was given


class _Records:
    """Pieces of bytes in a temporary file, by number."""

    def __init__(self) -> None:
        self._spill = Spill()
        self._starts = array("Q", [0])

    def append(self, data: bytes) -> None:
        self._spill.append(data)
        self._starts.append(self._spill.num_bytes)

    def at(self, positions: Iterable[int]) -> Iterator[tuple[int, bytes]]:
        """The pieces at these positions. From the second on, what follows each is read with it."""
        starts = self._starts
        begin = end = 0
        data = b""
        num_ahead = 0
        for index in positions:
            first, last = starts[index], starts[index + 1]
            if first < begin or last > end:
                data = self._spill.read(first, max(last - first, num_ahead))
                begin, end = first, first + len(data)
                num_ahead = _BYTES_PER_READ
            yield index, data[first - begin : last - begin]
