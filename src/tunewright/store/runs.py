"""RunFolder: what one run leaves on disk, and the only moves its status can make."""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tunewright.errors import CorruptError, Problem, StoreError
from tunewright.records import Run, RunStatus, content_hash
from tunewright.store.checked import AnyRecord, parse_record, with_check, without_check
from tunewright.store.files import Files
from tunewright.store.lock import lock_folder
from tunewright.store.measurements import Measurements
from tunewright.store.publish import (
    appear,
    collect_leftovers,
    publish_folder,
    read_published,
    withdraw,
    withdraw_if_corrupt,
    write_bytes,
    write_record,
)

RUN = "run.json"
RUNS = "runs"
FROZEN = "frozen.json"
"""SHA-256 of each file that a run was made with."""
METRICS = "metrics.jsonl"
REPORT = "report.json"
"""For other programs, which read it as the record that it is: its hash is in the run's record."""
CHECKPOINTS = "checkpoints"
INDEXES = "indexes"
"""Folder for indexes of passages."""
MEASURED = "measured"
"""Folder of the home for what holds for all of its runs."""

MOVES: dict[RunStatus, frozenset[RunStatus]] = {
    RunStatus.RUNNING: frozenset(RunStatus),  # to itself: a killed run still says "running" when it is resumed
    RunStatus.INTERRUPTED: frozenset({RunStatus.RUNNING}),
    RunStatus.FAILED: frozenset({RunStatus.RUNNING}),
    RunStatus.SUCCEEDED: frozenset(),
}

MetricRow = dict[str, object]


@dataclass(frozen=True, slots=True)
class Checkpoints:
    """What a resume can start from."""

    intact: tuple[Path, ...]
    """Verified folders, newest first."""
    corrupt: dict[Path, str]
    """Why each of the others cannot be used."""


