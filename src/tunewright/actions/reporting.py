"""Put what was measured into a Report, and the report into its files."""

from collections.abc import Sequence
from contextlib import suppress

from tunewright.actions.preparing import Preparation
from tunewright.errors import RenderError
from tunewright.evaluate import ArmScores, TestItem
from tunewright.evaluate.house import house_scorers
from tunewright.evaluate.judge import ScoredText, rescore, whole_answer
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.task import LABEL_METRICS
from tunewright.records import Conversation, DataSummary, Report, Split, TrainingSummary
from tunewright.store import RunFolder
from tunewright.study.compare import compare
from tunewright.study.contrasts import slice_results, slices
from tunewright.study.page import render_page

REPORT_FILES = ("report.json", "report.html")
MAX_HISTOGRAM_ROWS = 20_000


def build_report(
    run: RunFolder,
    preparation: Preparation,
    arms: Sequence[ArmScores],
    items: Sequence[TestItem],
    training: TrainingSummary | None,
    seconds: dict[str, float],
    title: str,
    scored_text: ScoredText = whole_answer,
) -> Report:
    """Compare the arms and write down everything needed to understand and repeat the result.

    Args:
        scored_text: what of an answer is compared, as in `judge`.
    """
    recipe = preparation.recipe
    scorers = house_scorers(preparation.house) if preparation.house else ()
    arms = [rescore(arm, items, scorers, scored_text) for arm in arms]
    metrics = (*(SCORERS[name].metric for name in recipe.evaluate.metrics or ()), *(each.metric for each in scorers))
    comparison = compare(arms, items, metrics, preparation.headline_metric, recipe.evaluate)
    headline = next(metric for metric in comparison.metrics if metric.name == preparation.headline_metric)
    parts = slices(items, has_labels=headline.name in LABEL_METRICS)
    record = run.record
    return Report(
        run_id=record.id,
        title=title,
        created_at=record.created_at,
        command=record.command,
        summary=comparison.summary,
        arms=tuple(arm.arm for arm in arms),
        metrics=comparison.metrics,
        results=comparison.results,
        differences=comparison.differences,
        headline_metric=headline.name,
        slices=slice_results(arms, parts, headline, recipe.evaluate),
        answers=comparison.answers,
        training=training,
        data=summarise_data(preparation, len(items)),
        base=preparation.base.ref,
        forced=record.forced,
        recipe=recipe.model_dump(mode="json"),
        derived=preparation.derived,
        environment=record.environment,
        seconds=seconds,
    )


def write_report(run: RunFolder, report: Report) -> tuple[str, ...]:
    """Write report.json and report.html into the run's folder; returns their names."""
    run.write_json("report.json", report.model_dump(mode="json"))
    run.write_text("report.html", render_page(report))
    return REPORT_FILES


def summarise_data(preparation: Preparation, num_test_inputs: int) -> DataSummary:
    """Counts, changes, three rendered rows and the lengths of the rows that were trained on."""
    data, renderer = preparation.data, preparation.renderer
    shown = data.rows(Split.TRAIN) or data.rows(Split.TEST)
    lengths: list[tuple[int, int]] = []
    for row in shown[:MAX_HISTOGRAM_ROWS]:
        if isinstance(row.body, Conversation):
            # `evaluate` keeps rows that cannot be rendered: they are unscored, and have no length.
            with suppress(RenderError):
                lengths.append(renderer.measure(row))
    return DataSummary(
        dataset_id=data.version.id,
        sources=data.version.sources,
        num_rows={split.value: data.version.num_rows(split) for split in Split},
        num_test_inputs=num_test_inputs,
        changes=data.version.changes,
        samples=preparation.samples(),
        prompt_tokens=tuple(prompt for prompt, _ in lengths),
        answer_tokens=tuple(answer for _, answer in lengths),
    )
