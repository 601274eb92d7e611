"""A data report on the screen: the table of problems, then rows to look at."""

from collections.abc import Callable, Iterator, Sequence

from rich.table import Table
from rich.text import Text

from tunewright.cli.measured import print_measured
from tunewright.cli.screen import Screen
from tunewright.cli.visible import visible
from tunewright.records import CheckResult, DataReport, Finding, Severity

NUM_EXAMPLES = 3
MAX_EXCERPTS = 4
MAX_EXCERPT = 160

_STYLES = {Severity.BLOCKING: "bold red", Severity.ACCEPTED: "dim", Severity.WARNING: "yellow", Severity.NOTE: ""}
_WORDS = {Severity.BLOCKING: "stops training"}


def print_data_report(screen: Screen, report: DataReport, *, has_fix_list: bool = False) -> None:
    """Print what the checks found: every problem in a table, and three examples of each.

    Args:
        has_fix_list: whether one was written, so that none has to be asked for.
    """
    for source in report.sources:
        screen.line(f"{source.num_rows:,} rows of {source.name}, read as {source.form}")
        for warning in source.warnings:
            screen.line(f"  {warning}", "dim")
    found = [result for result in report.results if result.num_rows]
    if found:
        screen.line("")
        screen.show(_problem_table(found))
    for result in found:
        _print_problem(screen, result, report)
    print_measured(screen, report.results)
    num_clean = sum(not result.num_rows and result.skipped is None for result in report.results)
    screen.line(f"\n{num_clean} {'check' if num_clean == 1 else 'checks'} found nothing.")
    for line in _not_checked(report.results):
        screen.show(Text(visible(line), "dim"))
    screen.line(_conclusion(report), "bold")
    for line in _next_steps(report, has_fix_list=has_fix_list):
        screen.line(line)


def _not_checked(results: Sequence[CheckResult]) -> Iterator[str]:
    """A line for each check that could not run, and one for all that nothing in the rows or the recipe asks for."""
    for result in results:
        if result.lacks_extra:
            yield f"Not checked: {result.title}, {result.skipped}"
    idle = [result for result in results if result.skipped is not None and not result.lacks_extra]
    if idle:
        checks = "1 check has" if len(idle) == 1 else f"{len(idle)} checks have"
        reasons = "; ".join(f"{result.title} ({result.skipped})" for result in idle[:NUM_EXAMPLES])
        more = "; --page names the others" if len(idle) > NUM_EXAMPLES else ""
        yield f"{checks} nothing to do: {reasons}{more}."


def _problem_table(found: list[CheckResult]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("problem", max_width=28)
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("severity", no_wrap=True)
    table.add_column("what will happen")
    for result in found:
        severity = Text(_WORDS.get(result.severity, result.severity), _STYLES[result.severity])
        table.add_row(visible(result.title), f"{result.num_rows:,}", severity, visible(result.action))
    return table


def _print_problem(screen: Screen, result: CheckResult, report: DataReport) -> None:
    screen.line(f"\n{result.title}", "bold")
    screen.show(Text(visible(result.explanation), "dim"))
    for finding in result.findings[:NUM_EXAMPLES]:
        screen.show(Text(f"- {visible(report.explained(finding))}"))
        screen.show(_evidence(finding, report.short))


def _evidence(finding: Finding, short: Callable[[str], str]) -> Table:
    """The places with their excerpts beside them; below, where excerpts do not belong to single rows."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    excerpts = [visible(_short(excerpt)) for excerpt in finding.evidence[:MAX_EXCERPTS]]
    places = [visible(short(place)) for place in finding.locations[:MAX_EXCERPTS]]
    num_hidden = len(finding.locations) - len(places) + finding.num_more
    more = f"and {num_hidden:,} more" if num_hidden else ""
    if len(finding.evidence) == len(finding.locations):
        table.add_column(style="dim", overflow="fold", max_width=36)
        table.add_column(overflow="fold")
        for place, excerpt in zip(places, excerpts, strict=True):
            table.add_row(f"  {place}", excerpt)
        if more:
            table.add_row(f"  {more}", "")
        return table
    table.add_column(overflow="fold")
    table.add_row(Text(f"  {', '.join(places)} {more}".rstrip(), "dim"))
    for excerpt in excerpts:
        table.add_row(f"  {excerpt}")
    return table


def _short(excerpt: str) -> str:
    one_line = " ".join(excerpt.split())
    return one_line if len(one_line) <= MAX_EXCERPT else f"{one_line[: MAX_EXCERPT - 1]}…"


def _conclusion(report: DataReport) -> str:
    changes = [
        f"{count:,} {'row' if count == 1 else 'rows'} {what}"
        for count, what in ((report.num_dropped, "dropped"), (report.num_edited, "edited"))
        if count
    ]
    if report.num_copies:
        changes.append(f"{report.num_copies:,} exact {'copy' if report.num_copies == 1 else 'copies'} left out")
    by_default = f"By default: {', '.join(changes)}. " if changes else ""
    if not report.blocking:
        return f"{by_default}Nothing stops training."
    ways = {"corrected": False, "corrected or accepted": True}
    refused = [
        f"{way}: {', '.join(titles)}"
        for way, is_acceptable in ways.items()
        if (titles := [result.title for result in report.blocking if result.is_acceptable is is_acceptable])
    ]
    return f"{by_default}Training is refused until this is {'; and this is '.join(refused)}."


def _next_steps(report: DataReport, *, has_fix_list: bool) -> list[str]:
    steps = []
    if not has_fix_list and any(finding.example_ids for result in report.results for finding in result.findings):
        steps.append(
            "To decide row by row: add --fix fixes.jsonl, set the actions in that file to drop, keep or edit, and tune "
            "with --set data.fixes=fixes.jsonl"
        )
    blocking = ",".join(result.check for result in report.blocking if result.is_acceptable)
    if blocking:
        steps.append(f"To accept rows as they are: tune with --set 'data.checks.accept=[{blocking}]'")
    return steps
