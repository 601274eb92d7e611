"""A terminal gets a bar; a log gets at most ten lines for each."""

import io

import pytest
from rich.console import Console

from tunewright.cli.progress import MAX_LINES_PER_BAR, RichProgress


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def logging_progress(clock: Clock) -> tuple[RichProgress, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, width=80, markup=False, emoji=False, highlight=False)
    return RichProgress(console, clock), stream


def test_a_log_gets_ten_lines_with_share_time_left_and_note() -> None:
    clock = Clock()
    progress, stream = logging_progress(clock)
    with progress.bar("Training", 1000) as advance:
        advance(0)
        for step in range(1000):
            clock.now += 1.0
            advance(1, f"loss {step:.3f}")
    lines = stream.getvalue().splitlines()
    assert len(lines) == MAX_LINES_PER_BAR
    assert lines[0] == "Training: 10 %, 15 min 00 s left, loss 99.000"
    assert lines[-1] == "Training: done in 16 min 40 s, loss 999.000"


def test_a_task_that_is_quick_gets_one_line() -> None:
    progress, stream = logging_progress(Clock())
    with progress.bar("Answers of base", 50) as advance:
        for _ in range(50):
            advance()
    assert stream.getvalue() == "Answers of base: done in 0 s\n"


def test_the_jump_of_a_resumed_task_is_no_speed() -> None:
    clock = Clock()
    progress, stream = logging_progress(clock)
    with progress.bar("Training", 100) as advance:
        advance(60)
        clock.now += 100
        advance(10)
    assert stream.getvalue().splitlines()[0] == "Training: 70 %, 5 min 00 s left"


def test_steps_larger_than_a_tenth_are_one_line_each() -> None:
    clock = Clock()
    progress, stream = logging_progress(clock)
    with progress.bar("Answers", 3) as advance:
        for _ in range(3):
            clock.now += 4000
            advance()
    assert stream.getvalue().splitlines() == [
        "Answers: 33 %",
        "Answers: 66 %, 1 h 06 min left",
        "Answers: done in 3 h 20 min",
    ]


def test_a_task_that_fails_is_not_called_done() -> None:
    progress, stream = logging_progress(Clock())
    with pytest.raises(ValueError, match="stop"), progress.bar("Training", 10):
        raise ValueError("stop")
    assert stream.getvalue() == ""


def test_a_task_of_nothing_ends_well() -> None:
    progress, stream = logging_progress(Clock())
    with progress.bar("Nothing", 0) as advance:
        advance(0)
    assert stream.getvalue() == "Nothing: done in 0 s\n"


def test_a_terminal_gets_a_bar_with_its_note() -> None:
    stream = io.StringIO()
    console = Console(file=stream, width=100, force_terminal=True, color_system=None, markup=False)
    with RichProgress(console).bar("Training [red]", 4) as advance:
        for _ in range(4):
            advance(1, "loss [b]0.1")
    text = stream.getvalue()
    assert "Training [red]" in text
    assert "100%" in text
    assert "loss [b]0.1" in text


def test_what_is_said_keeps_its_line_and_its_brackets() -> None:
    progress, stream = logging_progress(Clock())
    progress.say("[INST] " + "x" * 100 + " [/INST]\x1b[2J")
    assert stream.getvalue() == "[INST] " + "x" * 100 + " [/INST]␛[2J\n"
