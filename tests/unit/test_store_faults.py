"""Every call that changes the disk is made to fail, once and from then on, and to be the process's last."""

import errno
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from store_samples import RECIPE_ID, FaultyFiles, dataset, new_run, new_store, run_record

from tunewright.errors import CorruptError, StoreError
from tunewright.store import Files, collect_leftovers, publish_folder, read_published, write_record

OLD, NEW = {"state": "old"}, {"state": "new"}
VERSION, EXAMPLES = dataset("one?", "two?")
WITH_GROUPS = {
    id_: example.model_copy(update={"provenance": example.provenance.model_copy(update={"group": "ann"})})
    for id_, example in EXAMPLES.items()
}
CHECKPOINT = "checkpoints/step-00000005"


def publish_new(home: Path, files: Files) -> None:
    with publish_folder(home / "model", files) as folder:
        files.write(folder / "weights", b"12345")


def check_model(home: Path) -> str:
    if not (home / "model").exists():
        return "old"
    read_published(home / "model", Files())
    return "new"


def save_old_record(home: Path) -> None:
    write_record(home / "record.json", OLD, Files())


def save_new_record(home: Path, files: Files) -> None:
    write_record(home / "record.json", NEW, files)


def check_record(home: Path) -> str:
    return "old" if '"old"' in (home / "record.json").read_text() else "new"


def put_dataset(home: Path, files: Files) -> None:
    new_store(home, files).put_dataset(VERSION, EXAMPLES)


def check_dataset(home: Path) -> str:
    if not list((home / "datasets").glob("[!.l]*")):
        return "old"
    assert new_store(home).get_dataset(VERSION.id) == (VERSION, EXAMPLES)
    return "new"


def put_other_groups(home: Path, files: Files) -> None:
    new_store(home, files).put_dataset(VERSION, WITH_GROUPS)


def check_other_groups(home: Path) -> str:
    store = new_store(home)
    assert store.get_dataset(VERSION.id) == (VERSION, EXAMPLES)
    if store.num_stored(VERSION.id) == 1:
        return "old"
    (own,) = (path for path in (home / "datasets").glob(f"{VERSION.id[:16]}-*"))
    read_published(own, Files())
    return "new"


def create_run(home: Path, files: Files) -> None:
    new_store(home, files).create_run(RECIPE_ID, run_record)


def check_runs(home: Path) -> str:
    return "new" if new_store(home).runs() else "old"


def save_damaged_checkpoint(home: Path) -> None:
    run = new_run(home)
    run.append_metric({"step": 5})
    with run.publish(CHECKPOINT) as folder:
        (folder / "state").write_bytes(b"12345")
    (run.path / CHECKPOINT / "state").write_bytes(b"1234X")


def replace_checkpoint(home: Path, files: Files) -> None:
    run = new_store(home, files).run("last")
    with run.lock(), run.publish(CHECKPOINT) as folder:
        files.write(folder / "state", b"12345")


def check_checkpoint(home: Path) -> str:
    return "new" if new_store(home).run("last").is_published(CHECKPOINT) else "old"


def nothing(home: Path) -> None:
    del home


Prepare, Act, Check = Callable[[Path], None], Callable[[Path, Files], None], Callable[[Path], str]
OPERATIONS: dict[str, tuple[Prepare, Act, Check]] = {
    "publish": (nothing, publish_new, check_model),
    "record": (save_old_record, save_new_record, check_record),
    "dataset": (nothing, put_dataset, check_dataset),
    "other groups": (lambda home: put_dataset(home, Files()), put_other_groups, check_other_groups),
    "run": (nothing, create_run, check_runs),
    "checkpoint": (save_damaged_checkpoint, replace_checkpoint, check_checkpoint),
}


def calls_of(operation: str, home: Path) -> list[str]:
    prepare, act, check = OPERATIONS[operation]
    home.mkdir()
    prepare(home)
    files = FaultyFiles()
    act(home, files)
    assert check(home) == "new"
    return [call for call, _ in files.calls]


def expected_state(calls: list[str], number: int) -> str:
    """The last rename is the moment at which an operation happens."""
    return "new" if "rename" not in calls[number - 1 :] else "old"


def finish(operation: str, home: Path) -> None:
    """What the next command does: the same again on a healthy disk, if it is still needed."""
    _, act, check = OPERATIONS[operation]
    for folder in (home, *(path for path in home.rglob("*") if path.is_dir())):
        collect_leftovers(folder, Files())
    if check(home) == "old":
        act(home, Files())
    assert check(home) == "new"
    assert not list(home.rglob(".tmp-*"))


@pytest.mark.parametrize(
    ("error", "sticky", "words"),
    [(errno.EIO, False, "input/output error"), (errno.ENOSPC, True, r"^disk full: cannot")],
    ids=["I/O error once", "disk full from then on"],
)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_failing_call_leaves_the_old_state_or_the_new(tmp_path, operation, error, sticky, words):
    prepare, act, check = OPERATIONS[operation]
    calls = calls_of(operation, tmp_path / "healthy")
    for number in range(1, len(calls) + 1):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        prepare(home)
        with pytest.raises(StoreError, match=words):
            act(home, FaultyFiles(number, error, sticky=sticky))
        assert check(home) == expected_state(calls, number)
        finish(operation, home)


@pytest.mark.parametrize("operation", ["publish", "record"])
def test_after_one_failing_call_not_even_a_temporary_is_left(tmp_path, operation):
    prepare, act, _ = OPERATIONS[operation]
    for number in range(1, len(calls_of(operation, tmp_path / "healthy")) + 1):
        home = tmp_path / f"home-{number}"
        home.mkdir()
        prepare(home)
        with pytest.raises(StoreError, match="input/output error"):
            act(home, FaultyFiles(number))
        assert not list(home.rglob(".tmp-*"))


KILLER = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [sys.argv[1], str(Path(sys.argv[1]).parent)]
from test_store_faults import OPERATIONS
from tunewright.store import Files

class KillingFiles(Files):
    def __init__(self, kill_at):
        self.calls_left = kill_at
    def before(self, call, path):
        self.calls_left -= 1
        if self.calls_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

operation, home, num_calls = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
prepare, act, _ = OPERATIONS[operation]
for number in range(1, num_calls + 1):
    (home / str(number)).mkdir(parents=True)
    prepare(home / str(number))
    child = os.fork()
    if child == 0:
        act(home / str(number), KillingFiles(number))
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
"""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_kill_at_any_call_leaves_the_old_state_or_the_new(tmp_path, operation):
    calls = calls_of(operation, tmp_path / "healthy")
    command = [sys.executable, "-c", KILLER, str(Path(__file__).parent), operation, str(tmp_path), str(len(calls))]
    subprocess.run(command, check=True)
    for number in range(1, len(calls) + 1):
        home = tmp_path / str(number)
        assert OPERATIONS[operation][2](home) == expected_state(calls, number)
        finish(operation, home)


def test_a_half_filled_folder_under_its_final_name_would_be_noticed(tmp_path):
    """The checks above are only worth something if they see half a publish."""
    publish_new(tmp_path, Files())
    (tmp_path / "model" / "weights").write_bytes(b"123")
    with pytest.raises(CorruptError, match="weights"):
        check_model(tmp_path)
