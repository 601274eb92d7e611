"""Bytes that do not fit into memory: a temporary file that has no name and is gone when nobody needs it any more."""

import os
import tempfile
import weakref
from contextlib import suppress
from typing import IO

from tunewright.errors import Problem, StoreError

_BUFFER_BYTES = 2**18


class Spill:
    """A file that grows at its end and is read anywhere."""

    def __init__(self) -> None:
        # Closed with this object: findings and rows that are kept may still read from it, so no caller knows when.
        self._file = tempfile.TemporaryFile(buffering=_BUFFER_BYTES)  # noqa: SIM115
        weakref.finalize(self, _close, self._file)
        self._is_written = True
        self.num_bytes = 0

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end.

        Raises:
            StoreError: the disk is full or refuses.
        """
        try:
            self._file.write(data)
        except OSError as error:
            raise self._refused(error) from error
        self._is_written = False
        self.num_bytes += len(data)

    def read(self, start: int, num_bytes: int) -> bytes:
        """Read what was written.

        Raises:
            StoreError: the disk is full or refuses.
        """
        if not self._is_written:
            try:
                self._file.flush()
            except OSError as error:
                raise self._refused(error) from error
            self._is_written = True
        return os.pread(self._file.fileno(), num_bytes, start)

    def _refused(self, error: OSError) -> StoreError:
        return no_room_for_temporary_files(error, f"{self.num_bytes:,} bytes so far")


def no_room_for_temporary_files(error: OSError, what_for: str) -> StoreError:
    """What to say when the folder for temporary files is full or refuses."""
    problem = Problem(
        tempfile.gettempdir(),
        error.strerror or type(error).__name__,
        f"room for temporary files, {what_for}",
        "Free some space, or name another folder in the environment variable TMPDIR.",
    )
    return StoreError(str(problem))


def _close(file: IO[bytes]) -> None:
    # Closing writes what is still buffered. Where the disk is full that fails again, and nobody needs it any more.
    with suppress(OSError):
        file.close()
