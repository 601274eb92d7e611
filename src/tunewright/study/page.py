"""The report as one HTML file that needs no network, no script and nothing beside it.

Everything in a report is data that others wrote, so the template escapes all of it; the only markup inserted as it
stands is the charts, whose own text is escaped where they are drawn.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import yaml

from tunewright.errors import MissingExtraError
from tunewright.evaluate.scorers import SCORERS
from tunewright.records import (
    AnswerRow,
    ArmMetric,
    BakeSummary,
    BenchmarkResult,
    Change,
    Difference,
    Estimate,
    Metric,
    Report,
    SliceResult,
    Verdict,
    format_duration,
    format_estimate,
    format_groups,
    format_memorisation,
    format_p_value,
    format_plain,
    format_savings,
)
from tunewright.study.charts import Chart, length_histogram, metric_intervals, training_curves
from tunewright.study.compare import NUM_ANSWERS_OF_A_KIND
from tunewright.study.html import page_environment
from tunewright.study.retained import retention_rows
from tunewright.study.retention_chart import retention_curves

MAX_NAMED_CHANGES = 20
"""Rows named under each reason; the others are counted."""

VERDICT_MARKS = {Verdict.BETTER: "✓", Verdict.WORSE: "✗", Verdict.TOO_FEW_ROWS: "?"}
_NOTHING = "–"


def render_page(report: Report) -> str:
    """Write the report as HTML.

    Equal reports give equal text. Without matplotlib the page is complete except for the charts, and says in their
    place how to get them.

    Args:
        report: of `tune`, or of `evaluate` (one arm, no differences, `training` None).
    Returns:
        A whole HTML document, to be written as UTF-8.
    """
    environment = page_environment()
    environment.filters.update(
        duration=format_exact_duration, memory=format_memory, mark=VERDICT_MARKS.__getitem__, plain=format_plain
    )
    metric = {metric.name: metric for metric in report.metrics}[report.headline_metric]
    rows = [_metric_row(metric, report) for metric in report.metrics]
    return environment.get_template("report.html.j2").render(
        report=report,
        headline=next(row for row in rows if row.metric == metric),
        metric_rows=rows,
        by_group=format_groups(report.results),
        answer_groups=_answer_groups(report.answers, report.arms, higher_is_better=metric.higher_is_better),
        headline_value=lambda value: "unscored" if value is None else format_value(value, metric),
        change_groups=change_groups(report.data.changes),
        recipe=yaml.safe_dump(report.recipe, sort_keys=False, allow_unicode=True),
        savings=format_savings(report.bake) if report.bake else None,
        agreement=_agreement(report.bake),
        benchmark_rows=[_benchmark_row(found) for found in report.benchmarks],
        memorised=format_memorisation(report.memorisation) if report.memorisation else (),
        retention_rows=retention_rows(report.training),
        slice_tables=slice_tables(report.slices, metric),
        token_lengths=_lengths(report),
        charts=_draw_charts(report),
    )


@dataclass(frozen=True, slots=True)
class _BenchmarkRow:
    """One public task as the page shows it."""

    found: BenchmarkResult
    base: str
    tuned: str
    change: str


def _benchmark_row(found: BenchmarkResult) -> _BenchmarkRow:
    unit = SCORERS["accuracy"].metric.model_copy(
        update={"is_share": found.is_share, "higher_is_better": found.higher_is_better}
    )

    def written(value: Estimate | None, *, is_difference: bool = False) -> str:
        return " ".join(format_estimate(value, unit, is_difference=is_difference)) if value else "not measured"

    base, tuned = written(found.base), written(found.tuned)
    return _BenchmarkRow(found, base, tuned, written(found.change.estimate, is_difference=True))


def _agreement(bake: BakeSummary | None) -> str | None:
    if bake is None or bake.agreement is None:
        return None
    return " ".join(format_estimate(bake.agreement, SCORERS["exact_match"].metric))


@dataclass(frozen=True, slots=True)
class _Charts:
    """The drawings by section, or why there are none."""

    metrics: tuple[Chart, ...] = ()
    training: tuple[Chart, ...] = ()
    retention: tuple[Chart, ...] = ()
    lengths: tuple[Chart, ...] = ()
    missing: str | None = None


def _draw_charts(report: Report) -> _Charts:
    try:
        return _Charts(
            metrics=metric_intervals(report.metrics, report.results, report.arms),
            training=training_curves(report.training) if report.training else (),
            retention=retention_curves(report.training) if report.training else (),
            lengths=length_histogram(report.data.prompt_tokens, report.data.answer_tokens),
        )
    except MissingExtraError as error:
        return _Charts(missing=str(error))


@dataclass(frozen=True, slots=True)
class _Lengths:
    """How long one part of the training rows is."""

    part: str
    median: float
    longest: int
    unit: str = "tokens"


def _lengths(report: Report) -> list[_Lengths]:
    parts = {"prompt": report.data.prompt_tokens, "answer": report.data.answer_tokens}
    return [_Lengths(part, median(found), max(found)) for part, found in parts.items() if found]


@dataclass(frozen=True, slots=True)
class Measured:
    """One arm's cell: `0.61`, `[0.52, 0.70]`, `n = 96`; or nothing and the reason."""

    arm: str
    value: str
    interval: str
    note: str


