"""The supervisor: what trains runs in a process of its own, and starts again from its last checkpoint when it dies.

A process that runs out of memory, crashes in native code or is killed takes everything in it along; so what notices
and continues has to be another one. This one does next to nothing: it loads no torch, and watches one worker.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Protocol

from tunewright.actions.environment import allocator_settings
from tunewright.actions.handover import (
    EXIT_OUT_OF_MEMORY,
    RECIPE_FILE,
    Job,
    WorkerFolder,
    worker_folder,
)
from tunewright.contracts import Progress
from tunewright.errors import InterruptedRunError, StoreError, TrainError, WorkerCrashedError
from tunewright.model.out_of_memory import address_space_limit, limit_in_words, require_room_for_libraries
from tunewright.records import Forecast, RunStatus, StudyRecipe, TrainRecipe, TuneRecipe
from tunewright.store import RunFolder, Store
from tunewright.train.recovery import Recovery, tell

WORKER_COMMAND = (sys.executable, "-P", "-m", "tunewright.cli.worker")
"""-P: the folder in which the user types the command is no place to import code from."""

PROCESSES_COMMAND = (sys.executable, "-P", "-m", "tunewright.cli.processes")
"""Starts several workers, and looks like one."""

MAX_RESTARTS = 3
"""At the same place. A worker that gets further each time may die as often as it likes."""

STARTING_PATIENCE_SECONDS = 120.0
"""For the first sign of life: the interpreter and our own modules, on a machine that may be busy."""

SECONDS_TO_DUMP = 5.0
SECONDS_BETWEEN_LOOKS = 0.1
LONGEST_LOOK_SECONDS = 1.0
"""More between two looks, and this process did not run either: Ctrl-Z, a paused container, a virtual machine at rest.
Only so much of it counts as silence of the worker."""
MIN_MICRO_BATCH = 64
"""Tokens, where the longest row is not known. Where the system still kills, smaller ones would not help either."""

FORECAST_FILE = "forecast.json"
"""As in train/loop.py, which would load too much here."""

ANSWERS_FILE = "answers.jsonl"
"""As in study/answers.py, which would load too much here."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NUM_REQUESTS_BEFORE_KILL = 3


