"""The page of a study: one HTML file that needs no network, no script and nothing beside it; see study/page.py."""

from collections.abc import Sequence
from dataclasses import dataclass

import yaml

from tunewright.errors import MissingExtraError
from tunewright.records import (
    ArmMetric,
    Estimate,
    FormatScores,
    JudgeComparison,
    Metric,
    StrictFormats,
    StudyArm,
    StudyReport,
    StudyRow,
    TrainingSummary,
    UpdatedArm,
    format_amount,
    format_break_even,
    format_estimate,
    format_groups,
    format_judge,
    format_judge_agreement,
    format_plain,
    format_rate,
)
from tunewright.study.charts import Chart, metric_intervals, training_curves
from tunewright.study.html import page_environment
from tunewright.study.page import (
    VERDICT_MARKS,
    Compared,
    Measured,
    change_groups,
    compared,
    format_exact_duration,
    format_memory,
    format_value,
    measured,
    slice_tables,
)
from tunewright.study.retained import RetentionRow, retention_rows
from tunewright.study.retention_chart import retention_curves
from tunewright.study.study_charts import break_even_curve, cost_against_quality

GROUP_TITLES = {
    "disagreement": "Rows on which the arms differ most",
    "worst": "Rows that all arms answer worst",
    "best": "Rows that all arms answer best",
}


def render_study_page(report: StudyReport) -> str:
    """Write the report as HTML. Equal reports give equal text; without matplotlib the charts are left out, in words."""
    environment = page_environment()
    environment.filters.update(
        duration=format_exact_duration,
        memory=format_memory,
        mark=VERDICT_MARKS.__getitem__,
        plain=format_plain,
        rate=format_rate,
    )
    headline = report.headline
    return environment.get_template("study.html.j2").render(
        report=report,
        headline=headline,
        arm_rows=[_arm_row(arm, report) for arm in report.arms],
        metric_tables=[_metric_table(metric, report) for metric in report.metrics],
        by_group=format_groups(report.results),
        amount=lambda value: format_amount(value, report.currency),
        break_even=format_break_even(report.break_even) if report.break_even else None,
        groups=_groups(report.answers),
        headline_value=lambda value: "unscored" if value is None else format_value(value, headline),
        estimate=lambda found: " ".join(format_estimate(found, headline)),
        updated_rows=[_updated_row(found, headline) for found in report.updated],
        format_rows=_format_rows(report.strict_formats) if report.strict_formats else [],
        judged=_judged(report.judge) if report.judge else None,
        slice_tables=slice_tables(report.slices, headline),
        answer_schema=_schema_text(report.strict_formats),
        change_groups=change_groups(report.data.changes),
        recipe=yaml.safe_dump(report.recipe, sort_keys=False, allow_unicode=True),
        trainings=_trainings(report),
        charts=_draw_charts(report),
    )


@dataclass(frozen=True, slots=True)
class _Charts:
    """The drawings by section, or why there are none."""

    arms: tuple[Chart, ...] = ()
    cost: tuple[Chart, ...] = ()
    metrics: tuple[Chart, ...] = ()
    missing: str | None = None


def _draw_charts(report: StudyReport) -> _Charts:
    names = [arm.name for arm in report.arms]
    headline, currency = report.headline, report.currency
    estimates = [(name, report.result(name, headline.name).estimate) for name in names]
    others = [metric for metric in report.metrics if metric != headline]
    try:
        return _Charts(
            arms=(
                *metric_intervals([headline], report.results, names),
                *cost_against_quality(headline, estimates, report.costs, currency),
            ),
            cost=break_even_curve(report.break_even, currency),
            metrics=metric_intervals(others, report.results, names, name="other"),
        )
    except MissingExtraError as error:
        return _Charts(missing=str(error))


@dataclass(frozen=True, slots=True)
class _Training:
    """How one arm was trained."""

    arm: str
    run: str
    summary: TrainingSummary
    charts: tuple[Chart, ...]
    retention: Sequence[RetentionRow]
    retention_charts: tuple[Chart, ...]


