"""One writer at a time: a lock that the kernel releases when its holder dies."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from tunewright.errors import Problem, RunInUseError
from tunewright.store.files import Files

LOCK = "lock"


@contextmanager
def lock_folder(folder: Path, files: Files, clock: Callable[[], datetime], *, wait: bool = False) -> Iterator[None]:
    """Hold the folder's lock while the block runs.

    The file `lock` stays behind and means nothing by itself: only the kernel's lock on it counts, so nothing has to
    be cleaned up after a kill. A child process made by fork keeps the lock until it ends too.

    Args:
        folder: must exist.
        wait: wait for the holder instead of refusing; for locks that are held for moments.
    Raises:
        RunInUseError: another process (or another call in this one) holds the lock; names it.
    """
    descriptor = _acquire(folder / LOCK, files, wait=wait)
    try:
        holder = json.dumps({"pid": os.getpid(), "started": clock().isoformat(timespec="seconds")})
        with files.refusals("write", folder / LOCK, needed_bytes=len(holder)):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _acquire(path: Path, files: Files, *, wait: bool) -> int:
    with files.refusals("lock", path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BaseException as error:
            holder = os.pread(descriptor, 4096, 0)
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise RunInUseError(str(_in_use(path.parent, holder))) from None
            raise
    return descriptor


def _in_use(folder: Path, holder: bytes) -> Problem:
    try:
        fields = json.loads(holder)
        who = f"process {fields['pid']} since {fields['started']}"
    except (ValueError, KeyError, TypeError):  # it took the lock a moment ago and has not yet said who it is
        who = "another process"
    return Problem(
        str(folder), f"in use by {who}", "no other writer", "Wait until it ends, or stop that process, then try again."
    )
