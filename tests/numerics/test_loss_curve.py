"""Two hundred steps in bfloat16 beside transformers and PEFT under torch's autocast."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_base import write_tiny_base

from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.batch import pad_sequences
from tunewright.model.forward import compute_precision, trained_token_losses
from tunewright.model.layout import attention_path
from tunewright.model.load import load_base
from tunewright.records import Full, Lora, Method
from tunewright.render import TokenSequence
from tunewright.train.loss import accumulate_gradients

NUM_STEPS = 200


def make_rows(num_rows: int) -> list[TokenSequence]:
    """Something to learn: every token follows from the one before, from one of eight starts."""
    rows = []
    for number in range(num_rows):
        token_ids = [5 + number % 8]
        for place in range(10 + number % 17):
            token_ids.append(5 + (3 * token_ids[-1] + place % 2) % 60)
        rows.append(TokenSequence(str(number), tuple(token_ids), (0.0,) * 3 + (1.0,) * (len(token_ids) - 3), None))
    return rows


def curve(folder: Path, method: Method, is_ours: bool) -> list[float]:
    network = prepare_for_training(load_base(folder), method, seed=0).train()
    assert attention_path(network)[0] == "fast"
    parameters = trainable_parameters(network).values()
    optimizer = torch.optim.AdamW(parameters, lr=3e-3, weight_decay=0.0, fused=True)
    losses, rows = [], make_rows(8 * 16)
    for step in range(NUM_STEPS):
        batch = rows[8 * (step % 16) : 8 * (step % 16) + 8]
        if is_ours:
            loss = accumulate_gradients(
                network, batch, tokens_per_micro_batch=100, pad_token_id=0, precision="bfloat16"
            )
        else:
            loss = reference_gradients(network, batch)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss)
    return losses


def reference_gradients(network: Any, rows: list[TokenSequence]) -> float:
    with compute_precision("bfloat16", network.device):
        losses, weights, _ = trained_token_losses(network, pad_sequences(rows, 0, network.device))
        loss = (losses * weights).sum() / weights.sum()
    torch.autograd.backward(loss)
    return loss.item()


@pytest.mark.slow
@pytest.mark.parametrize("method", [Full(), Lora(rank=8, alpha=16.0, dropout=0.0)], ids=["full", "lora"])
def test_the_loss_curve_stays_within_one_percent_of_the_references(method: Method, tmp_path: Path) -> None:
    folder = write_tiny_base(tmp_path / "base")
    expected, found = (curve(folder, method, is_ours) for is_ours in (False, True))
    assert expected[-1] < 0.95 * expected[0]  # something is learned
    for step in range(0, NUM_STEPS, 20):
        window = slice(step, step + 20)
        assert sum(found[window]) == pytest.approx(sum(expected[window]), rel=0.01), step
