"""The distilled loss and its gradient against torch's own KL divergence, packed and padded."""

from pathlib import Path

import pytest
import torch
from tiny_base import write_tiny_base
from torch.nn import functional
from transformers import PreTrainedModel

from tunewright.model.load import load_base
from tunewright.render import TokenSequence
from tunewright.train.distill import KEPT, Distillation, soft_targets
from tunewright.train.loss import accumulate_gradients

ROWS = [
    TokenSequence("a", (5, 6, 7, 8, 9), (0.0, 0.0, 1.0, 1.0, 1.0), cut=None),
    TokenSequence("b", (5, 9, 11, 4), (0.0, 0.0, 0.0, 1.0), cut=None),
    TokenSequence("c", (7, 7, 12, 13, 4, 6), (0.0, 1.0, 0.0, 1.0, 1.0, 0.0), cut=None),
]


@pytest.fixture
def networks(tmp_path: Path) -> tuple[PreTrainedModel, PreTrainedModel]:
    """A teacher and a student that differ."""
    folder = write_tiny_base(tmp_path / "base")
    teacher, student = load_base(folder), load_base(folder)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return teacher.eval(), student.requires_grad_(True)


def truth(teacher: PreTrainedModel, student: PreTrainedModel, weight: float) -> torch.Tensor:
    """Row by row, with the whole softmax cut to its likeliest tokens, and torch's own KL."""
    total, num_tokens = torch.zeros(()), 0
    for row in ROWS:
        ids = torch.tensor([row.token_ids])
        with torch.no_grad():
            taught = teacher(ids).logits[0]
        own = student(ids).logits[0]
        for place, trained in enumerate(row.loss_weights):
            if not trained:
                continue
            kept = taught[place - 1].softmax(-1).topk(KEPT)
            shares = kept.values / kept.values.sum()
            log_own = own[place - 1].log_softmax(-1)
            divergence = functional.kl_div(log_own[kept.indices], shares, reduction="sum")
            entropy = -(shares * shares.log()).sum()
            total = total + (1 - weight) * -log_own[row.token_ids[place]] + weight * (divergence + entropy)
            num_tokens += 1
    return total / num_tokens


@pytest.mark.parametrize("tokens_per_micro_batch", [6, 100])
@pytest.mark.parametrize("weight", [0.0, 0.4, 1.0])
def test_the_loss_is_cross_entropy_plus_divergence_and_its_gradient_too(
    networks: tuple[PreTrainedModel, PreTrainedModel], weight: float, tokens_per_micro_batch: int
) -> None:
    teacher, student = networks
    found = soft_targets(teacher, ROWS, 0, "float32")
    distillation = Distillation(dict(zip([row.token_ids for row in ROWS], found, strict=True)), weight)
    loss = distillation(
        student, ROWS, tokens_per_micro_batch=tokens_per_micro_batch, pad_token_id=0, precision="float32"
    )
    ours = {
        name: parameter.grad.clone() for name, parameter in student.named_parameters() if parameter.grad is not None
    }
    student.zero_grad()
    expected = truth(teacher, student, weight)
    torch.autograd.backward(expected)
    # Kept shares are half precision: 3 digits.
    assert loss == pytest.approx(expected.item(), rel=1e-3)
    for name, parameter in student.named_parameters():
        if parameter.grad is not None:
            torch.testing.assert_close(ours[name], parameter.grad, rtol=2e-3, atol=2e-4)


def test_without_targets_it_is_the_plain_loss(networks: tuple[PreTrainedModel, PreTrainedModel]) -> None:
    _, student = networks
    ours = Distillation({}, 0.7)(student, ROWS, tokens_per_micro_batch=100, pad_token_id=0, precision="float32")
    student.zero_grad()
    plain = accumulate_gradients(student, ROWS, tokens_per_micro_batch=100, pad_token_id=0, precision="float32")
    assert ours == pytest.approx(plain, rel=1e-5)