@dataclass(frozen=True, slots=True)
class Compared:
    """The difference of two arms under one metric, as text."""

    arms: str
    value: str
    interval: str
    p_value: str
    test: str
    note: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class _MetricRow:
    metric: Metric
    measured: Sequence[Measured]
    compared: Sequence[Compared]


def _metric_row(metric: Metric, report: Report) -> _MetricRow:
    found = {result.arm: result for result in report.results if result.metric == metric.name}
    return _MetricRow(
        metric=metric,
        measured=[measured(arm, found.get(arm), metric) for arm in report.arms],
        compared=[compared(other, metric) for other in report.differences if other.metric == metric.name],
    )


def measured(arm: str, result: ArmMetric | None, metric: Metric) -> Measured:
    """One metric of one arm as text."""
    if result is None or result.estimate is None:
        reason = result.reason if result else None
        return Measured(arm, _NOTHING, "", reason or "not measured")
    value, interval = _format_estimate(result.estimate, metric)
    return Measured(arm, value, interval, _format_rows(result.estimate))


def compared(difference: Difference, metric: Metric) -> Compared:
    """A difference as text; its p-value is the corrected one, where there is one."""
    p_value = difference.p_value if difference.adjusted_p_value is None else difference.adjusted_p_value
    value, interval, note = _NOTHING, "", "not comparable"
    if difference.estimate is not None:
        value, interval = _format_estimate(difference.estimate, metric, is_difference=True)
        note = _format_rows(difference.estimate)
    return Compared(
        arms=f"{difference.arm} − {difference.baseline}",
        value=value,
        interval=interval,
        p_value=_NOTHING if p_value is None else format_p_value(p_value),
        test="" if difference.test == "none" else difference.test,
        note=note,
        verdict=difference.verdict,
    )


@dataclass(frozen=True, slots=True)
class _SliceRow:
    value: str
    num_items: int
    measured: Sequence[Measured]
    """By arm; a note is only of what differs from the row."""
    note: str | None
    """What holds for every arm."""


@dataclass(frozen=True, slots=True)
class _SliceTable:
    name: str
    rows: Sequence[_SliceRow]


def slice_tables(results: Sequence[SliceResult], metric: Metric) -> list[_SliceTable]:
    """One table for each slice, with a row for each of its values."""
    by_value: dict[str, dict[str, list[SliceResult]]] = {}
    for found in results:
        by_value.setdefault(found.slice, {}).setdefault(found.value, []).append(found)
    return [
        _SliceTable(name, [_slice_row(value, arms, metric) for value, arms in values.items()])
        for name, values in by_value.items()
    ]


def _slice_row(value: str, arms: Sequence[SliceResult], metric: Metric) -> _SliceRow:
    notes = {found.note for found in arms}
    shared = arms[0].note if len(notes) == 1 else None
    return _SliceRow(value, arms[0].num_items, [_slice_cell(found, metric, shared) for found in arms], shared)


