"""TokenStream: which rows each optimizer step sees, as a pure function of the step number.

Nothing has to be saved or replayed to resume: step 17 of seed 0 is the same rows in the same order, always.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from tunewright.render import TokenSequence


class StepRows(Protocol):
    """Gives the rows of any step, the same ones whenever it is asked."""

    def rows(self, step: int) -> list[TokenSequence]:
        """Sequences of optimizer step `step` (from 0)."""


@dataclass(frozen=True, slots=True)
class TokenStream:
    """Training sequences in a new seeded order each epoch, `rows_per_step` at a time.

    An epoch's last step takes what is left, so every row is seen once per epoch.
    """

    sequences: Sequence[TokenSequence]
    rows_per_step: int
    seed: int

    @property
    def steps_per_epoch(self) -> int:
        """Optimizer steps in which every sequence is seen once; the last may have fewer rows."""
        return -(-len(self.sequences) // self.rows_per_step)

    def rows(self, step: int) -> list[TokenSequence]:
        """Sequences of optimizer step `step` (from 0)."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = epoch_order(len(self.sequences), self.seed, epoch)
        start = position * self.rows_per_step
        return [self.sequences[index] for index in order[start : start + self.rows_per_step]]

    def num_rows_before(self, step: int) -> int:
        """Rows in all steps before this one."""
        epoch, position = divmod(step, self.steps_per_epoch)
        # Only an epoch's last step has fewer rows, and it is before none of its epoch.
        return epoch * len(self.sequences) + position * self.rows_per_step


@lru_cache(maxsize=2)
def epoch_order(num_rows: int, seed: int, epoch: int) -> list[int]:
    """Positions of the rows in the order of one epoch. Not to be changed: it is kept."""
    order = list(range(num_rows))
    # Python promises the same shuffle for the same string seed in every version and on every machine.
    random.Random(f"tunewright order {seed} {epoch}").shuffle(order)  # noqa: S311  (order, not secrecy)
    return order
