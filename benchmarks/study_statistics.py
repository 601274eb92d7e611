"""Do the intervals and verdicts of a study keep what they promise? Synthetic studies whose truth is known.

    python benchmarks/study_statistics.py [--studies 2000] [--results benchmarks/results/study_statistics.json]

Each study draws its number of rows and how much its arms agree, and scores every arm on the same rows: right/wrong in
every second study, a skewed text score in the others. Coverage counts how often a 95 % interval holds the true value;
a false verdict is any difference called better or worse between arms that are equal. One answer to all inputs is scored
like an arm: as good as all of them where they are equal, and else as good as the worst. About four minutes on one core.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.special import ndtr

from tunewright.data.representation.shares import holm
from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import SIGNIFICANCE, estimate
from tunewright.records import (
    ArmFacts,
    ArmKind,
    ArmMetric,
    Choice,
    Difference,
    EvaluateRecipe,
    Needs,
    Prices,
    Score,
    Verdict,
)
from tunewright.study.compare import arm_result
from tunewright.study.contrasts import above_floor, against, best_arm, pairwise
from tunewright.study.rules import MARGIN, Evidence, Ruling, rule

ROOT = Path(__file__).parents[1]
TEXT_SPREAD = 0.8
KINDS: tuple[ArmKind, ...] = ("zero_shot", "prompted", "few_shot", "retrieval", "tuned", "tuned_retrieval")
FLOOR = "one answer to all"


@dataclass(frozen=True)
class Study:
    """Scores of every arm with their true means."""

    metric: str
    truths: tuple[float, ...]
    arms: tuple[ArmScores, ...]
    floor: ArmScores
    """Of one answer to all inputs, as good as the worst arm."""


@dataclass(frozen=True)
class Figures:
    """Shares over all studies."""

    num_studies: int
    num_arms: int
    coverage_of_values: float
    coverage_of_differences: float
    false_verdicts: float
    """Studies of equal arms with one or more differences called better or worse."""
    false_verdicts_uncorrected: float
    false_verdicts_to_best_alone: float
    """As above, had Holm's correction counted only the comparisons with the arm that came out best."""
    false_tune: float
    """Studies of equal arms whose decision was to train."""
    false_works: float
    """Studies of arms that all equal one answer to all inputs, and whose decision was to use one of them."""
    false_none_works: float
    """Studies whose best arm is above that answer by more than the margin, and of which none was said to work."""


def studies(num_studies: int, num_arms: int, max_rows: int, seed: int, *, are_equal: bool) -> Iterator[Study]:
    """Draw studies one after another; the same seed gives the same ones.

    The score of a row comes from a normal number that its arms share in part, so every arm's true mean is known:
    a right answer has the chance p, and E[F(m + s z)] = F(m / sqrt(1 + s^2)) for the text score, F being the normal
    distribution function.
    """
    generator, of_floor = np.random.default_rng(seed), np.random.default_rng([seed, 1])
    for number in range(num_studies):
        num_rows = int(generator.integers(50, max_rows + 1))
        shared = generator.uniform(0.2, 0.8)
        row, own = generator.normal(size=(num_rows, 1)), generator.normal(size=(num_rows, num_arms))
        latent = np.sqrt(shared) * row + np.sqrt(1 - shared) * own
        means = generator.uniform(-0.8, 0.8, size=1 if are_equal else num_arms) * np.ones(num_arms)
        floor = np.sqrt(shared) * row[:, 0] + np.sqrt(1 - shared) * of_floor.normal(size=num_rows)
        latent, means = np.column_stack([latent, floor]), np.append(means, means.min())
        if number % 2:
            metric, values, truths = "accuracy", (latent < means).astype(float), ndtr(means)
        else:
            values = ndtr(means + TEXT_SPREAD * latent)
            metric, truths = "chrf", ndtr(means / np.sqrt(1 + TEXT_SPREAD**2))
        scored = [_arm(name, metric, values[:, arm]) for arm, name in enumerate([*KINDS[:num_arms], FLOOR])]
        yield Study(metric, tuple(truths[:-1]), tuple(scored[:-1]), scored[-1])


def _arm(name: str, metric: str, values: np.ndarray) -> ArmScores:
    scores = tuple(Score(example_id=str(row), metric=metric, value=value) for row, value in enumerate(values.tolist()))
    return ArmScores(arm=name, scores=scores, answers={})


