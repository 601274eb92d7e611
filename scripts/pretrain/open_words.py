"""Words of the texts that tasks may use for any other, so that no list of answers can be learned by heart."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pretrain.text import training_documents

from tunewright.data.skills import listed_words, measured_words
from tunewright.data.skills.names import is_held_out

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

_WORD = re.compile(r"(?<![\w'’])[a-z]{3,}(?![\w'’])")
MIN_COUNT = 25
NUM_LEFT_OUT = 150
"""The most frequent words: they are grammar."""

_TOKEN = re.compile(r"[a-z]+|[.,!?;:\"]")
MIN_COUNT_OF_KIND = 80
"""Rarer words are found near others by chance."""
NUM_CONTEXT_WORDS = 4000
NUM_DIMENSIONS = 200
OFFSETS = (-2, -1, 1, 2)
"""Where the words stand that tell how a word is used; each place counts on its own, so that grammar counts, too."""
KIND_SIZE = (8, 20)
"""Fewest and most words of a kind."""
MIN_SIMILARITY = 0.45
"""Cosine, by which a word is near another."""
MIN_DETERMINED = 0.25
"""A word names or describes things when so much of its use stands behind one of the words below."""
_DETERMINERS = "a an the his her my your our their its this that some any no very"


@dataclass(frozen=True)
class OpenWords:
    """What training may use instead of the words that the skills list."""

    words: Sequence[str]
    """Frequent ones first."""
    kinds: Sequence[Sequence[str]]
    """Groups of words that the texts use alike, starting with any letter."""


def read_open_words(cache: Path) -> OpenWords:
    """The open words of the training documents; found once and kept in a file."""
    if not cache.exists():
        texts = [document.text for document in training_documents()]
        words = find_open_words(texts)
        cache.write_text(json.dumps(asdict(OpenWords(words, find_kinds(texts)))), encoding="utf-8")
    return OpenWords(**json.loads(cache.read_text(encoding="utf-8")))


def find_open_words(texts: Iterable[str]) -> list[str]:
    """Lower-case words of three letters or more that start with a consonant, so that `a` fits before them.

    None is of a skill's lists, which have words that only measuring uses, or may be a made-up word of measuring.
    """
    counts = Counter(word for text in texts for word in _WORD.findall(text))
    listed = listed_words()
    frequent = (word for word, count in counts.most_common()[NUM_LEFT_OUT:] if count >= MIN_COUNT)
    return [word for word in frequent if word not in listed and not is_held_out(word) and word[0] not in "aeiou"]


def find_kinds(texts: Iterable[str]) -> list[list[str]]:
    """For each word that names or describes things, the words nearest to it, itself first; none that measuring uses.

    Near are words with like neighbours in the texts: positive pointwise mutual information with the words at each
    offset, reduced by a singular value decomposition (Bullinaria and Levy 2012, doi:10.3758/s13428-011-0183-8; Levy,
    Goldberg and Dagan 2015, doi:10.1162/tacl_a_00134).
    """
    import numpy as np

    ids, counts = _numbered(texts)
    measured = measured_words()
    frequent = [
        word for word, count in counts.most_common()[NUM_LEFT_OUT:]
        if count >= MIN_COUNT_OF_KIND and len(word) > 2 and word not in measured and not is_held_out(word)
    ]  # fmt: skip
    if len(frequent) < KIND_SIZE[0]:
        return []
    contexts = [word for word, _ in counts.most_common(NUM_CONTEXT_WORDS)]
    number_of = {word: number for number, word in enumerate(counts)}
    rows = np.array([number_of[word] for word in frequent], dtype=np.int64)
    columns = np.array([number_of[word] for word in contexts], dtype=np.int64)
    neighbours = {offset: _neighbours(ids, offset, rows, columns, len(counts)) for offset in OFFSETS}
    is_determiner = np.array([word in _DETERMINERS.split() for word in contexts])
    determined = neighbours[-1] @ is_determiner / np.array([counts[word] for word in frequent])
    names_things = determined >= MIN_DETERMINED
    vectors, candidates = _vectors(list(neighbours.values()))[names_things], np.array(frequent)[names_things]
    kinds = []
    for similarity in vectors @ vectors.T:
        nearest = np.argsort(-similarity)[: KIND_SIZE[1]]
        near = candidates[nearest[similarity[nearest] >= MIN_SIMILARITY]]
        if len(near) >= KIND_SIZE[0]:
            kinds.append(near.tolist())
    return kinds


def _numbered(texts: Iterable[str]) -> tuple["np.ndarray", Counter[str]]:
    """All words of all texts as numbers, in the order of the counts; two places between texts stay empty (-1)."""
    import numpy as np

    counts: Counter[str] = Counter()
    number_of: dict[str, int] = {}
    ids = []
    for text in texts:
        tokens = _TOKEN.findall(text.lower())
        counts.update(tokens)
        ids.append(np.array([number_of.setdefault(token, len(number_of)) for token in tokens] + [-1, -1], np.int32))
    return np.concatenate(ids), counts


def _neighbours(
    ids: "np.ndarray", offset: int, rows: "np.ndarray", columns: "np.ndarray", num_words: int
) -> "csr_matrix":
    """How often each word of the columns stands at this offset from each word of the rows."""
    import numpy as np
    from scipy.sparse import csr_matrix

    row_of, column_of = np.full(num_words + 1, -1), np.full(num_words + 1, -1)
    row_of[rows], column_of[columns] = np.arange(len(rows)), np.arange(len(columns))
    here, there = (ids[:-offset], ids[offset:]) if offset > 0 else (ids[-offset:], ids[:offset])
    row, column = row_of[here], column_of[there]
    is_counted = (row >= 0) & (column >= 0)
    ones = np.ones(int(is_counted.sum()), dtype=np.float32)
    return csr_matrix((ones, (row[is_counted], column[is_counted])), shape=(len(rows), len(columns)))


def _vectors(neighbours: Sequence["csr_matrix"]) -> "np.ndarray":
    """A unit vector for each row; rows with like neighbours have a large product."""
    import numpy as np
    from scipy.sparse import csr_matrix, hstack
    from scipy.sparse.linalg import svds

    together = hstack(neighbours).tocoo()
    of_row, of_column = np.asarray(together.sum(axis=1)).ravel(), np.asarray(together.sum(axis=0)).ravel() ** 0.75
    expected = of_row[together.row] * (of_column / of_column.sum())[together.col]
    information = np.maximum(0.0, np.log(together.data / expected))
    matrix = csr_matrix((information, (together.row, together.col)), shape=together.shape)
    left, sizes, _ = svds(matrix, k=min(NUM_DIMENSIONS, min(matrix.shape) - 1), random_state=0)
    vectors = left * np.sqrt(sizes)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
