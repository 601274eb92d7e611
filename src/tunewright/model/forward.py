"""One forward pass, logits only where something is trained."""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from weakref import WeakKeyDictionary

from tunewright.errors import ModelError
from tunewright.model.batch import (
    PackedBatch,
    PaddedBatch,
    cut_best_fit,
    cut_by_longest,
    num_read_tokens,
    num_shared_tokens,
    pack_sequences,
    pad_sequences,
)
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Generator, Tensor, device
    from torch.nn import Linear, Module
    from transformers import PreTrainedModel

AttentionPath = Literal["fast", "packed", "padded"]


def compute_precision(precision: Precision, device: "device") -> AbstractContextManager[object]:
    """Matrix products in `precision` while open; weights keep their own."""
    import torch

    if precision == "bfloat16":
        return torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def backward_pass(network: "PreTrainedModel", batch: PackedBatch | PaddedBatch, loss: "Tensor") -> None:
    """Add the gradients of a batch's loss to the trained weights.

    With gradient checkpointing the network's own code computes layers again in here, which have to attend within the
    same documents.
    """
    import torch

    from tunewright.model.attention import attention_within_documents

    with attention_within_documents(network) if isinstance(batch, PackedBatch) else nullcontext():
        torch.autograd.backward(loss)


def make_batches(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], max_tokens: int, pad_token_id: int
) -> Iterator[tuple[list[int], PackedBatch | PaddedBatch]]:
    """Cut sequences into batches of at most `max_tokens` tokens each, packed if the network allows it.

    The network's weights must not change until the last batch has been computed.

    Returns:
        The indices of the sequences of each batch, in its order, and the batch. They depend on network and sequences
        alone. Padding counts as tokens; a sequence longer than `max_tokens` is a batch of its own.
    """
    from tunewright.model.projection import forget_copies

    forget_copies()
    lengths = [len(sequence.token_ids) for sequence in sequences]
    if attention_path(network, max(lengths, default=0))[0] == "padded":
        for group in cut_by_longest(lengths, max_tokens):
            yield group, pad_sequences([sequences[index] for index in group], pad_token_id, network.device)
        return
    # A prompt that all share is in every batch, once.
    num_shared = num_shared_tokens(sequences) if _shares_prompts(network) else 0
    lengths = [num_read_tokens(sequence) - num_shared for sequence in sequences]
    for group in cut_best_fit(lengths, max_tokens - num_shared):
        chosen = [sequences[index] for index in group]
        yield group, pack_sequences(chosen, network.device, share=_shares_prompts(network))


def make_scoring_batches(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], max_tokens: int, pad_token_id: int
) -> Iterator[tuple[list[int], PackedBatch | PaddedBatch]]:
    """As `make_batches`, for passes without gradients: sequences that begin alike share more, where it is worth it."""
    from tunewright.model.branches import branched_batches, groups_that_save
    from tunewright.model.projection import forget_copies

    longest = max((len(sequence.token_ids) for sequence in sequences), default=0)
    is_fast = attention_path(network, longest)[0] == "fast"
    groups = groups_that_save(sequences) if is_fast and not num_shared_tokens(sequences) else None
    if groups is None:
        yield from make_batches(network, sequences, max_tokens, pad_token_id)
        return
    forget_copies()
    yield from branched_batches(sequences, groups, max_tokens, network.device)


def _shares_prompts(network: "PreTrainedModel") -> bool:
    """On CUDA all documents are one call of a kernel that knows no shared beginning."""
    return str(network.device.type) != "cuda"


def trained_loss(
    network: "PreTrainedModel", batch: PackedBatch | PaddedBatch, generator: "Generator | None" = None
) -> "Tensor":
    """Sum over the trained tokens of loss weight x cross-entropy in nats, for the backward pass.

    Args:
        generator: what our own layers' dropout draws from; torch's own if None. The network's own code knows no other.
    """
    from tunewright.model.head import head_loss

    head = _plain_head(network)
    if isinstance(batch, PackedBatch) and head is not None and _layout(network).has_plain_head:
        states_ND = _last_states(network, batch, generator)
        return head_loss(head, states_ND, batch.targets_N, batch.loss_weights_N)
    losses_N, weights_N, _ = trained_token_losses(network, batch)
    return (losses_N * weights_N).sum()


