"""Hybrid search: a ranking by keywords and one by vectors, joined by reciprocal rank fusion.

Ranks are joined, not scores: BM25 and cosine have no common scale. A passage at rank r of a list gets 1 / (60 + r)
from it (Cormack, Clarke and Büttcher, SIGIR 2009), times the embedder's weight for the list by vectors.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from tunewright.errors import DataError, Problem
from tunewright.records import Hit, Passage, content_hash
from tunewright.retrieve.embed import Embedder

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]

RANK_CONSTANT = 60
MIN_CANDIDATES = 50
"""Passages taken from each ranking, at least."""
IDENTITY_VERSION = 1
"""Raise it when equal passages and settings could give other hits than before."""


@dataclass(frozen=True, slots=True)
class Found:
    """A passage in one ranking."""

    passage: Passage
    score: float


class PassageStore(Protocol):
    """A database that can rank passages in two ways. Of equal scores it may give any first."""

    def by_keywords(self, query: str, limit: int) -> list[Found]:
        """The passages with the highest BM25 scores, above 0."""

    def by_vector(self, vector: "Vector", limit: int) -> list[Found]:
        """The passages with the highest dot products, above 0."""


class HybridIndex:
    """A contracts.PassageIndex over a database and the embedder that its vectors came from.

    Args:
        store: holds the passages.
        embedder: made the vectors, and makes those of the queries.
        identity: see index_identity.
    """

    def __init__(self, store: PassageStore, embedder: Embedder, identity: str) -> None:
        self._store = store
        self._embedder = embedder
        self.identity = identity

    def search(self, queries: Sequence[str], k: int) -> list[list[Hit]]:
        """As contracts.PassageIndex."""
        vectors = self._embedder.encode(queries)
        return [self._search_one(query, vector, k) for query, vector in zip(queries, vectors, strict=True)]

    def _search_one(self, query: str, vector: "Vector", k: int) -> list[Hit]:
        num_candidates = max(MIN_CANDIDATES, k)
        by_keywords = rank(lambda limit: self._store.by_keywords(query, limit), num_candidates)
        # Nothing of the query is known where its vector is zero.
        by_vector = rank(lambda limit: self._store.by_vector(vector, limit), num_candidates) if vector.any() else []
        return fuse(by_keywords, by_vector, self._embedder.weight)[:k]


def rank(find: Callable[[int], list[Found]], num: int) -> list[Passage]:
    """The first `num` passages; of equal scores the smaller id comes first, wherever the database would cut.

    Args:
        find: gives the best passages up to a limit.
    """
    limit = num + 1
    found = find(limit)
    while len(found) == limit and found[-1].score == found[num - 1].score:
        limit *= 2
        found = find(limit)
    ordered = sorted(found, key=lambda one: (-one.score, one.passage.id))
    return [one.passage for one in ordered[:num]]


def fuse(by_keywords: Sequence[Passage], by_vector: Sequence[Passage], vector_weight: float) -> list[Hit]:
    """Join two rankings; of equal scores the smaller id comes first.

    Args:
        by_keywords, by_vector: best first, without repetition.
        vector_weight: what a rank in the second list counts; 1 is as much as in the first, 0 leaves the list out.
    """
    keyword_ranks = {passage.id: number for number, passage in enumerate(by_keywords, start=1)}
    vector_ranks = {passage.id: number for number, passage in enumerate(by_vector, start=1)} if vector_weight else {}
    passages = {passage.id: passage for passage in (*by_keywords, *by_vector)}
    hits = [
        Hit(
            passage=passage,
            score=_share(keyword_ranks.get(passage_id), 1.0) + _share(vector_ranks.get(passage_id), vector_weight),
            keyword_rank=keyword_ranks.get(passage_id),
            vector_rank=vector_ranks.get(passage_id),
        )
        for passage_id, passage in passages.items()
        if passage_id in keyword_ranks or passage_id in vector_ranks
    ]
    return sorted(hits, key=lambda hit: (-hit.score, hit.passage.id))


def _share(rank: int | None, weight: float) -> float:
    return 0.0 if rank is None else weight / (RANK_CONSTANT + rank)


def searched_text(passage: Passage) -> str:
    """What both rankings see of a passage."""
    return f"{passage.title}\n{passage.text}"


def distinct(passages: Iterable[Passage]) -> list[Passage]:
    """Each passage once, by id, so that an index does not depend on the order of its documents.

    Raises:
        DataError: there is none.
    """
    by_id = {passage.id: passage for passage in passages}
    if not by_id:
        fix = "Name a folder of documents with text."
        raise DataError(Problem("documents", "no passage", "text to search in", fix))
    return [passage for _, passage in sorted(by_id.items())]


def index_identity(kind: str, passages: Sequence[Passage], embedder: Embedder) -> str:
    """Hash of all that the hits depend on: passages, embedder and settings.

    Args:
        kind: the database and its way to count keywords.
        passages: as `distinct` gives them.
    """
    settings = [IDENTITY_VERSION, RANK_CONSTANT, MIN_CANDIDATES]
    return content_hash([kind, settings, embedder.identity, [passage.model_dump() for passage in passages]])
