"""Rows that are interchangeable for training: near-equal in words, and equal in everything that decides an answer.

Word overlap alone would merge the rows of any templated data set, where one order number or one product makes another
row. `near_equal_pairs` therefore asks more, and when in doubt says no: a repeated row that stays costs little.
"""

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from itertools import takewhile

from tunewright.data.checks.answers import MIN_ROWS_PER_LABEL
from tunewright.data.checks.check import CheckedRow, RowSet, RowTexts
from tunewright.data.checks.facts import facts, names_conflict
from tunewright.data.checks.row_finding import excerpt
from tunewright.data.checks.similar import SimilarPair, similar_pairs
from tunewright.data.checks.words import words
from tunewright.records import canonical_json

MAX_LABEL_WORDS = 5
"""Answers up to this length are compared as a whole: one other word is another answer."""
MIN_SENTENCE_SIMILARITY = 0.5
"""Share of common words (Jaccard) that the sentences have in which two rows differ."""

# What code and formulas differ in: operators, names with underscores, and a hyphen beside digits or one-letter names.
_CODE = re.compile(
    r"[+/=<>%^|#$@]|(?<=[\w)])\s?\*\s?(?=[\w(])|\b(?:\d+|[^\W\d_])\s?-\s?(?:\d+|[^\W\d_])\b|[^\W_]+(?:_[^\W_]+)+"
)
_SENTENCE_END = re.compile(r"[\n.!?。！？]+")


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

    pairs = [
        pair for pair in similar_pairs(texts, threshold, key) if _say_the_same(rows[pair.first], rows[pair.second])
    ]
    labels = _labels(rows, pairs)
    return [pair for pair in pairs if len(labels.intersection(_different_answers(rows, pair))) < 2]


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


def _say_the_same(left: CheckedRow, right: CheckedRow) -> bool:
    left_input, right_input = shown_input(left), shown_input(right)
    return (
        _texts_agree(left_input, right_input)
        and _texts_agree(left.answer, right.answer)
        and not (_answer_follows(left, right) and _answer_follows(right, left))
    )


def _texts_agree(left: str, right: str) -> bool:
    if left == right:
        return True
    if facts(left) != facts(right) or Counter(_CODE.findall(left)) != Counter(_CODE.findall(right)):
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
