"""The worker's side: beats while it gets on, and goes on when nobody looks."""

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tunewright.actions.handover import EXIT_OUT_OF_MEMORY, Pulse, WorkerFolder
from tunewright.actions.working import PATIENCE_SECONDS, STALL_SECONDS, Heart, WatchedProgress
from tunewright.contracts import Advance


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def folder(tmp_path: Path) -> WorkerFolder:
    return WorkerFolder(tmp_path)


@pytest.fixture
def heart(folder: WorkerFolder, clock: Clock) -> Heart:
    return Heart(folder, clock)


def pulse_of(folder: WorkerFolder) -> Pulse:
    pulse = folder.pulse()
    assert pulse is not None
    return pulse


def test_the_run_is_known_with_the_next_beat(heart: Heart, folder: WorkerFolder) -> None:
    assert folder.pulse() is None
    heart.beat()
    assert pulse_of(folder) == Pulse(beats=1, patience_seconds=PATIENCE_SECONDS, pid=os.getpid())
    heart.run_is("20261120-120000-3fa2")
    assert pulse_of(folder) == Pulse(
        beats=2, patience_seconds=PATIENCE_SECONDS, pid=os.getpid(), run_id="20261120-120000-3fa2"
    )


def test_a_worker_beats_on_where_the_disk_of_temporary_files_is_full(heart: Heart, folder: WorkerFolder) -> None:
    heart.beat()
    (folder.path / "pulse.new").mkdir()  # cannot be written, as on a full disk
    for beats in (2, 3):
        heart.beat()
        assert pulse_of(folder) == Pulse(beats=beats, patience_seconds=PATIENCE_SECONDS, pid=os.getpid())
    (folder.path / "pulse.new").rmdir()
    heart.beat()
    assert pulse_of(folder).beats == 4
    folder.forget_worker()
    assert not list(folder.path.iterdir())


def test_slow_steps_are_given_more_patience(heart: Heart, folder: WorkerFolder, clock: Clock) -> None:
    heart.bar_opens()
    for _ in range(4):
        clock.now += 10.0
        heart.moved()
    heart.beat()
    assert pulse_of(folder).patience_seconds == 20 * 10.0
    heart.bar_closes()
    heart.beat()
    assert pulse_of(folder).patience_seconds == PATIENCE_SECONDS


def test_work_that_had_advanced_and_stands_still_stops_beating(
    heart: Heart, folder: WorkerFolder, clock: Clock
) -> None:
    clock.now += 10 * STALL_SECONDS  # loading a large base: nothing to advance
    assert not heart.is_stalled()
    heart.moved()
    heart.bar_opens()
    heart.moved()
    clock.now += 20 * 10 * STALL_SECONDS
    assert not heart.is_stalled()  # as long a pause as it ever had, times twenty
    clock.now += 1.0
    heart.beat()
    assert heart.is_stalled()
    assert folder.pulse() is None
    heart.moved()
    heart.beat()
    assert pulse_of(folder).beats == 1


class Gone:
    """A terminal that was closed."""

    def say(self, text: str) -> None:
        raise OSError(5, "Input/output error")

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Advance]:
        yield self._advance
        raise OSError(5, "Input/output error")

    def _advance(self, done: int = 1, note: str = "") -> None:
        raise OSError(5, "Input/output error")


def test_a_terminal_that_is_gone_stops_nothing(heart: Heart) -> None:
    log = io.StringIO()
    progress = WatchedProgress(Gone(), heart, log)
    progress.say("Split: 40 train rows.")
    with progress.bar("Training", 3) as advance:
        advance(1, "loss 5.0")
    assert log.getvalue() == "Split: 40 train rows.\n"


class Recorded:
    def __init__(self) -> None:
        self.events: list[object] = []

    def say(self, text: str) -> None:
        self.events.append(text)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Advance]:
        self.events.append((title, total))
        try:
            yield lambda done=1, note="": self.events.append((done, note))
        except ValueError as error:
            self.events.append(str(error))
            raise
        self.events.append("closed")


def test_words_and_bars_reach_the_terminal_and_errors_leave_the_bar(heart: Heart) -> None:
    shown = Recorded()
    progress = WatchedProgress(shown, heart, io.StringIO())
    progress.say("hello")
    with progress.bar("Training", 3) as advance:
        advance(2, "loss")
    with pytest.raises(ValueError, match="wrong"), progress.bar("Answering", 1):
        raise ValueError("wrong")
    assert shown.events == ["hello", ("Training", 3), (2, "loss"), "closed", ("Answering", 1), "wrong"]


BEGINS_NO_THREAD = """
import sys, threading
from pathlib import Path
from tunewright.actions.handover import WorkerFolder
from tunewright.actions.working import at_work
from tunewright.contracts import SilentProgress

class Thread(threading.Thread):
    def _bootstrap_inner(self):
        raise {error}

with at_work(WorkerFolder(Path(sys.argv[1])), SilentProgress()):
    hook, said = sys.unraisablehook, threading.Event()
    sys.unraisablehook = lambda unraisable: (hook(unraisable), said.set())
    thread = Thread()
    thread._started = said  # what start() waits for, without end where there is no such hook
    thread.start()
"""


@pytest.mark.parametrize(("error", "code"), [("MemoryError", EXIT_OUT_OF_MEMORY), ("ValueError", 0)])
def test_a_thread_that_finds_no_memory_to_begin_ends_the_worker_that_would_wait_for_it(
    error: str, code: int, tmp_path: Path
) -> None:
    script = BEGINS_NO_THREAD.format(error=error)
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "ValueError" in ended.stderr) == (code, error == "ValueError"), ended.stderr
