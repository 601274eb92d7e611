import errno
import hashlib
import json
import os
import random

import pytest
from store_samples import FaultyFiles

from tunewright.errors import CorruptError, StoreError
from tunewright.records import Message
from tunewright.store import Files, collect_leftovers, publish_folder, read_published, write_record


def publish(target, files=None, **content):
    with publish_folder(target, files or Files()) as folder:
        for name, text in content.items():
            (folder / name).write_text(text)


def test_a_published_folder_gives_back_its_files_and_hashes(tmp_path):
    with publish_folder(tmp_path / "deep" / "model", Files()) as folder:
        assert not (tmp_path / "deep" / "model").exists()
        (folder / "weights").write_bytes(b"12")
        (folder / "part").mkdir()
        (folder / "part" / "more").write_bytes(b"3")
    hashes = read_published(tmp_path / "deep" / "model", Files())
    assert hashes == {"weights": hashlib.sha256(b"12").hexdigest(), "part/more": hashlib.sha256(b"3").hexdigest()}
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


def test_everything_is_synced_before_the_rename_and_the_parent_after(tmp_path):
    files = FaultyFiles()
    with publish_folder(tmp_path / "model", files) as folder:
        (folder / "part").mkdir()
        (folder / "part" / "weights").write_bytes(b"1")
    temporary = folder.name
    assert files.calls == [
        ("mkdir", temporary),
        ("create", "MANIFEST.json"),
        ("write", "MANIFEST.json"),
        ("fsync", "MANIFEST.json"),
        ("fsync", "MANIFEST.json"),
        ("fsync", "weights"),
        ("fsync", "part"),
        ("fsync", temporary),
        ("rename", "model"),
        ("fsync", tmp_path.name),
    ]


@pytest.mark.parametrize("error", [ValueError("stop"), KeyboardInterrupt(), StoreError("stop")])
def test_a_block_that_raises_leaves_nothing(tmp_path, error):
    def fill_and_fail():
        with publish_folder(tmp_path / "model", Files()) as folder:
            (folder / "weights").write_bytes(b"1")
            raise error

    with pytest.raises(type(error)) as caught:
        fill_and_fail()
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_inside_the_block_reads_like_one_of_ours(tmp_path):
    with pytest.raises(StoreError, match=r"^disk full: cannot write"), publish_folder(tmp_path / "model", Files()):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((), "/.tmp-model-"),  # a failed write names nothing
        (("{folder}/config.json",), "/config.json"),
        (("/base/vocab.json", None, "{folder}/vocab.json"), "/vocab.json"),  # a copy
    ],
)
def test_an_error_of_the_disk_inside_the_block_reads_like_one_of_ours(names, expected, tmp_path):
    def fill_and_fail():
        with publish_folder(tmp_path / "model", Files()) as folder:
            raise OSError(errno.EIO, "Input/output error", *(name and name.format(folder=folder) for name in names))

    with pytest.raises(
        StoreError, match=r": found input/output error, expected to write it\. .*Check the disk"
    ) as caught:
        fill_and_fail()
    assert f"{tmp_path}/.tmp-model-" in str(caught.value)
    assert expected in str(caught.value).split(": found")[0]
    assert list(tmp_path.iterdir()) == []


def test_what_the_block_cannot_read_is_named(tmp_path):
    with (
        pytest.raises(StoreError, match=r"^/base/vocab\.json: found permission denied, expected to read it"),
        publish_folder(tmp_path / "model", Files()),
    ):
        raise PermissionError(errno.EACCES, "Permission denied", "/base/vocab.json")


def test_too_little_space_is_refused_before_the_block_starts(tmp_path):
    with (
        pytest.raises(StoreError, match=r"^disk full: .*1000\.0 TB needed"),
        publish_folder(tmp_path / "model", Files(), needed_bytes=10**15),
    ):
        pytest.fail("the block ran")
    assert list(tmp_path.iterdir()) == []


def test_a_published_folder_is_never_replaced(tmp_path):
    publish(tmp_path / "model", weights="old")
    with pytest.raises(StoreError, match="found something there already, expected a free name"):
        publish(tmp_path / "model", weights="new")
    assert (tmp_path / "model" / "weights").read_text() == "old"


