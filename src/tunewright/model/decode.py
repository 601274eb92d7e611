"""How a network is run over a batch of prompts and then over one more token of each row at a time.

shared      packed prompts, over a cache that holds what they share once (shared_decoding.py)
padded      prompts side by side, over the network's own state (general_decoding.py)
alone       one prompt after the other, each over the network's own state
reread      one prompt after the other, read as a whole again for every token

All give the logits of the last, which any causal network can do. Each of the others is tried before it is used.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, Protocol
from weakref import WeakKeyDictionary

from tunewright.model.general_decoding import OverOwnState, Rereading
from tunewright.model.layout import attention_path, changing_rotation
from tunewright.model.passes import without_adapter
from tunewright.model.shared_decoding import MIN_SHARED_TOKENS, OverSharedCache
from tunewright.model.trial import REFUSALS, first_line

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

    from tunewright.model.cached_attention import SharedTokens

DecodingPath = Literal["shared", "padded", "alone", "reread"]


class Decoding(Protocol):
    """A batch that is being answered."""

    def start(self, prompts: Sequence[Sequence[int]], max_new_tokens: int) -> "Tensor":
        """Read the prompts; returns the logits_BV of each row's next token."""

    def step(self, tokens_B: "Tensor") -> "Tensor":
        """Add a token to each row; returns the logits_BV of the next ones."""

    def keep(self, rows: "Tensor") -> None:
        """Go on with some of the rows."""


def decoding_path(network: "PreTrainedModel", longest: int = 0) -> tuple[DecodingPath, str]:
    """How answers are written for this network, and why not faster.

    "shared" computes once what prompts start with, and wastes nothing on padding. It is tried where documents can be
    packed. Each of the others is slower than the one before, and asks less of the network. A way is taken if two short
    prompts, tried once per network, have the logits that they have when each is read alone, as a whole.

    Args:
        longest: tokens of the longest prompt with its answer.
    """
    changing = changing_rotation(network, longest)
    if changing is not None:  # what was read before is turned in another way, too
        return "reread", changing
    path, why_not_faster = attention_path(network, longest)
    if path in ("fast", "packed"):
        refusal = _refusal(network, "shared")
        if refusal is None:
            return (
                "shared",
                "the start that prompts share is computed once, without padding; equal to transformers on a test",
            )
        why_not_faster = refusal
    general: tuple[DecodingPath, ...] = ("padded", "alone")
    for slower in general:
        refusal = _refusal(network, slower)
        if refusal is None:
            return slower, why_not_faster
        why_not_faster = refusal
    return "reread", why_not_faster


def describe_slow_decoding(network: "PreTrainedModel", longest: int) -> str | None:
    """How answers are written and why, in a sentence for the user; None where they are written the fast way.

    Args:
        longest: as in `decoding_path`.
    """
    path, reason = decoding_path(network, longest)
    how = {
        "padded": "through transformers' own cache, which is slower",
        "alone": "one after the other, which is slower",
        "reread": "one after the other, each read again as a whole for every token, which is much slower",
    }
    return f"Answers are written {how[path]}: {reason}." if path in how else None


def prompts_at_once(path: DecodingPath, num_prompts: int) -> int:
    """How many prompts of a batch are answered side by side."""
    return num_prompts if path in ("shared", "padded") else 1


def open_decoding(
    path: DecodingPath,
    network: "PreTrainedModel",
    pad_token_id: int,
    known: "SharedTokens",
    min_shared_tokens: int = MIN_SHARED_TOKENS,
) -> Decoding:
    """What answers a batch in that way.

    Args:
        known, min_shared_tokens: as OverSharedCache has them; the other ways share nothing.
    """
    if path == "shared":
        return OverSharedCache(network, known, min_shared_tokens)
    return Rereading(network) if path == "reread" else OverOwnState(network, pad_token_id)


_refusals: "WeakKeyDictionary[Module, dict[DecodingPath, str | None]]" = WeakKeyDictionary()


def _refusal(network: "PreTrainedModel", path: DecodingPath) -> str | None:
    """Why the network cannot be asked in that way, which is tried once; None if it can."""
    known = _refusals.setdefault(without_adapter(network), {})
    if path not in known:
        known[path] = _try(network, path)
    return known[path]


PROBE_LENGTHS, PROBE_SHARED = (11, 6), 4
PROBE_TOLERANCE = 1e-4
"""Of the largest logit. Float32 differs by 1e-6; a row that saw another one, or a wrong position, by far more."""

_WAYS: dict[DecodingPath, str] = {
    "shared": "over a shared cache",
    "padded": "beside padding",
    "alone": "over what it keeps of a text",
}


def _try(network: "PreTrainedModel", path: DecodingPath) -> str | None:
    """As `_refusal`."""
    import torch

    name = type(without_adapter(network)).__name__
    with torch.inference_mode(), torch.autocast(network.device.type, enabled=False):
        try:
            found = _probe(network, path)
        except REFUSALS as error:
            return f"{name} cannot be asked {_WAYS[path]}: {first_line(error)}"
        # Of a tensor, not of numbers: max([0.0, nan]) is 0.0.
        off = torch.tensor([_difference(logits_V, network, text) for text, logits_V in found]).max().item()
    if not off <= PROBE_TOLERANCE:
        return f"{name} gives other logits {_WAYS[path]}, by {off:.1g} of the largest"
    return None


def _probe(network: "PreTrainedModel", path: DecodingPath) -> "list[tuple[list[int], Tensor]]":
    """Texts, and the logits_V of what comes next: prompts are read and go on, at last without the first of them."""
    import torch

    from tunewright.model.cached_attention import SharedTokens

    vocabulary_size = network.config.get_text_config().vocab_size
    texts = [
        [(7 * place + 3 * row * (place >= PROBE_SHARED) + 1) % vocabulary_size for place in range(length)]
        for row, length in enumerate(PROBE_LENGTHS)
    ]
    at_once = prompts_at_once(path, len(texts))
    found: list[tuple[list[int], Tensor]] = []
    for group in (texts[start : start + at_once] for start in range(0, len(texts), at_once)):
        decoding = open_decoding(path, network, 0, SharedTokens(), min_shared_tokens=1)
        found += zip(group, decoding.start(group, 2), strict=True)
        for token in (5 % vocabulary_size, 2 % vocabulary_size):
            group = [[*text, token] for text in group]
            found += zip(group, decoding.step(torch.tensor([token] * len(group), device=network.device)), strict=True)
            if len(group) > 1:
                group = group[1:]
                decoding.keep(torch.arange(1, len(group) + 1, device=network.device))
    return found


def _difference(logits_V: "Tensor", network: "PreTrainedModel", text: Sequence[int]) -> float:
    """From those of the text read alone and as a whole; relative to the largest of them."""
    expected_V = Rereading(network).start([text], 0)[0]
    return ((logits_V - expected_V).abs().max() / expected_V.abs().max()).item()