def _trainings(report: StudyReport) -> list[_Training]:
    found = []
    for index, arm in enumerate(report.arms):
        if arm.training is None or arm.run is None:
            continue
        name = f"arm{index}-"
        try:
            charts, retained = training_curves(arm.training, name), retention_curves(arm.training, name)
        except MissingExtraError:  # which the page says once, in the place of the first chart
            charts, retained = (), ()
        rows = retention_rows(arm.training)
        found.append(_Training(arm.name, arm.run, arm.training, charts, rows, retained))
    return found


@dataclass(frozen=True, slots=True)
class _ArmRow:
    """One line of the table of arms."""

    arm: StudyArm
    measured: Measured
    to_best: Compared | None
    """None for the best arm itself."""
    to_cheapest: Compared | None
    is_best: bool
    is_cheapest: bool
    is_chosen: bool


def _arm_row(arm: StudyArm, report: StudyReport) -> _ArmRow:
    return _ArmRow(
        arm=arm,
        measured=measured(arm.name, report.result(arm.name, report.headline_metric), report.headline),
        to_best=_to(report, arm.name, report.best),
        to_cheapest=_to(report, arm.name, report.cheapest),
        is_best=arm.name == report.best,
        is_cheapest=arm.name == report.cheapest,
        is_chosen=arm.name == report.decision.arm,
    )


def _to(report: StudyReport, arm: str, baseline: str | None) -> Compared | None:
    change = report.difference(arm, baseline)
    return compared(change, report.headline) if change else None


@dataclass(frozen=True, slots=True)
class _UpdatedRow:
    """One arm after the documents were exchanged."""

    found: UpdatedArm
    before: str
    after: str
    share_new: str


def _updated_row(found: UpdatedArm, metric: Metric) -> _UpdatedRow:
    def written(value: Estimate | None, unit: Metric) -> str:
        return " ".join(format_estimate(value, unit)) if value else "not measured"

    share = metric.model_copy(update={"is_share": True})
    return _UpdatedRow(
        found, written(found.before, metric), written(found.after, metric), written(found.share_new, share)
    )


@dataclass(frozen=True, slots=True)
class _MetricTable:
    metric: Metric
    measured: Sequence[Measured]


def _metric_table(metric: Metric, report: StudyReport) -> _MetricTable:
    found: dict[str, ArmMetric] = {result.arm: result for result in report.results if result.metric == metric.name}
    return _MetricTable(metric, [measured(arm.name, found.get(arm.name), metric) for arm in report.arms])


def _schema_text(formats: StrictFormats | None) -> str | None:
    schema = formats.json_schema if formats else None
    return None if schema is None else yaml.safe_dump(schema, sort_keys=False, allow_unicode=True)


@dataclass(frozen=True, slots=True)
class _FormatRow:
    """One arm, as it is or constrained."""

    found: FormatScores
    measured: Sequence[Measured]


def _format_rows(formats: StrictFormats) -> list[_FormatRow]:
    return [
        _FormatRow(
            found,
            [
                measured(found.arm, result, metric)
                for metric, result in zip(formats.metrics, found.results, strict=True)
            ],
        )
        for found in formats.arms
    ]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """Pairs that ended one way; `kind` is its colour in the bar."""

    kind: str
    title: str
    num_pairs: int
    per_cent: float
    """Of the scored pairs."""


@dataclass(frozen=True, slots=True)
class _Judged:
    found: JudgeComparison
    outcomes: Sequence[_Outcome]
    told: Sequence[str]


def _judged(found: JudgeComparison) -> _Judged:
    counted = (
        ("win", f"{found.arm} preferred", found.num_wins),
        ("tie", "tie", found.num_ties),
        ("loss", f"{found.baseline} preferred", found.num_losses),
    )
    num_scored = max(1, found.num_scored)
    outcomes = [_Outcome(kind, title, number, 100 * number / num_scored) for kind, title, number in counted]
    told = [text for text in (format_judge(found), format_judge_agreement(found), found.note) if text]
    return _Judged(found, outcomes, told)


@dataclass(frozen=True, slots=True)
class _Group:
    title: str
    rows: Sequence[StudyRow]


def _groups(rows: Sequence[StudyRow]) -> list[_Group]:
    groups = [_Group(title, [row for row in rows if row.group == group]) for group, title in GROUP_TITLES.items()]
    return [group for group in groups if group.rows]
