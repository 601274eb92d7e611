"""Training inputs against a sample of production: can they be told apart, and what does training not cover."""

from collections.abc import Iterator, Sequence

from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.representation.coverage import cover
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.data.representation.inputs import asked, sample
from tunewright.data.representation.reference import MIN_INPUTS, ReferenceInput, read_reference
from tunewright.data.representation.separation import separate
from tunewright.data.representation.shares import share_of
from tunewright.records import (
    CheckRecipe,
    Finding,
    Measurement,
    ReferenceComparison,
    ReferenceCoverage,
    Severity,
    Split,
)

MAX_LEARNED = 5_000
"""Inputs of either side that the classifier learns from; of more, a random sample."""
MAX_COVERED = 2_000
"""Inputs of the reference whose nearest training input is looked for; of more, a random sample. Measured against
100,000 training inputs of 100 words: 12 s of one core."""
AUC_THRESHOLD = 0.7
"""Where discrimination starts to be called acceptable (Hosmer and Lemeshow 2000, section 5.2.4). The test inputs of
CLINC150, collected like its training inputs, are told from them with .63."""
NUM_SHOWN = 3
_SEED = 0


def _find_drift(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding | Measurement]:
    reference = _reference(recipe, MAX_LEARNED)
    trained = sample(_trained(rows), MAX_LEARNED, _SEED)
    texts = [asked(row) for row in trained]
    if (num_distinct := len(set(texts))) < MIN_INPUTS:
        raise TooLittleInCommonError(f"{num_distinct} training inputs are fewer than the {MIN_INPUTS} it takes")
    separation = separate(texts, [each.text for each in reference])
    yield ReferenceComparison(
        reference=str(recipe.reference),
        auc=separation.auc,
        threshold=AUC_THRESHOLD,
        reference_words=separation.second_words,
        training_words=separation.first_words,
    )
    if separation.auc.low > AUC_THRESHOLD:
        shown = reference[:NUM_SHOWN]
        auc = separation.auc
        yield Finding(
            check=REFERENCE_DRIFT.id,
            example_ids=tuple(each.id for each in shown),
            locations=tuple(each.location for each in shown),
            explanation=f"A classifier tells reference and training inputs apart with an AUC of {auc.value:.2f} "
            f"[{auc.low:.2f}, {auc.high:.2f}]. The reference has more of: {_listed(separation.second_words)}; "
            f"training more of: {_listed(separation.first_words)}. The first inputs of the reference are shown.",
            evidence=tuple(excerpt(each.text) for each in shown),
            score=auc.value,
        )


def _find_uncovered(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding | Measurement]:
    reference = _reference(recipe, MAX_COVERED)
    trained = _trained(rows)
    if not trained:
        raise TooLittleInCommonError("there are no training inputs")
    texts = [asked(row) for row in trained]
    coverage = cover(texts, [each.text for each in reference])
    uncovered = [
        (each, similarity, nearest)
        for each, similarity, nearest in zip(reference, coverage.similarities, coverage.nearest, strict=True)
        if similarity < coverage.threshold
    ]
    yield ReferenceCoverage(
        reference=str(recipe.reference),
        covered=share_of(len(reference) - len(uncovered), len(reference)),
        threshold=coverage.threshold,
    )
    for each, similarity, nearest in uncovered:
        has_words = similarity > 0  # otherwise all training inputs are equally far
        explanation = (
            f"No training input is like this one of the reference; the nearest has a similarity of {similarity:.2f} "
            f"(from {coverage.threshold:.2f} on it would count as covered)."
            if has_words
            else "No training input has a content word in common with this one of the reference."
        )
        yield Finding(
            check=NOT_COVERED.id,
            example_ids=(each.id,),
            locations=(each.location, *([trained[nearest].location] if has_words else [])),
            explanation=explanation,
            evidence=(excerpt(each.text), *([excerpt(texts[nearest])] if has_words else [])),
            score=1 - similarity,
        )


def _reference(recipe: CheckRecipe, size: int) -> list[ReferenceInput]:
    assert recipe.reference is not None  # otherwise the check is idle
    return sample(read_reference(recipe.reference, recipe.reference_input), size, _SEED)


def _trained(rows: RowSet) -> list[CheckedRow]:
    return [row for row in rows if row.split in (None, Split.TRAIN)]


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) or "nothing in particular"


def _idle(recipe: CheckRecipe) -> str | None:
    return None if recipe.reference else "no file of production inputs is named in data.checks.reference"


REFERENCE_DRIFT = Check(
    id="reference_drift",
    title="Training inputs unlike production",
    explanation=(
        "A classifier (logistic regression on TF-IDF of words) learns to tell the inputs of `data.checks.reference` "
        "from training inputs, and ranks inputs that it has not learned from. An AUC of .5 means that they cannot be "
        "told apart, 1 that every one can. Reported when the lower end of its 95 % interval is above .7: the model "
        "will then be asked other things than it was trained on, or the same things in other words."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find_drift,
    idle=_idle,
)

NOT_COVERED = Check(
    id="not_covered",
    title="Production inputs that training does not cover",
    explanation=(
        "Inputs of `data.checks.reference` whose most similar training input has a cosine similarity (TF-IDF of "
        "content words) below .25, or below what 95 % of the training inputs that have a content word in common with "
        "another reach among themselves if that is less. Each is shown with its nearest training input; of a larger "
        "reference 2,000 inputs are looked at. The model saw nothing like them: add rows that answer them."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find_uncovered,
    idle=_idle,
)
