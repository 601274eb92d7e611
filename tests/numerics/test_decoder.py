"""Our layers against transformers and PEFT: what they take, what they refuse, what stays fresh, bfloat16."""

from pathlib import Path
from typing import Any

import pytest
import torch
from test_attention import (
    LORA,
    SEQUENCES,
    assert_same,
    exact_norms,
    gradients_of,
    load,
    make_rows_with_prompt,
    padded_loss,
    relative_error,
)
from tiny_base import write_tiny_base
from torch import Tensor

from tunewright.model import decoder
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.batch import pack_sequences
from tunewright.model.forward import compute_precision, make_batches, trained_loss, trained_token_losses
from tunewright.model.layout import attention_path, training_path
from tunewright.model.load import load_base
from tunewright.model.projection import compute_copies, forget_copies
from tunewright.records import Full, Lora, TrainingPath
from tunewright.train.loss import accumulate_gradients


def with_lora(folder: Path, **settings: Any) -> Any:
    from peft import LoraConfig, get_peft_model

    base = load_base(write_tiny_base(folder / "base"))
    return exact_norms(get_peft_model(base, LoraConfig(init_lora_weights=False, **settings)).double().train())


@pytest.mark.parametrize(
    "settings",
    [
        {"target_modules": ["q_proj", "down_proj"]},
        {"target_modules": ["v_proj"], "layers_to_transform": [1]},
        {"target_modules": "all-linear", "use_rslora": True, "lora_alpha": 7},
        {"target_modules": "all-linear", "rank_pattern": {"k_proj": 3, "up_proj": 5}},
    ],
    ids=["some-layers", "one-layer", "rslora", "ranks"],
)
def test_any_plain_lora_gives_pefts_loss_and_gradients(settings: dict[str, Any], tmp_path: Path) -> None:
    network = with_lora(tmp_path, r=4, **settings)
    assert attention_path(network)[0] == "fast"
    losses = [padded_loss(network, SEQUENCES), trained_loss(network, pack_sequences(SEQUENCES, network.device))]
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-9)
    expected, found = (gradients_of(loss, network) for loss in losses)
    assert_same(found, expected)


@pytest.mark.filterwarnings("ignore:`lora_bias=True` was passed")
@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"target_modules": ["q_proj"], "use_dora": True}, "a linear layer has an adapter that is not plain LoRA"),
        ({"target_modules": ["q_proj"], "lora_bias": True}, "a linear layer has an adapter that is not plain LoRA"),
        ({"target_modules": ["embed_tokens"]}, "its embeddings have an adapter"),
    ],
    ids=["dora", "bias", "embeddings"],
)
def test_other_adapters_take_the_networks_own_code(settings: dict[str, Any], reason: str, tmp_path: Path) -> None:
    network = with_lora(tmp_path, r=4, **settings)
    assert attention_path(network) == ("packed", reason)
    losses = [padded_loss(network, SEQUENCES), trained_loss(network, pack_sequences(SEQUENCES, network.device))]
    assert losses[1].item() == pytest.approx(losses[0].item(), rel=1e-9)


def test_the_user_is_told_the_path_and_what_is_shared(tmp_path: Path) -> None:
    assert training_path(load(tmp_path / "1", "llama"), make_rows_with_prompt(20)).told == (
        "Rows are packed without padding and computed by tunewright's own layers (equal to the network's own code on a "
        "test). The 20 tokens that all rows begin with are computed once per batch."
    )
    assert training_path(load(tmp_path / "2", "bloom"), make_rows_with_prompt(20)).told == (
        "Rows are padded to equal length and computed by the network's own code (BloomForCausalLM has attention of its "
        "own, which cannot be told where documents end)."
    )


def test_the_user_is_told_how_many_processes_share_a_step_and_which_layers_are_left_out() -> None:
    path = TrainingPath(name="fast", reason="so", num_processes=2, left_out_layers=("out_proj", "router"))
    assert path.told == (
        "2 processes share the rows of a step. Rows are packed without padding and computed by tunewright's own layers "
        "(so). LoRA leaves out out_proj, router: no update can be added to such layers."
    )


def test_other_families_say_so(tmp_path: Path) -> None:
    path, reason = attention_path(load(tmp_path, "phi"))
    assert path == "packed"
    assert reason.startswith("PhiForCausalLM is not one of LlamaForCausalLM, ")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda model: setattr(model.config, "attention_dropout", 0.1), "its attention has dropout"),
        (lambda model: setattr(model.model.layers[1].mlp, "act_fn", torch.nn.ReLU()), "its activation is ReLU"),
    ],
    ids=["dropout", "activation"],
)
def test_settings_that_our_layers_do_not_know(change: Any, reason: str, tmp_path: Path) -> None:
    network = load(tmp_path, "llama")
    change(network)
    assert attention_path(network) == ("packed", reason)


