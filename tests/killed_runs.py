"""Runs under a real supervisor whose workers are killed with SIGKILL or stopped with SIGSTOP, by the hundred.

    python tests/killed_runs.py FOLDER < plan.json > outcomes.json

Importing torch takes seconds, a run of the tiny base less than one: so this process imports everything once, computes
nothing itself, and its workers are forks. Each kill comes at the n-th event of a worker's life, plus a delay; events
are the calls that change the disk (every step appends a row), so kills are spread over the whole run and can be
repeated from their numbers.
"""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.actions import TuneJob, study, supervise, supervising, tune, working
from tunewright.actions.handover import StudyJob
from tunewright.actions.supervising import World
from tunewright.cli import worker as cli_worker
from tunewright.contracts import SilentProgress
from tunewright.errors import TunewrightError
from tunewright.records import StudyRecipe, TuneRecipe
from tunewright.store import Files, RunFolder, Store


def carry_out(script: Path, plan: object, folder: Path, num_threads: int = 1) -> Any:
    """The outcomes of a plan, by this script or another one that forks: in a process of its own, without threads."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(num_threads), "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, str(script), str(folder)], input=json.dumps(plan), env=environment,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@dataclass
class ForkedWorker:
    """A child as the supervisor sees a subprocess.Popen."""

    pid: int
    code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self) -> int:
        while (code := self.poll()) is None:
            time.sleep(0.01)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def fork(work: Callable[[], int | None]) -> ForkedWorker:
    pid = os.fork()
    if pid:
        return ForkedWorker(pid)
    code = 70
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        if "KILLED_RUNS_LOUD" not in os.environ:
            os.dup2(null, 2)
        code = work() or 0
    except BaseException as error:  # noqa: BLE001  (a fork must never return into its parent's code)
        sys.stderr.write(f"{error!r}\n")
    finally:
        os._exit(code)


@dataclass
class Killer:
    """Starts workers; the first lives end at the given events, later ones are left alone."""

    kills: Sequence[tuple[int, float]]
    """(event from 1, seconds after it) of each life."""
    number: int = signal.SIGKILL
    """The signal: SIGSTOP makes a worker that hangs."""
    codes: list[ForkedWorker] = field(default_factory=list)

    def start(self, folder: Path) -> ForkedWorker:
        number = len(self.codes)
        event, delay = self.kills[number] if number < len(self.kills) else (0, 0.0)

        def work() -> int:
            count_events(event, delay, number=self.number)
            if self.number == signal.SIGSTOP:
                working.PATIENCE_SECONDS, working.STEPS_OF_PATIENCE = 2.0, 0
                working.SECONDS_BETWEEN_BEATS = 0.1
            return cli_worker.main(folder)

        self.codes.append(fork(work))
        return self.codes[-1]


def count_events(kill_at: int, delay: float, tell: Callable[[str], None] = str, number: int = signal.SIGKILL) -> None:
    """Send this process a signal at the event `kill_at`, or kill it `delay` seconds later; 0: never.

    Args:
        tell: called with each event: the call, and the name of its file without the random part of a temporary one.
    """
    count = 0

    def before(self: Files, call: str, path: Path) -> None:
        nonlocal count
        count += 1
        tell(f"{call} {re.sub('^[.]tmp-(.*)-[0-9a-f]{8}$', lambda found: found[1], path.name)}")
        if count == kill_at and not delay:
            os.kill(os.getpid(), number)
        elif count == kill_at:
            kill_later(delay)

    Files.before = before  # type: ignore[method-assign]


def kill_later(delay: float) -> None:
    """By a process of its own: a thread of this one might not get its turn."""
    victim = os.getpid()
    if os.fork() == 0:
        os.closerange(3, 4096)  # or it would hold the locks
        time.sleep(delay)
        os.kill(victim, signal.SIGKILL)
        os._exit(0)


def fingerprint(home: Path) -> dict[str, str]:
    """Everything of a finished run that must be the same, by name; and what must not be there."""
    runs = Store(home).runs()
    assert len(runs) == 1, runs
    run = Store(home).run("last")
    found = findings(run) if run.record.kind == "study" else trained(run)
    found["status"] = run.record.status
    found["leftovers"] = str(sorted(str(path) for path in home.rglob(".tmp*")))
    return found


def trained(run: RunFolder) -> dict[str, str]:
    report = run.read_json("report.json")
    found = {path.name: sha256(path.read_bytes()) for path in (run.path / "artifact").iterdir()}
    del found["artifact.json"], found["MANIFEST.json"]  # hold the run's id, and so its time
    found["curve"] = sha256(json.dumps(report["training"]["curve"]).encode())
    found["results"] = json.dumps(report["results"])
    found["tokens"] = str(report["training"]["num_tokens"])
    found["checkpoints"] = str(sorted(path.name for path in (run.path / "checkpoints").iterdir()))
    return found


def findings(run: RunFolder) -> dict[str, str]:
    """Of a study: what it says, the weights it trained, and which questions it asked how often."""
    report = run.read_json("report.json")
    found = {name: json.dumps(report[name]) for name in ("results", "differences", "slices", "answers", "best")}
    (weights,) = run.path.glob("tuned/artifact/adapter_model.safetensors")
    lines = [json.loads(line) for line in (run.path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    found["weights"] = sha256(weights.read_bytes())
    found["asked"] = str(sorted((line["row"], line["decoding"]) for line in lines))
    return found


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


Recipe = TuneRecipe | StudyRecipe


def supervised(recipe: Recipe, home: Path, kills: Sequence[tuple[int, float]], number: int) -> dict[str, object]:
    killer = Killer(kills, number)
    is_study = isinstance(recipe, StudyRecipe)
    job = StudyJob(recipe=recipe, home=home) if is_study else TuneJob(recipe=recipe, home=home)
    try:
        code = supervise(job, SilentProgress(), World(killer.start, lambda: 0))
    except TunewrightError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    outcome = {"code": code, "lives": [life.code for life in killer.codes]}
    if code == 0:
        outcome["found"] = fingerprint(home)
    shutil.rmtree(home)
    return outcome


def events_of_straight_run(recipe: Recipe, home: Path, told: Path) -> list[str]:
    """The events of an undisturbed run."""
    with told.open("w", encoding="utf-8") as file:

        def work() -> int:
            count_events(0, 0.0, lambda event: print(event, file=file, flush=True))
            supervising.supervise = None  # type: ignore[assignment]
            study(recipe, home=home) if isinstance(recipe, StudyRecipe) else tune(recipe, home=home)
            return 0

        code = fork(work).wait()
        assert code == 0, code
    return told.read_text(encoding="utf-8").splitlines()


def last_of_each_kind(events: Sequence[str]) -> list[int]:
    """Numbers from 1. Checkpoints are made alike, whatever their steps."""
    last = {re.sub("step-[0-9]+", "step", event): number for number, event in enumerate(events, start=1)}
    return sorted(last.values())


def plans_of(case: dict[str, Any], events: Sequence[str]) -> list[list[tuple[int, float]]]:
    """The kills of each run: (event, delay) of each of its lives."""
    if isinstance(case["kills"], list):
        return [[(max(1, int(part * len(events))), delay) for part, delay in run] for run in case["kills"]]
    chosen = list(range(1, len(events) + 1)) if case["kills"] == "every" else last_of_each_kind(events)
    part, num_parts = case["part"]
    return [[(event, 0.0)] for event in chosen[part::num_parts]]


def main(folder: Path) -> None:
    """Carry out a plan: {"cases": [{"name", "kind", "recipe", "signal", "kills"}]}.

    Kills are [[[part of all events, delay], ...], ...], one list for each run. `every` or `each kind` instead asks for
    one run per event, each killed there; of these the ones that belong to the `part` [number, of how many].
    """
    supervising.SECONDS_BETWEEN_LOOKS = 0.005
    outcomes = []
    for case in json.load(sys.stdin)["cases"]:
        recipe = (StudyRecipe if case["kind"] == "study" else TuneRecipe).model_validate(case["recipe"])
        straight = folder / f"{case['name']}-straight"
        events = events_of_straight_run(recipe, straight, folder / "events")
        expected = fingerprint(straight)
        for number, kills in enumerate(plans_of(case, events)):
            outcome = supervised(recipe, folder / f"{case['name']}-{number}", kills, case["signal"])
            found = outcome.pop("found", None) or {}
            assert isinstance(found, dict)
            differing = sorted(name for name in expected if found.get(name) != expected[name])
            told = {"case": case["name"], "kills": kills, "events": len(events), "differing": differing}
            told["calls"] = [events[event - 1] for event, _ in kills]
            outcomes.append({**told, "same": found == expected, **outcome})
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    import peft  # noqa: F401
    import torch
    import transformers  # noqa: F401

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    main(Path(sys.argv[1]))
