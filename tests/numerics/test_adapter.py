"""Saved adapters and models against PEFT and transformers themselves."""

import pytest
import torch
from architectures import write_architecture
from safetensors import SafetensorError
from tiny_base import write_tiny_base

from tunewright.errors import ModelError, StoreError
from tunewright.model import adapter
from tunewright.model.adapter import (
    left_out_layers,
    load_adapter,
    prepare_for_training,
    save_tuned,
    trainable_parameters,
)
from tunewright.model.load import load_base
from tunewright.records import Full, Lora

IDS = torch.tensor([[5, 6, 7, 8, 9, 10]])


def trained_lora(folder):
    """An adapter whose update is not zero, as after training."""
    network = prepare_for_training(load_base(folder), Lora(rank=4, alpha=8.0, dropout=0.0), seed=0)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in trainable_parameters(network).values():
            parameter.add_(torch.randn_like(parameter) * 0.1)
    return network.eval()


def test_a_saved_adapter_loads_with_peft_and_gives_the_same_logits(tmp_path):
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = write_tiny_base(tmp_path / "base")
    network = trained_lora(base)
    save_tuned(network, Lora(), tmp_path / "adapter", base, "owner/name")
    assert sorted(path.name for path in (tmp_path / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    with torch.no_grad():
        expected = network(IDS).logits
        plain = AutoModelForCausalLM.from_pretrained(base)
        theirs = PeftModel.from_pretrained(plain, tmp_path / "adapter").eval()(IDS).logits
        ours = load_adapter(load_base(base), tmp_path / "adapter")(IDS).logits
    assert torch.equal(theirs, expected)
    assert torch.equal(ours, expected)
    assert not torch.allclose(load_base(base)(IDS).logits, expected, atol=1e-3)


def test_no_path_of_this_machine_is_left_in_the_adapter(tmp_path):
    base = write_tiny_base(tmp_path / "base")
    save_tuned(trained_lora(base), Lora(), tmp_path / "adapter", base, "owner/name")
    assert str(tmp_path) not in (tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8")


def test_a_fully_tuned_model_is_saved_in_the_hubs_layout_with_its_tokenizer(tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    base = write_tiny_base(tmp_path / "base")
    network = prepare_for_training(load_base(base), Full(), seed=0)
    with torch.no_grad():
        next(iter(network.parameters())).mul_(1.5)
    save_tuned(network, Full(), tmp_path / "tuned", base, "owner/name")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path / "tuned")
    with torch.no_grad():
        assert torch.equal(loaded(IDS).logits, network(IDS).logits)
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "tuned")
    assert tokenizer.chat_template == AutoTokenizer.from_pretrained(base).chat_template


def test_lora_in_the_feed_forward_blocks_alone_leaves_attention_as_it_is(tmp_path):
    base = write_tiny_base(tmp_path / "base")
    network = prepare_for_training(load_base(base), Lora(rank=4, alpha=8.0, dropout=0.0, layers="mlp"), seed=0)
    names = trainable_parameters(network)
    config = load_base(base).config
    assert len(names) == config.num_hidden_layers * 3 * 2  # gate, up, down; A and B
    assert all(".mlp." in name for name in names)


def test_a_base_without_feed_forward_blocks_of_a_known_name_is_refused(tmp_path):
    network = torch.nn.Sequential(torch.nn.Linear(2, 2))
    with pytest.raises(ModelError, match=r"method\.layers: mlp, but no linear layer .* \(its first ones are 0\)"):
        prepare_for_training(network, Lora(rank=4, alpha=8.0, dropout=0.0, layers="mlp"), seed=0)


def test_an_adapter_that_cannot_be_read_or_does_not_fit_is_refused(tmp_path):
    from transformers import AutoConfig, AutoModelForCausalLM

    base = write_tiny_base(tmp_path / "base")
    with pytest.raises(ModelError, match=r"^adapter nothing: PEFT cannot load it: .*adapter_config\.json"):
        load_adapter(load_base(base), tmp_path / "nothing")

    save_tuned(trained_lora(base), Lora(), tmp_path / "adapter", base, "owner/name")
    weights = tmp_path / "adapter" / "adapter_model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-50])
    with pytest.raises(ModelError, match=r"^adapter adapter: PEFT cannot load it: .*incomplete metadata"):
        load_adapter(load_base(base), tmp_path / "adapter")

    weights.write_bytes(content)
    other = write_tiny_base(tmp_path / "other", "gpt2")
    with pytest.raises(ModelError, match=r"^adapter adapter: PEFT cannot load it: Target modules \{.*_proj"):
        load_adapter(load_base(other), tmp_path / "adapter")

    config = AutoConfig.from_pretrained(base, intermediate_size=64)
    with pytest.raises(ModelError, match=r"^adapter adapter: PEFT cannot load it: Error\(s\) in loading state_dict"):
        load_adapter(AutoModelForCausalLM.from_config(config), tmp_path / "adapter")

    weights.rename(tmp_path / "adapter" / "adapter_model.bin")
    with pytest.raises(ModelError, match=r"^adapter adapter: found adapter_model\.bin\. Pickles can run code"):
        load_adapter(load_base(base), tmp_path / "adapter")


def test_a_full_disk_is_an_error_in_words(tmp_path, monkeypatch):
    base = write_tiny_base(tmp_path / "base")
    network = trained_lora(base)

    def full(*arguments, **options):
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr(type(network), "save_pretrained", full)
    with pytest.raises(StoreError, match=r"could not be written \(I/O error: No space left.*then resume the run"):
        save_tuned(network, Lora(), tmp_path / "adapter", base, "owner/name")


@pytest.mark.parametrize(("name", "left_out"), [("mamba", "out_proj"), ("phimoe", "router"), ("llama4_text", "router")])
def test_lora_leaves_out_what_an_update_cannot_be_added_to(name, left_out, tmp_path):
    base = write_architecture(tmp_path / "base", name)
    network = trained_lora(base)
    assert any(left_out in module for module, _ in network.named_modules())
    assert not any(left_out in parameter for parameter in trainable_parameters(network))
    assert left_out_layers(network) == (left_out,)
    save_tuned(network, Lora(), tmp_path / "adapter", base, "owner/name")
    with torch.no_grad():
        assert torch.equal(load_adapter(load_base(base), tmp_path / "adapter")(IDS).logits, network(IDS).logits)


@pytest.mark.parametrize(("name", "left_out"), [("jamba", ()), ("llama4_text", ("router",))])
def test_a_layer_that_was_not_to_be_updated_is_not_left_out(name, left_out, tmp_path):
    network = load_base(write_architecture(tmp_path / "base", name))
    assert (
        left_out_layers(prepare_for_training(network, Lora(rank=2, alpha=4.0, dropout=0.0, layers="mlp"), seed=0))
        == left_out
    )


class Grouped(torch.nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs.view(-1, 4, self.in_features)).flatten()


class Flat(torch.nn.Linear):
    def forward(self, inputs):
        return super().forward(inputs).flatten()


def test_linear_layers_of_other_shapes_than_they_say_get_no_update():
    layers = {"plain": torch.nn.Linear(3, 2), "grouped": Grouped(3, 2), "flat": Flat(3, 2)}
    assert adapter._unfit_modules(torch.nn.ModuleDict(layers)) == ["grouped", "flat"]


def test_experts_are_updated_without_a_warning_that_the_user_can_do_nothing_about(tmp_path):
    network = trained_lora(write_architecture(tmp_path / "base", "mixtral"))
    assert any(".experts." in parameter for parameter in trainable_parameters(network))


def dropouts(network):
    """By the kind of layer that is updated: the share of dropout before its update."""
    from peft.tuners.lora import LoraLayer

    layers = [module for module in network.modules() if isinstance(module, LoraLayer)]
    return {type(layer).__name__: getattr(layer.lora_dropout["default"], "p", 0.0) for layer in layers}


def test_dropout_is_pefts_own(tmp_path):
    from peft import LoraConfig, get_peft_model

    base = write_tiny_base(tmp_path / "base")
    network = prepare_for_training(load_base(base), Lora(rank=4, alpha=8.0, dropout=0.25), seed=0)
    torch.manual_seed(0)
    config = LoraConfig(r=4, lora_alpha=8.0, lora_dropout=0.25, target_modules="all-linear", task_type="CAUSAL_LM")
    theirs = get_peft_model(load_base(base), config)
    assert dropouts(network) == dropouts(theirs) == {"Linear": 0.25}
    assert network.peft_config["default"].to_dict() == theirs.peft_config["default"].to_dict()
    for name, parameter in trainable_parameters(theirs).items():
        assert torch.equal(parameter, trainable_parameters(network)[name])


def test_experts_have_no_dropout_and_the_others_do(tmp_path):
    base = write_architecture(tmp_path / "base", "mixtral")
    network = prepare_for_training(load_base(base), Lora(rank=4, alpha=8.0, dropout=0.25), seed=0)
    assert dropouts(network) == {"Linear": 0.25, "ParamWrapper": 0.0}
    save_tuned(network, Lora(), tmp_path / "adapter", base, "owner/name")
    load_adapter(load_base(base), tmp_path / "adapter")