def test_any_changed_byte_is_found(tmp_path):
    publish(tmp_path / "model", weights="0123456789", config="{}")
    generator = random.Random(0)
    for path in sorted((tmp_path / "model").iterdir()):
        original = path.read_bytes()
        for _ in range(20):
            damaged = bytearray(original)
            damaged[generator.randrange(len(damaged))] ^= 1 << generator.randrange(8)
            path.write_bytes(damaged)
            with pytest.raises(CorruptError, match=r"model.*damaged or edited"):
                read_published(tmp_path / "model", Files())
        path.write_bytes(original)
    read_published(tmp_path / "model", Files())


def test_any_truncation_is_found(tmp_path):
    publish(tmp_path / "model", weights="0123456789")
    for name in ("weights", "MANIFEST.json"):
        path = tmp_path / "model" / name
        original = path.read_bytes()
        for length in range(0, len(original), 3):
            path.write_bytes(original[:length])
            with pytest.raises(CorruptError, match=name):
                read_published(tmp_path / "model", Files())
        path.write_bytes(original)


def test_the_message_of_a_damaged_folder_says_which_file_and_how(tmp_path):
    target = tmp_path / "model"
    publish(target, weights="0123456789")
    (target / "weights").write_text("012345678")
    with pytest.raises(CorruptError, match="weights: found 9 bytes, expected 10 bytes"):
        read_published(target, Files())
    (target / "weights").write_text("X123456789")
    with pytest.raises(CorruptError, match="weights: found changed bytes, expected SHA-256 84d89877f0d4"):
        read_published(target, Files())
    (target / "weights").unlink()
    with pytest.raises(CorruptError, match="weights: found no such file"):
        read_published(target, Files())
    (target / "elsewhere").write_text("0123456789")
    (target / "weights").symlink_to("elsewhere")
    with pytest.raises(CorruptError, match="weights: found a link"):
        read_published(target, Files())


def test_a_file_that_was_not_published_is_found(tmp_path):
    publish(tmp_path / "model", weights="1")
    (tmp_path / "model" / "rng_state.pth").write_bytes(b"")
    with pytest.raises(CorruptError, match=r"rng_state\.pth: found a file that was not published"):
        read_published(tmp_path / "model", Files())


def test_a_folder_without_a_manifest_is_not_published(tmp_path):
    with pytest.raises(CorruptError, match=r"MANIFEST\.json: found no such file"):
        read_published(tmp_path, Files())


def test_a_damaged_manifest_is_named(tmp_path):
    publish(tmp_path / "model", weights="1")
    (tmp_path / "model" / "MANIFEST.json").write_text('{"files": {"weights": "1"}}')
    with pytest.raises(CorruptError, match=r"MANIFEST\.json: found a damaged manifest"):
        read_published(tmp_path / "model", Files())


def test_a_record_file_is_replaced_whole(tmp_path):
    path = tmp_path / "message.json"
    write_record(path, Message(role="user", content="é\u2028"), Files())
    write_record(path, Message(role="user", content="new"), Files())
    assert Message.model_validate_json(path.read_bytes()).content == "new"
    assert [found.name for found in tmp_path.iterdir()] == ["message.json"]


def test_a_number_that_json_cannot_hold_leaves_the_old_file(tmp_path):
    write_record(tmp_path / "value.json", {"loss": 1.0}, Files())
    with pytest.raises(ValueError, match="JSON compliant"):
        write_record(tmp_path / "value.json", {"loss": float("nan")}, Files())
    assert json.loads((tmp_path / "value.json").read_text()) == {"loss": 1.0}


def test_leftovers_are_collected_and_nothing_else(tmp_path):
    (tmp_path / ".tmp-model-00").mkdir()
    (tmp_path / ".tmp-model-00" / "weights").write_bytes(b"1")
    (tmp_path / ".tmp-run.json-11").write_bytes(b"1")
    publish(tmp_path / "model", weights="1")
    assert collect_leftovers(tmp_path, Files()) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert collect_leftovers(tmp_path / "nowhere", Files()) == 0
