"""The text of a row that is compared: what users write, and nothing that the recipe adds."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

from tunewright.data.checks.check import CheckedRow

T = TypeVar("T")


def asked(row: CheckedRow) -> str:
    """The messages before the last trained answer, without the system message; of a plain text, the text.

    A system message is left out because production logs lack it: every row would look unlike every input there.
    """
    return row.asked


def sample(items: Sequence[T], size: int, seed: int) -> list[T]:
    """At most `size` of the items, chosen at random, in their order. The same items always give the same sample."""
    if len(items) <= size:
        return list(items)
    chosen = np.random.default_rng(seed).choice(len(items), size, replace=False)
    return [items[position] for position in sorted(chosen.tolist())]
