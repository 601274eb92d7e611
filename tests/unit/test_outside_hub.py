"""Bases by name: the bundled one, folders, and the hub's cache layout without a network."""

import json
import subprocess
import sys

import pytest
from huggingface_hub import errors

from tunewright.errors import DataError, ModelError
from tunewright.outside.hub import find_again, find_base, hash_model_folder, load_hub_dataset
from tunewright.records import BaseModelRef


def write_base(folder, config=None, weights=b"weights"):
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"} if config is None else config))
    (folder / "model.safetensors").write_bytes(weights)
    return folder


def test_the_bundled_base_is_found_and_hashed():
    base = find_base("bundled")
    assert (base.folder / "model.safetensors").is_file()
    assert base.ref.revision == f"sha256:{base.ref.sha256}"
    assert base.ref.origin == "bundled"


def test_a_folder_is_identified_by_its_content(tmp_path):
    one, same, other = (
        find_base(str(write_base(tmp_path / name, weights=weights))).ref
        for name, weights in (("a", b"1"), ("b", b"1"), ("c", b"2"))
    )
    assert one.sha256 == same.sha256 != other.sha256
    assert one.revision == f"sha256:{one.sha256}"


def test_every_file_of_the_model_counts_towards_its_hash(tmp_path):
    folder = write_base(tmp_path / "base")
    before = hash_model_folder(folder)
    (folder / "tokenizer.json").write_text("{}")
    assert hash_model_folder(folder) != before
    (folder / "notes.md").write_text("not part of the model")
    with_tokenizer = hash_model_folder(folder)
    (folder / "notes.md").write_text("still not")
    assert hash_model_folder(folder) == with_tokenizer


def test_pickled_weights_are_refused_by_name(tmp_path):
    folder = write_base(tmp_path / "base")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"only pickled weights \(pytorch_model\.bin\).*never read"):
        find_base(str(folder))


def test_a_folder_without_weights_or_configuration_is_refused(tmp_path):
    folder = write_base(tmp_path / "base")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="found no weights, expected"):
        find_base(str(folder))
    (folder / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json is not JSON"):
        find_base(str(folder))
    (folder / "config.json").unlink()
    with pytest.raises(ModelError, match=r"found no config\.json"):
        find_base(str(folder))


def test_a_model_that_brings_its_own_code_is_refused(tmp_path):
    folder = write_base(tmp_path / "base", config={"auto_map": {"AutoModel": "evil.Model"}})
    with pytest.raises(ModelError, match="never executes model code"):
        find_base(str(folder))


def test_a_name_that_is_nothing_says_what_a_name_can_be():
    with pytest.raises(ModelError, match=r"no folder here\. Expected `bundled`"):
        find_base("bundeld")


def test_the_base_of_an_earlier_run_is_found_at_the_revision_it_had(tmp_path, monkeypatch):
    asked = []

    def snapshot_download(hub_id, *, revision, allow_patterns):
        asked.append((hub_id, revision))
        return str(write_base(tmp_path / "snapshots" / "0123abc"))

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    ref = BaseModelRef(name="owner/name@main", origin="hub", revision="0123abc", sha256="0" * 64)
    found = find_again(ref)
    assert asked == [("owner/name", "0123abc")]
    assert (found.ref.name, found.ref.revision) == ("owner/name@main", "0123abc")
    assert found.ref.sha256 == hash_model_folder(found.folder)


def test_a_folder_of_an_earlier_run_is_taken_as_it_is_now(tmp_path):
    before = find_base(str(write_base(tmp_path / "base")))
    assert find_again(before.ref) == before
    (tmp_path / "base" / "model.safetensors").write_bytes(b"others")
    assert find_again(before.ref).ref.sha256 != before.ref.sha256


OFFLINE_SCRIPT = """
import sys
from tunewright.outside.hub import find_base
from tunewright.errors import ModelError
for name in sys.argv[1:]:
    try:
        ref = find_base(name).ref
        print(ref.origin, ref.revision)
    except ModelError as error:
        print("error", error)
"""


def test_a_hub_id_is_resolved_to_its_commit_from_the_hubs_own_cache_layout(tmp_path):
    commit = "0123456789abcdef0123456789abcdef01234567"
    repository = tmp_path / "hub" / "models--owner--name"
    write_base(repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    result = subprocess.run(
        [sys.executable, "-c", OFFLINE_SCRIPT, "owner/name", f"owner/name@{commit}", "owner/other"],
        env={"HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1", "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    plain, pinned, missing = result.stdout.splitlines()
    assert plain == pinned == f"hub {commit}"
    assert missing.startswith("error base owner/other: ")
    assert "Check the id and the network" in missing


@pytest.mark.parametrize("words", ["", "peer closed the connection\nwhile sending"])
def test_a_download_that_breaks_off_is_an_error_in_words(monkeypatch, words):
    """Errors of the hub client's HTTP library are no OSError, and often have no text."""

    def break_off(hub_id, **settings):
        raise errors.HTTPError(words)

    monkeypatch.setattr("huggingface_hub.snapshot_download", break_off)
    first_line = words.partition("\n")[0]
    with pytest.raises(
        ModelError, match=rf"^base owner/name@v1: HTTPError: {first_line}\. Check the id and the network"
    ):
        find_base("owner/name@v1")


def test_a_hub_dataset_streams_the_rows_of_its_train_split(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "train.jsonl").write_text('{"prompt": "a", "completion": "b"}\n{"prompt": "c", "completion": "d"}\n')
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    assert list(load_hub_dataset(str(folder))) == [
        {"prompt": "a", "completion": "b"},
        {"prompt": "c", "completion": "d"},
    ]


def test_a_hub_dataset_that_is_not_there_is_an_error_in_words(tmp_path):
    with pytest.raises(DataError, match="a hub dataset with a train split"):
        next(load_hub_dataset(str(tmp_path / "nothing")))


@pytest.mark.parametrize("error", [ConnectionError, errors.HTTPError], ids=["connection", "http"])
def test_a_hub_dataset_that_fails_without_words_is_named(error, monkeypatch):
    def break_off(name, **settings):
        raise error("")

    monkeypatch.setattr("datasets.load_dataset", break_off)
    with pytest.raises(DataError, match=rf"^owner/name@v1: found {error.__name__}: , expected a hub dataset"):
        next(load_hub_dataset("owner/name@v1"))
