"""The power goes at any call, and what was not synced is lost, half lost, or kept, in any combination.

A disk may keep writes in any order until it is told to sync. So everything that changed since the last sync of its file
or folder is noted with a way to undo it, and after the loss each of these changes is undone or not, by chance.
"""

import random
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from test_store_faults import OPERATIONS, finish, publish_new

from tunewright.store import Files

NUM_IMAGES = 8
"""After each call: everything unsynced lost, everything kept, and six by chance."""


class PowerLoss(BaseException):
    """Nothing runs after it: every later call raises it again."""


@dataclass(frozen=True)
class Unsynced:
    where: Path
    """The file whose content, or the folder whose names have changed."""
    undo: Callable[[], object]


class VolatileFiles(Files):
    """Notes what a power loss would take.

    Args:
        lose_at: the number of the call before which the power goes, from 1; 0: never.
    """

    def __init__(self, trash: Path, lose_at: int = 0) -> None:
        self.trash, self.lose_at, self.count = trash, lose_at, 0
        self.unsynced: list[Unsynced] = []

    def before(self, call: str, path: Path) -> None:
        self.count += 1
        if self.lose_at and self.count >= self.lose_at:
            raise PowerLoss
        if call == "create" and path.parent.exists():
            self.note(path.parent, lambda: path.unlink(missing_ok=True))
        elif call == "write":
            self.note(path, lambda: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]))
        elif call == "append":
            old = path.read_bytes() if path.exists() else b""
            self.note(path, lambda: path.write_bytes(old))
        elif call == "mkdir" and not path.exists():
            self.note(path.parent, lambda: shutil.rmtree(path))
        elif call == "fsync":
            # What a sync promises holds once it has returned; the next call may be the lost one.
            self.unsynced = [change for change in self.unsynced if change.where != path]
        elif call == "remove":
            self.note(path.parent, self.copy_back(path))

    def note(self, where: Path, undo: Callable[[], object]) -> None:
        self.unsynced.append(Unsynced(where, undo))

    def copy_back(self, path: Path) -> Callable[[], object]:
        copy = self.trash / str(self.count)
        if path.is_dir():
            shutil.copytree(path, copy)
            return lambda: path.exists() or shutil.copytree(copy, path)
        shutil.copy(path, copy)
        return lambda: shutil.copy(copy, path)

    def rename(self, source: Path, target: Path) -> None:
        old = target.read_bytes() if target.is_file() else None
        super().rename(source, target)

        def undo() -> None:
            target.rename(source)
            if old is not None:
                target.write_bytes(old)

        self.note(target.parent, undo)

    def lose(self, keep: Callable[[], bool]) -> None:
        """Leave the disk as a power loss might: latest change first, each undone unless kept."""
        for change in reversed(self.unsynced):
            if not keep():
                # Its folder is gone already, with an earlier change.
                with suppress(OSError):
                    change.undo()


def keeps(image: int) -> Callable[[], bool]:
    chance = random.Random(image)
    return [lambda: False, lambda: True, lambda: chance.random() < 0.5][min(image, 2)]


def lose_power(operation: str, home: Path, number: int, image: int) -> int:
    """Carry the operation out until the power goes before call `number`; returns how many calls there were."""
    prepare, act, _ = OPERATIONS[operation]
    trash = home.with_name(f"{home.name}-trash")
    home.mkdir()
    trash.mkdir()
    prepare(home)
    files = VolatileFiles(trash, number)
    with suppress(PowerLoss):
        act(home, files)
    files.lose(keeps(image))
    return files.count


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_power_loss_at_any_call_leaves_the_old_state_or_the_new(tmp_path, operation):
    num_calls = lose_power(operation, tmp_path / "healthy", 0, image=1)
    for number in range(1, num_calls + 1):
        for image in range(NUM_IMAGES):
            home = tmp_path / f"{number}-{image}"
            lose_power(operation, home, number, image)
            assert OPERATIONS[operation][2](home) in ("old", "new")
            finish(operation, home)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_was_done_before_the_power_went_is_there(tmp_path, operation):
    for image in range(NUM_IMAGES):
        home = tmp_path / str(image)
        lose_power(operation, home, 0, image)
        assert OPERATIONS[operation][2](home) == "new"


def test_a_publish_that_did_not_sync_would_be_noticed(tmp_path, monkeypatch):
    """The tests above are only worth something if they see a missing sync."""
    monkeypatch.setattr(Files, "fsync_folder", lambda self, path: None)
    (tmp_path / "trash").mkdir()
    files = VolatileFiles(tmp_path / "trash")
    publish_new(tmp_path, files)
    files.lose(keeps(0))
    assert not (tmp_path / "model").exists()
