"""The rows of a step divided among threads, each with one core, instead of all cores at work on every product.

Why: model/threads.py. Two threads with rows of their own trained 1.06 to 1.3 times as fast (LoRA, 256 to 576 columns,
an idle machine) and 2.4 times as fast where another program kept one of the two cores busy (docs/lab-notebook.md,
2026-11-26).

Threads share nothing but what is only read: each adds up gradients of its own, and dropout draws from a generator of
each micro-batch. Gradients are added in the order of the threads, so a result depends on rows, weights, random state
and the number of threads alone.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tunewright.model.adapter import trainable_parameters
from tunewright.model.batch import PackedBatch, PaddedBatch, divide_evenly, num_read_tokens, num_shared_tokens
from tunewright.model.forward import compute_precision, make_batches, trained_loss
from tunewright.model.threads import num_threads, side_by_side, threads_refusal
from tunewright.records import Precision
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

MOST_TRAINED = 50e6
"""Weights. Each thread needs a gradient of all of them: no gain was left for full tuning of 134M, and 1.1 to 1.3 times
the speed for 8M."""

MIN_TOKENS = 256
"""Of each part. Eight rows of 16 tokens took 1.4 times as long in two threads as in one part."""

MOST_TOKENS = 1.2
"""Times the tokens of a step that threads may compute, counting each thread as the one with most. More than that, where
rows are uneven or a long prompt is repeated, took longer than all threads together."""


def divide_step(
    network: "PreTrainedModel", sequences: Sequence[TokenSequence], tokens_per_micro_batch: int
) -> list[list[TokenSequence]]:
    """The rows that each thread computes, in order; all of them in one part where that takes less time.

    Args:
        tokens_per_micro_batch: most tokens computed at once, by all threads together.
    """
    longest = max(len(sequence.token_ids) for sequence in sequences)
    if refusal(network, longest) is not None:
        return [list(sequences)]
    parts = _divide(sequences, tokens_per_micro_batch, num_threads())
    return [[sequences[index] for index in part] for part in parts]


def refusal(network: "PreTrainedModel", longest: int = 0) -> str | None:
    """Why no step of this network is divided among threads; None if steps are.

    Args:
        longest: tokens of the longest row.
    """
    reason = threads_refusal(network, longest)
    if reason is None and sum(one.numel() for one in trainable_parameters(network).values()) > MOST_TRAINED:
        return "each thread would need a gradient of all its weights"
    return reason


def describe_division(network: "PreTrainedModel") -> str | None:
    """How steps are divided, for the user; None if they are not."""
    if refusal(network) is not None:
        return None
    return (
        f"Steps of {MIN_TOKENS * num_threads()} tokens and more are divided among {num_threads()} threads, each with "
        "rows of its own: for a base of this size that is faster than all of them at every product."
    )


def num_gradients_of_threads(network: "PreTrainedModel", rows: Sequence[TokenSequence]) -> int:
    """Gradients of all trained weights that threads may hold at once for these rows, beside the network's own."""
    longest = max(len(row.token_ids) for row in rows)
    return 0 if len(rows) == 1 or refusal(network, longest) else num_threads()


def _divide(sequences: Sequence[TokenSequence], tokens_per_micro_batch: int, most_parts: int) -> list[list[int]]:
    """Row indices of each part; all in one where the rows are too few, too long or too uneven to be divided.

    A prompt that all rows share is computed by every part.
    """
    num_shared = num_shared_tokens(sequences)
    lengths = [num_read_tokens(sequence) for sequence in sequences]
    own_lengths = [length - num_shared for length in lengths]
    for num_parts in range(most_parts, 1, -1):
        fits = max(lengths) <= tokens_per_micro_batch // num_parts
        parts = divide_evenly(own_lengths, num_parts)
        most = num_shared + max(sum(own_lengths[index] for index in part) for part in parts)
        total = num_shared + sum(own_lengths)
        is_gain = MIN_TOKENS * num_parts <= total and num_parts * most <= MOST_TOKENS * total
        if most_parts % num_parts == 0 and fits and is_gain:
            return parts
    return [list(range(len(sequences)))]


def accumulate_side_by_side(
    network: "PreTrainedModel",
    parts: Sequence[Sequence[TokenSequence]],
    total_weight: float,
    *,
    tokens_per_micro_batch: int,
    pad_token_id: int,
    precision: Precision,
) -> float:
    """Add the gradient of the step's mean token loss to the trained weights, each part in a thread of its own.

    When one of them fails, all others end, no gradient is added, and the error is raised here.

    Args:
        parts: as `divide_step` gives them.
        total_weight: of all trained tokens of the step.
    Returns:
        As train.loss.accumulate_gradients.
    """
    import torch

    parameters = list(trainable_parameters(network).values())

    def compute(batches: list[tuple[PackedBatch | PaddedBatch, int]]) -> "tuple[float, list[Tensor | None]]":
        """Loss and gradients of one thread's batches, each with the seed of its dropout."""
        total_loss = 0.0
        gradients: list[Tensor | None] = [None] * len(parameters)
        for batch, seed in batches:
            with compute_precision(precision, network.device):
                loss = trained_loss(network, batch, torch.Generator().manual_seed(seed)) / total_weight
            # Not `backward`, which would add to the gradients of all threads at once.
            _add(gradients, torch.autograd.grad(loss, parameters, allow_unused=True))
            total_loss += loss.item()
        return total_loss, gradients

    most = tokens_per_micro_batch // len(parts)
    work = [[batch for _, batch in make_batches(network, part, most, pad_token_id)] for part in parts]
    seeded = [[(batch, int(torch.randint(2**63 - 1, ()))) for batch in batches] for batches in work]
    done = list(side_by_side(compute, seeded, len(parts)))
    gradients = [parameter.grad for parameter in parameters]
    for _, found in done:
        _add(gradients, found)
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = gradient
    return sum(loss for loss, _ in done)


def _add(gradients: "list[Tensor | None]", found: "Sequence[Tensor | None]") -> None:
    """Into the list, not into its tensors: autograd may hand out one tensor for several weights."""
    for index, (before, gradient) in enumerate(zip(gradients, found, strict=True)):
        if gradient is not None:
            gradients[index] = gradient if before is None else before + gradient
