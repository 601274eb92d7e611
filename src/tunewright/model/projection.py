"""Linear layers that read the same states, as one product, with their low-rank updates.

The modules stay transformers' and PEFT's, with their parameters and files. Frozen weights are cast to the compute dtype
once, not at every call; nothing is computed for weights that are not trained; an update is added in place.

This file needs torch to define its autograd function: import it inside functions.

Axes: T tokens, I inputs, O outputs of all layers together, R ranks of all updates together.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import Linear, Module, functional


def plain_linear(module: Any) -> Linear | None:
    """The layer itself or, below an adapter, the base's; None where `project` would compute something else."""
    if type(module) is Linear:
        return module
    from peft.tuners.lora import Linear as LoraLinear

    if type(module) is not LoraLinear or type(module.base_layer) is not Linear:
        return None
    lora: Any = module
    is_switched = lora.disable_adapters or lora.merged or lora.lora_variant or lora.fan_in_fan_out
    active = _active(lora)
    has_bias = any(lora.lora_B[name].bias is not None for name in active)
    return None if is_switched or has_bias or len(active) > 1 else module.base_layer


def project(modules: Sequence[Any], states_TI: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """[T, O]: outputs of the modules side by side, in the dtype of the states.

    Args:
        modules: linear layers, with or without an adapter of PEFT's, that `plain_linear` accepts. All of them have
            biases or none, and all are trained or none.
        generator: what dropout draws from; torch's own if None.
    """
    layers = [layer for module in modules if (layer := plain_linear(module))]
    weights = [layer.weight for layer in layers]
    biases = [layer.bias for layer in layers if layer.bias is not None]
    updates, down_RIs, up_ORs = [], [], []
    dropout, output, rank = 0.0, 0, 0
    for module, weight in zip(modules, weights, strict=True):
        for name in [] if type(module) is Linear else _active(module):
            down_RI, up_OR = module.lora_A[name].weight, module.lora_B[name].weight
            outputs, ranks = slice(output, output + len(up_OR)), slice(rank, rank + len(down_RI))
            updates.append(_Update(outputs, ranks, module.scaling[name]))
            down_RIs.append(down_RI)
            up_ORs.append(up_OR)
            dropout = getattr(module.lora_dropout[name], "p", 0.0)
            rank += len(down_RI)
        output += len(weight)
    dropped_TI = _drop(states_TI, dropout, generator) if dropout and modules[0].training else None
    plan = _Plan(compute_copies(modules[0], weights, states_TI.dtype), len(biases), tuple(updates))
    return _project(plan, states_TI, dropped_TI, *weights, *biases, *down_RIs, *up_ORs)


def _drop(states_TI: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Torch's dropout, which takes no generator."""
    is_kept_TI = torch.empty_like(states_TI, dtype=torch.bool).bernoulli_(1 - share, generator=generator)
    return (states_TI * is_kept_TI).mul_(1 / (1 - share))


def _active(lora: Any) -> list[str]:
    return [name for name in lora.active_adapters if name in lora.lora_A]


# Copies in the compute dtype

_State = tuple[torch.dtype, list[tuple[int, int]], bool]

_copying = Lock()
"""Of threads that need the same copy one makes it."""

_copies: "WeakKeyDictionary[Module, tuple[_State, tuple[Tensor, ...]]]" = WeakKeyDictionary()


def compute_copies(owner: Module, weights: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """The weights in `dtype`: as they are or, if cast, as one that is stacked along the outputs and kept.

    Args:
        owner: the module whose copy it is.
    """
    if all(weight.dtype == dtype for weight in weights):
        return tuple(weight.detach() for weight in weights)
    is_trained = any(weight.requires_grad for weight in weights)
    state = dtype, [(weight.data_ptr(), weight._version) for weight in weights], is_trained
    with _copying:
        if owner not in _copies or _copies[owner][0] != state:
            with torch.inference_mode(False), torch.no_grad():  # a copy made while scoring serves training, too
                _copies[owner] = state, (torch.cat([weight.to(dtype) for weight in weights]),)
        return _copies[owner][1]


def forget_copies() -> None:
    """Let trained weights be cast again: their copies are older than the last optimizer step.

    Torch's fused optimizers do not count their changes in the weights' version (2.13), so this has to be said.
    """
    for owner, ((*_, is_trained), _) in list(_copies.items()):
        if is_trained:
            del _copies[owner]


# The product


@dataclass(frozen=True, slots=True)
class _Update:
    """A low-rank update of some of the outputs: scale * B A x."""

    outputs: slice
    ranks: slice
    scale: float


@dataclass(frozen=True, slots=True)
class _Plan:
    weights: tuple[Tensor, ...]
    """In the compute dtype; one for all layers, or one for each."""
    num_biases: int
    updates: tuple[_Update, ...]


class _Project(torch.autograd.Function):
    """y = x W^T + b + scale * (x A^T) B^T, for several layers side by side.

    Its arguments after the plan and the states are the weights, biases, A and B of the layers, for their gradients.
    """

    @staticmethod
    def forward(ctx: Any, plan: _Plan, states_TI: Tensor, dropped_TI: Tensor | None, *parameters: Tensor) -> Tensor:
        """[T, O], the outputs of all layers side by side; `dropped_TI` is what the low-rank updates see, if not x."""
        num_updates = len(plan.updates)
        num_layers = len(parameters) - plan.num_biases - 2 * num_updates
        _, biases, down_RIs, up_ORs = _split(parameters, num_layers, plan.num_biases, num_updates, num_updates)
        dtype = states_TI.dtype
        out_TO = _cat([functional.linear(states_TI, weight) for weight in plan.weights], dim=1)
        if biases:
            out_TO += _cat(biases).to(dtype)
        ctx.plan, ctx.parameters, ctx.num_layers = plan, parameters, num_layers
        ctx.low_rank = hidden_TR = None
        if plan.updates:
            down_RI = _cat(down_RIs).to(dtype)
            hidden_TR = functional.linear(states_TI if dropped_TI is None else dropped_TI, down_RI)
            up_ORs = [(up_OR * update.scale).to(dtype) for up_OR, update in zip(up_ORs, plan.updates, strict=True)]
            for update, up_OR in zip(plan.updates, up_ORs, strict=True):
                out_TO[:, update.outputs].addmm_(hidden_TR[:, update.ranks], up_OR.T)
            ctx.low_rank = down_RI, up_ORs
        ctx.save_for_backward(states_TI, dropped_TI, hidden_TR)
        return out_TO

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, of what the updates saw, and of the parameters that are trained; none of frozen weights."""
        grad_TO, plan, parameters = gradients[0], ctx.plan, ctx.parameters
        states_TI, dropped_TI, hidden_TR = ctx.saved_tensors
        widths = [len(weight) for weight in parameters[: ctx.num_layers]]
        by_layer = torch.split(grad_TO, widths, dim=1)
        of_parameters: list[Tensor | None] = [None] * len(parameters)
        if parameters[0].requires_grad:
            of_parameters[: ctx.num_layers] = [grad.T @ states_TI for grad in by_layer]
        if plan.num_biases and parameters[ctx.num_layers].requires_grad:
            of_parameters[ctx.num_layers : 2 * ctx.num_layers] = [grad.sum(0) for grad in by_layer]
        of_states_TI = of_dropped_TI = None
        if ctx.needs_input_grad[1]:
            grads = by_layer if len(plan.weights) > 1 else (grad_TO,)
            of_states_TI = grads[0] @ plan.weights[0]
            for grad, weight in zip(grads[1:], plan.weights[1:], strict=True):
                of_states_TI.addmm_(grad, weight)
        if ctx.low_rank is not None:
            down_RI, up_ORs = ctx.low_rank
            of_hidden_TR, of_ups = torch.empty_like(hidden_TR), []
            for update, up_OR in zip(plan.updates, up_ORs, strict=True):
                grad = grad_TO[:, update.outputs]
                of_hidden_TR[:, update.ranks] = grad @ up_OR
                of_ups.append((grad.T @ hidden_TR[:, update.ranks]).mul_(update.scale))
            of_down_RI = of_hidden_TR.T @ (states_TI if dropped_TI is None else dropped_TI)
            of_downs = [of_down_RI[update.ranks] for update in plan.updates]
            of_parameters[-2 * len(of_ups) :] = of_downs + of_ups
            if dropped_TI is not None:
                of_dropped_TI = of_hidden_TR @ down_RI
            elif of_states_TI is not None:
                of_states_TI.addmm_(of_hidden_TR, down_RI)
        typed = (
            None if gradient is None else gradient.to(parameter.dtype)
            for gradient, parameter in zip(of_parameters, parameters, strict=True)
        )
        return None, of_states_TI, of_dropped_TI, *typed


_project: Callable[..., Tensor] = _Project.apply


def _cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    return tensors[0] if len(tensors) == 1 else torch.cat(list(tensors), dim=dim)


def _split(parameters: Sequence[Tensor], *sizes: int) -> list[list[Tensor]]:
    rest = iter(parameters)
    return [[next(rest) for _ in range(size)] for size in sizes]
