"""Groups of rows: those that are small, and those with other labels than the rest."""

from collections.abc import Callable, Iterable, Iterator

from tunewright.data.checks.check import Check, CheckedRow, RowSet, SomeRows
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.representation.gender_terms import BOTH, NO_TERMS, gender_terms
from tunewright.data.representation.grouped import MIN_ROWS, GroupedRows, count_groups
from tunewright.data.representation.inputs import asked
from tunewright.errors import Problem, RecipeError
from tunewright.records import CheckRecipe, Finding, Measurement, Severity, format_p_value

MAX_GROUPS = 100
NO_VALUE = "(no value)"
NUM_SHOWN = 3

_Found = tuple[Finding, SomeRows]
"""A finding and the rows of its group, of which it lists the first."""


def _find_fields(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding | Measurement]:
    found: list[_Found] = []
    for name in recipe.groups:
        grouped = count_groups(name, rows, (dict(row.example.provenance.fields).get(name, NO_VALUE) for row in rows))
        if len(grouped.rows) > MAX_GROUPS:
            raise RecipeError(
                Problem(
                    "data.checks.groups",
                    f"{name} with {len(grouped.rows):,} different values",
                    f"a field with at most {MAX_GROUPS}",
                    "Name a coarser field, such as a region instead of a customer.",
                )
            )
        yield grouped.table
        found += _small(GROUP_BALANCE.id, f"{name} is", grouped)
        found += _different(GROUP_BALANCE.id, f"{name} is", grouped)
    yield from _counted(found, len(rows))


def _find_gender_terms(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding | Measurement]:
    del recipe
    sides: tuple[tuple[str, Callable[[CheckedRow], str]], ...] = (("inputs", asked), ("answers", _answer))
    found: list[_Found] = []
    for side, text_of in sides:
        grouped = count_groups(f"gender terms in {side}", rows, (gender_terms(text_of(row)) for row in rows))
        if set(grouped.rows) == {NO_TERMS}:
            continue
        yield grouped.table
        if any(len(members) >= MIN_ROWS for group, members in grouped.rows.items() if group != NO_TERMS):
            found += _small(GENDER_TERMS.id, f"the {side[:-1]} has", grouped)
        if side == "inputs":  # the words of a label are the label
            found += _different(GENDER_TERMS.id, f"the {side[:-1]} has", grouped)
    yield from _counted(found, len(rows))


def _answer(row: CheckedRow) -> str:
    return row.answer if row.kind == "conversation" else ""


def _counted(found: Iterable[_Found], num_rows: int) -> Iterator[Finding]:
    """Findings with the rows they do not list; a row that is in groups of several fields counts once."""
    found = tuple(found)
    is_counted = bytearray(num_rows)
    for _, rows in found:
        for position in rows.positions[:NUM_SHOWN]:
            is_counted[position] = 1
    for finding, rows in found:
        others = rows.positions[NUM_SHOWN:]
        new = [position for position in others if not is_counted[position]]
        for position in new:
            is_counted[position] = 1
        yield finding.model_copy(update={"num_more": len(others), "num_only_here": len(new)})


def _small(check: str, when: str, grouped: GroupedRows) -> Iterator[_Found]:
    for group, found in grouped.rows.items():
        if len(found) < MIN_ROWS and group not in (NO_VALUE, NO_TERMS, BOTH):
            explanation = f"In only {len(found)} {'row' if len(found) == 1 else 'rows'} {when} {group}."
            yield _finding(check, grouped.rows[group], explanation, 1 / len(found))


def _different(check: str, when: str, grouped: GroupedRows) -> Iterator[_Found]:
    for each in grouped.differences:
        explanation = (
            f"Where {when} {each.group}, the answer is {each.label} in {each.rate:.0%} of the rows, otherwise in "
            f"{each.other_rate:.0%} (p {format_p_value(each.p_value)} after Holm)."
        )
        yield _finding(check, grouped.rows[each.group], explanation, 1 + abs(each.rate - each.other_rate))


def _finding(check: str, rows: SomeRows, explanation: str, score: float) -> _Found:
    shown = rows[:NUM_SHOWN]
    finding = Finding(
        check=check,
        example_ids=tuple(row.id for row in shown),
        locations=tuple(row.location for row in shown),
        explanation=explanation,
        evidence=tuple(excerpt(f"{asked(row)} → {row.answer}") for row in shown),
        score=score,
    )
    return finding, rows


GROUP_BALANCE = Check(
    id="group_balance",
    title="Groups that are small or have other labels",
    explanation=(
        "The values of the fields named in `data.checks.groups`, such as regions or products. Listed are groups of "
        "fewer than 30 rows, about which the model learns little and a score says nothing, and labels that a group has "
        "at least 5 points more or less often than all other rows, beyond chance (chi-square or Fisher's exact test, "
        "p < 0.05 after Holm): the model learns to answer by the group."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find_fields,
    idle=lambda recipe: None if recipe.groups else "no fields are named in data.checks.groups",
)

GENDER_TERMS = Check(
    id="gender_terms",
    title="Gender terms that are rare or change the label",
    explanation=(
        "English pronouns, titles and nouns of one gender (she, Mrs, his, husband ...), counted in inputs and answers. "
        "Listed are terms of one gender in fewer than 30 rows where another has more, and labels that inputs with "
        "terms of one gender have at least 5 points more or less often than the others, beyond chance (p < 0.05 after "
        "Holm): the model may answer by the gender. Names and other languages are not looked at."
    ),
    severity=Severity.NOTE,
    action="listed only",
    find=_find_gender_terms,
)