def trained_token_losses(
    network: "PreTrainedModel", batch: PackedBatch | PaddedBatch
) -> tuple["Tensor", "Tensor", "Tensor"]:
    """Cross-entropy of every token whose loss weight is positive.

    The head runs only at positions where some row of the batch is trained: with a large vocabulary and a long prompt
    the logits would otherwise be most of the memory.

    Args:
        network: a causal language model of transformers, with or without a PEFT adapter.
        batch: N of its tokens have a positive weight; token 0 of a row cannot be predicted and has weight 0.
    Returns:
        losses_N in nats (at least float32), their weights_N, and the row_N of the batch that each belongs to.
    """
    import torch
    from torch.nn import functional

    from tunewright.model.head import head_losses

    head = _plain_head(network)
    if (
        isinstance(batch, PackedBatch)
        and head is not None
        and not torch.is_grad_enabled()
        and _layout(network).has_plain_head
    ):
        losses_N = head_losses(head, _last_states(network, batch), batch.targets_N)
        return losses_N, batch.loss_weights_N, batch.row_N
    logits_NV, targets_N, weights_N, row_N = trained_logits(network, batch)
    logits_NV = logits_NV.to(torch.promote_types(logits_NV.dtype, torch.float32))
    return functional.cross_entropy(logits_NV, targets_N, reduction="none"), weights_N, row_N


def trained_logits(
    network: "PreTrainedModel", batch: PackedBatch | PaddedBatch
) -> tuple["Tensor", "Tensor", "Tensor", "Tensor"]:
    """What `trained_token_losses` compares: logits_NV, targets_N, weights_N and row_N, row by row of the batch."""
    import torch

    if not isinstance(batch, PackedBatch):
        return _padded_logits(network, batch)
    head = _plain_head(network)
    is_fast = head is not None and not torch.is_grad_enabled() and _layout(network).slow_reason is None
    logits_NV = _fast_logits(network, batch, head) if head and is_fast else _packed_logits(network, batch)
    return logits_NV, batch.targets_N, batch.loss_weights_N, batch.row_N


def _plain_head(network: "PreTrainedModel") -> "Linear | None":
    from torch.nn import Linear

    head = without_adapter(network).get_output_embeddings()
    return head if type(head) is Linear else None  # PEFT's are not


def _last_states(network: "PreTrainedModel", batch: PackedBatch, generator: "Generator | None" = None) -> "Tensor":
    """[N, D]: last hidden states where the targets are predicted, of a network whose head is plain."""
    from tunewright.model.decoder import last_states

    if _layout(network).slow_reason is None:
        return last_states(without_adapter(network), batch, generator)
    return _packed_states(network, batch)


def _packed_states(network: "PreTrainedModel", batch: PackedBatch) -> "Tensor":
    """[N, D]: last hidden states where the targets are predicted, by the network's own code."""
    from tunewright.model.attention import attention_within_documents

    with attention_within_documents(network):
        hidden_TD: Tensor = without_adapter(network).base_model(**_packed_inputs(batch)).last_hidden_state[0]
    return hidden_TD[batch.positions_N]


def _packed_logits(network: "PreTrainedModel", batch: PackedBatch) -> "Tensor":
    """[N, V], by the network's own code."""
    from tunewright.model.attention import attention_within_documents

    with attention_within_documents(network):
        if can_keep_logits(network):
            logits_NV: Tensor = network(**_packed_inputs(batch), logits_to_keep=batch.positions_N).logits[0]
        else:
            logits_NV = network(**_packed_inputs(batch)).logits[0, batch.positions_N]
    return logits_NV


def _fast_logits(network: "PreTrainedModel", batch: PackedBatch, head: "Linear") -> "Tensor":
    """[N, V], by our own layers; without a gradient for the head."""
    from tunewright.model.decoder import last_states
    from tunewright.model.head import head_logits

    return head_logits(head, last_states(without_adapter(network), batch))


def _packed_inputs(batch: PackedBatch) -> dict[str, object]:
    return {
        "input_ids": batch.token_ids_T[None],
        "position_ids": batch.position_ids_T[None],
        "document_offsets": batch.document_offsets,
        "num_shared_tokens": batch.num_shared_tokens,
        "use_cache": False,
    }


def _padded_logits(network: "PreTrainedModel", batch: PaddedBatch) -> tuple["Tensor", "Tensor", "Tensor", "Tensor"]:
    import torch

    trained_BS = batch.loss_weights_BT[:, 1:] > 0
    positions_K = trained_BS.any(dim=0).nonzero()[:, 0]
    inputs = {"input_ids": batch.token_ids_BT, "attention_mask": batch.attention_mask_BT, "use_cache": False}
    if can_keep_logits(network):
        logits_BKV = network(**inputs, logits_to_keep=positions_K).logits
    else:
        logits_BKV = network(**inputs).logits[:, positions_K]
    trained_BK = trained_BS[:, positions_K]
    targets_N = batch.token_ids_BT[:, 1:][:, positions_K][trained_BK]
    weights_N = batch.loss_weights_BT[:, 1:][:, positions_K][trained_BK]
    row_N = torch.arange(len(trained_BK), device=targets_N.device)[:, None].expand_as(trained_BK)[trained_BK]
    return logits_BKV[trained_BK], targets_N, weights_N, row_N


def can_keep_logits(network: "PreTrainedModel") -> bool:
    """Whether the network's forward takes `logits_to_keep`, as most architectures of transformers do."""
    return "logits_to_keep" in inspect.signature(without_adapter(network).forward).parameters


