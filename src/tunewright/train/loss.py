"""Loss of one optimizer step: summed over micro-batches, divided once.

Averaging each micro-batch and then the averages would weigh short answers more than long ones, and the result would
depend on how the step was cut.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewright.model.forward import backward_pass, compute_precision, make_batches, trained_loss
from tunewright.records import Precision
from tunewright.render import TokenSequence
from tunewright.train.side_by_side import accumulate_side_by_side, divide_step

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
        tokens_per_micro_batch: most tokens, padding included, computed at once, by all threads together.
    Returns:
        Weighted mean loss in nats per trained token over all sequences; may be infinite or NaN.
    """
    import torch

    total_weight = sum(sum(sequence.loss_weights) for sequence in sequences)
    parts = divide_step(network, sequences, tokens_per_micro_batch)
    if len(parts) > 1:
        return accumulate_side_by_side(
            network,
            parts,
            total_weight,
            tokens_per_micro_batch=tokens_per_micro_batch,
            pad_token_id=pad_token_id,
            precision=precision,
        )
    # Read once at the end: reading makes the CPU wait for a GPU, and the next micro-batch could be laid out meanwhile.
    total_loss = torch.zeros((), device=network.device, dtype=torch.float64)
    for _, batch in make_batches(network, sequences, tokens_per_micro_batch, pad_token_id):
        with compute_precision(precision, network.device):
            loss = trained_loss(network, batch) / total_weight
        backward_pass(network, batch, loss)
        total_loss += loss.detach()
    return total_loss.item()
