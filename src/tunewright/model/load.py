"""Load a base from a local folder: safetensors only, no remote code, float32 weights."""

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.errors import ModelError
from tunewright.model.out_of_memory import is_out_of_memory

if TYPE_CHECKING:
    from transformers import PreTrainedModel

MAX_DERIVED_CONTEXT = 2048
"""Longest context used without being asked: memory grows with it, and few instruction rows are longer."""


def load_base(folder: Path) -> "PreTrainedModel":
    """Load a causal language model for CPU or, when there is one, the first CUDA device.

    Weights are held in float32 so that training adds small updates without rounding them away; the matrix products
    run in the recipe's precision.

    Raises:
        ModelError: the architecture is unknown, or weights are missing, unreadable or of the wrong shape.
    """
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with _unreadable_refused(folder):
        network, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    missing = sorted(loading["missing_keys"])
    if missing:
        raise ModelError(
            f"base {folder.name}: {len(missing)} weights are missing from the files, such as {missing[0]}. They would "
            "be random. Download the model again, or check that config.json belongs to these weights."
        )
    if getattr(network.config, "rescale_every", 0):
        # RWKV halves its weights in place for answers in float16, and doubles them for training: not those of an
        # adapter, and not those of a copy that shares them. Wider numbers need none of it, and logits are the same.
        network.config.rescale_every = 0
    network.requires_grad_(False)
    return network.to(device).eval()


def context_length(folder: Path) -> int:
    """Most tokens to use without being asked: what the base was made for, but never above MAX_DERIVED_CONTEXT.

    Raises:
        ModelError: the architecture is unknown, or the configuration cannot be read.
    """
    return min(max_positions(folder) or MAX_DERIVED_CONTEXT, MAX_DERIVED_CONTEXT)


def max_positions(folder: Path) -> int | None:
    """Most tokens that the base was made for, from its configuration; None where it names no limit.

    Raises:
        ModelError: the architecture is unknown, or the configuration cannot be read.
    """
    from transformers import AutoConfig

    with _unreadable_refused(folder):
        config: Any = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    limit = getattr(config.get_text_config(), "max_position_embeddings", None)
    return None if limit is None else int(limit)


def num_parameters(folder: Path) -> int:
    """Weights stored in a model folder; see weight_shapes."""
    return sum(map(math.prod, weight_shapes(folder)))


def weight_shapes(folder: Path) -> list[tuple[int, ...]]:
    """Of each tensor of a model folder, read from the safetensors headers without loading them.

    Raises:
        ModelError: a file of weights is missing or cannot be read.
    """
    from safetensors import safe_open

    shapes: list[tuple[int, ...]] = []
    with _unreadable_refused(folder):
        for path in _weight_files(folder):
            with safe_open(path, framework="numpy") as tensors:
                names = tensors.keys()
                shapes += [tuple(tensors.get_slice(name).get_shape()) for name in names]
    return shapes


def _weight_files(folder: Path) -> list[Path]:
    """The files that transformers loads. Some models, such as Mistral's, come with the same weights a second time."""
    whole, index = folder / "model.safetensors", folder / "model.safetensors.index.json"
    if whole.is_file() or not index.is_file():
        return [whole]
    return [folder / name for name in sorted(set(json.loads(index.read_bytes())["weight_map"].values()))]


@contextmanager
def _unreadable_refused(folder: Path) -> Iterator[None]:
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    try:
        yield
    # ImportError: a quantized base wants a package of its own. AttributeError, TypeError: fields of the wrong kind.
    except (
        *(OSError, ValueError, KeyError, RuntimeError, ImportError, AttributeError, TypeError),
        *(SafetensorError, StrictDataclassError),
    ) as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().partition("\n")[0][:300]
        raise ModelError(f"base {folder.name}: transformers cannot load it: {reason}") from None
