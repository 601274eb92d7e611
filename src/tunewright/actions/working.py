"""The worker's side of supervision: signs of life, a log for the case of a crash, and signals that mean "stop"."""

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from tunewright.actions.handover import EXIT_OUT_OF_MEMORY, Pulse, WorkerFolder
from tunewright.contracts import Advance, Progress

PATIENCE_SECONDS = 60.0
"""How long a worker may show no sign of life: it is stopped, or stuck where Python cannot run."""

STALL_SECONDS = 600.0
"""How long work that had advanced may stand still while Python runs: a deadlock. Longer, since saving and validating
large models advances nothing."""

STEPS_OF_PATIENCE = 20
"""Both are at least this many times as long as the steps (or pauses) measured so far."""

SECONDS_BETWEEN_BEATS = 1.0


class Heart:
    """Beats in a thread of its own while the main thread gets on.

    Args:
        clock: seconds, for tests.
    """

    def __init__(self, folder: WorkerFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._clock = clock
        self._lock = threading.Lock()
        self._beats = 0
        self._run_id: str | None = None
        self._moved_at = clock()
        self._longest_pause = 0.0
        self._num_moves = 0
        self._bar_started_at: float | None = None

    def run_is(self, run_id: str) -> None:
        """Tell the supervisor which run this is; known before its folder appears."""
        self._run_id = run_id
        self.beat()

    def moved(self) -> None:
        """The main thread got somewhere."""
        now = self._clock()
        self._longest_pause = max(self._longest_pause, now - self._moved_at)
        self._moved_at = now
        self._num_moves += 1

    def bar_opens(self) -> None:
        """Work begins that is expected to advance: only from now on can it stall."""
        self.moved()
        self._bar_started_at, self._num_moves = self._clock(), 0

    def bar_closes(self) -> None:
        """The work has ended; what follows may take its time."""
        self.moved()
        self._bar_started_at = None

    def is_stalled(self) -> bool:
        """Whether work that had advanced stands still for longer than it ever should."""
        if self._bar_started_at is None or not self._num_moves:
            return False
        return self._clock() - self._moved_at > max(STALL_SECONDS, STEPS_OF_PATIENCE * self._longest_pause)

    def beat(self) -> None:
        """Show a sign of life, unless stalled."""
        if self.is_stalled():
            return
        with self._lock:
            self._beats += 1
            pulse = Pulse(beats=self._beats, patience_seconds=self._patience(), pid=os.getpid(), run_id=self._run_id)
            # A full disk is told by whoever needs it; without a beat the supervisor would kill a worker that lives.
            with suppress(OSError):
                self._folder.write_pulse(pulse)

    def _patience(self) -> float:
        started_at, num_moves = self._bar_started_at, self._num_moves
        if started_at is None or not num_moves:
            return PATIENCE_SECONDS
        return max(PATIENCE_SECONDS, STEPS_OF_PATIENCE * (self._moved_at - started_at) / num_moves)


@dataclass(frozen=True, slots=True)
class WatchedProgress:
    """Shows what another Progress shows, beats, and writes a log. A terminal that is gone stops nothing."""

    inner: Progress
    heart: Heart
    log: TextIO

    def say(self, text: str) -> None:
        """As Progress, and into the log."""
        self.heart.moved()
        with suppress(OSError):
            self.log.write(text + "\n")
            self.log.flush()
        with suppress(OSError):
            self.inner.say(text)

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Advance]:
        """Every unit is a sign that the work gets on."""
        bar = self.inner.bar(title, total)
        shown: Advance | None = None
        with suppress(OSError):
            shown = bar.__enter__()
        self.heart.bar_opens()

        def advance(done: int = 1, note: str = "") -> None:
            self.heart.moved()
            if shown is not None:
                with suppress(OSError):
                    shown(done, note)

        try:
            yield advance
        except BaseException:
            with suppress(OSError):
                bar.__exit__(*sys.exc_info())
            raise
        else:
            with suppress(OSError):
                bar.__exit__(None, None, None)
        finally:
            self.heart.bar_closes()


@contextmanager
def at_work(folder: WorkerFolder, progress: Progress) -> Iterator[tuple[WatchedProgress, Heart]]:
    """Be a worker while open: beat, keep a log, let signals mean "stop", and end when the supervisor is gone."""
    with folder.log.open("a", encoding="utf-8") as log:
        faulthandler.enable(file=log)
        faulthandler.register(signal.SIGUSR1, file=log, all_threads=True)
        _stop_on_every_signal()
        _be_killed_first()
        sys.unraisablehook = _end_where_a_thread_cannot_begin
        heart = Heart(folder)
        ended = threading.Event()
        thread = threading.Thread(target=_beat_until, args=(ended, heart, os.getppid()), daemon=True)
        thread.start()
        try:
            yield WatchedProgress(progress, heart, log), heart
        finally:
            ended.set()
            thread.join()
            sys.unraisablehook = sys.__unraisablehook__
            faulthandler.unregister(signal.SIGUSR1)
            faulthandler.disable()


def _beat_until(ended: threading.Event, heart: Heart, supervisor: int) -> None:
    heart.beat()
    while not ended.wait(SECONDS_BETWEEN_BEATS):
        heart.beat()
        if os.getppid() != supervisor:
            # Nobody watches any more, and nobody could be told: save and end, as on Ctrl-C.
            os.kill(os.getpid(), signal.SIGINT)
            return


def _stop_on_every_signal() -> None:
    """SIGTERM and a closed terminal stop as Ctrl-C does: in an orderly way, with everything saved."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


def _end_where_a_thread_cannot_begin(unraisable: "sys.UnraisableHookArgs") -> None:
    """Whoever starts a thread waits until it has begun, without end if memory runs out before that."""
    if unraisable.exc_type is MemoryError and getattr(unraisable.object, "__name__", None) == "_bootstrap":
        os._exit(EXIT_OUT_OF_MEMORY)
    sys.__unraisablehook__(unraisable)


def _be_killed_first() -> None:
    """Where memory runs out the kernel should take us, who can continue, and not the user's other programs."""
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("500", encoding="ascii")
