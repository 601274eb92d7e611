"""Figures about a version, for its card: what each step did, and what each split holds."""

from collections import Counter
from collections.abc import Iterable, Sequence

from tunewright.data.checks.answers import answered
from tunewright.data.checks.check import RowSet, checked_row
from tunewright.data.checks.duplicates import DUPLICATES, SHARED_INPUTS
from tunewright.data.prepare import PreparedData
from tunewright.data.summary import label_counts
from tunewright.records import Change, CheckResult, LengthSummary, Severity, Source, Split, SplitSummary, StepCount

UNKNOWN_CAUSE = "cause not recorded"


def count_steps(changes: Iterable[Change]) -> tuple[StepCount, ...]:
    """Count changes by what happened and what did it, in the order in which the steps were first met."""
    counts = Counter((change.action, change.cause or UNKNOWN_CAUSE) for change in changes)
    return tuple(StepCount(action=action, cause=cause, num_rows=count) for (action, cause), count in counts.items())


def count_repeated(sources: Sequence[Source], steps: Iterable[StepCount], num_rows: int) -> tuple[StepCount, ...]:
    """The copies that weights above 1 made of training rows, as a step; none where there are no such weights.

    Copies are no changes of a row, and none is recorded: they are what a version has beyond the rows read and left.

    Args:
        num_rows: of the version, copies included.
    """
    if all(source.weight <= 1 for source in sources):
        return ()
    num_dropped = sum(step.num_rows for step in steps if step.action == "dropped")
    num_copies = num_rows - (sum(source.num_rows for source in sources) - num_dropped)
    return (StepCount(action="repeated", cause="weights", num_rows=num_copies),) if num_copies > 0 else ()


def summarise_splits(data: PreparedData) -> tuple[SplitSummary, ...]:
    """Figures about every split that has rows."""
    summaries = []
    for split in Split:
        examples = data.rows(split)
        if not examples:
            continue
        rows = tuple(checked_row(example, split) for example in {example.id: example for example in examples}.values())
        labels, num_labels = label_counts(rows, Counter(example.id for example in examples))
        summaries.append(
            SplitSummary(
                split=split,
                num_rows=len(examples),
                num_inputs=len({example.input_id for example in examples}),
                lengths=_lengths(rows),
                labels=labels,
                num_labels=num_labels,
            )
        )
    return tuple(summaries)


def _lengths(rows: RowSet) -> tuple[LengthSummary, ...]:
    conversations = list(answered(rows))
    texts = [row for row in rows if row.kind == "text"]
    parts = (
        ("input", [row.input for row in conversations]),
        ("answer", [row.answer for row in conversations]),
        ("text", [row.answer for row in texts]),
    )
    return tuple(
        LengthSummary.model_validate({"part": part, **_percentiles([len(text.split()) for text in found])})
        for part, found in parts
        if found
    )


def _percentiles(lengths: Sequence[int]) -> dict[str, int]:
    """The nearest rank: a length that some row has."""
    in_order = sorted(lengths)
    at_rank = {name: in_order[-(-percent * len(in_order) // 100) - 1] for name, percent in _PERCENTILES.items()}
    return {**at_rank, "longest": in_order[-1]}


LEFT_IN = "Found and left in: "
_PERCENTILES = {"median": 50, "percentile_95": 95}


def known_gaps(results: Iterable[CheckResult]) -> tuple[str, ...]:
    """Say what was found and accepted, what was found and left in, and what was not looked for."""
    results = tuple(results)
    left = [
        f"{LEFT_IN}{result.title}, {num_left:,} {'row' if num_left == 1 else 'rows'}"
        for result in results
        if result.severity in (Severity.WARNING, Severity.NOTE) and (num_left := _num_left(result))
    ]
    skipped = [f"Not checked: {result.title}: {result.skipped}" for result in results if result.skipped]
    accepted = [
        f"Accepted: {result.title}, {result.num_rows:,} rows"
        for result in results
        if result.severity is Severity.ACCEPTED and result.num_rows
    ]
    return (*accepted, *left, *skipped)


def _num_left(result: CheckResult) -> int:
    """Rows found that were not dropped, moved or repaired by default."""
    if result.check in (DUPLICATES, SHARED_INPUTS):
        return 0
    unsettled = [finding for finding in result.findings if not (finding.drop or finding.edited_text)]
    if len(unsettled) == len(result.findings):
        return result.num_rows  # with rows that no finding lists
    dropped = {example_id for finding in result.findings for example_id in finding.drop}
    return len({example_id for finding in unsettled for example_id in finding.example_ids} - dropped)
