"""`ulimit -v`: errors instead of a kill where memory runs out. A run does with less or says that it cannot."""

import os
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from long_rows import FEW, FULL, IN_BFLOAT16, LORA, losses, write_long_rows
from small_job import SMALL, adapter_bytes, write_rows
from tiny_base import write_tiny_base

from tunewright.store import Store
from tunewright.train.recovery import Recovery

pytestmark = pytest.mark.skipif(shutil.which("prlimit") is None, reason="limits are set by util-linux's prlimit")

MEGABYTE = 1_000_000


def start(limit_megabytes: int | None, *arguments: str) -> "subprocess.Popen[str]":
    """A `tunewright tune` which may map so much, or without a limit."""
    limit = "unlimited" if limit_megabytes is None else limit_megabytes * MEGABYTE
    command = ["prlimit", f"--as={limit}", sys.executable, "-m", "tunewright", "tune", *arguments]
    return subprocess.Popen(
        command, env={**os.environ, "COLUMNS": "500"}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def tune(limit_megabytes: int | None, *arguments: str) -> tuple[int, str]:
    """Exit code and all that is told."""
    process = start(limit_megabytes, *arguments)
    told, _ = process.communicate()
    return process.returncode, told


def assert_told(told: str) -> None:
    """The end is in words. A library that forgot why it failed leaves a traceback before them."""
    assert "\nerror: " in f"\n{told}", told
    assert "Traceback" not in told or "with no address space left" in told, told


def settings(*overrides: str) -> list[str]:
    return [word for setting in overrides for word in ("--set", setting)]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What tunes a tiny base in seconds."""
    folder = tmp_path_factory.mktemp("job")
    base = write_tiny_base(folder / "base")
    return [str(write_rows(folder / "rows.jsonl")), "--base", str(base), *settings(*SMALL)]


@pytest.fixture
def heavy_job(tmp_path: Path) -> Iterator[list[str]]:
    """How much the libraries map differs between machines by tenths of a GB: these weights take a quarter, twice."""
    base = write_tiny_base(tmp_path / "base", hidden_size=1024, intermediate_size=4096, num_hidden_layers=4)
    yield [str(write_rows(tmp_path / "rows.jsonl")), "--base", str(base), *settings(*SMALL)]
    shutil.rmtree(base)


@pytest.mark.parametrize(("limit", "words"), [(500, "the libraries alone need about"), (1300, "Memory ran out (")])
def test_what_does_not_fit_is_told_in_words_with_the_limit(
    limit: int, words: str, heavy_job: list[str], tmp_path: Path
) -> None:
    code, told = tune(limit, *heavy_job, "--home", str(tmp_path))
    assert code == 2, told
    assert_told(told)
    assert words in told
    assert f"`ulimit -v` lets this process map {limit / 1000:.2f} GB" in told


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("method", [LORA, FULL], ids=["lora", "full"])
def test_under_every_limit_a_run_keeps_less_or_says_that_it_cannot(method: tuple[str, ...], tmp_path: Path) -> None:
    rows, limits = write_long_rows(tmp_path / "rows.jsonl"), (8000, 2400, 1900, 1300, 700)
    outcomes: list[int] = []
    remedies: set[str] = set()
    for limit in limits:
        home = tmp_path / str(limit)
        code, told = tune(limit, str(rows), "--home", str(home), *settings(*FEW, *method))
        outcomes.append(code)
        if code:
            assert_told(told)
            assert re.search(r"error: (Memory is too short|It cannot fit|Memory ran out|`ulimit -v` lets)", told), told
            continue
        remedies |= set(re.findall(r"from step \d+ on, (micro-batches|gradient checkpointing)", told))
        assert losses(Store(home).run("last")) == pytest.approx(
            losses(Store(tmp_path / "8000").run("last")), rel=IN_BFLOAT16
        )
    assert outcomes == sorted(outcomes), dict(zip(limits, outcomes, strict=True))
    assert (outcomes[0], outcomes[-1]) == (0, 2)
    assert "micro-batches" in remedies


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_run_whose_address_space_is_taken_away_ends_in_the_same_bytes_where_it_is_given_back(
    job: list[str], tmp_path: Path
) -> None:
    longer = [*job, *settings("train.epochs=12", "train.patience=100", "train.min_validations=12")]
    assert tune(None, *longer, "--home", str(tmp_path / "undisturbed"))[0] == 0
    num_resumed = 0
    for number in range(6):
        home, process = tmp_path / str(number), start(100_000, *longer, "--home", str(tmp_path / str(number)))
        while process.poll() is None and not has_trained(home):
            time.sleep(0.02)
        time.sleep(0.3 * number)
        take_address_space(process.pid)
        told, _ = process.communicate()
        assert process.returncode in (0, 2), told
        if process.returncode:
            assert_told(told)
            assert "Memory ran out" in told, told
            num_resumed += 1
            code, told = tune(None, "--resume", "last", "--home", str(home))
            assert code == 0, told
        if Recovery(Store(home).run("last")).remedies:
            expected = losses(Store(tmp_path / "undisturbed").run("last"))
            assert losses(Store(home).run("last")) == pytest.approx(expected, rel=5e-3)
        else:
            assert adapter_bytes(home) == adapter_bytes(tmp_path / "undisturbed")
    assert num_resumed


def has_trained(home: Path) -> bool:
    return any("train_loss" in path.read_text() for path in home.glob("runs/*/metrics.jsonl"))


def take_address_space(supervisor: int) -> None:
    """Let the worker map no more than it has; another one may."""
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text(encoding="ascii").split()
    for worker in map(int, children):
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(worker, resource.RLIMIT_AS)
            resource.prlimit(worker, resource.RLIMIT_AS, (1, hard))
