"""Which optimizer moves which weight, and that Muon's step has the size of AdamW's."""

import torch
from tiny_base import write_tiny_base

from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.load import load_base
from tunewright.records import Full, Lora, TrainRecipe
from tunewright.train.optimizer import make_optimizers


def owners(network, **settings):
    """Class name of the optimizer of each trained weight."""
    names = {id(parameter): name for name, parameter in trainable_parameters(network).items()}
    return {
        names[id(parameter)]: type(optimizer).__name__
        for optimizer in make_optimizers(network, TrainRecipe(**settings))
        for parameter in optimizer.param_groups[0]["params"]
    }


def test_muon_moves_matrices_and_adamw_embeddings_and_norms(tmp_path):
    network = prepare_for_training(load_base(write_tiny_base(tmp_path / "base")), Full(), seed=0)
    owner = owners(network, optimizer="muon")
    assert owner.keys() == trainable_parameters(network).keys()
    assert owner["model.layers.0.self_attn.q_proj.weight"] == owner["model.layers.1.mlp.down_proj.weight"] == "Muon"
    assert owner["model.embed_tokens.weight"] == owner["model.norm.weight"] == "AdamW"
    assert owner.get("lm_head.weight", "AdamW") == "AdamW"


def test_adamw_moves_everything_by_default(tmp_path):
    network = load_base(write_tiny_base(tmp_path / "base"))
    assert set(owners(prepare_for_training(network, Full(), seed=0)).values()) == {"AdamW"}
    lora = prepare_for_training(network.requires_grad_(False), Lora(rank=2, alpha=4.0, dropout=0.0), seed=0)
    assert set(owners(lora, optimizer="muon").values()) == {"Muon"}


def test_one_step_of_muon_is_as_large_as_one_of_adamw(tmp_path):
    """AdamW's first step moves every weight by the rate; Muon's has an RMS of 0.2 of it (Liu et al. 2025, section 2.2),
    which is what AdamW's steps have later in training."""
    network = prepare_for_training(load_base(write_tiny_base(tmp_path / "base")), Full(), seed=0)
    weight = network.model.layers[0].self_attn.q_proj.weight
    before = weight.detach().clone()
    network(torch.tensor([[1, 2, 3, 4, 5, 6]]), labels=torch.tensor([[1, 2, 3, 4, 5, 6]])).loss.backward()
    for optimizer in make_optimizers(network, TrainRecipe(optimizer="muon")):
        optimizer.param_groups[0]["lr"] = 0.01
        optimizer.step()
    rms = (weight.detach() - before).square().mean().sqrt().item()
    # The gradient of six tokens does not fill every direction, so the RMS may fall below.
    assert 0.01 * 0.2 * 0.3 < rms < 0.01 * 0.2 * 1.3
