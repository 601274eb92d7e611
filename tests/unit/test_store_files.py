import errno
import hashlib
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from store_samples import FaultyFiles

from tunewright.errors import StoreError
from tunewright.store import Files


def test_written_bytes_are_read_back(tmp_path):
    Files().write(tmp_path / "file", b"abc\x00")
    assert Files().read(tmp_path / "file") == b"abc\x00"


def test_write_refuses_a_path_that_exists(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(StoreError, match=r"found file exists, expected to write it\. What was saved before is intact"):
        Files().write(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"


def test_hash_file_equals_hashlib_over_several_chunks(tmp_path):
    data = os.urandom((1 << 20) + 17)
    (tmp_path / "file").write_bytes(data)
    assert Files().hash_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("operation", ["read", "hash_file", "fsync_file", "fsync_folder", "remove_tree"])
def test_a_missing_path_is_named(tmp_path, operation):
    with pytest.raises(StoreError, match=r"nowhere: found no such file or directory, expected .* Check the path\."):
        getattr(Files(), operation)(tmp_path / "nowhere")


def test_a_path_below_a_file_is_an_error_in_words(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="file"):
        Files().make_folders(tmp_path / "file" / "below")


def test_make_folders_syncs_the_name_of_each_new_folder_in_its_parent(tmp_path):
    files = FaultyFiles()
    files.make_folders(tmp_path / "a" / "b")
    assert files.calls == [("mkdir", "a"), ("fsync", tmp_path.name), ("mkdir", "b"), ("fsync", "a")]


def test_a_full_disk_names_the_path_the_need_and_what_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1500))
    files = FaultyFiles(2, errno.ENOSPC)
    words = r"^disk full: cannot write .*file \(5 B needed, 1\.5 kB free\).*Free some space"
    with pytest.raises(StoreError, match=words):
        files.write(tmp_path / "file", b"12345")


def test_too_little_space_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(StoreError, match=r"^disk full: .*1000\.0 TB needed"):
        Files().require_free(tmp_path / "not" / "yet", 10**15)
    Files().require_free(tmp_path / "not" / "yet", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_device_refuses_a_line():
    with pytest.raises(StoreError, match=r"^disk full: cannot append to .*2 B needed"):
        Files().append_line(Path("/dev/full"), b"1\n")


def test_a_permission_error_says_how_to_choose_another_folder(tmp_path):
    with pytest.raises(StoreError, match=r"permission denied.*TUNEWRIGHT_HOME"):
        FaultyFiles(1, errno.EACCES).make_folder(tmp_path / "folder")


def test_a_failed_fsync_is_not_tried_again(tmp_path):
    files = FaultyFiles(3)
    with pytest.raises(StoreError, match=r"input/output error.*Check the disk"):
        files.write(tmp_path / "file", b"1")
    assert [call for call, _ in files.calls] == ["create", "write", "fsync"]


def test_a_line_that_was_written_in_part_is_taken_back(tmp_path, monkeypatch):
    Files().append_line(tmp_path / "lines", b"first\n")
    whole_write = os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: whole_write(descriptor, data[:3]))
    with pytest.raises(StoreError, match="disk full"):
        Files().append_line(tmp_path / "lines", b"second\n")
    assert (tmp_path / "lines").read_bytes() == b"first\n"


def test_a_write_that_the_system_cuts_short_goes_on(tmp_path, monkeypatch):
    whole_write = os.write
    monkeypatch.setattr("os.write", lambda descriptor, data: whole_write(descriptor, data[:3]))
    Files().write(tmp_path / "file", b"0123456789")
    assert (tmp_path / "file").read_bytes() == b"0123456789"


def test_temporary_names_differ_and_stand_beside_their_target(tmp_path):
    first, second = (Files().temporary_sibling(tmp_path / "target") for _ in range(2))
    assert first != second
    assert first.parent == tmp_path
    assert re.fullmatch(r"\.tmp-target-[0-9a-f]{8}", first.name)
