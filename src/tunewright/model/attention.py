"""Causal attention within each document of a packed row, for stock models of transformers.

Each document is a small dense problem: its scores are plain matrix products in the compute dtype, a block of queries at
a time, and a block sees only the keys up to its end, so about half of the square is never computed. On a CPU this took
a half to a sixth of the time of torch's fused kernel between 32 and 1,024 tokens (forward and backward, bfloat16, one
thread of a Zen 5). The weights are kept for the backward pass and grow with the square of the document; longer
documents, and attention with dropout, go to torch's kernel.

This file needs torch to define its autograd function: import it inside functions.

Axes: T tokens of the row, S tokens of a document, H heads, K heads of keys and values, G = H / K queries per key,
D size of a head. P is the pairs of (token, query of its key head) of a document, S x G.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from tunewright.errors import ModelError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "tunewright_documents"
"""Under which transformers knows `document_attention`. There is no mask function of this name: no mask is built."""

MAX_EXPLICIT_TOKENS = 1024
"""Longest document whose attention weights are kept: about 1.2 MB per layer and head in bfloat16."""

TOKENS_PER_BLOCK = 128
"""Queries computed at once. Fewer skip more of the square and make more calls; 64 to 256 measured alike."""


@contextmanager
def attention_within_documents(network: "PreTrainedModel") -> Iterator[None]:
    """While open, the network attends within the documents that its argument `document_offsets` names.

    Gradient checkpointing computes layers again in the backward pass, which then belongs inside too.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, document_attention)
    before = network.config._attn_implementation
    network.config._attn_implementation = NAME
    try:
        yield
    finally:
        network.config._attn_implementation = before


