"""How a network's batches are laid out and what computes them, tried on each network before it is used.

fast      our own layers on a packed row
packed    the network's own code on a packed row
padded    the network's own code on sequences side by side
alone     the network's own code on one sequence after the other
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from tunewright.model.adapter import left_out_layers
from tunewright.model.batch import num_shared_tokens
from tunewright.model.trial import Layout, try_layouts, try_padding
from tunewright.records import PathName, TrainingPath
from tunewright.render import TokenSequence

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedModel


def attention_path(network: "PreTrainedModel", longest: int = 0) -> tuple[PathName, str]:
    """How sequences are computed for this network, and why not faster.

    "fast" is our own layers on a packed row; "packed" is the network's own code on a packed row, where every layer of
    attention can be told where documents end; "padded" is the network's own code on sequences side by side, and
    "alone" on one after the other. The first three are tried before they are used: two short sequences must have the
    losses that they have alone and, in the network's own code, not see each other (trial.py). That runs once per
    network.

    Args:
        longest: tokens of the longest sequence. Packing does not know attention windows, so none may be shorter.
    """
    layout = layout_of(network)
    config = network.config.get_text_config()
    changing = changing_rotation(network, longest)
    if changing is not None:
        return "alone", changing
    padded_reason = layout.padded_reason or _shorter_window(config, longest)
    if padded_reason is not None:
        alone_reason = _why_not_padded(network)
        return ("padded", padded_reason) if alone_reason is None else ("alone", alone_reason)
    if layout.slow_reason is not None:
        return "packed", layout.slow_reason
    return "fast", "equal to the network's own code on a test"


def changing_rotation(network: "PreTrainedModel", longest: int) -> str | None:
    """Why sequences that long change others of their batch; None if they do not.

    A long rotation takes other factors for the whole batch once its longest row has more tokens than the base first
    knew. A dynamic one changes above `max_position_embeddings`, and no row is longer.
    """
    config = network.config.get_text_config()
    parameters = getattr(config, "rope_parameters", None) or {}
    # Some networks turn each kind of layer in its own way.
    for kind in [parameters] if "rope_type" in parameters else parameters.values():
        if (
            isinstance(kind, dict)
            and kind.get("rope_type") == "longrope"
            and longest > (limit := kind.get("original_max_position_embeddings", config.max_position_embeddings))
        ):
            return f"its longrope rotation turns all rows of a batch in another way once one is over {limit:,} tokens"
    return None


def _shorter_window(config: Any, longest: int) -> str | None:
    """Why sequences that long cannot be packed; None if all layers attend to the whole of them."""
    for setting in ("sliding_window", "attention_chunk_size"):
        window = getattr(config, setting, None)
        # Qwen2-MoE writes 0 for no window.
        if window and window < longest:
            return f"sequences of up to {longest:,} tokens are longer than the {setting} of {window:,}"
    return None


def training_path(network: "PreTrainedModel", sequences: Sequence[TokenSequence]) -> TrainingPath:
    """How these sequences will be computed, and why not faster."""
    path, reason = attention_path(network, max((len(sequence.token_ids) for sequence in sequences), default=0))
    is_shared = path in ("fast", "packed")
    return TrainingPath(
        name=path,
        reason=reason,
        num_shared_tokens=num_shared_tokens(sequences) if is_shared else 0,
        left_out_layers=left_out_layers(network),
    )


_layouts: "WeakKeyDictionary[Module, Layout]" = WeakKeyDictionary()


def layout_of(network: "PreTrainedModel") -> Layout:
    """What trying this network has shown; it is tried once."""
    if network not in _layouts:
        _layouts[network] = try_layouts(network)
    return _layouts[network]


_paddings: "WeakKeyDictionary[Module, str | None]" = WeakKeyDictionary()


def _why_not_padded(network: "PreTrainedModel") -> str | None:
    """As `try_padding`; a network is tried once, and only where its rows cannot be packed."""
    if network not in _paddings:
        _paddings[network] = try_padding(network)
    return _paddings[network]


def use_own_code(network: "PreTrainedModel", reason: str) -> None:
    """Keep a network from the fast path. Its own code is tried now, and is used from now on.

    Args:
        reason: for the user.
    """
    _layouts[network] = try_layouts(network, reason)
