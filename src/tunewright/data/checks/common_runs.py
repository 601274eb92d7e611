"""Runs of words that a text has in common with reference texts.

Every n-gram of the references is hashed and sorted; the n-grams of a batch of texts are hashed in the same way, all at
once, and looked up. Where one is found, the words themselves are compared from there on, so a collision of hashes
changes nothing. Memory: 26 bytes per word of the references beside their text (80 while they are indexed;
measured on 1,000,000 words), and nothing that grows with the texts.
"""

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.checks.references import Reference
from tunewright.data.checks.words import words

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Words = NDArray[np.uint32]
    Hashes = NDArray[np.uint64]
    Positions = NDArray[np.int64]

_BORDER = 0
"""Stands between texts, and for every word that no reference has: no run crosses it."""
_TEXTS_PER_BATCH = 2000
_MAX_PLACES = 10
"""Of an n-gram that the references repeat more often, only the first places are tried for the longest run."""
# Odd constants of 64-bit mixing functions: SplitMix64 (Steele et al. 2014) and Knuth's MMIX generator.
_MIX = np.uint64(0x9E3779B97F4A7C15)
_BASE = np.uint64(6364136223846793005)


@dataclass(frozen=True, slots=True)
class CommonRun:
    """A run of words that a text shares with a reference."""

    words: tuple[str, ...]
    place: str
    """Where the run starts in the reference, as `file:row`."""


class _Grams:
    """The hashed n-grams of one length, sorted, with the position of each in the references."""

    def __init__(self, length: int, hashes: "Hashes", positions: "Positions") -> None:
        order = np.argsort(hashes, kind="stable")
        self.length = length
        self._hashes = hashes[order]
        self._positions = positions[order]

    def starts(self, text: "Words") -> "Positions":
        """Positions of the text at which an n-gram of the references starts."""
        hashes, positions = _grams(text, self.length)
        if not len(self._hashes) or not len(hashes):
            return positions[:0]
        nearest = np.searchsorted(self._hashes, hashes).clip(max=len(self._hashes) - 1)
        is_found: NDArray[np.bool_] = self._hashes[nearest] == hashes
        return positions[is_found]

    def places(self, text: "Words", position: int) -> "Positions":
        """Where the n-gram at this position of the text may stand in the references."""
        wanted = _grams(text[position : position + self.length], self.length)[0]
        first, last = (int(np.searchsorted(self._hashes, wanted[0], side)) for side in ("left", "right"))
        return self._positions[first : min(last, first + _MAX_PLACES)]


