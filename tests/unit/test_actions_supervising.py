"""What the supervisor does when its worker dies, hangs, or is asked to stop. Workers here are small scripts."""

import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from limited import limit_address_space
from listening import Listening
from store_samples import RECIPE_ID, run_record

from tunewright.actions.environment import GLIBC_SETTINGS, PRIMITIVE_CACHE, allocator_settings
from tunewright.actions.handover import (
    EXIT_OUT_OF_MEMORY,
    FOLDER_PREFIX,
    Job,
    Pulse,
    StudyJob,
    TuneJob,
    WorkerFolder,
    command_to_continue,
    worker_folder,
)
from tunewright.actions.supervising import World, start_worker, supervise
from tunewright.contracts import SilentProgress
from tunewright.errors import InterruptedRunError, TrainError, WorkerCrashedError
from tunewright.records import DataRecipe, Forecast, RunStatus, StudyRecipe, TrainRecipe, TuneRecipe
from tunewright.store import Store
from tunewright.study.answers import ANSWERS_FILE
from tunewright.train.recovery import Recovery


@dataclass
class Life:
    """A worker that does something and ends at once."""

    code: int
    work: Callable[[Path], object] = lambda folder: None


@dataclass
class Lives:
    """Starts one worker after the other, and remembers what each was told to do."""

    lives: list[Life]
    jobs: list[Job] = field(default_factory=list)
    num_oom_kills: int = 0

    def start(self, folder: Path) -> "Ended":
        self.jobs.append(WorkerFolder(folder).job())
        life = self.lives[len(self.jobs) - 1]
        life.work(folder)
        return Ended(life.code)

    def world(self) -> World:
        return World(self.start, lambda: self.num_oom_kills)


@dataclass
class Ended:
    code: int

    def poll(self) -> int:
        return self.code

    def send_signal(self, number: int) -> None:
        raise AssertionError(number)


KILLED = -signal.SIGKILL


def job_in(home: Path) -> TuneJob:
    return TuneJob(recipe=TuneRecipe(data=DataRecipe(path="rows.jsonl")), home=home, command="tunewright tune rows")


def begin_run(home: Path) -> Callable[[Path], None]:
    """What a worker does until its run exists."""

    def work(folder: Path) -> None:
        run = Store(home).create_run(RECIPE_ID, run_record)
        WorkerFolder(folder).write_pulse(Pulse(beats=1, patience_seconds=60, run_id=run.record.id))

    return work


def steps(home: Path, *numbers: int) -> Callable[[Path], None]:
    def work(folder: Path) -> None:
        for number in numbers:
            Store(home).run("last").append_metric({"step": number})

    return work


@pytest.mark.parametrize("code", [0, 2, 3, 130])
def test_the_exit_code_of_a_worker_that_ends_by_itself_is_that_of_the_command(code: int, tmp_path: Path) -> None:
    lives = Lives([Life(code)])
    assert supervise(job_in(tmp_path), SilentProgress(), lives.world()) == code
    assert lives.jobs == [job_in(tmp_path)]


def test_a_worker_that_dies_before_its_run_exists_starts_the_same_job_again(tmp_path: Path) -> None:
    lives, progress = Lives([Life(KILLED), Life(0)]), Listening()
    assert supervise(job_in(tmp_path), progress, lives.world()) == 0
    assert lives.jobs == [job_in(tmp_path)] * 2
    assert progress.lines == [
        "The training process died (killed by SIGKILL, before the first step). It starts again from the beginning "
        "(1 of 3)."
    ]


def test_a_worker_that_was_told_of_a_run_which_never_appeared_starts_the_job_again(tmp_path: Path) -> None:
    def tell(folder: Path) -> None:
        WorkerFolder(folder).write_pulse(Pulse(beats=1, patience_seconds=60, run_id="20261120-120000-3fa2"))

    lives = Lives([Life(KILLED, tell), Life(0)])
    assert supervise(job_in(tmp_path), SilentProgress(), lives.world()) == 0
    assert lives.jobs == [job_in(tmp_path)] * 2


