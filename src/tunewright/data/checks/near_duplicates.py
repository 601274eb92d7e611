"""Near-duplicates: rows of one split that say the same in nearly the same words."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import floor

from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.near_equal import around_difference, near_equal_pairs, preference
from tunewright.data.checks.similar import linked
from tunewright.records import CheckRecipe, Finding, Severity

_Similarities = Mapping[int, Mapping[int, float]]


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    similarities: dict[int, dict[int, float]] = defaultdict(dict)
    for pair in near_equal_pairs(rows, recipe.near_duplicate_similarity):
        # Rows of different splits are the business of the leakage check.
        first, second = rows[pair.first], rows[pair.second]
        if first.split == second.split and _rejects(first) == _rejects(second):
            similarities[pair.first][pair.second] = similarities[pair.second][pair.first] = pair.similarity
    for group in linked((first, second) for first, others in similarities.items() for second in others):
        yield from _keep_best(rows, group, similarities)


def _rejects(row: CheckedRow) -> str | None:
    """The rejected answer of a pair: several of them beside one chosen answer say different things."""
    return row.texts[-1] if row.kind == "preference" else None


def _keep_best(rows: RowSet, group: Iterable[int], similarities: _Similarities) -> Iterator[Finding]:
    """Keep the best row and drop those near-equal to it, then the best of what is left, and so on.

    In a chain of similar rows the ends may say different things; this way every row dropped is like a row kept.
    """
    decided: set[int] = set()
    for best in sorted(group, key=lambda position: preference(rows[position], position)):
        if best in decided:
            continue
        likes = sorted(similarities[best].keys() - decided)
        decided.update((best, *likes))
        if likes:
            yield _finding(rows[best], [rows[like] for like in likes], min(similarities[best][like] for like in likes))


def _finding(best: CheckedRow, likes: list[CheckedRow], similarity: float) -> Finding:
    found = (best, *likes)
    others = f"{len(likes)} other rows" if len(likes) > 1 else likes[0].location
    share = f"at least {floor(100 * similarity)} % of their word 5-grams in common"
    return Finding(
        check=NEAR_DUPLICATES.id,
        example_ids=tuple(row.id for row in found),
        locations=tuple(row.location for row in found),
        explanation=f"{best.location} and {others} have {'the same words' if similarity == 1 else share}, "
        "and no number, name or negation differs.",
        evidence=(around_difference(best, likes[0]), *(around_difference(like, best) for like in likes)),
        drop=tuple(like.id for like in likes),
        score=len(likes) + similarity,
    )


NEAR_DUPLICATES = Check(
    id="near_duplicates",
    title="Near-duplicates",
    explanation="Rows of one split whose input and answer share most word 5-grams (Jaccard similarity, "
    "`near_duplicate_similarity`, 0.8 by default; MinHash LSH proposes pairs, the exact similarity decides). The model "
    "would learn such a row several times over. Rows are not near-duplicates when they differ in a number, a code, a "
    "name, a negation, an operator, a JSON value, a short answer or one that other rows have too, when a word that "
    "differs in the input recurs in the answer, or when a sentence of one is replaced by another in the other. Word "
    "5-grams that many rows share, as under one instruction, do not count, unless hardly more rows share them than "
    "share the answer.",
    severity=Severity.WARNING,
    action="all but the best row (the longest answer, then the first) are dropped",
    find=_find,
)
