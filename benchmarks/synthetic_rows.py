"""Rows of about 100 words, as many as wanted, for measuring the data checks: the same seed gives the same bytes.

The vocabulary is that of the bundled tokenizer with endings, 20,000 words, drawn by Zipf's law (exponent 1), so that
common words repeat and common runs of words do too. One row in ten has typographic quotes, one in thirty an accented
word, one in a hundred an e-mail address, a phone number, a block of code or a name; so no check meets only rows that
it can pass over. Two rows in a hundred are a near-duplicate of another row. How near is known.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from clean_rows import listed

Kind = Literal["text", "labels", "json"]
"""What the answers are: about 75 words, one of 20 labels, or an object of five fields."""

TOKENIZER = Path(__file__).parents[1] / "src/tunewright/bundled/base/tokenizer.json"
VOCABULARY_SIZE = 20_000
NEAR_DUPLICATE_SHARE = 0.02
SHINGLE_WORDS = 5

_ROWS_PER_BLOCK = 2_000
_INPUT_WORDS = 25
_ANSWER_WORDS = 75
_MIN_SENTENCE_WORDS, _MAX_SENTENCE_WORDS = 8, 20
_LETTERS_OF_A_WORD = re.compile(r"Ġ[a-z]{3,}")
_FUNCTION_WORDS = listed(
    "the of to in is that for as on with it are you or at by from an this be have was can which when"
)
_ENDINGS = ("", "s", "ing", "er", "al", "ist", "ive", "able")
_OPENERS = (
    "How do I",
    "Can you explain",
    "What is",
    "Tell me about",
    "Why does",
    "Help me with",
    "Compare",
    "Describe",
)
_ACCENTED = ("café", "naïve", "Zürich", "señor", "garçon")
_NAMES = ("Anna", "Bruno", "Chen", "Dana", "Emeka", "Farah")
_LABELS = tuple(f"team {letter}" for letter in "abcdefghijklmnopqrst")
_WORDS_PER_LABEL = 30
_LABEL_NOISE = 0.03
# Another number or negation makes another row, so a rewording leaves these alone.
_DECISIVE = frozenset(listed("not nor never none without nothing one two three four five six seven eight nine ten"))
_STATES = ("open", "waiting", "closed")
_CODE = "\n```python\ndef total(values):\n    return sum(values)\n```\n"


@dataclass(frozen=True)
class PlantedPair:
    """A row and its near-duplicate, by line from 1, and the Jaccard similarity of their word 5-grams."""

    first: int
    second: int
    similarity: float


@dataclass(frozen=True)
class _Row:
    given: str
    answer: str


def write_rows(path: Path, num_rows: int, kind: Kind = "text", seed: int = 0) -> list[PlantedPair]:
    """Write JSON Lines, and give the pairs planted in them."""
    rng = np.random.default_rng(seed)
    words = Words(rng)
    pairs: list[PlantedPair] = []
    earlier: list[tuple[int, _Row]] = []
    line = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        while line < num_rows:
            for row in _block(words, kind, rng):
                if line == num_rows:
                    break
                line += 1
                if earlier and rng.random() < NEAR_DUPLICATE_SHARE:
                    # Far apart as well as close together: any earlier row that was put aside, each once.
                    first, original = earlier.pop(int(rng.integers(len(earlier))))
                    row = _reworded(original, words, kind, rng)
                    pairs.append(PlantedPair(first, line, similarity(_text(original), _text(row))))
                elif len(earlier) < 1000 and rng.random() < 2 * NEAR_DUPLICATE_SHARE:
                    earlier.append((line, row))
                messages = [{"role": "user", "content": row.given}, {"role": "assistant", "content": row.answer}]
                file.write(json.dumps({"messages": messages}, ensure_ascii=False) + "\n")
    return pairs


def write_pairs(path: Path, pairs: list[PlantedPair]) -> None:
    """Keep planted pairs beside their rows, for a measurement in another process."""
    path.write_text(json.dumps([asdict(pair) for pair in pairs]), encoding="utf-8")


def read_pairs(path: Path) -> list[PlantedPair]:
    """Read what `write_pairs` wrote."""
    return [PlantedPair(**pair) for pair in json.loads(path.read_text(encoding="utf-8"))]


def similarity(left: str, right: str) -> float:
    """Exact Jaccard similarity of word 5-grams, written anew: nothing of what is measured is used."""
    shingles = []
    size = SHINGLE_WORDS
    for text in (left, right):
        words = re.findall(r"[^\W_]+", text.casefold())
        shingles.append({tuple(words[start : start + size]) for start in range(len(words) - size + 1)})
    return len(shingles[0] & shingles[1]) / max(1, len(shingles[0] | shingles[1]))


class Words:
    """An endless supply of words by Zipf's law."""

    def __init__(self, rng: np.random.Generator) -> None:
        vocabulary = json.loads(TOKENIZER.read_text(encoding="utf-8"))["model"]["vocab"]
        by_rank = sorted(vocabulary, key=vocabulary.__getitem__)
        stems = [token[1:] for token in by_rank if _LETTERS_OF_A_WORD.fullmatch(token)]
        forms = [*_FUNCTION_WORDS, *(stem + ending for ending in _ENDINGS for stem in stems)]
        self._forms = list(dict.fromkeys(forms))[:VOCABULARY_SIZE]
        self._cumulative = np.cumsum(1 / np.arange(1, len(self._forms) + 1))
        self._rng = rng

    def draw(self, number: int) -> list[str]:
        places = np.searchsorted(self._cumulative, self._rng.random(number) * self._cumulative[-1])
        return [self._forms[place] for place in places.tolist()]

    def about(self, label: int) -> list[str]:
        """Three words that only rows of one label have more often than others."""
        first = 500 + label * _WORDS_PER_LABEL
        return [self._forms[place] for place in self._rng.integers(first, first + _WORDS_PER_LABEL, 3).tolist()]


