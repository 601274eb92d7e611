"""Loss and gradients against the plain formula on transformers' logits."""

import pytest
import torch
from tiny_base import ARCHITECTURES, write_tiny_base
from torch.nn import functional

from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.batch import cut_by_longest, pad_sequences
from tunewright.model.forward import trained_token_losses
from tunewright.model.load import load_base
from tunewright.records import Full, Lora
from tunewright.render import TokenSequence
from tunewright.train.loss import accumulate_gradients


def sequence(ids, weights):
    return TokenSequence("x", tuple(ids), tuple(float(weight) for weight in weights), cut=None)


SEQUENCES = [
    sequence([5, 6, 7, 8, 9], [0, 0, 1, 1, 0]),
    sequence([10, 11, 12], [0, 1, 1]),
    sequence([20, 21, 22, 23, 24, 25, 26, 27], [0, 0, 0, 0, 0, 0, 1, 1]),
    sequence([30, 31, 32, 33], [0, 1, 0, 1]),
]


def reference_loss(network, sequences):
    """Sum over trained tokens of -log p, one row at a time without padding, divided by their number."""
    total = 0.0
    for row in sequences:
        logits = network(torch.tensor([row.token_ids])).logits[0]
        log_p = functional.log_softmax(logits, dim=-1)
        total = total - sum(
            weight * log_p[t - 1, row.token_ids[t]] for t, weight in enumerate(row.loss_weights) if weight
        )
    return total / sum(sum(row.loss_weights) for row in sequences)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("tokens_per_micro_batch", [1, 10, 1000])
def test_the_step_loss_and_its_gradient_do_not_depend_on_the_cut_into_micro_batches(
    architecture, tokens_per_micro_batch, tmp_path
):
    network = load_base(write_tiny_base(tmp_path / "base", architecture)).double().requires_grad_(True)
    expected = reference_loss(network, SEQUENCES)
    expected.backward()
    gradients = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    network.zero_grad()
    loss = accumulate_gradients(
        network, SEQUENCES, tokens_per_micro_batch=tokens_per_micro_batch, pad_token_id=0, precision="float32"
    )
    # The cross-entropy itself is computed in float32.
    assert loss == pytest.approx(expected.item(), rel=1e-6)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(parameter.grad, gradients[name], rtol=1e-4, atol=1e-7)


def test_every_trained_token_is_scored_once_and_no_other(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    batch = pad_sequences(SEQUENCES, 0, network.device)
    losses, weights, rows = trained_token_losses(network, batch)
    assert rows.tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert weights.tolist() == [1.0] * 8
    for row, row_losses in zip(SEQUENCES, losses.view(4, 2), strict=True):
        assert row_losses.sum().item() == pytest.approx(2 * reference_loss(network, [row]).item(), rel=1e-5)


def test_a_network_without_logits_to_keep_gives_the_same_losses(tmp_path, monkeypatch):
    network = load_base(write_tiny_base(tmp_path / "base"))
    batch = pad_sequences(SEQUENCES, 0, network.device)
    expected, _, _ = trained_token_losses(network, batch)
    monkeypatch.setattr("tunewright.model.passes.can_keep_logits", lambda _: False)
    found, _, _ = trained_token_losses(network, batch)
    torch.testing.assert_close(found, expected)


def test_rows_are_grouped_by_length_within_the_token_limit():
    groups = list(cut_by_longest([3, 10, 4, 10, 50], 20))
    assert groups == [[4], [1, 3], [2, 0]]
    assert list(cut_by_longest([], 20)) == []


@pytest.mark.parametrize(("method", "share"), [(Lora(rank=4, alpha=8.0, dropout=0.0), 0.5), (Full(), 1.0)])
def test_the_method_decides_what_is_trained(method, share, tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    assert trainable_parameters(network) == {}
    num_parameters = sum(parameter.numel() for parameter in network.parameters())
    trained = trainable_parameters(prepare_for_training(network, method, seed=0))
    num_trained = sum(parameter.numel() for parameter in trained.values())
    if share == 1.0:
        assert num_trained == num_parameters
    else:
        assert all("lora_" in name for name in trained)
        # rank x (inputs + outputs) of q, k, v, o, gate, up, down, twice.
        assert num_trained == 2 * 4 * ((32 + 32) + 2 * (32 + 16) + (32 + 32) + 2 * (32 + 48) + (48 + 32))


def test_the_adapter_starts_from_the_seed_alone(tmp_path):
    folder = write_tiny_base(tmp_path / "base")
    starts = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        network = prepare_for_training(load_base(folder), Lora(rank=4, alpha=8.0, dropout=0.0), seed=3)
        starts.append({name: value.detach().clone() for name, value in trainable_parameters(network).items()})
    assert starts[0].keys() == starts[1].keys()
    assert all(torch.equal(starts[0][name], starts[1][name]) for name in starts[0])
