"""Greedy decoding against transformers.generate."""

import pytest
import torch
from tiny_base import ARCHITECTURES, write_tiny_base
from transformers import AutoConfig, AutoModelForCausalLM

from tunewright.errors import ModelError
from tunewright.model import decode
from tunewright.model.adapter import prepare_for_training
from tunewright.model.decode import decoding_path
from tunewright.model.decoding_copy import decoding_copy
from tunewright.model.forward import compute_precision
from tunewright.model.generate import GreedyDecoder, generate_greedy
from tunewright.model.load import load_base
from tunewright.records import Lora

PROMPTS = [[5, 6, 7], [9], [11, 12, 13, 14, 15, 16, 17], [3, 4]]
START = [(7 * place + 3) % 60 for place in range(50)]
BATCHES = {
    "nothing shared": PROMPTS,
    "own tokens of different lengths": [[*START, *prompt] for prompt in PROMPTS],
    "own tokens of one length": [[*START, 5 + row, 9] for row in range(4)],
    "one prompt is the start of the others": [START, [*START, 5], [*START, 6, 7, 8]],
    "all prompts are the same": [START, START, START],
    "too little shared to pay": [[3, 4, *prompt] for prompt in PROMPTS],
    "one row": [START],
    "one row of one token": [[5]],
}
ON_SHARED_CACHE = ("llama", "qwen2", "qwen3", "gemma", "mistral", "phi", "gpt2", "gpt_neox", "granite")


def lively(network):
    """The network with larger weights, so that what it writes depends on what it reads, and without an end."""
    with torch.no_grad():
        for name, weight in network.named_parameters():
            weight.mul_(1.0 if weight.ndim < 2 or "embed" in name or "wte" in name else 10.0)
    network.generation_config.eos_token_id = None
    return network


def written_by_transformers(network, prompt, max_new_tokens=12):
    written = network.generate(
        input_ids=torch.tensor([prompt]),
        attention_mask=torch.ones(1, len(prompt), dtype=torch.int64),
        max_new_tokens=max_new_tokens,
        do_sample=False,
        pad_token_id=0,
    )
    return written[0, len(prompt) :].tolist()


@pytest.mark.parametrize("architecture", ON_SHARED_CACHE)
def test_answers_over_shared_tokens_equal_transformers_one_by_one(architecture, tmp_path):
    network = lively(load_base(write_tiny_base(tmp_path / "base", architecture)))
    assert decoding_path(network, 64)[0] == "shared"
    answers = set()
    for prompts in BATCHES.values():
        ours = generate_greedy(network, prompts, max_new_tokens=12, stop_token_ids=frozenset(), pad_token_id=0)
        for prompt, continuation in zip(prompts, ours, strict=True):
            assert continuation.token_ids == written_by_transformers(network, prompt)
            assert continuation.finish == "length"
            answers.add(tuple(continuation.token_ids))
    assert len(answers) > 8


def test_what_an_earlier_batch_shared_is_used_as_far_as_it_goes_and_changes_no_answer(tmp_path, monkeypatch):
    network = lively(load_base(write_tiny_base(tmp_path / "base")))
    batches = [
        [[*START, 5, 6], [*START, 7]],
        [[*START, 8, 9], [*START, 10]],  # the same start
        [[*START, *START[:40], 1, 2], [*START, *START[:40], 3]] * 2,  # goes on
        [[*START[:20], 9, 9], [*START[:20], 8]],  # shorter
        [[1, 2, 3], [4, 5]],  # nothing of it
    ]
    decoder = GreedyDecoder(network, "float32", pad_token_id=0)
    num_shared = []
    for prompts in batches:
        for prompt, continuation in zip(prompts, decoder.generate(prompts, 8, frozenset()), strict=True):
            assert continuation.token_ids == written_by_transformers(network, prompt, 8)
        num_shared.append(len(decoder.shared.token_ids))
    assert num_shared == [0, 0, 90, 20, 0]
    # Two rows spare too little for 50 tokens; twice as many pay.
    decoder = GreedyDecoder(network, "float32", pad_token_id=0)
    decoder.generate([*batches[0], *batches[0]], 8, frozenset())
    assert len(decoder.shared.token_ids) == 50


