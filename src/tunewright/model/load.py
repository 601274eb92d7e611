"""Load a base from a local folder: safetensors only, no remote code, float32 weights."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.errors import ModelError

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
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        network, loading = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            output_loading_info=True,
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError(f"base {folder.name}: transformers cannot load it: {reason}") from None
    missing = sorted(loading["missing_keys"])
    if missing:
        raise ModelError(
            f"base {folder.name}: {len(missing)} weights are missing from the files, such as {missing[0]}. They would "
            "be random. Download the model again, or check that config.json belongs to these weights."
        )
    network.requires_grad_(False)
    return network.to(device).eval()


def context_length(folder: Path) -> int:
    """Most tokens that the base was made for, from its configuration (never above MAX_DERIVED_CONTEXT)."""
    from transformers import AutoConfig

    config: Any = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    text_config = config.get_text_config()
    return min(int(getattr(text_config, "max_position_embeddings", MAX_DERIVED_CONTEXT)), MAX_DERIVED_CONTEXT)


def num_parameters(folder: Path) -> int:
    """Weights stored in a model folder, read from the safetensors headers without loading them."""
    from safetensors import safe_open

    total = 0
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, framework="numpy") as tensors:
            for name in tensors.keys():  # noqa: SIM118  (a safetensors handle is no mapping)
                count = 1
                for size in tensors.get_slice(name).get_shape():
                    count *= size
                total += count
    return total
