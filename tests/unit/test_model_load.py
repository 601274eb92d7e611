"""Bases that load, and those that do not: every refusal names the base and the reason."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from tiny_base import ARCHITECTURES, write_tiny_base

from tunewright.errors import ModelError
from tunewright.model.adapter import load_adapter
from tunewright.model.load import context_length, load_base, num_parameters


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


@pytest.fixture
def base(good: Path, tmp_path: Path) -> Path:
    """A base of the test's own, to be broken."""
    return Path(shutil.copytree(good, tmp_path / "mine"))


def configure(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    fields = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**fields, **changes}), encoding="utf-8")
    return folder


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def test_weights_are_float32_in_eval_mode_and_frozen_however_they_are_stored(base: Path) -> None:
    from transformers import AutoModelForCausalLM

    stored = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)
    stored.save_pretrained(base)
    network = load_base(base)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float32}
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, stored.get_parameter(name).float())


def test_weights_missing_from_the_files_are_refused_and_never_random(base: Path) -> None:
    configure(base, num_hidden_layers=3)
    with pytest.raises(ModelError, match=r"^base mine: 9 weights are missing .* model\.layers\.2\..* would be random"):
        load_base(base)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "nonesuch"}, "model type `nonesuch`"),
        ({"model_type": "vit"}, "Unrecognized configuration class"),
        ({"hidden_size": "many"}, "'hidden_size'"),
        ({"hidden_size": 64}, "ignore_mismatched_sizes"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 4}}, "optimum"),
    ],
    ids=["unknown architecture", "no language model", "a word for a number", "weights of another shape", "quantized"],
)
def test_a_configuration_that_does_not_fit_is_refused(base: Path, changes: dict[str, object], reason: str) -> None:
    configure(base, **changes)
    with pytest.raises(ModelError, match=f"^base mine: transformers cannot load it: .*{reason}"):
        load_base(base)


@pytest.mark.parametrize("changes", [{"model_type": "nonesuch"}, {"max_position_embeddings": None}])
def test_the_context_of_a_broken_configuration_is_refused(base: Path, changes: dict[str, object]) -> None:
    configure(base, **changes)
    with pytest.raises(ModelError, match=r"^base mine: transformers cannot load it: "):
        context_length(base)


@pytest.mark.parametrize("content", ["[1]", "{"])
def test_a_configuration_that_is_no_object_is_refused(base: Path, content: str) -> None:
    (base / "config.json").write_text(content, encoding="utf-8")
    for read in (load_base, context_length):
        with pytest.raises(ModelError, match=r"^base mine: transformers cannot load it: "):
            read(base)


def test_files_of_weights_that_are_gone_or_cut_off_are_refused(base: Path) -> None:
    truncate(base / "model.safetensors")
    for read in (load_base, num_parameters):
        with pytest.raises(ModelError, match=r"^base mine: transformers cannot load it: .*incomplete metadata"):
            read(base)
    (base / "model.safetensors").unlink()
    with pytest.raises(ModelError, match=r"no file named model\.safetensors"):
        load_base(base)
    with pytest.raises(ModelError, match=r"No such file or directory: .*model\.safetensors"):
        num_parameters(base)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_are_counted_as_the_loaded_model_counts_them(architecture: str, tmp_path: Path) -> None:
    folder = write_tiny_base(tmp_path / "base", architecture)
    assert num_parameters(folder) == load_base(folder).num_parameters()


def test_weights_in_several_files_are_counted_once_each(good: Path, tmp_path: Path) -> None:
    network = load_base(good)
    sharded = tmp_path / "sharded"
    network.save_pretrained(sharded, max_shard_size="20KB")
    assert len(list(sharded.glob("model-*.safetensors"))) > 2
    assert num_parameters(sharded) == network.num_parameters()
    # Mistral's models hold everything a second time, in another layout that transformers does not read.
    shutil.copyfile(good / "model.safetensors", sharded / "consolidated.safetensors")
    assert num_parameters(sharded) == network.num_parameters()
    next(sharded.glob("model-*.safetensors")).unlink()
    with pytest.raises(ModelError, match=r"No such file or directory: .*model-0000\d-of"):
        num_parameters(sharded)


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"model_type": "llama", "max_position_embeddings": 128}, 128),
        ({"model_type": "llama", "max_position_embeddings": 131_072}, 2048),
        ({"model_type": "gpt2", "n_positions": 512}, 512),
        ({"model_type": "gemma3", "text_config": {"max_position_embeddings": 256}}, 256),
        ({"model_type": "bloom"}, 2048),
    ],
    ids=["stated", "longer than is derived", "under its old name", "of the text part", "not stated"],
)
def test_the_context_is_what_the_configuration_says_up_to_2048(
    config: dict[str, object], expected: int, tmp_path: Path
) -> None:
    assert context_length(configure(tmp_path, **config)) == expected


@pytest.mark.parametrize("changes", [{"text_config": {"dtype": 1}}, {"dtype": "no such type"}])
def test_fields_of_the_wrong_kind_are_refused_in_words(base: Path, changes: dict[str, object]) -> None:
    configure(base, **changes)
    with pytest.raises(ModelError, match=r"^base mine: transformers cannot load it: "):
        context_length(base) and load_base(base)


def test_memory_that_runs_out_is_not_blamed_on_the_files(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    network = load_base(base)

    def run_out(*_: object, **__: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", run_out)
    with pytest.raises(RuntimeError, match="DefaultCPUAllocator"):
        load_base(base)
    monkeypatch.setattr(PeftModel, "from_pretrained", run_out)
    with pytest.raises(RuntimeError, match="DefaultCPUAllocator"):
        load_adapter(network, tmp_path)