class Worker(Protocol):
    """A started process, as subprocess.Popen is one."""

    def poll(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""

    def send_signal(self, number: int) -> None:
        """Does nothing when it has ended."""


@dataclass(frozen=True, slots=True)
class World:
    """What the supervisor needs from outside itself; tests hand in their own."""

    start: Callable[[Path], Worker]
    """Starts a worker on the folder of a job."""
    count_oom_kills: Callable[[], int]
    starting_patience_seconds: float = STARTING_PATIENCE_SECONDS


def start_worker(folder: Path, command: Sequence[str] = ()) -> "subprocess.Popen[bytes]":
    """Start a worker that shares our terminal. What the user has set in the environment stays.

    Its session is its own: Ctrl-C then reaches only the supervisor, which hands it on once.
    """
    environment = {**allocator_settings(), **os.environ}
    usual = WORKER_COMMAND if WorkerFolder(folder).num_processes() == 1 else PROCESSES_COMMAND
    return subprocess.Popen(
        [*(command or usual), str(folder)], env=environment, stdin=subprocess.DEVNULL, start_new_session=True
    )


def count_oom_kills() -> int:
    """How many processes the kernel has killed for want of memory, on this machine; 0 where it does not say."""
    with suppress(OSError):
        for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines():
            if line.startswith("oom_kill "):
                return int(line.split()[1])
    return 0


THIS_MACHINE = World(start=start_worker, count_oom_kills=count_oom_kills)


def supervise(job: Job, progress: Progress, world: World = THIS_MACHINE) -> int:
    """Carry out a job in a worker, which is started again as often as it makes sense.

    Args:
        progress: told about deaths and restarts; the worker shows its own on the same terminal.
    Returns:
        The worker's exit code.
    Raises:
        InterruptedRunError: stopped on request before the worker could say so itself.
        WorkerCrashedError: it died again and again without getting further; the run's record says so.
        OutOfMemoryError: a limit on address space leaves a worker no room for its libraries.
    """
    require_room_for_libraries()
    store = Store(job.home)
    num_deaths, furthest = 0, Place()
    with worker_folder() as folder, _stop_requests() as stop:
        while True:
            folder.write_job(job)
            death = _watch(folder, stop, world)
            if death.exit_code is not None:
                return death.exit_code
            run = _run_of(folder, store, job)
            if stop.num_requests:
                raise InterruptedRunError(
                    "Stopped." + (f" Continue with: {job.command_to_continue(run.record.id)}" if run else "")
                )
            place = _place_of(run)
            num_deaths = 1 if place > furthest else num_deaths + 1
            furthest = max(furthest, place)
            if num_deaths > MAX_RESTARTS:
                raise _crashed(death, place, folder, run, job)
            progress.say(
                f"The training process died ({death.reason}, {place}). It starts again "
                f"{'from the newest checkpoint' if run else 'from the beginning'} ({num_deaths} of {MAX_RESTARTS})."
            )
            if run:
                if death.is_out_of_memory and _compute_less_at_once(run, death.reason, progress):
                    num_deaths = 0  # with less at once it is not the same place; what is least ends by itself
                job = job.model_copy(update={"recipe": None, "resume": run.record.id, "is_restart": True})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """How far a run has come; a later place is a larger one."""

    num_files: int = -1
    """Finished stages, each of which leaves a file or a run inside the run."""
    step: int = -1
    num_answer_bytes: int = 0
    """Of the answers that are kept one by one, in a study and where a prompt is baked."""

    def __str__(self) -> str:
        return f"after step {self.step}" if self.step >= 0 else "before the first step"


def _place_of(run: RunFolder | None) -> Place:
    if run is None:
        return Place()
    trainings = _trainings(run)
    files = ("scores-base.json", "artifact", "scores-tuned.json", "report.json")
    num_files = sum(training.has(name) for training in trainings for name in files) + len(trainings)
    return Place(num_files, sum(map(_last_step, trainings)), _size_of(run.path / ANSWERS_FILE))


def _trainings(run: RunFolder) -> list[RunFolder]:
    """The run and those inside it, at any depth."""
    return [run, *(training for nested in run.nested_runs() for training in _trainings(nested))]


def _size_of(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _last_step(run: RunFolder) -> int:
    # A damaged line would be found and told by the worker.
    with suppress(StoreError):
        return max((step for row in run.metrics() if isinstance(step := row["step"], int)), default=-1)
    return -1


def _run_of(folder: WorkerFolder, store: Store, job: Job) -> RunFolder | None:
    pulse = folder.pulse()
    name = job.resume or (pulse.run_id if pulse else None)
    if name is None:
        return None
    try:
        return store.run(name)
    except StoreError:  # it died before the folder appeared
        return None


@dataclass(frozen=True, slots=True)
class _Death:
    exit_code: int | None
    """None when the worker did not end by itself."""
    reason: str = ""
    is_out_of_memory: bool = False


def _watch(folder: WorkerFolder, stop: "_StopRequests", world: World) -> _Death:
    """Start a worker and wait for its end, which is brought about when it shows no sign of life."""
    folder.forget_worker()
    num_oom_kills = world.count_oom_kills()
    stop.folder = folder
    worker = stop.worker = world.start(folder.path)
    if stop.num_requests:  # while it was being started: nobody has told this one
        worker.send_signal(signal.SIGTERM)
    beats, patience, silence, looked_at = -1, world.starting_patience_seconds, 0.0, time.monotonic()
    while (code := worker.poll()) is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        pulse, now = folder.pulse(), time.monotonic()
        silence += min(now - looked_at, LONGEST_LOOK_SECONDS)
        looked_at = now
        if pulse is not None:
            silence = silence if pulse.beats == beats else 0.0
            beats, patience = pulse.beats, pulse.patience_seconds
        if silence > patience:
            _end(worker, folder)
            return _Death(None, f"no sign of life for {patience:.0f} s, killed{_limited()}")
    return _death_with(code, folder, was_oom_kill=world.count_oom_kills() > num_oom_kills)


def _death_with(code: int, folder: WorkerFolder, *, was_oom_kill: bool) -> _Death:
    """Why a worker ended with this exit code, negative for a signal.

    Args:
        was_oom_kill: whether the kernel has killed a process for want of memory meanwhile.
    """
    limited, is_limited = _limited(), address_space_limit() is not None
    if code == EXIT_OUT_OF_MEMORY:
        return _Death(None, f"out of memory{limited}", is_out_of_memory=True)
    # Where libraries in Rust find no memory they abort, and OpenMP exits. What they say is on the screen.
    if is_limited and (code == -signal.SIGABRT or (code > 0 and not folder.has_ended())):
        return _Death(None, f"ended by a library, as where memory runs out{limited}", is_out_of_memory=True)
    if code >= 0:
        return _Death(code)
    if code == -signal.SIGKILL and was_oom_kill:
        return _Death(None, "killed by the system: out of memory", is_out_of_memory=True)
    return _Death(None, f"killed by {signal.Signals(-code).name}{limited}")


def _limited() -> str:
    """A limit on address space, which may be the cause of any death; empty without one."""
    limit = address_space_limit()
    return "" if limit is None else f"; {limit_in_words(limit)}"


def _end(worker: Worker, folder: WorkerFolder) -> None:
    """Let a hung worker write its stacks into the log if it still can, then kill it."""
    size_before = folder.log.stat().st_size if folder.log.exists() else 0
    worker.send_signal(signal.SIGUSR1)
    _send_all(worker, folder, signal.SIGCONT)  # a stopped process cannot write
    give_up_at = time.monotonic() + SECONDS_TO_DUMP
    while time.monotonic() < give_up_at and worker.poll() is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)
        if folder.log.exists() and folder.log.stat().st_size > size_before:
            break
    _send_all(worker, folder, signal.SIGKILL)
    while worker.poll() is None:
        time.sleep(SECONDS_BETWEEN_LOOKS)


def _send_all(worker: Worker, folder: WorkerFolder, number: int) -> None:
    """Signal the worker and, where it has started several processes, each of them: torchrun hands nothing on."""
    worker.send_signal(number)
    for pid in folder.processes():
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _compute_less_at_once(run: RunFolder, reason: str, progress: Progress) -> bool:
    """Let the training that was under way do with less memory; returns whether there was one.

    Raises:
        TrainError: there is nothing less. The runs that end by it say so.
    """
    # A second training, in a run inside, begins when the first has ended.
    unfinished = [one for one in _trainings(run) if one.record.status is not RunStatus.SUCCEEDED] or [run]
    training = unfinished[-1]
    step = _last_step(training)
    if step < 0 or run.has("artifact") or training.has("artifact"):
        return False
    try:
        with training.lock():
            remedy = Recovery(training).compute_less(_train_settings(run), step, _longest_row(training), reason)
    except TrainError as error:
        for one in unfinished:
            with one.lock():
                one.update(RunStatus.FAILED, error=str(error))
        raise
    tell(remedy, progress)
    return True


def _longest_row(training: RunFolder) -> int:
    """In tokens: smaller micro-batches would hold no less."""
    known = training.read_record(FORECAST_FILE, Forecast).longest_row if training.has(FORECAST_FILE) else None
    return known or MIN_MICRO_BATCH


def _train_settings(run: RunFolder) -> TrainRecipe:
    kind: type[StudyRecipe | TuneRecipe] = StudyRecipe if run.record.kind == "study" else TuneRecipe
    return run.read_record(RECIPE_FILE, kind).train


def _crashed(death: _Death, place: Place, folder: WorkerFolder, run: RunFolder | None, job: Job) -> WorkerCrashedError:
    lines = folder.last_lines()
    log = "\nThe last lines of its log:\n" + "\n".join(f"  {line}" for line in lines) if lines else ""
    advice = f" When the cause is gone, continue with: {job.command_to_continue(run.record.id)}" if run else ""
    words = (
        f"worker crashed: the training process died {MAX_RESTARTS + 1} times without getting further "
        f"({death.reason}, {place}). What was saved is intact.{advice}{log}"
    )
    if run:
        # A disk that refuses this would hide the reason.
        with suppress(StoreError), run.lock():
            if run.record.status is RunStatus.RUNNING:
                run.update(status=RunStatus.FAILED, error=words)
    return WorkerCrashedError(words)


@dataclass(slots=True)
class _StopRequests:
    """Signals that ask us to stop, handed on to the worker, which saves and ends; it alone knows when it may."""

    worker: Worker | None = None
    folder: WorkerFolder | None = None
    num_requests: int = 0

    def hand_on(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.num_requests += 1
        if self.num_requests >= NUM_REQUESTS_BEFORE_KILL:
            self._send_all(signal.SIGKILL)
        elif self.worker is not None:
            self.worker.send_signal(number)

    def suspend(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: stop all, and go on together."""
        del number, frame
        self._send_all(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        self._send_all(signal.SIGCONT)

    def _send_all(self, number: int) -> None:
        if self.worker is not None and self.folder is not None:
            _send_all(self.worker, self.folder, number)


@contextmanager
def _stop_requests() -> Iterator[_StopRequests]:
    """Handle signals while open; SIGHUP stays ignored under nohup. Outside the main thread there are none to handle."""
    stop = _StopRequests()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    handlers = {**dict.fromkeys(STOP_SIGNALS, stop.hand_on), signal.SIGTSTP: stop.suspend}
    previous = {number: signal.getsignal(number) for number in handlers}
    for number, handler in handlers.items():
        if number is not signal.SIGHUP or previous[number] is not signal.SIG_IGN:
            signal.signal(number, handler)
    try:
        yield stop
    finally:
        for number, before in previous.items():
            signal.signal(number, before)