def _block(words: Words, kind: Kind, rng: np.random.Generator) -> Iterator[_Row]:
    """Rows of one block; words are drawn for all of them at once, which makes a million rows a matter of minutes."""
    num_words = _INPUT_WORDS + _ANSWER_WORDS
    drawn = words.draw(_ROWS_PER_BLOCK * num_words)
    for start in range(0, len(drawn), num_words):
        found = drawn[start : start + num_words]
        label = int(rng.integers(len(_LABELS)))
        if kind == "labels":  # words predict the label, or the search for label errors would give up
            found[:3] = words.about(label)
        given = f"{_OPENERS[int(rng.integers(len(_OPENERS)))]} {' '.join(found[:_INPUT_WORDS])}?"
        if kind != "text":
            given += " " + _sentences(found[_INPUT_WORDS:], rng)
        yield _Row(given, _answer(found, label, kind, rng))


def _answer(found: list[str], label: int, kind: Kind, rng: np.random.Generator) -> str:
    if kind == "labels":
        is_wrong = rng.random() < _LABEL_NOISE
        return _LABELS[int(rng.integers(len(_LABELS))) if is_wrong else label]
    if kind == "json":
        fields = {
            "topic": found[0],
            "state": _STATES[len(found[1]) % len(_STATES)],
            "count": len(found[2]),
            "words": found[3:6],
            "urgent": len(found[4]) % 2 == 0,
        }
        return json.dumps(fields)
    return _with_oddities(_sentences(found[_INPUT_WORDS:], rng), rng)


def _sentences(found: list[str], rng: np.random.Generator) -> str:
    sentences = []
    while found:
        length = int(rng.integers(_MIN_SENTENCE_WORDS, _MAX_SENTENCE_WORDS))
        if len(found) - length < _MIN_SENTENCE_WORDS:
            length = len(found)
        sentence, found = found[:length], found[length:]
        sentences.append(" ".join(sentence).capitalize() + ".")
    return " ".join(sentences)


def _with_oddities(answer: str, rng: np.random.Generator) -> str:
    """What real answers have beside plain words, each in its share of the rows."""
    chance = rng.random(7)
    number = int(rng.integers(10**6))
    if chance[0] < 0.10:
        answer = answer.replace(" it ", " “it” – ", 1) + " That’s all…"
    if chance[1] < 0.03:
        answer += f" See {_ACCENTED[number % len(_ACCENTED)]} too."
    if chance[2] < 0.01:
        answer += f" Write to {_NAMES[number % len(_NAMES)].lower()}.{number}@mail.net today."
    if chance[3] < 0.01:
        answer += f" Call +44 20 7946 {number % 10_000:04d} for more."
    if chance[4] < 0.01:
        answer += _CODE
    if chance[5] < 0.01:
        answer += f" Ask {_NAMES[number % len(_NAMES)]} about it."
    if chance[6] < 0.20:
        answer += f" It took {number} of {number % 97} steps."
    return answer


def _reworded(row: _Row, words: Words, kind: Kind, rng: np.random.Generator) -> _Row:
    """The row with one to four of its lower-case words replaced: similarities from .5 to 1, most of them near .8."""
    # Of inputs only the later sentences change: the answer follows from the first words.
    fixed, target = ("", row.answer) if kind == "text" else row.given.split("? ", 1)
    parts = target.split(" ")
    places = [place for place, part in enumerate(parts) if re.fullmatch("[a-z]{3,}", part) and part not in _DECISIVE]
    number = min(len(places), int(rng.integers(1, 5)))
    new_words = (word for word in words.draw(20) if word not in _DECISIVE)
    for place, word in zip(rng.choice(places, number, replace=False).tolist(), new_words, strict=False):
        parts[place] = word
    changed = " ".join(parts)
    return _Row(row.given, changed) if kind == "text" else _Row(f"{fixed}? {changed}", row.answer)


def _text(row: _Row) -> str:
    return f"{row.given}\n{row.answer}"
