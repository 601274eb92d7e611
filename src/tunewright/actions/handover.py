"""What a supervisor and its worker tell each other: files in a folder that belongs to the two of them.

    job          what the worker is to do; written by the supervisor before each start
    pulse        a number that rises while the worker is alive and gets on, and the run it works on
    log          what the worker said, and the stacks that faulthandler wrote when it crashed
    ended        a worker that came to its own end, well or with an error
    process-PID  one of several processes that train together

Files, because they outlive the process that wrote them and need nothing that could hang.
"""

import os
import shlex
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from tunewright.errors import StoreError
from tunewright.records import Gate, Record, RunKind, StudyRecipe, TuneRecipe
from tunewright.store import Files, Store, lock_folder

RECIPE_FILE = "recipe.json"
"""Of a run: resolved."""

EXIT_OUT_OF_MEMORY = 75
"""Of a worker that ran out of memory where it cannot go on by itself: it is to start again and compute less at once."""

EXIT_LOST = 76
"""Of one of several processes that lost another."""

FOLDER_PREFIX = "tunewright-worker-"
MAX_LOG_LINES = 20
MAX_LOG_BYTES = 64 * 1024
"""Read from the end of the log."""


class _Job(Record):
    """What a command asks of a worker: a recipe to carry out, or a run to continue."""

    resume: str | None = None
    """Name of a run; then there is no recipe."""
    home: Path | None = None
    is_restart: bool = False
    """Whether a worker died at it. Perhaps after its last write, so the run may be found to have succeeded."""
    json_file: str | None = None
    command: str | None = None
    """What the report gives as the command to repeat."""
    num_processes: int = 1
    """That train together."""
    kind: Literal["tune", "study"]

    def command_to_continue(self, run_id: str) -> str:
        """What a user types to go on with the job's run after a stop."""
        return command_to_continue(run_id, self.home, self.num_processes, self.kind)


class TuneJob(_Job):
    """A `tune` command."""

    kind: Literal["tune"] = "tune"
    recipe: TuneRecipe | None = None


class StudyJob(_Job):
    """A `study` command."""

    kind: Literal["study"] = "study"
    recipe: StudyRecipe | None = None
    gates: tuple[Gate, ...] = ()
    """Findings that end the command with exit code 1."""


Job = TuneJob | StudyJob
_JOB: TypeAdapter[Job] = TypeAdapter(Annotated[Job, Field(discriminator="kind")])


def read_job(text: str | bytes) -> Job:
    """A job from its JSON."""
    return _JOB.validate_json(text)


class Pulse(Record):
    """A sign of life."""

    beats: int = 0
    patience_seconds: float
    """How long this number may stay the same before the worker counts as hung."""
    pid: int | None = None
    """Of the process that beats."""
    run_id: str | None = None
    """Set before the run's folder exists, so that no run is ever unknown to the supervisor."""


_MARK = "beats-"


@dataclass(frozen=True, slots=True)
class WorkerFolder:
    """The folder, as both sides see it."""

    path: Path

    def write_job(self, job: Job) -> None:
        """Hand the work over, before the worker starts."""
        (self.path / "job").write_text(job.model_dump_json(), encoding="utf-8")

    def job(self) -> Job:
        """The work that was handed over."""
        return read_job((self.path / "job").read_bytes())

    def num_processes(self) -> int:
        """How many are to train together; 1 before there is a job."""
        return self.job().num_processes if (self.path / "job").exists() else 1

    def write_pulse(self, pulse: Pulse) -> None:
        """Replace the pulse in one step. Not synced: after a power loss nobody asks for it.

        On a full disk, which is not the worker's fault, its number goes into the name of a file, which takes no room.
        """
        temporary = self.path / "pulse.new"
        try:
            temporary.write_text(pulse.model_dump_json(), encoding="utf-8")
            temporary.replace(self.path / "pulse")
        except OSError:
            mark = next(self.path.glob(f"{_MARK}*"), None)
            name = self.path / f"{_MARK}{pulse.beats}"
            mark.rename(name) if mark else name.touch()

    def pulse(self) -> Pulse | None:
        """None before the worker's first one."""
        try:
            pulse = Pulse.model_validate_json((self.path / "pulse").read_bytes())
        except (OSError, ValidationError):
            return None
        marked = [int(path.name.removeprefix(_MARK)) for path in self.path.glob(f"{_MARK}*")]
        return pulse.model_copy(update={"beats": max(pulse.beats, *marked)}) if marked else pulse

    def forget_worker(self) -> None:
        """Before another worker starts, which has to show its own pulse and processes."""
        for name in ("pulse", "ended"):
            (self.path / name).unlink(missing_ok=True)
        for path in (*self.path.glob("process-*"), *self.path.glob(f"{_MARK}*")):
            path.unlink(missing_ok=True)

    def end(self) -> None:
        """Note that the worker ends by itself, and not a library in it."""
        with suppress(OSError):
            (self.path / "ended").touch()

    def has_ended(self) -> bool:
        """Whether the worker came to its own end."""
        return (self.path / "ended").exists()

    def join(self, pid: int) -> None:
        """Note one of several processes that train together."""
        (self.path / f"process-{pid}").touch()

    def processes(self) -> list[int]:
        """The processes that were noted; some may have ended."""
        return [int(path.name.removeprefix("process-")) for path in self.path.glob("process-*")]

    @property
    def log(self) -> Path:
        """What the worker says, its stack included when it stands still."""
        return self.path / "log"

    def last_lines(self) -> list[str]:
        """The end of the log; empty when the worker never said anything."""
        if not self.log.exists():
            return []
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - MAX_LOG_BYTES))
            text = file.read().decode(errors="replace")
        return [line for line in text.splitlines() if line.strip()][-MAX_LOG_LINES:]


@contextmanager
def worker_folder() -> Iterator[WorkerFolder]:
    """A fresh folder in the system's temporary one; removed at the end, with those that killed supervisors left."""
    path = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    try:
        with lock_folder(path, Files(), lambda: datetime.now(UTC)):
            _collect_abandoned(path.parent, own=path)
            yield WorkerFolder(path)
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _collect_abandoned(parent: Path, own: Path) -> None:
    for path in parent.glob(f"{FOLDER_PREFIX}*"):
        try:
            if path == own or path.is_symlink() or path.stat().st_uid != os.getuid() or not (path / "lock").exists():
                continue
            with lock_folder(path, Files(), lambda: datetime.now(UTC)):
                shutil.rmtree(path, ignore_errors=True)
        except (StoreError, OSError):
            continue  # in use by a living supervisor, or gone already


def run_to_resume(name: str, home: Path | None) -> dict[str, object]:
    """Which run a job continues, and in which home it lies, for all who look it up later; `name` may be its folder.

    Raises:
        StoreError: no run has that name.
    """
    run = Store(home).run(name)
    if run.home is None:  # moved out of its home
        return {"resume": str(run.path.absolute()), "home": home}
    is_usual = run.home.resolve() == Store(home).home.resolve()
    return {"resume": run.record.id, "home": home if is_usual else run.home}


def command_to_continue(run_id: str, home: Path | None, num_processes: int = 1, kind: RunKind = "tune") -> str:
    """What a user types to go on with a run that was stopped, by as many processes."""
    together = f" --processes {num_processes}" if num_processes > 1 else ""
    return f"tunewright {kind} --resume {run_id}{together}{home_option(home)}"


def home_option(home: Path | None) -> str:
    """To append to a command; nothing for the default home."""
    return f" --home {shlex.quote(str(home))}" if home else ""