def test_a_worker_that_dies_in_its_run_is_followed_by_one_that_continues_it(tmp_path: Path) -> None:
    lives, progress = Lives([Life(-signal.SIGSEGV, begin_run(tmp_path)), Life(0)]), Listening()
    assert supervise(job_in(tmp_path), progress, lives.world()) == 0
    run_id = Store(tmp_path).run("last").record.id
    assert lives.jobs[1] == TuneJob(resume=run_id, is_restart=True, home=tmp_path, command="tunewright tune rows")
    assert "killed by SIGSEGV, before the first step). It starts again from the newest checkpoint" in progress.lines[0]


def test_a_study_that_gets_further_by_answers_or_steps_may_die_as_often_as_it_likes(tmp_path: Path) -> None:
    def answer(folder: Path) -> None:
        Store(tmp_path).run("last").append_json("answers.jsonl", {})

    def train(folder: Path) -> None:
        nested = Store(tmp_path).run("last").nested("tuned", "5e" * 32)
        nested.append_metric({"step": len(list(nested.metrics()))})

    first = Life(KILLED, begin_run(tmp_path))
    deaths = [Life(KILLED, answer) for _ in range(3)] + [Life(KILLED, train) for _ in range(3)]
    lives = Lives([first, *deaths, Life(1)])
    recipe = StudyRecipe(data=DataRecipe(path="rows.jsonl"))
    job = StudyJob(recipe=recipe, home=tmp_path, gates=("not-better",))
    assert supervise(job, SilentProgress(), lives.world()) == 1
    run_id = Store(tmp_path).run("last").record.id
    assert lives.jobs[0] == job
    assert lives.jobs[1] == StudyJob(resume=run_id, is_restart=True, home=tmp_path, gates=("not-better",))


def test_a_study_that_dies_without_getting_further_says_how_to_go_on(tmp_path: Path) -> None:
    lives = Lives([Life(KILLED, begin_run(tmp_path)), *[Life(KILLED)] * 3])
    job = StudyJob(recipe=StudyRecipe(data=DataRecipe(path="rows.jsonl")), home=tmp_path)
    with pytest.raises(WorkerCrashedError, match=r"tunewright study --resume \S+ --home"):
        supervise(job, SilentProgress(), lives.world())


def test_four_deaths_at_the_same_place_fail_the_run_with_the_end_of_its_log(tmp_path: Path) -> None:
    def log(folder: Path) -> None:
        with WorkerFolder(folder).log.open("a") as file:
            file.write("".join(f"line {number}\n" for number in range(30)))

    def first(folder: Path) -> None:
        begin_run(tmp_path)(folder)
        steps(tmp_path, 0, 1, 2)(folder)

    lives = Lives([Life(KILLED, first), Life(KILLED), Life(KILLED), Life(KILLED, log)])
    with pytest.raises(
        WorkerCrashedError, match=r"^worker crashed: .* died 4 times .*killed by SIGKILL, after step 2"
    ) as error:
        supervise(job_in(tmp_path), SilentProgress(), lives.world())
    run = Store(tmp_path).run("last")
    assert run.record.status is RunStatus.FAILED
    assert run.record.error == str(error.value)
    assert f"tunewright tune --resume {run.record.id} --home {tmp_path}" in str(error.value)
    assert str(error.value).splitlines()[-20:] == [f"  line {number}" for number in range(10, 30)]


def test_a_worker_that_gets_further_each_time_may_die_as_often_as_it_likes(tmp_path: Path) -> None:
    further = [Life(KILLED, steps(tmp_path, number)) for number in range(8)]
    lives = Lives([Life(KILLED, begin_run(tmp_path)), *further, Life(0)])
    assert supervise(job_in(tmp_path), SilentProgress(), lives.world()) == 0
    assert len(lives.jobs) == 10


def test_answers_that_are_kept_one_by_one_are_a_way_to_get_further_too(tmp_path: Path) -> None:
    def answer(folder: Path) -> None:
        Store(tmp_path).run("last").append_json(ANSWERS_FILE, "an answer")

    lives = Lives([Life(KILLED, begin_run(tmp_path)), *[Life(KILLED, answer)] * 8, Life(0)])
    assert supervise(job_in(tmp_path), SilentProgress(), lives.world()) == 0
    assert len(lives.jobs) == 10