def test_a_network_that_computes_something_else_keeps_its_own_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(decoder.FAMILIES, "LlamaForCausalLM", 0.5)
    path, reason = attention_path(load(tmp_path, "llama"))
    assert path == "packed"
    assert reason.startswith("our layers give other losses than LlamaForCausalLM, by ")


def test_lora_dropout_draws_anew_for_every_step_and_is_off_in_scoring(tmp_path: Path) -> None:
    network = load(tmp_path, "llama", Lora(rank=4, alpha=8.0, dropout=0.5))
    batch = pack_sequences(SEQUENCES, network.device)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.5
    torch.manual_seed(0)
    first, second = (trained_loss(network, batch).item() for _ in range(2))
    torch.manual_seed(0)
    assert trained_loss(network, batch).item() == first != second
    expected = padded_loss(network.eval(), SEQUENCES)
    assert trained_loss(network, batch).item() == pytest.approx(expected.item(), rel=1e-9)


def test_the_gradient_with_dropout_is_that_of_the_loss_with_the_same_mask(tmp_path: Path) -> None:
    network = load(tmp_path, "llama", LORA)
    for module in network.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.3
    # PEFT puts Identity where there is no dropout.
    for module in network.modules():
        if hasattr(module, "lora_dropout"):
            module.lora_dropout["default"] = torch.nn.Dropout(0.3)
    batch = pack_sequences(SEQUENCES, network.device)

    def loss() -> Tensor:
        torch.manual_seed(3)
        return trained_loss(network, batch)

    gradients = gradients_of(loss(), network)
    for name in list(gradients)[:: len(gradients) // 6]:
        parameter = trainable_parameters(network)[name]
        direction, step = torch.randn(parameter.shape, dtype=parameter.dtype), 1e-5
        around = []
        for sign in (1, -1):
            with torch.no_grad():
                parameter += sign * step * direction
            around.append(loss().item())
            with torch.no_grad():
                parameter -= sign * step * direction
        slope = (around[0] - around[1]) / (2 * step)
        assert slope == pytest.approx((gradients[name] * direction).sum().item(), rel=1e-3, abs=1e-6), name


# Copies in the compute dtype


def test_frozen_weights_are_cast_once_and_trained_ones_after_every_step(tmp_path: Path) -> None:
    layer = torch.nn.Linear(3, 4)
    first = compute_copies(layer, [layer.weight], torch.bfloat16)
    assert compute_copies(layer, [layer.weight], torch.bfloat16) is first
    layer.weight.data[0, 0] += 1.0  # as a fused optimizer: not counted
    forget_copies()
    assert compute_copies(layer, [layer.weight], torch.bfloat16)[0][0, 0] != first[0][0, 0]
    layer.requires_grad_(False)
    frozen = compute_copies(layer, [layer.weight], torch.bfloat16)
    forget_copies()
    assert compute_copies(layer, [layer.weight], torch.bfloat16) is frozen


@pytest.mark.parametrize("method", [Full(), LORA], ids=["full", "lora"])
def test_every_step_and_every_scoring_sees_the_newest_weights(method: Full | Lora, tmp_path: Path) -> None:
    network = prepare_for_training(load_base(write_tiny_base(tmp_path / "base")), method, seed=0).train()
    optimizer = torch.optim.AdamW(trainable_parameters(network).values(), lr=1e-2, fused=True)

    def score() -> float:
        total = 0.0
        for _, batch in make_batches(network, SEQUENCES, 1000, 0):
            with torch.inference_mode(), compute_precision("bfloat16", network.device):
                losses, _, _ = trained_token_losses(network, batch)
                total += losses.sum().item()
        return total

    scores = [score()]
    for _ in range(3):
        accumulate_gradients(network, SEQUENCES, tokens_per_micro_batch=1000, pad_token_id=0, precision="bfloat16")
        optimizer.step()
        optimizer.zero_grad()
        scores.append(score())
        expected = padded_loss(network.eval(), SEQUENCES).item()
        network.train()
        every = sum(len(one.token_ids) - 1 for one in SEQUENCES)
        assert scores[-1] == pytest.approx(expected, abs=0.01 * every)
    assert scores == sorted(scores, reverse=True)


def test_bfloat16_gradients_are_about_as_exact_as_the_networks_own(tmp_path: Path) -> None:
    exact_network = load(tmp_path / "exact", "llama", Full())
    exact = gradients_of(padded_loss(exact_network, SEQUENCES), exact_network)
    errors = []
    for is_ours in (False, True):
        network = load(tmp_path / str(is_ours), "llama", Full(), torch.float32)
        batch = pack_sequences(SEQUENCES, network.device)
        with compute_precision("bfloat16", network.device):
            loss = trained_loss(network, batch) if is_ours else padded_loss(network, SEQUENCES)
        found = gradients_of(loss, network)
        errors.append(max(relative_error(found[name], exact[name]) for name in exact))
    assert errors[1] < 1.5 * errors[0]
    assert attention_path(network)[0] == "fast"
