"""`tune --processes 2` on a CPU: what one process does, by two; and what happens when one dies or all must stop."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import resume, tune
from tunewright.records import Lora, Report, RunStatus, TuneRecipe
from tunewright.store import Store

FEW = (
    "evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.rows_per_step=5",
    "train.seconds_between_checkpoints=0.000001",
    # The first process asks for answers while the second waits; both lose their place when one is killed.
    "train.keep_by=metric", "train.validation_answers=20",
)  # fmt: skip

# The second process kills itself with SIGKILL before its third update, once.
KILLED_WORKER = """
import os, signal, sys
from pathlib import Path
from tunewright.train import together
real, count, killed = together.Part.update, 0, Path({killed!r})
def update(part, learning_rate):
    global count
    count += 1
    if part.rank == 1 and count == 3 and not killed.exists():
        killed.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    real(part, learning_rate)
together.Part.update = update
from tunewright.cli.worker import main
sys.exit(main(Path(sys.argv[1])))
"""

# Slow steps, so that the signal arrives while training.
SLOW_WORKER = """
import sys, time
from pathlib import Path
from tunewright.train import loop
real = loop._step
def step(*arguments):
    time.sleep(0.3)
    return real(*arguments)
loop._step = step
from tunewright.cli.worker import main
sys.exit(main(Path(sys.argv[1])))
"""

LAUNCHER = """
import sys
from pathlib import Path
from tunewright.cli import processes
processes.COMMAND = (sys.executable, "-c", {worker!r})
sys.exit(processes.main(Path(sys.argv[1])))
"""

COMMAND = """
import sys
from tunewright.actions import supervising
from tunewright.cli import main
supervising.PROCESSES_COMMAND = (sys.executable, "-c", {launcher!r})
sys.argv[0] = "tunewright"
main()
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> TuneRecipe:
    folder = tmp_path_factory.mktemp("inputs")
    recipe = small_recipe(write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base"), *FEW)
    # Each process would draw a dropout of its own.
    return recipe.model_copy(update={"method": Lora(rank=4, alpha=8.0, dropout=0.0)})


def start(recipe: TuneRecipe, folder: Path, worker: str) -> subprocess.Popen[str]:
    (folder / "recipe.json").write_text(recipe.model_dump_json(), encoding="utf-8")
    command = COMMAND.format(launcher=LAUNCHER.format(worker=worker))
    arguments = ["tune", "--recipe", str(folder / "recipe.json"), "--home", str(folder / "home"), "--processes", "2"]
    return subprocess.Popen(
        [sys.executable, "-c", command, *arguments], env={**os.environ, "OMP_NUM_THREADS": "1"}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def wait_for_a_step(home: Path) -> None:
    deadline = time.monotonic() + 120
    while not any("train_loss" in path.read_text() for path in home.glob("runs/*/metrics.jsonl")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def commands_below(pid: int) -> dict[int, str]:
    """Process ids and commands of the children of a process, and of theirs."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(path.read_text().rpartition(") ")[2].split()[1]) == pid:
                child = int(path.parent.name)
                found |= {child: (path.parent / "cmdline").read_text(), **commands_below(child)}
    return found


def losses(home: Path) -> list[tuple[int, float]]:
    rows = Store(home).run("last").metrics()
    return [(row["step"], row[kind]) for row in rows for kind in ("train_loss", "validation_loss") if kind in row]  # type: ignore[misc]


@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a machine with one core refuses two processes")
def test_a_killed_process_ends_the_others_and_the_run_goes_on_to_the_losses_of_one_process(
    recipe: TuneRecipe, tmp_path: Path
) -> None:
    worker = KILLED_WORKER.format(killed=str(tmp_path / "killed"))
    process = start(recipe, tmp_path, worker)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    assert (tmp_path / "killed").exists()
    # The first process may have written down the step that the second did not live to take, and torchrun may have
    # ended it before it saw why.
    words = r"The training process died \(killed by SIG(KILL|TERM), after step [23]\). It starts again from the newest"
    assert re.search(words, output.replace("\n", " ")), output
    assert "2 processes share the rows of a step." in output.replace("\n", " ")
    assert "its layers are spread over 2 processes" in output.replace("\n", " ")
    run = Store(tmp_path / "home").run("last")
    assert run.record.status is RunStatus.SUCCEEDED
    assert run.record.environment.num_processes == 2
    alone = tune(recipe, home=tmp_path / "alone").training
    expected = dict(losses(tmp_path / "alone"))
    assert dict(losses(tmp_path / "home")) == pytest.approx(expected, rel=1e-4)
    together = Report.model_validate(run.read_json("report.json")).training
    assert alone is not None
    assert together is not None
    assert [point.task for point in together.curve] == [point.task for point in alone.curve]
    assert together.best_step == alone.best_step


@pytest.mark.slow
@pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="a machine with one core refuses two processes")
def test_ctrl_c_saves_what_two_processes_trained_and_one_process_goes_on(recipe: TuneRecipe, tmp_path: Path) -> None:
    process = start(recipe, tmp_path, SLOW_WORKER)
    wait_for_a_step(tmp_path / "home")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    words = r"everything is saved\. Continue with: tunewright tune --resume \S+ --processes 2 --home"
    assert re.search(words, output.replace("\n", " ")), output
    home = tmp_path / "home"
    assert Store(home).run("last").record.status is RunStatus.INTERRUPTED
    report = resume("last", home=home)
    assert report.training is not None
    assert report.training.num_steps == report.training.num_planned_steps
    tune(recipe, home=tmp_path / "alone")
    assert dict(losses(home)) == pytest.approx(dict(losses(tmp_path / "alone")), rel=1e-4)
    assert json.loads((Store(home).run("last").path / "run.json").read_text())["status"] == "succeeded"


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux" or (os.cpu_count() or 1) < 2, reason="looks at /proc; needs two cores")
@pytest.mark.parametrize("victim", ["supervisor", "launcher"])
def test_nobody_trains_on_when_the_supervisor_or_the_launcher_is_killed(
    recipe: TuneRecipe, tmp_path: Path, victim: str
) -> None:
    process = start(recipe, tmp_path, SLOW_WORKER)
    wait_for_a_step(tmp_path / "home")
    below = commands_below(process.pid)
    assert len(below) == 3
    (launcher,) = (pid for pid, command in below.items() if "processes.main" in command)
    os.kill(process.pid if victim == "supervisor" else launcher, signal.SIGKILL)
    output, _ = process.communicate(timeout=200)  # ends when all that share its output have ended
    run = Store(tmp_path / "home").run("last")
    if victim == "supervisor":
        assert run.record.status is RunStatus.INTERRUPTED
    else:
        assert process.returncode == 0, output
        assert run.record.status is RunStatus.SUCCEEDED
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in below):
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.slow
def test_two_machines_started_by_torchrun_train_to_the_losses_of_one_process(
    recipe: TuneRecipe, tmp_path: Path
) -> None:
    """As docs/several-processes.md has it; here both are this one."""
    (tmp_path / "recipe.json").write_text(recipe.model_dump_json(), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("localhost", 0))
        endpoint = f"localhost:{free.getsockname()[1]}"
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1"),
        *("--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint, "--local-addr", "localhost"),
        *("-m", "tunewright", "tune", "--recipe", str(tmp_path / "recipe.json"), "--home", str(tmp_path / "home")),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    machines = [
        subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    outputs = [machine.communicate(timeout=300)[0] for machine in machines]
    assert [machine.returncode for machine in machines] == [0, 0], outputs
    run = Store(tmp_path / "home").run("last")
    assert len(Store(tmp_path / "home").runs()) == 1
    assert run.record.status is RunStatus.SUCCEEDED
    assert run.record.environment.num_processes == 2
    tune(recipe, home=tmp_path / "alone")
    assert dict(losses(tmp_path / "home")) == pytest.approx(dict(losses(tmp_path / "alone")), rel=1e-4)
