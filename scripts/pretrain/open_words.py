"""Words of the texts that tasks may use for any other, so that no list of answers can be learned by heart."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from pretrain.open_frames import find_frames
from pretrain.text import training_documents
from pretrain.word_vectors import NUM_GRAMMAR_WORDS, word_vectors

from tunewright.data.skills import OpenWords, listed_words, measured_words
from tunewright.data.skills.names import is_held_out

_WORD = re.compile(r"(?<![\w'’])[a-z]{3,}(?![\w'’])")
MIN_COUNT = 25
MIN_COUNT_OF_KIND = 80
"""Rarer words are found near others by chance."""
KIND_SIZE = (8, 20)
"""Fewest and most words of a kind."""
MIN_SIMILARITY = 0.45
"""Cosine, by which a word is near another."""
MIN_DETERMINED = 0.25
"""A word names or describes things when so much of its use stands behind a determiner."""


def read_open_words(cache: Path) -> OpenWords:
    """The open words of the training documents; found once and kept in a file."""
    if not cache.exists():
        texts = [document.text for document in training_documents()]
        words = find_open_words(texts)
        cache.write_text(json.dumps(asdict(OpenWords(words, find_kinds(texts), find_frames(texts)))), encoding="utf-8")
    return OpenWords(**json.loads(cache.read_text(encoding="utf-8")))


def find_open_words(texts: Iterable[str]) -> list[str]:
    """Lower-case words of three letters or more that start with a consonant, so that `a` fits before them.

    None is of a skill's lists, which have words that only measuring uses, or may be a made-up word of measuring.
    """
    counts = Counter(word for text in texts for word in _WORD.findall(text))
    listed = listed_words()
    frequent = (word for word, count in counts.most_common()[NUM_GRAMMAR_WORDS:] if count >= MIN_COUNT)
    return [word for word in frequent if word not in listed and not is_held_out(word) and word[0] not in "aeiou"]


def find_kinds(texts: Iterable[str]) -> list[list[str]]:
    """For each word that names or describes things, the words nearest to it, itself first; none that measuring uses."""
    import numpy as np

    measured = measured_words()
    found = word_vectors(texts, MIN_COUNT_OF_KIND, lambda word: word not in measured and not is_held_out(word))
    names_things = (found.determined >= MIN_DETERMINED) & ~found.is_grammar
    vectors, words = found.vectors[names_things], np.array(found.words)[names_things]
    kinds = []
    for vector in vectors:
        similarity = vectors @ vector
        nearest = np.argsort(-similarity)[: KIND_SIZE[1]]
        near = words[nearest[similarity[nearest] >= MIN_SIMILARITY]]
        if len(near) >= KIND_SIZE[0]:
            kinds.append(near.tolist())
    return kinds
