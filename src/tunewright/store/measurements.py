"""What was measured once and holds for every run of this home, by a hash of all that decides it."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from tunewright.store.files import Files
from tunewright.store.lock import lock_folder
from tunewright.store.publish import collect_leftovers, publish_folder, withdraw_if_corrupt

VALUE = "measurement.json"
NAME_DIGITS = 16


class Measurements:
    """Measurements that are kept between runs; each lies in a published folder, every byte of it checked when read.

    Args:
        folder: where; made when first needed. To forget all of them, remove it.
        files, clock: the world, as in Store.
    """

    def __init__(self, folder: Path, files: Files, clock: Callable[[], datetime]) -> None:
        self.folder = folder
        self._files = files
        self._clock = clock

    def get(self, key: str) -> dict[str, Any] | None:
        """What was kept under a key; None where nothing was, or where it was damaged, which is removed.

        Args:
            key: SHA-256 of everything that decides the values.
        """
        if not self._files.exists(self._path(key)):
            return None
        with lock_folder(self.folder, self._files, self._clock, wait=True):
            if not withdraw_if_corrupt(self._path(key), self._files):
                return None
            found: dict[str, Any] = json.loads(self._files.read(self._path(key) / VALUE))
        return found["value"] if found["key"] == key else None

    def put(self, key: str, value: Mapping[str, object]) -> None:
        """Keep a JSON value. What is kept already stays."""
        self._files.make_folders(self.folder)
        with lock_folder(self.folder, self._files, self._clock, wait=True):
            collect_leftovers(self.folder, self._files)
            if withdraw_if_corrupt(self._path(key), self._files):
                return
            data = json.dumps({"key": key, "value": dict(value)}, ensure_ascii=False, allow_nan=False).encode()
            with publish_folder(self._path(key), self._files, needed_bytes=len(data)) as folder:
                self._files.write(folder / VALUE, data)

    def _path(self, key: str) -> Path:
        return self.folder / key[:NAME_DIGITS]
