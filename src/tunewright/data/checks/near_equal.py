"""Rows that are interchangeable for training: near-equal in words, and equal in everything that decides an answer.

Word overlap alone would merge the rows of any templated data set, where one order number or one product makes another
row. `near_equal_pairs` therefore asks more, and when in doubt says no: a repeated row that stays costs little.
"""

import json
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import takewhile

from tunewright.data.checks.answers import MIN_ROWS_PER_LABEL
from tunewright.data.checks.check import CheckedRow, RowSet, RowTexts
from tunewright.data.checks.facts import Facts, facts, names_conflict
from tunewright.data.checks.row_finding import excerpt
from tunewright.data.checks.similar import SimilarPair, similar_pairs
from tunewright.data.checks.words import words
from tunewright.records import Split, canonical_json

MAX_LABEL_WORDS = 5
"""Answers up to this length are compared as a whole: one other word is another answer."""
MIN_SENTENCE_SIMILARITY = 0.5
"""Share of common words (Jaccard) that the sentences have in which two rows differ."""
NUM_LEADERS = 3
"""Rows of each split that many like rows are compared with. Several, for one may have a name that the others lack."""
MIN_SHARE_OF_ANSWER = 0.1
"""From this share of many like rows on, those with one answer have leaders of their own."""

# What code and formulas differ in: operators, names with underscores, and a hyphen beside digits or one-letter names.
_CODE = re.compile(
    r"[+/=<>%^|#$@]|(?<=[\w)])\s?\*\s?(?=[\w(])|\b(?:\d+|[^\W\d_])\s?-\s?(?:\d+|[^\W\d_])\b|[^\W_]+(?:_[^\W_]+)+"
)
_MAX_REMEMBERED_TEXTS = 1000
_SENTENCE_END = re.compile(r"[\n.!?。！？]+")

_Marks = tuple[Facts, Counter[str]]


def near_equal_pairs(rows: RowSet, threshold: float) -> list[SimilarPair]:
    """Find pairs of rows that say the same, across splits too.

    Input and answer together share `threshold` of their word 5-grams. System messages are equal and do not count as
    text. JSON, short answers and answers that other rows have too are equal. No number, code, name, negation or
    operator differs; no word that differs in the input recurs in the answer; and no sentence of one row is replaced by
    an unrelated one in the other, such as another question under the same passage.

    Raises:
        MissingExtraError: datasketch is not installed.
    """
    texts = RowTexts(rows, lambda row: f"{shown_input(row)}\n{row.answer}")

    def key(position: int) -> str:
        row = rows[position]
        return "\n".join((facts(texts[position]).key, _whole_answer(row.answer), surroundings(row)))

    pairs = similar_pairs(texts, threshold, key, lambda position: rows[position].answer, _Leaders(rows))
    marks_of = lru_cache(_MAX_REMEMBERED_TEXTS)(_marks)
    # By the second row, so that what is remembered of it serves all rows that it is compared with.
    by_second = sorted(pairs, key=lambda pair: pair.second)
    pairs = sorted(pair for pair in by_second if _say_the_same(rows[pair.first], rows[pair.second], marks_of))
    labels = _labels(rows, pairs)
    return [pair for pair in pairs if len(labels.intersection(_different_answers(rows, pair))) < 2]


def preference(row: CheckedRow, position: int) -> tuple[int, int]:
    """What near-equal rows are sorted by, the one to keep first: the longest answer, then the first row."""
    return -len(row.answer), position


class _Leaders:
    """Of many rows that seem alike, the best few of each split: what is kept and what is held out is among them.

    So are the best few of each answer that many of the rows have, for rows with another one may not be near-equal.
    """

    def __init__(self, rows: RowSet) -> None:
        self._rows = rows
        self._known: dict[int, tuple[Split | None, int, tuple[int, int]]] = {}

    def __call__(self, positions: Sequence[int]) -> list[int]:
        found = [self._look_at(position) for position in positions]
        num_with = Counter(answer for _, answer, _ in found)
        ranks: dict[tuple[Split | None, int | None], list[tuple[int, int]]] = defaultdict(list)
        for split, answer, rank in found:
            is_common = num_with[answer] >= MIN_SHARE_OF_ANSWER * len(found)
            ranks[split, answer if is_common else None].append(rank)
        return [position for alike in ranks.values() for _, position in nsmallest(NUM_LEADERS, alike)]

    def _look_at(self, position: int) -> tuple[Split | None, int, tuple[int, int]]:
        if position not in self._known:
            row = self._rows[position]
            self._known[position] = row.split, hash(row.answer), preference(row, position)
        return self._known[position]


