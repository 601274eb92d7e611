"""A base from a stranger: no code of it runs, no pickle is opened, and nothing is read that its hash does not cover."""

import json
import pickle  # noqa: TID251 - makes what must never be opened
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_base import write_tiny_base

from tunewright.errors import ModelError
from tunewright.model.load import load_base
from tunewright.outside.hub import find_base
from tunewright.render import load_renderer


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "good")


@pytest.fixture
def base(good: Path, tmp_path: Path) -> Path:
    """A base of the test's own, with code that leaves a trace when it runs."""
    folder = Path(shutil.copytree(good, tmp_path / "mine"))
    (folder / "evil.py").write_text(f"open({str(trace(folder))!r}, 'w').close()\nclass Model: pass\n", encoding="utf-8")
    return folder


def trace(folder: Path) -> Path:
    return folder.parent / "trace"


class Evil:
    """What a pickle can do when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str, str]]:
        return open, (str(self.path), "w")


def set_keys(path: Path, **fields: object) -> None:
    before = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    path.write_text(json.dumps({**before, **fields}), encoding="utf-8")


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"auto_map": {"AutoConfig": "evil.Model"}}, r"run code that comes with the model \(auto_map\)"),
        ({"text_config": {"auto_map": {"AutoConfig": "evil.Model"}}}, r"run code that comes with the model"),
        ({"layers": [{"auto_map": {}}]}, r"run code that comes with the model"),
        # CVE-2026-4372, and its public name, which transformers still follows to the hub.
        ({"_attn_implementation_internal": "evil/kernel"}, "run the code 'evil/kernel' [(]_attn_implementation_inter"),
        ({"_attn_implementation": "evil/kernel@main:f"}, "download and run the code 'evil/kernel@main:f'"),
        ({"attn_implementation": {"text_config": "kernels-community/flash"}}, "run the code 'kernels-community/flash'"),
        ({"vision_config": {"experts_implementation": "evil/kernel"}}, "code 'evil/kernel' [(]experts_implementation"),
    ],
)
def test_a_configuration_that_asks_for_code_is_refused(base: Path, fields: dict[str, object], words: str) -> None:
    set_keys(base / "config.json", **fields)
    with pytest.raises(ModelError, match=rf"^base .*mine: config\.json asks to .*{words}.* never executes model code"):
        find_base(str(base))


@pytest.mark.parametrize("value", ["eager", "sdpa", {"": "eager"}])
def test_an_implementation_that_is_in_the_library_is_none_of_our_business(base: Path, value: object) -> None:
    set_keys(base / "config.json", _attn_implementation=value)
    load_base(find_base(str(base)).folder)


@pytest.mark.parametrize(
    "fields",
    [
        {"auto_map": {"AutoTokenizer": ["evil.Model", "evil.Model"]}},
        {"tokenizer_class": "evil.Model"},
        {"tokenizer_class": "os.system", "processor_class": "evil.Model"},
    ],
)
def test_code_that_a_tokenizer_asks_for_does_not_run(base: Path, fields: dict[str, object]) -> None:
    set_keys(base / "tokenizer_config.json", **fields)
    load_renderer(find_base(str(base)).folder)
    assert not trace(base).exists()


@pytest.mark.parametrize(
    "fields", [{"architectures": ["evil.Model"]}, {"use_kernels": True}, {"generation": "evil.py"}]
)
def test_other_keys_run_nothing(base: Path, fields: dict[str, object]) -> None:
    set_keys(base / "config.json", **fields)
    load_base(find_base(str(base)).folder)
    assert not trace(base).exists()


PICKLES = ("rng_state.pth", "optimizer.pt", "scheduler.pt", "training_args.bin", "pytorch_model.bin", "model.pkl",
           "adapter_model.bin", "vectors.npy", "tokenizer.pkl", "vocab.bin")  # fmt: skip


def test_pickles_beside_the_weights_are_never_opened(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PICKLES:
        (base / name).write_bytes(pickle.dumps(Evil(trace(base))))
    monkeypatch.setattr("torch.load", lambda *_, **__: pytest.fail("torch.load was called"))
    found = find_base(str(base))
    load_renderer(found.folder)
    load_base(found.folder)
    assert not trace(base).exists()


def test_such_a_pickle_would_be_noticed(base: Path) -> None:
    """The test above is only worth something if opening one leaves a trace."""
    pickle.loads(pickle.dumps(Evil(trace(base)))).close()
    assert trace(base).exists()


@pytest.mark.parametrize(
    "named", ["weights.bin", "../outside.safetensors", "/etc/passwd", "inner/one.safetensors", "..safetensors", 1]
)
def test_an_index_that_names_a_file_elsewhere_or_a_pickle_is_refused(base: Path, named: object) -> None:
    (base / "model.safetensors").rename(base / "other.safetensors")
    set_keys(base / "model.safetensors.index.json", weight_map={"model.norm.weight": named})
    with pytest.raises(ModelError, match=r"index\.json names .* as a file of weights, expected a \*\.safetensors file"):
        find_base(str(base))


@pytest.mark.parametrize(
    ("content", "words"), [("[]", "has no weight_map"), ("{", "is not JSON"), ("[" * 100_000, "is not JSON")]
)
def test_an_index_that_is_none_is_refused(base: Path, content: str, words: str) -> None:
    (base / "model.safetensors.index.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=rf"index\.json {words}"):
        find_base(str(base))


@pytest.mark.parametrize("named", ["w.safetensors.index.json", "model.safetensors", "adapter_model.bin", None])
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_configuration_that_names_a_file_of_weights_is_refused(base: Path, named: object, is_nested: bool) -> None:
    """transformers would follow an index under that name to any file, which is not in the base's hash."""
    field = {"transformers_weights": named}
    set_keys(base / "config.json", **({"text_config": [field]} if is_nested else field))
    (base / "w.safetensors.index.json").write_text(
        '{"weight_map": {"model.norm.weight": "../evil.bin"}}', encoding="utf-8"
    )
    words = r"config\.json names a file of its own for the weights [(]transformers_weights[)], expected config\.json"
    with pytest.raises(ModelError, match=rf"^base .*mine: {words}.* Take transformers_weights out"):
        find_base(str(base))


def test_a_configuration_that_sends_to_another_one_is_refused(base: Path) -> None:
    """transformers would read that one instead, and nothing here would have looked for code in it."""
    (base / "config.json").rename(base / "config.4.0.0.json")
    set_keys(base / "config.4.0.0.json", _attn_implementation="evil/kernel")
    set_keys(base / "config.json", configuration_files=["config.4.0.0.json"])
    with pytest.raises(ModelError, match=r"a file of its own for the configuration [(]configuration_files[)]"):
        find_base(str(base))


def test_an_adapter_is_no_base(base: Path) -> None:
    """transformers would load the base that the adapter names, and the hash would be that of the wrong files."""
    set_keys(base / "adapter_config.json", base_model_name_or_path=str(base), peft_type="LORA")
    with pytest.raises(ModelError, match=r"found adapter_config\.json: this is an adapter.* Merge the adapter"):
        find_base(str(base))
