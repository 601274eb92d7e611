"""Many causal architectures of transformers: loss and gradients of a batch against a plain loop over its rows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from architectures import ARCHITECTURES, VOCABULARY_SIZE, write_architecture
from test_attention import FULL, LORA, assert_same
from tiny_base import write_tiny_base
from torch.nn import functional
from transformers import AutoConfig, AutoModelForCausalLM

from tunewright.errors import ModelError
from tunewright.model import layout, trial
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.batch import PackedBatch, pack_sequences
from tunewright.model.decode import decoding_path
from tunewright.model.forward import make_batches
from tunewright.model.layout import attention_path, layout_of, training_path
from tunewright.model.load import load_base
from tunewright.records import Method
from tunewright.render import TokenSequence
from tunewright.train.loss import accumulate_gradients

IN_FLOAT32 = ("xglm", "gpt_neo")
"""The former fills its mask with a number that float64 makes infinite; the latter's attention computes in float32."""

PLAIN = (
    *(
        "falcon",
        "falcon-alibi",
        "mpt",
        "gptj",
        "codegen",
        "stablelm",
        "nemotron",
        "biogpt",
        "persimmon",
        "olmo",
        "olmo2",
    ),
    *("cohere", "glm", "glm4", "smollm3", "helium", "ernie4_5", "starcoder2", "cohere2", "gemma2", "gemma3_text"),
)
"""All that is trained are linear layers as everywhere, so LoRA on them is tested among the slow ones."""


def make_rows(lengths: list[int]) -> list[TokenSequence]:
    """Random tokens; every second row is trained on its second half only."""
    torch.manual_seed(0)
    rows = []
    for row, length in enumerate(lengths):
        num_read = length // 2 if row % 2 else 1
        tokens = torch.randint(3, VOCABULARY_SIZE, (length,)).tolist()
        rows.append(TokenSequence(str(row), tuple(tokens), (0.0,) * num_read + (1.0,) * (length - num_read), None))
    return rows


ROWS = make_rows([20, 7, 30, 12, 2])


def load(folder: Path, name: str, method: Method = FULL) -> Any:
    network = load_base(write_architecture(folder, name))
    network.set_experts_implementation("eager")  # its grouped products know no float64
    network = prepare_for_training(network, method, seed=0).to(torch.float32 if name in IN_FLOAT32 else torch.float64)
    torch.manual_seed(1)
    for parameter_name, parameter in network.named_parameters():
        if "lora_B" in parameter_name:
            torch.nn.init.normal_(parameter, std=0.1)
    return network.train()


def one_after_the_other(network: Any, rows: list[TokenSequence]) -> float:
    """Mean loss of the trained tokens, and its gradients: each row by itself through transformers and PEFT."""
    num_trained = sum(row.num_trained_tokens for row in rows)
    total = 0.0
    for row in rows:
        logits_TV = network(torch.tensor([row.token_ids]), use_cache=False).logits[0, :-1]
        losses_T = functional.cross_entropy(logits_TV, torch.tensor(row.token_ids[1:]), reduction="none")
        loss = (losses_T * torch.tensor(row.loss_weights[1:])).sum() / num_trained
        loss.backward()
        total += loss.item()
    return total


def gradients(network: Any) -> dict[str, torch.Tensor]:
    found = {
        name: parameter.grad for name, parameter in trainable_parameters(network).items() if parameter.grad is not None
    }
    network.zero_grad()
    return found


def cases() -> Iterator[Any]:
    for name in ARCHITECTURES:
        yield pytest.param(name, FULL, id=f"{name}-full")
        yield pytest.param(name, LORA, id=f"{name}-lora", marks=pytest.mark.slow if name in PLAIN else ())


@pytest.mark.filterwarnings("ignore:fan_in_fan_out is set to False:UserWarning")
@pytest.mark.parametrize(("name", "method"), list(cases()))
def test_loss_and_every_gradient_are_those_of_rows_that_are_computed_alone(
    name: str, method: Method, tmp_path: Path
) -> None:
    network = load(tmp_path, name, method)
    expected = one_after_the_other(network, ROWS)
    expected_gradients = gradients(network)
    assert attention_path(network, longest=30)[0] == ARCHITECTURES[name].path
    found = accumulate_gradients(network, ROWS, tokens_per_micro_batch=60, pad_token_id=0, precision="float32")
    assert found == pytest.approx(expected, rel=1e-6)
    relative, rounding = (1e-5, 1e-7) if name in IN_FLOAT32 else (1e-6, 1e-12)
    assert_same(gradients(network), expected_gradients, relative, rounding)


