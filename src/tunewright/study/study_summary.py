"""The study in Markdown, short enough for a pull request."""

from tunewright.records import (
    Difference,
    JudgeComparison,
    StrictFormats,
    StudyArm,
    StudyReport,
    Verdict,
    format_amount,
    format_estimate,
    format_groups,
    format_judge,
    format_judge_agreement,
    format_p_value,
)
from tunewright.study.markdown import escape_markdown


def render_study_summary(report: StudyReport) -> str:
    """Decision, one line per arm with its interval and its difference to the best one, reasons, how to repeat."""
    to_best = f"difference to {report.best}" if report.best else "difference"
    heading = ("arm", report.headline.title, to_best, "tokens per request", "1,000 requests")
    lines = [f"## {escape_markdown(report.title)}", "", f"**{escape_markdown(report.decision.headline)}**", ""]
    lines += [_line(heading), "|---|---:|---:|---:|---:|", *(_line(_cells(arm, report)) for arm in report.arms)]
    groups = format_groups(report.results)
    lines += [
        "",
        " ".join(filter(None, ("Brackets hold 95 % intervals; p-values are corrected after Holm.", groups))),
        "",
    ]
    lines += [f"- {escape_markdown(reason)}" for reason in report.decision.reasons]
    if report.decision.what_would_change_it:
        lines += ["", "What would change it:", ""]
        lines += [f"- {escape_markdown(condition)}" for condition in report.decision.what_would_change_it]
    if report.strict_formats:
        lines += ["", *_format_lines(report.strict_formats)]
    if report.judge:
        lines += ["", *_judge_lines(report.judge)]
    lines += ["", f"Run `{report.run_id}` on {report.data.num_test_inputs:,} test inputs. To repeat it:", ""]
    return "\n".join([*lines, f"    {report.command}", ""])


def _format_lines(formats: StrictFormats) -> list[str]:
    """One line per arm and way to choose tokens."""
    note = [escape_markdown(formats.note)] if formats.note else []
    if not formats.arms:
        return note
    titles = [metric.title for metric in formats.metrics]
    lines = [_line(("strict format", "tokens chosen", *titles, "truncated")), "|---|---|" + "---:|" * (len(titles) + 1)]
    for found in formats.arms:
        way = "constrained" if found.is_constrained else "freely"
        values = [
            " ".join(format_estimate(result.estimate, metric)) if result.estimate else "not measured"
            for metric, result in zip(formats.metrics, found.results, strict=True)
        ]
        lines.append(_line((found.arm, way, *values, f"{found.num_truncated:,} of {found.num_answers:,}")))
    return [*lines, "", *note] if note else lines


def _judge_lines(found: JudgeComparison) -> list[str]:
    """One line of counts, and what they mean."""
    heading = ("judged pair", "wins", "ties", "losses", "unscored", "orders agree")
    counts = (found.num_wins, found.num_ties, found.num_losses, found.num_unscored)
    agreed = f"{100 * found.agreement.value:.0f} %" if found.agreement else "not measured"
    line = _line((f"{found.arm} against {found.baseline}", *(f"{count:,}" for count in counts), agreed))
    told = (format_judge(found), format_judge_agreement(found), found.note, found.caveat)
    meaning = escape_markdown(" ".join(filter(None, told)))
    return [_line(heading), "|---|---:|---:|---:|---:|---:|", line, "", meaning]


def _cells(arm: StudyArm, report: StudyReport) -> tuple[str, ...]:
    found = report.result(arm.name, report.headline_metric).estimate
    value = f"{' '.join(format_estimate(found, report.headline))}, n = {found.num_rows:,}" if found else "not measured"
    change = report.difference(arm.name, report.best)
    tokens = f"{arm.facts.prompt_tokens:,.0f} + {arm.facts.answer_tokens:,.0f}"
    cost = format_amount(report.cost(arm.name).per_thousand_requests, report.currency)
    return arm.name, value, _compared(change, report) if change else "", tokens, cost


def _compared(change: Difference, report: StudyReport) -> str:
    if change.estimate is None:
        return "not comparable"
    p_value = change.p_value if change.adjusted_p_value is None else change.adjusted_p_value
    figure = " ".join(format_estimate(change.estimate, report.headline, is_difference=True))
    p_text = f", p {format_p_value(p_value)}" if p_value is not None else ""
    return f"{figure}{p_text}" + ("" if change.verdict is Verdict.TOO_FEW_ROWS else f": {change.verdict}")


def _line(cells: tuple[str, ...]) -> str:
    return f"| {' | '.join(map(escape_markdown, cells))} |"
