"""Attention of decoding steps over a cache that holds what rows share once, for stock models of transformers.

The network is given a packed row of new tokens, as in training: first all of each prompt, then one of each answer. Keys
and values of the tokens that all rows start with stand in the cache once, and the queries of all rows are multiplied
with them together. Each row's own follow in slots that were allocated beforehand, so nothing is copied from step to
step. Prompts end in the same slot: shorter ones leave their first slots empty.

This file needs torch for its tensors: import it inside functions.

Axes: T new tokens of the packed row, B rows, Q slots that a step fills, S slots that it sees, P shared tokens, H heads,
K heads of keys and values, G = H / K queries per key, D size of a head. X is Q x G.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from tunewright.model.own_attention import compute_dtype, own_attention

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "tunewright_cached"
"""Under which transformers knows `cached_attention`."""

KeysValues = tuple[Tensor, Tensor]


@dataclass(frozen=True, slots=True)
class SharedTokens:
    """Tokens that rows start with, with their keys and values by layer, each [K, P, D]."""

    token_ids: tuple[int, ...] = ()
    layers: dict[int, KeysValues] = field(default_factory=dict)

    def cut(self, length: int) -> "SharedTokens":
        """The first `length` of them: what comes later never changes what came before."""
        if length == 0:
            return SharedTokens()
        kept = {layer: (keys[:, :length], values[:, :length]) for layer, (keys, values) in self.layers.items()}
        return SharedTokens(self.token_ids[:length], kept)

    def followed_by(self, token_ids: Sequence[int], cache: "RowCache") -> "SharedTokens":
        """These tokens and then those of the only row of a cache."""
        layers = {layer: (keys[0], values[0]) for layer, (keys, values) in cache.layers.items()}
        for layer, before in self.layers.items():
            keys, values = (torch.cat(parts, dim=1) for parts in zip(before, layers[layer], strict=True))
            layers[layer] = keys, values
        return SharedTokens((*self.token_ids, *token_ids), layers)


@dataclass(slots=True)
class RowCache:
    """Keys and values of B rows after the tokens that they share, by layer, each [B, K, slots, D]."""

    shared: SharedTokens
    num_rows: int
    num_slots: int
    """Most own tokens of a row, with its answer."""
    layers: dict[int, KeysValues] = field(default_factory=dict)

    def of_layer(self, layer: int, key_KTD: Tensor, value_KTD: Tensor, dtype: torch.dtype) -> KeysValues:
        """The slots of a layer. They start as zeros: whatever memory holds may be NaN, which no weight of 0 removes."""
        if layer not in self.layers:
            keys, values = (
                states.new_zeros(self.num_rows, states.shape[0], self.num_slots, states.shape[2], dtype=dtype)
                for states in (key_KTD, value_KTD)
            )
            self.layers[layer] = keys, values
        return self.layers[layer]

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the rows."""
        self.num_rows = len(rows)
        self.layers = {layer: (keys[rows], values[rows]) for layer, (keys, values) in self.layers.items()}


@dataclass(slots=True)
class Step:
    """One forward pass: which slots of which rows the packed tokens fill, and what they may look at."""

    cache: RowCache
    rows: slice
    filled: slice
    """Slots that are filled."""
    seen: slice
    """Slots that are looked at; it ends where `filled` does."""
    mask_BQS: Tensor | None
    """0 or -infinity, added to the scores of the rows' own slots; None where every slot may be seen."""
    row_T: Tensor | None = None
    """Row of each packed token, counted within `rows`; None where every row has as many tokens as slots are filled."""
    slot_T: Tensor | None = None
    """Slot of each packed token, counted within `filled`."""
    _mask: Tensor | None = None

    def unpacked(self, states_HTD: Tensor) -> Tensor:
        """Packed tokens as [B, Q, H, D], with zeros in slots that stay empty."""
        num_heads, _, size = states_HTD.shape
        shape = (self.rows.stop - self.rows.start, self.filled.stop - self.filled.start, num_heads, size)
        if self.row_T is None:
            return states_HTD.transpose(0, 1).reshape(shape)
        states_BQHD = states_HTD.new_zeros(shape)
        states_BQHD[self.row_T, self.slot_T] = states_HTD.transpose(0, 1)
        return states_BQHD

    def packed(self, states_BQHD: Tensor) -> Tensor:
        """The packed tokens' part, as [T, H, D]."""
        return states_BQHD.flatten(0, 1) if self.row_T is None else states_BQHD[self.row_T, self.slot_T]

    def mask_of_products(self, num_keys: int, group: int, dtype: torch.dtype) -> Tensor | None:
        """The mask as [B x K, X, S], made once for all layers; [B x K, 1, S] if one token is the same for all of X."""
        if self.mask_BQS is not None and self._mask is None:
            mask = self.mask_BQS if self.mask_BQS.shape[1] == 1 else self.mask_BQS.repeat_interleave(group, dim=1)
            self._mask = mask.to(dtype).repeat_interleave(num_keys, dim=0)
        return self._mask


