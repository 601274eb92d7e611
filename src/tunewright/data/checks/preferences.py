"""Preference pairs that teach nothing, teach length, or teach against each other."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tunewright.data.checks.check import Check, CheckedRow, RowSet, overview
from tunewright.data.checks.facts import facts, same_content
from tunewright.data.checks.near_equal import shown_input, surroundings
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.data.checks.similar import linked, similar_pairs
from tunewright.records import CheckRecipe, Finding, Severity, content_hash, format_p_value

MIN_BIASED_SHARE = 0.6
"""Share of the pairs with the longer answer chosen from which on the length is a shortcut."""
MAX_P_VALUE = 0.05
NUM_SHOWN_PAIRS = 3

_SPACES = re.compile(r"[^\S\n]+")


@dataclass(frozen=True, slots=True)
class _Pair:
    """A row that is a preference pair, with its answers in the form in which they are compared."""

    row: CheckedRow
    chosen: str
    rejected: str

    @property
    def answers(self) -> tuple[str, str]:
        """Both answers, in an order that does not depend on which was chosen."""
        return min(self.chosen, self.rejected), max(self.chosen, self.rejected)


def _pairs(rows: RowSet) -> Iterator[_Pair]:
    for row in rows:
        if row.kind == "preference":
            chosen, rejected = row.texts[-2:]
            yield _Pair(row, _normal(chosen), _normal(rejected))


def _normal(answer: str) -> str:
    """An answer without what cannot be seen. Case, punctuation and line breaks stay: they may be what was preferred."""
    lines = unicodedata.normalize("NFKC", answer).strip().splitlines()
    return "\n".join(_SPACES.sub(" ", line).strip() for line in lines)


def _lacking(rows: RowSet) -> str | None:
    return None if overview(rows).has_pairs else "there are no preference pairs"


def _find_equal(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    for pair in _pairs(rows):
        if pair.chosen == pair.rejected:
            explanation = "The chosen and the rejected answer are the same."
            yield row_finding(EQUAL_PAIRS.id, pair.row, explanation, excerpt(pair.row.answer), drops=True)


class LengthBias(NamedTuple):
    """How often the longer answer was chosen."""

    num_longer: int
    num_unequal: int
    """Pairs whose answers differ in length; the others say nothing about it."""
    share: float
    low: float
    high: float
    """95 % interval of the share (Wilson 1927)."""
    p_value: float
    """Two-sided sign test: that a share as far from one half comes from chance."""


def length_bias(lengths: Sequence[tuple[int, int]]) -> LengthBias | None:
    """Count how often the chosen answer is the longer one.

    Args:
        lengths: characters of the chosen and of the rejected answer.
    Returns:
        None when all answers are as long as their counterparts.
    """
    from scipy.stats import binomtest

    unequal = [(chosen, rejected) for chosen, rejected in lengths if chosen != rejected]
    if not unequal:
        return None
    num_longer = sum(chosen > rejected for chosen, rejected in unequal)
    test = binomtest(num_longer, len(unequal))
    low, high = test.proportion_ci(confidence_level=0.95, method="wilson")
    return LengthBias(num_longer, len(unequal), num_longer / len(unequal), float(low), float(high), float(test.pvalue))


def _find_length_bias(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    pairs = list(_pairs(rows))
    bias = length_bias([(len(pair.chosen), len(pair.rejected)) for pair in pairs])
    if bias is None or bias.share < MIN_BIASED_SHARE or bias.p_value >= MAX_P_VALUE:
        return
    longer = sorted(
        (pair for pair in pairs if len(pair.chosen) > len(pair.rejected)),
        key=lambda pair: -len(pair.chosen) / len(pair.rejected),
    )
    shown = longer[:NUM_SHOWN_PAIRS]
    yield Finding(
        check=PREFERENCE_LENGTH_BIAS.id,
        example_ids=tuple(pair.row.id for pair in longer),
        locations=tuple(pair.row.location for pair in longer),
        explanation=(
            f"The chosen answer is the longer one in {bias.num_longer:,} of {bias.num_unequal:,} pairs of unequal "
            f"length: {100 * bias.share:.0f} % (95 % interval {100 * bias.low:.0f} to {100 * bias.high:.0f} %; sign "
            f"test p {_p_value(bias)}). The pairs with the largest difference are shown."
        ),
        evidence=tuple(f"{_factor(pair)} as long as the rejected answer: {excerpt(pair.chosen)}" for pair in shown),
    )


def _p_value(bias: LengthBias) -> str:
    written = format_p_value(bias.p_value)
    return written if written.startswith("<") else f"= {written}"


def _factor(pair: _Pair) -> str:
    return f"{len(pair.chosen) / len(pair.rejected):,.1f} times"


def _find_contradictory(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    # One pair stands for all with the same prompt and the same choice.
    distinct = {
        (pair.row.input_id, pair.chosen, pair.rejected): pair
        for pair in reversed(list(_pairs(rows)))
        if pair.chosen != pair.rejected
    }
    pairs = list(reversed(distinct.values()))
    conflicts = [*_swapped_on_one_prompt(pairs), *_swapped_on_near_prompts(pairs, recipe.near_duplicate_similarity)]
    for group in linked(conflicts):
        yield _contradiction([pairs[position] for position in group])


def _swapped_on_one_prompt(pairs: Sequence[_Pair]) -> Iterator[tuple[int, int]]:
    first = {(pair.row.input_id, pair.chosen, pair.rejected): position for position, pair in enumerate(pairs)}
    for position, pair in enumerate(pairs):
        other = first.get((pair.row.input_id, pair.rejected, pair.chosen))
        if other is not None and position < other:
            yield position, other


def _swapped_on_near_prompts(pairs: Sequence[_Pair], threshold: float) -> Iterator[tuple[int, int]]:
    """Pairs with the same two answers whose prompts nearly repeat each other, and which choose differently."""
    texts = [shown_input(pair.row) for pair in pairs]

    def key(position: int) -> str:
        pair = pairs[position]
        return content_hash([facts(texts[position]).key, surroundings(pair.row), *pair.answers])

    for found in similar_pairs(texts, threshold, key):
        left, right = pairs[found.first], pairs[found.second]
        is_other_prompt = left.row.input_id != right.row.input_id
        if is_other_prompt and left.chosen == right.rejected and same_content(texts[found.first], texts[found.second]):
            yield found.first, found.second


def _contradiction(group: Sequence[_Pair]) -> Finding:
    first, second = group[0], next(pair for pair in group if pair.chosen == group[0].rejected)
    rows = [first.row, second.row, *(pair.row for pair in group if pair not in (first, second))]
    same = "the same" if first.row.input_id == second.row.input_id else "nearly the same"
    more = f" More pairs contradict one of them: {len(rows) - 2}." if len(rows) > 2 else ""
    return Finding(
        check=CONTRADICTORY_PREFERENCES.id,
        example_ids=tuple(row.id for row in rows),
        locations=tuple(row.location for row in rows),
        explanation=(
            f"{first.row.location} and {second.row.location} have {same} prompt and the same two answers, but each "
            f"chooses what the other rejects.{more}"
        ),
        evidence=tuple(f"chosen: {excerpt(row.answer)}" for row in rows),
        score=float(len(rows)),
    )


EQUAL_PAIRS = Check(
    id="equal_pairs",
    title="Pairs without a difference",
    explanation=(
        "Preference pairs whose chosen and rejected answer are the same, apart from the number of spaces, blank space "
        "at the ends of lines and the Unicode form. They say nothing about what is better and only cost time."
    ),
    severity=Severity.WARNING,
    action="dropped",
    find=_find_equal,
    lacking=_lacking,
)

CONTRADICTORY_PREFERENCES = Check(
    id="contradictory_preferences",
    title="Contradictory preferences",
    explanation=(
        "Preference pairs with the same prompt, or one that differs only in spelling, word forms and filler words (as "
        "for contradictions), and the same two answers, of which each chooses what the other rejects. They cancel each "
        "other out. Up to 1 % of the rows are taken for the disagreement of whoever chose; above that training stops."
    ),
    severity=Severity.BLOCKING,
    action="listed only; above 1 % of the rows training is refused until they are corrected or accepted",
    find=_find_contradictory,
    lacking=_lacking,
    tolerated_share=0.01,
)

PREFERENCE_LENGTH_BIAS = Check(
    id="preference_length_bias",
    title="Longer answers are preferred",
    explanation=(
        "Preference pairs whose chosen answer has more characters than the rejected one, when that is so in at least "
        "60 % of the pairs of unequal length and a sign test finds it unlikely to be chance (p below 0.05). A model "
        "that is trained on such pairs learns to write more, whether or not it says more (Singhal et al. 2023, "
        "arXiv 2310.03716)."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find_length_bias,
    lacking=_lacking,
)