@pytest.mark.parametrize("max_pairs", [1, 300])
def test_prompts_read_in_several_passes_have_the_same_answers(max_pairs, tmp_path, monkeypatch):
    network = lively(load_base(write_tiny_base(tmp_path / "base")))
    prompts = [[*START, *prompt] for prompt in PROMPTS]
    settings = {"max_new_tokens": 8, "stop_token_ids": frozenset(), "pad_token_id": 0}
    expected = generate_greedy(network, prompts, **settings)
    monkeypatch.setattr(decode, "MAX_PAIRS", max_pairs)
    assert generate_greedy(network, prompts, **settings) == expected


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning")
@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_an_adapter_is_merged_into_the_copy_that_answers_and_nowhere_else(architecture, tmp_path):
    network = lively(load_base(write_tiny_base(tmp_path / "base", architecture)))
    network = prepare_for_training(network, Lora(rank=4, alpha=8.0, dropout=0.0), seed=0).eval()
    prompts = BATCHES["own tokens of different lengths"]
    before = [written_by_transformers(network, prompt) for prompt in prompts]
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2, generator=torch.Generator().manual_seed(1))
    weights = {name: weight.clone() for name, weight in network.state_dict().items()}
    ours = generate_greedy(network, prompts, max_new_tokens=12, stop_token_ids=frozenset(), pad_token_id=0)
    expected = [written_by_transformers(network, prompt) for prompt in prompts]
    assert [continuation.token_ids for continuation in ours] == expected != before
    assert all(torch.equal(weights[name], weight) for name, weight in network.state_dict().items())
    with network.disable_adapter():
        ours = generate_greedy(network, prompts, max_new_tokens=12, stop_token_ids=frozenset(), pad_token_id=0)
    assert [continuation.token_ids for continuation in ours] == before


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_copy_that_answers_gives_the_bits_of_autocast(architecture, tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base", architecture))
    copy = decoding_copy(network, torch.bfloat16)
    with torch.inference_mode(), compute_precision("bfloat16", network.device):
        assert torch.equal(copy(torch.tensor([START])).logits, network(torch.tensor([START])).logits)
    assert network.get_output_embeddings().weight.dtype == torch.float32


@pytest.mark.parametrize("architecture", ["bloom", "gemma2"])
def test_other_bases_are_asked_over_transformers_cache_and_it_is_said(architecture, tmp_path):
    network = lively(load_base(write_tiny_base(tmp_path / "base", architecture)))
    path, reason = decoding_path(network)
    assert path == "padded"
    assert type(network).__name__ in reason or "softcap" in reason
    prompts = BATCHES["own tokens of different lengths"]
    for prompt, continuation in zip(
        prompts,
        generate_greedy(network, prompts, max_new_tokens=8, stop_token_ids=frozenset(), pad_token_id=0),
        strict=True,
    ):
        assert continuation.token_ids == written_by_transformers(network, prompt, 8)


def test_prompts_longer_than_a_base_s_window_are_asked_over_transformers_cache(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base", "mistral"))
    assert decoding_path(network, 64)[0] == "shared"
    assert decoding_path(network, 65) == (
        "padded",
        "sequences of up to 65 tokens are longer than the sliding_window of 64",
    )


def test_a_base_whose_attention_cannot_be_found_in_its_layers_is_asked_over_transformers_cache(tmp_path, monkeypatch):
    network = load_base(write_tiny_base(tmp_path / "base"))
    del network.model.layers[1].self_attn.layer_idx
    path, reason = decoding_path(network)
    assert path == "padded"
    assert "LlamaForCausalLM cannot be asked over a shared cache" in reason


def test_a_base_that_answers_otherwise_over_a_shared_cache_is_found_out(tmp_path, monkeypatch):
    network = load_base(write_tiny_base(tmp_path / "base"))
    monkeypatch.setattr(decode, "PROBE_TOLERANCE", -1.0)
    path, reason = decoding_path(network)
    assert path == "padded"
    assert "LlamaForCausalLM gives other logits over a shared cache" in reason


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
    decoder = GreedyDecoder(network, "float32", pad_token_id=0)
    (continuation,) = decoder.generate([[5, 6]], 6, frozenset(), seen.append)
    assert seen == continuation.token_ids
