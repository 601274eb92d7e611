"""Overlap with texts that must not be learned: benchmarks (contamination) and protected texts."""

from collections.abc import Callable, Iterator, Sequence
from itertools import tee

from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.common_runs import CommonRun, CommonRuns
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.checks.references import Reference, read_benchmark, read_protected
from tunewright.data.checks.row_finding import row_finding
from tunewright.errors import Problem, RecipeError
from tunewright.records import CheckRecipe, Finding, Severity, Split

BENCHMARK_RUN_WORDS = (13, 8)
"""Brown et al. 2020, "Language Models are Few-Shot Learners", appendix C: n is 13, and at least 8 for short rows."""
MAX_BENCHMARK_ROWS = 10
"""An n-gram that more benchmark rows share is their instruction, and says nothing about one of them."""
PROTECTED_RUN_WORDS = 25


def _find_contamination(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    runs = _index(recipe.benchmarks, "benchmarks", read_benchmark, BENCHMARK_RUN_WORDS, MAX_BENCHMARK_ROWS)
    for row, run in _overlaps(rows, runs):
        explanation = f"It shares {len(run.words)} words in a row with {run.place}, a row of a benchmark."
        yield row_finding(CONTAMINATION.id, row, explanation, excerpt(" ".join(run.words)), len(run.words))


def _find_protected(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    runs = _index(recipe.protected, "protected", read_protected, (PROTECTED_RUN_WORDS,), None)
    for row, run in _overlaps(rows, runs):
        explanation = f"It repeats {len(run.words)} words in a row of {run.place}, a protected text."
        yield row_finding(PROTECTED_TEXT.id, row, explanation, excerpt(" ".join(run.words)), len(run.words))


def _index(
    paths: Sequence[str],
    setting: str,
    read: Callable[[str], list[Reference]],
    lengths: Sequence[int],
    max_references: int | None,
) -> CommonRuns:
    runs = CommonRuns([reference for path in paths for reference in read(path)], lengths, max_references)
    if not runs.num_indexed:
        raise RecipeError(
            Problem(
                f"data.checks.{setting}",
                f"no text of {min(lengths)} words in {', '.join(paths)}",
                "texts to compare with",
                "Check that these are the files you meant.",
            )
        )
    return runs


def _overlaps(rows: RowSet, runs: CommonRuns) -> Iterator[tuple[CheckedRow, CommonRun]]:
    # Rows that are only asked, never trained, may well be the benchmark itself.
    trained, same = tee(row for row in rows if row.split in (None, Split.TRAIN))
    for row, run in zip(trained, runs.longest("\n".join(row.texts) for row in same), strict=True):
        if run is not None:
            yield row, run


CONTAMINATION = Check(
    id="contamination",
    title="Rows of a benchmark in the training data",
    explanation=(
        "Training rows that share 13 words in a row with a row of the named benchmark files (8 words if that row has "
        "fewer than 13; rows of fewer than 8 words are not compared). Case and punctuation do not count, nor do words "
        "that more than 10 benchmark rows share. A model that has seen the test cannot be judged by it (Brown et al. "
        "2020, appendix C)."
    ),
    severity=Severity.BLOCKING,
    action="listed only; training is refused until they are removed or accepted",
    find=_find_contamination,
    idle=lambda recipe: None if recipe.benchmarks else "no files are named in data.checks.benchmarks",
)

PROTECTED_TEXT = Check(
    id="protected_text",
    title="Protected text in the training data",
    explanation=(
        "Training rows that repeat at least 25 words in a row of the named files, whatever case and punctuation. "
        "The longest run of each row is shown. What a model was trained on, it may repeat word by word."
    ),
    severity=Severity.BLOCKING,
    action="listed only; training is refused until they are removed or accepted",
    find=_find_protected,
    idle=lambda recipe: None if recipe.protected else "no files are named in data.checks.protected",
)
