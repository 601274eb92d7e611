"""Batches computed side by side, each by a thread with one core, instead of all cores at work on every product.

A product is divided among cores for a moment and everyone waits for the slowest, which is a large part of a small
base's work. Only our own layers are computed so: the networks' own code is told about documents through settings of the
network, which threads would change under each other.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from tunewright.model.layout import attention_path

if TYPE_CHECKING:
    from transformers import PreTrainedModel

LARGEST_HIDDEN_SIZE = 576
"""The widest base that this was measured with."""

CHANGING_ROTATIONS = ("dynamic", "longrope")
"""Kinds of rotary embeddings whose modules remember the lengths they have seen."""

One = TypeVar("One")
Found = TypeVar("Found")


def threads_refusal(network: "PreTrainedModel", longest: int = 0) -> str | None:
    """Why batches of this network are not computed side by side; None if they are.

    Args:
        longest: tokens of the longest row.
    """
    config = network.config.get_text_config()
    if num_threads() == 1:
        return "there is one thread"
    if network.device.type != "cpu":
        return f"it is on {network.device.type}, where the threads of the CPU compute nothing"
    if attention_path(network, longest)[0] != "fast":
        return "the network's own code computes one batch at a time"
    if config.hidden_size > LARGEST_HIDDEN_SIZE:
        return f"it is {config.hidden_size} columns wide, and was measured up to {LARGEST_HIDDEN_SIZE}"
    rotation = (config.rope_parameters or {}).get("rope_type")
    return f"its {rotation} rotation remembers what it has seen" if rotation in CHANGING_ROTATIONS else None


def side_by_side(compute: Callable[[One], Found], items: Sequence[One], num_parts: int) -> Iterator[Found]:
    """What `compute` gives for each item, in order, by so many threads; all of them start with the first `next`."""
    if num_parts <= 1:
        yield from map(compute, items)
        return
    with threads_for(num_parts), ThreadPoolExecutor(num_parts) as pool:
        yield from pool.map(compute, items)


@contextmanager
def threads_for(num_parts: int) -> Iterator[None]:
    """While open, products take this thread's share of the threads. Threads that are started inherit it."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(before // num_parts)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def num_threads() -> int:
    """That products are divided among."""
    import torch

    return torch.get_num_threads()
