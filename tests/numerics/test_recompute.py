"""Gradient checkpointing: the same loss and gradients, with less kept."""

from pathlib import Path
from typing import Any

import pytest
import torch
from test_attention import FULL, LORA, SEQUENCES, load, make_rows_with_prompt
from torch import Tensor

from tunewright.errors import ModelError
from tunewright.model import decoder
from tunewright.model.adapter import trainable_parameters
from tunewright.model.batch import pack_sequences
from tunewright.model.forward import compute_precision, trained_loss
from tunewright.model.layout import attention_path, use_own_code
from tunewright.model.recompute import can_recompute, recompute_layers
from tunewright.records import Lora, Method
from tunewright.render import TokenSequence
from tunewright.train import side_by_side
from tunewright.train.distill import Distillation, soft_targets
from tunewright.train.loss import accumulate_gradients

DROPPING = Lora(rank=4, alpha=8.0, dropout=0.3)
PROMPTED = make_rows_with_prompt(21)


def step(network: Any, rows: list[TokenSequence], compute: Any = accumulate_gradients) -> tuple[float, list[Tensor]]:
    """Loss and gradients of one step; random numbers start anew."""
    network.zero_grad()
    torch.manual_seed(5)
    loss = compute(network, rows, tokens_per_micro_batch=60, pad_token_id=0, precision="float32")
    parameters = trainable_parameters(network).values()
    return loss, [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]


def assert_same_bits(network: Any, rows: list[TokenSequence], compute: Any = accumulate_gradients) -> None:
    expected_loss, expected = step(network, rows, compute)
    random_after = torch.get_rng_state()
    recompute_layers(network, is_on=True)
    loss, found = step(network, rows, compute)
    assert torch.equal(torch.get_rng_state(), random_after)
    assert loss == expected_loss
    assert len(found) == len(expected) > 0
    assert all(torch.equal(one, other) for one, other in zip(found, expected, strict=True))
    recompute_layers(network, is_on=False)
    assert step(network, rows, compute)[0] == expected_loss


@pytest.mark.parametrize("rows", [SEQUENCES, PROMPTED], ids=["rows", "prompt"])
@pytest.mark.parametrize("method", [FULL, LORA], ids=["full", "lora"])
@pytest.mark.parametrize(
    ("architecture", "path"), [("llama", "fast"), ("gemma", "fast"), ("gpt_neox", "packed"), ("phi", "packed")]
)
def test_loss_and_gradients_are_the_same_to_the_bit(
    architecture: str, path: str, method: Method, rows: list[TokenSequence], tmp_path: Path
) -> None:
    network = load(tmp_path, architecture, method)
    assert attention_path(network)[0] == path
    assert_same_bits(network, rows)


def test_padded_rows_too(tmp_path: Path) -> None:
    network = load(tmp_path, "bloom", LORA)
    assert attention_path(network)[0] == "padded"
    assert_same_bits(network, SEQUENCES)


@pytest.mark.parametrize("path", ["fast", "packed"])
def test_dropout_drops_the_same_the_second_time(path: str, tmp_path: Path) -> None:
    network = load(tmp_path, "llama", DROPPING, torch.float32)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    without = step(network, SEQUENCES)[0]
    if path == "packed":
        use_own_code(network, "asked for")
    assert attention_path(network)[0] == path
    assert_same_bits(network, SEQUENCES)
    network.eval()
    assert step(network, SEQUENCES)[0] != without


def test_rows_side_by_side_draw_from_their_own_generators_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(side_by_side, "MIN_TOKENS", 1)
    monkeypatch.setattr(side_by_side, "MOST_TOKENS", 2.0)
    network = load(tmp_path, "llama", DROPPING, torch.float32)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert len(side_by_side.divide_step(network, PROMPTED, 1000)) == 2
        assert_same_bits(
            network, PROMPTED, lambda *rows, **given: accumulate_gradients(*rows, **{**given, **ALL_AT_ONCE})
        )
    finally:
        torch.set_num_threads(before)


ALL_AT_ONCE = {"tokens_per_micro_batch": 1000}


def test_distillation_too(tmp_path: Path) -> None:
    network = load(tmp_path, "llama", LORA)
    targets = dict(
        zip([row.token_ids for row in SEQUENCES], soft_targets(network, SEQUENCES, 0, "float32"), strict=True)
    )
    assert_same_bits(network, SEQUENCES, Distillation(targets, 0.5))


def num_kept(network: Any) -> int:
    """Bytes that a loss keeps for its backward pass."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor),
        compute_precision("float32", network.device),
    ):
        trained_loss(network, pack_sequences(SEQUENCES, network.device))
    return sum(kept.values())


def test_layers_are_computed_twice_in_training_and_keep_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network, calls = load(tmp_path, "llama", LORA), []
    real = decoder._layer

    def counted(*arguments: Any) -> Tensor:
        calls.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(decoder, "_layer", counted)
    assert attention_path(network)[0] == "fast"  # which is tried first
    calls.clear()
    step(network, SEQUENCES[:1])
    once, kept = len(calls), num_kept(network)
    recompute_layers(network, is_on=True)
    calls.clear()
    step(network, SEQUENCES[:1])
    assert len(calls) == 2 * once
    assert num_kept(network) < kept / 3
    calls.clear()
    with torch.no_grad():
        trained_loss(network, pack_sequences(SEQUENCES[:1], network.device))
    assert len(calls) == once


def test_an_architecture_without_it_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = load(tmp_path, "llama", LORA)
    monkeypatch.setattr(type(network.get_base_model()), "supports_gradient_checkpointing", False)
    assert not can_recompute(network)
    recompute_layers(network, is_on=False)
    with pytest.raises(ModelError, match=r"LlamaForCausalLM has no gradient checkpointing\. Use never, a lower"):
        recompute_layers(network, is_on=True)
