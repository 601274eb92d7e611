"""The report of `check` as one HTML file, in the look of the report of `tune` and under the same rules (page.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from markupsafe import Markup, escape

from tunewright.errors import MissingExtraError
from tunewright.records import (
    CheckResult,
    DataReport,
    Estimate,
    Finding,
    GroupTable,
    InputClusters,
    ReferenceComparison,
    ReferenceCoverage,
    Severity,
    TokenLengths,
)
from tunewright.study.charts import Chart
from tunewright.study.data_charts import constant_lengths, label_bars, length_charts
from tunewright.study.html import page_environment
from tunewright.study.page import format_exact_duration
from tunewright.study.representation_charts import comparison_told, representation_charts

NUM_EXAMPLES = 3
NUM_LABELS_OF_GROUP = 4
_TITLE = b"tunewright data report</title>"
_NUM_BYTES_OF_HEAD = 4096

_MARKS = {Severity.BLOCKING: "✗", Severity.ACCEPTED: "✓", Severity.WARNING: "!", Severity.NOTE: "i"}
_MEANINGS = {
    Severity.BLOCKING: "stops training",
    Severity.ACCEPTED: "accepted",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
}


def render_data_page(report: DataReport) -> str:
    """Write what the checks found as HTML.

    Equal reports give equal text. Without matplotlib the page says how to get the charts, and their numbers stand in
    sentences and tables.

    Returns:
        A whole HTML document, to be written as UTF-8.
    """
    environment = page_environment()
    environment.filters.update(
        duration=format_exact_duration,
        mark=_MARKS.__getitem__,
        marked=_marked,
        meaning=_MEANINGS.__getitem__,
        share=_share,
        shown=partial(_shown, report),
    )
    measured = [each for result in report.results for each in result.measured]
    tokens = [each for each in measured if isinstance(each, TokenLengths)]
    return environment.get_template("data.html.j2").render(
        report=report,
        name=_name(report),
        constant_lengths=constant_lengths(report.lengths),
        headline=_headline(report),
        found=[result for result in report.results if result.num_rows],
        clean=[result for result in report.results if not result.num_rows and result.skipped is None],
        skipped=[result for result in report.results if result.skipped is not None],
        num_examples=NUM_EXAMPLES,
        charts=_draw_charts(report, tokens),
        tokens=tokens,
        all_lengths=[*report.lengths, *(each for found in tokens for each in found.lengths)],
        is_represented=len(measured) > len(tokens),
        compared=[
            comparison_told(each) for each in measured if isinstance(each, ReferenceComparison | ReferenceCoverage)
        ],
        topics=[each for each in measured if isinstance(each, InputClusters)],
        tables=[each for each in measured if isinstance(each, GroupTable)],
        num_labels=NUM_LABELS_OF_GROUP,
    )


def is_data_page(path: Path) -> bool:
    """Whether a file begins as `render_data_page` writes one."""
    with path.open("rb") as file:
        return _TITLE in file.read(_NUM_BYTES_OF_HEAD)


def _name(report: DataReport) -> str:
    """The first source without its folder, and how many more there are."""
    first, *others = (report.short(source.name) for source in report.sources)
    return f"{first} and {len(others)} more" if others else first


def _marked(text: str) -> Markup:
    """Escape a text of ours, and set what it has in backticks as code."""
    parts = text.split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part) for index, part in enumerate(parts)
    )


def _share(estimate: Estimate) -> str:
    return f"{estimate.value:.0%} [{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def _headline(report: DataReport) -> str:
    if report.blocking:
        titles = ", ".join(result.title for result in report.blocking)
        or_accepted = " or accepted" if any(result.is_acceptable for result in report.blocking) else ""
        return f"Training is refused until this is corrected{or_accepted}: {titles}."
    found = sum(result.num_rows > 0 for result in report.results)
    if not found:
        return "No check found anything."
    return f"Nothing here stops training. {found} {'check' if found == 1 else 'checks'} found something to look at."


@dataclass(frozen=True, slots=True)
class _Charts:
    lengths: tuple[Chart, ...] = ()
    tokens: tuple[Chart, ...] = ()
    labels: tuple[Chart, ...] = ()
    representation: tuple[Chart, ...] = ()
    missing: str | None = None


def _draw_charts(report: DataReport, tokens: Sequence[TokenLengths]) -> _Charts:
    try:
        return _Charts(
            length_charts(report.lengths),
            length_charts([each for found in tokens for each in found.lengths]),
            label_bars(report.labels, report.num_labels),
            representation_charts(report.results),
        )
    except MissingExtraError as error:
        return _Charts(missing=str(error))


@dataclass(frozen=True, slots=True)
class _Side:
    locations: tuple[str, ...]
    excerpt: str


@dataclass(frozen=True, slots=True)
class _ShownFinding:
    explanation: str
    sides: tuple[_Side, ...]
    num_more: int
    """Rows of the finding that have no side."""
    edits: tuple[tuple[str, str], ...]


MAX_SIDES = 4


def _shown(report: DataReport, result: CheckResult) -> list[_ShownFinding]:
    return [_shown_finding(report, finding) for finding in result.findings[:NUM_EXAMPLES]]


def _shown_finding(report: DataReport, finding: Finding) -> _ShownFinding:
    """Give each row its excerpt; excerpts that do not belong to single rows stand under the places of all."""
    places = tuple(map(report.short, finding.locations))
    if len(finding.evidence) == len(places):
        sides = tuple(_Side((place,), text) for place, text in zip(places, finding.evidence, strict=True))
    else:
        places = places[:MAX_SIDES]
        sides = tuple(_Side(places, text) for text in finding.evidence) or (_Side(places, ""),)
    shown = sides[:MAX_SIDES]
    num_named = len({place for side in shown for place in side.locations})
    # The others, such as a zero width space, show nothing before and nothing after; their evidence spells them out.
    visible = [pair for pair in finding.edited_text if all(part.replace("\n", " ").isprintable() for part in pair)]
    num_more = len(finding.locations) - num_named + finding.num_more
    return _ShownFinding(report.explained(finding), shown, num_more, tuple(visible[:MAX_SIDES]))
