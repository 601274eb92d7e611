"""Texts that nearly repeat each other: MinHash LSH proposes pairs, their exact Jaccard similarity decides.

A text is the set of its word 5-grams (shingles), taken after NFKC, case folding and turning punctuation into spaces;
two texts are similar from a given share of common shingles on (Broder 1997, "On the resemblance and containment of
documents"). Three steps keep the cost linear in the number of texts:

1. Shingles that stand in very many texts (a shared instruction, the keys of a JSON answer) are a template. They say
   nothing about two rows and are left out, or all rows under one long instruction would be near-duplicates.
2. A text whose shingles mostly occur nowhere else cannot reach the threshold. It is set aside, without loss.
3. What remains is signed and banded by datasketch. The bands are chosen so that a pair exactly at the threshold is
   proposed with a probability of at least 99.5 %; pairs above it are proposed even more surely.
"""

import hashlib
import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tunewright.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Rows = NDArray[np.int32]

SHINGLE_WORDS = 5
TEMPLATE_SHARE = 0.05
MIN_TEMPLATE_TEXTS = 20
MAX_SHARED_TEXTS = 200
"""A shingle is a template when more texts have it than TEMPLATE_SHARE of them, but at least MIN_TEMPLATE_TEXTS and at
most MAX_SHARED_TEXTS. The upper bound is also what keeps the number of pairs linear."""

_NUM_PERMUTATIONS = 48
_MIN_RECALL_AT_THRESHOLD = 0.995
_SEED = 1
# Chinese and Japanese are written without spaces: each character counts as a word there.
_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+")
_ASCII_WORD = re.compile(r"[^\W_]+", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class SimilarPair:
    """Two texts by their positions, `first < second`, and the exact Jaccard similarity of their shingles."""

    first: int
    second: int
    similarity: float


def words(text: str) -> list[str]:
    """Give the words by which texts are compared: NFKC, case folded, without punctuation.

    >>> words("Don't pay £1,000!")
    ['don', 't', 'pay', '1', '000']
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def similar_groups(texts: Sequence[str], threshold: float) -> list[tuple[int, ...]]:
    """Group texts that are linked by pairs at or above the threshold.

    Two texts of one group need not be similar themselves, if similar texts lie between them.

    Args:
        texts: what to compare.
        threshold: smallest Jaccard similarity of a pair, in (0, 1].
    Returns:
        Positions in ascending order, groups of two or more, ordered by their first position.
    Raises:
        MissingExtraError: datasketch is not installed.
    """
    return linked((pair.first, pair.second) for pair in similar_pairs(texts, threshold))


def similar_pairs(texts: Sequence[str], threshold: float, key: Callable[[int], str] | None = None) -> list[SimilarPair]:
    """Find all pairs of texts at or above the threshold.

    Args:
        texts: what to compare. Texts without any word are similar to nothing.
        threshold: smallest Jaccard similarity of a pair, in (0, 1].
        key: gives the key of the text at a position; only texts with equal keys are compared. It is asked only for
            texts that may have a partner, so it may be slow.
    Returns:
        The pairs in ascending order. The same texts always give the same pairs.
    Raises:
        MissingExtraError: datasketch is not installed.
    """
    shingles = _candidate_shingles(texts, threshold, key)
    pairs = []
    for first, second in _proposed(shingles, threshold):
        similarity = _jaccard(shingles[first], shingles[second], threshold)
        if similarity >= threshold:
            pairs.append(SimilarPair(first, second, similarity))
    return sorted(pairs)


def linked(pairs: Iterable[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Join pairs into groups (connected components), each in ascending order, ordered by their first member."""
    parent: dict[int, int] = {}

    def root(item: int) -> int:
        parent.setdefault(item, item)
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    for first, second in pairs:
        low, high = sorted((root(first), root(second)))
        parent[high] = low
    members: dict[int, list[int]] = defaultdict(list)
    for item in sorted(parent):
        members[root(item)].append(item)
    return [tuple(group) for group in members.values()]


def _candidate_shingles(
    texts: Sequence[str], threshold: float, key: Callable[[int], str] | None
) -> dict[int, "Hashes"]:
    """Sorted distinct shingles of the texts that may have a partner, by position."""
    rows, hashes = _all_shingles(texts)
    rows, hashes = _without_templates(rows, hashes, len(texts))
    rows, hashes = _without_loners(rows, hashes, threshold)
    if key is not None:
        # Mixed into the shingles, unequal keys leave two texts nothing in common.
        found, codes = np.unique(rows, return_inverse=True)
        key_hashes = np.array([_hash(key(position)) for position in found.tolist()], dtype=np.uint64)
        rows, hashes = _without_loners(rows, _mix(hashes + key_hashes[codes]), threshold)
    in_order = np.argsort(rows, kind="stable")
    rows, hashes = rows[in_order], hashes[in_order]
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    pieces = np.split(hashes, starts[1:]) if len(rows) else []
    return {int(rows[start]): np.unique(piece) for start, piece in zip(starts, pieces, strict=True)}


def _all_shingles(texts: Sequence[str]) -> tuple["Rows", "Hashes"]:
    """Every shingle of every text as a 64-bit hash, with the position of its text.

    A text of fewer than SHINGLE_WORDS words has no 5-gram. Its shingles are its n-grams of every length, so that at
    usual thresholds it is similar only to texts of the same words in the same order.
    """
    lengths, words_of_all = _word_hashes(texts)
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)
    words_left = np.repeat(np.cumsum(lengths, dtype=np.int32), lengths) - np.arange(len(rows), dtype=np.int32)
    is_short = (lengths < SHINGLE_WORDS)[rows]
    found_rows, found_hashes = [], []
    window = _mix(words_of_all)
    for size in range(1, SHINGLE_WORDS + 1):
        if size > 1:
            window = _mix(window[:-1] + words_of_all[size - 1 :])
        of_this_size = is_short if size < SHINGLE_WORDS else ~is_short
        inside = (of_this_size & (words_left >= size))[: len(window)]
        found_rows.append(rows[: len(window)][inside])
        found_hashes.append(window[inside])
    return np.concatenate(found_rows), np.concatenate(found_hashes)