class CommonRuns:
    """Finds what texts have in common with references.

    Args:
        references: the texts to compare with.
        lengths: n of the n-grams, longest first. A reference is indexed under the first n that it has the words for;
            one with fewer words than the last n cannot be found.
        max_references: an n-gram that more references than this share is a template of theirs, and does not count;
            None counts all.
    """

    def __init__(self, references: Sequence[Reference], lengths: Sequence[int], max_references: int | None) -> None:
        self._references = references
        self._ids: dict[str, int] = {}
        self._first_lines: list[int] = []
        """Per reference, the number of lines before it."""
        encoded, lines, starts = self._encode()
        self._words: Words = np.frombuffer(encoded, dtype=np.uint32)
        self._lines: Words = np.frombuffer(lines, dtype=np.uint32)
        num_words = np.diff(starts) - 1  # each is followed by a border
        self._grams = []
        longest = np.iinfo(np.int64).max
        for length in lengths:
            wanted = np.flatnonzero((num_words >= length) & (num_words < longest))
            self._grams.append(self._index(length, starts, wanted, max_references))
            longest = length
        self.num_indexed = int(np.count_nonzero(num_words >= min(lengths)))
        """References that can be found."""

    def longest(self, texts: Iterable[str]) -> Iterator[CommonRun | None]:
        """The longest common run of each text, in order; None where there is none. Of equal ones the first counts."""
        remaining = iter(texts)
        while batch := [words(text) for text in islice(remaining, _TEXTS_PER_BATCH)]:
            yield from self._longest_of(batch)

    def _encode(self) -> tuple["array[int]", "array[int]", "Positions"]:
        encoded, lines = array("I"), array("I")
        starts = [0]
        num_lines = 0
        for reference in self._references:
            self._first_lines.append(num_lines)
            for line in reference.lines:
                found = [self._ids.setdefault(word, len(self._ids) + 1) for word in words(line)]
                encoded.extend(found)
                lines.extend([num_lines] * len(found))
                num_lines += 1
            encoded.append(_BORDER)
            lines.append(num_lines)
            starts.append(len(encoded))
        return encoded, lines, np.array(starts, dtype=np.int64)

    def _index(self, length: int, starts: "Positions", wanted: "Positions", max_references: int | None) -> _Grams:
        hashes, positions = _grams(self._words, length)
        owners = np.searchsorted(starts, positions, side="right") - 1
        is_kept = np.isin(owners, wanted)
        hashes, positions, owners = hashes[is_kept], positions[is_kept], owners[is_kept]
        if max_references is not None:
            is_kept = _num_owners(hashes, owners) <= max_references
            hashes, positions = hashes[is_kept], positions[is_kept]
        return _Grams(length, hashes, positions)

    def _longest_of(self, batch: list[list[str]]) -> Iterator[CommonRun | None]:
        encoded = array("I")
        ends = []
        for found in batch:
            encoded.extend([self._ids.get(word, _BORDER) for word in found])
            encoded.append(_BORDER)
            ends.append(len(encoded))
        text: Words = np.frombuffer(encoded, dtype=np.uint32)
        best: dict[int, tuple[int, int, int]] = {}
        for start, place, length in self._runs(text):
            owner = bisect_right(ends, start)
            if length > best.get(owner, (0, 0, 0))[0]:
                best[owner] = (length, start, place)
        for index, found in enumerate(batch):
            if index not in best:
                yield None
                continue
            length, start, place = best[index]
            begin = start - (ends[index - 1] if index else 0)
            yield CommonRun(tuple(found[begin : begin + length]), self._place(place))

    def _runs(self, text: "Words") -> Iterator[tuple[int, int, int]]:
        """(start in the text, start in the references, words) of every run that is not part of another at its place."""
        for grams in self._grams:
            covered = 0
            for start in grams.starts(text).tolist():
                if start < covered:
                    continue
                for place in grams.places(text, start).tolist():
                    num_after = _num_equal(text[start:], self._words[place:])
                    if num_after < grams.length:  # the hashes of different words are equal
                        continue
                    # A run found earlier may have covered the beginning of this one.
                    num_before = _num_equal(text[:start][::-1], self._words[:place][::-1])
                    yield start - num_before, place - num_before, num_before + num_after
                    covered = max(covered, start + num_after - grams.length + 1)

    def _place(self, position: int) -> str:
        line = int(self._lines[position])
        owner = bisect_right(self._first_lines, line) - 1
        return self._references[owner].place(line - self._first_lines[owner])


def _grams(text: "Words", length: int) -> tuple["Hashes", "Positions"]:
    """Hash of every n-gram without a border, and where it starts: a polynomial in the words, modulo 2^64."""
    num_grams = len(text) - length + 1
    if num_grams <= 0:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    is_border = np.concatenate(([0], np.cumsum(text == _BORDER)))
    positions = np.flatnonzero(is_border[length:] == is_border[:-length])
    mixed = text.astype(np.uint64) * _MIX
    mixed ^= mixed >> np.uint64(29)
    hashes = np.zeros(len(positions), dtype=np.uint64)
    for offset in range(length):
        hashes = hashes * _BASE + mixed[positions + offset]
    return hashes, positions


def _num_owners(hashes: "Hashes", owners: "Positions") -> "Positions":
    """For each n-gram, how many references have it."""
    if not len(hashes):
        return owners
    order = np.lexsort((owners, hashes))
    is_new = np.concatenate(([True], hashes[order][1:] != hashes[order][:-1]))
    is_other = is_new | np.concatenate(([True], owners[order][1:] != owners[order][:-1]))
    counts = np.add.reduceat(is_other.astype(np.int64), np.flatnonzero(is_new))
    result = np.empty(len(hashes), dtype=np.int64)
    result[order] = counts[np.cumsum(is_new) - 1]
    return result


def _num_equal(left: "Words", right: "Words") -> int:
    """Words that are equal from the start on; compared in growing pieces, since most runs are short."""
    num_equal, size = 0, 64
    while size := min(size, len(left) - num_equal, len(right) - num_equal):
        ours = left[num_equal : num_equal + size]
        differs = np.flatnonzero((ours != right[num_equal : num_equal + size]) | (ours == _BORDER))
        if len(differs):
            return num_equal + int(differs[0])
        num_equal += size
        size *= 2
    return num_equal
