"""Progress for people who wait: bars with time left on a terminal, a few plain lines in a log."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.text import Text

from tunewright.cli.visible import visible
from tunewright.records import format_duration

MAX_LINES_PER_BAR = 10
MIN_SECONDS_BETWEEN_LINES = 2.0


class RichProgress:
    """Says what goes on and shows bars, as `tunewright.contracts.Progress` asks.

    Args:
        console: where; it decides whether a bar can be drawn.
        clock: seconds, for tests.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock

    def say(self, text: str) -> None:
        """Print a fact on a line of its own, above a bar that is being drawn."""
        self._console.print(Text(visible(text)), soft_wrap=True)

    def bar(self, title: str, total: int) -> "_DrawnBar | _LoggedBar":
        """Show a long task of `total` units while the context is open."""
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            return _DrawnBar(self._console, title, total)
        return _LoggedBar(self.say, self._clock, title, total)


class _DrawnBar(AbstractContextManager["_DrawnBar"]):
    def __init__(self, console: Console, title: str, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[note]}", markup=False),
            console=console,
        )
        self._task = self._progress.add_task(visible(title), total=total, note="")

    def __enter__(self) -> "_DrawnBar":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def __call__(self, done: int = 1, note: str = "") -> None:
        self._progress.update(self._task, advance=done, note=visible(note))


class _LoggedBar(AbstractContextManager["_LoggedBar"]):
    """At most MAX_LINES_PER_BAR lines: one for each tenth, fewer when it goes fast, and one at the end."""

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float], title: str, total: int) -> None:
        self._say = say
        self._clock = clock
        self._title = title
        self._total = total
        self._done = 0
        self._note = ""
        self._last_tenth = 0
        self._started_at = self._said_at = clock()
        self._measured_from: tuple[int, float] | None = None

    def __enter__(self) -> "_LoggedBar":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._line(f"done in {format_duration(self._clock() - self._started_at)}")

    def __call__(self, done: int = 1, note: str = "") -> None:
        self._done += done
        self._note = note
        now = self._clock()
        if self._measured_from is None:
            # A resumed task jumps to where it stopped; that jump says nothing about its speed.
            self._measured_from = (self._done, now)
        tenth = self._done * MAX_LINES_PER_BAR // max(self._total, 1)
        is_new = self._last_tenth < tenth < MAX_LINES_PER_BAR
        if is_new and now - self._said_at >= MIN_SECONDS_BETWEEN_LINES:
            self._last_tenth, self._said_at = tenth, now
            self._line(f"{100 * self._done // self._total} %{self._time_left(now)}")

    def _time_left(self, now: float) -> str:
        assert self._measured_from is not None
        done_before, measured_at = self._measured_from
        num_measured = self._done - done_before
        if not num_measured:
            return ""
        seconds = (now - measured_at) / num_measured * (self._total - self._done)
        return f", {format_duration(seconds)} left"

    def _line(self, state: str) -> None:
        self._say(f"{self._title}: {state}" + (f", {self._note}" if self._note else ""))
