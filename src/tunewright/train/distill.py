"""Distillation: a student learns the teacher's distribution over every answer token, besides the answer itself.

The loss of a token is (1 - w) x cross-entropy with the token + w x cross-entropy with the teacher's distribution, which
differs from the divergence KL(teacher || student) by the teacher's entropy, a constant. Kept of a distribution are its
KEPT likeliest tokens, made to add up to one.

Sources: Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network"; Askell et al. 2021, "A General
Language Assistant as a Laboratory for Alignment", section 4.1, for a teacher that differs by its prompt alone.

Axes: N trained tokens, K kept tokens of a distribution, V words of the vocabulary.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.model.forward import backward_pass, compute_precision, make_batches, trained_logits
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

KEPT = 16
"""Tokens kept of each distribution. 6 bytes each: 20,000 answers of 100 tokens take 190 MB."""
TOKENS_PER_BATCH = 4096


@dataclass(frozen=True, slots=True)
class SoftTargets:
    """What the teacher expects at each trained token of one sequence, in their order."""

    token_ids_NK: "Tensor"
    probabilities_NK: "Tensor"
    """Add up to one over K."""


def soft_targets(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], pad_token_id: int, precision: Precision
) -> list[SoftTargets]:
    """Read the teacher's distributions at the trained tokens of each sequence, in order."""
    import torch

    found: dict[int, SoftTargets] = {}
    was_training = network.training
    network.eval()
    for group, batch in make_batches(network, sequences, TOKENS_PER_BATCH, pad_token_id):
        with torch.inference_mode(), compute_precision(precision, network.device):
            logits_NV, _, _, row_N = trained_logits(network, batch)
            kept = logits_NV.float().softmax(-1).topk(min(KEPT, logits_NV.shape[-1]), dim=-1)
            probabilities_NK = kept.values / kept.values.sum(-1, keepdim=True)
        for place, index in enumerate(group):
            own_N = row_N == place
            # Small types: there may be as many as there are answer tokens in the data.
            found[index] = SoftTargets(kept.indices[own_N].int().cpu(), probabilities_NK[own_N].half().cpu())
    network.train(was_training)
    return [found[index] for index in range(len(sequences))]


@dataclass(frozen=True, slots=True)
class Distillation:
    """Takes the place of train.loss.accumulate_gradients."""

    targets: Mapping[tuple[int, ...], SoftTargets]
    """By token ids of the student's sequence. One without targets is trained on its answer alone."""
    weight: float
    """w, from 0 to 1."""

    def __call__(
        self,
        network: "PreTrainedModel",
        sequences: Sequence[TokenSequence],
        *,
        tokens_per_micro_batch: int,
        pad_token_id: int,
        precision: Precision,
    ) -> float:
        """Add the gradient of the step's mean token loss to the trained weights; see accumulate_gradients."""
        total_weight = sum(sum(sequence.loss_weights) for sequence in sequences)
        total_loss = 0.0
        for group, batch in make_batches(network, sequences, tokens_per_micro_batch, pad_token_id):
            with compute_precision(precision, network.device):
                logits_NV, targets_N, weights_N, row_N = trained_logits(network, batch)
            losses_N = self._token_losses(
                logits_NV.float(), targets_N, row_N, [sequences[index].token_ids for index in group]
            )
            loss = (losses_N * weights_N).sum() / total_weight
            backward_pass(network, batch, loss)
            total_loss += loss.item()
        return total_loss

    def _token_losses(
        self, logits_NV: "Tensor", targets_N: "Tensor", row_N: "Tensor", token_ids: Sequence[tuple[int, ...]]
    ) -> "Tensor":
        log_probabilities_NV = logits_NV.log_softmax(-1)
        losses_N = -log_probabilities_NV.gather(-1, targets_N[:, None])[:, 0]
        mixed_N = losses_N
        for place, ids in enumerate(token_ids):
            soft = self.targets.get(ids)
            if soft is None:
                continue
            own_N = (row_N == place).nonzero()[:, 0]
            wanted_NK = soft.token_ids_NK.to(logits_NV.device).long()
            shares_NK = soft.probabilities_NK.to(logits_NV.device).float()
            soft_N = -(shares_NK * log_probabilities_NV[own_N].gather(-1, wanted_NK)).sum(-1)
            mixed_N = mixed_N.index_add(0, own_N, self.weight * (soft_N - losses_N[own_N]))
        return mixed_N
