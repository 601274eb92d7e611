"""Tiny random base models in the hub's layout, of several architectures: loaded and trained in milliseconds."""

from pathlib import Path
from typing import Any

from chat_bases import STYLES, write_base

SHAPE = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "max_position_embeddings": 128}
LLAMA_SHAPE = {**SHAPE, "num_key_value_heads": 2, "intermediate_size": 48}

# Two layers each, so that every architecture has weights of equal shape.
ARCHITECTURES: dict[str, dict[str, Any]] = {
    "llama": LLAMA_SHAPE,
    "qwen2": LLAMA_SHAPE,
    "gemma": {**LLAMA_SHAPE, "head_dim": 8},
    "gpt2": {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
}

# Only where the mathematics of each is at stake: more families cost more time in every test that runs them all.
MORE_ARCHITECTURES: dict[str, dict[str, Any]] = {
    "qwen3": {**LLAMA_SHAPE, "head_dim": 8},
    "mistral": {**LLAMA_SHAPE, "sliding_window": 64},
    "phi": {**SHAPE, "intermediate_size": 48, "partial_rotary_factor": 0.5},
    "gpt_neox": {**SHAPE, "intermediate_size": 48},
    "gemma2": {**LLAMA_SHAPE, "head_dim": 8},
    "granite": {**LLAMA_SHAPE, "logits_scaling": 4.0},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 4},
    "mamba": {"hidden_size": 32, "num_hidden_layers": 2, "state_size": 4},
}


def write_tiny_base(
    folder: Path, architecture: str = "llama", style: str = "chatml", seed: int = 0, **shape: int
) -> Path:
    """Write tokenizer, template, configuration and random float32 weights; `shape` makes it other than tiny."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    write_base(folder, STYLES[style])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    torch.manual_seed(seed)
    config = AutoConfig.for_model(
        architecture,
        vocab_size=len(tokenizer),
        bos_token_id=None,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=None,
        **({**ARCHITECTURES, **MORE_ARCHITECTURES}[architecture] | shape),
    )
    AutoModelForCausalLM.from_config(config, dtype=torch.float32).save_pretrained(folder)
    return folder
