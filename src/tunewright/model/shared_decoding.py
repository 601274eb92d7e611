"""Answer a batch over a cache that holds what its prompts share once, as cached_attention.py wants it."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from tunewright.model.passes import can_keep_logits

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from tunewright.model.cached_attention import RowCache, SharedTokens, Step

MIN_SHARED_TOKENS = 64
"""Tokens that must be spared, over all rows of a batch, for a forward pass of their own to pay."""

MAX_PAIRS = 2**19
"""Pairs of a new and a seen token in one forward pass over prompts. Their scores should stay in the processor's caches:
2**22 took 1.6 times as long for 12 prompts of 620 tokens, 340 of them shared (8M base, one thread)."""


class OverSharedCache:
    """Packed prompts after the tokens that they share.

    Args:
        known: keys and values of tokens that earlier prompts shared; used as far as these prompts start with them.
    """

    def __init__(
        self, network: "PreTrainedModel", known: "SharedTokens", min_shared_tokens: int = MIN_SHARED_TOKENS
    ) -> None:
        self.shared = known
        """What the prompts share, once they have been read."""
        self._network = network
        self._min_shared_tokens = min_shared_tokens
        self._cache: RowCache
        self._next_slot: int
        self._positions_B: Tensor
        self._hidden_BS: Tensor | None = None

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> "Tensor":
        """As Decoding."""
        import torch

        from tunewright.model.cached_attention import RowCache

        self._share(prompts)
        num_shared = len(self.shared.token_ids)
        own = [prompt[num_shared:] for prompt in prompts]
        lengths_B = torch.tensor([len(tokens) for tokens in own], device=self._network.device)
        longest = self._next_slot = int(lengths_B.max())
        self._cache = RowCache(self.shared, len(own), longest + max_new_tokens)
        self._positions_B = lengths_B + num_shared
        if int(lengths_B.min()) < longest:
            slots_S = torch.arange(self._cache.num_slots, device=lengths_B.device)
            self._hidden_BS = slots_S < (longest - lengths_B)[:, None]
        passes = _passes(lengths_B.tolist(), num_shared)
        return torch.cat([self._read(self._cache, own[rows], rows, longest) for rows in passes])

    def step(self, tokens_B: "Tensor") -> "Tensor":
        """As Decoding."""
        import torch

        from tunewright.model.cached_attention import Step

        slot = self._next_slot
        mask_BQS = None
        if self._hidden_BS is not None:
            mask_BQS = torch.zeros(len(tokens_B), 1, slot + 1, device=tokens_B.device)
            mask_BQS.masked_fill_(self._hidden_BS[:, None, : slot + 1], float("-inf"))
        step = Step(self._cache, slice(0, len(tokens_B)), slice(slot, slot + 1), slice(0, slot + 1), mask_BQS)
        logits_BV = self._run(tokens_B, self._positions_B, step)
        self._next_slot = slot + 1
        self._positions_B = self._positions_B + 1
        return logits_BV

    def keep(self, rows: "Tensor") -> None:
        """As Decoding."""
        self._cache.keep(rows)
        self._positions_B = self._positions_B[rows]
        if self._hidden_BS is not None:
            self._hidden_BS = self._hidden_BS[rows]

    def _share(self, prompts: Sequence[Sequence[int]]) -> None:
        """Compute what all prompts start with, as far as it is not known. Each row's last token stays its own."""
        from tunewright.model.cached_attention import RowCache

        num_common = min(_num_equal(prompts[0], prompt) for prompt in prompts)
        common = prompts[0][: min(num_common, min(map(len, prompts)) - 1)]
        num_known = _num_equal(common, self.shared.token_ids)
        known, new = self.shared.cut(num_known), common[num_known:]
        if len(new) * (len(prompts) - 1) >= self._min_shared_tokens:
            cache = RowCache(known, 1, len(new))
            self._read(cache, [new], slice(0, 1), len(new))
            known = known.followed_by(new, cache)
        self.shared = known

    def _read(self, cache: "RowCache", own: Sequence[Sequence[int]], rows: slice, end: int) -> "Tensor":
        """Fill the slots up to `end` with some rows' tokens; returns the logits_BV of each row's next token."""
        import torch

        from tunewright.model.cached_attention import Step

        device = self._network.device
        lengths_B = torch.tensor([len(tokens) for tokens in own])
        longest = int(lengths_B.max())
        first_B = longest - lengths_B
        row_T = torch.arange(len(own)).repeat_interleave(lengths_B)
        place_T = torch.cat([torch.arange(len(tokens)) for tokens in own])
        slots_Q = torch.arange(longest)
        is_seen_BQS = (slots_Q[:, None] >= slots_Q) & (slots_Q >= first_B[:, None, None])
        mask_BQS = torch.zeros(is_seen_BQS.shape).masked_fill_(~is_seen_BQS, float("-inf")).to(device)
        slots = slice(end - longest, end)
        step = Step(cache, rows, slots, slots, mask_BQS, row_T.to(device), (place_T + first_B[row_T]).to(device))
        tokens_T = torch.tensor([token for tokens in own for token in tokens], device=device)
        positions_T = (place_T + len(cache.shared.token_ids)).to(device)
        return self._run(tokens_T, positions_T, step, last_B=(lengths_B.cumsum(0) - 1).to(device))

    def _run(self, tokens_T: "Tensor", positions_T: "Tensor", step: "Step", last_B: "Tensor | None" = None) -> "Tensor":
        """Logits of the packed tokens, or of those at `last_B` only."""
        from tunewright.model.cached_attention import attention_over_cache

        inputs = {"input_ids": tokens_T[None], "position_ids": positions_T[None], "step": step, "use_cache": False}
        can_keep = last_B is not None and can_keep_logits(self._network)
        if can_keep:
            inputs["logits_to_keep"] = last_B
        with attention_over_cache(self._network):
            logits_NV: Tensor = self._network(**inputs).logits[0]
        return (logits_NV if can_keep or last_B is None else logits_NV[last_B]).float()


def _num_equal(first: Sequence[int], second: Sequence[int]) -> int:
    """Tokens that both start with."""
    num_equal = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        num_equal += 1
    return num_equal


def _passes(lengths: Sequence[int], num_shared: int) -> Iterator[slice]:
    """Cut the rows of a batch, in order, so that the attention of one forward pass stays within MAX_PAIRS."""
    first, longest = 0, 0
    for row, length in enumerate(lengths):
        longest = max(longest, length)
        if row > first and (row + 1 - first) * longest * (longest + num_shared) > MAX_PAIRS:
            yield slice(first, row)
            first, longest = row, length
    yield slice(first, len(lengths))
