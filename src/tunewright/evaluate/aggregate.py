"""Aggregates: how the scores of the rows become the value of the test set.

The scores of a metric are laid out as columns with one entry per item, and the value is a statistic of these columns.
Every statistic takes many test sets at once, one per leading index, because the bootstrap hands in thousands.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tunewright.records import Score

Floats = NDArray[np.float64]


class Aggregate(StrEnum):
    """How the values of the rows become the value of the test set."""

    MEAN = "mean"
    RATE = "rate"
    """Mean of values that are 0 (wrong) or 1 (right); only these have an exact test."""
    LOSS = "loss"
    """Mean weighted by trained tokens."""
    PERPLEXITY = "perplexity"
    """exp of the loss; a row's value is the perplexity of that row."""
    MACRO_F1 = "macro F1"


class LabelScore(Score):
    """Score of a corpus-level metric over labels: `value` tells right from wrong, the statistic uses the pair."""

    predicted: str
    label: str


class Statistic(Protocol):
    """From the columns of `columns_of` to the value of a test set."""

    def __call__(self, *columns: Floats, axis: int = -1) -> Floats:
        """Value of a test set given as columns with one entry per item along the last axis."""


def columns_of(aggregate: Aggregate, scored: Sequence[Score]) -> tuple[Floats, ...]:
    """Lay out what the statistic of `aggregate` needs.

    Args:
        scored: scores of one metric, none of them unscored.
    """
    if aggregate is Aggregate.MACRO_F1:
        pairs = [(score.predicted, score.label) for score in scored if isinstance(score, LabelScore)]
        assert len(pairs) == len(scored), "macro F1 needs the predicted and the true label of every row"
        code_of = {text: code for code, text in enumerate(dict.fromkeys(text for pair in pairs for text in pair))}
        codes = np.array([[code_of[predicted], code_of[label]] for predicted, label in pairs], dtype=np.float64)
        return codes[:, 0], codes[:, 1]
    values = np.array([score.value for score in scored], dtype=np.float64)
    if aggregate in (Aggregate.LOSS, Aggregate.PERPLEXITY):
        return values, np.array([score.weight for score in scored], dtype=np.float64)
    return (values,)


def _mean(*columns: Floats, axis: int = -1) -> Floats:
    (values,) = columns
    return np.asarray(np.mean(values, axis=axis))


def _weighted_mean(*columns: Floats, axis: int = -1) -> Floats:
    values, weights = columns
    return np.asarray(np.sum(values * weights, axis=axis) / np.sum(weights, axis=axis))


def _perplexity(*columns: Floats, axis: int = -1) -> Floats:
    values, weights = columns
    return np.exp(_weighted_mean(np.log(values), weights, axis=axis))


def _macro_f1(*columns: Floats, axis: int = -1) -> Floats:
    """F1 per label that is true for at least one row, averaged over those labels.

    A label that is only ever predicted has no F1 of its own: a model that writes a new wrong text for every row would
    otherwise be compared over other labels than one that repeats the same wrong text.
    """
    assert axis == -1
    predicted, label = (column.astype(np.int64).reshape(-1, column.shape[-1]) for column in columns)
    num_tests, num_codes = len(label), int(max(predicted.max(), label.max())) + 1
    # Every test set gets its own range of codes, so that one bincount counts all of them.
    first_code = np.arange(num_tests)[:, None] * num_codes

    def count(codes: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.bincount(codes.ravel(), minlength=num_tests * num_codes).reshape(num_tests, num_codes)

    num_true, num_predicted = count(label + first_code), count(predicted + first_code)
    num_hits = count((label + first_code)[predicted == label])
    is_label = num_true > 0
    f1 = np.divide(2.0 * num_hits, num_true + num_predicted, out=np.zeros(is_label.shape), where=is_label)
    return np.asarray(f1.sum(axis=-1) / is_label.sum(axis=-1)).reshape(columns[1].shape[:-1])


STATISTICS: Mapping[Aggregate, Statistic] = {
    Aggregate.MEAN: _mean,
    Aggregate.RATE: _mean,
    Aggregate.LOSS: _weighted_mean,
    Aggregate.PERPLEXITY: _perplexity,
    Aggregate.MACRO_F1: _macro_f1,
}
"""What turns the columns of `columns_of` into the value, by aggregate."""
