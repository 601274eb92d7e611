"""The nearest training input of every input of another sample, by the cosine of TF-IDF vectors of content words.

Words are hashed into 2^20 columns instead of a bounded vocabulary: a word that training lacks must weigh, since it is
the very thing looked for. Measured against the training inputs of CLINC150 (threshold .25): 0.7 % of its test inputs
are not covered, 7 % of its out-of-scope inputs, and 3 to 5 % of test inputs whose intents were left out of training,
because people ask for different things in the same words. So what is listed is mostly foreign, and a covered input may
still be foreign in sense.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.representation.features import CHUNK_ROWS, content_words
from tunewright.data.representation.inputs import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunewright.data.representation.features import Vectors

    Similarities = NDArray[np.float32]
    Positions = NDArray[np.intp]

MAX_THRESHOLD = 0.25
LOW_QUANTILE = 0.05
_NUM_JUDGED = 500
_NUM_COLUMNS = 2**20
_CELLS_AT_ONCE = 2_000_000
_SEED = 0


@dataclass(frozen=True, slots=True)
class Coverage:
    """For each text, what is nearest among the training inputs."""

    similarities: tuple[float, ...]
    nearest: tuple[int, ...]
    """Position of the training input."""
    threshold: float
    """Below it a text is not covered: MAX_THRESHOLD, or less where training inputs are that unlike each other
    (LOW_QUANTILE of the similarities above 0 of a sample of them to their own nearest other). Always above 0, so a
    text that has no content word in common with training is never covered."""


def cover(training: Sequence[str], texts: Sequence[str]) -> Coverage:
    """Find the most similar training input of every text. Cost grows with the product of both numbers.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    vectors, of_texts = _vectors(training, texts)
    similarities, nearest = _nearest(vectors, of_texts)
    judged = sample(range(len(training)), _NUM_JUDGED, _SEED)
    among_themselves, _ = _nearest(vectors, vectors[judged], own=np.array(judged))
    return Coverage(
        tuple(similarities.tolist()),
        tuple(nearest.tolist()),
        threshold=_threshold(among_themselves),
    )


def _threshold(among_themselves: "Similarities") -> float:
    related = among_themselves[among_themselves > 0]
    return min(MAX_THRESHOLD, float(np.quantile(related, LOW_QUANTILE))) if related.size else MAX_THRESHOLD


def _vectors(training: Sequence[str], texts: Sequence[str]) -> "tuple[Vectors, Vectors]":
    of_text = content_words()
    from scipy.sparse import vstack
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    counter = HashingVectorizer(
        analyzer=of_text, n_features=_NUM_COLUMNS, alternate_sign=False, norm=None, dtype=np.float32
    )
    counts = vstack([counter.transform(training), counter.transform(texts)], format="csr")
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(counts).astype(np.float32)
    return weighted[: len(training)], weighted[len(training) :]


def _nearest(
    training: "Vectors", others: "Vectors", own: "Positions | None" = None
) -> "tuple[Similarities, Positions]":
    """The highest cosine of every other vector, and the position of the first training vector that has it.

    Args:
        own: position of each other vector among the training vectors, which then does not count.
    """
    best = np.full(others.shape[0], -1.0, dtype=np.float32)
    nearest = np.zeros(others.shape[0], dtype=np.intp)
    rows = np.arange(others.shape[0])
    size = max(1, min(CHUNK_ROWS, _CELLS_AT_ONCE // max(1, others.shape[0])))
    for start in range(0, training.shape[0], size):
        similarity = (others @ training[start : start + size].T).toarray()
        if own is not None:
            inside = (own >= start) & (own < start + size)
            similarity[rows[inside], own[inside] - start] = -1.0
        found = similarity.argmax(axis=1)
        is_nearer = similarity[rows, found] > best
        best[is_nearer] = similarity[rows, found][is_nearer]
        nearest[is_nearer] = found[is_nearer] + start
    return best.clip(min=0.0), nearest