def _word_hashes(texts: Sequence[str]) -> tuple["Rows", "Hashes"]:
    """The number of words of each text, and the hashes of all words one after another."""
    word_ids: defaultdict[str, int] = defaultdict()
    word_ids.default_factory = word_ids.__len__
    flat = array("I")
    lengths = np.zeros(len(texts), dtype=np.int32)
    for position, text in enumerate(texts):
        found = words(text)
        lengths[position] = len(found)
        flat.extend(map(word_ids.__getitem__, found))
    hashes = np.array([_hash(word) for word in word_ids], dtype=np.uint64)
    return lengths, hashes[np.array(flat, dtype=np.uint32)]


def _without_templates(rows: "Rows", hashes: "Hashes", num_texts: int) -> tuple["Rows", "Hashes"]:
    """Leave out template shingles, except in texts that consist of nothing else."""
    limit = max(MIN_TEMPLATE_TEXTS, min(round(TEMPLATE_SHARE * num_texts), MAX_SHARED_TEXTS))
    distinct, counts = np.unique(hashes, return_counts=True)
    is_frequent = np.isin(hashes, distinct[counts > limit])
    # Counted again by text: a phrase that one text repeats a thousand times is no template.
    codes = np.unique(hashes[is_frequent], return_inverse=True)[1]
    code_by_text = np.unique(np.stack([codes, rows[is_frequent]]), axis=1)[0]
    is_template = is_frequent.copy()
    is_template[is_frequent] = (np.bincount(code_by_text) > limit)[codes]
    has_content = np.zeros(num_texts, dtype=bool)
    has_content[rows[~is_template]] = True
    keep = ~is_template | ~has_content[rows]
    return rows[keep], hashes[keep]


def _without_loners(rows: "Rows", hashes: "Hashes", threshold: float) -> tuple["Rows", "Hashes"]:
    """Leave out texts that share too few shingles with the rest: a pair needs threshold x |shingles| in common.

    Occurrences are counted instead of distinct shingles. That can keep a text too many, but none too few: a shingle
    found once in all texts is exactly one distinct shingle, and repeats only add to the shared side.
    """
    codes, counts = np.unique(hashes, return_inverse=True, return_counts=True)[1:]
    num_all = np.bincount(rows)
    num_alone = np.bincount(rows[counts[codes] == 1], minlength=len(num_all))
    # The last factor forgives the rounding of threshold x count.
    may_match = num_all - num_alone >= threshold * num_all * (1 - 1e-9)
    keep = may_match[rows]
    return rows[keep], hashes[keep]


def _proposed(shingles: dict[int, "Hashes"], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs that share a band of their MinHash signatures, each once, lower position first."""
    if not shingles:
        return
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        raise MissingExtraError("datasketch", "data", "find rows that nearly repeat each other") from None
    # datasketch wants 32-bit values; the upper half of a mixed 64-bit hash is as good as any.
    values = ((hashes >> np.uint64(32)).tolist() for hashes in shingles.values())
    signatures = MinHash.generator(values, num_perm=_NUM_PERMUTATIONS, seed=_SEED, hashfunc=int)
    index = MinHashLSH(num_perm=_NUM_PERMUTATIONS, params=_bands(threshold))
    for position, signature in zip(shingles, signatures, strict=True):
        for earlier in sorted(index.query(signature)):
            yield earlier, position
        index.insert(position, signature, check_duplication=False)


def _bands(threshold: float) -> tuple[int, int]:
    """Number of bands and values per band: the longest bands that still propose a pair at the threshold.

    A pair of similarity s shares one of b bands of r values with probability 1 - (1 - s^r)^b (Leskovec, Rajaraman,
    Ullman, "Mining of Massive Datasets", section 3.4). Longer bands propose fewer pairs in vain.
    """
    best = (_NUM_PERMUTATIONS, 1)
    for size in range(2, _NUM_PERMUTATIONS // 2 + 1):  # datasketch wants at least two bands
        num_bands = _NUM_PERMUTATIONS // size
        if 1 - (1 - threshold**size) ** num_bands >= _MIN_RECALL_AT_THRESHOLD:
            best = (num_bands, size)
    return best


def _jaccard(left: "Hashes", right: "Hashes", threshold: float) -> float:
    """Exact Jaccard similarity of two sorted sets, or 0 when their sizes alone keep it under the threshold."""
    small, large = sorted((len(left), len(right)))
    if small < threshold * large * (1 - 1e-9):
        return 0.0
    num_common = np.intersect1d(left, right, assume_unique=True).size
    return float(num_common / (small + large - num_common))


def _hash(word: str) -> int:
    # Lone surrogates can stand in JSON strings; they are hashed like any other character.
    return int.from_bytes(hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def _mix(hashes: "Hashes") -> "Hashes":
    """Spread every bit over the whole word (the finalizer of SplitMix64, Steele et al. 2014), wrapping around."""
    mixed = hashes + np.uint64(0x9E3779B97F4A7C15)
    # In place: there may be tens of millions.
    mixed ^= mixed >> np.uint64(30)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(27)
    mixed *= np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return mixed
