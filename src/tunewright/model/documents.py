"""Causal attention within the documents of a packed row, as our own products.

Each document is a small dense problem: its scores are plain matrix products in the compute dtype, a block of queries at
a time, and a block sees only the keys up to its end, so about half of the square is never computed. On a CPU this took
a half to a sixth of the time of torch's fused kernel between 32 and 1,024 tokens (forward and backward, bfloat16, one
thread). The weights of short documents are kept for the backward pass; those of long ones, which grow with the square,
are computed a second time.

Documents are filled up to few different lengths, and short ones of the same length are computed together: oneDNN
compiles the product of every new size, half a millisecond each, and asks for fresh memory for it.

This file needs torch to define its autograd function: import it inside functions.

Axes: T tokens of the row, R those of the row with its documents filled up, S tokens of a document, H heads, K heads of
keys and values, G = H / K queries per key, L = H + 2K heads of queries, keys and values side by side, D size of a head.
B is the pairs of (document of a group, key head), P those of (token, query of its key head), S x G.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tunewright.model.batch import rounded_up

MAX_KEPT_TOKENS = 1024
"""Longest document whose attention weights are kept: about 1.2 MB per layer and head in bfloat16."""

TOKENS_PER_BLOCK = 128
"""Queries computed at once. Fewer skip more of the square and make more calls; 64 to 256 measured alike."""

TOKENS_PER_DOCUMENT_SIZE = 16
"""Documents are filled up to multiples of it. With 32, rows of 100 tokens after a prompt of 768 took 1.1 times as long,
with 8 all rows."""

MAX_GROUPED_TOKENS = 256
"""Longer documents are products that are large enough alone."""


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
    filled = fill_documents(tuple(document_offsets), num_shared_tokens, states_TLD.device)
    return _attention(states_TLD, num_heads, filled, scale, rotation)


# Which documents are computed together


@dataclass(frozen=True, slots=True)
class Group:
    """Documents of one length, filled up, side by side in the filled row from `start` to `end`."""

    start: int
    end: int
    num_documents: int
    num_before: int
    """Tokens of the shared prompt, which all of them attend to; 0 if there is none, or if this is the prompt."""

    @property
    def num_tokens(self) -> int:
        """Of each document."""
        return (self.end - self.start) // self.num_documents


@dataclass(frozen=True, slots=True)
class FilledRow:
    """Documents, filled up, in groups; the shared prompt, if there is one, is the first of them."""

    groups: tuple[Group, ...]
    tokens_R: Tensor
    """Index in the row of what stands at each place. A filler, which follows its document, is that one's last token."""
    fillers: Tensor
    """Which places are fillers."""
    places_T: Tensor
    """Where each token of the row stands."""


@lru_cache(maxsize=8)
def fill_documents(document_offsets: tuple[int, ...], num_shared_tokens: int, device: torch.device) -> FilledRow:
    """Put documents of one length together. Cached, since every layer asks for the same."""
    lengths = [end - start for start, end in pairwise(document_offsets)]
    is_prompt_first = num_shared_tokens > 0
    order = sorted(
        range(len(lengths)),
        key=lambda index: (is_prompt_first and index > 0, rounded_up(lengths[index], TOKENS_PER_DOCUMENT_SIZE)),
    )
    groups: list[Group] = []
    tokens: list[int] = []
    fillers: list[int] = []
    places = [0] * document_offsets[-1]
    for index in order:
        first, start, length = document_offsets[index], len(tokens), lengths[index]
        end = start + rounded_up(length, TOKENS_PER_DOCUMENT_SIZE)
        places[first : first + length] = range(start, start + length)
        fillers += range(start + length, end)
        tokens += [*range(first, first + length), *[first + length - 1] * (end - start - length)]
        alone = Group(start, end, 1, num_shared_tokens if index else 0)
        if groups and _belong_together(groups[-1], alone):
            groups[-1] = replace(groups[-1], end=end, num_documents=groups[-1].num_documents + 1)
        else:
            groups.append(alone)
    indices = (torch.tensor(one, dtype=torch.int64, device=device) for one in (tokens, fillers, places))
    return FilledRow(tuple(groups), *indices)


def _belong_together(group: Group, alone: Group) -> bool:
    is_alike = (group.num_tokens, group.num_before) == (alone.num_tokens, alone.num_before)
    return is_alike and alone.num_tokens <= MAX_GROUPED_TOKENS