def attention_path(network: "PreTrainedModel", longest: int = 0) -> tuple[AttentionPath, str]:
    """How sequences are computed for this network, and why not faster.

    "fast" is our own layers on a packed row; "packed" is the network's own code on a packed row, where every layer of
    attention can be told where documents end; "padded" is the network's own code on sequences side by side. Each is
    tried before it is used: the losses of two short sequences must be those of the padded batch. That runs once per
    network.

    Args:
        longest: tokens of the longest sequence. Packing does not know attention windows, so none may be shorter.
    """
    layout = _layout(network)
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
    num_shared = num_shared_tokens(sequences) if path != "padded" and _shares_prompts(network) else 0
    shared = f" The {num_shared} tokens that all rows begin with are computed once per batch." if num_shared else ""
    return f"{how[path]} ({reason}).{shared}"


@dataclass(frozen=True, slots=True)
class _Layout:
    """What trying a network has shown."""

    padded_reason: str | None = None
    """Why it cannot be packed; None if it can."""
    slow_reason: str | None = None
    """Why it needs the network's own code; None if our layers compute the same."""
    has_plain_head: bool = False
    """Its logits are one linear map of the last hidden states: not scaled, capped or adapted."""


_layouts: "WeakKeyDictionary[Module, _Layout]" = WeakKeyDictionary()


def _layout(network: "PreTrainedModel") -> _Layout:
    if network not in _layouts:
        _layouts[network] = _try_layouts(network)
    return _layouts[network]


PROBE_LENGTHS = (27, 22)
"""Tokens of the two sequences that layouts are tried with."""

PROBE_SHARED_TOKENS = 18
"""How many of them are the same in both."""

PROBE_TOLERANCE = 1e-4
"""Nats per token. Float32 differs by 1e-6; a document that saw the other one would differ by far more."""


def use_own_code(network: "PreTrainedModel", reason: str) -> None:
    """Keep a network from the fast path. Its own code is tried now, and is used from now on.

    Args:
        reason: for the user.
    """
    _layouts[network] = _try_layouts(network, reason)


def _try_layouts(network: "PreTrainedModel", slow_reason: str | None = None) -> _Layout:
    import torch

    name = type(without_adapter(network)).__name__
    if not getattr(network, "_supports_attention_backend", False):
        return _Layout(f"{name} has attention of its own, which cannot be told where documents end")
    probes = _probes(network.config.get_text_config().vocab_size)
    was_training = network.training
    network.eval()
    try:
        with torch.no_grad(), torch.autocast(network.device.type, enabled=False):
            expected_N, _, _ = trained_token_losses(network, pad_sequences(probes, 0, network.device))
            batches = [pack_sequences(probes, network.device, share=share) for share in (False, True)]
            slow_reason = slow_reason or _slow_reason(network, batches, expected_N)
            if slow_reason is None:
                return _Layout(has_plain_head=True)
            for batch in batches:
                difference = _difference(_packed_logits(network, batch), batch, expected_N)
                if not difference <= PROBE_TOLERANCE:
                    return _Layout(f"{name} gives other losses when packed, by {difference:.1g} nats")
            return _Layout(None, slow_reason, _has_plain_head(network, batches[0], expected_N))
    except (ModelError, TypeError, ValueError, RuntimeError) as error:
        return _Layout(f"{name} cannot be told where documents end: {str(error).partition(chr(10))[0]}")
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

    base, head = without_adapter(network), _plain_head(network)
    if base.device.type == "cuda":
        return "a GPU is fed by few large kernels, and the layers of our own are many small ones"
    refusal = decoder_refusal(base)
    if refusal is not None or head is None:
        return refusal or "its head is not a plain linear layer"
    differences = [_difference(_fast_logits(network, batch, head), batch, expected_N) for batch in batches]
    if not max(differences) <= PROBE_TOLERANCE:
        return f"our layers give other losses than {type(base).__name__}, by {max(differences):.1g} nats"
    return None


def _has_plain_head(network: "PreTrainedModel", batch: PackedBatch, expected_N: "Tensor") -> bool:
    from tunewright.model.head import head_logits

    head = _plain_head(network)
    if head is None:
        return False
    logits_NV = head_logits(head, _packed_states(network, batch))
    return _difference(logits_NV, batch, expected_N) <= PROBE_TOLERANCE


def _difference(logits_NV: "Tensor", batch: PackedBatch, expected_N: "Tensor") -> float:
    """Largest, in nats per token."""
    from torch.nn import functional

    return (functional.cross_entropy(logits_NV, batch.targets_N, reduction="none") - expected_N).abs().max().item()


def without_adapter(network: "PreTrainedModel") -> "PreTrainedModel":
    """The base below PEFT's wrapper, which takes any arguments; the adapter's layers stay in it."""
    return network.get_base_model() if hasattr(network, "get_base_model") else network
