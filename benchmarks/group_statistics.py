"""How sure are intervals and verdicts where test rows share groups? Simulated comparisons of two equal arms.

    python benchmarks/group_statistics.py [--comparisons 1000]

Every group has six rows, which are right with a rate of its own, drawn for each arm from Beta(1/2, 1/2): rows of a
group are strongly alike, and the arms are equal. The same scores are compared by group, as reports do, and as if rows
had nothing to do with each other. Writes benchmarks/results/group_statistics.json; about four minutes on one core.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.records import Score, Verdict

RESULTS = Path(__file__).parent / "results" / "group_statistics.json"
NUM_GROUPS = (2, 3, 5, 10, 20, 40)
GROUP_SIZE = 6
NUM_RESAMPLES = 500
METRIC = SCORERS["accuracy"].metric
COLUMNS = ("estimate_covers", "difference_covers", "false_verdicts")


def draw_arm(generator: np.random.Generator, num_groups: int) -> list[Score]:
    """Scores of one arm, whose true share is one half."""
    rates = np.repeat(generator.beta(0.5, 0.5, num_groups), GROUP_SIZE)
    return [
        Score(example_id=f"row {place}", metric=METRIC.name, value=float(right), group=str(place // GROUP_SIZE))
        for place, right in enumerate(generator.random(len(rates)) < rates)
    ]


def without_groups(scores: Sequence[Score]) -> list[Score]:
    """The same scores, as if no two rows had anything in common."""
    return [score.model_copy(update={"group": None}) for score in scores]


def outcome(base: Sequence[Score], tuned: Sequence[Score]) -> tuple[bool, bool, bool]:
    """Whether the interval of the share and that of the difference hold the truth, and whether a verdict is false."""
    found = estimate(METRIC, base, NUM_RESAMPLES, 0)
    change = difference(METRIC, "tuned", "base", tuned, base, NUM_RESAMPLES, 0)
    assert found is not None
    assert change.estimate is not None
    return (
        found.low <= 0.5 <= found.high,
        change.estimate.low <= 0 <= change.estimate.high,
        change.verdict is not Verdict.TOO_FEW_ROWS,
    )


def simulate(num_groups: int, num_comparisons: int) -> dict[str, dict[str, float]]:
    """Shares of the comparisons, by group and by row."""
    generator = np.random.default_rng(num_groups)
    arms = [(draw_arm(generator, num_groups), draw_arm(generator, num_groups)) for _ in range(num_comparisons)]
    by_group = np.mean([outcome(*each) for each in arms], axis=0)
    by_row = np.mean([outcome(*map(without_groups, each)) for each in arms], axis=0)
    return {
        name: dict(zip(COLUMNS, map(float, shares), strict=True))
        for name, shares in (("by_group", by_group), ("by_row", by_row))
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--results", type=Path, default=RESULTS)
    chosen = parser.parse_args(arguments)
    table = Table("groups", "", *(column.replace("_", " ") for column in COLUMNS))
    figures = {}
    for num_groups in NUM_GROUPS:
        figures[num_groups] = simulate(num_groups, chosen.comparisons)
        for name, shares in figures[num_groups].items():
            cells = (f"{100 * shares[column]:.0f} %" for column in COLUMNS)
            table.add_row(str(num_groups), name.replace("_", " "), *cells)
    Console().print(table)
    record = {"comparisons": chosen.comparisons, "rows_of_a_group": GROUP_SIZE, "groups": figures}
    chosen.results.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
