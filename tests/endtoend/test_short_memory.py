"""A limit of the kernel's on memory: a run does with less, or says in words that it cannot, and is not killed."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from long_rows import FEW, FULL, IN_BFLOAT16, LORA, losses, write_long_rows

from tunewright.store import Store

GROUPS = Path("/sys/fs/cgroup/memory")

GREEDY = """
import time
open("/proc/self/oom_score_adj", "w").write("-1000")  # the kernel is to choose another process
held = []
while True:
    held.append(bytearray(b"x") * 20_000_000)
    time.sleep(0.01)
"""


@dataclass(frozen=True, slots=True)
class Group:
    """A control group of version 1 with a limit."""

    path: Path

    def limit(self, num_bytes: int) -> None:
        (self.path / "memory.limit_in_bytes").write_text(str(num_bytes))

    def tune(self, rows: Path, home: Path, *settings: str) -> subprocess.Popen[str]:
        """Start `tunewright tune` on the bundled base inside the group."""
        options = [word for setting in (*FEW, *settings) for word in ("--set", setting)]
        return self._start("-m", "tunewright", "tune", str(rows), "--home", str(home), *options)

    @contextmanager
    def fill(self) -> Iterator[None]:
        """While open, another process of the group takes ever more memory."""
        process = self._start("-c", GREEDY)
        try:
            yield
        finally:
            process.kill()
            process.communicate()

    def _start(self, *arguments: str) -> subprocess.Popen[str]:
        # The shell goes into the group and becomes Python.
        script = f'echo $$ > {self.path}/cgroup.procs && exec "$@"'
        return subprocess.Popen(
            ["sh", "-c", script, "sh", sys.executable, *arguments], env={**os.environ, "COLUMNS": "500"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip


@pytest.fixture
def group() -> Iterator[Group]:
    path = GROUPS / f"tunewright-test-{os.getpid()}"
    try:
        path.mkdir()
    except OSError as error:
        pytest.skip(f"no control group for memory (version 1) can be made here: {error}")
    yield Group(path)
    path.rmdir()


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_long_rows(tmp_path_factory.mktemp("rows") / "rows.jsonl")


def num_oom_kills() -> int:
    lines = Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def has_trained(home: Path) -> bool:
    return any("train_loss" in path.read_text() for path in home.glob("runs/*/metrics.jsonl"))


@pytest.mark.slow
@pytest.mark.parametrize("settings", [LORA, FULL], ids=["lora", "full"])
def test_under_every_limit_a_run_keeps_less_or_says_that_it_cannot(
    group: Group, rows: Path, tmp_path: Path, settings: Sequence[str]
) -> None:
    killed_before, outcomes, remedies = num_oom_kills(), [], set()
    limits = (4000, 1700, 1350, 1000)
    for limit in limits:
        group.limit(limit * 1_000_000)
        home = tmp_path / str(limit)
        worker = group.tune(rows, home, *settings)
        told, _ = worker.communicate()
        outcomes.append(worker.returncode)
        if worker.returncode:
            assert re.search(r"error: (Memory is too short for micro-batches|It cannot fit)", told), told
            continue
        run = Store(home).run("last")
        assert losses(run) == pytest.approx(losses(Store(tmp_path / "4000").run("last")), rel=IN_BFLOAT16)
        remedies |= set(re.findall(r"from step 1 on, (micro-batches|gradient checkpointing)", told))
    assert num_oom_kills() == killed_before
    assert outcomes == sorted(outcomes), dict(zip(limits, outcomes, strict=True))
    assert outcomes[0] == 0
    assert outcomes[-1] == 2
    assert "micro-batches" in remedies


@pytest.mark.slow
def test_a_run_that_the_kernel_kills_goes_on_with_smaller_micro_batches(
    group: Group, rows: Path, tmp_path: Path
) -> None:
    group.limit(4_000_000_000)
    worker = group.tune(rows, tmp_path, *FULL, "train.epochs=4", "train.seconds_between_checkpoints=0.000001")
    while worker.poll() is None and not has_trained(tmp_path):
        time.sleep(0.05)
    # The longest rows were tried first, so the run itself asks for little more; someone beside it does.
    killed_before = num_oom_kills()
    with group.fill():
        while worker.poll() is None and num_oom_kills() == killed_before:
            time.sleep(0.02)
    told, _ = worker.communicate()
    assert worker.returncode == 0, told
    assert num_oom_kills() > killed_before
    assert "killed by the system: out of memory" in told
    assert "micro-batches of" in told