class RunFolder:
    """One run on disk. Writers hold `lock()`; readers need nothing, because every change appears in one step."""

    def __init__(self, path: Path, files: Files, clock: Callable[[], datetime]) -> None:
        self.path = path
        self._files = files
        self._clock = clock
        self.record = self._read_record()

    @property
    def home(self) -> Path | None:
        """The home it lies in, which need not be the one it was looked for in; None: it was moved out of a home."""
        # A run lies in the home's folder `runs`, or inside such a run.
        folder = self.path.absolute().parents[self.record.id.count("/")]
        return folder.parent if folder.name == RUNS else None

    @property
    def measurements(self) -> Measurements:
        """What runs of the same home keep for each other; a run that was moved out of a home keeps its own."""
        return Measurements((self.home or self.path) / MEASURED, self._files, self._clock)

    @property
    def free_bytes(self) -> int:
        """Space left for us on the run's disk."""
        return self._files.free_bytes(self.path)

    @property
    def num_bytes(self) -> int:
        """Of all files of the run, those of runs inside it included."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the run's only writer. Removes what a killed one left, and reads the record again.

        Raises:
            RunInUseError: another process is writing.
        """
        with lock_folder(self.path, self._files, self._clock):
            for folder in (self.path, self.path / CHECKPOINTS, self.path / INDEXES):
                collect_leftovers(folder, self._files)
            self.record = self._read_record()
            yield

    def update(self, status: RunStatus, outputs: Sequence[str] = (), error: str | None = None) -> Run:
        """Move to a status and save it. Outputs and error are those of the new status; earlier ones are replaced.

        Raises:
            StoreError: the move is not allowed, or an output does not exist in the run folder.
        """
        if status not in MOVES[self.record.status]:
            raise StoreError(str(self._illegal_move(status)))
        return self._save(status, outputs, error)

    def take_up_again(self) -> Run:
        """Let a run that has succeeded be under way again, because its result has gaps that can be filled by now.

        A move of its own, so that no other writer undoes a success. Its files stay until they are written anew.
        """
        assert self.record.status is RunStatus.SUCCEEDED, self.record.status
        return self._save(RunStatus.RUNNING)

    def _save(self, status: RunStatus, outputs: Sequence[str] = (), error: str | None = None) -> Run:
        for name in outputs:
            if not self._files.exists(self.path / name):
                raise StoreError(str(_missing_output(self.path / name)))
        fields = {"status": status, "outputs": tuple(outputs), "output_hashes": self._hashes(outputs), "error": error}
        record = self.record.model_copy(update=fields)
        write_record(self.path / RUN, with_check(record), self._files)
        self.record = record
        return record

    def append_metric(self, row: Mapping[str, object]) -> None:
        """Add one row of numbers, which must name its "step", to the curve. NaN is refused with ValueError."""
        assert isinstance(row["step"], int), row
        line = json.dumps(dict(row), allow_nan=False) + "\n"
        self._files.append_line(self.path / METRICS, line.encode())

    def metrics(self) -> list[MetricRow]:
        """All rows in the order they were added. A torn last line, left by a kill, is not a row.

        Raises:
            CorruptError: a line before the last cannot be read.
        """
        path = self.path / METRICS
        if not self._files.exists(path):
            return []
        *lines, _torn = self._files.read(path).split(b"\n")
        return [_parse_metric(line, f"{path}:{number}") for number, line in enumerate(lines, start=1)]

    def metrics_hash(self, step: int) -> str:
        """SHA-256 of the rows up to a step."""
        return content_hash([row for row in self.metrics() if _step(row) <= step])

    def truncate_metrics(self, after_step: int) -> None:
        """Forget rows of later steps, which a resume will add again, and a torn last line."""
        lines = [json.dumps(row) + "\n" for row in self.metrics() if _step(row) <= after_step]
        write_bytes(self.path / METRICS, "".join(lines).encode(), self._files)

    def append_json(self, name: str, value: object) -> None:
        """Add one JSON value as a line of a file that only grows. A kill loses nothing, a power loss the last lines."""
        line = json.dumps(with_check(value), ensure_ascii=False, allow_nan=False) + "\n"
        self._files.append_line(self.path / name, line.encode())

    def sync(self, name: str) -> None:
        """Make what was appended to a file durable against a power loss too."""
        self._files.fsync_file(self.path / name)

    def recover_json_lines(self, name: str) -> list[Any]:
        """All values that `append_json` added. For the run's writer: a torn last line is taken off the file.

        Raises:
            CorruptError: a line before the last cannot be read.
        """
        path = self.path / name
        if not self._files.exists(path):
            return []
        *lines, torn = self._files.read(path).split(b"\n")
        if torn:
            # The next line would be glued to it.
            write_bytes(path, b"".join(line + b"\n" for line in lines), self._files)
        wheres = [f"{path}:{number}" for number in range(1, len(lines) + 1)]
        return [without_check(_parse_line(*each), each[1], _START_ANEW) for each in zip(lines, wheres, strict=True)]

    def write_json(self, name: str, value: object) -> Path:
        """Save a record or any JSON value under the run, replacing an earlier one in one step."""
        write_record(self.path / name, value if name == REPORT else with_check(value), self._files)
        return self.path / name

    def write_text(self, name: str, text: str) -> Path:
        """Save a text, such as the HTML report, replacing an earlier one in one step."""
        write_bytes(self.path / name, text.encode(), self._files)
        return self.path / name

    def has(self, name: str) -> bool:
        """Whether something was saved under `name`. Everything is saved in one step, so it is whole."""
        return self._files.exists(self.path / name)

    def read_json(self, name: str) -> Any:
        """The JSON value saved under `name`.

        Raises:
            StoreError: there is none.
            CorruptError: it is not JSON, or not what was saved.
        """
        where, data = str(self.path / name), self._files.read(self.path / name)
        expected = self._frozen().get(name) if name != FROZEN else None
        expected = expected or self.record.output_hashes.get(name)
        try:
            value = json.loads(data)
        except (ValueError, RecursionError):
            raise _damaged(where, "text that is not JSON") from None
        if expected and hashlib.sha256(data).hexdigest() != expected:
            raise _damaged(where, "other bytes than those that were saved")
        return without_check(value, where, _START_ANEW)

    def read_record(self, name: str, kind: type[AnyRecord]) -> AnyRecord:
        """The record saved under `name`.

        Raises:
            StoreError: there is none.
            CorruptError: it is not what was saved, or another version of tunewright wrote it with other fields.
        """
        return parse_record(kind, self.read_json(name), str(self.path / name), self.record.environment.tunewright)

    def require_unchanged(self) -> None:
        """Check what the run was made with: its recipe and everything else that decides what it computes.

        Runs of versions that kept no hashes are not checked.

        Raises:
            CorruptError: a file is gone or has other bytes.
        """
        for name, expected in self._frozen().items():
            path = self.path / name
            if not self._files.exists(path) or self._files.hash_file(path) != expected:
                raise _damaged(str(path), "other bytes than those of the start" if self.has(name) else "no such file")

    @contextmanager
    def publish(self, name: str, needed_bytes: int = 0) -> Iterator[Path]:
        """Give a temporary folder to fill; when the block ends well it appears as `name`, verified from then on.

        A corrupt folder of that name is replaced; an intact one never is.

        Args:
            name: relative to the run, as in "checkpoints/step-00000020".
            needed_bytes: what is about to be written; fewer free bytes are refused before the block starts.
        Raises:
            StoreError: an intact folder has that name, or the disk is full or failing.
        """
        withdraw_if_corrupt(self.path / name, self._files)
        if self._files.exists(self.path / METRICS):
            # A power loss after this checkpoint must not lose the rows before it: a resume will not add them again.
            self._files.fsync_file(self.path / METRICS)
        with publish_folder(self.path / name, self._files, needed_bytes) as folder:
            yield folder

    def published(self, name: str) -> Path:
        """The path of a published folder, every byte of it checked.

        Raises:
            CorruptError: it is missing, or differs from its manifest; names the file.
        """
        read_published(self.path / name, self._files)
        return self.path / name

    def is_published(self, name: str) -> bool:
        """Whether an intact folder has that name: a resumed run asks before it makes one again."""
        try:
            self.published(name)
        except CorruptError:
            return False
        return True

    def published_hash(self, name: str) -> str:
        """SHA-256 over the names and hashes of a published folder's files, every byte of which is checked.

        Raises:
            CorruptError: as `published`.
        """
        return content_hash(read_published(self.path / name, self._files))

    def nested(self, name: str, dataset_id: str) -> "RunFolder":
        """A run of its own inside this one, such as the training of one of a study's arms; made when it is missing.

        It starts from the same base on the same machine, and is found by `ID/NAME`.

        Args:
            name: of its folder, without a slash.
            dataset_id: the version of its rows.
        """
        path = self.path / name
        if not self._files.exists(path):
            named: dict[str, object] = {"id": f"{self.record.id}/{name}", "kind": "tune", "dataset_id": dataset_id}
            if dataset_id != self.record.dataset_id:
                named["dataset_hash"] = None
            fresh = {"status": RunStatus.RUNNING, "outputs": (), "error": None}
            with appear(path, self._files) as folder:
                write_record(folder / RUN, with_check(self.record.model_copy(update={**named, **fresh})), self._files)
        return RunFolder(path, self._files, self._clock)

    def nested_runs(self) -> list["RunFolder"]:
        """The runs inside this one, by name."""
        paths = sorted(path.parent for path in self.path.glob(f"[!.]*/{RUN}"))
        return [RunFolder(path, self._files, self._clock) for path in paths]

    def remove_published(self, name: str) -> None:
        """Drop a published folder, such as an old checkpoint. It disappears in one step."""
        withdraw(self.path / name, self._files)

    def checkpoints(self) -> Checkpoints:
        """Published `checkpoints/step-XXXXXXXX` folders, each verified byte by byte.

        Raises:
            StoreError: the disk does not give them; nothing is known about their bytes then.
        """
        found = {
            int(match[1]): path
            for path in (self.path / CHECKPOINTS).glob("step-*")
            if (match := re.fullmatch(r"step-(\d{8,})", path.name))
        }
        intact, corrupt = [], {}
        for step in sorted(found, reverse=True):
            try:
                read_published(found[step], self._files)
            except CorruptError as error:
                corrupt[found[step]] = str(error)
            else:
                intact.append(found[step])
        return Checkpoints(tuple(intact), corrupt)

    def _frozen(self) -> dict[str, str]:
        return dict(self.read_json(FROZEN)) if self.has(FROZEN) else {}

    def _hashes(self, names: Sequence[str]) -> dict[str, str]:
        """Of those outputs that are files; a folder has its manifest."""
        return {name: self._files.hash_file(self.path / name) for name in names if (self.path / name).is_file()}

    def _read_record(self) -> Run:
        where = str(self.path / RUN)
        try:
            fields = json.loads(self._files.read(self.path / RUN))
            return Run.model_validate(without_check(fields, where, _START_ANEW))
        except (ValueError, RecursionError):
            raise _damaged(where, "something that is not a run's record") from None

    def _illegal_move(self, status: RunStatus) -> Problem:
        now = self.record.status
        if now == RunStatus.SUCCEEDED:
            return Problem(self.record.id, f"a run that has {now}", "one that has not", "Start a new run.")
        allowed = " or ".join(sorted(MOVES[now]))
        return Problem(
            self.record.id, f"a move from {now} to {status}", f"a move to {allowed}", "Resume the run with --resume."
        )


def _parse_metric(line: bytes, where: str) -> MetricRow:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict) or not isinstance(row.get("step"), int):
        raise _damaged(where, "a line that is not a metric row")
    return row


def _parse_line(line: bytes, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise _damaged(where, "a line that is not JSON") from None


def _step(row: MetricRow) -> int:
    step = row["step"]
    assert isinstance(step, int), row
    return step


def _missing_output(path: Path) -> Problem:
    return Problem(str(path), "nothing", "an output of the run", "Write it before listing it.")


def _damaged(where: str, found: str) -> CorruptError:
    return CorruptError(str(Problem(where, found, "what was saved", _START_ANEW)))


_START_ANEW = "It was damaged or edited. Put it back from a copy, or start a new run."
