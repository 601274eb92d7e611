"""Attach, save, load and merge adapters. Files are PEFT's own, so any other tool can read them."""

import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tunewright.errors import ModelError, StoreError
from tunewright.model.out_of_memory import is_out_of_memory
from tunewright.records import Full, Lora, Method

if TYPE_CHECKING:
    from torch.nn import Linear, Parameter
    from transformers import PreTrainedModel

FEED_FORWARD = frozenset({"feed_forward", "ffn", "fc1", "fc2", "mlp"})
"""What the libraries' models call their feed-forward blocks."""
PICKLED_ADAPTER = "adapter_model.bin"
TOKENIZER_FILE_PATTERNS = ("tokenizer*", "special_tokens_map.json", "chat_template.jinja", "vocab.*", "merges.txt")


def prepare_for_training(network: "PreTrainedModel", method: Method, seed: int) -> "PreTrainedModel":
    """Make the method's weights trainable. The seed is set first, so the adapter's start depends on nothing else.

    Args:
        method: `Lora` with rank, alpha and dropout set (low-rank update of every linear layer except the head, or of
            the feed-forward blocks alone; Hu et al. 2021, arXiv:2106.09685), or `Full`.
    Returns:
        The network to train: wrapped by PEFT for LoRA, the same object for full tuning.
    """
    import torch
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    if isinstance(method, Full):
        return network.requires_grad_(True)
    targets = _target_modules(network, method)
    unfit = [name for name in _unfit_modules(network) if targets == "all-linear" or name in targets]
    config = LoraConfig(
        r=method.rank,
        lora_alpha=method.alpha,
        target_modules=targets,
        exclude_modules=unfit or None,
        task_type="CAUSAL_LM",
    )
    with _without_peft_noise():
        adapted = get_peft_model(network, config)
    if method.dropout:
        _add_dropout(adapted, method.dropout)
    return adapted


def _add_dropout(network: "PreTrainedModel", share: float) -> None:
    """Put dropout before every update, as PEFT does if it is told to, except those of experts.

    PEFT adds the update of experts, which are one tensor, to their weights, where no input can be dropped; it refuses
    the whole network, also when the adapter is loaded.
    """
    from peft.tuners.lora import LoraLayer
    from peft.tuners.lora.layer import ParamWrapper
    from torch.nn import Dropout

    layers = [module for module in network.modules() if isinstance(module, LoraLayer)]
    on_inputs = [layer for layer in layers if not isinstance(layer, ParamWrapper)]
    for layer in on_inputs:
        layer.lora_dropout["default"] = Dropout(share)
    if len(on_inputs) == len(layers):
        network.peft_config["default"].lora_dropout = share


def _target_modules(network: "PreTrainedModel", method: Lora) -> "str | list[str]":
    """What PEFT is told to update.

    Raises:
        ModelError: the base has no feed-forward block of a known name.
    """
    if method.layers == "all":
        return "all-linear"
    found = feed_forward_layers(network)
    if not found:
        shown = ", ".join(_linear_layers(network)[:3])
        names = ", ".join(sorted(FEED_FORWARD))
        raise ModelError(
            f"method.layers: mlp, but no linear layer of this base is in a block named {names} (its first ones are "
            f"{shown}). Use method.layers=all."
        )
    return found


def feed_forward_layers(network: "PreTrainedModel") -> list[str]:
    """Names of the linear layers in feed-forward blocks. Mamba has no such blocks, and most experts are no layers."""
    return [name for name in _linear_layers(network) if FEED_FORWARD.intersection(name.split("."))]


def _linear_layers(network: "PreTrainedModel") -> list[str]:
    from torch.nn import Linear
    from transformers.pytorch_utils import Conv1D

    return [name for name, module in network.named_modules() if isinstance(module, Linear | Conv1D)]


def _unfit_modules(network: "PreTrainedModel") -> list[str]:
    """Names of linear layers that an update cannot be added to.

    Some routers give more than a tensor, some layers take other inputs than rows of `in_features`. The fused kernels of
    state space layers read the weight of `out_proj` and never call it, and PEFT refuses it.
    """
    from torch.nn import Linear

    unfit = []
    for name, module in network.named_modules():
        if hasattr(module, "A_log") and hasattr(module, "D") and hasattr(module, "out_proj"):
            unfit.append(f"{name}.out_proj")
        if isinstance(module, Linear) and type(module).forward is not Linear.forward and not _maps_rows(module):
            unfit.append(name)
    return unfit


