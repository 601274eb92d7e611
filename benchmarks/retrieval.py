"""How often does each kind of search find the right passage? FairytaleQA, its stories as documents.

    python benchmarks/retrieval.py [--results benchmarks/results] [--model FOLDER]

A question of the test split counts as found at k when one of the first k passages comes from a section of the story
that the data set names as the place of its answer. Sections are cut as documents are (retrieve/chunk.py). Once over the
23 stories of the test split and once over all 278. Questions were written by readers of the story, so many make sense
only beside it ("Who was the youngest son?"): no search finds all of them among 278 stories. Intervals are Wilson's, at
95 %; differences to keyword search have exact McNemar p-values. Needs ../shared/data; minutes on one core.
"""

import argparse
import csv
import json
import re
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from scipy.stats import binomtest

from tunewright.actions.environment import describe_environment
from tunewright.records import Hit, Passage
from tunewright.retrieve.chunk import MAX_WORDS, cut
from tunewright.retrieve.embed import NgramEmbedder
from tunewright.retrieve.hybrid import MIN_CANDIDATES
from tunewright.retrieve.lance import build_lance
from tunewright.retrieve.sentence_embedder import SentenceEmbedder
from tunewright.store import Files

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data" / "datasets" / "fairytaleqa" / "data-by-train-split"
CUTOFFS = (1, 5, 10)
CORPORA = {"stories of the test split": "test", "all stories": "all"}


@dataclass(frozen=True)
class Question:
    text: str
    places: frozenset[str]
    """Documents (story/section) that hold the answer."""


def read_passages(folder: Path) -> list[Passage]:
    """Every section of every story, cut."""
    found: list[Passage] = []
    for path in sorted(folder.glob("*.csv")):
        story = path.stem.removesuffix("-story")
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found += cut(f"{story}/{row['section']}", story.replace("-", " "), row["text"])
    return found


def read_questions(folder: Path) -> list[Question]:
    """The questions of a split, with the places of their answers."""
    found = []
    for path in sorted(folder.glob("*.csv")):
        story = path.stem.removesuffix("-questions")
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                sections = re.findall(r"\d+", row["cor_section"])
                found.append(Question(row["question"], frozenset(f"{story}/{section}" for section in sections)))
    return found


def ranked(hits: Sequence[Hit], kind: str) -> list[Passage]:
    """The passages of one query in the order of hybrid search, or of one of the two rankings in it."""
    if kind == "hybrid":
        return [hit.passage for hit in hits]
    ranks = [(hit.keyword_rank if kind == "keyword" else hit.vector_rank, hit.passage) for hit in hits]
    return [passage for rank, passage in sorted(((r, p) for r, p in ranks if r is not None), key=lambda pair: pair[0])]


def found_at(question: Question, passages: Iterable[Passage], k: int) -> bool:
    """Whether one of the first k passages holds the answer."""
    return any(passage.document in question.places for passage in list(passages)[:k])


def recall(found: Sequence[bool]) -> dict[str, float | int]:
    """Share of the questions that were found, with its interval."""
    interval = binomtest(sum(found), len(found)).proportion_ci(method="wilson")
    share = sum(found) / len(found)
    return {"n": len(found), "value": round(share, 4), "low": round(interval.low, 4), "high": round(interval.high, 4)}


def against(found: Sequence[bool], baseline: Sequence[bool]) -> dict[str, float | int]:
    """Questions gained and lost, and the exact McNemar p-value."""
    gained = sum(new and not old for new, old in zip(found, baseline, strict=True))
    lost = sum(old and not new for new, old in zip(found, baseline, strict=True))
    p_value = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    return {"gained": gained, "lost": lost, "p_value": round(float(p_value), 4)}


def measure(passages: Sequence[Passage], questions: Sequence[Question], model: Path | None) -> dict[str, object]:
    """Index passages, ask all questions, and judge hybrid search and both of its rankings."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        fit = (lambda _: SentenceEmbedder(model)) if model else NgramEmbedder.fit
        index = build_lance(passages, Path(folder), Files(), fit)
        built = time.perf_counter()
        # All candidates of both rankings come back, so that each can be judged alone.
        results = index.search([question.text for question in questions], 2 * MIN_CANDIDATES)
        searched = time.perf_counter()
    found = {
        (kind, k): [
            found_at(question, ranked(hits, kind), k) for question, hits in zip(questions, results, strict=True)
        ]
        for kind in ("keyword", "vector", "hybrid")
        for k in CUTOFFS
    }
    return {
        "num_passages": len(passages),
        "build_seconds": round(built - started, 1),
        "search_milliseconds": round(1000 * (searched - built) / len(questions), 1),
        "recall": {
            kind: {f"@{k}": recall(found[kind, k]) for k in CUTOFFS} for kind in ("keyword", "vector", "hybrid")
        },
        "hybrid_against_keyword": {f"@{k}": against(found["hybrid", k], found["keyword", k]) for k in CUTOFFS},
    }


def main() -> None:
    """Measure both corpora and write retrieval.json."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results")
    parser.add_argument("--model", type=Path, help="folder of a sentence-transformers model in place of n-grams")
    arguments = parser.parse_args()
    questions = read_questions(DATA / "questions" / "test")
    corpora = {}
    for name, split in CORPORA.items():
        corpora[name] = measure(read_passages(DATA / "section-stories" / split), questions, arguments.model)
        print(name, json.dumps(corpora[name], indent=2))
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": describe_environment().model_dump(),
        "versions": {"lancedb": version("lancedb"), "scikit-learn": version("scikit-learn")},
        "embedder": arguments.model.name if arguments.model else "character n-grams",
        "max_words": MAX_WORDS,
        "corpora": corpora,
    }
    (arguments.results / "retrieval.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
