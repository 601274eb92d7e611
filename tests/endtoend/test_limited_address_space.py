"""`ulimit -v`: errors instead of a kill where memory runs out. A run does with less or says that it cannot."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_job import SMALL, write_rows
from tiny_base import write_tiny_base

MEGABYTE = 1_000_000


def tune(limit_megabytes: int, *arguments: str) -> tuple[int, str]:
    """Exit code and all that is told of a `tunewright tune` which may map so much."""
    command = ["prlimit", f"--as={limit_megabytes * MEGABYTE}", sys.executable, "-m", "tunewright", "tune", *arguments]
    done = subprocess.run(command, env={**os.environ, "COLUMNS": "500"}, text=True, capture_output=True)
    return done.returncode, done.stdout + done.stderr


def settings(*overrides: str) -> list[str]:
    return [word for setting in overrides for word in ("--set", setting)]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What tunes a tiny base in seconds."""
    folder = tmp_path_factory.mktemp("job")
    base = write_tiny_base(folder / "base")
    return [str(write_rows(folder / "rows.jsonl")), "--base", str(base), *settings(*SMALL)]


@pytest.mark.parametrize(("limit", "words"), [(500, "the libraries alone need about"), (1000, "Memory ran out (")])
def test_what_does_not_fit_is_told_in_words_with_the_limit(
    limit: int, words: str, job: list[str], tmp_path: Path
) -> None:
    code, told = tune(limit, *job, "--home", str(tmp_path))
    assert (code, "Traceback" in told) == (2, False), told
    assert "error: " in told
    assert words in told
    assert f"`ulimit -v` lets this process map {limit / 1000:.2f} GB" in told
