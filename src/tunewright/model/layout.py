"""How a network's batches are laid out and what computes them, tried on each network before it is used.

fast      our own layers on a packed row
packed    the network's own code on a packed row
padded    the network's own code on sequences side by side
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from tunewright.errors import ModelError
from tunewright.model.batch import PackedBatch, num_shared_tokens, pack_sequences, pad_sequences
from tunewright.model.passes import (
    fast_logits,
    packed_logits,
    packed_states,
    padded_logits,
    plain_head,
    token_losses,
    without_adapter,
)
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from transformers import PreTrainedModel

AttentionPath = Literal["fast", "packed", "padded"]

PROBE_LENGTHS = (27, 22)
"""Tokens of the two sequences that layouts are tried with."""

PROBE_SHARED_TOKENS = 18
"""How many of them are the same in both."""

PROBE_TOLERANCE = 1e-4
"""Nats per token. Float32 differs by 1e-6; a document that saw the other one would differ by far more."""


def attention_path(network: "PreTrainedModel", longest: int = 0) -> tuple[AttentionPath, str]:
    """How sequences are computed for this network, and why not faster.

    "fast" is our own layers on a packed row; "packed" is the network's own code on a packed row, where every layer of
    attention can be told where documents end; "padded" is the network's own code on sequences side by side. Each is
    tried before it is used: the losses of two short sequences must be those of the padded batch. That runs once per
    network.

    Args:
        longest: tokens of the longest sequence. Packing does not know attention windows, so none may be shorter.
    """
    layout = layout_of(network)
    if layout.padded_reason is not None:
        return "padded", layout.padded_reason
    config = network.config.get_text_config()
    for setting in ("sliding_window", "attention_chunk_size"):
        window = getattr(config, setting, None)
        if window is not None and window < longest:
            return "padded", f"sequences of up to {longest:,} tokens are longer than the {setting} of {window:,}"
    if layout.slow_reason is not None:
        return "packed", layout.slow_reason
    return "fast", "equal to the network's own code on a test"


def describe_path(network: "PreTrainedModel", sequences: Sequence[TokenSequence]) -> str:
    """How these sequences will be computed, in a sentence or two for the user."""
    path, reason = attention_path(network, max((len(sequence.token_ids) for sequence in sequences), default=0))
    how = {
        "fast": "Rows are packed without padding and computed by tunewright's own layers",
        "packed": "Rows are packed without padding and computed by the network's own code",
        "padded": "Rows are padded to equal length and computed by the network's own code",
    }
    num_shared = num_shared_tokens(sequences) if path != "padded" and shares_prompts(network) else 0
    shared = f" The {num_shared} tokens that all rows begin with are computed once per batch." if num_shared else ""
    return f"{how[path]} ({reason}).{shared}"


def shares_prompts(network: "PreTrainedModel") -> bool:
    """On CUDA all documents are one call of a kernel that knows no shared beginning."""
    return str(network.device.type) != "cuda"


@dataclass(frozen=True, slots=True)
class Layout:
    """What trying a network has shown."""

    padded_reason: str | None = None
    """Why it cannot be packed; None if it can."""
    slow_reason: str | None = None
    """Why it needs the network's own code; None if our layers compute the same."""
    has_plain_head: bool = False
    """Its logits are one linear map of the last hidden states: not scaled, capped or adapted."""


_layouts: "WeakKeyDictionary[Module, Layout]" = WeakKeyDictionary()


def layout_of(network: "PreTrainedModel") -> Layout:
    """What trying this network has shown; it is tried once."""
    if network not in _layouts:
        _layouts[network] = _try_layouts(network)
    return _layouts[network]


def use_own_code(network: "PreTrainedModel", reason: str) -> None:
    """Keep a network from the fast path. Its own code is tried now, and is used from now on.

    Args:
        reason: for the user.
    """
    _layouts[network] = _try_layouts(network, reason)


def _try_layouts(network: "PreTrainedModel", slow_reason: str | None = None) -> Layout:
    import torch

    name = type(without_adapter(network)).__name__
    if not getattr(network, "_supports_attention_backend", False):
        return Layout(f"{name} has attention of its own, which cannot be told where documents end")
    probes = _probes(network.config.get_text_config().vocab_size)
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), torch.autocast(network.device.type, enabled=False):
            logits_NV, targets_N, _, _ = padded_logits(network, pad_sequences(probes, 0, network.device))
            expected_N = token_losses(logits_NV, targets_N)
            batches = [pack_sequences(probes, network.device, share=share) for share in (False, True)]
            slow_reason = slow_reason or _slow_reason(network, batches, expected_N)
            if slow_reason is None:
                return Layout(has_plain_head=True)
            for batch in batches:
                difference = _difference(packed_logits(network, batch), batch, expected_N)
                if not difference <= PROBE_TOLERANCE:
                    return Layout(f"{name} gives other losses when packed, by {difference:.1g} nats")
            return Layout(None, slow_reason, _has_plain_head(network, batches[0], expected_N))
    except (ModelError, TypeError, ValueError, RuntimeError) as error:
        return Layout(f"{name} cannot be told where documents end: {str(error).partition(chr(10))[0]}")
    finally:
        network.train(was_training)


def _probes(vocabulary_size: int) -> list[TokenSequence]:
    probes = []
    for row, length in enumerate(PROBE_LENGTHS):
        first = [token * 7 + 1 for token in range(PROBE_SHARED_TOKENS)]
        rest = [token * 5 + row + 3 for token in range(PROBE_SHARED_TOKENS, length)]
        token_ids = tuple(token % vocabulary_size for token in first + rest)
        probes.append(TokenSequence("probe", token_ids, (0.0, *[1.0] * (length - 1)), None))
    return probes


def _slow_reason(network: "PreTrainedModel", batches: Sequence[PackedBatch], expected_N: "Tensor") -> str | None:
    from tunewright.model.decoder import decoder_refusal

    base, head = without_adapter(network), plain_head(network)
    if base.device.type == "cuda":
        return "a GPU is fed by few large kernels, and the layers of our own are many small ones"
    refusal = decoder_refusal(base)
    if refusal is not None or head is None:
        return refusal or "its head is not a plain linear layer"
    differences = [_difference(fast_logits(network, batch, head), batch, expected_N) for batch in batches]
    if not max(differences) <= PROBE_TOLERANCE:
        return f"our layers give other losses than {type(base).__name__}, by {max(differences):.1g} nats"
    return None


def _has_plain_head(network: "PreTrainedModel", batch: PackedBatch, expected_N: "Tensor") -> bool:
    from tunewright.model.head import head_logits

    head = plain_head(network)
    if head is None:
        return False
    logits_NV = head_logits(head, packed_states(network, batch))
    return _difference(logits_NV, batch, expected_N) <= PROBE_TOLERANCE


def _difference(logits_NV: "Tensor", batch: PackedBatch, expected_N: "Tensor") -> float:
    """Largest, in nats per token."""
    return (token_losses(logits_NV, batch.targets_N) - expected_N).abs().max().item()
