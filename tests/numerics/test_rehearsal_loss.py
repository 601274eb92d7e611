"""The loss of rehearsal against torch's own KL divergence with the base, with an adapter and without one."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_base import write_tiny_base
from torch.nn import functional
from transformers import PreTrainedModel

from tunewright.model.adapter import prepare_for_training, trainable_parameters, without_update
from tunewright.model.forward import attention_path
from tunewright.model.head import TOKENS_PER_SCORING_CHUNK, taught_loss
from tunewright.model.load import load_base
from tunewright.records import Full, Lora, Method
from tunewright.render import TokenSequence
from tunewright.train import rehearsal
from tunewright.train.loss import accumulate_gradients
from tunewright.train.rehearsal import RehearsalLoss

OWN = [
    TokenSequence("own 1", (5, 6, 7, 8, 9), (0.0, 0.0, 1.0, 1.0, 1.0), cut=None),
    TokenSequence("own 2", (5, 9, 11, 4), (0.0, 0.0, 0.0, 1.0), cut=None),
]
GENERAL = [
    TokenSequence("general 1", (7, 7, 12, 13, 4, 6), (0.0, *(1.0,) * 5), cut=None),
    TokenSequence("general 2", (3, 8, 2, 14), (0.0, *(1.0,) * 3), cut=None),
]
OPTIONS: dict[str, Any] = {"tokens_per_micro_batch": 8, "pad_token_id": 0, "precision": "float32"}


def trained(folder: Path, method: Method) -> tuple[PreTrainedModel, RehearsalLoss]:
    """A network that differs from its base, and the loss that holds it to the base."""
    network = prepare_for_training(load_base(folder), method, seed=1)
    base = copy.deepcopy(network).requires_grad_(False) if isinstance(method, Full) else None
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in trainable_parameters(network).values():
            parameter.add_(torch.randn_like(parameter) * 0.05)
    return network.train(), RehearsalLoss(accumulate_gradients, {row.example_id for row in GENERAL}, base)


def gradients(network: PreTrainedModel) -> dict[str, torch.Tensor]:
    found = {name: one.grad.clone() for name, one in trainable_parameters(network).items() if one.grad is not None}
    network.zero_grad()
    return found


def divergence(base: PreTrainedModel, network: PreTrainedModel) -> torch.Tensor:
    """Row by row, by torch's own formula and the network's own code: mean over trained tokens."""
    total = torch.zeros(())
    for row in GENERAL:
        ids = torch.tensor([row.token_ids])
        with torch.no_grad():
            expected = base(ids).logits[0, :-1].log_softmax(-1)
        found = network(ids).logits[0, :-1].log_softmax(-1)
        total = total + functional.kl_div(found, expected, log_target=True, reduction="sum")
    return total / sum(row.num_trained_tokens for row in GENERAL)


@pytest.mark.parametrize("method", [Lora(rank=4, alpha=8.0, dropout=0.0), Full()])
def test_general_rows_add_the_divergence_from_the_base_to_the_loss_of_the_users_rows(
    tmp_path: Path, method: Method
) -> None:
    folder = write_tiny_base(tmp_path / "base")
    network, loss = trained(folder, method)
    assert attention_path(network)[0] == "fast", "our own layers are what is compared"
    alone = accumulate_gradients(network, OWN, **OPTIONS)
    of_own = gradients(network)
    torch.autograd.backward(divergence(load_base(folder), network))
    of_general = gradients(network)
    assert loss(network, [GENERAL[0], *OWN, GENERAL[1]], **OPTIONS) == alone
    both = gradients(network)
    assert both.keys() == of_own.keys()
    for name, gradient in both.items():
        torch.testing.assert_close(gradient, of_own[name] + of_general[name], rtol=1e-4, atol=1e-6)
    assert loss(network, OWN, **OPTIONS) == alone  # a step without general rows
    assert network.training


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("num_tokens", [1, 2 * TOKENS_PER_SCORING_CHUNK, 2 * TOKENS_PER_SCORING_CHUNK + 7])
def test_the_loss_in_chunks_has_the_gradient_of_the_plain_formula_to_the_last_bit(
    dtype: torch.dtype, num_tokens: int
) -> None:
    torch.manual_seed(0)
    logits_NV, teacher_NV = (3 * torch.randn(2, num_tokens, 50)).to(dtype)
    logits_NV.requires_grad_()
    plain = -(teacher_NV.float().softmax(-1) * logits_NV.float().log_softmax(-1)).sum() / 9
    (expected_NV,) = torch.autograd.grad(plain, logits_NV)
    loss = taught_loss(logits_NV, teacher_NV, 9)
    (gradient_NV,) = torch.autograd.grad(loss, logits_NV)
    torch.testing.assert_close(loss, plain)
    assert torch.equal(gradient_NV, expected_NV)


def test_a_general_row_that_does_not_fit_leaves_the_network_in_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, loss = trained(write_tiny_base(tmp_path / "base"), Lora(rank=4, alpha=8.0, dropout=0.1))

    def full(*_: Any) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(rehearsal, "trained_logits", full)
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        loss(network, GENERAL, **OPTIONS)
    assert network.training


def test_the_base_itself_has_nothing_to_learn_from_rehearsal(tmp_path: Path) -> None:
    network = prepare_for_training(
        load_base(write_tiny_base(tmp_path / "base")), Lora(rank=4, alpha=8.0, dropout=0.0), seed=1
    )
    loss = RehearsalLoss(accumulate_gradients, {row.example_id for row in GENERAL})
    assert loss(network, GENERAL, **OPTIONS) == 0.0
    assert max(gradient.abs().max().item() for gradient in gradients(network).values()) < 1e-6


def test_without_its_update_an_adapter_answers_as_the_base_and_with_it_as_before(tmp_path: Path) -> None:
    folder = write_tiny_base(tmp_path / "base")
    network, _ = trained(folder, Lora(rank=4, alpha=8.0, dropout=0.0))
    network.eval()
    ids = torch.tensor([[3, 5, 7]])
    with torch.no_grad():
        before = network(ids).logits
        with without_update(network) as base:
            assert torch.equal(base(ids).logits, load_base(folder)(ids).logits)
        assert torch.equal(network(ids).logits, before)
        assert not torch.equal(before, load_base(folder)(ids).logits)
