"""Files: every durable write of the package, in one class that a test can make fail at any system call."""

import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewright.errors import Problem, StoreError
from tunewright.records import format_bytes

TEMPORARY_PREFIX = ".tmp-"
HASH_CHUNK_BYTES = 1 << 20
DISK_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT})
PERMISSION_ERRNOS = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class Files:
    """The file system as the store uses it. What the system refuses becomes a StoreError in words.

    Nothing is tried twice: after a failed fsync the kernel may have dropped the unsaved pages, and a second fsync
    that succeeds would be a lie (PostgreSQL, "fsync errors", 2018). A fault test overrides `before`.
    """

    def before(self, call: str, path: Path) -> None:
        """Do nothing. Runs ahead of each system call that changes the disk; a test raises OSError or exits here."""

    def temporary_sibling(self, target: Path) -> Path:
        """A name beside `target` that nobody uses. The leading dot and prefix mark it as not yet published."""
        return target.with_name(f"{TEMPORARY_PREFIX}{target.name}-{secrets.token_hex(4)}")

    def write(self, path: Path, data: bytes) -> None:
        """Create a new file and write it through to the disk. Fails if the path exists."""
        with self.refusals("write", path, needed_bytes=len(data)):
            self.before("create", path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
            try:
                self.before("write", path)
                _write_all(descriptor, data)
                self.before("fsync", path)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def append_line(self, path: Path, line: bytes) -> None:
        """Add one line in one system call, so that other readers see all of it or nothing.

        Not synced: a kill of the process loses nothing, a power loss may lose the last lines (see fsync_file).
        """
        assert line.endswith(b"\n"), line
        with self.refusals("append to", path, needed_bytes=len(line)):
            self.before("append", path)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
            try:
                num_written = os.write(descriptor, line)
                if num_written < len(line):
                    # Take the torn part back: the next line would be glued to it.
                    os.ftruncate(descriptor, os.fstat(descriptor).st_size - num_written)
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)

    def read(self, path: Path) -> bytes:
        """All bytes of a file."""
        with self.refusals("read", path):
            return path.read_bytes()

    def hash_file(self, path: Path) -> str:
        """SHA-256 of the file's bytes, 64 hexadecimal digits."""
        digest = hashlib.sha256()
        with self.refusals("read", path), path.open("rb") as file:
            while chunk := file.read(HASH_CHUNK_BYTES):
                digest.update(chunk)
        return digest.hexdigest()

    def exists(self, path: Path) -> bool:
        """Whether anything stands there. A folder that may not be looked into is an error, not a no."""
        with self.refusals("look at", path):
            return path.exists()

    def make_folder(self, path: Path) -> None:
        """Make a new folder. Fails if the path exists."""
        with self.refusals("make", path):
            self.before("mkdir", path)
            path.mkdir()

    def make_folders(self, path: Path) -> None:
        """Make a folder and its missing parents, durably; fine if they exist or another process makes them too."""
        if self.exists(path):
            return
        self.make_folders(path.parent)
        with self.refusals("make", path):
            self.before("mkdir", path)
            path.mkdir(exist_ok=True)
        self.fsync_folder(path.parent)

    def rename(self, source: Path, target: Path) -> None:
        """Move in one step. An existing file is replaced; a folder that is not empty is not."""
        with self.refusals("move a finished file or folder to", target):
            self.before("rename", target)
            source.rename(target)

    def fsync_file(self, path: Path) -> None:
        """Write a file through to the disk, whoever wrote it."""
        with self.refusals("sync", path):
            self.before("fsync", path)
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)

    def fsync_folder(self, path: Path) -> None:
        """Make the names inside a folder durable: new files, renames and removals."""
        self.fsync_file(path)

    def remove_tree(self, path: Path) -> None:
        """Remove a file, or a folder and all it holds."""
        with self.refusals("remove", path):
            self.before("remove", path)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()

    def free_bytes(self, path: Path) -> int:
        """Space left for us on the disk that holds `path`, which need not exist yet."""
        path = path.absolute()
        existing = next(folder for folder in (path, *path.parents) if self.exists(folder))
        with self.refusals("look at", existing):
            return shutil.disk_usage(existing).free

    def require_free(self, path: Path, needed_bytes: int) -> None:
        """Refuse before anything is written that cannot fit.

        Raises:
            StoreError: fewer than `needed_bytes` are free.
        """
        if self.free_bytes(path) < needed_bytes:
            raise self.disk_full("write", path, needed_bytes)

    @contextmanager
    def refusals(self, doing: str, path: Path, needed_bytes: int | None = None) -> Iterator[None]:
        """Turn the system's OSError inside the block into a StoreError that names the path and what to do.

        Args:
            doing: a verb for the message, as in "write".
            needed_bytes: what was about to be written, for the message of a full disk.
        """
        try:
            yield
        except StoreError:
            raise
        except OSError as error:
            if error.errno in DISK_FULL_ERRNOS:
                raise self.disk_full(doing, path, needed_bytes) from error
            raise StoreError(str(_describe(error, doing, path))) from error

    def disk_full(self, doing: str, path: Path, needed_bytes: int | None = None) -> StoreError:
        """The error for a full disk, with the space that is free now."""
        need = "" if needed_bytes is None else f"{format_bytes(needed_bytes)} needed, "
        free = format_bytes(self.free_bytes(path))
        return StoreError(
            f"disk full: cannot {doing} {path} ({need}{free} free). What was saved before is intact. Free some space "
            "or set TUNEWRIGHT_HOME to another disk, then run the command again."
        )


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:  # one write moves at most 2 GiB
        rest = rest[os.write(descriptor, rest) :]


def _describe(error: OSError, doing: str, path: Path) -> Problem:
    found = (error.strerror or str(error)).lower()
    if error.errno in PERMISSION_ERRNOS:
        fix = "Change the permissions, or set TUNEWRIGHT_HOME to a folder you can write to."
    elif error.errno == errno.ENOENT:
        fix = "Check the path."
    else:
        fix = "What was saved before is intact. Check the disk, then run the command again."
    return Problem(str(path), found, f"to {doing} it", fix)
