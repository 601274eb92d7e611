"""What a network does with two short sequences: which layouts give their losses, and who sees whom in them.

The losses of sequences that the network's own code computes one at a time are what every layout has to give. That
alone would not tell enough: where weights are small, as at the start of a pretraining, what a layer carries from one
document into the next changes losses by less than rounding, and their gradients by a tenth (a short convolution). So
each sequence's losses are differentiated with respect to the embeddings of all tokens: those of others, and of padding,
must have no gradient.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.errors import ModelError
from tunewright.model.batch import PackedBatch, PaddedBatch, pack_sequences, pad_sequences
from tunewright.model.out_of_memory import is_out_of_memory
from tunewright.model.passes import (
    can_keep_logits,
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

PROBE_LENGTHS = (27, 22)
"""Tokens of the two sequences that layouts are tried with."""

PROBE_SHARED_TOKENS = 18
"""How many of them are the same in both, and not trained: a batch computes only such tokens once."""

PROBE_TOLERANCE = 1e-4
"""Nats per token. Float32 differs by 1e-6; a document that saw the other one would differ by far more."""

REFUSALS = (ModelError, AssertionError, AttributeError, LookupError, TypeError, ValueError, RuntimeError)
"""What a network's code ends in where it is asked in a way that it does not know."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What trying a network has shown. Whether rows can be padded is tried where they are: `try_padding`."""

    padded_reason: str | None = None
    """Why they cannot be packed; None if they can."""
    slow_reason: str | None = None
    """Why it needs the network's own code; None if our layers compute the same."""
    has_plain_head: bool = False
    """Its logits are one linear map of the last hidden states: not scaled, capped or adapted."""


def try_layouts(network: "PreTrainedModel", slow_reason: str | None = None) -> Layout:
    """Try all layouts, the fastest first.

    Args:
        slow_reason: why our layers are not tried.
    Raises:
        ModelError: the network's own code cannot compute a sequence of tokens, or lets tokens see later ones.
    """
    import torch

    probes = _probes(network.config.get_text_config().vocab_size)
    # Whoever asks first may be scoring, and gradients are needed here.
    with torch.inference_mode(False), torch.no_grad(), _without_autocast_and_dropout(network):
        expected_N = _losses_alone(network, probes)
        batches = [pack_sequences(probes, network.device, share=share) for share in (False, True)]
        slow_reason = slow_reason or _slow_reason(network, batches, expected_N)
        if slow_reason is None:
            return Layout(has_plain_head=True)
        _require_causal(network, probes[0])
        padded_reason = _packing_refusal(network, batches, expected_N)
        return Layout(
            padded_reason=padded_reason,
            slow_reason=slow_reason,
            has_plain_head=padded_reason is None and _has_plain_head(network, batches[0]),
        )


def try_padding(network: "PreTrainedModel") -> str | None:
    """Why sequences cannot be padded to equal length; None if they can.

    Raises: as `try_layouts`.
    """
    import torch

    probes = _probes(network.config.get_text_config().vocab_size)
    with torch.inference_mode(False), torch.no_grad(), _without_autocast_and_dropout(network):
        return _padding_refusal(network, probes, _losses_alone(network, probes))


def first_line(error: Exception) -> str:
    """Of what a network's code said.

    Raises:
        Exception: `error`, if memory ran out: it says nothing about the network.
    """
    if is_out_of_memory(error):
        raise error
    return str(error).partition("\n")[0]


def _probes(vocabulary_size: int) -> list[TokenSequence]:
    probes = []
    for row, length in enumerate(PROBE_LENGTHS):
        first = [token * 7 + 1 for token in range(PROBE_SHARED_TOKENS)]
        rest = [token * 5 + row + 3 for token in range(PROBE_SHARED_TOKENS, length)]
        token_ids = tuple(token % vocabulary_size for token in first + rest)
        weights = (0.0,) * PROBE_SHARED_TOKENS + (1.0,) * (length - PROBE_SHARED_TOKENS)
        probes.append(TokenSequence("probe", token_ids, weights, None))
    return probes


@contextmanager
def _without_autocast_and_dropout(network: "PreTrainedModel") -> Iterator[None]:
    import torch

    was_training = network.training
    network.eval()
    try:
        with torch.autocast(network.device.type, enabled=False):
            yield
    finally:
        network.train(was_training)


