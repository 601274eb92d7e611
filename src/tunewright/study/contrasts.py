"""Contrasts: every arm against every other on the same items, corrected for their number, and scores by slice.

All pairs share one family of tests, although a report shows only the differences to the best and to the cheapest arm.
Which arm is the best is seen in the same scores, so comparing the others with it alone would hide that it was picked:
among five equal arms, 7.8 % of simulated studies then reach a false verdict, and 3.2 % when all pairs are counted
(benchmarks/study_statistics.py).
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import mode

from tunewright.data.checks.answers import normal_label
from tunewright.data.representation.shares import holm
from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.statistics import MIN_ITEMS, difference, estimate
from tunewright.evaluate.task import TestItem
from tunewright.evaluate.wilson import SIGNIFICANCE
from tunewright.records import ArmMetric, Difference, Estimate, EvaluateRecipe, Metric, Score, SliceResult, Verdict

RESAMPLES_PER_PAIR = 100
"""The smallest p-value of r resamples is 2 / (r + 1): with fewer, nothing could pass the correction."""
MIN_ANSWERED = 0.9
"""Share of the rows that an arm must have scores for to be compared, of those of the arm with the most. What fails is
often another kind of row, such as long or late ones, and a share on nine of ten rows is at most 10 points off that on
all. A few requests in a hundred fail with any hosted model."""
MIN_SLICE_ITEMS = 30
"""Below this a share of one half is known to 18 points or worse."""


def pairwise(arms: Sequence[ArmScores], metrics: Sequence[Metric], recipe: EvaluateRecipe) -> tuple[Difference, ...]:
    """Each later arm minus each earlier one, by metric, with Holm's correction over the pairs of a metric.

    A verdict other than too few rows needs an adjusted p below 0.05, besides what `statistics.difference` asks for.

    Args:
        arms: judged on the same items.
        recipe: number of resamples (more are taken where the correction needs them) and seed.
    """
    pairs = tuple(combinations(arms, 2))
    num_resamples = max(recipe.num_resamples, RESAMPLES_PER_PAIR * len(pairs))
    found: list[Difference] = []
    for metric in metrics:
        family = [
            difference(metric, arm.arm, base.arm, arm.of(metric.name), base.of(metric.name), num_resamples, recipe.seed)
            for base, arm in pairs
        ]
        found += corrected(family)
    return tuple(found)


def corrected(family: Sequence[Difference]) -> list[Difference]:
    """The differences of one family with adjusted p-values, and the verdicts that survive. Untested ones stay."""
    adjusted = iter(holm([change.p_value for change in family if change.p_value is not None]))
    return [change if change.p_value is None else _with_adjusted(change, next(adjusted)) for change in family]


def _with_adjusted(change: Difference, p_value: float) -> Difference:
    verdict = change.verdict if p_value < SIGNIFICANCE else Verdict.TOO_FEW_ROWS
    return change.model_copy(update={"adjusted_p_value": p_value, "verdict": verdict})


def above_floor(
    arms: Sequence[ArmScores], floor: ArmScores, metric: Metric, recipe: EvaluateRecipe
) -> tuple[Difference, ...]:
    """Each arm minus one answer to all inputs under a metric, with Holm's correction over the arms: the best is picked.

    Args:
        floor: scores of that answer on the same items.
    """
    num_resamples = max(recipe.num_resamples, RESAMPLES_PER_PAIR * len(arms))
    of_floor = floor.of(metric.name)
    family = [
        difference(metric, arm.arm, floor.arm, arm.of(metric.name), of_floor, num_resamples, recipe.seed)
        for arm in arms
    ]
    return tuple(corrected(family))


def against(differences: Sequence[Difference], metric: str, baseline: str) -> tuple[Difference, ...]:
    """Every other arm minus `baseline` under one metric, taken from the pairs and turned round where needed."""
    of_metric = [change for change in differences if change.metric == metric]
    turned = [change if change.baseline == baseline else change.reversed for change in of_metric]
    return tuple(change for change in turned if change.baseline == baseline)


def why_incomplete(arms: Sequence[ArmScores], metric: str) -> dict[str, str]:
    """How many rows each arm answered that failed on too many of them to be compared, and why not the rest.

    Some rows have a score under no arm, so the measure is the arm with the most scores. That one is never named.

    Args:
        arms: judged on the same items.
        metric: name of the metric whose scores count.
    """
    scored = {arm.arm: {score.example_id for score in arm.of(metric) if score.value is not None} for arm in arms}
    fullest = max(scored.values(), key=len, default=set())
    num_answered = {arm: len(rows) for arm, rows in scored.items() if len(rows) < MIN_ANSWERED * len(fullest)}
    reasons = {arm.arm: _main_reason(arm.of(metric), fullest) for arm in arms if arm.arm in num_answered}
    return {
        arm: f"it answered only {num_answered[arm]:,} of {len(fullest):,} rows: {reason}"
        for arm, reason in reasons.items()
    }


def _main_reason(scores: Sequence[Score], rows: Collection[str]) -> str:
    """The most frequent reason why some of these rows are unscored."""
    return mode(score.reason for score in scores if score.reason is not None and score.example_id in rows)


def best_arm(metric: Metric, results: Sequence[ArmMetric], left_out: Collection[str] = ()) -> str | None:
    """The arm with the best value of a metric; the first of equals, and None when none was measured.

    Args:
        left_out: names of arms that cannot be compared (`why_incomplete`).
    """
    sign = 1.0 if metric.higher_is_better else -1.0
    measured = [
        (sign * result.estimate.value, result.arm)
        for result in results
        if result.metric == metric.name and result.estimate is not None and result.arm not in left_out
    ]
    return max(measured, key=lambda pair: pair[0])[1] if measured else None


_OWN_SLICES = ("label", "source", "cluster", "group")
Slices = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Ids of the items by slice (such as `source`) and by value (such as `tickets.jsonl`)."""


