"""Attention within the documents of a packed row as one call of flash attention (Dao 2023, arXiv:2307.08691): for CUDA,
where a launch costs more than a short document's products.

A shared prompt is still computed once in every layer. Only its keys and values are laid before those of each document:
the kernel aligns the last query of a document with its last key, so that documents see all of the prompt and, of
themselves, nothing later. Whether it does so, and computes heads of this size at all, is tried once on the device.

This file needs torch: import it inside functions.

Axes: T tokens of the row, S keys of all documents one after the other, H heads, K heads of keys and values, D size of a
head.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, pairwise

import torch
from torch import Tensor

from tunewright.model.documents import attend
from tunewright.model.out_of_memory import is_out_of_memory

FLASH_DTYPES = (torch.bfloat16, torch.float16)
"""The kernel knows no others."""


def flash_attention(
    query_THD: Tensor,
    key_TKD: Tensor,
    value_TKD: Tensor,
    document_offsets: Sequence[int],
    num_shared_tokens: int,
    scale: float,
) -> Tensor:
    """[T, H, D], as documents.attend."""
    from torch.nn.attention.varlen import varlen_attn

    row = _kernel_row(tuple(document_offsets), num_shared_tokens, query_THD.device)
    if row.seen_S is not None:
        key_TKD, value_TKD = _repeat(key_TKD, row.seen_S), _repeat(value_TKD, row.seen_S)
    out_THD = varlen_attn(
        query_THD,
        key_TKD,
        value_TKD,
        row.query_offsets,
        row.key_offsets,
        row.most_queries,
        row.most_keys,
        scale=scale,
        window_size=(-1, 0),  # everything before, nothing after
        enable_gqa=query_THD.shape[1] != key_TKD.shape[1],
    )
    assert isinstance(out_THD, Tensor)
    return out_THD


def _repeat(states_TKD: Tensor, seen_S: Tensor) -> Tensor:
    """[S, K, D]. In float32, so that the gradient that many documents give one prompt is rounded once."""
    wide = torch.promote_types(states_TKD.dtype, torch.float32)
    return states_TKD.to(wide).index_select(0, seen_S).to(states_TKD.dtype)


@dataclass(frozen=True, slots=True)
class _KernelRow:
    """What the kernel is told of a packed row."""

    query_offsets: Tensor
    key_offsets: Tensor
    most_queries: int
    """Of a document."""
    most_keys: int
    seen_S: Tensor | None
    """The token that each key is of; None where they are the row itself."""


@lru_cache(maxsize=2)
def _kernel_row(document_offsets: tuple[int, ...], num_shared_tokens: int, device: torch.device) -> _KernelRow:
    """Cached, since every layer asks for the same."""
    seen = [
        [*range(num_shared_tokens if start else 0), *range(start, end)] for start, end in pairwise(document_offsets)
    ]
    key_offsets = tuple(accumulate(map(len, seen), initial=0))
    with torch.inference_mode(False):  # made while scoring, they serve training, too
        return _KernelRow(
            query_offsets=torch.tensor(document_offsets, dtype=torch.int32, device=device),
            key_offsets=torch.tensor(key_offsets, dtype=torch.int32, device=device),
            most_queries=max(end - start for start, end in pairwise(document_offsets)),
            most_keys=max(map(len, seen)),
            seen_S=torch.tensor([*chain.from_iterable(seen)], device=device) if num_shared_tokens else None,
        )


# Trying the kernel

_PROBE_OFFSETS, _PROBE_SHARED_TOKENS = (0, 20, 31, 60), 20

_TOLERANCE = 0.05
"""Of the length of all numbers together. Bfloat16 rounds to 0.4 %; documents that see other tokens are far above."""


@lru_cache(maxsize=8)
def flash_refusal(device: torch.device, num_heads: int, num_keys: int, size: int) -> str | None:
    """Why the kernel cannot take the place of our own products for such heads; None if it can. Tried once.

    Args:
        num_heads: H; num_keys: K; size: D.
    """
    heads, scale = [num_heads, num_keys, num_keys], size**-0.5

    def by_kernel(states_TLD: Tensor, num_shared_tokens: int) -> Tensor:
        query_THD, key_TKD, value_TKD = torch.split(states_TLD, heads, dim=1)
        return flash_attention(query_THD, key_TKD, value_TKD, _PROBE_OFFSETS, num_shared_tokens, scale)

    def by_products(states_TLD: Tensor, num_shared_tokens: int) -> Tensor:
        return attend(states_TLD, num_heads, _PROBE_OFFSETS, num_shared_tokens, scale)

    # Whoever asks first may be scoring, and gradients are needed here.
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(device.type, enabled=False):
        drawn = torch.randn(_PROBE_OFFSETS[-1], sum(heads), size, generator=torch.Generator().manual_seed(0))
        states_TLD = drawn.to(device, torch.bfloat16).requires_grad_()
        for num_shared_tokens in (0, _PROBE_SHARED_TOKENS):
            try:
                found = _and_gradient(by_kernel(states_TLD, num_shared_tokens), states_TLD)
            except (RuntimeError, ValueError) as error:
                if is_out_of_memory(error):
                    raise
                return str(error).partition("\n")[0]
            expected = _and_gradient(by_products(states_TLD, num_shared_tokens), states_TLD)
            for one, other in zip(found, expected, strict=True):
                if not (one - other).norm() <= _TOLERANCE * other.norm():
                    return "it gives other numbers than our own products"
    return None


def _and_gradient(attended_THD: Tensor, states_TLD: Tensor) -> tuple[Tensor, Tensor]:
    """In float32: what was attended, and the gradient of its squares."""
    (gradient_TLD,) = torch.autograd.grad(attended_THD.float().square().sum(), [states_TLD])
    return attended_THD.detach().float(), gradient_TLD.float()
