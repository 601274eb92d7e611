"""A histogram of lengths that one giant row does not flatten."""

from collections.abc import Sequence
from statistics import median
from typing import Literal

from tunewright.records import LengthHistogram

NUM_BINS = 30


def length_histogram(
    part: Literal["input", "answer", "text"], lengths: Sequence[int], unit: Literal["words", "tokens"]
) -> LengthHistogram:
    """Count lengths, at least one, in bins that span the shortest 99 % of them."""
    in_order = sorted(lengths)
    low, high = in_order[0], in_order[int(0.99 * (len(in_order) - 1))]
    num_bins = min(NUM_BINS, high - low + 1)
    width = (high - low + 1) / num_bins
    counts = [0] * num_bins
    for length in lengths:
        counts[min(int((length - low) / width), num_bins - 1)] += 1
    return LengthHistogram(
        part=part,
        unit=unit,
        median=median(in_order),
        longest=in_order[-1],
        bin_edges=tuple(low + width * index for index in range(num_bins + 1)),
        counts=tuple(counts),
    )
