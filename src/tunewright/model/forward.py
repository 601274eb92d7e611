"""One forward pass, logits only where something is trained."""

import inspect
import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from tunewright.errors import ModelError
from tunewright.model.batch import (
    PackedBatch,
    PaddedBatch,
    cut_by_longest,
    cut_in_order,
    pack_sequences,
    pad_sequences,
)
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor, device
    from torch.nn import Linear, Module
    from transformers import PreTrainedModel

AttentionPath = Literal["packed", "padded"]


def compute_precision(precision: Precision, device: "device") -> AbstractContextManager[object]:
    """Matrix products in `precision` while open; weights keep their own."""
    import torch

    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def make_batches(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], max_tokens: int, pad_token_id: int
) -> Iterator[tuple[list[int], PackedBatch | PaddedBatch]]:
    """Cut sequences into batches of at most `max_tokens` tokens each, packed if the network allows it.

    Returns:
        The indices of the sequences of each batch, in its order, and the batch. They depend on network and lengths
        alone. Padding counts as tokens; a sequence longer than `max_tokens` is a batch of its own.
    """
    lengths = [len(sequence.token_ids) for sequence in sequences]
    if attention_path(network, max(lengths, default=0))[0] == "packed":
        for group in cut_in_order(lengths, max_tokens):
            yield group, pack_sequences([sequences[index] for index in group], network.device)
    else:
        for group in cut_by_longest(lengths, max_tokens):
            yield group, pad_sequences([sequences[index] for index in group], pad_token_id, network.device)


def trained_loss(network: "PreTrainedModel", batch: PackedBatch | PaddedBatch) -> "Tensor":
    """Sum over the trained tokens of loss weight x cross-entropy in nats, for the backward pass."""
    head = _plain_head(network)
    if isinstance(batch, PackedBatch) and head is not None and _layout(network).has_plain_head:
        return _loss_by_head(network, batch, head)
    losses_N, weights_N, _ = trained_token_losses(network, batch)
    return (losses_N * weights_N).sum()


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
    from torch.nn import functional

    if isinstance(batch, PackedBatch):
        logits_NV = _packed_logits(network, batch)
        targets_N, weights_N, row_N = batch.targets_N, batch.loss_weights_N, batch.row_N
    else:
        logits_NV, targets_N, weights_N, row_N = _padded_logits(network, batch)
    logits_NV = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
    return functional.cross_entropy(logits_NV, targets_N, reduction="none"), weights_N, row_N


def _plain_head(network: "PreTrainedModel") -> "Linear | None":
    from torch.nn import Linear

    head = _without_adapter(network).get_output_embeddings()
    return head if type(head) is Linear else None  # PEFT's are not


def _loss_by_head(network: "PreTrainedModel", batch: PackedBatch, head: "Linear") -> "Tensor":
    from tunewright.model.attention import attention_within_documents
    from tunewright.model.head import head_loss

    with attention_within_documents(network):
        hidden_TD = _without_adapter(network).base_model(**_packed_inputs(batch)).last_hidden_state[0]
    return head_loss(head, hidden_TD[batch.positions_N], batch.targets_N, batch.loss_weights_N)


def _packed_logits(network: "PreTrainedModel", batch: PackedBatch) -> "Tensor":
    from tunewright.model.attention import attention_within_documents

    with attention_within_documents(network):
        if can_keep_logits(network):
            logits_NV: Tensor = network(**_packed_inputs(batch), logits_to_keep=batch.positions_N).logits[0]
        else:
            logits_NV = network(**_packed_inputs(batch)).logits[0, batch.positions_N]
    return logits_NV


def _packed_inputs(batch: PackedBatch) -> dict[str, object]:
    return {
        "input_ids": batch.token_ids_T[None],
        "position_ids": batch.position_ids_T[None],
        "document_offsets": batch.document_offsets,
        "use_cache": False,
    }


