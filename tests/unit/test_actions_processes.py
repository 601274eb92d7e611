"""Several processes: what is refused, how the launcher dies, and what a process that has lost another says."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from tunewright.actions import processes
from tunewright.actions.handover import EXIT_LOST, EXIT_OUT_OF_MEMORY, TuneJob, WorkerFolder
from tunewright.actions.launching import _die_as
from tunewright.actions.supervising import start_worker
from tunewright.errors import ModelError, ProcessLostError, ProcessOutOfMemoryError, RecipeError, StoreError, TrainError
from tunewright.records import BakeRecipe, DataRecipe, TrainRecipe, TuneRecipe
from tunewright.train import together


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    torchrun = {
        "TORCHELASTIC_RUN_ID": "run",
        "WORLD_SIZE": "2",
        "RANK": "1",
        "LOCAL_WORLD_SIZE": "2",
        "LOCAL_RANK": "1",
    }
    for name, value in torchrun.items():
        monkeypatch.setenv(name, value)


def test_without_torchrun_a_process_is_alone_and_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "8")  # of a cluster's scheduler, say
    assert processes.num_processes() == 1
    assert processes.is_first()
    with processes.joined():
        assert not dist.is_initialized()
    processes.require_possible(1, 1)


@pytest.mark.usefixtures("second_of_two")
def test_under_torchrun_there_are_as_many_as_it_says() -> None:
    assert processes.num_processes() == 2
    assert not processes.is_first()
    with pytest.raises(RecipeError, match=r"--processes: found 4 under torchrun.*has started them"):
        processes.refuse_under_torchrun(4)


def test_more_processes_than_devices_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    processes.require_possible(4, 4)
    processes.require_possible(8, 4)  # on two machines
    with pytest.raises(TrainError, match=r"--processes: got 5 on this machine, which has 4 cores.*at most 4"):
        processes.require_possible(5, 5)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(TrainError, match=r"--processes: got 4 on this machine, which has 2 GPUs.*at most 2"):
        processes.require_possible(4, 4)
    monkeypatch.setattr(dist, "is_available", lambda: False)
    with pytest.raises(TrainError, match=r"got 2, but this torch was built without torch\.distributed"):
        processes.require_possible(2, 2)


@pytest.mark.usefixtures("second_of_two")
def test_what_only_one_process_can_do_is_refused() -> None:
    data = DataRecipe(path="rows.jsonl")
    processes.require_trainable_together(TuneRecipe(data=data))
    both = TuneRecipe(data=data, bake=BakeRecipe(prompt="p.txt"), train=TrainRecipe(optimizer="muon"))
    with pytest.raises(RecipeError, match=r"bake: found a prompt to bake in.*\n.*train\.optimizer: found muon"):
        processes.require_trainable_together(both)
    twice = TuneRecipe(data=data, train=TrainRecipe(gradient_checkpointing="always"))
    with pytest.raises(RecipeError, match=r"train\.gradient_checkpointing: found always, expected auto or never, with"):
        processes.require_trainable_together(twice)


@pytest.fixture
def started_first(monkeypatch: pytest.MonkeyPatch, second_of_two: None) -> list[str]:
    """A first process of two whose group is pretended; what is told to the others."""
    told: list[str] = []
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(torch, "set_num_threads", lambda number: None)
    monkeypatch.setattr(dist, "init_process_group", lambda *arguments, **settings: None)
    monkeypatch.setattr(dist, "destroy_process_group", lambda: None)
    monkeypatch.setattr(together, "end", lambda: told.append("end"))
    return told


def test_the_others_end_when_the_first_has_ended(started_first: list[str]) -> None:
    with processes.joined():
        pass
    with pytest.raises(ModelError, match="no base"), processes.joined():
        raise ModelError("no base")
    assert started_first == ["end", "end"]


def test_no_word_is_sent_where_the_others_could_not_hear_it(started_first: list[str]) -> None:
    with pytest.raises(ProcessOutOfMemoryError, match="process 1"), processes.joined():
        raise ProcessOutOfMemoryError("process 1")
    with pytest.raises(ProcessLostError, match="Another process of this run died"), processes.joined():
        raise RuntimeError("[gloo/transport/tcp/pair.cc] Connection closed by peer")
    with pytest.raises(RuntimeError, match="a bug"), processes.joined():
        raise RuntimeError("a bug")
    assert started_first == []


@pytest.mark.parametrize(
    ("exit_codes", "expected"),
    [
        ({0: 2}, 2),  # words for the user
        ({0: EXIT_LOST, 1: EXIT_OUT_OF_MEMORY}, EXIT_OUT_OF_MEMORY),
        ({0: EXIT_LOST, 1: 1}, 1),  # a bug in the second process
        ({0: 130, 1: EXIT_LOST}, 130),
    ],
)
def test_the_launcher_ends_with_the_exit_code_that_tells_most(exit_codes: dict[int, int], expected: int) -> None:
    assert _die_as(exit_codes) == expected


@pytest.mark.parametrize(
    ("exit_codes", "number"),
    [
        ({0: EXIT_LOST, 1: -9}, signal.SIGKILL),
        ({1: -11, 0: 1}, signal.SIGSEGV),
        ({0: EXIT_LOST, 1: EXIT_LOST}, signal.SIGKILL),
    ],
)
def test_the_launcher_dies_as_its_process_died(exit_codes: dict[int, int], number: int) -> None:
    code = f"from tunewright.actions.launching import _die_as; _die_as({exit_codes})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -number


SIGNALLED_LAUNCHER = """
import signal, subprocess, sys
from pathlib import Path
from tunewright.actions.handover import Pulse, WorkerFolder
from tunewright.actions.launching import _hand_on_signals
folder = WorkerFolder(Path(sys.argv[1]))
first = subprocess.Popen(["true"])
first.wait()
folder.write_pulse(Pulse(patience_seconds=60, pid=first.pid))
_hand_on_signals(folder)
signal.raise_signal(signal.SIGINT)
print("waits for the others")
"""


def test_a_second_request_to_stop_does_not_disturb_the_launcher_of_a_first_process_that_has_ended(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-c", SIGNALLED_LAUNCHER, str(tmp_path)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "waits for the others\n", "")


def test_a_job_for_several_processes_starts_their_launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, kind in (("WORKER_COMMAND", "worker"), ("PROCESSES_COMMAND", "launcher")):
        command = (sys.executable, "-c", f"import sys; open(sys.argv[1] + '/{kind}', 'w')")
        monkeypatch.setattr(f"tunewright.actions.supervising.{name}", command)
    for num_processes in (1, 2):
        WorkerFolder(tmp_path).write_job(TuneJob(num_processes=num_processes))
        assert start_worker(tmp_path).wait() == 0
    assert {path.name for path in tmp_path.iterdir()} == {"job", "worker", "launcher"}


def test_memory_that_runs_out_in_one_process_is_an_end_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    part = object.__new__(together.Part)
    part.rank, part.num_processes = 1, 2
    errors: list[Exception] = [RuntimeError("[enforce fail] can't allocate memory: 64 bytes"), RuntimeError("a bug")]

    def fail(*arguments: object) -> float:
        raise errors.pop(0)

    monkeypatch.setattr(together.Part, "_add", fail)
    for kind, words in (
        (ProcessOutOfMemoryError, r"Memory ran out in process 1 of 2 .*lower train\.tokens_per_micro_batch"),
        (RuntimeError, "a bug"),
    ):
        with pytest.raises(kind, match=words):
            part.gradients([], [], 1, 0, "float32", 0)


def test_the_others_are_told_to_end_only_where_they_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[object] = []
    monkeypatch.setattr(together, "_send", sent.append)
    monkeypatch.setattr(together, "_unfinished", [])
    with pytest.raises(StoreError, match="disk"), together._told("write", "folder"):
        raise StoreError("disk full, everywhere")
    together.end()
    with pytest.raises(KeyboardInterrupt), together._told("clip", 1.0):
        raise KeyboardInterrupt
    together.end()  # they wait in the middle of it
    assert sent == [["write", "folder"], ["end"], ["clip", 1.0]]
