"""Figures about rows as a whole: how long they are, and which answers repeat as labels do."""

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from tunewright.data.checks.answers import answer_kind, answered, normal_label
from tunewright.data.checks.check import RowSet
from tunewright.data.histogram import length_histogram
from tunewright.records import LabelCount, LengthHistogram

MAX_LABELS_SHOWN = 20


def length_histograms(rows: RowSet) -> tuple[LengthHistogram, ...]:
    """Count words (runs without white space) of inputs, answers and plain texts; a part that no row has is left out."""
    inputs, answers, texts = array("I"), array("I"), array("I")
    for row in rows:
        if row.kind == "text":
            texts.append(len(row.answer.split()))
        else:
            inputs.append(len(row.input.split()))
            answers.append(len(row.answer.split()))
    found: list[tuple[Literal["input", "answer", "text"], Sequence[int]]]
    found = [("input", inputs), ("answer", answers), ("text", texts)]
    return tuple(length_histogram(part, lengths, "words") for part, lengths in found if lengths)


def label_counts(rows: RowSet, times: Mapping[str, int] | None = None) -> tuple[tuple[LabelCount, ...], int]:
    """Count labels up to case, the most frequent first.

    Args:
        rows: distinct rows, which alone say whether answers are labels: copies of a free answer repeat as a label does.
        times: how often each row counts, by id; once by default.
    Returns:
        At most MAX_LABELS_SHOWN counts, and the number of distinct labels; nothing and 0 where answers are no labels.
    """
    if answer_kind(rows) != "label":
        return (), 0
    counts: Counter[str] = Counter()
    for row in answered(rows):
        counts[normal_label(row.answer)] += times[row.id] if times else 1
    # Equal counts in alphabetical order, so that the order of the rows does not show.
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(LabelCount(label=label, num_rows=count) for label, count in in_order[:MAX_LABELS_SHOWN]), len(counts)
