"""Tiny shapes of transformers' causal architectures beyond those of tiny_base.py, and the path that each takes.

Attention windows are 12 tokens or 40, shorter and longer than the longest row of test_architectures.py.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

VOCABULARY_SIZE = 61
SHAPE: dict[str, Any] = {
    "vocab_size": VOCABULARY_SIZE,
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
    "intermediate_size": 24,
}
GROUPED = {**SHAPE, "num_key_value_heads": 2}
SIZED = {**GROUPED, "head_dim": 4}
GPT = {"vocab_size": VOCABULARY_SIZE, "n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 64}
EXPERTS = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 12}
LOCAL_EXPERTS = {"num_local_experts": 4, "num_experts_per_tok": 2}
ROUTED = {"n_routed_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 12, "n_group": 2, "topk_group": 1}
LATENT = {
    "num_key_value_heads": 4,
    "kv_lora_rank": 8,
    "q_lora_rank": 8,
    "qk_nope_head_dim": 4,
    "qk_rope_head_dim": 4,
    "v_head_dim": 4,
}
RECURRENT = {"vocab_size": VOCABULARY_SIZE, "hidden_size": 16, "num_hidden_layers": 2}
HEADS_OF_MAMBA = {
    "mamba_n_heads": 4,
    "mamba_d_head": 8,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 8,
}
LINEAR_ATTENTION = {
    "linear_num_value_heads": 4,
    "linear_num_key_heads": 2,
    "linear_key_head_dim": 4,
    "linear_value_head_dim": 4,
    "layer_types": ["linear_attention", "full_attention"],
}
LLAMA4 = {
    **SIZED,
    **LOCAL_EXPERTS,
    "num_experts_per_tok": 1,
    "intermediate_size_mlp": 24,
    "no_rope_layers": [1, 0],
    "interleave_moe_layer_step": 2,
    "attn_temperature_tuning": False,
}
TOKENS_TRIED = 49
"""Of the two sequences that a network is tried with."""
NO_SPECIAL_TOKENS = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
LONG_ROTATION = {  # in another way from 13 tokens on
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0, 1.0],
    "long_factor": [3.0, 2.0],
    "original_max_position_embeddings": 12,
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """A shape of one architecture."""

    path: str
    """That its rows take."""
    settings: dict[str, Any] = field(default_factory=dict)
    model_type: str = ""
    """As transformers' registry; the name under which it stands here if empty."""


