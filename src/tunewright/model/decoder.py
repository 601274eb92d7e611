"""The layers of Llama and its relatives over a packed row: the fast path of training and scoring.

The mathematics is that of transformers' Llama, Mistral, Qwen 2, Qwen 3 and Gemma, and the weights are those of its
modules and of PEFT's beside them; nothing is copied but frozen weights into the compute dtype. What is saved: padding,
a shared prompt's repetitions, casts, the gradients of frozen weights, and in the last layer everything after attention
for tokens that nothing is predicted from. `layout.attention_path` tries it on every network before it is used.

This file needs torch to define its autograd functions: import it inside functions.

Axes: T tokens of the row, N trained tokens, D size of a hidden state, F size of the feed-forward layer, L heads of
queries, keys and values together.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import Embedding, functional

from tunewright.model.batch import PackedBatch
from tunewright.model.branches import BlockAttention
from tunewright.model.documents import attend
from tunewright.model.projection import plain_linear, project
from tunewright.model.recompute import recomputed

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FAMILIES = {
    "LlamaForCausalLM": 0.0,
    "MistralForCausalLM": 0.0,
    "Qwen2ForCausalLM": 0.0,
    "Qwen3ForCausalLM": 0.0,
    "GemmaForCausalLM": 1.0,
}
"""What is added to the weights of norms."""


def decoder_refusal(base: "PreTrainedModel") -> str | None:
    """Why `last_states` cannot compute this network, an adapter's modules included; None if it can."""
    name = type(base).__name__
    if name not in FAMILIES:
        return f"{name} is not one of {', '.join(FAMILIES)}"
    model: Any = base.base_model
    if not isinstance(model.embed_tokens, Embedding):
        return "its embeddings have an adapter"
    if getattr(base.config, "attention_dropout", 0.0):
        return "its attention has dropout"
    for layer in model.layers:
        attention, mlp = layer.self_attn, layer.mlp
        for stack in (
            (attention.q_proj, attention.k_proj, attention.v_proj),
            (attention.o_proj,),
            (mlp.gate_proj, mlp.up_proj),
            (mlp.down_proj,),
        ):
            layers = [plain_linear(module) for module in stack]
            if any(one is None for one in layers):
                return "a linear layer has an adapter that is not plain LoRA"
        if type(mlp.act_fn).__name__ not in _ACTIVATIONS:
            return f"its activation is {type(mlp.act_fn).__name__}"
    return None


def last_states(base: "PreTrainedModel", batch: PackedBatch, generator: torch.Generator | None = None) -> Tensor:
    """[N, D]: the last hidden states that the batch's targets are predicted from.

    Computed in autocast's dtype if it is on, else in that of the weights.

    Args:
        generator: what dropout draws from; torch's own if None.
    """
    device = batch.token_ids_T.device.type
    compute = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else base.dtype
    model: Any = base.base_model
    offset = FAMILIES[type(base).__name__]
    with torch.autocast(device, enabled=False):
        states_TD = model.embed_tokens(batch.token_ids_T).to(compute)
        cosines, sines = model.rotary_emb(states_TD, batch.position_ids_T[None])
        row = _Row(batch, _block_attention(base, batch, compute), (cosines[0], sines[0]), offset)
        recomputes = model.gradient_checkpointing and model.training and torch.is_grad_enabled()
        for layer in model.layers:
            compute_layer = partial(_layer, layer, row, layer is model.layers[-1])
            if recomputes:
                states_TD = recomputed(compute_layer, states_TD, generator)
            else:
                states_TD = compute_layer(states_TD, generator)
        return _norm(model.norm, states_TD, offset)


@dataclass(frozen=True, slots=True)
class _Row:
    """What all layers are told about the row."""

    batch: PackedBatch
    blocks: BlockAttention | None
    rotation: tuple[Tensor, Tensor]
    """Cosines and sines."""
    offset: float
    """What is added to the weights of norms."""


def _layer(layer: Any, row: _Row, is_last: bool, states_TD: Tensor, generator: torch.Generator | None) -> Tensor:
    """[T, D], or [N, D] of the last one: after attention only what a target is predicted from goes on."""
    attention, mlp = layer.self_attn, layer.mlp
    normed_TD = _norm(layer.input_layernorm, states_TD, row.offset)
    heads_TLD = project([attention.q_proj, attention.k_proj, attention.v_proj], normed_TD, generator)
    attended_TD = _attend(attention, heads_TLD, row)
    if is_last:
        positions_N = row.batch.positions_N
        attended_TD, states_TD = attended_TD[positions_N], states_TD[positions_N]
    states_TD = states_TD + project([attention.o_proj], attended_TD, generator)
    normed_TD = _norm(layer.post_attention_layernorm, states_TD, row.offset)
    gates_TF = project([mlp.gate_proj, mlp.up_proj], normed_TD, generator)
    gated_TF = _gate(gates_TF, type(mlp.act_fn).__name__)
    return states_TD + project([mlp.down_proj], gated_TF, generator)


