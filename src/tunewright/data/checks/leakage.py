"""Leakage: training rows that are near-equal to rows of a validation or test file."""

from collections.abc import Iterator
from math import floor

from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.near_equal import around_difference, near_equal_pairs
from tunewright.records import CheckRecipe, Finding, Severity, Split


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    if {row.split for row in rows} <= {None, Split.TRAIN}:
        return
    closest: dict[int, tuple[float, int]] = {}
    for pair in near_equal_pairs(rows, recipe.near_duplicate_similarity):
        for train, held_out in ((pair.first, pair.second), (pair.second, pair.first)):
            if _leaks(rows[train], rows[held_out]):
                closest[train] = max(closest.get(train, (0.0, 0)), (pair.similarity, -held_out))
    for train, (similarity, held_out) in sorted(closest.items()):
        yield _finding(rows[train], rows[-held_out], similarity)


def _leaks(train: CheckedRow, held_out: CheckedRow) -> bool:
    """Equal inputs are no business of this check: `prepare` takes those rows out of training, and names them so."""
    return (
        train.split is Split.TRAIN
        and held_out.split in (Split.VALIDATION, Split.TEST)
        and train.input_id != held_out.input_id
        and train.example.loose_input_id != held_out.example.loose_input_id
    )


def _finding(train: CheckedRow, held_out: CheckedRow, similarity: float) -> Finding:
    same = "the same words" if similarity == 1 else f"{floor(100 * similarity)} % of the word 5-grams in common"
    return Finding(
        check=LEAKAGE.id,
        example_ids=(train.id, held_out.id),
        locations=(train.location, held_out.location),
        explanation=f"{train.location} is training data and {held_out.location} is {held_out.split} data, "
        f"but they have {same}, and no number, name or negation differs.",
        evidence=(around_difference(train, held_out), around_difference(held_out, train)),
        drop=(train.id,),
        score=similarity,
    )


LEAKAGE = Check(
    id="leakage",
    title="Leakage",
    explanation="Training rows that are near-duplicates of a row in a validation or test file (Jaccard similarity of "
    "word 5-grams, `near_duplicate_similarity`, 0.8 by default; the same rules as for near-duplicates). A model that "
    "has trained on a test row answers it from memory, and the score says nothing about new rows. Rows with the "
    "same input, up to white space and case, are left to the splitting, which takes them out.",
    severity=Severity.WARNING,
    action="the training row is dropped, the held-out row stays",
    find=_find,
)
