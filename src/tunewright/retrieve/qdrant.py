"""Passages on a Qdrant server, for more of them than one machine's disk should hold.

Keywords are sparse vectors: the server multiplies their BM25 term weights (k1 1.2, b 0.75) with the inverse document
frequency. Words are those of LanceDB, so both databases rank alike.
"""

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, cast
from uuid import UUID

from tunewright.errors import MissingExtraError, Problem, RecipeError, StoreError
from tunewright.records import Passage, content_hash
from tunewright.retrieve.embed import Embedder, NgramEmbedder
from tunewright.retrieve.hybrid import Found, HybridIndex, distinct, index_identity, searched_text
from tunewright.retrieve.index_folder import IndexCard, open_index_folder, publish_index
from tunewright.store import Files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from qdrant_client import QdrantClient
    from qdrant_client.models import PointStruct, ScoredPoint, SparseVector

URL_VARIABLE = "QDRANT_URL"
KEY_VARIABLE = "QDRANT_API_KEY"
KEYWORDS = "keywords"
VECTOR = "vector"
BM25_K1 = 1.2
BM25_B = 0.75


def connect() -> "QdrantClient":
    """Connect to the server whose address stands in the environment: QDRANT_URL, and QDRANT_API_KEY if it wants one.

    Raises:
        RecipeError: QDRANT_URL is not set.
        MissingExtraError: qdrant-client is not installed.
    """
    client_type = _client_type()
    url = os.environ.get(URL_VARIABLE)
    if not url:
        fix = f"Set it, as in: export {URL_VARIABLE}=http://localhost:6333"
        raise RecipeError(Problem(f"environment variable {URL_VARIABLE}", "nothing", "a Qdrant server's address", fix))
    return client_type(url=url, api_key=os.environ.get(KEY_VARIABLE), check_compatibility=False)


def build_qdrant(
    passages: Iterable[Passage],
    parent: Path,
    files: Files,
    client: "QdrantClient",
    fit: Callable[[Sequence[str]], Embedder] = NgramEmbedder.fit,
) -> HybridIndex:
    """Index passages on a server, and keep the embedder in a folder under `parent` that is named by the identity.

    The collection gets its name when it is complete, in one step; one that is there already is used again. Two
    builds of the same passages at once disturb each other.

    Args:
        passages: in any order; a repeated one counts once.
        fit: makes the embedder from the texts that are indexed.
    Raises:
        DataError: there is no passage.
        StoreError: the server cannot be reached or refuses, or the disk is full or failing.
        MissingExtraError: qdrant-client, lancedb or what the embedder needs is not installed.
    """
    unique = distinct(passages)
    embedder = fit([searched_text(passage) for passage in unique])
    identity = index_identity("qdrant", unique, embedder)
    with _refusals():
        if not _is_complete(client, identity):
            _fill(client, identity, unique, embedder)
    card = IndexCard(kind="qdrant", identity=identity, num_passages=len(unique))
    folder = publish_index(parent, card, embedder, files, lambda _: None)
    return open_qdrant(folder, files, client)


def open_qdrant(folder: Path, files: Files, client: "QdrantClient") -> HybridIndex:
    """Open an index that build_qdrant made.

    Raises:
        CorruptError: the folder is no such index, or a file is missing or changed.
        ModelError: the sentence-transformers model it was made with is gone or was changed.
        StoreError: the server cannot be reached, or does not hold the passages.
    """
    card, embedder = open_index_folder(folder, "qdrant", files)
    with _refusals():
        num_passages = _count(client, card.identity)
    if num_passages != card.num_passages:
        found, expected = f"{num_passages:,} passages", f"{card.num_passages:,}"
        where = f"Qdrant collection {_name(card.identity)}"
        raise StoreError(str(Problem(where, found, expected, "Remove it on the server, and build the index again.")))
    return HybridIndex(_QdrantStore(client, _name(card.identity)), embedder, card.identity)


