"""One forward pass, logits only where something is trained."""

import inspect
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from tunewright.model.batch import TokenBatch
from tunewright.records import Precision

if TYPE_CHECKING:
    from torch import Tensor, device
    from transformers import PreTrainedModel


def compute_precision(precision: Precision, device: "device") -> AbstractContextManager[object]:
    """Matrix products in `precision` while open; weights keep their own."""
    import torch

    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def trained_token_losses(network: "PreTrainedModel", batch: TokenBatch) -> tuple["Tensor", "Tensor", "Tensor"]:
    """Cross-entropy of every token whose loss weight is positive.

    The head runs only at positions where some row of the batch is trained: with a large vocabulary and a long prompt
    the logits would otherwise be most of the memory.

    Args:
        network: a causal language model of transformers, with or without a PEFT adapter.
        batch: N of its tokens have a positive weight; token 0 of a row cannot be predicted and has weight 0.
    Returns:
        losses_N in nats (float32), their weights_N, and the row_N of the batch that each belongs to.
    """
    import torch
    from torch.nn import functional

    trained_BS = batch.loss_weights_BT[:, 1:] > 0
    positions_K = trained_BS.any(dim=0).nonzero()[:, 0]
    inputs = {"input_ids": batch.token_ids_BT, "attention_mask": batch.attention_mask_BT, "use_cache": False}
    if can_keep_logits(network):
        logits_BKV = network(**inputs, logits_to_keep=positions_K).logits
    else:
        logits_BKV = network(**inputs).logits[:, positions_K]
    trained_BK = trained_BS[:, positions_K]
    targets_N = batch.token_ids_BT[:, 1:][:, positions_K][trained_BK]
    losses_N = functional.cross_entropy(logits_BKV[trained_BK].float(), targets_N, reduction="none")
    weights_N = batch.loss_weights_BT[:, 1:][:, positions_K][trained_BK]
    row_N = torch.arange(len(trained_BK), device=targets_N.device)[:, None].expand_as(trained_BK)[trained_BK]
    return losses_N, weights_N, row_N


def can_keep_logits(network: "PreTrainedModel") -> bool:
    """Whether the network's forward takes `logits_to_keep`, as most architectures of transformers do."""
    # PEFT's wrapper takes **kwargs; the signature that counts is the base's.
    base = network.get_base_model() if hasattr(network, "get_base_model") else network
    return "logits_to_keep" in inspect.signature(base.forward).parameters
