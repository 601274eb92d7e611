"""Whether two samples of texts can be told apart: a classifier two-sample test (Lopez-Paz and Oquab 2017).

A logistic regression on TF-IDF learns from four fifths of both samples and ranks the last fifth. Equal texts share a
fold: a text of both samples would otherwise be ranked by a model that saw its twin on the other side, and two copies of
one file would get an AUC far below .5. Pairs are compared within a fold, since scores of two models have no common
scale.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.representation.features import Features, affords_pairs, typical_terms
from tunewright.records import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tunewright.data.representation.features import Vectors

    Mask = NDArray[np.bool_]
    Folds = NDArray[np.intp]
    Scores = NDArray[np.float64]

NUM_FOLDS = 5
NUM_RESAMPLES = 1000
NUM_WORDS = 6
_SEED = 0


@dataclass(frozen=True, slots=True)
class Separation:
    """How well, and by which words, the second sample is told from the first."""

    auc: Estimate
    """Chance that a text of the second sample is ranked above one of the first. The interval resamples texts."""
    first_words: tuple[str, ...]
    second_words: tuple[str, ...]


def separate(first: Sequence[str], second: Sequence[str]) -> Separation:
    """Learn to tell two samples apart, and measure it on texts not learned from.

    Args:
        first, second: at least NUM_FOLDS different texts each.
    Raises:
        TooLittleInCommonError: no word occurs in two texts.
        MissingExtraError: scikit-learn is not installed.
    """
    texts = [*first, *second]
    features = Features(texts, pairs=affords_pairs(texts))
    vectors = features.of_fitted
    is_second = np.arange(len(texts)) >= len(first)
    folds = _folds(texts, is_second)
    scores = np.zeros(len(texts))
    for fold in range(NUM_FOLDS):
        inside = folds == fold
        scores[inside] = vectors[inside] @ _weights(vectors[~inside], is_second[~inside])
    weights = _weights(vectors, is_second)
    pull = weights * np.asarray(vectors[is_second].mean(axis=0) - vectors[~is_second].mean(axis=0)).ravel()
    return Separation(
        auc=_auc(scores, is_second, folds),
        first_words=typical_terms(features.terms, np.where(weights < 0, pull, 0).tolist(), NUM_WORDS),
        second_words=typical_terms(features.terms, np.where(weights > 0, pull, 0).tolist(), NUM_WORDS),
    )


def _folds(texts: Sequence[str], is_second: "Mask") -> "Folds":
    """A fold for every distinct text, so that each fold has its part of both samples."""
    number_of = {text: number for number, text in enumerate(dict.fromkeys(texts))}
    numbers = np.array([number_of[text] for text in texts])
    of_second = np.zeros(len(number_of), dtype=bool)
    of_second[numbers[is_second]] = True
    shuffled = np.random.default_rng(_SEED).permutation(len(number_of))
    in_order = shuffled[np.argsort(of_second[shuffled], kind="stable")]
    fold_of = np.empty(len(number_of), dtype=np.intp)
    fold_of[in_order] = np.arange(len(number_of)) % NUM_FOLDS
    found: Folds = fold_of[numbers]
    return found


def _weights(vectors: "Vectors", is_second: "Mask") -> "Scores":
    """Weights of the terms; the intercept does not change an order."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(vectors, is_second)
    weights: Scores = model.coef_[0]
    return weights


def _auc(scores: "Scores", is_second: "Mask", folds: "Folds") -> Estimate:
    """AUC over pairs within folds, with a percentile bootstrap interval that resamples each sample by itself."""
    # One code per fold and score, ascending within the fold, so that ties are seen.
    in_order = np.lexsort((scores, folds))
    is_new = np.diff(folds[in_order], prepend=-1).astype(bool) | (np.diff(scores[in_order], prepend=np.nan) != 0)
    codes = np.cumsum(is_new) - 1
    fold_starts = np.searchsorted(folds[in_order][is_new], np.arange(NUM_FOLDS))
    places = np.flatnonzero(is_second[in_order]), np.flatnonzero(~is_second[in_order])

    def auc(second: "Scores", first: "Scores") -> float:
        """From how often each text counts."""
        of_second = np.bincount(codes[places[0]], weights=second, minlength=codes[-1] + 1)
        of_first = np.bincount(codes[places[1]], weights=first, minlength=codes[-1] + 1)
        before = np.cumsum(of_first) - of_first
        sizes = np.diff(np.append(fold_starts, len(of_first)))
        below = before - np.repeat(before[fold_starts], sizes) + of_first / 2
        pairs = np.add.reduceat(of_second, fold_starts) @ np.add.reduceat(of_first, fold_starts)
        return float(of_second @ below / pairs)

    generator = np.random.default_rng(_SEED)
    resampled = [
        auc(*(generator.multinomial(len(found), np.full(len(found), 1 / len(found))).astype(float) for found in places))
        for _ in range(NUM_RESAMPLES)
    ]
    value = auc(*(np.ones(len(found)) for found in places))
    low, high = (float(end) for end in np.quantile(resampled, [0.025, 0.975]))
    return Estimate(value=value, low=min(low, value), high=max(high, value), num_rows=len(scores))
