"""Word 5-grams of many texts as 64-bit hashes, and which texts have enough of them in common to be compared.

All shingles stand in a temporary file, 8 bytes each, and are read up to four times, a batch of texts at a time: to
count them, to find templates, to tell copies from templates, and to set aside the texts that cannot have a partner. In
memory are only the counts, one byte for each of at least twice as many places as there are shingles (about 270 bytes
for a text of 100 words), and the shingles of the texts that may have a partner. Two shingles that share a place are
counted together. That can only make a text look more like others than it is, so it costs time and loses nothing: what
decides is counted exactly.
"""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.checks.words import words
from tunewright.data.spill import Spill

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Rows = NDArray[np.int32]
    Places = NDArray[np.int64]
    Batch = tuple[Rows, Hashes]
    """The positions of texts, ascending, and one shingle of each."""

SHINGLE_WORDS = 5
TEMPLATE_SHARE = 0.05
MIN_TEMPLATE_TEXTS = 20
MAX_SHARED_TEXTS = 200
"""A shingle is a template when more texts have it than TEMPLATE_SHARE of them, but at least MIN_TEMPLATE_TEXTS and at
most MAX_SHARED_TEXTS. The upper bound is also what keeps the number of pairs linear."""
MIN_LONG_ANSWER_WORDS = 29
"""An answer of so many words keeps .8 of its shingles where one word is replaced (20 of 25). Shorter ones are the same
only as a whole: rows under one instruction share labels and turns of phrase."""
MAX_EDITED_WORDS = 2
"""Copies differ at one place by at most so many words. More are what fills a template."""

_TEXTS_PER_BATCH = 2000
_CHARACTERS_PER_BATCH = 2_000_000
"""A batch ends with the text that passes this: two thousand long documents at once would take gigabytes."""
_MAX_REMEMBERED_WORDS = 200_000
_MIN_PLACES = 2**12
_PLACES_PER_SHINGLE = 2
_MAX_COUNT = 255
_ROUNDING = 1 - 1e-9
"""Forgives the rounding of threshold x count."""


def candidate_shingles(
    texts: Sequence[str],
    threshold: float,
    key: Callable[[int], str] | None,
    answer: Callable[[int], str] | None = None,
) -> dict[int, "Hashes"]:
    """Give the sorted distinct shingles of the texts that may have a partner, by position.

    Args:
        texts: what to compare.
        threshold: smallest Jaccard similarity of partners.
        key: gives the key of the text at a position; texts with unequal keys share no shingle. It is asked only for
            texts that may have a partner without it.
        answer: gives the answer that the text at a position ends with. Where copies share it, what else they share is
            no template. It is asked only for texts that are mostly template.
    """
    limit = max(MIN_TEMPLATE_TEXTS, min(round(TEMPLATE_SHARE * len(texts)), MAX_SHARED_TEXTS))
    shingles = _Shingles(texts)
    counts = _Counts(shingles)
    templates = _Templates(shingles, counts, limit)
    copies = _Copies(shingles, templates, threshold, answer) if answer is not None and len(templates) else None
    rows, hashes = _joined(
        _without_loners(_without_templates(batch, templates, copies), counts, threshold) for batch in shingles
    )
    del shingles, counts, templates, copies
    rows, hashes = _without_partners(rows, hashes, threshold)
    if key is not None:
        # Mixed into the shingles, unequal keys leave two texts nothing in common.
        found, codes = np.unique(rows, return_inverse=True)
        key_hashes = np.array([_hash(key(position)) for position in found.tolist()], dtype=np.uint64)
        rows, hashes = _without_partners(rows, mix(hashes + key_hashes[codes]), threshold)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    pieces = np.split(hashes, starts[1:]) if len(rows) else []
    return {int(rows[start]): np.unique(piece) for start, piece in zip(starts, pieces, strict=True)}


def mix(hashes: "Hashes") -> "Hashes":
    """Spread every bit over the whole word (the finalizer of SplitMix64, Steele et al. 2014), wrapping around."""
    mixed = hashes + np.uint64(0x9E3779B97F4A7C15)
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed


class _Shingles:
    """The shingles of all texts, in a file; iterated batch by batch, as often as wanted."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._spill = Spill()
        self._num_shingles = array("I")
        """By text."""
        self._batch_sizes = array("I")
        """Texts of each batch."""
        hash_of = _WordHashes()
        for batch in _batches(texts):
            self._batch_sizes.append(len(batch))
            rows, hashes = _shingles_of(batch, hash_of)
            self._num_shingles.frombytes(np.bincount(rows, minlength=len(batch)).astype(np.uint32).tobytes())
            self._spill.append(hashes.tobytes())

    @property
    def num_texts(self) -> int:
        return len(self._num_shingles)

    def __len__(self) -> int:
        return self._spill.num_bytes // 8

    def __iter__(self) -> Iterator["Batch"]:
        start = first = 0
        for size in self._batch_sizes:
            lengths = np.array(self._num_shingles[first : first + size])
            rows = np.repeat(np.arange(first, first + size, dtype=np.int32), lengths)
            yield rows, np.frombuffer(self._spill.read(start, 8 * len(rows)), dtype=np.uint64)
            start += 8 * len(rows)
            first += size


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    num_characters = 0
    for text in texts:
        batch.append(text)
        num_characters += len(text)
        if len(batch) == _TEXTS_PER_BATCH or num_characters >= _CHARACTERS_PER_BATCH:
            yield batch
            batch, num_characters = [], 0
    if batch:
        yield batch


class _WordHashes(dict[str, int]):
    """Hashes of words, remembered while there are not too many."""

    def __missing__(self, word: str) -> int:
        if len(self) >= _MAX_REMEMBERED_WORDS:
            self.clear()
        hashed = self[word] = _hash(word)
        return hashed


def _shingles_of(texts: Sequence[str], hash_of: _WordHashes) -> "Batch":
    """Every shingle of every text, with the position of its text.

    A text of fewer than SHINGLE_WORDS words has no 5-gram. Its shingles are its n-grams of every length, so that at
    usual thresholds it is similar only to texts of the same words in the same order.
    """
    flat = array("Q")
    lengths = np.zeros(len(texts), dtype=np.int32)
    for position, text in enumerate(texts):
        found = words(text)
        lengths[position] = len(found)
        flat.extend(map(hash_of.__getitem__, found))
    words_of_all: Hashes = np.frombuffer(flat, dtype=np.uint64) if flat else np.empty(0, dtype=np.uint64)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    words_left = np.repeat(np.cumsum(lengths, dtype=np.int32), lengths) - np.arange(len(rows), dtype=np.int32)
    is_short = (lengths < SHINGLE_WORDS)[rows]
    found_rows, found_hashes = [], []
    window = mix(words_of_all)
    for size in range(1, SHINGLE_WORDS + 1):
        if size > 1:
            window = mix(window[:-1] + words_of_all[size - 1 :])
        of_this_size = is_short if size < SHINGLE_WORDS else ~is_short
        inside = (of_this_size & (words_left >= size))[: len(window)]
        found_rows.append(rows[: len(window)][inside])
        found_hashes.append(window[inside])
    rows, hashes = np.concatenate(found_rows), np.concatenate(found_hashes)
    in_order = np.argsort(rows, kind="stable")
    return rows[in_order], hashes[in_order]


class _Counts:
    """How often shingles occur: never too low, too high where others share their place, and at most _MAX_COUNT."""

    def __init__(self, shingles: _Shingles) -> None:
        num_places = max(_MIN_PLACES, 1 << (_PLACES_PER_SHINGLE * len(shingles)).bit_length())
        self._mask = np.uint64(num_places - 1)
        self._counts = np.zeros(num_places, dtype=np.uint8)
        for _, hashes in shingles:
            places, counts = np.unique(hashes & self._mask, return_counts=True)
            self._counts[places] = np.minimum(self._counts[places] + counts, _MAX_COUNT)

    def of(self, hashes: "Hashes") -> "NDArray[np.uint8]":
        found: NDArray[np.uint8] = self._counts[hashes & self._mask]
        return found


class _Templates:
    """The shingles that more than `limit` texts have: counted exactly, but only those that may be ones.

    A phrase that one text repeats a thousand times is no template: every text counts once.
    """

    def __init__(self, shingles: _Shingles, counts: _Counts, limit: int) -> None:
        self._counts = counts
        self._limit = limit
        found, num_texts = [np.empty(0, dtype=np.uint64)], [np.empty(0, dtype=np.int64)]
        for rows, hashes in shingles:
            is_frequent = counts.of(hashes) > limit
            rows, hashes = rows[is_frequent], hashes[is_frequent]
            order = np.lexsort((rows, hashes))
            is_new = np.diff(rows[order], prepend=-1) != 0
            is_new[1:] |= np.diff(hashes[order]) != 0
            of_batch, num_of_batch = np.unique(hashes[order][is_new], return_counts=True)
            found.append(of_batch)
            num_texts.append(num_of_batch)
        distinct, codes = np.unique(np.concatenate(found), return_inverse=True)
        totals = np.bincount(codes, np.concatenate(num_texts), minlength=len(distinct))
        self._hashes = distinct[totals > limit]
        self.num_texts = totals[totals > limit]
        """In how many texts each stands."""

    def __len__(self) -> int:
        return len(self._hashes)

    def places(self, hashes: "Hashes") -> "Places":
        """The place of each shingle among the templates; -1 where it is none."""
        places = np.full(len(hashes), -1, dtype=np.int64)
        if len(self):
            may_be = np.flatnonzero(self._counts.of(hashes) > self._limit)
            nearest = np.searchsorted(self._hashes, hashes[may_be]).clip(max=len(self) - 1)
            is_template = self._hashes[nearest] == hashes[may_be]
            places[may_be[is_template]] = nearest[is_template]
        return places


class _Copies:
    """Which templates belong to what a text is a copy of: those that hardly more texts have than its answer.

    Rows under one instruction share the instruction and not the answer; copies of one row share both. An answer is
    shared by as many texts as have each of a `threshold` of its shingles. A short answer is the label of many rows
    that are no copies: what they share is copied only where all texts that have it have that answer.
    """

    def __init__(
        self, shingles: _Shingles, templates: _Templates, threshold: float, answer: Callable[[int], str]
    ) -> None:
        self._templates = templates
        self._threshold = threshold
        self._answer = answer
        self._most_texts = np.zeros(shingles.num_texts)
        """By text: in how many texts a template may stand that belongs to it."""
        self._short_answers = np.zeros(shingles.num_texts, dtype=np.uint64)
        """By text: the hash of its answer, where that is short and the text is mostly template; else 0."""
        self._is_copy = np.zeros(shingles.num_texts, dtype=np.bool_)
        """By text: whether it may be a copy, and its answer is short."""
        lowest = np.full(len(templates), np.iinfo(np.uint64).max, dtype=np.uint64)
        highest = np.zeros(len(templates), dtype=np.uint64)
        for rows, hashes in shingles:
            places = templates.places(hashes)
            self._look_at_answers(rows, places)
            is_template = places >= 0
            short_answers = self._short_answers[rows[is_template]]
            np.minimum.at(lowest, places[is_template], short_answers)
            np.maximum.at(highest, places[is_template], short_answers)
        self._has_one_answer = lowest == highest

    def have(self, rows: "Rows", places: "Places") -> "NDArray[np.bool_]":
        """Whether templates, by their places, are copied in these texts."""
        with_long_answer = self._templates.num_texts[places] <= self._most_texts[rows]
        found: NDArray[np.bool_] = with_long_answer | (self._is_copy[rows] & self._has_one_answer[places])
        return found

    def _look_at_answers(self, rows: "Rows", places: "Places") -> None:
        if not len(rows):
            return
        starts = np.flatnonzero(np.diff(rows, prepend=-1))
        num_all = np.diff(starts, append=len(rows))
        # What copies have in common is template, as long as they are more than the limit.
        is_mostly_template = np.add.reduceat(places >= 0, starts) >= self._threshold * num_all * _ROUNDING
        for start, size in zip(starts[is_mostly_template], num_all[is_mostly_template], strict=True):
            row, of_text = int(rows[start]), places[start : start + size]
            differs_by_few_words = _differs_by_few_words(of_text)
            found = words(self._answer(row))
            if len(found) < MIN_LONG_ANSWER_WORDS:
                self._short_answers[row] = _hash(" ".join(found))
                self._is_copy[row] = differs_by_few_words
            elif differs_by_few_words:
                of_answer = of_text[SHINGLE_WORDS - 1 - len(found) :]
                num_texts = np.sort(np.where(of_answer >= 0, self._templates.num_texts[of_answer], 0))
                self._most_texts[row] = num_texts[int((1 - self._threshold) * len(num_texts))] / self._threshold


def _differs_by_few_words(places: "Places") -> bool:
    """Whether at no place of a text more than MAX_EDITED_WORDS can be its own; at an end it may be SHINGLE_WORDS - 1.

    A run of so many words is in SHINGLE_WORDS - 1 more shingles. At an end there are fewer, and they do not tell one
    word from several.
    """
    runs = np.diff(np.flatnonzero(places >= 0), prepend=-1, append=len(places)) - 1
    return bool(max(runs[0], runs[-1]) < SHINGLE_WORDS and runs.max() < SHINGLE_WORDS + MAX_EDITED_WORDS)


def _without_templates(batch: "Batch", templates: _Templates, copies: _Copies | None) -> "Batch":
    """Leave out template shingles, except in copies, and in texts that consist of nothing else."""
    rows, hashes = batch
    if not len(rows) or not len(templates):
        return batch
    places = templates.places(hashes)
    keep = places < 0
    if copies is not None:
        is_template = places >= 0
        keep[is_template] = copies.have(rows[is_template], places[is_template])
    first = rows[0]
    has_content = np.zeros(rows[-1] - first + 1, dtype=bool)
    has_content[rows[keep] - first] = True
    keep |= ~has_content[rows - first]
    return rows[keep], hashes[keep]


def _without_loners(batch: "Batch", counts: _Counts, threshold: float) -> "Batch":
    """Leave out texts whose shingles mostly occur nowhere else: partners have threshold x |shingles| in common."""
    rows, hashes = batch
    return _with_enough_shared(rows, hashes, counts.of(hashes) > 1, threshold)


def _without_partners(rows: "Rows", hashes: "Hashes", threshold: float) -> "Batch":
    """The same among the texts that are left, with exact counts."""
    codes, counts = np.unique(hashes, return_inverse=True, return_counts=True)[1:]
    return _with_enough_shared(rows, hashes, counts[codes] > 1, threshold)


def _with_enough_shared(rows: "Rows", hashes: "Hashes", is_shared: "NDArray[np.bool_]", threshold: float) -> "Batch":
    """Keep texts with enough shared shingles.

    Occurrences are counted instead of distinct shingles. That can keep a text too many, but none too few: a shingle
    found once in all texts is exactly one distinct shingle, and repeats only add to the shared side.
    """
    if not len(rows):
        return rows, hashes
    first = rows[0]
    num_all = np.bincount(rows - first)
    num_shared = np.bincount(rows[is_shared] - first, minlength=len(num_all))
    keep = (num_shared >= threshold * num_all * _ROUNDING)[rows - first]
    return rows[keep], hashes[keep]


def _joined(batches: Iterable["Batch"]) -> "Batch":
    found = list(batches)
    if not found:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.uint64)
    return np.concatenate([rows for rows, _ in found]), np.concatenate([hashes for _, hashes in found])


def _hash(word: str) -> int:
    # Lone surrogates can stand in JSON strings; they are hashed like any other character.
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")