def normal_label(answer: str) -> str:
    """A short answer without case, white space and punctuation around it; `C++` and `C#` stay different."""
    return " ".join(unicodedata.normalize("NFKC", answer).casefold().split()).strip(".,;:!?\"'")


def json_value(answer: str) -> str | None:
    """A JSON object or array in canonical form with strings case folded and 1.0 written as 1; None for other text."""
    if not answer.lstrip().startswith(("{", "[")):
        return None
    try:
        return canonical_json(_plain(json.loads(answer)))
    except (ValueError, RecursionError):
        return None


def shown_input(row: CheckedRow) -> str:
    """The input without the system message."""
    system = system_message(row)
    return row.input[len(system) :].lstrip("\n") if system else row.input


def system_message(row: CheckedRow) -> str:
    """The system message of a conversation or pair; empty if there is none."""
    return row.system


def surroundings(row: CheckedRow) -> str:
    """What rows must share before their inputs are compared: the system message and the declared tools."""
    return f"{row.system}\n{row.tools}" if row.tools else row.system


def around_difference(row: CheckedRow, other: CheckedRow) -> str:
    """An excerpt of a row around the first place where it differs from another."""
    shown, compared = (f"{shown_input(each)} → {each.answer}".removeprefix(" → ") for each in (row, other))
    equal = takewhile(lambda pair: pair[0] == pair[1], zip(shown, compared, strict=False))
    return excerpt(shown, start=sum(1 for _ in equal))


def _whole_answer(answer: str) -> str:
    """JSON and short answers in the form in which they must be equal; empty for others."""
    if (value := json_value(answer)) is not None:
        return value
    return normal_label(answer) if len(words(answer)) <= MAX_LABEL_WORDS else ""


def _labels(rows: RowSet, pairs: Sequence[SimilarPair]) -> set[str]:
    """Which of the answers in which pairs differ are labels, of any length: rows with other inputs have them too."""
    inputs: dict[str, set[str]] = {answer: set() for pair in pairs for answer in _different_answers(rows, pair)}
    if inputs:
        for row in rows:
            if row.answer in inputs:
                inputs[row.answer].add(row.input_id)
    return {answer for answer, having in inputs.items() if len(having) >= MIN_ROWS_PER_LABEL}


def _different_answers(rows: RowSet, pair: SimilarPair) -> tuple[str, ...]:
    left, right = rows[pair.first].answer, rows[pair.second].answer
    return () if normal_label(left) == normal_label(right) else (left, right)


def _marks(text: str) -> _Marks:
    """The facts of a text, and what is code in it."""
    return facts(text), Counter(_CODE.findall(text))


def _say_the_same(left: CheckedRow, right: CheckedRow, marks_of: Callable[[str], _Marks]) -> bool:
    left_input, right_input = shown_input(left), shown_input(right)
    return (
        _texts_agree(left_input, right_input, marks_of)
        and _texts_agree(left.answer, right.answer, marks_of)
        and not (_answer_follows(left, right) and _answer_follows(right, left))
    )


def _texts_agree(left: str, right: str, marks_of: Callable[[str], _Marks]) -> bool:
    if left == right:
        return True
    if marks_of(left) != marks_of(right):
        return False
    return names_conflict(left, right, forgive_spelling=False) is None and _differing_sentences_agree(left, right)


def _differing_sentences_agree(left: str, right: str) -> bool:
    """Whether what differs is reworded. A sentence that only one text has was added; it replaces nothing."""
    left_sentences, right_sentences = _sentences(left), _sentences(right)
    left_words = {word for sentence in left_sentences - right_sentences for word in sentence}
    right_words = {word for sentence in right_sentences - left_sentences for word in sentence}
    if not left_words or not right_words:
        return True
    return len(left_words & right_words) >= MIN_SENTENCE_SIMILARITY * len(left_words | right_words)


def _sentences(text: str) -> set[tuple[str, ...]]:
    return {tuple(words(sentence)) for sentence in _SENTENCE_END.split(text)}


def _answer_follows(row: CheckedRow, other: CheckedRow) -> bool:
    """Whether a word that only this row's input has is also a word that only its answer has, as in `red` for `blue`."""
    only_input = set(words(row.input)).difference(words(other.input))
    return bool(only_input & set(words(row.answer)).difference(words(other.answer)))


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {" ".join(key.split()).casefold(): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str):
        return " ".join(value.split()).casefold()
    return int(value) if isinstance(value, float) and value.is_integer() else value