def _padded_logits(network: "PreTrainedModel", batch: PaddedBatch) -> tuple["Tensor", "Tensor", "Tensor", "Tensor"]:
    import torch

    trained_BS = batch.loss_weights_BT[:, 1:] > 0
    positions_K = trained_BS.any(dim=0).nonzero()[:, 0]
    inputs = {"input_ids": batch.token_ids_BT, "attention_mask": batch.attention_mask_BT, "use_cache": False}
    if can_keep_logits(network):
        logits_BKV = network(**inputs, logits_to_keep=positions_K).logits
    else:
        logits_BKV = network(**inputs).logits[:, positions_K]
    trained_BK = trained_BS[:, positions_K]
    targets_N = batch.token_ids_BT[:, 1:][:, positions_K][trained_BK]
    weights_N = batch.loss_weights_BT[:, 1:][:, positions_K][trained_BK]
    row_N = torch.arange(len(trained_BK), device=targets_N.device)[:, None].expand_as(trained_BK)[trained_BK]
    return logits_BKV[trained_BK], targets_N, weights_N, row_N


def can_keep_logits(network: "PreTrainedModel") -> bool:
    """Whether the network's forward takes `logits_to_keep`, as most architectures of transformers do."""
    return "logits_to_keep" in inspect.signature(_without_adapter(network).forward).parameters


def attention_path(network: "PreTrainedModel", longest: int = 0) -> tuple[AttentionPath, str]:
    """How sequences are laid out for this network, and why.

    "packed" wastes no work on padding. It is taken where every layer of attention can be told where documents end: two
    short documents are tried, and their losses must be those of a padded batch. That runs once per network.

    Args:
        longest: tokens of the longest sequence. Packing does not know attention windows, so none may be shorter.
    """
    layout = _layout(network)
    if layout.refusal is not None:
        return "padded", layout.refusal
    config = network.config.get_text_config()
    for setting in ("sliding_window", "attention_chunk_size"):
        window = getattr(config, setting, None)
        if window is not None and window < longest:
            return "padded", f"sequences of up to {longest:,} tokens are longer than the {setting} of {window:,}"
    return "packed", "attention runs within each document, without padding; equal to the padded batch on a test"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What trying a network has shown."""

    refusal: str | None
    """Why it cannot be packed; None if it can."""
    has_plain_head: bool = False
    """Its logits are one linear map of the last hidden states: not scaled, capped or adapted."""


_layouts: "WeakKeyDictionary[Module, _Layout]" = WeakKeyDictionary()


def _layout(network: "PreTrainedModel") -> _Layout:
    base = _without_adapter(network)
    if base not in _layouts:
        _layouts[base] = _try_packing(network)
    return _layouts[base]


PROBE_LENGTHS = (11, 6)
"""Tokens of the two documents that packing is tried with."""

PROBE_TOLERANCE = 1e-4
"""Nats per token. Float32 differs by 1e-6; a document that saw the other one would differ by far more."""


def _try_packing(network: "PreTrainedModel") -> _Layout:
    import torch

    name = type(_without_adapter(network)).__name__
    if not getattr(network, "_supports_attention_backend", False):
        return _Layout(f"{name} has attention of its own, which cannot be told where documents end")
    vocabulary_size = network.config.get_text_config().vocab_size
    probes = []
    for row, length in enumerate(PROBE_LENGTHS):
        token_ids = tuple((7 * token + 3 * row + 1) % vocabulary_size for token in range(length))
        probes.append(TokenSequence("probe", token_ids, (0.0, *[1.0] * (length - 1)), None))
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), torch.autocast(network.device.type, enabled=False):
            expected_N, _, _ = trained_token_losses(network, pad_sequences(probes, 0, network.device))
            packed = pack_sequences(probes, network.device)
            difference = (trained_token_losses(network, packed)[0] - expected_N).abs().max().item()
            if not difference <= PROBE_TOLERANCE:
                return _Layout(f"{name} gives other losses when packed, by {difference:.1g} nats")
            head = _plain_head(network)
            off = math.inf if head is None else (_loss_by_head(network, packed, head) - expected_N.sum()).abs().item()
            return _Layout(None, has_plain_head=off <= PROBE_TOLERANCE * len(expected_N))
    except (ModelError, TypeError, ValueError, RuntimeError) as error:
        return _Layout(f"{name} cannot be told where documents end: {str(error).partition(chr(10))[0]}")
    finally:
        network.train(was_training)


def _without_adapter(network: "PreTrainedModel") -> "PreTrainedModel":
    # PEFT's wrapper takes **kwargs; what counts is the base.
    return network.get_base_model() if hasattr(network, "get_base_model") else network
