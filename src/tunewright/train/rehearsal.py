"""Rehearsal: a few general rows among the user's own in every step, so that what they hold is not forgotten.

Source: Robins 1995, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.render import TokenSequence
from tunewright.train.stream import TokenStream, epoch_order


@dataclass(frozen=True, slots=True)
class RehearsalStream:
    """The rows of a stream, with general rows behind them so that these are `fraction` of all rows.

    The user's rows of each step stay what they are without rehearsal, and so does the number of steps. Where a step
    has room for less than one general row, every few steps get one.
    """

    own: TokenStream
    general: Sequence[TokenSequence]
    fraction: float
    """Above 0 and below 1."""

    def rows(self, step: int) -> list[TokenSequence]:
        """Sequences of optimizer step `step` (from 0)."""
        places = range(self._num_general(step), self._num_general(step + 1))
        return self.own.rows(step) + [self._general(place) for place in places]

    def _num_general(self, step: int) -> int:
        """General rows in all steps before this one."""
        return int(step * self.own.rows_per_step * self.fraction / (1 - self.fraction))

    def _general(self, place: int) -> TokenSequence:
        round_number, position = divmod(place, len(self.general))
        return self.general[epoch_order(len(self.general), self.own.seed, round_number)[position]]
