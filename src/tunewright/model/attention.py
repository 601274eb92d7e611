"""Causal attention within each document of a packed row, with an optional prompt that all of them share.

Each document is a small dense problem: its scores are plain matrix products in the compute dtype, a block of queries at
a time, and a block sees only the keys up to its end, so about half of the square is never computed. On a CPU this took
a half to a sixth of the time of torch's fused kernel between 32 and 1,024 tokens (forward and backward, bfloat16, one
thread of a Zen 5). The weights of short documents are kept for the backward pass; those of long ones, which grow with
the square, are computed a second time. Attention with dropout goes to torch's kernel. On CUDA, where a launch costs
more than a short document's products, all documents of the row are one call of flash attention.

This file needs torch to define its autograd function: import it inside functions.

Axes: T tokens of the row, S tokens of a document, H heads, K heads of keys and values, G = H / K queries per key,
L = H + 2K heads of queries, keys and values side by side, D size of a head. P is the pairs of (token, query of its key
head) of a document, S x G.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

from tunewright.errors import ModelError
from tunewright.model.own_attention import compute_dtype, own_attention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "tunewright_documents"
"""Under which transformers knows `document_attention`."""

MAX_KEPT_TOKENS = 1024
"""Longest document whose attention weights are kept: about 1.2 MB per layer and head in bfloat16."""

TOKENS_PER_BLOCK = 128
"""Queries computed at once. Fewer skip more of the square and make more calls; 64 to 256 measured alike."""


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
        if device == "cuda" and dropout == 0.0 and num_shared_tokens == 0 and compute in _FLASH_DTYPES:
            return _flash_attention(query, key, value, tuple(document_offsets), scale), None
        if dropout > 0.0 or key.shape[-1] != value.shape[-1]:
            return _fused_attention(query, key, value, document_offsets, num_shared_tokens, scale, dropout), None
        states_TLD = torch.cat([query[0], key[0], value[0]]).transpose(0, 1)
        attended_THD = attend(states_TLD, query.shape[1], document_offsets, num_shared_tokens, scale)
    return attended_THD[None], None


def attend(
    states_TLD: Tensor,
    num_heads: int,
    document_offsets: Sequence[int],
    num_shared_tokens: int,
    scale: float,
    rotation: tuple[Tensor, Tensor] | None = None,
) -> Tensor:
    """Causal attention within documents, in the dtype of the states.

    Args:
        states_TLD: the row's queries (`num_heads` of them), keys and values.
        document_offsets: where each document starts, then T.
        num_shared_tokens: the first document is a prompt of so many tokens that every other one attends to; 0 if none.
        rotation: cosines and sines [T, D] that turn queries and keys by their positions (Su et al. 2021,
            arXiv:2104.09864), where that has not been done.
    Returns:
        [T, H, D].
    """
    return _attention(states_TLD, num_heads, tuple(document_offsets), num_shared_tokens, scale, rotation)


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


_FLASH_DTYPES = (torch.bfloat16, torch.float16)


def _flash_attention(
    query: Tensor, key: Tensor, value: Tensor, document_offsets: tuple[int, ...], scale: float
) -> Tensor:
    from torch.nn.attention.varlen import varlen_attn

    query_THD, key_TKD, value_TKD = (states[0].transpose(0, 1) for states in (query, key, value))
    offsets, longest = _offsets_on_device(document_offsets, query.device), _longest(document_offsets)
    out_THD = varlen_attn(
        query_THD,
        key_TKD,
        value_TKD,
        offsets,
        offsets,
        longest,
        longest,
        scale=scale,
        window_size=(-1, 0),  # everything before, nothing after
        enable_gqa=query.shape[1] != key.shape[1],
    )
    assert isinstance(out_THD, Tensor)
    return out_THD[None]


@lru_cache(maxsize=2)
def _offsets_on_device(document_offsets: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(document_offsets, dtype=torch.int32, device=device)


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


class _Attention(torch.autograd.Function):
    """softmax(scale * Q K^T) V within each document.

    With W the weights, dO the incoming gradient and dW = dO V^T: dV = W^T dO, dS = W * (dW - rowsum(W * dW)),
    dQ = scale * dS K and dK = scale * dS^T Q.
    """

    @staticmethod
    def forward(
        ctx: Any,
        states_TLD: Tensor,
        num_heads: int,
        document_offsets: tuple[int, ...],
        num_shared_tokens: int,
        scale: float,
        rotation: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """As `attend`; keeps queries, keys and values of each document, and the weights of those that are short."""
        ctx.num_heads, ctx.offsets, ctx.num_shared, ctx.scale = num_heads, document_offsets, num_shared_tokens, scale
        ctx.rotation = rotation
        num_keys = (states_TLD.shape[1] - num_heads) // 2
        if rotation is not None:
            turned, values = torch.split(states_TLD, [num_heads + num_keys, num_keys], dim=1)
            turned = rotate(turned, *rotation)
            query_THD, key_TKD, value_TKD = (*torch.split(turned, [num_heads, num_keys], dim=1), values)
        else:
            query_THD, key_TKD, value_TKD = torch.split(states_TLD, [num_heads, num_keys, num_keys], dim=1)
        out_THD = states_TLD.new_empty(query_THD.shape)
        saved = []
        for start, end, num_before in _documents(document_offsets, num_shared_tokens):
            query_KPD = by_pair(query_THD[start:end], num_keys)
            key_KSD, value_KSD = (_seen(states, start, end, num_before) for states in (key_TKD, value_TKD))
            saved += [query_KPD, key_KSD, value_KSD]
            for pairs, first, last in _blocks(end - start, num_heads // num_keys):
                weights = _weights(query_KPD[:, pairs], key_KSD[:, : num_before + last], last - first, scale)
                out_KPD = torch.bmm(weights, value_KSD[:, : num_before + last])
                out_THD[start + first : start + last] = by_token(out_KPD, num_heads)
                if num_before + end - start <= MAX_KEPT_TOKENS:
                    saved.append(weights)
        ctx.save_for_backward(*saved)
        return out_THD

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of the states, before their rotation; nothing else has one. Documents are taken last first."""
        grad_THD, offsets, num_heads, num_shared = gradients[0], ctx.offsets, ctx.num_heads, ctx.num_shared
        saved = list(ctx.saved_tensors)
        num_keys = saved[0].shape[0]
        of_states_TLD = grad_THD.new_empty(len(grad_THD), num_heads + 2 * num_keys, grad_THD.shape[2])
        parts = torch.split(of_states_TLD, [num_heads, num_keys, num_keys], dim=1)
        # What the documents bring to the shared prompt's keys and values; it comes first in the row, so here last.
        wide = torch.promote_types(grad_THD.dtype, torch.float32)
        of_shared = [grad_THD.new_zeros(num_keys, num_shared, grad_THD.shape[2], dtype=wide) for _ in range(2)]
        for start, end, num_before in reversed(list(_documents(offsets, num_shared))):
            is_kept = num_before + end - start <= MAX_KEPT_TOKENS
            blocks = list(_blocks(end - start, num_heads // num_keys))
            kept = [saved.pop() for _ in blocks][::-1] if is_kept else []
            value_KSD, key_KSD, query_KPD = saved.pop(), saved.pop(), saved.pop()
            grad_KPD = by_pair(grad_THD[start:end], num_keys)
            of_document = _document_gradients(query_KPD, key_KSD, value_KSD, grad_KPD, kept, blocks, ctx.scale)
            parts[0][start:end] = by_token(of_document[0], num_heads)
            for of_row, of_seen, of_prompt in zip(parts[1:], of_document[1:], of_shared, strict=True):
                if num_before:
                    of_prompt += of_seen[:, :num_before]
                elif num_shared:
                    of_seen = (of_prompt + of_seen).to(of_seen.dtype)
                of_row[start:end] = of_seen[:, num_before:].transpose(0, 1)
        turned = of_states_TLD[:, : num_heads + num_keys]
        if ctx.rotation is not None:
            cosines_TD, sines_TD = ctx.rotation
            turned.copy_(rotate(turned, cosines_TD, -sines_TD))
        return of_states_TLD, None, None, None, None, None


_attention: Callable[..., Tensor] = _Attention.apply


def _document_gradients(
    query_KPD: Tensor,
    key_KSD: Tensor,
    value_KSD: Tensor,
    grad_KPD: Tensor,
    kept: list[Tensor],
    blocks: list[tuple[slice, int, int]],
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of one document's queries, and of the keys and values it sees."""
    of_query_KPD = torch.empty_like(query_KPD)
    of_key_KSD, of_value_KSD = key_KSD, value_KSD
    num_before = key_KSD.shape[1] - blocks[-1][2]
    # The last block reaches every key; the others are added to it.
    for number, (pairs, first, last) in reversed(list(enumerate(blocks))):
        seen = slice(0, num_before + last)
        query, grad = query_KPD[:, pairs], grad_KPD[:, pairs]
        weights = kept[number] if kept else _weights(query, key_KSD[:, seen], last - first, scale)
        of_weights = torch.bmm(grad, value_KSD[:, seen].mT)
        # What torch's own softmax calls: one pass, rounded once.
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(scale)
        of_query_KPD[:, pairs] = torch.bmm(of_scores, key_KSD[:, seen])
        of_key, of_value = torch.bmm(of_scores.mT, query), torch.bmm(weights.mT, grad)
        if number == len(blocks) - 1:
            of_key_KSD, of_value_KSD = of_key, of_value
        else:
            of_key_KSD[:, seen] += of_key
            of_value_KSD[:, seen] += of_value
    return of_query_KPD, of_key_KSD, of_value_KSD


def _weights(query_KPD: Tensor, key_KSD: Tensor, num_queries: int, scale: float) -> Tensor:
    """Attention weights of a block of queries, which are the last tokens of the keys."""
    scores = torch.baddbmm(query_KPD.new_zeros(()), query_KPD, key_KSD.mT, beta=0, alpha=scale)
    group = query_KPD.shape[1] // num_queries
    mask_PS = _causal_mask(TOKENS_PER_BLOCK, group, scores.dtype, scores.device)
    # Only the block itself is partly in the future.
    scores[:, :, -num_queries:] += mask_PS[: num_queries * group, :num_queries]
    return torch.softmax(scores, dim=-1)


def rotate(states_TLD: Tensor, cosines_TD: Tensor, sines_TD: Tensor) -> Tensor:
    """Turn every head by the position of its token."""
    lower_TLD, upper_TLD = states_TLD.chunk(2, dim=-1)
    lower_sines, upper_sines = sines_TD[:, None].chunk(2, dim=-1)
    # One pass over whole heads: halves of 32 numbers took 2.5 times as long.
    swapped_TLD = torch.cat([upper_TLD, lower_TLD], dim=-1)
    return (states_TLD * cosines_TD[:, None]).addcmul_(swapped_TLD, torch.cat([-lower_sines, upper_sines], dim=-1))


def _seen(states_TKD: Tensor, start: int, end: int, num_before: int) -> Tensor:
    """[K, S, D]: the shared prompt's states, if there is one, and the document's."""
    document_KSD = states_TKD[start:end].transpose(0, 1)
    if not num_before:
        return document_KSD.contiguous()
    return torch.cat([states_TKD[:num_before].transpose(0, 1), document_KSD], dim=1)


def by_pair(states_SHD: Tensor, num_keys: int) -> Tensor:
    """The same as [K, P, D]."""
    return torch.unflatten(states_SHD, 1, (num_keys, -1)).transpose(0, 1).flatten(1, 2).contiguous()


def by_token(states_KPD: Tensor, num_heads: int) -> Tensor:
    """The same as [S, H, D]."""
    num_keys = states_KPD.shape[0]
    return torch.unflatten(states_KPD, 1, (-1, num_heads // num_keys)).transpose(0, 1).flatten(1, 2)


def _longest(document_offsets: Sequence[int]) -> int:
    return max(end - start for start, end in pairwise(document_offsets))


def _documents(document_offsets: Sequence[int], num_shared_tokens: int) -> Iterator[tuple[int, int, int]]:
    """(start, end, number of shared tokens before it) of each document."""
    for start, end in pairwise(document_offsets):
        yield start, end, num_shared_tokens if start else 0


def _blocks(num_tokens: int, group: int) -> Iterator[tuple[slice, int, int]]:
    """(pairs, first token, end) of each block of queries."""
    for first in range(0, num_tokens, TOKENS_PER_BLOCK):
        last = min(first + TOKENS_PER_BLOCK, num_tokens)
        yield slice(first * group, last * group), first, last


@lru_cache(maxsize=16)
def _causal_mask(num_tokens: int, group: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """[num_tokens * group, num_tokens]: 0 where the key is not later than the query, else -infinity."""
    mask = torch.full((num_tokens, num_tokens), float("-inf"), dtype=dtype, device=device)
    return mask.triu(1).repeat_interleave(group, dim=0)