# Attention


class _Attention(torch.autograd.Function):
    """softmax(scale * Q K^T) V within each document.

    With W the weights, dO the incoming gradient and dW = dO V^T: dV = W^T dO, dS = W * (dW - rowsum(W * dW)),
    dQ = scale * dS K and dK = scale * dS^T Q. Fillers are seen by none but each other, since they come last, and their
    dO is zero.
    """

    @staticmethod
    def forward(
        ctx: Any,
        states_TLD: Tensor,
        num_heads: int,
        filled: FilledRow,
        scale: float,
        rotation: tuple[Tensor, Tensor] | None,
    ) -> Tensor:
        """As `attend`; keeps queries, keys and values of each group, and the weights of those that are short."""
        states_RLD = states_TLD.index_select(0, filled.tokens_R)
        num_keys = (states_RLD.shape[1] - num_heads) // 2
        heads = [num_heads, num_keys, num_keys]
        ctx.rotation = None
        if rotation is None:
            query_RHD, key_RKD, value_RKD = torch.split(states_RLD, heads, dim=1)
        else:
            ctx.rotation = [part_TD.index_select(0, filled.tokens_R) for part_TD in rotation]
            turned_RLD = rotate(states_RLD[:, : num_heads + num_keys], *ctx.rotation)
            query_RHD, key_RKD = torch.split(turned_RLD, heads[:2], dim=1)
            value_RKD = states_RLD[:, num_heads + num_keys :]
        ctx.heads, ctx.filled, ctx.scale = heads, filled, scale
        out_RHD = states_RLD.new_empty(query_RHD.shape)
        saved = []
        for group in filled.groups:
            query_BPD = by_pair(query_RHD[group.start : group.end], num_keys, group.num_documents)
            key_BSD, value_BSD = _seen(key_RKD, group), _seen(value_RKD, group)
            saved += [query_BPD, key_BSD, value_BSD]
            out = _by_document(out_RHD, group)
            for pairs, first, last in _blocks(group.num_tokens, num_heads // num_keys):
                seen = slice(0, group.num_before + last)
                weights = _weights(query_BPD[:, pairs], key_BSD[:, seen], last - first, scale)
                out_BPD = torch.bmm(weights, value_BSD[:, seen])
                out[:, first:last] = by_token(out_BPD, num_heads, group.num_documents)
                if group.num_before + group.num_tokens <= MAX_KEPT_TOKENS:
                    saved.append(weights)
        ctx.save_for_backward(*saved)
        return out_RHD.index_select(0, filled.places_T)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradient of the states, before their rotation; nothing else has one. Groups are taken last first."""
        filled, (num_heads, num_keys, _) = ctx.filled, ctx.heads
        grad_RHD = gradients[0].index_select(0, filled.tokens_R).index_fill_(0, filled.fillers, 0)
        saved = list(ctx.saved_tensors)
        of_states_RLD = grad_RHD.new_empty(len(grad_RHD), sum(ctx.heads), grad_RHD.shape[2])
        of_query_RHD, *of_seen_RKDs = torch.split(of_states_RLD, ctx.heads, dim=1)
        # What the documents bring to the shared prompt's keys and values; it comes first in the row, so here last.
        wide = torch.promote_types(grad_RHD.dtype, torch.float32)
        num_shared = filled.groups[-1].num_before
        of_shared = [grad_RHD.new_zeros(num_keys, num_shared, grad_RHD.shape[2], dtype=wide) for _ in range(2)]
        for group in reversed(filled.groups):
            is_kept = group.num_before + group.num_tokens <= MAX_KEPT_TOKENS
            blocks = list(_blocks(group.num_tokens, num_heads // num_keys))
            kept = [saved.pop() for _ in blocks][::-1] if is_kept else []
            value_BSD, key_BSD, query_BPD = saved.pop(), saved.pop(), saved.pop()
            grad_BPD = by_pair(grad_RHD[group.start : group.end], num_keys, group.num_documents)
            of_query_BPD, *of_seen_BSDs = _group_gradients(
                query_BPD, key_BSD, value_BSD, grad_BPD, kept, blocks, ctx.scale
            )
            _by_document(of_query_RHD, group).copy_(by_token(of_query_BPD, num_heads, group.num_documents))
            for of_row, of_seen, of_prompt in zip(of_seen_RKDs, of_seen_BSDs, of_shared, strict=True):
                by_document = torch.unflatten(of_seen, 0, (group.num_documents, num_keys))
                if group.num_before:
                    of_prompt += by_document[:, :, : group.num_before].sum(0, dtype=wide)
                elif num_shared:
                    by_document[0, :, :num_shared] = of_prompt + by_document[0, :, :num_shared]
                _by_document(of_row, group).copy_(by_document[:, :, group.num_before :].transpose(1, 2))
        if ctx.rotation is not None:
            cosines_RD, sines_RD = ctx.rotation
            turned = of_states_RLD[:, : num_heads + num_keys]
            turned.copy_(rotate(turned, cosines_RD, -sines_RD))
        return of_states_RLD.index_select(0, filled.places_T), None, None, None, None


_attention: Callable[..., Tensor] = _Attention.apply


def _group_gradients(
    query_BPD: Tensor,
    key_BSD: Tensor,
    value_BSD: Tensor,
    grad_BPD: Tensor,
    kept: list[Tensor],
    blocks: list[tuple[slice, int, int]],
    scale: float,
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of a group's queries, and of the keys and values they see."""
    of_query_BPD = torch.empty_like(query_BPD)
    of_key_BSD, of_value_BSD = key_BSD, value_BSD
    num_before = key_BSD.shape[1] - blocks[-1][2]
    # The last block reaches every key; the others are added to it.
    for number, (pairs, first, last) in reversed(list(enumerate(blocks))):
        seen = slice(0, num_before + last)
        query, grad = query_BPD[:, pairs], grad_BPD[:, pairs]
        weights = kept[number] if kept else _weights(query, key_BSD[:, seen], last - first, scale)
        of_weights = torch.bmm(grad, value_BSD[:, seen].mT)
        # What torch's own softmax calls: one pass, rounded once.
        of_scores = torch.ops.aten._softmax_backward_data(of_weights, weights, -1, weights.dtype).mul_(scale)
        of_query_BPD[:, pairs] = torch.bmm(of_scores, key_BSD[:, seen])
        of_key, of_value = torch.bmm(of_scores.mT, query), torch.bmm(weights.mT, grad)
        if number == len(blocks) - 1:
            of_key_BSD, of_value_BSD = of_key, of_value
        else:
            of_key_BSD[:, seen] += of_key
            of_value_BSD[:, seen] += of_value
    return of_query_BPD, of_key_BSD, of_value_BSD


def _weights(query_BPD: Tensor, key_BSD: Tensor, num_queries: int, scale: float) -> Tensor:
    """Attention weights of a block of queries, which are the last tokens of the keys."""
    scores = torch.baddbmm(query_BPD.new_zeros(()), query_BPD, key_BSD.mT, beta=0, alpha=scale)
    group = query_BPD.shape[1] // num_queries
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


def _seen(states_RKD: Tensor, group: Group) -> Tensor:
    """[B, S, D]: the shared prompt's states, if there is one, and the documents'."""
    own = _by_document(states_RKD, group).transpose(1, 2)
    if not group.num_before:
        return own.flatten(0, 1).contiguous()
    prompt = states_RKD[: group.num_before].transpose(0, 1).expand(group.num_documents, -1, -1, -1)
    return torch.cat([prompt, own], dim=2).flatten(0, 1)


def _by_document(states_RHD: Tensor, group: Group) -> Tensor:
    """A view of a group's part: [documents, S, H, D]."""
    return torch.unflatten(states_RHD[group.start : group.end], 0, (group.num_documents, -1))


def by_pair(states_SHD: Tensor, num_keys: int, num_documents: int = 1) -> Tensor:
    """[B, P, D] of documents that stand one after the other."""
    by_document = torch.unflatten(torch.unflatten(states_SHD, 1, (num_keys, -1)), 0, (num_documents, -1))
    return by_document.transpose(1, 2).flatten(2, 3).flatten(0, 1).contiguous()


def by_token(states_BPD: Tensor, num_heads: int, num_documents: int = 1) -> Tensor:
    """[documents, S, H, D] of what `by_pair` makes."""
    num_keys = len(states_BPD) // num_documents
    by_key = torch.unflatten(torch.unflatten(states_BPD, 1, (-1, num_heads // num_keys)), 0, (-1, num_keys))
    return by_key.transpose(1, 2).flatten(2, 3)


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