def slices(items: Sequence[TestItem], *, has_labels: bool, cluster_of: Mapping[str, str] | None = None) -> Slices:
    """Group the test items by what is known about them: label, source, cluster, group and every counted field.

    The largest values come first. A slice with one value says nothing beyond the total, and is left out. An item
    without a value is in no group of that slice. An item belongs to the label and source of its first row.

    Args:
        has_labels: whether the references are labels.
        cluster_of: name of the cluster by item id, where inputs were clustered.
    """
    found: dict[str, dict[str, list[str]]] = {}
    for item in items:
        for name, value in _properties(item, has_labels, cluster_of or {}):
            found.setdefault(name, {}).setdefault(value, []).append(item.example.id)
    return {
        name: {value: tuple(ids) for value, ids in sorted(by_value.items(), key=lambda part: (-len(part[1]), part[0]))}
        for name, by_value in found.items()
        if len(by_value) > 1
    }


def _properties(item: TestItem, has_labels: bool, cluster_of: Mapping[str, str]) -> list[tuple[str, str]]:
    origin = item.example.provenance
    properties = [("label", normal_label(item.references[0]))] if has_labels and item.references else []
    properties.append(("source", origin.part_of or origin.source))
    if item.example.id in cluster_of:
        properties.append(("cluster", cluster_of[item.example.id]))
    if origin.group is not None:
        properties.append(("group", origin.group))
    # The rows may well have a field that is called "source" or "label" too.
    return properties + [(f"field {name}" if name in _OWN_SLICES else name, value) for name, value in origin.fields]


def slice_results(
    arms: Sequence[ArmScores], parts: Slices, metric: Metric, recipe: EvaluateRecipe
) -> tuple[SliceResult, ...]:
    """One metric of every arm over every value of every slice.

    These intervals are not corrected for their number: they show where to look, and prove nothing.
    """
    scores_of = {arm.arm: {score.example_id: score for score in arm.of(metric.name)} for arm in arms}
    return tuple(
        _slice_result(_Part(name, value, ids), arm, [scores[item] for item in ids if item in scores], metric, recipe)
        for name, by_value in parts.items()
        for value, ids in by_value.items()
        for arm, scores in scores_of.items()
    )


@dataclass(frozen=True, slots=True)
class _Part:
    slice: str
    value: str
    ids: tuple[str, ...]


def _slice_result(
    part: _Part, arm: str, scores: Sequence[Score], metric: Metric, recipe: EvaluateRecipe
) -> SliceResult:
    found = estimate(metric, scores, recipe.num_resamples, recipe.seed)
    return SliceResult(
        slice=part.slice,
        value=part.value,
        arm=arm,
        metric=metric.name,
        num_items=len(part.ids),
        estimate=found,
        note=_note(found, scores),
    )


def _note(found: Estimate | None, scores: Sequence[Score]) -> str | None:
    if found is None:
        num_scored = sum(score.value is not None for score in scores)
        return f"{num_scored} of {len(scores)} items could be scored, an interval needs {MIN_ITEMS}"
    if found.num_rows < MIN_SLICE_ITEMS:
        return f"only {found.num_rows} items: too few to conclude anything"
    return None
