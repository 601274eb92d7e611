"""Topics of inputs: TF-IDF, truncated SVD (latent semantic analysis, Deerwester et al. 1990), k-means.

The number of clusters is the one of 3 to 16 with the highest silhouette (Rousseeuw 1987) on a sample; with equal
silhouettes the smaller. Vocabulary, projection and centres come from at most MAX_FITTED inputs, and all others are
assigned to the nearest centre a few thousand at a time, so that cost and memory stay bounded. Measured: 8 s of
one core for 100,000 inputs of 100 words, and 90 MB. k-means runs on one core: on several it adds up in another order,
and while other programs use them its threads wait for each other (4 s of work became 12).
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.representation.features import (
    Features,
    TooLittleInCommonError,
    affords_pairs,
    content_words,
    typical_terms,
)
from tunewright.data.representation.inputs import sample

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from sklearn.cluster import KMeans

    from tunewright.data.representation.features import Vectors

    Points = NDArray[np.float32]
    Members = NDArray[np.intp]

NUM_CLUSTERS = range(3, 17)
MIN_INPUTS = 30
"""Fewer inputs are read faster than clustered."""
MAX_FITTED = 20_000
MAX_DIMENSIONS = 50
NUM_WORDS = 6
NUM_EXAMPLES = 3
UNRELATED = -1
"""Number of the cluster of inputs that share no term with the fitted ones."""

_MAX_TO_CHOOSE = 4_000
_MAX_SILHOUETTE = 2_000
_MAX_SHARE_OF_TERM = 0.5
"""A term of more inputs than this tells no topics apart; often it belongs to an instruction that all share."""
_SEED = 0


@dataclass(frozen=True, slots=True)
class Topic:
    """One cluster of the fitted inputs."""

    number: int
    """As `Topics.assign` gives it."""
    words: tuple[str, ...]


class Topics:
    """Clusters of inputs, learned from some texts and applied to any.

    Args:
        texts: inputs; of more than MAX_FITTED a random sample is learned from.
    Raises:
        TooLittleInCommonError: the texts have too few words in common, or are too often the same.
        MissingExtraError: scikit-learn is not installed.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        fitted = sample(texts, MAX_FITTED, _SEED)
        self._features = Features(fitted, content_words(), max_share=_MAX_SHARE_OF_TERM, pairs=affords_pairs(texts))
        # After the features, which name the extra if scikit-learn is missing.
        from sklearn.decomposition import TruncatedSVD

        vectors = self._features.of_fitted
        num_dimensions = min(MAX_DIMENSIONS, vectors.shape[0] - 1, vectors.shape[1] - 1)
        if num_dimensions < 2:
            raise TooLittleInCommonError("too few terms occur in several texts")
        self._projection = TruncatedSVD(num_dimensions, random_state=_SEED).fit(vectors)
        points = self._project(vectors)
        has_terms = np.flatnonzero(points.any(axis=1))
        vectors, points = vectors[has_terms], points[has_terms]
        with _on_one_core():
            self._means, self.silhouette = _choose_clusters(points)
        self.topics = self._describe(vectors, self._means.predict(points))

    def assign(self, texts: Sequence[str]) -> tuple["Members", "Points"]:
        """The number of the cluster of each text, and its distance from the centre."""
        numbers: list[Members] = []
        distances: list[Points] = []
        for vectors in self._features.chunks(texts):
            points = self._project(vectors)
            from_centres = self._means.transform(points)
            numbers.append(np.where(points.any(axis=1), from_centres.argmin(axis=1), UNRELATED))
            distances.append(from_centres.min(axis=1))
        return np.concatenate(numbers), np.concatenate(distances)

    def _project(self, vectors: "Vectors") -> "Points":
        """Points of length 1, between which Euclidean distance orders like the angle; zero stays zero."""
        points: Points = self._projection.transform(vectors)
        lengths = np.linalg.norm(points, axis=1, keepdims=True)
        is_zero = lengths < 1e-6
        return np.where(is_zero, 0.0, points / np.where(is_zero, 1.0, lengths)).astype(np.float32)

    def _describe(self, vectors: "Vectors", members: "Members") -> tuple[Topic, ...]:
        """Words that weigh more in a cluster than in all inputs, by weight and by how much more."""
        overall = np.asarray(vectors.mean(axis=0)).ravel()
        topics = []
        for number in range(self._means.n_clusters):
            inside = np.asarray(vectors[members == number].mean(axis=0)).ravel()
            scores = inside * np.log(np.maximum(inside, 1e-9) / np.maximum(overall, 1e-9))
            topics.append(Topic(number, typical_terms(self._features.terms, scores.tolist(), NUM_WORDS)))
        return tuple(topics)


def _choose_clusters(points: "Points") -> "tuple[KMeans, float]":
    """Fit k-means with the best number of clusters; also gives its silhouette on the sample."""
    from sklearn.metrics import silhouette_score

    seen = points[sample(range(len(points)), _MAX_TO_CHOOSE, _SEED)]
    judged = sample(range(len(seen)), _MAX_SILHOUETTE, _SEED + 1)
    num_distinct = len(np.unique(seen[judged].round(4), axis=0))
    if num_distinct <= NUM_CLUSTERS[0]:
        raise TooLittleInCommonError("too few different inputs")
    best = (NUM_CLUSTERS[0], -1.0)
    for number in NUM_CLUSTERS:
        if number >= num_distinct:
            break
        labels = _k_means(number).fit_predict(seen)[judged]
        if 1 < len(np.unique(labels)) < len(judged):
            silhouette = float(silhouette_score(seen[judged], labels))
            best = max(best, (number, silhouette), key=lambda found: found[1])
    return _k_means(best[0]).fit(points), best[1]


def _k_means(number: int) -> "KMeans":
    from sklearn.cluster import KMeans

    return KMeans(number, n_init=3, random_state=_SEED)


def _on_one_core() -> AbstractContextManager[object]:
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1)
    return limits
