"""Loss of one optimizer step: summed over micro-batches, divided once.

Averaging each micro-batch and then the averages would weigh short answers more than long ones, and the result would
depend on how the step was cut.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewright.model.batch import cut_by_tokens, pad_sequences
from tunewright.model.forward import compute_precision, trained_token_losses
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def accumulate_gradients(
    network: "PreTrainedModel",
    sequences: Sequence[TokenSequence],
    *,
    tokens_per_micro_batch: int,
    pad_token_id: int,
    precision: Precision,
) -> float:
    """Add the gradient of the step's mean token loss to the trained weights.

    Args:
        network: in training mode; its gradients must be empty.
        sequences: all rows of the step; cut into micro-batches here.
        tokens_per_micro_batch: most tokens, padding included, computed at once.
    Returns:
        Weighted mean loss in nats per trained token over all sequences; may be infinite or NaN.
    """
    import torch

    total_weight = sum(sum(sequence.loss_weights) for sequence in sequences)
    total_loss = 0.0
    for group in cut_by_tokens([len(sequence.token_ids) for sequence in sequences], tokens_per_micro_batch):
        batch = pad_sequences([sequences[index] for index in group], pad_token_id, network.device)
        with compute_precision(precision, network.device):
            losses_N, weights_N, _ = trained_token_losses(network, batch)
            loss = (losses_N * weights_N).sum() / total_weight
        torch.autograd.backward(loss)
        total_loss += loss.item()
    return total_loss