# What trying a network shows


def test_a_short_convolution_is_not_packed_even_where_losses_do_not_tell(tmp_path: Path) -> None:
    """At its own start what it carries over a document's end changes losses by 1e-8, and its gradients by a tenth."""
    network = load_base(write_architecture(tmp_path, "lfm2", weight_scale=None))
    assert attention_path(network) == (
        "padded",
        "Lfm2ForCausalLM lets sequences see more than themselves when packed",
    )


def test_a_cap_on_logits_is_found_where_it_changes_none_of_them(tmp_path: Path) -> None:
    network = load_base(write_architecture(tmp_path, "nanochat", weight_scale=None))
    assert layout_of(network).padded_reason is None
    assert not layout_of(network).has_plain_head


def test_a_network_that_rows_cannot_share_says_so(tmp_path: Path) -> None:
    network = load(tmp_path, "prophetnet")
    assert training_path(network, ROWS).told == (
        "Rows are computed one after the other by the network's own code (ProphetNetForCausalLM gives losses that are "
        "not finite when padded)."
    )
    groups = [group for group, _ in make_batches(network, ROWS, max_tokens=60, pad_token_id=0)]
    assert groups == [[row] for row in range(len(ROWS))]


def test_a_long_rotation_is_packed_while_no_row_is_long(tmp_path: Path) -> None:
    network = load(tmp_path, "phi3-longrope")
    assert attention_path(network, longest=12)[0] == "packed"
    assert attention_path(network, longest=13) == (
        "alone",
        "its longrope rotation turns all rows of a batch in another way once one is over 12 tokens",
    )


def test_a_network_that_refuses_padding_is_given_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "bloom")
    forward = network.forward

    def without_mask(input_ids: torch.Tensor, use_cache: bool = False) -> Any:
        return forward(input_ids, use_cache=use_cache)

    monkeypatch.setattr(network, "forward", without_mask)
    path, reason = attention_path(network)
    assert path == "alone"
    assert reason.startswith("BloomForCausalLM cannot be told what is padding: ")
    expected = one_after_the_other(network, ROWS)
    found = accumulate_gradients(network, ROWS, tokens_per_micro_batch=60, pad_token_id=0, precision="float32")
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_network_that_has_gradients_in_training_only_is_given_rows_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(tmp_path, "bloom")
    forward = network.forward

    def in_training(*inputs: Any, **named: Any) -> Any:
        assert network.training or not torch.is_grad_enabled(), "use train()"  # as Reformer does
        return forward(*inputs, **named)

    monkeypatch.setattr(network, "forward", in_training)
    path, reason = attention_path(network)
    assert (path, reason.partition("\n")[0]) == (
        "alone",
        "BloomForCausalLM cannot be told what is padding: use train()",
    )


def test_a_network_that_mixes_rows_is_given_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "bloom")
    norm = network.transformer.ln_f
    forward = norm.forward

    def mixing_rows(states_BTD: torch.Tensor) -> torch.Tensor:
        # So little that no loss tells.
        return forward(states_BTD) + 1e-9 * states_BTD.mean(dim=0, keepdim=True)

    monkeypatch.setattr(norm, "forward", mixing_rows)
    assert attention_path(network) == (
        "alone",
        "BloomForCausalLM lets sequences see more than themselves when padded",
    )


def test_a_network_that_needs_more_than_tokens_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "bloom")

    def forward(input_ids: torch.Tensor, pixel_values: torch.Tensor, use_cache: bool) -> Any:
        raise AssertionError

    monkeypatch.setattr(network, "forward", forward)
    with pytest.raises(ModelError, match=r"BloomForCausalLM: its own code .*'pixel_values'.* Choose another base"):
        attention_path(network)


@pytest.mark.parametrize("error", [AttributeError, KeyError, RuntimeError])
def test_a_network_that_stops_at_packed_rows_is_given_padded_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    network = load(tmp_path, "olmo")

    def packed(*_: Any) -> Any:
        raise error("no such thing")

    monkeypatch.setattr(trial, "packed_logits", packed)
    path, reason = attention_path(network)
    assert path == "padded"
    assert "OlmoForCausalLM cannot be told where documents end" in reason
    assert "no such thing" in reason


