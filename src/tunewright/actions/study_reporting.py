"""Put what a study measured into a StudyReport, and the report into its files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tunewright.actions.preparing import Preparation
from tunewright.actions.reporting import summarise_data
from tunewright.actions.study_arms import StudiedArm
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.errors import MissingExtraError
from tunewright.evaluate.house import house_scorers
from tunewright.evaluate.judge import ArmScores, rescore
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.task import LABEL_METRICS
from tunewright.records import (
    ArmCost,
    ArmMetric,
    BreakEven,
    Difference,
    Example,
    JudgeComparison,
    Metric,
    SliceResult,
    Split,
    StrictFormats,
    StudyRecipe,
    StudyReport,
    UpdatedArm,
)
from tunewright.store import RunFolder
from tunewright.study.arms import Retrieval
from tunewright.study.bench import Bench, Floor
from tunewright.study.citing import scored_text_of
from tunewright.study.clusters import clusters_of
from tunewright.study.compare import arm_result
from tunewright.study.contrasts import above_floor, best_arm, pairwise, slice_results, slices, why_incomplete
from tunewright.study.cost import arm_cost, break_even, cheapest
from tunewright.study.decide import decide
from tunewright.study.rules import Evidence
from tunewright.study.side_by_side import FindPassages, telling_rows
from tunewright.study.study_page import render_study_page
from tunewright.study.study_summary import render_study_summary

VALIDITY_METRICS = ("schema_valid", "code_parses", "json_valid")
"""Metrics that tell an answer in the right format from any other, the strictest first."""


@dataclass(frozen=True, slots=True)
class FoundBesides:
    """What was measured about the arms besides their scores on the test rows, as far as it was asked for."""

    updated: tuple[UpdatedArm, ...]
    formats: StrictFormats | None
    judge: JudgeComparison | None


def build_study_report(
    run: RunFolder,
    recipe: StudyRecipe,
    preparation: Preparation,
    bench: Bench,
    arms: Sequence[StudiedArm],
    besides: FoundBesides,
    seconds: Mapping[str, float],
) -> StudyReport:
    """Compare the arms, count their costs, decide, and write down what is needed to understand and repeat it."""
    scorers = house_scorers(preparation.house) if preparation.house else ()
    scores = [rescore(arm.scores, bench.test, scorers, scored_text_of(arm.option.num_passages)) for arm in arms]
    metrics = (*(SCORERS[name].metric for name in bench.metrics), *(scorer.metric for scorer in scorers))
    headline = SCORERS[bench.headline].metric
    results = tuple(arm_result(arm, metric, recipe.evaluate) for metric in metrics for arm in scores)
    differences = pairwise(scores, metrics, recipe.evaluate)
    costs = tuple(arm_cost(arm.described.facts, recipe.prices, recipe.needs) for arm in arms)
    training_rows = preparation.data.rows(Split.TRAIN)
    floor = bench.floor(training_rows)
    evidence = _evidence(arms, scores, headline, results, differences, floor, besides, recipe)
    record = run.record
    return StudyReport(
        run_id=record.id,
        title=f"{preparation.base.ref.name} on {recipe.data.title}",
        created_at=record.created_at,
        command=record.command,
        decision=decide(evidence, recipe.needs),
        arms=tuple(arm.described for arm in arms),
        metrics=metrics,
        headline_metric=headline.name,
        results=results,
        differences=differences,
        constant=floor.answer if floor else None,
        updated=besides.updated,
        best=best_arm(headline, results, evidence.incomplete),
        cheapest=cheapest(costs),
        slices=_slice(scores, headline, bench, training_rows),
        costs=costs,
        break_even=_break_even(arms, evidence, costs, recipe),
        answers=telling_rows(scores, bench.test, headline.name, _finders(arms)),
        strict_formats=besides.formats,
        judge=besides.judge,
        data=summarise_data(preparation, len(bench.test)),
        base=preparation.base.ref,
        recipe=recipe.model_dump(mode="json"),
        derived=preparation.derived,
        environment=record.environment,
        seconds=dict(seconds),
    )


def _evidence(
    arms: Sequence[StudiedArm],
    scores: Sequence[ArmScores],
    headline: Metric,
    results: Sequence[ArmMetric],
    differences: Sequence[Difference],
    floor: Floor | None,
    besides: FoundBesides,
    recipe: StudyRecipe,
) -> Evidence:
    return Evidence(
        arms=[arm.described.facts for arm in arms],
        metric=headline,
        results=results,
        differences=differences,
        prices=recipe.prices,
        validity=_validity([*results, *_unconstrained(besides.formats)]),
        floor=floor.answer.estimate if floor else None,
        above_floor=above_floor(scores, floor.scores, headline, recipe.evaluate) if floor else (),
        updated=besides.updated,
        judge=besides.judge,
        incomplete=why_incomplete(scores, headline.name),
        num_scored=max(sum(score.value is not None for score in arm.of(headline.name)) for arm in scores),
    )


def _slice(
    scores: Sequence[ArmScores], headline: Metric, bench: Bench, training_rows: Sequence[Example]
) -> tuple[SliceResult, ...]:
    cluster_of = _clusters(bench, training_rows)
    parts = slices(bench.test, has_labels=headline.name in LABEL_METRICS, cluster_of=cluster_of)
    return slice_results(scores, parts, headline, bench.settings)


def _clusters(bench: Bench, rows: Sequence[Example]) -> dict[str, str]:
    try:
        return clusters_of(bench.test, rows)
    except (TooLittleInCommonError, MissingExtraError) as reason:
        bench.progress.say(f"The report has no scores by cluster of inputs: {reason}")
        return {}


def _unconstrained(formats: StrictFormats | None) -> list[ArmMetric]:
    """The format of the arms as they are."""
    arms = formats.arms if formats else ()
    return [result for arm in arms if not arm.is_constrained for result in arm.results]


def _validity(results: Sequence[ArmMetric]) -> list[ArmMetric]:
    """The strictest measure of the format that there is; none for answers of no special form."""
    measured = {result.metric for result in results}
    metric = next((name for name in VALIDITY_METRICS if name in measured), None)
    return [result for result in results if result.metric == metric]


def _finders(arms: Sequence[StudiedArm]) -> dict[str, FindPassages]:
    """What shows the passages of each arm that has them."""
    return {arm.described.name: _passages_of(arm.option.arm) for arm in arms if isinstance(arm.option.arm, Retrieval)}


def _passages_of(arm: Retrieval) -> FindPassages:
    return lambda prompt: tuple(hit.passage for hit in arm.hits(prompt))


def write_study_report(run: RunFolder, report: StudyReport) -> tuple[str, ...]:
    """Write report.json, report.html and summary.md into the run's folder; returns their names."""
    run.write_json("report.json", report.model_dump(mode="json"))
    run.write_text("report.html", render_study_page(report))
    run.write_text("summary.md", render_study_summary(report))
    return "report.json", "report.html", "summary.md"


def _break_even(
    arms: Sequence[StudiedArm], evidence: Evidence, costs: Sequence[ArmCost], recipe: StudyRecipe
) -> BreakEven | None:
    """The best tuned arm against the best of the others; None when one side was not measured."""
    is_tuned = {arm.described.name: arm.described.facts.is_tuned for arm in arms}
    cost_of = {cost.arm: cost for cost in costs}

    def best(*, tuned: bool) -> str | None:
        own = [result for result in evidence.results if is_tuned[result.arm] is tuned]
        return best_arm(evidence.metric, own, evidence.incomplete)

    tuned, other = best(tuned=True), best(tuned=False)
    return break_even(cost_of[tuned], cost_of[other], recipe.needs) if tuned and other else None
