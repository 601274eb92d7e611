"""Texts to vectors of length 1, so that texts of near meaning or spelling lie close.

Without any model: character n-grams, weighted by TF-IDF and folded by signed hashing (Weinberger et al. 2009) into
NUM_DIMENSIONS numbers, which keeps the cosine of the full vectors but for noise. They see through inflection,
compounds and typing errors, not through synonyms. Truncated SVD in its place is worse the larger the corpus: on 7,031
passages of FairytaleQA the right one is first for 11 % of the questions with 256 dimensions of SVD, for 25 % with
random projections of the same n-grams to 1,024.

A sentence-transformers model sees synonyms too: sentence_embedder.py.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

from tunewright.data.checks.words import words
from tunewright.errors import MissingExtraError
from tunewright.records import canonical_json, content_hash
from tunewright.retrieve.sentence_embedder import CARD, SentenceEmbedder
from tunewright.store import Files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sklearn.feature_extraction.text import HashingVectorizer

    Vectors = NDArray[np.float32]

COUNTS = "embedder.safetensors"
NUM_DIMENSIONS = 1_024
NUM_HASHED_TERMS = 2**18
NGRAM_LENGTHS = (3, 5)
NGRAM_WEIGHT = 0.2
"""Measured with FairytaleQA: with 1 the n-grams, which are the weaker ranking, pull the right passage down, from first
for 46 % of the questions to 42 %; with 0.2 nothing is lost."""
CHUNK_TEXTS = 2_000


class Embedder(Protocol):
    """Turns texts into vectors."""

    @property
    def identity(self) -> str:
        """Hash of everything that the vectors depend on."""

    @property
    def num_dimensions(self) -> int:
        """Length of a vector."""

    @property
    def weight(self) -> float:
        """How much a rank by these vectors counts beside a rank by keywords; 1 is as much."""

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """One row per text, of length 1; zeros where nothing in the text is known."""

    def save(self, folder: Path, files: Files) -> None:
        """Write what load_embedder needs into an existing folder."""


class NgramEmbedder:
    """Character n-grams, TF-IDF, folded; needs no model. Make it with `fit`.

    Args:
        num_texts: how many texts it was fitted on.
        document_counts: [NUM_HASHED_TERMS] int32, in how many of them each hashed n-gram occurs.
    """

    num_dimensions = NUM_DIMENSIONS
    weight = NGRAM_WEIGHT

    def __init__(self, num_texts: int, document_counts: "NDArray[np.int32]") -> None:
        import numpy as np

        self._num_texts = num_texts
        self._document_counts = document_counts
        # Smoothed: as if one more text held every n-gram once.
        self._idf = (np.log((1 + num_texts) / (1 + document_counts)) + 1).astype(np.float32)
        self._vectorizer = _vectorizer()
        settings = [NUM_DIMENSIONS, NUM_HASHED_TERMS, *NGRAM_LENGTHS, NGRAM_WEIGHT, num_texts]
        # Of the counts, not of their logarithms, whose last bit may differ by machine.
        counts_hash = sha256(document_counts.astype("<i4").tobytes()).hexdigest()
        self.identity = content_hash(["ngrams", settings, counts_hash])

    @classmethod
    def fit(cls, texts: Sequence[str]) -> Self:
        """Count in how many texts each n-gram occurs.

        Raises:
            MissingExtraError: scikit-learn is not installed.
        """
        import numpy as np

        counts = np.zeros(NUM_HASHED_TERMS, dtype=np.int32)
        vectorizer = _vectorizer()
        for chunk in _chunks(texts):
            terms = vectorizer.transform(chunk)
            counts += np.bincount(terms.indices[terms.data != 0], minlength=NUM_HASHED_TERMS).astype(np.int32)
        return cls(len(texts), counts)

    @classmethod
    def load(cls, folder: Path, num_texts: int) -> Self:
        """Read what `save` wrote."""
        from safetensors.numpy import load_file

        return cls(num_texts, load_file(folder / COUNTS)["document_counts"])

    def save(self, folder: Path, files: Files) -> None:
        """As Embedder."""
        from safetensors.numpy import save

        files.write(folder / COUNTS, save({"document_counts": self._document_counts}))
        files.write(folder / CARD, canonical_json({"kind": "ngrams", "num_texts": self._num_texts}).encode())

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """As Embedder."""
        import numpy as np

        parts = [self._encode_chunk(chunk) for chunk in _chunks(texts)]
        return np.concatenate(parts) if parts else np.zeros((0, NUM_DIMENSIONS), dtype=np.float32)

    def _encode_chunk(self, texts: Sequence[str]) -> "Vectors":
        import numpy as np
        from scipy.sparse import csr_matrix

        terms: csr_matrix[np.float32] = self._vectorizer.transform(texts)
        counts = np.abs(terms.data)
        weights = np.sign(terms.data) * np.log1p(counts) * self._idf[terms.indices]
        folded = csr_matrix(
            (weights, terms.indices % NUM_DIMENSIONS, terms.indptr), shape=(len(texts), NUM_DIMENSIONS)
        ).toarray()
        return _of_length_one(folded)


def load_embedder(folder: Path) -> Embedder:
    """Read the embedder that `save` wrote.

    Raises:
        ModelError: a sentence-transformers model is gone or was changed.
        MissingExtraError: the library it needs is not installed.
    """
    card = json.loads((folder / CARD).read_bytes())
    if card["kind"] == "ngrams":
        return NgramEmbedder.load(folder, card["num_texts"])
    return SentenceEmbedder.load(Path(card["folder"]), card["sha256"])


def _vectorizer() -> "HashingVectorizer":
    try:
        from sklearn.feature_extraction.text import HashingVectorizer
    except ImportError:
        raise MissingExtraError("scikit-learn", "rag", "search passages by similarity") from None
    return HashingVectorizer(
        preprocessor=_plain,
        analyzer="char_wb",
        ngram_range=NGRAM_LENGTHS,
        n_features=NUM_HASHED_TERMS,
        alternate_sign=True,
        norm=None,
        dtype="float32",
    )


def _plain(text: str) -> str:
    return " ".join(words(text))


def _chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), CHUNK_TEXTS):
        yield texts[start : start + CHUNK_TEXTS]


def _of_length_one(vectors: "Vectors") -> "Vectors":
    import numpy as np

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Vectors = np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
    return scaled
