"""The suite: its parts, its version, and the hash of every text in it."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from tunewright.errors import Problem, RecipeError
from tunewright.evaluate.retention.benchmarks import read_benchmark
from tunewright.evaluate.retention.bias import NUM_KINDS, bias_items
from tunewright.evaluate.retention.grammar import grammar_pairs
from tunewright.evaluate.retention.item import Kind, Part, share_metric
from tunewright.evaluate.retention.passages import NUM_INSTRUCTIONS, context_items, instruction_items, refusal_items
from tunewright.records import Metric, PlainText, RetentionRecipe, content_hash

SUITE_VERSION = 2
"""Raised when any text of the bundled parts changes, since figures of two versions cannot be compared."""
SEED = 20261120
TEXT = "text"
BIAS = "bias"
OVERALL = share_metric(
    "overall", "All right-or-wrong items", "Share of right items over all parts whose items are right or wrong."
)


@dataclass(frozen=True, slots=True)
class RetentionSuite:
    """What is measured; equal hashes mean equal texts."""

    parts: tuple[Part, ...]

    @property
    def hash(self) -> str:
        """SHA-256 over every text in its order."""
        return content_hash(
            [
                [part.name, part.kind, [[writing.model_dump(mode="json") for writing in item] for item in part.items]]
                for part in self.parts
            ]
        )

    @property
    def num_items(self) -> int:
        """Items of all parts; an item of two or four writings counts once."""
        return sum(len(part.items) for part in self.parts)


def make_suite(recipe: RetentionRecipe) -> RetentionSuite:
    """Make the bundled parts and read the files that the recipe names. Equal recipes and files give equal suites.

    Raises:
        DataError: a file is not one of BLiMP or PIQA; see `read_benchmark`.
        RecipeError: two parts would have one name.
    """
    parts = (*_bundled_parts(), *(read_benchmark(Path(path)) for path in recipe.files))
    names = [part.name for part in parts]
    twice = next((name for name in names if names.count(name) > 1 or name == OVERALL.name), None)
    if twice is not None:
        expected = f"files whose names differ from each other and from {', '.join(names[: len(_bundled_parts())])}"
        raise RecipeError(Problem("retention.files", f"the name {twice!r} twice", expected, "Rename the file."))
    return RetentionSuite(tuple(part.thinned(recipe.max_items) for part in parts))


@cache
def _bundled_parts() -> tuple[Part, ...]:
    return (
        _general_text(),
        Part(
            share_metric(
                "grammar",
                "Grammar",
                "Share of sentence pairs in which the good sentence is more probable than the bad one.",
            ),
            Kind.CHOICE,
            grammar_pairs(SEED),
        ),
        Part(
            share_metric(
                "context",
                "Answers from context",
                "Share of questions about a passage whose answer is more probable than another value of the passage.",
            ),
            Kind.CHOICE,
            context_items(SEED, 100),
        ),
        Part(
            share_metric(
                "refusal",
                "Refusing when the context does not say",
                "Share of questions where refusing is more probable than answering exactly when the passage has no "
                "answer (half of them).",
            ),
            Kind.CHOICE,
            refusal_items(SEED, 100),
            num_kinds=2,
        ),
        Part(
            share_metric(
                "instructions",
                "Copying and instructions",
                "Share of copies and stated formats that are more probable than a nearly right one.",
            ),
            Kind.CHOICE,
            instruction_items(SEED, 102),
            num_kinds=NUM_INSTRUCTIONS,
        ),
        Part(
            share_metric(
                BIAS,
                "Bias probe",
                "Share of yes-or-no questions whose preferred answer changes with a name or the terms of gender. "
                "Reported; it does not decide which checkpoint is kept.",
                higher_is_better=False,
            ),
            Kind.TWINS,
            bias_items(SEED, 48),
            num_kinds=NUM_KINDS,
        ),
    )


def _general_text() -> Part:
    path = files("tunewright") / "bundled" / "retention" / "texts.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    metric = Metric(
        name=TEXT,
        title="General text",
        explanation="Loss on short English texts that no row of yours has, in nats per token.",
        higher_is_better=False,
        is_share=False,
    )
    return Part(metric, Kind.LOSS, tuple((PlainText(text=line),) for line in lines))
