"""Gradient checkpointing: layers keep only what goes into them, and are computed a second time in the backward pass.

The memory of a training step is then that of one layer's activations and of every layer's input, for about a third more
time (Chen et al. 2016, arXiv:1604.06174). Losses, dropout and gradients are the same to the bit. The switch is the
network's own, of transformers: its own code and our layers both look at it.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from tunewright.errors import ModelError
from tunewright.model.passes import without_adapter

if TYPE_CHECKING:
    from torch import Generator, Tensor
    from transformers import PreTrainedModel


def can_recompute(network: "PreTrainedModel") -> bool:
    """Whether the network has layers that can be computed a second time."""
    return bool(without_adapter(network).supports_gradient_checkpointing)


def recompute_layers(network: "PreTrainedModel", *, is_on: bool) -> None:
    """Switch gradient checkpointing on or off.

    Raises:
        ModelError: the architecture does not know it.
    """
    base = without_adapter(network)
    if base.is_activation_checkpointing == is_on:
        return
    if is_on and not can_recompute(network):
        raise ModelError(
            f"train.gradient_checkpointing: {type(base).__name__} has no gradient checkpointing. Use never, a lower "
            "train.max_length or a base of another architecture."
        )
    if is_on:
        base.activation_checkpointing_enable({"use_reentrant": False})
    else:
        base.activation_checkpointing_disable()


def recomputed(
    compute: "Callable[[Tensor, Generator | None], Tensor]", states: "Tensor", generator: "Generator | None"
) -> "Tensor":
    """`compute(states, generator)`, of which only the states are kept, and the rest computed again when it is needed.

    Args:
        compute: may draw random numbers, of this generator alone; the second time it draws the same ones.
        generator: torch's own if None. That one belongs to all threads, so threads bring their own.
    """
    import torch
    from torch.utils.checkpoint import checkpoint

    state = None if generator is None else generator.get_state()
    is_second = False

    def draw_alike(again: "Tensor") -> "Tensor":
        nonlocal is_second
        chosen = generator
        if is_second and state is not None:
            chosen = torch.Generator()
            chosen.set_state(state)
        is_second = True
        return compute(again, chosen)

    computed = checkpoint(draw_alike, states, use_reentrant=False, preserve_rng_state=generator is None)
    assert isinstance(computed, torch.Tensor)
    return computed
