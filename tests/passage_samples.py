"""Small passages, and searches that compare every passage by hand, for the tests of retrieval."""

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np

from tunewright.records import Passage, content_hash
from tunewright.retrieve.embed import Embedder
from tunewright.retrieve.hybrid import searched_text

HANDBOOK = (
    "A transfer within the country costs two euros.",
    "A transfer abroad costs twelve euros and takes three days.",
    "Lost cards are blocked by telephone, day and night.",
    "The branch in Oslo is closed on Mondays.",
    "Every customer may close an account without notice.",
    "Überweisungen nach Österreich kosten nichts.",
    "東京支店は月曜日に休みです。",
    "Mortgages run for ten, fifteen or twenty years.",
)


def passage(text: str, document: str = "handbook.md", title: str = "Handbook") -> Passage:
    return Passage(id=content_hash([document, text])[:16], document=document, title=title, text=text, place=1)


def passages(*texts: str) -> list[Passage]:
    return [passage(text) for text in texts]


def by_cosine(query: str, corpus: Sequence[Passage], embedder: Embedder) -> list[Passage]:
    """Every passage with a cosine above 0, best first."""
    vectors = embedder.encode([searched_text(one) for one in corpus]).astype(np.float64)
    wanted = embedder.encode([query])[0].astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(wanted)
    cosines = (vectors @ wanted) / np.where(lengths > 0, lengths, 1)
    # Rounded: two databases may add up in another order.
    scored = [(round(float(cosine), 5), one) for cosine, one in zip(cosines, corpus, strict=True)]
    return _ordered(scored)


def by_bm25(query: str, corpus: Sequence[Passage]) -> list[Passage]:
    """Every passage with a BM25 score above 0, best first, by the formula and word for word."""
    from lancedb import tokenize

    def words(text: str) -> list[str]:
        return [token.text for token in tokenize(text)]

    counts = [Counter(words(searched_text(one))) for one in corpus]
    mean = sum(count.total() for count in counts) / len(counts)
    scored = []
    for one, count in zip(corpus, counts, strict=True):
        score = 0.0
        for word in words(query):
            holding = sum(word in other for other in counts)
            idf = math.log(1 + (len(counts) - holding + 0.5) / (holding + 0.5))
            score += idf * count[word] * 2.2 / (count[word] + 1.2 * (0.25 + 0.75 * count.total() / mean))
        scored.append((round(score, 5), one))
    return _ordered(scored)


def _ordered(scored: Sequence[tuple[float, Passage]]) -> list[Passage]:
    return [one for score, one in sorted(scored, key=lambda pair: (-pair[0], pair[1].id)) if score > 0]
