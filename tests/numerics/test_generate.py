"""Greedy decoding against transformers.generate."""

import pytest
import torch
from tiny_base import ARCHITECTURES, write_tiny_base
from transformers import AutoConfig, AutoModelForCausalLM

from tunewright.errors import ModelError
from tunewright.model.generate import generate_greedy
from tunewright.model.load import load_base

PROMPTS = [[5, 6, 7], [9], [11, 12, 13, 14, 15, 16, 17], [3, 4]]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batched_answers_equal_transformers_one_by_one(architecture, tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base", architecture))
    ours = generate_greedy(network, PROMPTS, max_new_tokens=12, stop_token_ids=frozenset(), pad_token_id=0)
    for prompt, continuation in zip(PROMPTS, ours, strict=True):
        expected = network.generate(
            torch.tensor([prompt]),
            attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
            max_new_tokens=12,
            min_new_tokens=12,
            do_sample=False,
            pad_token_id=0,
        )
        assert continuation.token_ids == expected[0, len(prompt) :].tolist()
        assert continuation.finish == "length"


def test_rows_stop_at_their_own_stop_token_and_the_others_go_on_unchanged(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    free = generate_greedy(network, PROMPTS, max_new_tokens=12, stop_token_ids=frozenset(), pad_token_id=0)
    # A stop token that some row writes early: rows leave the batch at different times.
    stop = free[0].token_ids[2]
    stopped = generate_greedy(network, PROMPTS, max_new_tokens=12, stop_token_ids=frozenset({stop}), pad_token_id=0)
    for whole, part in zip(free, stopped, strict=True):
        cut = whole.token_ids.index(stop) + 1 if stop in whole.token_ids else 12
        assert part.token_ids == whole.token_ids[:cut]
        assert part.finish == ("stop" if stop in whole.token_ids else "length")
    assert stopped[0].finish == "stop"


HYBRIDS = {
    # Linear layers beside attention layers, and both inside one layer: their caches differ.
    "lfm2": {"layer_types": ["conv", "full_attention"]},
    "falcon_h1": {"mamba_d_ssm": 32, "mamba_n_heads": 4, "mamba_d_head": 8, "mamba_d_state": 8},
}
SHAPE = {"vocab_size": 64, "hidden_size": 32, "num_hidden_layers": 2, "intermediate_size": 48}


def network_of(architecture, **shape):
    torch.manual_seed(0)
    config = AutoConfig.for_model(architecture, **SHAPE, **shape)
    return AutoModelForCausalLM.from_config(config, dtype=torch.float32).eval()


@pytest.mark.parametrize("architecture", HYBRIDS)
def test_rows_leave_the_batch_of_a_base_with_linear_attention(architecture):
    network = network_of(architecture, num_attention_heads=4, num_key_value_heads=2, **HYBRIDS[architecture])
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3.0 if weight.ndim > 1 else 1.0)  # else every row writes the same token
    settings = {"max_new_tokens": 8, "pad_token_id": 0}
    free = generate_greedy(network, PROMPTS, stop_token_ids=frozenset(), **settings)
    stop = frozenset({free[0].token_ids[1], free[1].token_ids[1]})
    together = generate_greedy(network, PROMPTS, stop_token_ids=stop, **settings)
    alone = [generate_greedy(network, [prompt], stop_token_ids=stop, **settings)[0] for prompt in PROMPTS]
    assert together == alone
    assert len({len(continuation.token_ids) for continuation in together}) > 1


def test_a_base_without_a_key_value_cache_is_refused():
    network = network_of("mamba", state_size=4)
    with pytest.raises(ModelError, match="MambaForCausalLM: found an architecture that gives no key/value cache"):
        generate_greedy(network, [[5]], max_new_tokens=2, stop_token_ids=frozenset(), pad_token_id=0)


def test_logits_that_are_not_finite_end_the_row_with_that_reason(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    with torch.no_grad():
        network.get_output_embeddings().weight[7] = float("nan")
    (continuation,) = generate_greedy(network, [[5]], max_new_tokens=4, stop_token_ids=frozenset(), pad_token_id=0)
    assert continuation.finish == "not finite"
    assert continuation.token_ids == []


def test_streaming_hands_over_every_token_of_the_first_row(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    seen = []
    (continuation,) = generate_greedy(
        network, [[5, 6]], max_new_tokens=6, stop_token_ids=frozenset(), pad_token_id=0, on_token=seen.append
    )
    assert seen == continuation.token_ids
