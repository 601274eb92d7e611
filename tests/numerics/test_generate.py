"""Greedy decoding against transformers.generate."""

import copy
import math

import pytest
import torch
from architectures import write_architecture
from tiny_base import ARCHITECTURES, write_tiny_base

from tunewright.errors import ModelError
from tunewright.model import decode, shared_decoding
from tunewright.model.adapter import prepare_for_training
from tunewright.model.decode import decoding_path, describe_slow_decoding
from tunewright.model.decoding_copy import decoding_copy
from tunewright.model.forward import compute_precision
from tunewright.model.general_decoding import OverOwnState
from tunewright.model.generate import GreedyDecoder, generate_greedy
from tunewright.model.load import load_base
from tunewright.model.shared_decoding import OverSharedCache
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
    monkeypatch.setattr(shared_decoding, "MAX_PAIRS", max_pairs)
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
    answering = decoding_copy(network, torch.bfloat16)
    with torch.inference_mode(), compute_precision("bfloat16", network.device):
        assert torch.equal(answering(torch.tensor([START])).logits, network(torch.tensor([START])).logits)
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


def test_a_base_that_gives_no_numbers_for_some_of_the_texts_it_is_tried_with_is_asked_otherwise(tmp_path, monkeypatch):
    network = load_base(write_tiny_base(tmp_path / "base", "bloom"))
    found = iter([0.0, math.nan])
    monkeypatch.setattr(decode, "_difference", lambda *_: next(found, 0.0))
    path, reason = decoding_path(network)
    assert path == "alone"
    assert reason == "BloomForCausalLM gives other logits beside padding, by nan of the largest"


