"""How texts use their words, as vectors: words with like neighbours have a large product."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

_TOKEN = re.compile(r"[a-z]+|[.,!?;:\"]")
NUM_GRAMMAR_WORDS = 150
"""The most frequent words: they are grammar."""
NUM_CONTEXT_WORDS = 4000
NUM_DIMENSIONS = 200
OFFSETS = (-2, -1, 1, 2)
"""Where the words stand that tell how a word is used; each place counts on its own, so that grammar counts, too."""
REACH = 5
"""Words so far away tell what a text is about; all places count as one."""
_DETERMINERS = "a an the his her my your our their its this that some any no very"


@dataclass(frozen=True)
class WordVectors:
    """How texts use their words."""

    words: Sequence[str]
    """Frequent ones first; N of them."""
    vectors: "np.ndarray"
    """Unit vectors [N, 2 * NUM_DIMENSIONS] at most: of how a word is used, and of what is spoken of around it."""
    determined: "np.ndarray"
    """Share of its occurrences that stand behind a determiner [N]."""
    is_grammar: "np.ndarray"
    """Whether it is one of the most frequent words [N]."""


def word_vectors(
    texts: Iterable[str], min_count: int, is_wanted: Callable[[str], bool] = lambda _: True
) -> WordVectors:
    """Make vectors of which words with like neighbours have a large product.

    Positive pointwise mutual information with the words at each offset, and with those around, reduced by a singular
    value decomposition (Bullinaria and Levy 2012, doi:10.3758/s13428-011-0183-8; Levy, Goldberg and Dagan 2015,
    doi:10.1162/tacl_a_00134).
    """
    import numpy as np

    ids, counts = _numbered(texts)
    words = [
        word for word, count in counts.most_common()
        if count >= min_count and len(word) > 2 and is_wanted(word)
    ]  # fmt: skip
    contexts = [word for word, _ in counts.most_common(NUM_CONTEXT_WORDS)]
    number_of = {word: number for number, word in enumerate(counts)}
    rows = np.array([number_of[word] for word in words], dtype=np.int64)
    columns = np.array([number_of[word] for word in contexts], dtype=np.int64)
    around = {
        offset: _neighbours(ids, offset, rows, columns, len(counts)) for offset in range(-REACH, REACH + 1) if offset
    }
    of_use, of_topic = _vectors([around[offset] for offset in OFFSETS]), _vectors([sum(around.values())])
    is_determiner = np.array([word in _DETERMINERS.split() for word in contexts])
    grammar = {word for word, _ in counts.most_common(NUM_GRAMMAR_WORDS)}
    return WordVectors(
        words,
        np.concatenate([of_use, of_topic], axis=1) / np.sqrt(2),
        determined=around[-1] @ is_determiner / np.array([counts[word] for word in words]),
        is_grammar=np.array([word in grammar for word in words]),
    )


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
    num_dimensions = min(NUM_DIMENSIONS, min(matrix.shape) - 1)
    if num_dimensions < 1:
        return np.zeros((len(of_row), 1))
    left, sizes, _ = svds(matrix, k=num_dimensions, random_state=0)
    vectors = left * np.sqrt(sizes)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
