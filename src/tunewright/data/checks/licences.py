"""Licences: rows whose licence is not on the recipe's allow-list."""

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.records import CheckRecipe, Finding, Severity, Split


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    allowed = [pattern.strip().casefold() for pattern in recipe.licences]
    listed = ", ".join(recipe.licences)
    for row in rows:
        # Only what is learned from needs a licence: validation and test files of their own are read, not learned.
        licence = row.example.provenance.licence
        if row.split in (None, Split.TRAIN) and not _is_allowed(licence, allowed):
            yield row_finding(LICENCES.id, row, _explanation(row, licence, listed), excerpt(row.input or row.answer))


def _is_allowed(licence: str | None, allowed: Sequence[str]) -> bool:
    return licence is not None and any(fnmatchcase(licence.casefold(), pattern) for pattern in allowed)


def _explanation(row: CheckedRow, licence: str | None, listed: str) -> str:
    part_of = row.example.provenance.part_of
    whose = f"{row.location} of the source {part_of}" if part_of and part_of != row.example.provenance.source else ""
    if licence is None:
        return f"No licence is known for {whose or row.location}; allowed are {listed}."
    return f"{whose or row.location} has the licence {licence}; allowed are {listed}."


def _idle(recipe: CheckRecipe) -> str | None:
    return None if recipe.licences else "no licences are listed in data.checks.licences"


LICENCES = Check(
    id="licences",
    title="Licences",
    explanation="Rows for training whose licence is not on the list of `licences`, or is not known. The licence of a "
    "row is that of its source (`licence`), or the value of the source's `licence_column`. Names are compared as a "
    "whole, upper and lower case alike, and `*` stands for any characters, as in CC-BY-*. A model learns from every "
    "row, and a row cannot be taken out of it afterwards.",
    severity=Severity.BLOCKING,
    action="training is refused; state the licence in the recipe, drop the rows by a fix list, or accept them",
    find=_find,
    idle=_idle,
)