def _slice_cell(found: SliceResult, metric: Metric, shared: str | None) -> Measured:
    parts = [found.note] if found.note and found.note != shared else []
    if found.estimate is None:
        return Measured(found.arm, _NOTHING, "", "; ".join(parts))
    if found.estimate.num_rows != found.num_items:
        parts.insert(0, _format_rows(found.estimate))
    return Measured(found.arm, *_format_estimate(found.estimate, metric), "; ".join(parts))


@dataclass(frozen=True, slots=True)
class _AnswerGroup:
    title: str
    rows: Sequence[AnswerRow]


def _answer_groups(rows: Sequence[AnswerRow], arms: Sequence[str], *, higher_is_better: bool) -> list[_AnswerGroup]:
    """Part the rows as compare() chose them: the last arm's best, its worst, those that improved most.

    Sorting is stable, so rows of equal value stay in the order, and with it in the group, they were chosen for.
    """
    arm = arms[-1]
    sign = 1.0 if higher_is_better else -1.0
    goodness = {row.example_id: sign * value for row in rows if (value := row.values.get(arm)) is not None}
    scored = [row for row in rows if row.example_id in goodness]
    best = sorted(scored, key=lambda row: -goodness[row.example_id])[:NUM_ANSWERS_OF_A_KIND]
    rest = [row for row in scored if row not in best]
    worst = sorted(rest, key=lambda row: goodness[row.example_id])[:NUM_ANSWERS_OF_A_KIND]
    groups = (
        _AnswerGroup(f"Best of {arm}", best),
        _AnswerGroup(f"Worst of {arm}", worst),
        _AnswerGroup(f"Improved most over {arms[0]}", [row for row in rest if row not in worst]),
        _AnswerGroup(f"Unscored for {arm}", [row for row in rows if row not in scored]),
    )
    return [group for group in groups if group.rows]


@dataclass(frozen=True, slots=True)
class _NamedChange:
    location: str
    example_id: str
    detail: str
    """What the group's reason leaves open; empty when the reason is the same for all rows of the group."""


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Rows that were changed in the same way for the same reason."""

    action: str
    reason: str
    num_rows: int
    named: Sequence[_NamedChange]


_CHECK = re.compile(r"((?:fix list, )?[a-z_]+): (.+)", re.DOTALL)
"""A reason that a check gives: its id, then what it found in exactly this row."""


def change_groups(changes: Sequence[Change]) -> list[ChangeGroup]:
    """Changes by what was done and why, with the first rows of each named."""
    grouped: dict[tuple[str, str], list[_NamedChange]] = {}
    for change in changes:
        by_check = _CHECK.fullmatch(change.reason)
        reason, detail = by_check.groups() if by_check else (change.reason, "")
        named = _NamedChange(change.location, change.example_id, detail)
        grouped.setdefault((change.action, reason), []).append(named)
    return [
        ChangeGroup(action, reason, len(members), members[:MAX_NAMED_CHANGES])
        for (action, reason), members in grouped.items()
    ]


def _format_estimate(estimate: Estimate, metric: Metric, *, is_difference: bool = False) -> tuple[str, str]:
    value, interval = format_estimate(estimate, metric, is_difference=is_difference)
    return value.replace("-", "−"), interval.replace("-", "−")


def format_value(value: float, metric: Metric) -> str:
    """The value of one row."""
    return f"{100 * value:.3g} %" if metric.is_share else f"{value:.4g}".replace("-", "−")


def _format_rows(estimate: Estimate) -> str:
    unscored = f", {estimate.num_unscored:,} unscored" if estimate.num_unscored else ""
    return f"n = {estimate.num_rows:,}{unscored}"


def format_exact_duration(seconds: float) -> str:
    """Give `0.4 s`, and from ten seconds on what format_duration gives."""
    return f"{seconds:.1f} s" if seconds < 9.95 else format_duration(seconds)


def format_memory(num_bytes: int) -> str:
    """Give `1.1 GiB`, or MiB below one."""
    return f"{num_bytes / 2**30:.1f} GiB" if num_bytes >= 2**30 else f"{num_bytes / 2**20:.0f} MiB"