class _QdrantStore:
    def __init__(self, client: "QdrantClient", collection: str) -> None:
        self._client = client
        self._collection = collection

    def by_keywords(self, query: str, limit: int) -> list[Found]:
        terms = _terms(query)
        # A term that the query repeats counts as often, as in LanceDB.
        return self._query(_sparse(Counter(terms)), KEYWORDS, limit) if terms else []

    def by_vector(self, vector: "NDArray[np.float32]", limit: int) -> list[Found]:
        return self._query(vector.tolist(), VECTOR, limit)

    def _query(self, query: "SparseVector | list[float]", using: str, limit: int) -> list[Found]:
        with _refusals():
            points = self._client.query_points(self._collection, query=query, using=using, limit=limit).points
        return [Found(_passage(point), point.score) for point in points if point.score > 0]


def _passage(point: "ScoredPoint") -> Passage:
    return Passage.model_validate(point.payload)


def _fill(client: "QdrantClient", identity: str, passages: Sequence[Passage], embedder: Embedder) -> None:
    from qdrant_client import models

    building = f"{_name(identity)}-building"
    if client.collection_exists(building):
        client.delete_collection(building)
    client.create_collection(
        building,
        vectors_config={VECTOR: models.VectorParams(size=embedder.num_dimensions, distance=models.Distance.DOT)},
        sparse_vectors_config={KEYWORDS: models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    client.upload_points(building, _points(passages, embedder), wait=True)
    alias = models.CreateAlias(collection_name=building, alias_name=_name(identity))
    client.update_collection_aliases([models.CreateAliasOperation(create_alias=alias)])


def _points(passages: Sequence[Passage], embedder: Embedder) -> "Iterator[PointStruct]":
    from qdrant_client.models import PointStruct

    texts = [searched_text(passage) for passage in passages]
    term_counts = [Counter(_terms(text)) for text in texts]
    mean_terms = sum(counts.total() for counts in term_counts) / len(passages)
    for passage, counts, vector in zip(passages, term_counts, embedder.encode(texts), strict=True):
        yield PointStruct(
            id=str(UUID(content_hash(passage.id)[:32])),
            vector={VECTOR: vector.tolist(), KEYWORDS: _sparse(_term_weights(counts, mean_terms))},
            payload=passage.model_dump(),
        )


def _term_weights(counts: Counter[int], mean_terms: float) -> dict[int, float]:
    """The part of BM25 that depends on one passage alone."""
    norm = BM25_K1 * (1 - BM25_B + BM25_B * counts.total() / mean_terms) if mean_terms else BM25_K1
    return {term: count * (BM25_K1 + 1) / (count + norm) for term, count in counts.items()}


def _sparse(weights: "Counter[int] | dict[int, float]") -> "SparseVector":
    from qdrant_client.models import SparseVector

    return SparseVector(indices=list(weights), values=[float(weight) for weight in weights.values()])


def _terms(text: str) -> list[int]:
    """The words of a text as 32-bit numbers. Two of 50,000 words share one with a probability of 25 %."""
    try:
        from lancedb import tokenize
    except ImportError:
        raise MissingExtraError("lancedb", "qdrant", "split text into keywords") from None
    return [int.from_bytes(sha256(token.text.encode()).digest()[:4]) for token in tokenize(text)]


def _name(identity: str) -> str:
    return f"tunewright-{identity[:32]}"


def _is_complete(client: "QdrantClient", identity: str) -> bool:
    return any(alias.alias_name == _name(identity) for alias in client.get_aliases().aliases)


def _count(client: "QdrantClient", identity: str) -> int:
    return client.count(_name(identity)).count if _is_complete(client, identity) else 0


@contextmanager
def _refusals() -> Iterator[None]:
    """Put what the server refuses, and that it is not there, into words."""
    from qdrant_client.http.exceptions import ApiException

    try:
        yield
    except ApiException as error:
        found = f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"
        fix = f"Check {URL_VARIABLE}, {KEY_VARIABLE} and the server."
        raise StoreError(str(Problem("Qdrant", found, "an answer", fix))) from None


def _client_type() -> "type[QdrantClient]":
    try:
        from qdrant_client import QdrantClient
    except ImportError:
        raise MissingExtraError("qdrant-client", "qdrant", "keep passages on a Qdrant server") from None
    return cast("type[QdrantClient]", QdrantClient)