def attention_over_cache(network: "PreTrainedModel") -> AbstractContextManager[None]:
    """While open, the network attends over the cache of its argument `step`."""
    return own_attention(network, NAME, cached_attention)


def cached_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    step: Step,
    scaling: float | None = None,
    **settings: Any,
) -> tuple[Tensor, None]:
    """Attention of one layer, called by transformers; what else a layer asks for is found by trying the network.

    Args:
        query: [1, H, T, D]; key and value: [1, K, T, D].
    Returns:
        [1, T, H, D], and no attention weights.
    """
    del attention_mask, settings
    device, compute = query.device.type, compute_dtype(query, value)
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    with torch.autocast(device, enabled=False):
        keys_BKSD, values_BKSD = step.cache.of_layer(module.layer_idx, key[0], value[0], compute)
        for slots, states in ((keys_BKSD, key[0]), (values_BKSD, value[0])):
            slots[step.rows, :, step.filled] = step.unpacked(states).transpose(1, 2)
        query_BQHD = step.unpacked(query[0].to(compute))
        num_rows, num_slots, num_heads, size = query_BQHD.shape
        num_keys, group = key.shape[1], num_heads // key.shape[1]
        query_BKQGD = query_BQHD.view(num_rows, num_slots, num_keys, group, size).transpose(1, 2)
        out_BKXD = _attend(
            query_BKQGD.reshape(num_rows, num_keys, num_slots * group, size),
            keys_BKSD[step.rows, :, step.seen],
            values_BKSD[step.rows, :, step.seen],
            step.cache.shared.layers.get(module.layer_idx),
            step.mask_of_products(num_keys, group, compute),
            scale,
        )
        out_BQKGD = out_BKXD.view(num_rows, num_keys, num_slots, group, -1).transpose(1, 2)
        return step.packed(out_BQKGD.reshape(num_rows, num_slots, num_heads, -1))[None], None


def _attend(
    query_BKXD: Tensor,
    keys_BKSD: Tensor,
    values_BKSD: Tensor,
    shared: KeysValues | None,
    mask_RXS: Tensor | None,
    scale: float,
) -> Tensor:
    """softmax(scale * Q K^T + mask) V over shared and own tokens together, as [B, K, X, D]."""
    num_rows, num_keys, num_pairs, _ = query_BKXD.shape
    keys_RSD, values_RSD, query_RXD = keys_BKSD.flatten(0, 1), values_BKSD.flatten(0, 1), query_BKXD.flatten(0, 1)
    none = query_RXD.new_zeros(()) if mask_RXS is None else mask_RXS
    own_RXS = torch.baddbmm(none, query_RXD, keys_RSD.mT, alpha=scale)
    if shared is None:
        return torch.bmm(torch.softmax(own_RXS, dim=-1), values_RSD).view(num_rows, num_keys, num_pairs, -1)
    shared_keys_KPD, shared_values_KPD = shared
    num_shared = shared_keys_KPD.shape[1]
    # All rows' queries of a key head in one product, [K, B x X, ...], and back to rows.
    query_KYD = query_BKXD.transpose(0, 1).reshape(num_keys, num_rows * num_pairs, -1)
    shared_KYP = torch.baddbmm(query_KYD.new_zeros(()), query_KYD, shared_keys_KPD.mT, alpha=scale)
    shared_BKXP = shared_KYP.view(num_keys, num_rows, num_pairs, num_shared).transpose(0, 1)
    own_BKXS = own_RXS.view(num_rows, num_keys, num_pairs, -1)
    weights = torch.softmax(torch.cat([shared_BKXP, own_BKXS], dim=-1), dim=-1)
    weights_KYP = weights[..., :num_shared].transpose(0, 1).reshape(num_keys, num_rows * num_pairs, num_shared)
    of_shared_KYD = torch.bmm(weights_KYP, shared_values_KPD)
    of_own_RXD = torch.bmm(weights[..., num_shared:].flatten(0, 1), values_RSD)
    of_shared_BKXD = of_shared_KYD.view(num_keys, num_rows, num_pairs, -1).transpose(0, 1)
    return of_own_RXD.view(num_rows, num_keys, num_pairs, -1) + of_shared_BKXD
