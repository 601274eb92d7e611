"""A disk that forgets what it was not told to sync when the power goes."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tunewright.store import Files


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