def _maps_rows(linear: "Linear") -> bool:
    """Whether it does what its class says, [rows, in_features] to [rows, out_features]."""
    import torch

    try:
        with torch.no_grad():
            given = linear(linear.weight.new_zeros(1, linear.in_features))
    except (AttributeError, LookupError, TypeError, ValueError, RuntimeError):
        return False
    return isinstance(given, torch.Tensor) and given.shape == (1, linear.out_features)


def left_out_layers(network: "PreTrainedModel") -> tuple[str, ...]:
    """Linear layers that its adapter was to update and cannot, by the last part of their names."""
    configs = getattr(network, "peft_config", {}).values()
    return tuple(sorted({name.rpartition(".")[2] for config in configs for name in config.exclude_modules or ()}))


def trainable_parameters(network: "PreTrainedModel") -> dict[str, "Parameter"]:
    """The trained weights by name. Everything saved and resumed is keyed by these names, never by position."""
    return {name: parameter for name, parameter in network.named_parameters() if parameter.requires_grad}


def adapter_outputs(network: "PreTrainedModel") -> dict[str, "Parameter"]:
    """LoRA's second matrices (B) by name; empty without an adapter. The update is B A: scaling B scales all of it."""
    return {name: parameter for name, parameter in trainable_parameters(network).items() if ".lora_B." in name}


@contextmanager
def without_update(network: "PreTrainedModel") -> Iterator["PreTrainedModel"]:
    """While open, the network answers as the base does: its adapter's layers have no active update.

    PEFT's own `disable_adapter` would do the same, and take our own layers (model/projection.py) out of use.
    """
    from peft.tuners.lora import LoraLayer

    layers = [module for module in network.modules() if isinstance(module, LoraLayer)]
    active = [layer._active_adapter for layer in layers]
    for layer in layers:
        layer._active_adapter = []
    try:
        yield network
    finally:
        for layer, names in zip(layers, active, strict=True):
            layer._active_adapter = names


def save_tuned(network: "PreTrainedModel", method: Method, folder: Path, base_folder: Path, base_name: str) -> None:
    """Write an adapter (PEFT's format) or a whole model with its tokenizer (hub's layout), safetensors only.

    Raises:
        StoreError: the disk is full or failing.
    """
    from safetensors import SafetensorError

    try:
        network.save_pretrained(folder)
    except SafetensorError as error:  # what the disk refuses is no OSError here
        raise StoreError(
            f"{folder}: the tuned model could not be written ({error}). Its checkpoints are whole: make room on the "
            "disk, or check it, then resume the run."
        ) from None
    if isinstance(method, Full):
        for pattern in TOKENIZER_FILE_PATTERNS:
            for path in base_folder.glob(pattern):
                shutil.copyfile(path, folder / path.name)
    else:
        (folder / "README.md").unlink(missing_ok=True)  # PEFT writes a card full of placeholders
        # PEFT notes the folder that the base was loaded from, which means nothing on another machine.
        path = folder / "adapter_config.json"
        config = json.loads(path.read_text(encoding="utf-8"))
        config["base_model_name_or_path"] = base_name
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def load_adapter(base: "PreTrainedModel", folder: Path) -> "PreTrainedModel":
    """Put a saved adapter on its base, for answering.

    Raises:
        ModelError: the files are no PEFT adapter, hold a pickle, or do not fit this base.
    """
    from peft import PeftModel
    from safetensors import SafetensorError

    if (folder / PICKLED_ADAPTER).is_file():
        # Where its safetensors file is missing PEFT opens this one.
        raise ModelError(f"adapter {folder.name}: found {PICKLED_ADAPTER}. Pickles can run code and are never read.")
    try:
        with _without_peft_noise():
            return PeftModel.from_pretrained(base, folder, local_files_only=True).eval()
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        reason = str(error).strip().splitlines()[0][:300]
        raise ModelError(f"adapter {folder.name}: PEFT cannot load it: {reason}") from None


@contextmanager
def _without_peft_noise() -> Iterator[None]:
    """Hide two warnings from the user, who can do nothing about them.

    PEFT 0.21 uses an old name of transformers 5.23, and looks for the ranks that it gives experts among other modules.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        warnings.filterwarnings("ignore", "The following (rank|alpha)_pattern keys did not match", RuntimeWarning)
        yield