def test_a_network_that_cannot_read_even_one_sequence_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(tmp_path, "olmo")

    def forward(*_: Any, **__: Any) -> Any:
        raise RuntimeError("The size of tensor a\nmust match")

    monkeypatch.setattr(network, "forward", forward)
    with pytest.raises(ModelError, match=r"its own code cannot compute a sequence of tokens \(The size of tensor a\)"):
        attention_path(network)


def test_running_out_of_memory_says_nothing_about_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "olmo")

    def packed(*_: Any) -> Any:
        raise error

    for error in (torch.OutOfMemoryError("CUDA"), RuntimeError("DefaultCPUAllocator: can't allocate memory")):
        with monkeypatch.context() as patch:
            patch.setattr(trial, "packed_logits", packed)
            with pytest.raises(type(error), match=str(error)):
                attention_path(network)
    assert attention_path(network)[0] == "packed"


def test_one_of_the_batches_that_are_tried_computes_a_shared_beginning_once() -> None:
    probes = trial._probes(VOCABULARY_SIZE)
    found = [pack_sequences(probes, torch.device("cpu"), share=share).num_shared_tokens for share in (False, True)]
    assert found == [0, trial.PROBE_SHARED_TOKENS]


def test_losses_that_are_no_numbers_are_found_in_whichever_batch_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load_base(write_tiny_base(tmp_path / "base"))
    fast = trial.fast_logits

    def not_finite_beside_a_shared_beginning(network: Any, batch: PackedBatch, head: Any) -> torch.Tensor:
        return fast(network, batch, head) * (torch.nan if batch.num_shared_tokens else 1.0)

    monkeypatch.setattr(trial, "fast_logits", not_finite_beside_a_shared_beginning)
    assert attention_path(network) == ("packed", "our layers give other losses than LlamaForCausalLM, by nan nats")


def test_a_network_that_looks_tokens_up_twice_cannot_show_what_they_see(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = load(tmp_path, "olmo")
    forward = network.forward

    def twice(input_ids: torch.Tensor, **others: Any) -> Any:
        network.get_input_embeddings()(input_ids)
        return forward(input_ids, **others)

    monkeypatch.setattr(network, "forward", twice)
    assert attention_path(network) == (
        "alone",
        "OlmoForCausalLM looks its tokens up 2 times, so what they see of each other cannot be tried",
    )


def test_padding_is_tried_only_where_rows_cannot_be_packed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr(layout, "try_padding", tried.append)
    assert attention_path(load(tmp_path / "olmo", "olmo"))[0] == "packed"
    assert tried == []
    assert [attention_path(network)[0] for network in 2 * [load(tmp_path / "bloom", "bloom")]] == ["padded", "padded"]
    assert len(tried) == 1


NOT_CAUSAL = {
    "bert": {"num_attention_heads": 4, "intermediate_size": 24},
    "xlm": {"emb_dim": 16, "n_layers": 2, "n_heads": 2},
    "xlnet": {"d_model": 16, "n_layer": 2, "n_head": 2, "d_inner": 24},
}


@pytest.mark.parametrize("architecture", NOT_CAUSAL)
def test_a_network_whose_tokens_see_later_ones_is_refused(architecture: str) -> None:
    shape = {"vocab_size": VOCABULARY_SIZE, "hidden_size": 16, "num_hidden_layers": 2, **NOT_CAUSAL[architecture]}
    torch.manual_seed(0)
    network = AutoModelForCausalLM.from_config(AutoConfig.for_model(architecture, **shape))
    with pytest.raises(ModelError, match=r": found a network in which tokens see those after them, expected a causal"):
        decoding_path(network.requires_grad_(False))
    if architecture == "bert":
        causal = AutoModelForCausalLM.from_config(AutoConfig.for_model("bert", **shape, is_decoder=True))
        assert attention_path(causal.requires_grad_(False))[0] == "packed"


def test_a_network_can_be_tried_where_no_gradients_are_wanted(tmp_path: Path) -> None:
    network = load(tmp_path, "olmo")
    with torch.inference_mode():
        assert attention_path(network)[0] == "packed"