def simulate(num_studies: int, num_arms: int, max_rows: int, num_resamples: int, seed: int = 0) -> Figures:
    """Run all studies, with different arms for the coverage and with equal ones for the verdicts."""
    recipe = EvaluateRecipe(num_resamples=num_resamples)
    covered = np.zeros(3)
    for study in studies(num_studies, num_arms, max_rows, seed, are_equal=False):
        covered += _covered(study, recipe)
    alarms = np.zeros(5)
    for study in studies(num_studies, num_arms, max_rows, seed + 1, are_equal=True):
        alarms += _alarms(study, recipe)
    shares = [round(float(share), 4) for share in np.array([*covered[:2], *alarms, covered[2]]) / num_studies]
    return Figures(num_studies, num_arms, *shares)


def _covered(study: Study, recipe: EvaluateRecipe) -> np.ndarray:
    """Share of the values and of the differences of one study whose interval holds the truth; a false "none works"."""
    metric = SCORERS[study.metric].metric
    truth_of = dict(zip((arm.arm for arm in study.arms), study.truths, strict=True))
    values = []
    for arm in study.arms:
        found = estimate(metric, arm.of(study.metric), recipe.num_resamples, recipe.seed)
        values.append(found is not None and found.low <= truth_of[arm.arm] <= found.high)
    differences = []
    changes = pairwise(study.arms, [metric], recipe)
    for change in changes:
        truth = truth_of[change.arm] - truth_of[change.baseline]
        differences.append(change.estimate is not None and change.estimate.low <= truth <= change.estimate.high)
    is_above = max(study.truths) - min(study.truths) > MARGIN
    is_denied = is_above and _ruling(study, changes, recipe).choice is Choice.NONE_WORKS
    return np.array([np.mean(values), np.mean(differences), is_denied])


def _alarms(study: Study, recipe: EvaluateRecipe) -> np.ndarray:
    """Whether equal arms were told apart: corrected, uncorrected, corrected for the best alone, and by the rules."""
    metric = SCORERS[study.metric].metric
    changes = pairwise(study.arms, [metric], recipe)
    best = best_arm(metric, _results(study, recipe))
    assert best is not None
    to_best = holm([change.p_value or 0.0 for change in against(changes, study.metric, best)])
    choice = _ruling(study, changes, recipe).choice
    return np.array(
        [
            any(change.verdict is not Verdict.TOO_FEW_ROWS for change in changes),
            any((change.p_value or 0.0) < SIGNIFICANCE for change in changes),
            any(p_value < SIGNIFICANCE for p_value in to_best),
            choice.value.startswith("tune"),
            choice not in (Choice.NONE_WORKS, Choice.TOO_FEW_ROWS),
        ],
        dtype=float,
    )


def _results(study: Study, recipe: EvaluateRecipe) -> list[ArmMetric]:
    return [arm_result(arm, SCORERS[study.metric].metric, recipe) for arm in study.arms]


def _ruling(study: Study, changes: Sequence[Difference], recipe: EvaluateRecipe) -> Ruling:
    metric = SCORERS[study.metric].metric
    evidence = Evidence(
        arms=[_facts(kind) for kind in KINDS[: len(study.arms)]],
        metric=metric,
        results=_results(study, recipe),
        differences=changes,
        prices=Prices(),
        floor=estimate(metric, study.floor.of(study.metric), recipe.num_resamples, recipe.seed),
        above_floor=above_floor(study.arms, study.floor, metric, recipe),
    )
    return rule(evidence, Needs())


def _facts(kind: ArmKind) -> ArmFacts:
    return ArmFacts(
        name=kind,
        kind=kind,
        prompt_tokens=100,
        answer_tokens=10,
        machine_seconds=1,
        seconds_p50=1,
        seconds_p95=1,
        uses_documents=kind in ("retrieval", "tuned_retrieval"),
        is_tuned=kind in ("tuned", "tuned_retrieval"),
    )


def main() -> None:
    """Simulate, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--results", type=Path, default=ROOT / "benchmarks" / "results" / "study_statistics.json")
    arguments = parser.parse_args()
    figures = simulate(arguments.studies, num_arms=5, max_rows=300, num_resamples=1000)
    text = json.dumps(asdict(figures), indent=2) + "\n"
    print(text, end="")
    arguments.results.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
