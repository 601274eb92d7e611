"""How a network's own code attends within the documents of a packed row, through transformers' interface.

Our own products compute it (documents.py), flash attention on CUDA (flash.py), or torch's kernel where attention has
dropout.

This file needs torch: import it inside functions.

Axes: T tokens of the row, S tokens of a document, H heads, K heads of keys and values, L = H + 2K heads of queries,
keys and values side by side, D size of a head.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from tunewright.errors import ModelError
from tunewright.model.documents import attend
from tunewright.model.flash import FLASH_DTYPES, flash_attention, flash_refusal
from tunewright.model.own_attention import compute_dtype, own_attention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "tunewright_documents"
"""Under which transformers knows `document_attention`."""

KERNEL_DEVICE = "cuda"
"""Where flash attention is tried."""


def attention_within_documents(network: "PreTrainedModel") -> AbstractContextManager[None]:
    """While open, the network attends within the documents that its argument `document_offsets` names.

    Gradient checkpointing computes layers again in the backward pass, which then belongs inside too.
    """
    return own_attention(network, NAME, document_attention)


def document_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    document_offsets: Sequence[int],
    num_shared_tokens: int = 0,
    scaling: float | None = None,
    dropout: float = 0.0,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention of one layer over a packed row, called by transformers.

    Args:
        query: [1, H, T, D]; key and value: [1, K, T, D].
        document_offsets: where each document starts, then T.
        num_shared_tokens: the first document is a prompt of so many tokens that every other one attends to; 0 if none.
        settings: what models hand to every kind of attention; what would change the result is refused.
    Returns:
        [1, T, H, D], and no attention weights.
    Raises:
        ModelError: the layer asks for more than causal attention within a document.
    """
    longest = num_shared_tokens + _longest(document_offsets)
    is_whole_row = query.shape[0] == 1 and query.shape[2] == key.shape[2] == document_offsets[-1]
    is_causal = getattr(module, "is_causal", True) and settings.get("is_causal") is not False
    _refuse_other_attention(module, settings, longest, attention_mask is None and is_whole_row and is_causal)
    device, compute = query.device.type, compute_dtype(query, value)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    # Inside, every dtype is chosen; autocast would turn the softmax to float32.
    with torch.autocast(device, enabled=False):
        query, key, value = query.to(compute), key.to(compute), value.to(compute)
        if dropout > 0.0 or key.shape[-1] != value.shape[-1]:
            return _fused_attention(query, key, value, document_offsets, num_shared_tokens, scale, dropout), None
        if _is_flash(query, key):
            query_THD, key_TKD, value_TKD = (states[0].transpose(0, 1) for states in (query, key, value))
            attended_THD = flash_attention(query_THD, key_TKD, value_TKD, document_offsets, num_shared_tokens, scale)
        else:
            states_TLD = torch.cat([query[0], key[0], value[0]]).transpose(0, 1)
            attended_THD = attend(states_TLD, query.shape[1], document_offsets, num_shared_tokens, scale)
    return attended_THD[None], None


def _is_flash(query: Tensor, key: Tensor) -> bool:
    if query.device.type != KERNEL_DEVICE or query.dtype not in FLASH_DTYPES:
        return False
    return flash_refusal(query.device, query.shape[1], key.shape[1], query.shape[-1]) is None


def _refuse_other_attention(module: torch.nn.Module, settings: dict[str, Any], longest: int, is_plain: bool) -> None:
    wants = [f"`{name}`" for name in ("softcap", "s_aux", "position_bias", "cache") if settings.get(name) is not None]
    window = settings.get("sliding_window")
    if window is not None and window < longest:
        wants.append(f"a window of {window} tokens")
    if not is_plain:
        wants.append("a mask of its own")
    if wants:
        raise ModelError(
            f"{type(module).__name__}: found attention with {' and '.join(wants)}, expected causal attention within "
            "documents. Use padded batches."
        )


def _fused_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    document_offsets: Sequence[int],
    num_shared_tokens: int,
    scale: float,
    dropout: float,
) -> Tensor:
    """Torch's kernel, document by document: what dropout of attention weights needs."""
    is_grouped = query.shape[1] != key.shape[1]
    attended = []
    for start, end, num_before in _documents(document_offsets, num_shared_tokens):
        seen = [slice(0, num_before), slice(start, end)] if num_before else [slice(start, end)]
        mask_SS = torch.ones(end - start, num_before + end - start, dtype=torch.bool, device=query.device)
        out = functional.scaled_dot_product_attention(
            query[:, :, start:end],
            torch.cat([key[:, :, part] for part in seen], dim=2),
            torch.cat([value[:, :, part] for part in seen], dim=2),
            attn_mask=mask_SS.tril(num_before) if num_before else None,
            dropout_p=dropout,
            is_causal=not num_before,
            scale=scale,
            enable_gqa=is_grouped,
        )
        attended.append(out.transpose(1, 2))
    return torch.cat(attended, dim=1)


def _longest(document_offsets: Sequence[int]) -> int:
    return max(end - start for start, end in pairwise(document_offsets))


def _documents(document_offsets: Sequence[int], num_shared_tokens: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of shared tokens before it) of each document."""
    for start, end in pairwise(document_offsets):
        yield start, end, num_shared_tokens if start else 0
