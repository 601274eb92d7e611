"""A copy of a network for answering: adapters merged, matrices in the number format of the products.

Autocast casts a frozen matrix again on every call, which for one token per row costs more than the product. The copy
casts each once. Everything that is not the matrix of a linear layer is shared with the network.

This file needs torch for its tensors: import it inside functions.
"""

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def decoding_copy(network: "PreTrainedModel", dtype: torch.dtype | None) -> "PreTrainedModel":
    """The network with its adapter merged and the matrices of its linear layers in `dtype`, their own if None.

    It answers as the network does under autocast to that dtype, but that an adapter's update is rounded together with
    the matrix that it changes. Training the network afterwards leaves the copy partly behind: make another.
    """
    base = network.get_base_model() if hasattr(network, "get_base_model") else network
    with torch.no_grad():
        copied: PreTrainedModel = _copy(base, dtype, {})
    return copied


def _copy(module: Any, dtype: torch.dtype | None, done: dict[int, Any]) -> Any:
    from peft.tuners.lora.layer import Linear as LoraLinear
    from transformers.pytorch_utils import Conv1D

    if id(module) in done:
        return done[id(module)]
    if type(module) is LoraLinear and not module.lora_variant and not any(module.lora_bias.values()):
        done[id(module)] = _with_matrix(module.get_base_layer(), _merged(module), dtype)
    elif type(module) in (nn.Linear, Conv1D):
        done[id(module)] = _with_matrix(module, module.weight, dtype)
    else:
        clone = copy.copy(module)
        clone._modules = {name: child and _copy(child, dtype, done) for name, child in module._modules.items()}
        done[id(module)] = clone
    return done[id(module)]


def _merged(module: Any) -> Tensor:
    weight: Tensor = module.get_base_layer().weight
    if module.merged or module.disable_adapters:
        return weight
    for adapter in module.active_adapters:
        if adapter in module.lora_A:
            weight = weight + module.get_delta_weight(adapter)
    return weight


def _with_matrix(module: Any, weight: Tensor, dtype: torch.dtype | None) -> Any:
    clone = copy.copy(module)
    bias = module.bias if module.bias is None else nn.Parameter(module.bias.to(dtype), requires_grad=False)
    clone._parameters = {"weight": nn.Parameter(weight.to(dtype), requires_grad=False), "bias": bias}
    return clone