def document_attention(
    module: torch.nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    document_offsets: Sequence[int],
    scaling: float | None = None,
    dropout: float = 0.0,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention of one layer over a packed row, called by transformers.

    Args:
        query: [1, H, T, D]; key and value: [1, K, T, D].
        document_offsets: where each document starts, then T.
        settings: what models hand to every kind of attention; what would change the result is refused.
    Returns:
        [1, T, H, D], and no attention weights.
    Raises:
        ModelError: the layer asks for more than causal attention within a document.
    """
    longest = _longest(document_offsets)
    is_whole_row = query.shape[0] == 1 and query.shape[2] == key.shape[2] == document_offsets[-1]
    is_causal = getattr(module, "is_causal", True) and settings.get("is_causal") is not False
    _refuse_other_attention(module, settings, longest, attention_mask is None and is_whole_row and is_causal)
    device = query.device.type
    if torch.is_autocast_enabled(device):
        compute = torch.get_autocast_dtype(device)
    else:
        compute = torch.promote_types(query.dtype, value.dtype)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    # Inside, every dtype is chosen; autocast would turn the softmax to float32.
    with torch.autocast(device, enabled=False):
        if dropout == 0.0 and longest <= MAX_EXPLICIT_TOKENS:
            return _explicit_attention(query, key, value, tuple(document_offsets), scale, compute), None
        return _fused_attention(query, key, value, document_offsets, scale, compute, dropout), None


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
    scale: float,
    compute: torch.dtype,
    dropout: float,
) -> Tensor:
    query, key, value = query.to(compute), key.to(compute), value.to(compute)
    is_grouped = query.shape[1] != key.shape[1]
    attended = []
    for start, end in pairwise(document_offsets):
        out = functional.scaled_dot_product_attention(
            query[:, :, start:end],
            key[:, :, start:end],
            value[:, :, start:end],
            dropout_p=dropout,
            is_causal=True,
            scale=scale,
            enable_gqa=is_grouped,
        )
        attended.append(out.transpose(1, 2))
    return torch.cat(attended, dim=1)


class _ExplicitAttention(torch.autograd.Function):
    """softmax(scale * Q K^T) V within each document, with the weights W kept for the backward pass.

    With dO the incoming gradient and dW = dO V^T: dV = W^T dO, dS = W * (dW - rowsum(W * dW)), dQ = scale * dS K and
    dK = scale * dS^T Q.
    """

    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        document_offsets: tuple[int, ...],
        scale: float,
        compute: torch.dtype,
    ) -> Tensor:
        num_keys, group = key.shape[1], query.shape[1] // key.shape[1]
        query_KTGD = query[0].view(num_keys, group, *query.shape[2:]).transpose(1, 2)
        out_TKGD = query.new_empty(query.shape[2], num_keys, group, value.shape[-1], dtype=compute)
        # A multiple of the block, so that few masks are made.
        num_masked = -(-_longest(document_offsets) // TOKENS_PER_BLOCK) * TOKENS_PER_BLOCK
        mask_PS = _causal_mask(num_masked, group, compute, query.device)
        saved = []
        for start, end in pairwise(document_offsets):
            query_KPD = _dense(query_KTGD[:, start:end], compute).flatten(1, 2)
            key_KSD, value_KSD = _dense(key[0, :, start:end], compute), _dense(value[0, :, start:end], compute)
            saved += [query_KPD, key_KSD, value_KSD]
            for first, last in _blocks(end - start):
                pairs = slice(first * group, last * group)
                scores = torch.baddbmm(
                    mask_PS[None, pairs, :last], query_KPD[:, pairs], key_KSD[:, :last].mT, alpha=scale
                )
                weights = torch.softmax(scores, dim=-1)
                out_KPD = torch.bmm(weights, value_KSD[:, :last])
                out_TKGD[start + first : start + last] = _by_token(out_KPD, group)
                saved.append(weights)
        ctx.save_for_backward(*saved)
        ctx.document_offsets, ctx.scale, ctx.group = document_offsets, scale, group
        ctx.dtypes = query.dtype, key.dtype, value.dtype
        return out_TKGD.flatten(1, 2)[None]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        saved, offsets, group = iter(ctx.saved_tensors), ctx.document_offsets, ctx.group
        grad_TKGD = gradients[0][0].view(offsets[-1], -1, group, gradients[0].shape[-1])
        # The gradients of query, key and value, filled document by document in the dtype that each has to have.
        filled: list[Tensor] = []
        for start, end in pairwise(offsets):
            query_KPD, key_KSD, value_KSD = next(saved), next(saved), next(saved)
            weights = [next(saved) for _ in _blocks(end - start)]
            grad_KPD = _dense(grad_TKGD[start:end].transpose(0, 1), query_KPD.dtype).flatten(1, 2)
            of_query_KPD, of_key_KSD, of_value_KSD = _document_gradients(
                query_KPD, key_KSD, value_KSD, grad_KPD, weights, group
            )
            parts = _by_token(of_query_KPD, group), _by_token(of_key_KSD, 1), _by_token(of_value_KSD, 1)
            if not filled:
                filled = [
                    part.new_empty(offsets[-1], *part.shape[1:], dtype=dtype)
                    for part, dtype in zip(parts, ctx.dtypes, strict=True)
                ]
            for whole, part in zip(filled, parts, strict=True):
                whole[start:end] = part
        of_query, of_key, of_value = (whole.flatten(1, 2).transpose(0, 1)[None] for whole in filled)
        return of_query.mul_(ctx.scale), of_key.mul_(ctx.scale), of_value, None, None, None


_explicit_attention: Callable[..., Tensor] = _ExplicitAttention.apply


def _document_gradients(
    query_KPD: Tensor, key_KSD: Tensor, value_KSD: Tensor, grad_KPD: Tensor, weights: list[Tensor], group: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of one document's queries and keys, without the scale, and of its values."""
    of_query_KPD = torch.empty_like(query_KPD)
    of_key_KSD, of_value_KSD = key_KSD, value_KSD
    # The last block reaches every key; the others are added to it.
    for first, last in reversed(list(_blocks(key_KSD.shape[1]))):
        pairs = slice(first * group, last * group)
        weight = weights.pop()
        of_weights = torch.bmm(grad_KPD[:, pairs], value_KSD[:, :last].mT)
        # What torch's own softmax calls: one pass, rounded once.
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weight, -1, weight.dtype)
        of_query_KPD[:, pairs] = torch.bmm(of_scores, key_KSD[:, :last])
        of_key_block, of_value_block = (
            torch.bmm(of_scores.mT, query_KPD[:, pairs]),
            torch.bmm(weight.mT, grad_KPD[:, pairs]),
        )
        if last == key_KSD.shape[1]:
            of_key_KSD, of_value_KSD = of_key_block, of_value_block
        else:
            of_key_KSD[:, :last] += of_key_block
            of_value_KSD[:, :last] += of_value_block
    return of_query_KPD, of_key_KSD, of_value_KSD


def _dense(states: Tensor, dtype: torch.dtype) -> Tensor:
    return states.to(dtype, memory_format=torch.contiguous_format).contiguous()


def _by_token(states_KPD: Tensor, group: int) -> Tensor:
    """The same as [S, K, G, D]."""
    num_keys, num_pairs, size = states_KPD.shape
    return states_KPD.view(num_keys, num_pairs // group, group, size).transpose(0, 1)


def _longest(document_offsets: Sequence[int]) -> int:
    return max(end - start for start, end in pairwise(document_offsets))


def _blocks(num_tokens: int) -> Iterator[tuple[int, int]]:
    for first in range(0, num_tokens, TOKENS_PER_BLOCK):
        yield first, min(first + TOKENS_PER_BLOCK, num_tokens)


@lru_cache(maxsize=16)
def _causal_mask(num_tokens: int, group: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """[num_tokens * group, num_tokens]: 0 where the key is not later than the query, else -infinity."""
    mask = torch.full((num_tokens, num_tokens), float("-inf"), dtype=dtype, device=device)
    return mask.triu(1).repeat_interleave(group, dim=0)
