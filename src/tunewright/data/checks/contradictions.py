"""Contradictions: rows that ask the same and answer differently, so that no model can learn both."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from tunewright.data.checks.answers import MIN_ROWS_PER_LABEL
from tunewright.data.checks.check import Check, CheckedRow, RowSet, RowTexts, SomeRows
from tunewright.data.checks.facts import (
    Facts,
    content_words,
    facts,
    names,
    names_conflict,
    numbers_conflict,
    same_content,
)
from tunewright.data.checks.final_answers import final_answer
from tunewright.data.checks.near_equal import (
    MAX_LABEL_WORDS,
    json_value,
    normal_label,
    shown_input,
    surroundings,
)
from tunewright.data.checks.row_finding import excerpt
from tunewright.data.checks.similar import linked, similar_pairs
from tunewright.records import CheckRecipe, Finding, Severity

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Positions = NDArray[np.uint32]
    Hashes = NDArray[np.uint64]

MIN_LABEL_SHARE = 0.8
"""Short answers are labels when this share of their rows repeats an answer of another row. So are answers of any length
when this share of all rows has one that at least MIN_ROWS_PER_LABEL rows have."""
MAX_FACT_WORDS = 3
"""Content words of an answer that is taken for a bare fact, as in "the green dragon"."""
MIN_QUESTION_WORDS = 2
"""Content words of an input that asks something: "hi" may be answered by anything."""
MULTI_REFERENCE_SHARE = 0.1
MIN_MULTI_REFERENCE_INPUTS = 20
"""From this share and number of inputs with several answers on, several answers are the design of the data set, as in
multi-reference question answering. Answers without a common word are no contradiction there: on FairytaleQA, `sad` and
`upset` are two references of one question."""
MIN_SHARED_CONTENT = 0.8
"""Share of common content words (Jaccard over counts) from which two texts are otherwise equal."""
MAX_ANSWERS_COMPARED = 50
"""Different answers of one input that are compared with each other, in the order of the rows; bounds the pairs."""

MAX_SHOWN_INPUT = 100
"""Characters of the input that a finding repeats."""

_ANSWERS_REMEMBERED = 1000


@dataclass(frozen=True, slots=True)
class _Conflict:
    """Two rows that cannot both be right."""

    first: int
    second: int
    reason: str
    score: float


class _Answer:
    """An answer in the forms in which it is compared, each made once and only if it is needed."""

    def __init__(self, text: str) -> None:
        self.text = text

    @cached_property
    def json(self) -> str | None:
        return json_value(self.text)

    @cached_property
    def label(self) -> str:
        return normal_label(self.text)

    @cached_property
    def facts(self) -> Facts:
        return facts(self.text)

    @cached_property
    def content(self) -> Counter[str]:
        return content_words(self.text)

    @cached_property
    def plain_content(self) -> Counter[str]:
        """Content words that are no names."""
        named = names(self.text)
        return Counter({word: count for word, count in self.content.items() if word not in named})

    @cached_property
    def final(self) -> str | None:
        return final_answer(self.text)


@dataclass(frozen=True, slots=True)
class _Customs:
    """How answers are written in this data set."""

    labels: frozenset[str]
    """Short ones, in normal form."""
    long_labels: frozenset[int]
    """Hashes of the others, as written."""
    is_multi_reference: bool

    def is_label(self, answer: _Answer) -> bool:
        return answer.label in self.labels or hash(answer.text) in self.long_labels


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    inputs = _Inputs(rows)
    customs = _customs(rows, inputs)
    answer_at = lru_cache(_ANSWERS_REMEMBERED)(lambda position: _Answer(rows[position].answer))
    conflicts = []
    for first, second in _pairs_to_compare(rows, inputs, recipe.near_duplicate_similarity):
        found = _incompatible(answer_at(first), answer_at(second), customs, shown_input(rows[first]))
        if found is not None:
            conflicts.append(_Conflict(first, second, *found))
    groups = linked((conflict.first, conflict.second) for conflict in conflicts)
    group_of = {position: group for group in groups for position in group}
    worst_of: dict[tuple[int, ...], _Conflict] = {}
    for conflict in sorted(conflicts, key=lambda conflict: (-conflict.score, conflict.first, conflict.second)):
        worst_of.setdefault(group_of[conflict.first], conflict)
    for group, worst in worst_of.items():
        yield _finding(rows, group, worst)


class _Inputs:
    """Which conversations ask the same. Memory: 4 bytes for each input, and more only for those with several answers.

    Args:
        rows: all rows; only conversations count.
    """

    def __init__(self, rows: RowSet) -> None:
        positions, hashes = array("I"), array("Q")
        for position, row in enumerate(rows):
            if row.kind == "conversation":
                positions.append(position)
                hashes.append(int(row.input_id[:16], 16))
        alone, together = _by_hash(np.array(positions), np.array(hashes, dtype=np.uint64))
        self.several: dict[int, list[int]] = {}
        """The first row of each answer, by the first row of the input, where there are several answers."""
        firsts = alone
        for same_hash in together:
            by_input: dict[str, dict[str, int]] = defaultdict(dict)
            for position in same_hash:
                by_input[rows[position].input_id].setdefault(rows[position].answer, position)
            for answers in by_input.values():
                first, *others = answers.values()
                firsts.append(first)
                if others:
                    self.several[first] = [first, *others]
        self.first = array("I", sorted(firsts))
        """The first row of each input, in the order of the rows."""

    def answers(self, first: int) -> list[int]:
        """Rows with different answers, at most MAX_ANSWERS_COMPARED, by the first row of the input."""
        return self.several.get(first, [first])[:MAX_ANSWERS_COMPARED]


def _by_hash(positions: "Positions", hashes: "Hashes") -> tuple["array[int]", list[list[int]]]:
    """The positions whose hash occurs once, and those whose hash occurs more often, by hash; each ascending."""
    order = np.argsort(hashes, kind="stable")
    positions, hashes = positions[order], hashes[order]
    is_together = np.zeros(len(hashes), dtype=bool)
    is_together[1:] = hashes[1:] == hashes[:-1]
    is_together[:-1] |= is_together[1:]
    together = positions[is_together]
    starts = np.flatnonzero(np.diff(hashes[is_together])) + 1
    groups = [group.tolist() for group in np.split(together, starts)] if len(together) else []
    return array("I", positions[~is_together].tolist()), groups


def _pairs_to_compare(rows: RowSet, inputs: _Inputs, threshold: float) -> Iterator[tuple[int, int]]:
    """Rows with the same input, then rows with nearly the same input."""
    for first in sorted(inputs.several):
        yield from combinations(inputs.answers(first), 2)
    asked = SomeRows(rows, inputs.first)
    texts = RowTexts(asked, shown_input)

    def key(position: int) -> str:
        return f"{facts(texts[position]).key}\n{surroundings(asked[position])}"

    for pair in similar_pairs(texts, threshold, key):
        if same_content(texts[pair.first], texts[pair.second]):
            firsts = inputs.first[pair.first], inputs.first[pair.second]
            yield from product(*map(inputs.answers, firsts))


def _customs(rows: RowSet, inputs: _Inputs) -> _Customs:
    counts: Counter[str] = Counter()
    hashes = array("q")
    for row in rows:
        if row.kind == "conversation":
            hashes.append(hash(row.answer))
            if len(row.answer.split()) <= MAX_LABEL_WORDS:
                counts[normal_label(row.answer)] += 1
    repeated = {label: count for label, count in counts.items() if count > 1}
    has_labels = sum(repeated.values()) >= MIN_LABEL_SHARE * counts.total()
    is_multi_reference = len(inputs.several) >= max(
        MIN_MULTI_REFERENCE_INPUTS, MULTI_REFERENCE_SHARE * len(inputs.first)
    )
    return _Customs(
        labels=frozenset(repeated if has_labels else ()),
        # Of several standard replies to a greeting, each may be right.
        long_labels=frozenset(() if is_multi_reference else _recurring(np.array(hashes, dtype=np.int64))),
        is_multi_reference=is_multi_reference,
    )


def _recurring(hashes: "NDArray[np.int64]") -> list[int]:
    """Those that occur often, if nearly all do."""
    distinct, counts = np.unique(hashes, return_counts=True)
    recurs = counts >= MIN_ROWS_PER_LABEL
    if counts[recurs].sum() < MIN_LABEL_SHARE * len(hashes):
        return []
    return [int(answer) for answer in distinct[recurs]]


def _incompatible(left: _Answer, right: _Answer, customs: _Customs, asked: str) -> tuple[str, float] | None:
    """Why two answers of one input cannot both be right, and how sure that is; None when they can.

    JSON and labels must be equal. Free text has many good wordings, so only clear conflicts count: two numbers, names
    or a negation against each other in otherwise equal answers, two marked final answers, or two bare facts without
    a common word.
    """
    if left.label == right.label:
        return None
    if left.json is not None and right.json is not None:
        return ("the JSON values differ", 1.0) if left.json != right.json else None
    if customs.is_label(left) and customs.is_label(right):
        return ("the labels differ", 1.0)
    if left.final and right.final and left.final != right.final:
        return (f"the final answers differ: {left.final} and {right.final}", 0.9)
    found = _conflicting_facts(left, right)
    if found is None and not customs.is_multi_reference:
        return _unrelated_facts(left, right, asked)
    return found


def _conflicting_facts(left: _Answer, right: _Answer) -> tuple[str, float] | None:
    shared = _shared_content(left.plain_content, right.plain_content)
    if shared < MIN_SHARED_CONTENT:
        return None
    if numbers := numbers_conflict(left.facts, right.facts):
        return (f"the numbers differ: {numbers[0]} and {numbers[1]}", 0.8 * shared)
    if _negates(left, right) or _negates(right, left):
        return ("one answer negates what the other says", 0.8 * shared)
    # Of two bare names neither may be the only right one: that is for the last rule.
    if left.plain_content and (named := names_conflict(left.text, right.text, forgive_spelling=True)):
        return (f"the names differ: {named[0]} and {named[1]}", 0.8 * shared)
    return None


def _negates(left: _Answer, right: _Answer) -> bool:
    """Whether `left` denies what `right` says. What `right` does not mention at all is left out, not denied."""
    return left.facts.num_negations > right.facts.num_negations and not left.content - right.content


def _unrelated_facts(left: _Answer, right: _Answer, asked: str) -> tuple[str, float] | None:
    is_bare = all(0 < len(answer.content) <= MAX_FACT_WORDS for answer in (left, right))
    if not is_bare or left.content & right.content or len(content_words(asked)) < MIN_QUESTION_WORDS:
        return None
    return ("the answers have no word in common", 0.5)


def _shared_content(left: Counter[str], right: Counter[str]) -> float:
    num_all = (left | right).total()
    return (left & right).total() / num_all if num_all else 1.0


def _finding(rows: RowSet, group: Sequence[int], worst: _Conflict) -> Finding:
    # The two rows that contradict each other most stand first.
    others = [position for position in group if position not in (worst.first, worst.second)]
    first, second, *rest = (rows[position] for position in (worst.first, worst.second, *others))
    found = (first, second, *rest)
    same = "the same" if first.input_id == second.input_id else "nearly the same"
    more = f" More rows contradict one of them: {len(rest)}." if rest else ""
    return Finding(
        check=CONTRADICTIONS.id,
        example_ids=tuple(row.id for row in found),
        locations=tuple(row.location for row in found),
        explanation=f"{first.location} and {second.location} have {same} input, “{_shown(first)}”, but "
        f"{worst.reason}.{more}",
        evidence=tuple(excerpt(row.answer) for row in found),
        score=worst.score,
    )


def _shown(row: CheckedRow) -> str:
    """The end of an input, where mostly the question is."""
    asked = " ".join(shown_input(row).split())
    return asked if len(asked) <= MAX_SHOWN_INPUT else f"…{asked[-MAX_SHOWN_INPUT:]}"


CONTRADICTIONS = Check(
    id="contradictions",
    title="Contradictions",
    explanation="Rows with the same input, or one that differs only in spelling, word forms and filler words (Jaccard "
    "similarity of word 5-grams, `near_duplicate_similarity`, 0.8 by default, and the same content words, numbers and "
    "negations), whose answers cannot both be right. Labels (short answers that recur, or answers of any length where "
    "nearly all recur) and JSON must be equal after normalisation. For free text, where several wordings are right, "
    "only clear conflicts count: different numbers, names or a negation in otherwise equal answers, different final "
    "answers behind a mark (`####` as in GSM8K, `\\boxed{}`, “final answer”) that are no formulas, and, unless many "
    "inputs have several answers by design, answers of at most three content words without a common one. A model that "
    "is trained on both learns to guess. Up to 1 % of the rows are taken for slips of whoever wrote them; above that "
    "training stops.",
    severity=Severity.BLOCKING,
    action="listed only; above 1 % of the rows training is refused until they are corrected or accepted",
    tolerated_share=0.01,
    find=_find,
)
