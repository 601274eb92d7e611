"""A report on the screen: the table, what it means, three rows to look at, and where the whole report lies."""

from pathlib import Path

from rich.text import Text

from tunewright.cli.screen import Screen
from tunewright.cli.tables import MetricTable, answer_table, footnotes, pick_answers
from tunewright.cli.visible import visible
from tunewright.records import Report, format_memorisation, format_savings

REPORT_PAGE = "report.html"


def print_report(screen: Screen, report: Report, folder: Path) -> None:
    """Print what a run found.

    Args:
        folder: of the run, which holds the page.
    """
    arms = " and ".join(report.arms)
    # Of the rows given to `evaluate` nobody knows where they come from.
    inputs = "held-out inputs" if report.training else "inputs"
    screen.line(f"\n{arms} on {report.data.num_test_inputs:,} {inputs} (95 % intervals in brackets)", "bold")
    screen.show(MetricTable(report))
    for note in footnotes(report):
        screen.show(Text(visible(note), "dim"))
    screen.show(Text("\n" + visible(report.summary)))
    for line in format_memorisation(report.memorisation) if report.memorisation else ():
        screen.show(Text("\n" + visible(line)))
    if report.bake:
        screen.show(Text("\nThe prompt in the weights: " + visible(report.bake.told)))
        screen.show(Text(visible(format_savings(report.bake))))
    if report.training and report.training.retention:
        retention = report.training.retention
        style = "" if retention.kept.is_within else "bold yellow"
        screen.show(Text("\nGeneral ability: " + visible(retention.told), style))
        for line in retention.advice:
            screen.show(Text(f"- {visible(line)}"))
        for attempt in retention.attempts:
            outcome = "within the limits" if attempt.keeps_within else "not within the limits"
            outcome += "" if attempt.is_enough or not attempt.keeps_within else ", but much of the task lost"
            screen.show(Text(f"- trained ({attempt.name}): {outcome}, {attempt.seconds:,.0f} s"))
    if report.training and report.training.path:
        screen.show(Text("\n" + visible(report.training.path.told), "dim"))
    for remedy in report.training.remedies if report.training else ():
        screen.show(Text("\n" + visible(remedy.told)))
    for shown in pick_answers(report):
        screen.line(f"\n{shown.reason}: {shown.row.location}", "bold")
        screen.show(answer_table(shown, report.arms))
    screen.line(f"\nReport: {folder / REPORT_PAGE}")