def test_prompts_longer_than_a_base_s_window_are_asked_over_transformers_cache(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base", "mistral"))
    assert decoding_path(network, 64)[0] == "shared"
    assert decoding_path(network, 65) == (
        "padded",
        "sequences of up to 65 tokens are longer than the sliding_window of 64",
    )


def test_a_base_whose_attention_cannot_be_found_in_its_layers_is_asked_without_any_cache(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    expected = written_by_transformers(lively(network), START, 4)
    del network.model.layers[1].self_attn.layer_idx
    path, reason = decoding_path(network)
    assert path == "reread"
    assert "LlamaForCausalLM cannot be asked over what it keeps of a text: " in reason
    assert "has no attribute 'layer_idx'" in reason
    (found,) = generate_greedy(network, [START], max_new_tokens=4, stop_token_ids=frozenset(), pad_token_id=0)
    assert found.token_ids == expected


def test_a_base_that_answers_otherwise_over_a_shared_cache_is_found_out(tmp_path, monkeypatch):
    network = load_base(write_tiny_base(tmp_path / "base"))
    run = OverSharedCache._run

    def wrong(shared, tokens_T, positions_T, *others, **settings):
        return run(shared, tokens_T + 1, positions_T, *others, **settings)

    monkeypatch.setattr(OverSharedCache, "_run", wrong)
    path, reason = decoding_path(network)
    assert path == "padded"
    assert "LlamaForCausalLM gives other logits over a shared cache, by " in reason


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


# The general ways

ON_GENERAL_PATHS = {
    # Attention of its own, a window, one cache for linear layers and one for attention, both in one layer.
    "bloom": "padded",
    "gpt_oss": "padded",
    "starcoder2": "padded",
    "jamba": "padded",
    "lfm2": "padded",
    "falcon_h1": "padded",
    "qwen3_next": "padded",
    # A state in the place of keys and values, which is told what is padding.
    "mamba": "padded",
    "mamba2": "padded",
    "falcon_mamba": "padded",
    # Padding that changes the state or the positions, a state in the network's layers, rows that cannot leave.
    "rwkv": "alone",
    "recurrent_gemma": "alone",
    "xlstm": "alone",
    "roformer": "alone",
    "minimax": "alone",
    # No state, one that changes what is written (transformers' step of Zamba2, by 0.0004 of the largest logit), and one
    # that would have to change with the length.
    "openai-gpt": "reread",
    "zamba2": "reread",
    "phi3-longrope": "reread",
}


def without_end(network):
    network.generation_config.eos_token_id = None
    return network


@pytest.mark.parametrize(("name", "path"), ON_GENERAL_PATHS.items())
def test_answers_on_the_general_paths_equal_transformers_one_by_one(name, path, tmp_path):
    network = without_end(load_base(write_architecture(tmp_path, name, weight_scale=0.5)))
    assert decoding_path(network, 62)[0] == path
    answers = set()
    for prompts in (PROMPTS, BATCHES["own tokens of different lengths"]):
        # In a copy each: to RecurrentGemma, whose layers keep what they read, one token is the next of an earlier text.
        expected = [written_by_transformers(copy.deepcopy(network), prompt, 8) for prompt in prompts]
        # Rows leave the batch at different times.
        stop = frozenset({expected[0][1], expected[1][3]})
        ours = generate_greedy(network, prompts, max_new_tokens=8, stop_token_ids=stop, pad_token_id=0)
        for whole, continuation in zip(expected, ours, strict=True):
            end = next((place + 1 for place, token in enumerate(whole) if token in stop), 8)
            assert continuation.token_ids == whole[:end]
            answers.add(tuple(whole))
    assert len(answers) > 3


@pytest.mark.parametrize("name", ["mamba", "mamba2", "falcon_mamba", "jamba", "rwkv", "recurrent_gemma", "xlstm"])
def test_the_copy_that_answers_gives_the_bits_of_autocast_where_a_network_keeps_a_state(name, tmp_path):
    network = load_base(write_architecture(tmp_path, name))
    written = generate_greedy(
        network, PROMPTS, max_new_tokens=6, stop_token_ids=frozenset(), pad_token_id=0, precision="bfloat16"
    )
    answering = decoding_copy(network, torch.bfloat16)
    with torch.inference_mode(), compute_precision("bfloat16", network.device):
        text = torch.tensor([START])
        assert torch.equal(answering(text, use_cache=False).logits, network(text, use_cache=False).logits)
    assert all(len(continuation.token_ids) == 6 for continuation in written)


def test_one_token_is_not_taken_for_the_next_one_of_an_earlier_text(tmp_path):
    network = without_end(load_base(write_architecture(tmp_path, "recurrent_gemma", weight_scale=0.5)))
    settings = {"max_new_tokens": 6, "stop_token_ids": frozenset(), "pad_token_id": 0}
    (expected,) = generate_greedy(network, [[9]], **settings)
    assert expected.token_ids == written_by_transformers(network, [9], 6)
    decoder = GreedyDecoder(network, "float32", 0)
    decoder.generate([START], 6, frozenset())
    assert decoder.generate([[9]], 6, frozenset()) == [expected]


def test_answers_leave_the_weights_of_rwkv_as_they_are(tmp_path):
    """Its own code would halve some for answers, those of the copy that answers with them."""
    network = load_base(write_architecture(tmp_path, "rwkv"))
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    adapted = prepare_for_training(network, Lora(rank=2, alpha=4.0, dropout=0.0), seed=0)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.normal_(std=0.2, generator=torch.Generator().manual_seed(1))
    text = torch.tensor([START])
    trained = adapted.train()(text, use_cache=False).logits
    adapted.eval()
    generate_greedy(adapted, PROMPTS, max_new_tokens=2, stop_token_ids=frozenset(), pad_token_id=0)
    torch.testing.assert_close(adapted(text, use_cache=False).logits, trained)
    after = adapted.get_base_model().state_dict()
    for name, weight in before.items():
        kept = after[name] if name in after else after[f"{name.removesuffix('.weight')}.base_layer.weight"]
        assert torch.equal(weight, kept), name


def test_a_network_whose_state_rows_cannot_leave_says_so(tmp_path):
    network = load_base(write_architecture(tmp_path, "rwkv"))
    reason = "RwkvForCausalLM cannot be asked beside padding: rows cannot leave its `state`, a list"
    assert decoding_path(network) == ("alone", reason)


def test_a_network_without_a_state_is_read_again_and_it_is_said(tmp_path):
    network = load_base(write_architecture(tmp_path, "openai-gpt"))
    with pytest.raises(ModelError, match=r"OpenAIGPTLMHeadModel: found no state beside the logits, expected one of"):
        OverOwnState(network, 0).start(PROMPTS, 2)
    description = describe_slow_decoding(network, 40)
    assert description.startswith("Answers are written one after the other, each read again as a whole for every token")
    assert (
        "OpenAIGPTLMHeadModel cannot be asked over what it keeps of a text: OpenAIGPTLMHeadModel: found" in description
    )


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