def _block_attention(base: "PreTrainedModel", batch: PackedBatch, dtype: torch.dtype) -> BlockAttention | None:
    if batch.blocks is None:
        return None
    return BlockAttention(batch.blocks, base.config.num_attention_heads // base.config.num_key_value_heads, dtype)


def _attend(attention: Any, heads_TX: Tensor, row: _Row) -> Tensor:
    heads_TLD = torch.unflatten(heads_TX, 1, (-1, attention.head_dim))
    num_keys = attention.config.num_key_value_heads
    num_heads = heads_TLD.shape[1] - 2 * num_keys
    if hasattr(attention, "q_norm"):
        query, key, value = torch.split(heads_TLD, [num_heads, num_keys, num_keys], dim=1)
        query, key = _norm(attention.q_norm, query, row.offset), _norm(attention.k_norm, key, row.offset)
        heads_TLD = torch.cat([query, key, value], dim=1)
    if row.blocks is not None:
        return row.blocks(heads_TLD, num_heads, attention.scaling, row.rotation).flatten(1)
    batch = row.batch
    attended_THD = attend(
        heads_TLD, num_heads, batch.document_offsets, batch.num_shared_tokens, attention.scaling, row.rotation
    )
    return attended_THD.flatten(1)


# Norm


def _norm(module: Any, states: Tensor, offset: float) -> Tensor:
    epsilon = module.eps if hasattr(module, "eps") else module.variance_epsilon
    return _root_mean_square_norm(states, module.weight, offset, epsilon)


class _RootMeanSquareNorm(torch.autograd.Function):
    """y = (offset + weight) * x / rms, with rms = sqrt(mean(x^2) + epsilon), over the last axis."""

    @staticmethod
    def forward(ctx: Any, states: Tensor, weight_D: Tensor, offset: float, epsilon: float) -> Tensor:
        wide = torch.promote_types(states.dtype, torch.float32)
        scale_D = (weight_D + offset).to(states.dtype)
        length = torch.linalg.vector_norm(states, dim=-1, keepdim=True, dtype=wide)
        inverse = length.square_().div_(states.shape[-1]).add_(epsilon).rsqrt_()
        ctx.save_for_backward(states, inverse, scale_D)
        ctx.dtype = weight_D.dtype
        return torch.mul(states, inverse, out=torch.empty_like(states)).mul_(scale_D)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """With z = x / rms and g = weight * dy: dx = (g - z * mean(g * z)) / rms."""
        states, inverse, scale_D = ctx.saved_tensors
        grad = gradients[0]
        of_states = of_weight = None
        if ctx.needs_input_grad[1]:
            normed = torch.mul(states, inverse, out=torch.empty_like(states))
            of_weight = (grad * normed).flatten(0, -2).sum(0, dtype=inverse.dtype).to(ctx.dtype)
        if ctx.needs_input_grad[0]:
            scaled = grad * scale_D
            mean = (scaled * states).mean(-1, keepdim=True, dtype=inverse.dtype).mul_(inverse.pow(3)).neg_()
            of_states = torch.mul(scaled, inverse, out=scaled).addcmul_(states, mean.to(states.dtype))
        return of_states, of_weight, None, None


_root_mean_square_norm: Callable[..., Tensor] = _RootMeanSquareNorm.apply


# Gated feed-forward


_ACTIVATIONS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor, Tensor], Tensor]]] = {
    "SiLUActivation": (functional.silu, torch.ops.aten.silu_backward),
    "GELUTanh": (
        lambda gate: functional.gelu(gate, approximate="tanh"),
        lambda grad, gate: torch.ops.aten.gelu_backward(grad, gate, approximate="tanh"),
    ),
}
"""By transformers' name: the activation, and its gradient from that of its output and its input."""


class _Gate(torch.autograd.Function):
    """y = activation(gate) * up."""

    @staticmethod
    def forward(ctx: Any, gates_TF: Tensor, activation: str) -> Tensor:
        ctx.save_for_backward(gates_TF)
        ctx.activation = activation
        gate_TF, up_TF = gates_TF.chunk(2, dim=1)
        return _ACTIVATIONS[activation][0](gate_TF).mul_(up_TF)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Of [gate, up] side by side. The activation is computed again: keeping it would hold T x F more numbers."""
        (gates_TF,) = ctx.saved_tensors
        gate_TF, up_TF = gates_TF.chunk(2, dim=1)
        activate, differentiate = _ACTIVATIONS[ctx.activation]
        of_gates_TF = torch.empty_like(gates_TF)
        of_gate_TF, of_up_TF = of_gates_TF.chunk(2, dim=1)
        torch.mul(activate(gate_TF), gradients[0], out=of_up_TF)
        of_gate_TF.copy_(differentiate(gradients[0] * up_TF, gate_TF))
        return of_gates_TF, None


_gate: Callable[..., Tensor] = _Gate.apply
