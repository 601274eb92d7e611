"""Texts that nearly repeat each other: MinHash LSH proposes pairs, their exact Jaccard similarity decides.

A text is the set of its word 5-grams (shingles), taken after NFKC, case folding and turning punctuation into spaces;
two texts are similar from a given share of common shingles on (Broder 1997, "On the resemblance and containment of
documents"). Three steps keep the cost linear in the number of texts, and the memory small (see shingles.py):

1. Shingles that stand in very many texts (a shared instruction, the keys of a JSON answer) are a template. They say
   nothing about two rows and are left out, or all rows under one long instruction would be near-duplicates. What hardly
   more texts share than one answer is no instruction: such texts are copies, and are compared whole.
2. A text whose shingles mostly occur nowhere else cannot reach the threshold. It is set aside, without loss.
3. What remains is signed by datasketch and cut into bands. They are chosen so that a pair exactly at the threshold is
   proposed with a probability of at least 99.5 %; pairs above it are proposed even more surely. Texts that share a
   band are found by sorting: 200 bytes a text, where an index of dictionaries takes 4,000. Of very many that share a
   band, as copies of one row do, each is compared with a few leaders only.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, combinations, product
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.checks.shingles import MAX_SHARED_TEXTS, candidate_shingles, mix
from tunewright.errors import MissingExtraError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]

_NUM_PERMUTATIONS = 48
_MIN_RECALL_AT_THRESHOLD = 0.995
_SEED = 1


@dataclass(frozen=True, slots=True, order=True)
class SimilarPair:
    """Two texts by their positions, `first < second`, and the exact Jaccard similarity of their shingles."""

    first: int
    second: int
    similarity: float


def similar_pairs(
    texts: Sequence[str],
    threshold: float,
    key: Callable[[int], str] | None = None,
    answer: Callable[[int], str] | None = None,
    leaders: Callable[[Sequence[int]], Collection[int]] | None = None,
) -> list[SimilarPair]:
    """Find all pairs of texts at or above the threshold.

    Args:
        texts: what to compare. Texts without any word are similar to nothing.
        threshold: smallest Jaccard similarity of a pair, in (0, 1].
        key: gives the key of the text at a position; only texts with equal keys are compared. It is asked only for
            texts that may have a partner, so it may be slow.
        answer: gives the answer that the text at a position ends with; without it, texts of which more than
            MAX_SHARED_TEXTS are copies of one count as one template. It may be slow too.
        leaders: chooses, of more than MAX_SHARED_TEXTS texts that seem alike, those that the others are compared with.
            Without it all are compared with all.
    Returns:
        The pairs in ascending order. The same texts always give the same pairs.
    Raises:
        MissingExtraError: datasketch is not installed.
    """
    shingles = candidate_shingles(texts, threshold, key, answer)
    pairs = []
    for first, second in sorted(_proposed(shingles, threshold, leaders)):
        similarity = _jaccard(shingles[first], shingles[second], threshold)
        if similarity >= threshold:
            pairs.append(SimilarPair(first, second, similarity))
    return pairs


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


def _proposed(
    shingles: dict[int, "Hashes"], threshold: float, leaders: Callable[[Sequence[int]], Collection[int]] | None
) -> set[tuple[int, int]]:
    """Pairs that share a band of their MinHash signatures, lower position first."""
    if not shingles:
        return set()
    positions = list(shingles)
    signatures = _signatures(shingles.values())
    num_bands, size = _bands(threshold)
    groups = [
        [positions[index] for index in group]
        for first in range(0, num_bands * size, size)
        for group in _equal_rows(signatures[:, first : first + size])
    ]
    proposed: set[tuple[int, int]] = set()
    led = {position for group in groups if len(group) > MAX_SHARED_TEXTS for position in group} if leaders else set()
    for group in groups:
        free = [position for position in group if position not in led]
        proposed.update(combinations(free, 2))
        if leaders is not None and len(free) < len(group):
            # Also where the group is small: the best of all leads every group that it is in, and so meets all like it.
            many = [position for position in group if position in led]
            pairs = chain(product(leaders(many), many), product(free, many))
            proposed.update((min(pair), max(pair)) for pair in pairs if pair[0] != pair[1])
    return proposed


def _signatures(shingles: Collection["Hashes"]) -> "NDArray[np.uint32]":
    """One MinHash signature in each row."""
    try:
        from datasketch import MinHash
    except ImportError:
        raise MissingExtraError("datasketch", "data", "find rows that nearly repeat each other") from None
    # datasketch wants 32-bit values; the upper half of a mixed 64-bit hash is as good as any.
    values = ((hashes >> np.uint64(32)).tolist() for hashes in shingles)
    signatures = np.empty((len(shingles), _NUM_PERMUTATIONS), dtype=np.uint32)
    for index, signed in enumerate(MinHash.generator(values, num_perm=_NUM_PERMUTATIONS, seed=_SEED, hashfunc=int)):
        signatures[index] = signed.hashvalues
    return signatures


def _equal_rows(band: "NDArray[np.uint32]") -> Iterator[list[int]]:
    """Indices of equal rows, ascending, for every row that is not alone.

    Rows are compared by a 64-bit hash. A pair too many would be proposed in vain, and is never to be seen.
    """
    hashes = np.zeros(len(band), dtype=np.uint64)
    for column in band.T:
        hashes = mix(hashes + column)
    order = np.argsort(hashes, kind="stable")
    ends = np.flatnonzero(np.diff(hashes[order])) + 1
    for group in np.split(order, ends):
        if len(group) > 1:
            yield group.tolist()


def _bands(threshold: float) -> tuple[int, int]:
    """Number of bands and values per band: the longest bands that still propose a pair at the threshold.

    A pair of similarity s shares one of b bands of r values with probability 1 - (1 - s^r)^b (Leskovec, Rajaraman,
    Ullman, "Mining of Massive Datasets", section 3.4). Longer bands propose fewer pairs in vain.
    """
    best = (_NUM_PERMUTATIONS, 1)
    for size in range(2, _NUM_PERMUTATIONS // 2 + 1):
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
