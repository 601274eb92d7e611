"""What our own kinds of attention share: taking the place of a network's, and the dtype they compute in.

This file needs torch for its tensors: import it inside functions.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@contextmanager
def own_attention(
    network: "PreTrainedModel", name: str, attention: Callable[..., tuple[Tensor, Any]]
) -> Iterator[None]:
    """While open, every layer of the network calls `attention`, through transformers' own interface.

    Args:
        name: under which transformers knows it. No mask function has this name, so no mask is built.
    """
    from transformers import AttentionInterface

    AttentionInterface.register(name, attention)
    before = network.config._attn_implementation
    network.config._attn_implementation = name
    try:
        yield
    finally:
        network.config._attn_implementation = before


def compute_dtype(query: Tensor, value: Tensor) -> torch.dtype:
    """What products are computed in: autocast's dtype where it is on, else the wider one of the states."""
    device = query.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return torch.promote_types(query.dtype, value.dtype)
