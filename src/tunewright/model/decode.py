"""Run a network over a batch of prompts and then over one more token of each row at a time.

Two ways give the same logits. `OverSharedCache` packs the prompts without padding after the tokens that they share, and
holds keys and values as cached_attention.py wants them. `OverPaddedCache` pads prompts on the left and leaves the cache
to transformers: slower, and any causal model that has one will do. `decoding_path` says which is taken, and why.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, cast
from weakref import WeakKeyDictionary

from tunewright.errors import ModelError
from tunewright.model.layout import attention_path
from tunewright.model.passes import can_keep_logits

if TYPE_CHECKING:
    from torch import LongTensor, Tensor
    from torch.nn import Module
    from transformers import Cache, PreTrainedModel
    from transformers.utils import ModelOutput

    from tunewright.model.cached_attention import RowCache, SharedTokens, Step

DecodingPath = Literal["shared", "padded"]

MIN_SHARED_TOKENS = 64
"""Tokens that must be spared, over all rows of a batch, for a forward pass of their own to pay."""

MAX_PAIRS = 2**19
"""Pairs of a new and a seen token in one forward pass over prompts. Their scores should stay in the processor's caches:
2**22 took 1.6 times as long for 12 prompts of 620 tokens, 340 of them shared (8M base, one thread)."""


class Decoding(Protocol):
    """A batch that is being answered."""

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> "Tensor":
        """Read the prompts; returns the logits_BV of each row's next token."""

    def step(self, tokens_B: "Tensor") -> "Tensor":
        """Add a token to each row; returns the logits_BV of the next ones."""

    def keep(self, rows: "Tensor") -> None:
        """Go on with some of the rows."""


def decoding_path(network: "PreTrainedModel", longest: int = 0) -> tuple[DecodingPath, str]:
    """How answers are written for this network, and why.

    "shared" computes once what prompts start with, and wastes nothing on padding. It is taken where documents can be
    packed and where two short prompts, tried once per network, have the logits that transformers' own cache gives.

    Args:
        longest: tokens of the longest prompt with its answer.
    """
    path, reason = attention_path(network, longest)
    if path in ("padded", "alone"):
        return "padded", reason
    base = network.get_base_model() if hasattr(network, "get_base_model") else network
    if base not in _refusals:
        _refusals[base] = _try_shared_cache(base)
    refusal = _refusals[base]
    if refusal is not None:
        return "padded", refusal
    return "shared", "the start that prompts share is computed once, without padding; equal to transformers on a test"


_refusals: "WeakKeyDictionary[Module, str | None]" = WeakKeyDictionary()

PROBE_LENGTHS, PROBE_SHARED = (11, 6), 4
PROBE_TOLERANCE = 1e-4
"""Of the largest logit. Float32 differs by 1e-6; a row that saw another one, or a wrong position, by far more."""


def _try_shared_cache(network: "PreTrainedModel") -> str | None:
    """Why the network cannot be asked over the shared cache; None if it can."""
    import torch

    from tunewright.model.cached_attention import SharedTokens

    name = type(network).__name__
    vocabulary_size = network.config.get_text_config().vocab_size
    prompts = [
        [(7 * place + 3 * row * (place >= PROBE_SHARED) + 1) % vocabulary_size for place in range(length)]
        for row, length in enumerate(PROBE_LENGTHS)
    ]
    ours = OverSharedCache(network, SharedTokens(), min_shared_tokens=1)
    stock = OverPaddedCache(network, pad_token_id=0)
    try:
        with torch.inference_mode(), torch.autocast(network.device.type, enabled=False):
            steps = [(ours.start(prompts, 1), stock.start(prompts, 1))]
            tokens_B = steps[0][1].argmax(dim=-1)
            steps.append((ours.step(tokens_B), stock.step(tokens_B)))
    except (ModelError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        return f"{name} cannot be asked over a shared cache: {str(error).partition(chr(10))[0]}"
    off = max(((got - expected).abs().max() / expected.abs().max()).item() for got, expected in steps)
    if not off <= PROBE_TOLERANCE:
        return f"{name} gives other logits over a shared cache, by {off:.1g} of the largest"
    return None


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


class OverPaddedCache:
    """Prompts padded on the left, with the cache that the architecture brings along."""

    def __init__(self, network: "PreTrainedModel", pad_token_id: int) -> None:
        self._network = network
        self._pad_token_id = pad_token_id
        self._keep_last = {"logits_to_keep": 1} if can_keep_logits(network) else {}
        self._cache: Cache | None = None
        self._mask_BT: Tensor

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> "Tensor":
        """As Decoding."""
        del max_new_tokens
        token_ids_BT, mask_BT = _pad_left(prompts, self._pad_token_id)
        self._mask_BT = mask_BT.to(self._network.device)
        return self._run(token_ids_BT.to(self._network.device))

    def step(self, tokens_B: "Tensor") -> "Tensor":
        """As Decoding."""
        import torch

        self._mask_BT = torch.cat([self._mask_BT, self._mask_BT.new_ones(len(tokens_B), 1)], dim=1)
        return self._run(tokens_B[:, None])

    def keep(self, rows: "Tensor") -> None:
        """As Decoding."""
        assert self._cache is not None
        self._cache.reorder_cache(cast("LongTensor", rows))  # layers with linear attention have no batch_select_indices
        self._mask_BT = self._mask_BT[rows]

    def _run(self, token_ids_BT: "Tensor") -> "Tensor":
        output = self._network(
            input_ids=token_ids_BT,
            attention_mask=self._mask_BT,
            position_ids=(self._mask_BT.cumsum(-1) - 1).clamp(min=0)[:, -token_ids_BT.shape[1] :],
            past_key_values=self._cache,
            use_cache=True,
            **self._keep_last,
        )
        self._cache = _require_cache(self._network, output)
        return cast("Tensor", output.logits[:, -1].float())


def _require_cache(network: "PreTrainedModel", output: "ModelOutput") -> "Cache":
    cache: Cache | None = output.get("past_key_values")
    if cache is None:
        raise ModelError(
            f"base {type(network).__name__}: found an architecture that gives no key/value cache, expected one that "
            "does, as Llama, Qwen or Gemma. Its answers could not be measured; choose another base."
        )
    return cache


def _pad_left(prompts: Sequence[Sequence[int]], pad_token_id: int) -> tuple["Tensor", "Tensor"]:
    import torch

    longest = max(len(prompt) for prompt in prompts)
    token_ids = torch.full((len(prompts), longest), pad_token_id, dtype=torch.int64)
    mask = torch.zeros_like(token_ids)
    for row, prompt in enumerate(prompts):
        token_ids[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask[row, longest - len(prompt) :] = 1
    return token_ids, mask
