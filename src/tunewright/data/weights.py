"""Sampling weights: how often the training rows of each source count in an epoch.

A weight of 2.5 takes every row twice and half of the rows a third time. Which half is decided by the hash of each row
and the seed, so a row is in or out whatever other rows there are, and a larger weight only adds rows.
"""

from collections.abc import Sequence

from tunewright.data.cut import seeded_hash
from tunewright.data.split import MIN_TRAIN_ROWS
from tunewright.errors import DataError, Problem
from tunewright.records import Change, DataRecipe, Example


def weigh(rows: Sequence[Example], recipe: DataRecipe) -> tuple[list[Example], tuple[Change, ...]]:
    """Repeat and leave out training rows by the weights of their sources.

    Args:
        rows: training rows, in file order.
        recipe: names the weights and the seed.
    Returns:
        The rows that count, copies beside each other, and one change for each row left out.
    Raises:
        DataError: fewer than MIN_TRAIN_ROWS rows are left.
    """
    weight_of = {source.title: source.weight for source in recipe.sources}
    if all(weight == 1 for weight in weight_of.values()):
        return list(rows), ()
    weighed: list[Example] = []
    changes = []
    for row in rows:
        weight = weight_of[row.provenance.part_of or ""]
        copies = int(weight) + (_position(row, recipe.split_seed) < weight % 1)
        weighed += [row] * copies
        if not copies:
            changes.append(
                Change(
                    action="dropped",
                    example_id=row.id,
                    location=str(row.provenance),
                    reason=f"sampled out (weight {weight:g})",
                    cause="weights",
                )
            )
    if len(weighed) < MIN_TRAIN_ROWS:
        found = f"{len(weighed)} training rows after sampling by weight, of {len(rows)}"
        raise DataError(Problem(recipe.title, found, f"at least {MIN_TRAIN_ROWS}", "Raise the weights, or add rows."))
    return weighed, tuple(changes)


def _position(row: Example, seed: int) -> float:
    """A number from 0 up to 1 that the content of the row and the seed decide, and nothing else."""
    # A word of its own, so that it says nothing about the place in the order in which splits are cut.
    return int(seeded_hash(seed, f"weight:{row.id}")[:13], 16) / 16**13
