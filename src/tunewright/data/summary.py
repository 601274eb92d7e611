"""Figures about rows as a whole: how long they are, and which answers repeat as labels do."""

from array import array
from collections import Counter
from collections.abc import Sequence
from statistics import median
from typing import Literal

from tunewright.data.checks.answers import answer_kind, answered, normal_label
from tunewright.data.checks.check import RowSet
from tunewright.records import LabelCount, LengthHistogram

NUM_BINS = 30
MAX_LABELS_SHOWN = 20


def length_histograms(rows: RowSet) -> tuple[LengthHistogram, ...]:
    """Count words (runs without white space) of inputs, answers and plain texts; a part that no row has is left out.

    The bins span the shortest 99 % of the rows, so that one giant row does not flatten the picture.
    """
    inputs, answers, texts = array("I"), array("I"), array("I")
    for row in rows:
        if row.kind == "text":
            texts.append(len(row.answer.split()))
        else:
            inputs.append(len(row.input.split()))
            answers.append(len(row.answer.split()))
    found = [_histogram("input", inputs), _histogram("answer", answers), _histogram("text", texts)]
    return tuple(histogram for histogram in found if histogram is not None)


def _histogram(part: Literal["input", "answer", "text"], lengths: Sequence[int]) -> LengthHistogram | None:
    if not lengths:
        return None
    in_order = sorted(lengths)
    low, high = in_order[0], in_order[int(0.99 * (len(in_order) - 1))]
    num_bins = min(NUM_BINS, high - low + 1)
    width = (high - low + 1) / num_bins
    counts = [0] * num_bins
    for length in lengths:
        counts[min(int((length - low) / width), num_bins - 1)] += 1
    return LengthHistogram(
        part=part,
        median=median(in_order),
        longest=in_order[-1],
        bin_edges=tuple(low + width * index for index in range(num_bins + 1)),
        counts=tuple(counts),
    )


def label_counts(rows: RowSet) -> tuple[tuple[LabelCount, ...], int]:
    """Count labels up to case, the most frequent first.

    Returns:
        At most MAX_LABELS_SHOWN counts, and the number of distinct labels; nothing and 0 where answers are no labels.
    """
    if answer_kind(rows) != "label":
        return (), 0
    counts = Counter(normal_label(row.answer) for row in answered(rows))
    # Equal counts in alphabetical order, so that the order of the rows does not show.
    in_order = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return tuple(LabelCount(label=label, num_rows=count) for label, count in in_order[:MAX_LABELS_SHOWN]), len(counts)
