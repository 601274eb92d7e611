"""One forward pass, logits only where something is trained."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from tunewright.model.batch import (
    PackedBatch,
    PaddedBatch,
    cut_best_fit,
    cut_by_longest,
    fill_up,
    num_read_tokens,
    num_shared_tokens,
    pack_sequences,
    pad_sequences,
)
from tunewright.model.layout import attention_path, layout_of
from tunewright.model.passes import (
    fast_logits,
    fast_states,
    packed_logits,
    packed_states,
    padded_logits,
    plain_head,
    token_losses,
)
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Generator, Tensor, device
    from transformers import PreTrainedModel


def compute_precision(precision: Precision, device: "device") -> AbstractContextManager[object]:
    """Matrix products in `precision` while open; weights keep their own."""
    import torch

    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def backward_pass(network: "PreTrainedModel", batch: PackedBatch | PaddedBatch, loss: "Tensor") -> None:
    """Add the gradients of a batch's loss to the trained weights.

    With gradient checkpointing the network's own code computes layers again in here, which have to attend within the
    same documents.
    """
    import torch

    from tunewright.model.attention import attention_within_documents

    with attention_within_documents(network) if isinstance(batch, PackedBatch) else nullcontext():
        torch.autograd.backward(loss)


def make_batches(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], max_tokens: int, pad_token_id: int
) -> Iterator[tuple[list[int], PackedBatch | PaddedBatch]]:
    """Cut sequences into batches of at most `max_tokens` tokens each, packed if the network allows it.

    The network's weights must not change until the last batch has been computed.

    Returns:
        The indices of the sequences of each batch, in its order, and the batch. They depend on network and sequences
        alone. Padding counts as tokens; a sequence longer than `max_tokens` is a batch of its own.
    """
    from tunewright.model.projection import forget_copies

    forget_copies()
    lengths = [len(sequence.token_ids) for sequence in sequences]
    path = attention_path(network, max(lengths, default=0))[0]
    if path in ("padded", "alone"):
        groups = cut_by_longest(lengths, max_tokens) if path == "padded" else ([row] for row in range(len(lengths)))
        for group in groups:
            yield group, pad_sequences([sequences[index] for index in group], pad_token_id, network.device)
        return
    # A prompt that all share is in every batch, once.
    num_shared = num_shared_tokens(sequences)
    lengths = [num_read_tokens(sequence) - num_shared for sequence in sequences]
    for group in cut_best_fit(lengths, max_tokens - num_shared):
        chosen = [sequences[index] for index in group]
        yield group, pack_sequences(chosen, network.device)


def make_scoring_batches(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], max_tokens: int, pad_token_id: int
) -> Iterator[tuple[list[int], PackedBatch | PaddedBatch]]:
    """As `make_batches`, for passes without gradients: sequences that begin alike share more, where it is worth it."""
    from tunewright.model.branches import branched_batches, groups_that_save
    from tunewright.model.projection import forget_copies

    longest = max((len(sequence.token_ids) for sequence in sequences), default=0)
    is_fast = attention_path(network, longest)[0] == "fast"
    groups = groups_that_save(sequences) if is_fast and not num_shared_tokens(sequences) else None
    if groups is None:
        yield from make_batches(network, sequences, max_tokens, pad_token_id)
        return
    forget_copies()
    yield from branched_batches(sequences, groups, max_tokens, network.device)


def trained_loss(
    network: "PreTrainedModel", batch: PackedBatch | PaddedBatch, generator: "Generator | None" = None
) -> "Tensor":
    """Sum over the trained tokens of loss weight x cross-entropy in nats, for the backward pass.

    Args:
        generator: what our own layers' dropout draws from; torch's own if None. The network's own code knows no other.
    """
    from tunewright.model.head import head_loss

    head = plain_head(network)
    if isinstance(batch, PackedBatch) and head is not None and layout_of(network).has_plain_head:
        batch = fill_up(batch) if _fills_rows(network) else batch
        states_ND = _last_states(network, batch, generator)
        return head_loss(head, states_ND, batch.targets_N, batch.loss_weights_N)
    losses_N, weights_N, _ = trained_token_losses(network, batch)
    return (losses_N * weights_N).sum()


WIDEST_FILLED = 384
"""Columns. 16 fillers, the mean, cost a base of 320 a quarter of what compiling for a new number of tokens costs, and
one of 576 with 30 layers more than that."""


def _fills_rows(network: "PreTrainedModel") -> bool:
    is_narrow = network.config.get_text_config().hidden_size <= WIDEST_FILLED
    return is_narrow and network.device.type == "cpu" and layout_of(network).slow_reason is None


def trained_token_losses(
    network: "PreTrainedModel", batch: PackedBatch | PaddedBatch
) -> tuple["Tensor", "Tensor", "Tensor"]:
    """Cross-entropy of every token whose loss weight is positive.

    The head runs only at positions where some row of the batch is trained: with a large vocabulary and a long prompt
    the logits would otherwise be most of the memory.

    Args:
        network: a causal language model of transformers, with or without a PEFT adapter.
        batch: N of its tokens have a positive weight; token 0 of a row cannot be predicted and has weight 0.
    Returns:
        losses_N in nats (at least float32), their weights_N, and the row_N of the batch that each belongs to.
    """
    import torch

    from tunewright.model.head import head_losses

    head = plain_head(network)
    if (
        isinstance(batch, PackedBatch)
        and head is not None
        and not torch.is_grad_enabled()
        and layout_of(network).has_plain_head
    ):
        losses_N = head_losses(head, _last_states(network, batch), batch.targets_N)
        return losses_N, batch.loss_weights_N, batch.row_N
    logits_NV, targets_N, weights_N, row_N = trained_logits(network, batch)
    return token_losses(logits_NV, targets_N), weights_N, row_N


def trained_logits(
    network: "PreTrainedModel", batch: PackedBatch | PaddedBatch
) -> tuple["Tensor", "Tensor", "Tensor", "Tensor"]:
    """What `trained_token_losses` compares: logits_NV, targets_N, weights_N and row_N, row by row of the batch."""
    import torch

    if not isinstance(batch, PackedBatch):
        return padded_logits(network, batch)
    head = plain_head(network)
    if head is None or not layout_of(network).has_plain_head:
        logits_NV = packed_logits(network, batch)
    elif torch.is_grad_enabled():
        logits_NV = head(_last_states(network, batch))
    elif layout_of(network).slow_reason is None:
        logits_NV = fast_logits(network, batch, head)
    else:
        logits_NV = packed_logits(network, batch)
    return logits_NV, batch.targets_N, batch.loss_weights_N, batch.row_N


def _last_states(network: "PreTrainedModel", batch: PackedBatch, generator: "Generator | None" = None) -> "Tensor":
    """[N, D]: last hidden states where the targets are predicted, of a network whose head is plain."""
    if layout_of(network).slow_reason is None:
        return fast_states(network, batch, generator)
    return packed_states(network, batch)
