"""The metric table and the answers side by side, as layouts that fit the terminal they are printed on."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, JustifyMethod, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from tunewright.cli.visible import visible
from tunewright.records import (
    Answer,
    AnswerRow,
    ArmMetric,
    Difference,
    Estimate,
    Metric,
    Report,
    Verdict,
    format_estimate,
    format_groups,
)

MAX_ANSWER_CHARACTERS = 300
ONE_LINE = " "
TWO_LINES = "\n"
UNLIMITED_WIDTH = 10_000
VERDICT_WIDTH = len("too few rows")

_VERDICT_STYLES = {Verdict.BETTER: "bold green", Verdict.WORSE: "bold red", Verdict.TOO_FEW_ROWS: "yellow"}


class MetricTable:
    """Every metric of a report: n, each arm's value with its interval, the difference and the verdict.

    Value and interval share a line where the terminal is wide, stand on two lines on 80 columns, and become one block
    per metric where even that is too wide.
    """

    def __init__(self, report: Report) -> None:
        self._rows = [_metric_row(metric, report) for metric in report.metrics]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unlimited = options.update(width=UNLIMITED_WIDTH)
        one_line, two_lines = self._table(ONE_LINE), self._table(TWO_LINES)
        if Measurement.get(console, unlimited, one_line).maximum <= options.max_width:
            yield one_line
        elif Measurement.get(console, unlimited, two_lines).minimum <= options.max_width:
            yield two_lines
        else:
            yield from self._blocks()

    def _table(self, separator: str) -> Table:
        compared = ["verdict"] if self._rows[0].verdict else []
        lines: list[list[str | Text]] = [
            ["metric", "n", *(visible(name) for name, _ in self._rows[0].cells), *compared]
        ]
        for row in self._rows:
            verdict = [row.verdict_text(separator)] if row.verdict else []
            lines.append([row.title, row.num_rows, *(cell.text(separator) for _, cell in row.cells), *verdict])
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0 if separator == ONE_LINE else 1, 0))
        for index, (heading, *cells) in enumerate(zip(*lines, strict=True)):
            # Titles wrap; anything else keeps its width. Rich takes the longest word for the least width of a column
            # that does not wrap, so the true one has to be given.
            width = max(cell_len(part) for cell in (heading, *cells) for part in str(cell).splitlines())
            justify: JustifyMethod = "left" if heading in ("metric", "verdict") else "right"
            table.add_column(heading, justify=justify, no_wrap=index > 0, min_width=width if index > 0 else None)
        for cells in lines[1:]:
            table.add_row(*cells)
        return table

    def _blocks(self) -> Iterator[RenderableType]:
        for row in self._rows:
            yield Text(f"{row.title}, n = {row.num_rows}", "bold")
            for heading, cell in row.cells:
                yield Text(f"  {visible(heading)}: {cell.text(ONE_LINE)}")
            if row.verdict:
                yield Text.assemble("  ", row.verdict_text(ONE_LINE))


@dataclass(frozen=True, slots=True)
class _Cell:
    value: str
    interval: str = ""

    def text(self, separator: str) -> str:
        return separator.join(part for part in (self.value, self.interval) if part)


@dataclass(frozen=True, slots=True)
class _MetricRow:
    title: str
    num_rows: str
    cells: Sequence[tuple[str, _Cell]]
    """Each arm, then the last arm minus the first."""
    verdict: Verdict | None
    """None with one arm."""

    def verdict_text(self, separator: str) -> Text:
        if self.verdict is None:
            return Text()
        words = self.verdict if separator == ONE_LINE else textwrap.fill(self.verdict, VERDICT_WIDTH)
        return Text(words, _VERDICT_STYLES[self.verdict])


def _metric_row(metric: Metric, report: Report) -> _MetricRow:
    results = _results(metric, report)
    counts = [result.estimate.num_rows for result in results if result.estimate]
    cells = [(result.arm, _cell(result.estimate, metric)) for result in results]
    difference = _difference(metric, report)
    if difference:
        cells.append(("difference", _cell(difference.estimate, metric, is_difference=True)))
    return _MetricRow(
        title=metric.title + ("" if metric.higher_is_better else " (lower is better)"),
        num_rows=" / ".join(f"{count:,}" for count in dict.fromkeys(counts)) or "0",
        cells=cells,
        verdict=difference.verdict if difference else None,
    )


def _results(metric: Metric, report: Report) -> list[ArmMetric]:
    found = {result.arm: result for result in report.results if result.metric == metric.name}
    return [found[arm] for arm in report.arms]


def _difference(metric: Metric, report: Report) -> Difference | None:
    last = report.arms[-1]
    return next((change for change in report.differences if (change.metric, change.arm) == (metric.name, last)), None)


def _cell(estimate: Estimate | None, metric: Metric, *, is_difference: bool = False) -> _Cell:
    if estimate is None:
        return _Cell("none")
    return _Cell(*format_estimate(estimate, metric, is_difference=is_difference))


def footnotes(report: Report) -> list[str]:
    """Whether intervals are by group, which rows were not scored, and which metrics have no value at all, and why."""
    groups = format_groups(report.results)
    notes = [groups] if groups else []
    unscored: dict[tuple[str, int], list[str]] = {}
    for metric in report.metrics:
        for result in _results(metric, report):
            if result.estimate is None:
                notes.append(f"{metric.title} of {result.arm} has no value: {result.reason}.")
            elif result.estimate.num_unscored:
                unscored.setdefault((result.arm, result.estimate.num_unscored), []).append(metric.title)
    return notes + [
        f"Unscored rows of {arm}: {count:,} in {', '.join(titles)}." for (arm, count), titles in unscored.items()
    ]


@dataclass(frozen=True, slots=True)
class ShownAnswer:
    """A row to look at and why it was picked."""

    reason: str
    row: AnswerRow


def pick_answers(report: Report) -> list[ShownAnswer]:
    """At most three rows under the headline metric: the most improved, the last arm's best, and its worst."""
    metric = next(metric for metric in report.metrics if metric.name == report.headline_metric)
    sign = 1.0 if metric.higher_is_better else -1.0
    first, last = report.arms[0], report.arms[-1]
    goodness = {row.example_id: sign * value for row in report.answers if (value := row.values[last]) is not None}
    gain = {
        row.example_id: goodness[row.example_id] - sign * value
        for row in report.answers
        if row.example_id in goodness and (value := row.values[first]) is not None
    }
    improved = max(gain, key=gain.__getitem__, default=None)
    if improved is not None and gain[improved] <= 0:
        improved = None
    # The worst is picked before the best: when rows are few it is the one that must be seen.
    worst = min((key for key in goodness if key != improved), key=goodness.__getitem__, default=None)
    best = max((key for key in goodness if key not in (improved, worst)), key=goodness.__getitem__, default=None)
    reason_of = {improved: f"Improved most over {first}", best: f"Best of {last}", worst: f"Worst of {last}"}
    row_of = {row.example_id: row for row in report.answers}
    return [ShownAnswer(reason, row_of[key]) for key, reason in reason_of.items() if key is not None]


def answer_table(shown: ShownAnswer, arms: Sequence[str]) -> Table:
    """One row as a block: what was asked, what was expected, and what each arm wrote."""
    row = shown.row
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    others = f" (and {len(row.references) - 1} more)" if len(row.references) > 1 else ""
    table.add_row("prompt", _short(row.prompt))
    table.add_row("expected", Text.assemble(_short(row.references[0]), (others, "dim")))
    for arm in arms:
        table.add_row(visible(arm), _answer(row.answers[arm]))
    return table


def _answer(answer: Answer) -> Text:
    if answer.text is None:
        return Text(f"(no answer: {visible(answer.reason or 'no reason given')})", "italic yellow")
    cut = " (cut: no room for more tokens)" if answer.finish == "length" else ""
    return Text.assemble(_short(answer.text), (cut, "dim"))


def _short(text: str) -> Text:
    if not text:
        return Text("(empty)", "dim")
    is_long = len(text) > MAX_ANSWER_CHARACTERS
    return Text(visible(text[: MAX_ANSWER_CHARACTERS - 3] + "..." if is_long else text))
