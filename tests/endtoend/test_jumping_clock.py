"""The clock jumps a day forwards and backwards all the time: a run, its times and its resume do not notice."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from small_job import FEW, adapter_bytes, small_recipe, stop_at_step, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import resume, tune, tuning
from tunewright.errors import InterruptedRunError
from tunewright.store import Store

PACKAGE = Path(__file__).parents[2] / "src" / "tunewright"
ONE_DAY = timedelta(days=1)


def jumping(now: Callable[[], datetime]) -> Callable[[], datetime]:
    """A day ahead, then a day behind, and so on."""
    looks = count()
    return lambda: now() + (ONE_DAY if next(looks) % 2 else -ONE_DAY)


def test_a_run_that_is_stopped_and_resumed_ends_in_the_same_bytes_and_its_times_are_true(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(write_rows(tmp_path / "rows.jsonl", num_rows=60), write_tiny_base(tmp_path / "base"), *FEW)
    tune(recipe, home=tmp_path / "straight")

    started_at = time.monotonic()
    clock = jumping(lambda: datetime.now(UTC))
    monkeypatch.setattr(tuning, "Store", lambda home: Store(home, clock=clock))
    real_time, looks = time.time, count()
    monkeypatch.setattr(time, "time", lambda: real_time() + (86_400 if next(looks) % 2 else -86_400))
    home = tmp_path / "jumping"
    with monkeypatch.context() as patch:
        stop_at_step(patch, 3)
        with pytest.raises(InterruptedRunError, match="Continue with"):
            tune(recipe, home=home)
    created_at = Store(home).run("last").record.created_at
    report = resume("last", home=home)
    longest = time.monotonic() - started_at

    run = Store(home).run("last")
    assert run.record.created_at == created_at
    assert adapter_bytes(home) == adapter_bytes(tmp_path / "straight")
    assert report.training is not None
    assert report.training.forecast is not None
    seconds = [report.training.seconds, report.training.forecast.seconds, *run.read_json("seconds.json").values()]
    assert all(0 <= one <= longest for one in seconds), (seconds, longest)


def test_nothing_is_timed_by_a_clock_that_can_jump() -> None:
    """Supervision, patience and durations use time.monotonic; dates come from the store's clock."""
    wrong = [
        f"{path.relative_to(PACKAGE)}: {found}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for found in re.findall(r"time\.time\(|st_[mc]time|getmtime", path.read_text(encoding="utf-8"))
    ]
    assert wrong == []
