"""Words of the texts that tasks may use for any other, so that no list of answers can be learned by heart."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from pretrain.text import training_documents

from tunewright.data.skills import listed_words
from tunewright.data.skills.names import is_held_out

_WORD = re.compile(r"(?<![\w'’])[a-z]{3,}(?![\w'’])")
MIN_COUNT = 25
NUM_LEFT_OUT = 150
"""The most frequent words: they are grammar."""


def read_open_words(cache: Path) -> list[str]:
    """The open words of the training documents, frequent ones first; found once and kept in a file."""
    if not cache.exists():
        found = find_open_words(document.text for document in training_documents())
        cache.write_text(json.dumps(found), encoding="utf-8")
    words: list[str] = json.loads(cache.read_text(encoding="utf-8"))
    return words


def find_open_words(texts: Iterable[str]) -> list[str]:
    """Lower-case words of three letters or more that start with a consonant, so that `a` fits before them.

    None is of a skill's lists, which have words that only measuring uses, or may be a made-up word of measuring.
    """
    counts = Counter(word for text in texts for word in _WORD.findall(text))
    listed = listed_words()
    frequent = (word for word, count in counts.most_common()[NUM_LEFT_OUT:] if count >= MIN_COUNT)
    return [word for word in frequent if word not in listed and not is_held_out(word) and word[0] not in "aeiou"]
