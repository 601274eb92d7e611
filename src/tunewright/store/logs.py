"""Logs of named data sets: which version is current, and every one that ever was."""

import difflib
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tunewright.errors import CorruptError, Problem, StoreError
from tunewright.records import DatasetLog, VersionEntry
from tunewright.store.checked import with_check, without_check
from tunewright.store.files import Files
from tunewright.store.lock import lock_folder
from tunewright.store.publish import collect_leftovers, write_bytes, write_record

LOG = "log.json"
CARD = "DATASET.md"
_PUT_BACK = "It was damaged or edited. Put it back from a copy; its versions are still there, by id."
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_REFERENCE = re.compile(r"(?P<name>[^@]+)@(?P<number>[0-9]{1,9})")


class DatasetLogs:
    """The folder with one log per name. A log is replaced in one step: a reader finds the old one or the new one.

    Args:
        folder: holds `NAME/log.json` and `NAME/NUMBER/DATASET.md`; made when first needed.
        files, clock: the disk and the time.
    """

    def __init__(self, folder: Path, files: Files, clock: Callable[[], datetime]) -> None:
        self.folder = folder
        self._files = files
        self._clock = clock

    def now(self) -> str:
        """The time for a new line: UTC, ISO 8601, in seconds."""
        return self._clock().astimezone(UTC).isoformat(timespec="seconds")

    def names(self) -> list[str]:
        """All names that have a log, in alphabetical order."""
        return sorted(path.parent.name for path in self.folder.glob(f"*/{LOG}"))

    def find(self, name: str) -> DatasetLog | None:
        """The log of a name; None when there is none yet.

        Raises:
            StoreError: it cannot be a name.
            CorruptError: the log cannot be read.
        """
        path = self.folder / require_name(name) / LOG
        if not self._files.exists(path):
            return None
        try:
            return DatasetLog.model_validate(without_check(json.loads(self._files.read(path)), str(path), _PUT_BACK))
        except (ValueError, RecursionError):
            found = "something that is not a log"
            raise CorruptError(str(Problem(str(path), found, "what was saved", _PUT_BACK))) from None

    def get(self, name: str) -> DatasetLog:
        """The log of a name.

        Raises:
            StoreError: there is none; names the closest.
        """
        log = self.find(name) if _NAME.fullmatch(name) else None
        if log is None:
            raise StoreError(str(self.unknown(name)))
        return log

    def unknown(self, name: str) -> Problem:
        """What to say about a name that has no log."""
        names = self.names()
        if not names:
            fix = "Make one with: tunewright data build DATA"
            return Problem(repr(name), "no named data set at all", "the name of one", fix)
        closest = difflib.get_close_matches(name, names, n=3, cutoff=0.3) or names[:3]
        fix = f"Closest: {', '.join(closest)}. `tunewright data log` lists them all."
        return Problem(repr(name), "no data set of that name", "the name of one", fix)

    def entry(self, reference: str) -> tuple[str, VersionEntry] | None:
        """The name and line of the log that `NAME` (the current one) or `NAME@2` refer to; None for anything else.

        Raises:
            StoreError: the log has no such line.
        """
        numbered = _REFERENCE.fullmatch(reference)
        name = numbered["name"] if numbered else reference
        log = self.find(name) if _NAME.fullmatch(name) else None
        if log is None:
            if numbered:
                raise StoreError(str(self.unknown(name)))
            return None
        number = int(numbered["number"]) if numbered else log.current.number
        if not 1 <= number <= len(log.entries):
            expected = f"1 to {len(log.entries)}"
            problem = Problem(reference, f"the number {number}", expected, f"See: tunewright data log {name}")
            raise StoreError(str(problem))
        return name, log.entries[number - 1]

    def append(self, name: str, entry: VersionEntry, card: str) -> None:
        """Make a line the current one. Its card is written first; until the log is replaced nobody looks at it.

        Raises:
            StoreError: another process has added a line meanwhile, or the disk refuses.
        """
        folder = self.folder / require_name(name)
        self._files.make_folders(folder / str(entry.number))
        with lock_folder(folder, self._files, self._clock, wait=True):
            log = self.find(name) or DatasetLog(name=name, entries=())
            if entry.number != len(log.entries) + 1:
                found = f"{len(log.entries)} lines"
                fix = "Another process has added one meanwhile: run the command again."
                raise StoreError(str(Problem(str(folder / LOG), found, f"{entry.number - 1}", fix)))
            collect_leftovers(folder, self._files)
            collect_leftovers(folder / str(entry.number), self._files)
            write_bytes(self.card_path(name, entry.number), card.encode(), self._files)
            log = DatasetLog(name=name, entries=(*log.entries, entry))
            write_record(folder / LOG, with_check(log), self._files)

    def card_path(self, name: str, number: int) -> Path:
        """Where the card of a line lies."""
        return self.folder / name / str(number) / CARD


def require_name(name: str) -> str:
    """Return a name that can be one of a data set.

    Without a dot, a slash or a colon it can be no file that tunewright reads and no hub id.

    Raises:
        StoreError: it has other characters.
    """
    if not _NAME.fullmatch(name):
        expected = "letters, digits, - and _, at most 64, the first a letter or digit"
        raise StoreError(str(Problem("--name", repr(name), expected, "Choose another name.")))
    return name
