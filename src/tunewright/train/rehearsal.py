"""Rehearsal: a few general rows among the user's own in every step, so that what they hold is not forgotten.

On a general row the model is held to what the base expects at each token, its whole distribution, and not to the
row's own text: the base's right answers stay, and nothing new is learned from rows that come again and again.

Sources: Robins 1995, "Catastrophic Forgetting, Rehearsal and Pseudorehearsal"; Li and Hoiem 2016, "Learning without
Forgetting", for the base as the teacher.

Axes: N trained tokens, V words of the vocabulary.
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.model.adapter import without_update
from tunewright.model.forward import backward_pass, compute_precision, make_batches, trained_logits
from tunewright.records import Precision
from tunewright.render import TokenSequence
from tunewright.train.stream import TokenStream, epoch_order
from tunewright.train.trainable import Accumulate

if TYPE_CHECKING:
    from transformers import PreTrainedModel


ROWS_AT_ONCE = 8
"""On two cores a step of 8 tickets took 0.16 s, one or two general rows in every step 0.13 s more, and eight of them in
every sixth step 0.04 s more (11.5M parameters, docs/lab-notebook.md, 2026-11-26)."""


@dataclass(frozen=True, slots=True)
class RehearsalStream:
    """The rows of a stream, with general rows behind them so that these are `fraction` of all rows.

    The user's rows of each step stay what they are without rehearsal, and so does the number of steps. General rows
    come several at once, in every few steps: one of them alone takes nearly as long. A run too short for several has
    them one by one, and one in its last step at the latest.
    """

    own: TokenStream
    general: Sequence[TokenSequence]
    fraction: float
    """Above 0 and below 1."""
    num_steps: int
    """Of the whole run."""

    def rows(self, step: int) -> list[TokenSequence]:
        """Sequences of optimizer step `step` (from 0)."""
        places = range(self._num_general(step), self._num_general(step + 1))
        return self.own.rows(step) + [self._general(place) for place in places]

    def _num_general(self, step: int) -> int:
        """General rows in all steps before this one."""
        due = self._num_due(step)
        if self._num_due(self.num_steps) >= ROWS_AT_ONCE:
            return due - due % ROWS_AT_ONCE
        return max(due, int(step >= self.num_steps))

    def _num_due(self, step: int) -> int:
        return int(self.own.num_rows_before(step) * self.fraction / (1 - self.fraction))

    def _general(self, place: int) -> TokenSequence:
        round_number, position = divmod(place, len(self.general))
        return self.general[epoch_order(len(self.general), self.own.seed, round_number)[position]]


@dataclass(frozen=True, slots=True)
class RehearsalLoss:
    """Takes the place of train.loss.accumulate_gradients: mean token loss of the user's rows + that of general rows.

    The loss of a token of a general row is the cross-entropy with the base's distribution, which differs from the
    divergence KL(base || model) by the base's entropy, a constant. Each of the two means counts the same, however many
    tokens are behind it: a text has more of them than an answer.
    """

    own: Accumulate
    """Adds the gradient of the user's rows."""
    general_ids: Set[str]
    """Which rows are general ones."""
    base: "PreTrainedModel | None" = None
    """The base, where the network has no adapter to leave out."""

    def __call__(
        self,
        network: "PreTrainedModel",
        sequences: Sequence[TokenSequence],
        *,
        tokens_per_micro_batch: int,
        pad_token_id: int,
        precision: Precision,
    ) -> float:
        """Add the gradient of a step; see accumulate_gradients.

        Returns:
            The mean token loss of the user's rows: what training on them alone would return.
        """
        from tunewright.model.head import taught_loss

        own, general = own_and_general(sequences, self.general_ids)
        loss = 0.0
        if own:  # the longest rows, which are tried before training, may all be general ones
            loss = self.own(
                network,
                own,
                tokens_per_micro_batch=tokens_per_micro_batch,
                pad_token_id=pad_token_id,
                precision=precision,
            )
        num_tokens = sum(row.num_trained_tokens for row in general)
        for _, batch in make_batches(network, general, tokens_per_micro_batch, pad_token_id) if general else ():
            with compute_precision(precision, network.device):
                with as_base(network, self.base) as base:
                    teacher_NV = trained_logits(base, batch)[0]
                logits_NV = trained_logits(network, batch)[0]
            backward_pass(network, batch, taught_loss(logits_NV, teacher_NV, num_tokens))
        return loss


def own_and_general(
    rows: Sequence[TokenSequence], general_ids: Set[str]
) -> tuple[list[TokenSequence], list[TokenSequence]]:
    """The user's rows of a step, and its general ones."""
    own = [row for row in rows if row.example_id not in general_ids]
    return own, [row for row in rows if row.example_id in general_ids]


@contextmanager
def as_base(network: "PreTrainedModel", base: "PreTrainedModel | None" = None) -> Iterator["PreTrainedModel"]:
    """While open, there is what the base expects: no update, no dropout, no gradient.

    Args:
        base: where the network has no adapter to leave out.
    """
    import torch

    was_training = network.training
    try:
        with without_update(network) as plain, torch.no_grad():
            teacher = base or plain
            teacher.eval()
            yield teacher
    finally:
        # Where memory runs out, the step is computed again: with dropout, as before.
        network.train(was_training)
