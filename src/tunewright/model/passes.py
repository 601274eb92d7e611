"""What one network computes of one batch: by its own code, or by our layers; see forward.py for which of them."""

import inspect
from typing import TYPE_CHECKING

from tunewright.model.batch import PackedBatch, PaddedBatch

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from torch.nn import Linear
    from transformers import PreTrainedModel


def packed_states(network: "PreTrainedModel", batch: PackedBatch) -> "Tensor":
    """[N, D]: last hidden states where the targets are predicted, by the network's own code."""
    from tunewright.model.attention import attention_within_documents

    with attention_within_documents(network):
        hidden_TD: Tensor = without_adapter(network).base_model(**_packed_inputs(batch)).last_hidden_state[0]
    return hidden_TD[batch.positions_N]


def packed_logits(network: "PreTrainedModel", batch: PackedBatch) -> "Tensor":
    """[N, V], by the network's own code."""
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
        "num_shared_tokens": batch.num_shared_tokens,
        "use_cache": False,
    }


def fast_states(network: "PreTrainedModel", batch: PackedBatch, generator: "Generator | None" = None) -> "Tensor":
    """[N, D], by our own layers."""
    from tunewright.model.decoder import last_states

    return last_states(without_adapter(network), batch, generator)


def fast_logits(network: "PreTrainedModel", batch: PackedBatch, head: "Linear") -> "Tensor":
    """[N, V], by our own layers; without a gradient for the head."""
    from tunewright.model.head import head_logits

    return head_logits(head, fast_states(network, batch))


def padded_logits(network: "PreTrainedModel", batch: PaddedBatch) -> tuple["Tensor", "Tensor", "Tensor", "Tensor"]:
    """Of the trained tokens, row by row of the batch: logits_NV, targets_N, weights_N and row_N."""
    import torch

    trained_BS = batch.loss_weights_BT[:, 1:] > 0
    positions_K = trained_BS.any(dim=0).nonzero()[:, 0]
    inputs = {"input_ids": batch.token_ids_BT, "use_cache": False}
    if batch.attention_mask_BT is not None:
        inputs["attention_mask"] = batch.attention_mask_BT
    if can_keep_logits(network):
        logits_BKV = network(**inputs, logits_to_keep=positions_K).logits
    else:
        logits_BKV = network(**inputs).logits[:, positions_K]
    trained_BK = trained_BS[:, positions_K]
    targets_N = batch.token_ids_BT[:, 1:][:, positions_K][trained_BK]
    weights_N = batch.loss_weights_BT[:, 1:][:, positions_K][trained_BK]
    row_N = torch.arange(len(trained_BK), device=targets_N.device)[:, None].expand_as(trained_BK)[trained_BK]
    return logits_BKV[trained_BK], targets_N, weights_N, row_N


def token_losses(logits_NV: "Tensor", targets_N: "Tensor") -> "Tensor":
    """Cross-entropy of every token in nats, in float32 or more."""
    import torch
    from torch.nn import functional

    logits_NV = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
    return functional.cross_entropy(logits_NV, targets_N, reduction="none")


def can_keep_logits(network: "PreTrainedModel") -> bool:
    """Whether the network's forward takes `logits_to_keep`, as most architectures of transformers do."""
    return "logits_to_keep" in inspect.signature(without_adapter(network).forward).parameters


def plain_head(network: "PreTrainedModel") -> "Linear | None":
    """The network's head, if it is one linear layer and nothing else."""
    from torch.nn import Linear

    head = without_adapter(network).get_output_embeddings()
    return head if type(head) is Linear else None  # PEFT's are not


def without_adapter(network: "PreTrainedModel") -> "PreTrainedModel":
    """The base below PEFT's wrapper, which takes any arguments; the adapter's layers stay in it."""
    return network.get_base_model() if hasattr(network, "get_base_model") else network