def _losses_alone(network: "PreTrainedModel", probes: Sequence[TokenSequence]) -> "Tensor":
    import torch

    try:
        alone = [_own_losses(network, pad_sequences([probe], 0, network.device))[0] for probe in probes]
    except REFUSALS as error:
        name = type(without_adapter(network)).__name__
        raise ModelError(
            f"base {name}: its own code cannot compute a sequence of tokens ({first_line(error)}), expected a causal "
            "language model of text, as Llama, Qwen or Gemma. Choose another base."
        ) from None
    return torch.cat(alone)


def _require_causal(network: "PreTrainedModel", probe: TokenSequence) -> None:
    """Refuse a network that fills in words, as BERT does: it would learn to copy the next token, which it sees."""
    import torch

    with torch.enable_grad(), _watched_embeddings(network) as watched:
        try:
            losses_N, _ = _own_losses(network, pad_sequences([probe], 0, network.device))
            if len(watched) != 1:
                return
            (of_tokens,) = torch.autograd.grad(losses_N[0], watched)
        except REFUSALS as error:  # Reformer has gradients in training mode only
            if is_out_of_memory(error):
                raise
            return
    num_seen = len(probe.token_ids) - len(losses_N)
    # XLNet puts tokens before rows, of which there is one. Weights that are not finite say nothing of who sees whom.
    if of_tokens.flatten(end_dim=-2)[num_seen:].nan_to_num(0.0, 0.0, 0.0).count_nonzero():
        raise ModelError(
            f"base {type(without_adapter(network)).__name__}: found a network in which tokens see those after them, "
            "expected a causal language model, as Llama, Qwen or Gemma. Choose another base, or set what makes this "
            "one causal in its config.json, as is_decoder does for BERT."
        )


# Our own layers


def _slow_reason(network: "PreTrainedModel", batches: Sequence[PackedBatch], expected_N: "Tensor") -> str | None:
    import torch

    from tunewright.model.decoder import decoder_refusal

    base, head = without_adapter(network), plain_head(network)
    if base.device.type == "cuda":
        return "a GPU is fed by few large kernels, and the layers of our own are many small ones"
    refusal = decoder_refusal(base)
    if refusal is not None or head is None:
        return refusal or "its head is not a plain linear layer"
    found = [token_losses(fast_logits(network, batch, head), batch.targets_N) for batch in batches]
    # Of tensors, not of numbers: max([0.0, nan]) is 0.0.
    difference = _difference(torch.stack(found), expected_N)
    if not difference <= PROBE_TOLERANCE:
        return f"our layers give other losses than {type(base).__name__}, by {difference:.1g} nats"
    return None


# The network's own code, packed and padded


def _packing_refusal(network: "PreTrainedModel", batches: Sequence[PackedBatch], expected_N: "Tensor") -> str | None:
    """Why the network's own code cannot compute packed rows; None if it can."""
    name = type(without_adapter(network)).__name__
    if not getattr(network, "_supports_attention_backend", False):
        return f"{name} has attention of its own, which cannot be told where documents end"
    if getattr(network.config.get_text_config(), "attn_temperature_tuning", False):
        # From the 8,192nd token of a row on, which is more than is tried.
        return f"{name} scales attention by a token's place in the row, whatever document it belongs to"
    try:
        for batch in batches:
            refusal = _refusal(network, batch, expected_N)
            if refusal is not None:
                return f"{name} {refusal}"
    except REFUSALS as error:
        return f"{name} cannot be told where documents end: {first_line(error)}"
    return None


def _padding_refusal(network: "PreTrainedModel", probes: Sequence[TokenSequence], expected_N: "Tensor") -> str | None:
    """Why the network's own code cannot compute padded rows; None if it can."""
    name = type(without_adapter(network)).__name__
    try:
        refusal = _refusal(network, pad_sequences(probes, 0, network.device), expected_N)
    except REFUSALS as error:
        return f"{name} cannot be told what is padding: {first_line(error)}"
    return refusal and f"{name} {refusal}"


