"""Sentences of the texts with one word taken out: what may stand around the word that a text is sorted by.

Of some twenty frames a small base knows by heart what is frame and what is word: where every text stood in a frame of
training 92 % of labels by a name were right, in other frames 60 % (docs/lab-notebook.md, 2026-11-28).
"""

import random
import re
from collections import Counter
from collections.abc import Iterable, Sequence

from tunewright.data.skills import listed_words, measured_words, opinion_words

MOST_FRAMES = 4_000
"""Of each kind."""
MOST_ALIKE = 8
"""Of a kind that begin with the same three words: whole folders ask for the symptoms of a disease."""
SLOT = "{word}"

_SENTENCE = re.compile(r"(?<=[.!?]\s)[A-Z][a-z]*(?: [\w',;-]+){2,11}[.!?](?=\s)")
_WORD = re.compile(r"[a-z]+")
_THING = re.compile(
    r"(?<=\b(?:the|his|her|our) )[a-z]{3,}(?=[.,;!?]| (?:of|and|was|is|in|on|at|to|from|with|for|had|has|that|by)\b)"
)
_PERSON = re.compile(r"\b(?:[Hh]e|[Ss]he|him)\b")
_PATTERNS = (
    ("question", re.compile(r"\?$")),
    ("exclamation", re.compile(r"!$")),
    ("condition", re.compile("^If ")),
    ("negation", re.compile(r"\b(?:no|not|never|nobody|nothing)\b|n't\b", re.IGNORECASE)),
    ("future", re.compile(r"\b(?:will|shall)\b|'ll\b")),
    ("statement", re.compile("")),
)
"""What is looked for first comes first; the rest states something."""


def find_frames(texts: Iterable[str]) -> dict[str, list[str]]:
    """Frames by what is taken out of them: "things", "people" and "opinions"; those of things by pattern, too.

    None has a word that measuring uses or another word that texts are sorted by.
    """
    listed, measured, opinions = listed_words(), measured_words(), opinion_words()
    found: dict[str, set[str]] = {kind: set() for kind in ("things", "people", "opinions", *dict(_PATTERNS))}
    for text in texts:
        for sentence in _SENTENCE.findall(text):
            words = set(_WORD.findall(sentence.lower()))
            if words & measured:
                continue
            said = words & opinions
            if len(said) == 1 and not words & (listed - opinions):
                _add(found["opinions"], sentence, re.compile(rf"\b{said.pop()}\b"))
            elif not words & listed:
                _add(found["people"], sentence, _PERSON)
                for frame in _add(found["things"], sentence, _THING):
                    found[next(name for name, pattern in _PATTERNS if pattern.search(frame))].add(frame)
    return {kind: _some(frames) for kind, frames in found.items()}


def _add(frames: set[str], sentence: str, word: re.Pattern[str]) -> Sequence[str]:
    """The sentence as a frame, if it has exactly one such word."""
    if len(word.findall(sentence)) != 1:
        return ()
    frame = word.sub(SLOT, sentence)
    frames.add(frame)
    return (frame,)


def _some(frames: set[str]) -> list[str]:
    ordered = sorted(frames)
    random.Random(f"frames {len(ordered)}").shuffle(ordered)
    beginnings: Counter[tuple[str, ...]] = Counter()
    chosen = []
    for frame in ordered:
        beginning = tuple(frame.split()[:3])
        beginnings[beginning] += 1
        if beginnings[beginning] <= MOST_ALIKE:
            chosen.append(frame)
    return chosen[:MOST_FRAMES]