def test_a_kill_by_the_kernel_for_want_of_memory_is_called_so(tmp_path: Path) -> None:
    progress = Listening()
    lives = Lives([])

    def run_out(folder: Path) -> None:
        lives.num_oom_kills += 1

    lives.lives = [Life(KILLED, run_out), Life(0)]
    assert supervise(job_in(tmp_path), progress, lives.world()) == 0
    assert "killed by the system: out of memory" in progress.lines[0]


LIMITED = r"`ulimit -v` lets this process map 3\.00 GB, before the first step"


@pytest.mark.parametrize(
    ("code", "has_ended", "reason"),
    [
        (-signal.SIGABRT, False, f"ended by a library, as where memory runs out; {LIMITED}"),
        (1, False, f"ended by a library, as where memory runs out; {LIMITED}"),
        (EXIT_OUT_OF_MEMORY, True, f"out of memory; {LIMITED}"),
        (-signal.SIGSEGV, False, f"killed by SIGSEGV; {LIMITED}"),
        (1, True, None),
    ],
)
def test_under_a_limit_on_address_space_a_library_that_ends_the_worker_lacked_memory(
    code: int, has_ended: bool, reason: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(folder: Path) -> None:
        if has_ended:
            WorkerFolder(folder).end()

    limit_address_space(monkeypatch, 3_000_000_000)
    lives, progress = Lives([Life(code, work), Life(0)]), Listening()
    assert supervise(job_in(tmp_path), progress, lives.world()) == (0 if reason else code)
    if reason:
        (line,) = progress.lines
        assert re.search(reason, line), line


def test_an_aborted_training_under_a_limit_on_address_space_goes_on_with_smaller_micro_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = TuneRecipe(data=DataRecipe(path="rows.jsonl"), train=TrainRecipe(tokens_per_micro_batch=200))

    def abort_in_training(folder: Path) -> None:
        begin_run(tmp_path)(folder)
        Store(tmp_path).run("last").write_json("recipe.json", recipe)
        steps(tmp_path, 0, 1)(folder)

    for limit, sizes in ((resource.RLIM_INFINITY, []), (3_000_000_000, [100])):
        limit_address_space(monkeypatch, limit)
        lives = Lives([Life(-signal.SIGABRT, abort_in_training), Life(0)])
        assert supervise(job_in(tmp_path), SilentProgress(), lives.world()) == 0
        assert [one.tokens_per_micro_batch for one in Recovery(Store(tmp_path).run("last")).remedies] == sizes


def test_after_a_kill_for_want_of_memory_in_training_the_micro_batches_are_halved(tmp_path: Path) -> None:
    lives, progress = Lives([]), Listening()
    recipe = TuneRecipe(data=DataRecipe(path="rows.jsonl"), train=TrainRecipe(tokens_per_micro_batch=200))

    def begin(folder: Path) -> None:
        begin_run(tmp_path)(folder)
        Store(tmp_path).run("last").write_json("recipe.json", recipe)
        lives.num_oom_kills += 1

    def run_out(*numbers: int) -> Callable[[Path], None]:
        def work(folder: Path) -> None:
            steps(tmp_path, *numbers)(folder)
            lives.num_oom_kills += 1

        return work

    # Before the first step there is no training to change; then twice in training.
    lives.lives = [Life(KILLED, begin), Life(KILLED, run_out(0, 1, 2)), Life(KILLED, run_out(3)), Life(0)]
    assert supervise(job_in(tmp_path), progress, lives.world()) == 0
    remedies = Recovery(Store(tmp_path).run("last")).remedies
    assert [(one.from_step, one.tokens_per_micro_batch) for one in remedies] == [(2, 100), (3, 64)]
    said = [line for line in progress.lines if line.startswith("Memory is short")]
    words = "Memory is short: from step 3 on, micro-batches of 100 tokens, with the same rows per step."
    assert said[0] == f"{words} (killed by the system: out of memory)"

    lives.lives = [Life(KILLED, run_out(4)), Life(KILLED, run_out(5)), Life(0)]
    lives.jobs.clear()
    with pytest.raises(TrainError, match=r"Memory is too short for micro-batches of 64 tokens"):
        supervise(TuneJob(resume="last", home=tmp_path), progress, lives.world())
    last = Recovery(Store(tmp_path).run("last")).remedies[-1]
    assert (last.from_step, last.gradient_checkpointing) == (4, True)
    assert Store(tmp_path).run("last").record.status is RunStatus.FAILED


def test_deaths_for_want_of_memory_are_not_counted_while_less_can_be_computed_at_once(tmp_path: Path) -> None:
    lives, progress = Lives([]), Listening()
    recipe = TuneRecipe(data=DataRecipe(path="rows.jsonl"), train=TrainRecipe(tokens_per_micro_batch=4096))

    def begin(folder: Path) -> None:
        begin_run(tmp_path)(folder)
        run = Store(tmp_path).run("last")
        run.write_json("recipe.json", recipe)
        expected = Forecast(num_steps=9, num_tokens=9000, seconds=1, peak_memory_bytes=1, longest_row=300)
        run.write_json("forecast.json", expected)
        steps(tmp_path, 0, 1)(folder)

    def run_out(folder: Path) -> None:
        lives.num_oom_kills += 1

    lives.lives = [Life(KILLED, lambda folder: (begin(folder), run_out(folder)))] + 5 * [Life(KILLED, run_out)]
    with pytest.raises(TrainError, match=r"no longer hold more than one row: the longest has 300 \("):
        supervise(job_in(tmp_path), progress, lives.world())
    remedies = Recovery(Store(tmp_path).run("last")).remedies
    sizes = [one.tokens_per_micro_batch for one in remedies]
    assert sizes == [2048, 1024, 512, 300, None], "none is smaller than the longest row"
    assert [one.gradient_checkpointing for one in remedies] == [None] * 4 + [True]


def test_a_training_inside_for_which_nothing_is_small_enough_fails_with_its_run(tmp_path: Path) -> None:
    lives = Lives([])
    train = TrainRecipe(tokens_per_micro_batch=64, gradient_checkpointing="never")

    def begin(folder: Path) -> None:
        begin_run(tmp_path)(folder)
        run = Store(tmp_path).run("last")
        run.write_json("recipe.json", TuneRecipe(data=DataRecipe(path="rows.jsonl"), train=train))
        run.nested("mlp", "5e" * 32).append_metric({"step": 3})
        lives.num_oom_kills += 1

    lives.lives = [Life(KILLED, begin)]
    with pytest.raises(TrainError, match=r"micro-batches of 64 tokens"):
        supervise(job_in(tmp_path), SilentProgress(), lives.world())
    run = Store(tmp_path).run("last")
    for one in (run, *run.nested_runs()):
        assert one.record.status is RunStatus.FAILED
        assert "micro-batches of 64 tokens" in (one.record.error or "")


def test_when_one_of_several_processes_runs_out_of_memory_all_start_again_with_less_at_once(tmp_path: Path) -> None:
    recipe = TuneRecipe(data=DataRecipe(path="rows.jsonl"), train=TrainRecipe(tokens_per_micro_batch=200))

    def begin(folder: Path) -> None:
        begin_run(tmp_path)(folder)
        Store(tmp_path).run("last").write_json("recipe.json", recipe)
        steps(tmp_path, 0, 1)(folder)

    lives, progress = Lives([Life(EXIT_OUT_OF_MEMORY, begin), Life(0)]), Listening()
    assert supervise(job_in(tmp_path).model_copy(update={"num_processes": 2}), progress, lives.world()) == 0
    assert [job.num_processes for job in lives.jobs] == [2, 2]
    assert "out of memory, after step 1" in progress.lines[0]
    assert [one.tokens_per_micro_batch for one in Recovery(Store(tmp_path).run("last")).remedies] == [100]


def test_a_training_inside_a_study_that_the_system_killed_goes_on_with_smaller_micro_batches(tmp_path: Path) -> None:
    lives, progress = Lives([]), Listening()
    train = TrainRecipe(tokens_per_micro_batch=200)

    def begin(folder: Path) -> None:
        run = Store(tmp_path).create_run(RECIPE_ID, lambda *of: run_record(*of).model_copy(update={"kind": "study"}))
        run.write_json("recipe.json", StudyRecipe(data=DataRecipe(path="rows.jsonl"), train=train))
        run.nested("tuned", "5e" * 32).append_metric({"step": 3})
        WorkerFolder(folder).write_pulse(Pulse(beats=1, patience_seconds=60, run_id=run.record.id))
        lives.num_oom_kills += 1

    lives.lives += [Life(KILLED, begin), Life(0)]
    job = StudyJob(recipe=StudyRecipe(data=DataRecipe(path="rows.jsonl")), home=tmp_path)
    assert supervise(job, progress, lives.world()) == 0
    assert "out of memory, after step" in progress.lines[0]
    (nested,) = Store(tmp_path).run("last").nested_runs()
    assert [one.tokens_per_micro_batch for one in Recovery(nested).remedies] == [100]


STOPPED = """
import os, signal, sys
from pathlib import Path
folder = Path(sys.argv[1])
if (folder / "second").exists():
    (folder / "ended").touch()
    sys.exit(7)
(folder / "second").touch()
(folder / "pulse").write_text('{"beats": 1, "patience_seconds": 0.5, "run_id": null}')
signal.signal(signal.SIGUSR1, lambda *_: (folder / "log").write_text("stacks"))
os.kill(os.getpid(), signal.SIGSTOP)
while True:
    signal.pause()
"""


@pytest.mark.parametrize(("limit", "told"), [(resource.RLIM_INFINITY, ", before"), (3_000_000_000, f"; {LIMITED}")])
def test_a_stopped_worker_writes_its_stacks_is_killed_and_started_again(
    limit: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit_address_space(monkeypatch, limit)
    logs, progress = [], Listening()

    def start(folder: Path) -> "subprocess.Popen[bytes]":
        logs.append(WorkerFolder(folder).last_lines())
        return start_worker(folder, [sys.executable, "-c", STOPPED])

    assert supervise(job_in(tmp_path), progress, World(start, lambda: 0)) == 7
    assert logs == [[], ["stacks"]]
    assert re.search(f"no sign of life for 0 s, killed{told}", progress.lines[0])


WAITING = """
import signal, sys, time
from pathlib import Path
def end(number, frame):
    (Path(sys.argv[1]) / "got").write_text(str(int(number)))
    sys.exit(130)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
(Path(sys.argv[1]) / "ready").touch()
time.sleep(60)
"""


def send_when_ready(folder: Path, number: int) -> None:
    deadline = time.monotonic() + 60
    while not (folder / "ready").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(os.getpid(), number)


@pytest.fixture
def heeded_hangup() -> Iterator[None]:
    """Where the tests were started with nohup, SIGHUP is ignored, and a command leaves it so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.mark.usefixtures("heeded_hangup")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_goes_to_the_worker_which_ends_the_command(number: int, tmp_path: Path) -> None:
    folders = []

    def start(folder: Path) -> "subprocess.Popen[bytes]":
        folders.append(folder)
        threading.Thread(target=send_when_ready, args=(folder, number)).start()
        return start_worker(folder, [sys.executable, "-c", WAITING])

    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)]
    assert supervise(job_in(tmp_path), SilentProgress(), World(start, lambda: 0)) == 130
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)] == handlers
    assert not folders[0].exists()


def test_a_signal_that_comes_while_a_worker_is_started_reaches_it(tmp_path: Path) -> None:
    def start(folder: Path) -> "subprocess.Popen[bytes]":
        worker = start_worker(folder, [sys.executable, "-c", "import time; time.sleep(60)"])
        os.kill(os.getpid(), signal.SIGTERM)
        return worker

    with pytest.raises(InterruptedRunError, match="Stopped"):
        supervise(job_in(tmp_path), SilentProgress(), World(start, lambda: 0))


def test_a_worker_that_dies_of_the_signal_is_not_started_again(tmp_path: Path) -> None:
    def start(folder: Path) -> "subprocess.Popen[bytes]":
        threading.Thread(target=send_when_ready, args=(folder, signal.SIGTERM)).start()
        code = WAITING.replace("signal.signal(number, end)", "signal.signal(number, signal.SIG_DFL)")
        return start_worker(folder, [sys.executable, "-c", code])

    with pytest.raises(InterruptedRunError, match=r"^Stopped\.$"):
        supervise(job_in(tmp_path), SilentProgress(), World(start, lambda: 0))


WATCHED = """
import sys, time
from pathlib import Path
from tunewright.actions.handover import WorkerFolder
from tunewright.actions.working import at_work
from tunewright.contracts import SilentProgress
told = Path(sys.argv[1])
with at_work(WorkerFolder(Path(sys.argv[2])), SilentProgress()):
    (told / "began").touch()
    try:
        time.sleep(60)
    except KeyboardInterrupt:
        (told / "stopped").touch()
"""

SUPERVISOR = """
import sys
from pathlib import Path
from tunewright.actions import TuneJob, supervise, supervising
from tunewright.contracts import SilentProgress
supervising.WORKER_COMMAND = (sys.executable, "-c", sys.argv[2], sys.argv[1])
supervise(TuneJob(resume="last", home=Path(sys.argv[1])), SilentProgress())
"""


def wait_for(path: Path) -> None:
    deadline = time.monotonic() + 60
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert path.exists()


def test_a_worker_whose_supervisor_was_killed_stops_as_on_ctrl_c(tmp_path: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path), WATCHED])
    wait_for(tmp_path / "began")
    supervisor.kill()
    supervisor.wait()
    wait_for(tmp_path / "stopped")


PATIENT = """
import os, sys, time
from pathlib import Path
told, folder = Path(sys.argv[1]), Path(sys.argv[2])
(told / "pid").write_text(str(os.getpid()))
beats = 0
while not (told / "go").exists():
    beats += 1
    (folder / "pulse.new").write_text('{"beats": %d, "patience_seconds": 2.0, "run_id": null}' % beats)
    (folder / "pulse.new").replace(folder / "pulse")
    (told / "began").touch()
    time.sleep(0.1)
"""


def wait_until_stopped(pid: int) -> None:
    def state() -> str:
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]

    deadline = time.monotonic() + 60
    while state() != "T" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert state() == "T"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc; the signals are the same elsewhere")
def test_ctrl_z_stops_both_and_a_long_pause_is_no_reason_to_kill_the_worker(tmp_path: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path), PATIENT])
    wait_for(tmp_path / "began")
    worker = int((tmp_path / "pid").read_text())
    supervisor.send_signal(signal.SIGTSTP)
    wait_until_stopped(worker)
    wait_until_stopped(supervisor.pid)
    time.sleep(3.0)  # longer than the worker's patience
    supervisor.send_signal(signal.SIGCONT)
    time.sleep(0.5)
    (tmp_path / "go").touch()
    assert supervisor.wait(timeout=60) == 0
    assert int((tmp_path / "pid").read_text()) == worker, "it was killed and started again"


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc; the signals are the same elsewhere")
def test_a_pause_that_nobody_announced_is_no_reason_to_kill_the_worker(tmp_path: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path), PATIENT])
    wait_for(tmp_path / "began")
    worker = int((tmp_path / "pid").read_text())
    # As a paused container: no handler runs, and the clock goes on. The worker is the slower one to go on.
    for pid in (worker, supervisor.pid):
        os.kill(pid, signal.SIGSTOP)
        wait_until_stopped(pid)
    time.sleep(3.0)  # longer than the worker's patience
    os.kill(supervisor.pid, signal.SIGCONT)
    time.sleep(0.5)
    os.kill(worker, signal.SIGCONT)
    time.sleep(0.5)
    (tmp_path / "go").touch()
    assert supervisor.wait(timeout=60) == 0
    assert int((tmp_path / "pid").read_text()) == worker, "it was killed and started again"


TOGETHER = (
    PATIENT.replace(
        "beats = 0",
        "import subprocess\n"
        "from tunewright.actions.handover import WorkerFolder\n"
        "sibling = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "WorkerFolder(folder).join(sibling.pid)\n"
        "(told / 'sibling').write_text(str(sibling.pid))\n"
        "beats = 0",
    )
    + "sibling.terminate()\n"
)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc; the signals are the same elsewhere")
def test_ctrl_z_stops_every_process_that_trains_together(tmp_path: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", SUPERVISOR, str(tmp_path), TOGETHER])
    wait_for(tmp_path / "began")
    supervisor.send_signal(signal.SIGTSTP)
    wait_until_stopped(int((tmp_path / "sibling").read_text()))
    wait_until_stopped(supervisor.pid)
    supervisor.send_signal(signal.SIGCONT)
    (tmp_path / "go").touch()
    assert supervisor.wait(timeout=60) == 0


HUNG_TOGETHER = """
import subprocess, sys
from pathlib import Path
from tunewright.actions.handover import WorkerFolder
folder = Path(sys.argv[1])
if (folder / "second").exists():
    (folder / "ended").touch()
    sys.exit(7)
sibling = subprocess.Popen(["sleep", "60"], start_new_session=True)
WorkerFolder(folder).join(sibling.pid)
(folder / "second").write_text(str(sibling.pid))
(folder / "pulse").write_text('{"beats": 1, "patience_seconds": 0.5, "run_id": null}')
sibling.wait()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc; the signals are the same elsewhere")
def test_every_process_that_trains_together_is_killed_with_a_hung_worker(tmp_path: Path) -> None:
    siblings = []

    def start(folder: Path) -> "subprocess.Popen[bytes]":
        if (folder / "second").exists():
            siblings.append(int((folder / "second").read_text()))
        return start_worker(folder, [sys.executable, "-c", HUNG_TOGETHER])

    assert supervise(job_in(tmp_path), SilentProgress(), World(start, lambda: 0)) == 7
    (sibling,) = siblings
    deadline = time.monotonic() + 60
    while is_running(sibling) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(sibling)


def is_running(pid: int) -> bool:
    """Whether a process is there and not just unburied."""
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text(encoding="ascii").rpartition(") ")[2][0] != "Z"


def test_the_command_to_continue_names_home_and_processes() -> None:
    assert command_to_continue("3f9a", None) == "tunewright tune --resume 3f9a"
    assert command_to_continue("3f9a", Path("/a b"), 4) == "tunewright tune --resume 3f9a --processes 4 --home '/a b'"


def test_processes_of_an_earlier_worker_are_forgotten(tmp_path: Path) -> None:
    folder = WorkerFolder(tmp_path)
    folder.join(12)
    folder.join(34)
    assert sorted(folder.processes()) == [12, 34]
    folder.forget_worker()
    assert folder.processes() == []


def test_the_worker_gets_settings_for_its_memory_unless_the_user_set_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.libc_ver", lambda: ("glibc", "2.36"))
    settings = {**GLIBC_SETTINGS, **PRIMITIVE_CACHE}
    for name in settings:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MALLOC_TOP_PAD_", "1")
    names = ", ".join(f"{name!r}" for name in settings)
    code = f"import os, sys\nopen(sys.argv[1] + '/seen', 'w').write(str([os.environ[n] for n in ({names})]))"
    assert start_worker(tmp_path, [sys.executable, "-c", code]).wait() == 0
    expected = list({**settings, "MALLOC_TOP_PAD_": "1"}.values())
    assert (tmp_path / "seen").read_text() == str(expected)
    monkeypatch.setattr("platform.libc_ver", lambda: ("", ""))
    assert allocator_settings() == PRIMITIVE_CACHE


def test_supervising_loads_no_torch() -> None:
    code = "import sys, tunewright.cli.tune, tunewright.actions.supervising; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_folders_of_killed_supervisors_are_collected_and_those_of_living_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    abandoned = tmp_path / f"{FOLDER_PREFIX}abandoned"
    abandoned.mkdir()
    (abandoned / "lock").touch()
    with worker_folder() as living:
        with worker_folder() as second:
            assert sorted(tmp_path.iterdir()) == sorted([living.path, second.path])
        assert list(tmp_path.iterdir()) == [living.path]
    assert not list(tmp_path.iterdir())