def _refusal(network: "PreTrainedModel", batch: PackedBatch | PaddedBatch, expected_N: "Tensor") -> str | None:
    """What is wrong with the network's own code on a batch; None if nothing is."""
    import torch

    how = "packed" if isinstance(batch, PackedBatch) else "padded"
    with torch.enable_grad(), _watched_embeddings(network) as watched:
        losses_N, row_N = _own_losses(network, batch)
        difference = _difference(losses_N.detach(), expected_N)
        if not math.isfinite(difference):
            return f"gives losses that are not finite when {how}"
        if difference > PROBE_TOLERANCE:
            return f"gives other losses when {how}, by {difference:.1g} nats"
        if len(watched) != 1:
            return f"looks its tokens up {len(watched)} times, so what they see of each other cannot be tried"
        for row in range(len(PROBE_LENGTHS)):
            (of_others,) = torch.autograd.grad(losses_N[row_N == row].sum(), watched, retain_graph=True)
            of_others[_own_tokens(batch, row)] = 0
            if of_others.count_nonzero():
                return f"lets sequences see more than themselves when {how}"
    return None


def _own_losses(network: "PreTrainedModel", batch: PackedBatch | PaddedBatch) -> tuple["Tensor", "Tensor"]:
    """losses_N by the network's own code, and row_N."""
    if isinstance(batch, PackedBatch):
        return token_losses(packed_logits(network, batch), batch.targets_N), batch.row_N
    logits_NV, targets_N, _, row_N = padded_logits(network, batch)
    return token_losses(logits_NV, targets_N), row_N


def _own_tokens(batch: PackedBatch | PaddedBatch, row: int) -> "Tensor":
    """Of the batch as the network is given it, [rows, T]: whether a token is one that a sequence may see."""
    import torch

    if not isinstance(batch, PackedBatch):
        is_own_BT = torch.zeros_like(batch.token_ids_BT, dtype=torch.bool)
        is_own_BT[row, : PROBE_LENGTHS[row]] = True
        return is_own_BT
    is_own_1T = torch.zeros_like(batch.token_ids_T, dtype=torch.bool)[None]
    is_own_1T[:, : batch.num_shared_tokens] = True
    document = row + (batch.num_shared_tokens > 0)
    is_own_1T[:, batch.document_offsets[document] : batch.document_offsets[document + 1]] = True
    return is_own_1T


@contextmanager
def _watched_embeddings(network: "PreTrainedModel") -> "Iterator[list[Tensor]]":
    """While open, what the network takes for its tokens' embeddings is put into the list, for gradients."""
    watched: list[Tensor] = []

    def watch(module: "Module", inputs: object, embedded: "Tensor") -> "Tensor":
        del module, inputs
        watched.append(embedded.detach().requires_grad_())
        return watched[-1].clone()  # some networks change what they are given

    handle = without_adapter(network).get_input_embeddings().register_forward_hook(watch)
    try:
        yield watched
    finally:
        handle.remove()


def _has_plain_head(network: "PreTrainedModel", batch: PackedBatch) -> bool:
    """Whether the head gets the last hidden states, and what it gives are the logits: nothing is done before or after.

    What it gives is replaced by large numbers, since a cap changes those, and small ones by less than rounding.
    """
    import torch

    head, base = plain_head(network), without_adapter(network)
    if head is None or base.base_model is base:  # Llama4's layers go by another name than it says
        return False
    taken, given = [], []

    def replace(module: "Module", inputs: "tuple[Tensor]", logits: "Tensor") -> "Tensor":
        del module
        taken.append(inputs[0])
        given.append(torch.linspace(-1e3, 1e3, logits.numel()).to(logits).view_as(logits))
        return given[-1]

    handle = head.register_forward_hook(replace)
    try:
        logits_NV = packed_logits(network, batch)
    finally:
        handle.remove()
    if len(taken) != 1:
        return False
    trained = slice(None) if can_keep_logits(network) else batch.positions_N
    are_last = torch.allclose(taken[0][0, trained], packed_states(network, batch), rtol=1e-4, atol=1e-6)
    return are_last and torch.equal(logits_NV, given[0][0, trained])


def _difference(losses_N: "Tensor", expected_N: "Tensor") -> float:
    """Largest, in nats per token; NaN if any is."""
    return (losses_N - expected_N).abs().max().item()
