"""TF-IDF vectors of texts: words and word pairs, with a bounded vocabulary.

Topics are looked for among content words alone. With function words in it, the clusters of CLINC150 are "what is",
"can you" and "do i".
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from string import ascii_lowercase
from typing import TYPE_CHECKING

from tunewright.data.checks.words import words
from tunewright.errors import MissingExtraError

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer

    Vectors = csr_matrix[np.float32]

MAX_TERMS = 20_000
MAX_CHARACTERS_FOR_PAIRS = 5_000_000
"""Word pairs are counted beside words while all texts together have at most so many characters. They matter most in
short texts, and take four times as long as the words alone."""
CHUNK_ROWS = 5_000


class TooLittleInCommonError(ValueError):
    """Texts that share too few terms to be compared."""


class Features:
    """Turns texts into TF-IDF vectors of length 1; a text without a known term becomes zero.

    Args:
        texts: what the vocabulary and the document frequencies are learned from.
        of_text: gives the words of a text.
        max_share: terms of more than this share of the texts are left out.
        pairs: count pairs of neighbouring words too.
    Raises:
        TooLittleInCommonError: no term occurs in two texts.
        MissingExtraError: scikit-learn is not installed.
    """

    def __init__(
        self,
        texts: Sequence[str],
        of_text: Callable[[str], list[str]] = words,
        *,
        max_share: float = 1.0,
        pairs: bool = False,
    ) -> None:
        count_vectorizer, tfidf_transformer = _vectorizers()

        def terms_of(text: str) -> list[str]:
            found = of_text(text)
            return found + [f"{first} {second}" for first, second in pairwise(found)] if pairs else found

        self._counts = count_vectorizer(analyzer=terms_of, min_df=2, max_df=max_share, max_features=MAX_TERMS)
        self._weights = tfidf_transformer(sublinear_tf=True)
        try:
            counts = self._counts.fit_transform(texts)
        except ValueError as error:  # scikit-learn's way to say that no term is left
            raise TooLittleInCommonError(f"the texts have too few terms in common ({error})") from None
        self.of_fitted: Vectors = self._weights.fit_transform(counts).astype("float32")
        """Vectors of the texts it was made from."""
        self.terms: list[str] = self._counts.get_feature_names_out().tolist()

    def chunks(self, texts: Sequence[str]) -> Iterator["Vectors"]:
        """Vectors of any texts, CHUNK_ROWS at a time."""
        for start in range(0, len(texts), CHUNK_ROWS):
            counts = self._counts.transform(texts[start : start + CHUNK_ROWS])
            yield self._weights.transform(counts).astype("float32")


def content_words() -> Callable[[str], list[str]]:
    """A function that gives the words of a text without English function words and single letters.

    A text of nothing else keeps them all. Of other languages nothing is left out.

    Raises:
        MissingExtraError: scikit-learn, which brings the list, is not installed.
    """
    try:
        from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS
    except ImportError:
        raise MissingExtraError("scikit-learn", "data", "compare the topics of inputs") from None
    function_words: frozenset[str] = ENGLISH_STOP_WORDS | set(ascii_lowercase)

    def of_text(text: str) -> list[str]:
        found = words(text)
        return [word for word in found if word not in function_words] or found

    return of_text


def affords_pairs(texts: Sequence[str]) -> bool:
    """Whether the texts are short enough together to count word pairs."""
    return sum(map(len, texts)) <= MAX_CHARACTERS_FOR_PAIRS


def typical_terms(terms: Sequence[str], scores: "Sequence[float]", num_terms: int) -> tuple[str, ...]:
    """The terms of the highest scores above 0; of terms that share a word, only the first."""
    chosen: list[str] = []
    shown: set[str] = set()
    for position in sorted(range(len(terms)), key=lambda position: (-scores[position], terms[position])):
        if scores[position] <= 0 or len(chosen) == num_terms:
            break
        parts = terms[position].split()
        if shown.isdisjoint(parts):
            chosen.append(terms[position])
            shown.update(parts)
    return tuple(chosen)


def _vectorizers() -> "tuple[Callable[..., CountVectorizer], Callable[..., TfidfTransformer]]":
    try:
        from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
    except ImportError:
        raise MissingExtraError("scikit-learn", "data", "compare the topics of inputs") from None
    return CountVectorizer, TfidfTransformer