ARCHITECTURES = {
    # Attention of their own: positions as a bias, rotations and learned positions.
    "bloom": Architecture("padded", {**RECURRENT, "n_layer": 2, "n_head": 4}),
    "falcon": Architecture("padded", {**SHAPE, "ffn_hidden_size": 24}),
    "falcon-alibi": Architecture(
        "padded", {**SHAPE, "alibi": True, "multi_query": False, "parallel_attn": False, "bias": True}, "falcon"
    ),
    "mpt": Architecture(
        "padded", {"vocab_size": VOCABULARY_SIZE, "d_model": 16, "n_layers": 2, "n_heads": 4, "max_seq_len": 64}
    ),
    "gptj": Architecture("padded", {**GPT, "rotary_dim": 4}),
    "codegen": Architecture("padded", {**GPT, "rotary_dim": 4, "n_ctx": 64}),
    "gpt_neo": Architecture(
        "padded",
        {
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": 16,
            "num_layers": 2,
            "num_heads": 4,
            "max_position_embeddings": 64,
            "window_size": 12,
            "attention_types": [[["global", "local"], 1]],
        },
    ),
    "stablelm": Architecture("padded", GROUPED),
    "nemotron": Architecture("padded", SIZED),
    "biogpt": Architecture("padded", SHAPE),
    "xglm": Architecture(
        "padded",
        {
            "vocab_size": VOCABULARY_SIZE,
            "d_model": 16,
            "num_layers": 2,
            "attention_heads": 4,
            "ffn_dim": 24,
            "max_position_embeddings": 64,
        },
    ),
    "prophetnet": Architecture(
        "alone",
        {
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": 16,
            "num_decoder_layers": 2,
            "decoder_ffn_dim": 24,
            "num_decoder_attention_heads": 4,
            "max_position_embeddings": 64,
            "is_decoder": True,
            "add_cross_attention": False,
            "is_encoder_decoder": False,
        },
    ),
    # Attention that is told where documents end.
    "opt": Architecture("packed", {**SHAPE, "ffn_dim": 24, "word_embed_proj_dim": 8, "do_layer_norm_before": False}),
    "ctrl": Architecture("packed", {**GPT, "dff": 24}),
    "gpt_bigcode": Architecture("packed", GPT),
    "persimmon": Architecture("packed", SHAPE),
    "olmo": Architecture("packed", GROUPED),
    "olmo2": Architecture("packed", GROUPED),
    "cohere": Architecture("packed", GROUPED),
    "glm": Architecture("packed", {**SIZED, **NO_SPECIAL_TOKENS}),
    "glm4": Architecture("packed", {**SIZED, **NO_SPECIAL_TOKENS}),
    "phi3": Architecture("packed", {**GROUPED, **NO_SPECIAL_TOKENS}),
    "smollm3": Architecture("packed", {**GROUPED, "no_rope_layers": [1, 0], **NO_SPECIAL_TOKENS}),
    "helium": Architecture("packed", SIZED),
    "ernie4_5": Architecture("packed", SIZED),
    "nanochat": Architecture("packed", GROUPED),
    # Mixtures of experts.
    "mixtral": Architecture("packed", {**GROUPED, **LOCAL_EXPERTS}),
    "olmoe": Architecture("packed", {**GROUPED, **EXPERTS}),
    "qwen2_moe": Architecture("packed", {**GROUPED, **EXPERTS, "shared_expert_intermediate_size": 12}),
    "qwen3_moe": Architecture("packed", {**SIZED, **EXPERTS}),
    "granitemoe": Architecture("packed", {**GROUPED, **LOCAL_EXPERTS}),
    "phimoe": Architecture("packed", {**GROUPED, **LOCAL_EXPERTS}),
    "deepseek_v3": Architecture("packed", {**SHAPE, **LATENT, **ROUTED, "first_k_dense_replace": 1}),
    "gpt_oss": Architecture("padded", {**SIZED, **LOCAL_EXPERTS, "sliding_window": 12}),
    "minimax": Architecture(
        "padded",
        {**SIZED, **LOCAL_EXPERTS, "block_size": 8, "layer_types": ["linear_attention", "full_attention"]},
    ),
    "llama4_text": Architecture("packed", {**LLAMA4, "attention_chunk_size": 40}),
    # Windows, caps, and a rotation that looks at the longest row.
    "starcoder2": Architecture("padded", {**GROUPED, "sliding_window": 29}),
    "phi3-window": Architecture("padded", {**GROUPED, "sliding_window": 29, **NO_SPECIAL_TOKENS}, "phi3"),
    "cohere2": Architecture("packed", {**GROUPED, "sliding_window": 40}),
    "gemma2": Architecture("padded", {**SIZED, "sliding_window": 12}),
    "gemma3_text": Architecture("packed", {**SIZED, "sliding_window": 40, "sliding_window_pattern": 2}),
    "llama4-chunks": Architecture("padded", {**LLAMA4, "attention_chunk_size": 29}, "llama4_text"),
    "llama4-scaled": Architecture(
        "padded", {**LLAMA4, "attn_temperature_tuning": True, "floor_scale": TOKENS_TRIED + 1}, "llama4_text"
    ),
    "phi3-longrope": Architecture(
        "alone",
        {
            **GROUPED,
            **NO_SPECIAL_TOKENS,
            "rope_parameters": LONG_ROTATION,
            "original_max_position_embeddings": 12,
        },
        "phi3",
    ),
    # States that go from token to token: convolutions, state spaces, linear attention.
    "lfm2": Architecture("padded", {**GROUPED, "layer_types": ["conv", "full_attention"], "conv_L_cache": 3}),
    "mamba": Architecture("padded", {**RECURRENT, "state_size": 4}),
    "mamba2": Architecture(
        "padded", {**RECURRENT, "state_size": 8, "num_heads": 4, "head_dim": 8, "n_groups": 1, "chunk_size": 8}
    ),
    "falcon_mamba": Architecture("padded", {**RECURRENT, "state_size": 4}),
    "jamba": Architecture(
        "padded",
        {
            **GROUPED,
            **EXPERTS,
            "use_mamba_kernels": False,
            "mamba_d_state": 4,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "expert_layer_period": 2,
            "expert_layer_offset": 1,
        },
    ),
    "bamba": Architecture("padded", {**GROUPED, **HEADS_OF_MAMBA, "attn_layer_indices": [1]}),
    "zamba2": Architecture(
        "padded",
        {
            **SHAPE,
            "num_hidden_layers": 3,
            "layers_block_type": ["mamba", "mamba", "hybrid"],
            "mamba_d_state": 8,
            "n_mamba_heads": 4,
            "mamba_headdim": 8,
            "mamba_ngroups": 1,
            "chunk_size": 8,
            "num_mem_blocks": 1,
            "adapter_rank": 4,
        },
    ),
    "granitemoehybrid": Architecture(
        "padded",
        {
            **GROUPED,
            **LOCAL_EXPERTS,
            **HEADS_OF_MAMBA,
            "shared_intermediate_size": 12,
            "mamba_expand": 2,
            "layer_types": ["mamba", "attention"],
        },
    ),
    "falcon_h1": Architecture(
        "padded",
        {**GROUPED, "mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8},
    ),
    "rwkv": Architecture(
        "padded", {**RECURRENT, "attention_hidden_size": 16, "intermediate_size": 24, "rescale_every": 1}
    ),
    "recurrent_gemma": Architecture(
        "padded",
        {**SHAPE, "num_hidden_layers": 3, "num_key_value_heads": 1, "lru_width": 16, "attention_window_size": 12},
    ),
    "qwen3_next": Architecture(
        "padded", {**SIZED, **EXPERTS, **LINEAR_ATTENTION, "shared_expert_intermediate_size": 12}
    ),
    "qwen3_5_text": Architecture("padded", {**SIZED, **LINEAR_ATTENTION}),
    "xlstm": Architecture(
        "padded",
        {
            "vocab_size": VOCABULARY_SIZE,
            "hidden_size": 128,
            "num_blocks": 2,
            "num_heads": 2,
            "chunk_size": 4,
            "inference_state_dtype": "float32",
            "autocast_kernel_dtype": "float32",
        },
    ),
    # Without positions that can be given, and without a state.
    "roformer": Architecture("padded", {**SHAPE, "is_decoder": True}),
    "openai-gpt": Architecture("padded", GPT),
}


def write_architecture(folder: Path, name: str, weight_scale: float | None = 0.3, **settings: Any) -> Path:
    """Write configuration and random weights, without dropout or noise.

    Args:
        weight_scale: of normal weights, so large that everything in a network matters; None leaves the architecture's
            own start.
        settings: in place of the architecture's own.
    """
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    architecture = ARCHITECTURES[name]
    config = AutoConfig.for_model(architecture.model_type or name, **{**architecture.settings, **settings})
    for setting, value in vars(config).items():
        if ("drop" in setting or "jitter" in setting) and isinstance(value, float):
            setattr(config, setting, 0.0)
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    if weight_scale is not None:
        with torch.no_grad():
            for parameter in network.parameters():
                if parameter.dim() > 1:
                    parameter.normal_(std=weight_scale)
                else:
                    parameter.add_(torch.randn_like(parameter), alpha=0.1)
    network.save_pretrained(folder)
    return folder
