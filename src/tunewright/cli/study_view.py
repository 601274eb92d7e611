"""A study on the screen: the decision with its reasons, one line per arm, and where the whole report lies."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from tunewright.cli.report import REPORT_PAGE
from tunewright.cli.screen import Screen
from tunewright.cli.visible import visible
from tunewright.records import (
    FormatScores,
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
    format_plain,
    format_untold_break_even,
)

SUMMARY = "summary.md"
_STYLES = {Verdict.BETTER: "bold green", Verdict.WORSE: "bold red", Verdict.TOO_FEW_ROWS: "yellow"}


def print_study(screen: Screen, report: StudyReport, folder: Path) -> None:
    """Print what a study found.

    Args:
        folder: of the run, which holds the page and the summary.
    """
    heading = f"{report.headline.title} of every arm on {report.data.num_test_inputs:,} test inputs"
    screen.line(f"\n{heading} (95 % intervals in brackets)", "bold")
    screen.show(_arm_table(report))
    if groups := format_groups(report.results):
        screen.show(Text(groups, "dim"))
    screen.show(Text("\n" + visible(report.decision.headline), "bold"))
    for reason in report.decision.reasons:
        screen.show(Text(f"- {visible(reason)}"))
    if report.decision.what_would_change_it:
        screen.line("\nWhat would change it", "bold")
    for condition in report.decision.what_would_change_it:
        screen.show(Text(f"- {visible(condition)}"))
    if break_even := format_untold_break_even(report):
        screen.show(Text("\n" + visible(break_even)))
    for arm in report.arms:
        if arm.training and (retention := arm.training.retention):
            style = "" if retention.kept.is_within else "bold yellow"
            screen.show(Text(f"\nGeneral ability of {visible(arm.name)}: {visible(retention.told)}", style))
    for arm in report.arms:
        if arm.training and arm.training.path:
            screen.show(Text(f"\nTraining of {visible(arm.name)}: {visible(arm.training.path.told)}", "dim"))
    if report.strict_formats:
        _print_formats(screen, report.strict_formats)
    if report.judge:
        _print_judge(screen, report.judge)
    screen.line(f"\nReport: {folder / REPORT_PAGE}")
    screen.line(f"Summary for a pull request: {folder / SUMMARY}")


def _arm_table(report: StudyReport) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("arm")
    table.add_column(report.headline.title, justify="right")
    table.add_column(visible(f"to {report.best}") if report.best else "difference", justify="right")
    for heading in ("tokens", "seconds", "1,000 requests"):
        table.add_column(heading, justify="right")
    for arm in report.arms:
        table.add_row(*_cells(arm, report))
    return table


def _cells(arm: StudyArm, report: StudyReport) -> tuple[Text | str, ...]:
    found = report.result(arm.name, report.headline_metric).estimate
    value = "\n".join(format_estimate(found, report.headline)) if found else "none"
    tokens = f"{arm.facts.prompt_tokens:,.0f}\n+ {arm.facts.answer_tokens:,.0f}"
    cost = format_amount(report.cost(arm.name).per_thousand_requests, report.currency)
    name = Text(visible(arm.name), "bold" if arm.name == report.decision.arm else "")
    return name, value, _difference(arm, report), tokens, format_plain(arm.facts.machine_seconds, 3), cost


def _difference(arm: StudyArm, report: StudyReport) -> Text:
    change = report.difference(arm.name, report.best)
    if change is None:
        return Text("the best" if arm.name == report.best else "")
    if change.estimate is None:
        return Text("not comparable")
    figure = "\n".join(format_estimate(change.estimate, report.headline, is_difference=True))
    words = "" if change.verdict is Verdict.TOO_FEW_ROWS else f"\n{change.verdict}"
    return Text.assemble(figure, (words, _STYLES[change.verdict]))


def _print_formats(screen: Screen, formats: StrictFormats) -> None:
    """How well every arm keeps the format; `constrained` lines forbid the tokens that would leave it."""
    if formats.arms:
        screen.line("\nStrict format", "bold")
        table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
        for heading in ("arm", "tokens chosen"):
            table.add_column(heading)
        for heading in (*(metric.title for metric in formats.metrics), "cut off"):
            table.add_column(heading, justify="right")
        for found in formats.arms:
            table.add_row(*_format_cells(found, formats))
        screen.show(table)
    if formats.note:
        screen.show(Text(visible(formats.note), "dim"))


def _format_cells(found: FormatScores, formats: StrictFormats) -> tuple[str, ...]:
    values = [
        "\n".join(format_estimate(result.estimate, metric)) if result.estimate else "none"
        for metric, result in zip(formats.metrics, found.results, strict=True)
    ]
    way = "constrained" if found.is_constrained else "freely"
    return visible(found.arm), way, *values, f"{found.num_truncated:,} of {found.num_answers:,}"


def _print_judge(screen: Screen, found: JudgeComparison) -> None:
    """Whose answers the judge prefers, and how far it can be relied on."""
    screen.line("\nPreference of a judge", "bold")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0))
    table.add_column("pair")
    for heading in ("wins", "ties", "losses", "unscored", "first shown"):
        table.add_column(heading, justify="right")
    counts = (found.num_wins, found.num_ties, found.num_losses, found.num_unscored)
    first = f"{found.num_first:,} of {found.num_first + found.num_second:,}"
    pair = visible(f"{found.arm} against {found.baseline}")
    table.add_row(pair, *(f"{count:,}" for count in counts), first)
    screen.show(table)
    for told in (format_judge(found), format_judge_agreement(found), found.note):
        if told:
            screen.show(Text(visible(told)))
    screen.show(Text(found.caveat, "dim"))
