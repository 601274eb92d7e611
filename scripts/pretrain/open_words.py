"""Words of the texts that tasks may use for any other, so that no list of answers can be learned by heart."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tunewright.data.skills import listed_words

_WORD = re.compile(r"(?<![\w'’])[a-z]{3,}(?![\w'’])")
MIN_COUNT = 25
NUM_LEFT_OUT = 150
"""The most frequent words: they are grammar."""


def read_open_words(cache: Path, texts: Iterable[str]) -> list[str]:
    """The open words of the texts, frequent ones first; found once and kept in a file."""
    if not cache.exists():
        cache.write_text(json.dumps(find_open_words(texts)), encoding="utf-8")
    words: list[str] = json.loads(cache.read_text(encoding="utf-8"))
    return words


def find_open_words(texts: Iterable[str]) -> list[str]:
    """Lower-case words of three letters or more, none of a skill's lists: those have words that only measuring uses.

    They start with a consonant, so that `a` fits before them.
    """
    counts = Counter(word for text in texts for word in _WORD.findall(text))
    listed = listed_words()
    frequent = (word for word, count in counts.most_common()[NUM_LEFT_OUT:] if count >= MIN_COUNT)
    return [word for word in frequent if word not in listed and word[0] not in "aeiou"]
