"""A disk that is full, refuses a call, or gives back other bytes than it took: words, nothing lost, the same end."""

import errno
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from small_job import FEW, small_recipe, write_rows
from store_samples import FaultyFiles
from tiny_base import write_tiny_base

from tunewright.actions import fitting, resume, tune, tuning
from tunewright.errors import StoreError
from tunewright.records import RunStatus
from tunewright.store import Store
from tunewright.train import loop

WEIGHTS = "artifact/adapter_model.safetensors"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base")


@pytest.fixture(scope="module")
def straight(inputs, tmp_path_factory):
    """The weights of an undisturbed run, and the calls of its training that change the disk."""
    files = FaultyFiles()
    home = tmp_path_factory.mktemp("straight") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tuning, "Store", lambda home: Store(home, files=files))
        tune(small_recipe(*inputs, *FEW), home=home)
    return (Store(home).run("last").path / WEIGHTS).read_bytes(), files.calls


def weights(home: Path) -> bytes:
    return (Store(home).run("last").path / WEIGHTS).read_bytes()


def fail_at(monkeypatch, inputs, home, number, error, *, sticky):
    """Tune on a disk that refuses the given call; returns the words."""
    files = FaultyFiles(number, error, sticky=sticky)
    with monkeypatch.context() as patch:
        patch.setattr(tuning, "Store", lambda home: Store(home, files=files))
        with pytest.raises(StoreError) as caught:
            tune(small_recipe(*inputs, *FEW), home=home)
    return str(caught.value)


def kinds_of_calls(calls):
    """The number of the last of every kind of call on every file: checkpoints are made alike."""
    last = {}
    for number, (call, name) in enumerate(calls, start=1):
        last[call, re.sub(r"^\.tmp-(.*)-[0-9a-f]{8}$", r"\1", name)] = number
    return sorted(last.values())


def require_words_and_the_same_end(inputs, expected, home, number, monkeypatch, error, sticky, words):
    assert words in fail_at(monkeypatch, inputs, home, number, error, sticky=sticky).lower()
    # Before the run's folder appears there is nothing to resume; after its last write nothing is left to do.
    if not Store(home).runs():
        return
    if Store(home).run("last").record.status is not RunStatus.SUCCEEDED:
        resume("last", home=home)
    assert weights(home) == expected
    assert not list(home.rglob(".tmp*"))


FAULTS = pytest.mark.parametrize(
    ("error", "sticky", "words"),
    [
        (errno.EIO, False, "input/output error"),
        (errno.EIO, True, "input/output error"),
        (errno.ENOSPC, True, "disk full"),
    ],
    ids=["one call fails", "all calls fail from then on", "the disk is full from then on"],
)


@FAULTS
def test_a_call_of_a_run_that_fails_ends_it_in_words_and_it_resumes_to_the_same_bytes(
    inputs, straight, tmp_path, monkeypatch, error, sticky, words
):
    expected, calls = straight
    for number in kinds_of_calls(calls)[::27]:
        home = tmp_path / str(number)
        require_words_and_the_same_end(inputs, expected, home, number, monkeypatch, error, sticky, words)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@FAULTS
def test_whichever_call_of_a_run_fails_it_resumes_to_the_same_bytes(
    inputs, straight, tmp_path, monkeypatch, error, sticky, words
):
    expected, calls = straight
    for number in kinds_of_calls(calls):
        home = tmp_path / str(number)
        require_words_and_the_same_end(inputs, expected, home, number, monkeypatch, error, sticky, words)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("weights.safetensors", "flipped"),
        ("optimizer.safetensors", "cut"),
        ("random.safetensors", "gone"),
        ("state.json", "flipped"),
        ("MANIFEST.json", "gone"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before(inputs, straight, tmp_path, monkeypatch, name, damage):
    expected, calls = straight
    home = tmp_path / "home"
    fail_at(monkeypatch, inputs, home, calls.index(("rename", "artifact")) + 1, errno.EIO, sticky=True)
    newest, older = Store(home).run("last").checkpoints().intact[:2]
    content = bytearray((newest / name).read_bytes())
    content[len(content) // 2] ^= 1
    (newest / name).write_bytes(content if damage == "flipped" else content[:-1])
    if damage == "gone":
        (newest / name).unlink()
    assert Store(home).run("last").checkpoints().intact[0] == older
    resume("last", home=home)
    assert weights(home) == expected


IS_ROOT_ON_LINUX = sys.platform == "linux" and os.geteuid() == 0


@pytest.mark.skipif(not IS_ROOT_ON_LINUX, reason="only root can mount a small disk; injected above for everyone")
def test_on_a_disk_that_gets_full_a_run_stops_in_words_and_goes_on_when_there_is_room(
    inputs, straight, tmp_path, monkeypatch
):
    # As where other programs fill the disk after the run has looked at it.
    for place in (fitting, loop):
        monkeypatch.setattr(place, "require_room", lambda *need, **more: None)
    home = tmp_path / "disk"
    home.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tunewright", str(home)], check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("mounting is not allowed here")
    try:
        words = []
        for kilobytes in range(100, 3000, 150):
            subprocess.run(["mount", "-o", f"remount,size={kilobytes}k", str(home)], check=True)
            try:
                if Store(home).runs():
                    resume("last", home=home)
                else:
                    tune(small_recipe(*inputs, *FEW), home=home)
                break
            except StoreError as error:
                words.append(str(error))
        assert len(words) > 2
        assert all("disk full" in text or "No space left" in text for text in words), words
        assert weights(home) == straight[0]
    finally:
        subprocess.run(["umount", str(home)], check=True)


def test_the_store_under_test_is_the_one_that_runs_use(inputs, straight):
    """The fault tests would prove nothing if a run wrote past them."""
    calls = [call for call, _ in straight[1]]
    assert {"create", "write", "append", "fsync", "mkdir", "rename", "remove"} <= set(calls)
