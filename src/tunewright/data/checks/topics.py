"""Topics: clusters of inputs, and those whose share differs between training and what training is judged by."""

from array import array
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.data.checks.check import Check, RowSet, RowTexts
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.representation.clusters import MIN_INPUTS, NUM_CLUSTERS, NUM_EXAMPLES, UNRELATED, Topics
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.data.representation.inputs import asked
from tunewright.data.representation.reference import ReferenceInput, read_reference
from tunewright.data.representation.shares import SIGNIFICANCE, difference_p_value, holm, share_of
from tunewright.records import (
    CheckRecipe,
    Cluster,
    Finding,
    InputClusters,
    InputExcerpt,
    Measurement,
    Severity,
    Split,
)

MIN_RATIO = 2.0
"""Between two shares before their difference is reported."""
ALL = "all"
REFERENCE = "reference"
_OF_ROWS = (ALL, *map(str, Split))
_SAMPLES = (*_OF_ROWS, REFERENCE)


@dataclass(frozen=True, slots=True)
class _Input:
    """One input of any sample."""

    sample: str
    text: str
    location: str
    row_id: str


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding | Measurement]:
    texts = RowTexts(rows, asked)
    if len(texts) < MIN_INPUTS:
        raise TooLittleInCommonError(f"{len(texts)} inputs are fewer than the {MIN_INPUTS} it takes")
    topics = Topics(texts)
    reference = read_reference(recipe.reference, recipe.reference_input) if recipe.reference is not None else ()
    inputs = _Inputs(rows, reference)
    assigned = [topics.assign(texts)] + ([topics.assign([each.text for each in reference])] if reference else [])
    members, distances = (np.concatenate(found) for found in zip(*assigned, strict=True))
    words_of = {topic.number: topic.words for topic in topics.topics} | {UNRELATED: ()}
    found = []
    for number, words in words_of.items():
        positions = np.flatnonzero(members == number)
        nearest = positions[np.argsort(distances[positions], kind="stable")].tolist()
        if nearest:
            found.append(_Found(words, inputs, nearest))
    # The rows of no topic come last; equal sizes in the order of their words.
    found.sort(key=lambda each: (not each.words, -each.cluster.num_rows, each.words))
    low, high = NUM_CLUSTERS[0], NUM_CLUSTERS[-1]
    yield InputClusters(
        choice=f"{len(topics.topics)} clusters: the number from {low} to {high} with the highest silhouette "
        f"({topics.silhouette:.2f}; 1 is clear-cut, 0 is arbitrary).",
        clusters=tuple(each.cluster for each in found),
    )
    yield from _uneven(found, inputs)


class _Inputs:
    """The inputs of rows, then those of a reference; in memory is only which sample each belongs to."""

    def __init__(self, rows: RowSet, reference: Sequence[ReferenceInput]) -> None:
        self._rows = rows
        self._reference = reference
        codes = {name: code for code, name in enumerate(_SAMPLES)}
        of_rows = array("B", (codes[str(row.split or ALL)] for row in rows))
        self._codes = np.array(of_rows + array("B", [codes[REFERENCE]]) * len(reference))
        self.num_of = self.count(range(len(self._codes)))
        """Inputs of each sample that has some."""

    def count(self, positions: Sequence[int]) -> dict[str, int]:
        """How many of the inputs are of each sample that has some."""
        counts = np.bincount(self._codes[positions], minlength=len(_SAMPLES)).tolist()
        return {name: count for name, count in zip(_SAMPLES, counts, strict=True) if count}

    def of(self, positions: Iterable[int], samples: Collection[str]) -> Iterator[_Input]:
        """Those of the inputs that are of certain samples, in the order of the positions."""
        for position in positions:
            sample = _SAMPLES[self._codes[position]]
            if sample not in samples:
                continue
            if position < len(self._rows):
                row = self._rows[position]
                yield _Input(sample, asked(row), row.location, row.id)
            else:
                each = self._reference[position - len(self._rows)]
                yield _Input(sample, each.text, each.location, each.id)


class _Found:
    """A cluster, and the positions of its inputs, the nearest to the centre first."""

    def __init__(self, words: tuple[str, ...], inputs: _Inputs, positions: Sequence[int]) -> None:
        self.words = words
        self.positions = positions
        count = inputs.count(positions)
        num_rows = len(positions) - count.get(REFERENCE, 0)
        shown = inputs.of(positions, _OF_ROWS if num_rows else (REFERENCE,))
        self.cluster = Cluster(
            words=words,
            num_rows=num_rows,
            shares={name: share_of(count.get(name, 0), total) for name, total in inputs.num_of.items()},
            examples=tuple(InputExcerpt(location=each.location, text=excerpt(each.text)) for each in _different(shown)),
        )


def _different(inputs: Iterable[_Input]) -> list[_Input]:
    """The first few with different texts."""
    of_text: dict[str, _Input] = {}
    for each in inputs:
        if len(of_text) == NUM_EXAMPLES:
            break
        of_text.setdefault(each.text, each)
    return list(of_text.values())


def _uneven(found: Sequence[_Found], inputs: _Inputs) -> Iterator[Finding]:
    """Clusters that every other sample has far more or less often than training."""
    names = list(found[0].cluster.shares)
    compared = [(cluster, other) for cluster in found for other in names[1:]]
    p_values = holm(
        [
            difference_p_value(cluster.cluster.shares[names[0]], cluster.cluster.shares[other])
            for cluster, other in compared
        ]
    )
    for (cluster, other), p_value in zip(compared, p_values, strict=True):
        base, share = cluster.cluster.shares[names[0]], cluster.cluster.shares[other]
        low, high = sorted((base.value, share.value))
        if p_value < SIGNIFICANCE and high >= MIN_RATIO * low:
            about = f"about “{cluster.cluster.name}”" if cluster.words else f"with {cluster.cluster.name}"
            more = other if share.value > base.value else names[0]
            shown = _different(inputs.of(cluster.positions, (more,)))
            yield Finding(
                check=TOPIC_SHARES.id,
                example_ids=tuple(each.row_id for each in shown),
                locations=tuple(each.location for each in shown),
                explanation=f"Inputs {about} are {share.value:.1%} of the {_NAMES[other]} and "
                f"{base.value:.1%} of the {_NAMES[names[0]]}; typical ones are shown.",
                evidence=tuple(excerpt(each.text) for each in shown),
                score=abs(share.value - base.value),
            )


_NAMES = {
    ALL: "rows",
    REFERENCE: "reference",
    Split.TRAIN: "training rows",
    Split.VALIDATION: "validation rows",
    Split.TEST: "test rows",
}

TOPIC_SHARES = Check(
    id="topic_shares",
    title="Topics that are spread unevenly",
    explanation=(
        "Inputs are clustered by their content words (TF-IDF, truncated SVD, k-means; 3 to 16 clusters, the number "
        "with the highest silhouette). Listed are clusters whose share in a validation or test file, or in the file of "
        "`data.checks.reference`, is at least twice or at most half of that in the training rows, beyond chance "
        "(chi-square or Fisher's exact test, p < 0.05 after Holm). What training hardly holds is hardly learned. "
        "Data of fewer than 30 rows are not clustered."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find,
)
