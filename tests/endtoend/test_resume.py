"""Stopped runs continue and end in the same bytes; changed inputs are refused."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from changed_bases import CHANGES, changed
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import resume, tune
from tunewright.contracts import SilentProgress
from tunewright.errors import BaseMismatchError, CorruptError, TrainError
from tunewright.outside.hub import find_base
from tunewright.records import RunStatus
from tunewright.store import Store

WEIGHTS = "artifact/adapter_model.safetensors"

# Kills itself with SIGKILL before the given optimizer step or when the given file appears: no handler, no cleanup.
KILLED_WORKER = """
import os, signal, sys
from pathlib import Path
from tunewright.actions import resume, tune
from tunewright.records import read_recipe
from tunewright.train import loop
recipe, home, kill_at = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
real_step = loop._step
def step(job, trainable, state, *others):
    if state.step == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)
    return real_step(job, trainable, state, *others)
loop._step = step
if (home / "runs").exists():
    resume("last", home=home)
else:
    tune(read_recipe({}, Path(recipe)), home=home)
"""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    return write_rows(folder / "rows.jsonl"), write_tiny_base(folder / "base")


@pytest.fixture(scope="module")
def straight(inputs, tmp_path_factory):
    home = tmp_path_factory.mktemp("straight")
    tune(small_recipe(*inputs), home=home)
    return Store(home).run("last")


def worker_environment():
    return {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}


@pytest.mark.parametrize(
    ("kills", "overrides"),
    [
        ((6,), ()),
        pytest.param((2, 6, 9), (), marks=pytest.mark.slow),
        # Several micro-batches a step, steps that do not divide the epoch, kills in both epochs.
        pytest.param((3, 13, 20), ("train.rows_per_step=3", "train.tokens_per_micro_batch=64"), marks=pytest.mark.slow),
    ],
    ids=["once", "thrice", "accumulated"],
)
def test_sigkills_end_in_the_bytes_and_figures_of_a_straight_run(inputs, kills, overrides, tmp_path):
    tune(small_recipe(*inputs, *overrides), home=tmp_path / "straight")
    straight = Store(tmp_path / "straight").run("last")
    recipe = tmp_path / "recipe.json"
    recipe.write_text(small_recipe(*inputs, *overrides).model_dump_json(), encoding="utf-8")
    home = tmp_path / "home"
    for kill_at in kills:
        command = [sys.executable, "-c", KILLED_WORKER, str(recipe), str(home), str(kill_at)]
        killed = subprocess.run(command, env=worker_environment(), capture_output=True, text=True, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr
        assert Store(home).run("last").record.status is RunStatus.RUNNING
    report = resume("last", home=home)
    run = Store(home).run("last")
    assert (run.path / WEIGHTS).read_bytes() == (straight.path / WEIGHTS).read_bytes()
    expected = straight.read_json("report.json")
    assert json.loads(report.model_dump_json())["results"] == expected["results"]
    assert json.loads(report.model_dump_json())["training"]["curve"] == expected["training"]["curve"]
    assert not list(run.path.rglob(".tmp*"))


# `tunewright` whose training takes its time: before each step the given statement is carried out.
SLOW_WORKER = """
import sys, time
from pathlib import Path
from tunewright.train import loop
real_step = loop._step
def step(job, trainable, state, *others):
    {statement}
    return real_step(job, trainable, state, *others)
loop._step = step
from tunewright.cli.worker import main
sys.exit(main(Path(sys.argv[1])))
"""
SLOW_COMMAND = """
import sys
from tunewright.actions import supervising
supervising.WORKER_COMMAND = (sys.executable, "-c", {worker!r})
from tunewright.cli import main
sys.argv[0] = "tunewright"
main()
"""


def start_slowly(statement, inputs, folder):
    """Start the real command in `folder`, and wait until it has trained for a while."""
    recipe, home = folder / "recipe.json", folder / "home"
    recipe.write_text(small_recipe(*inputs).model_dump_json(), encoding="utf-8")
    command = SLOW_COMMAND.format(worker=SLOW_WORKER.format(statement=statement))
    process = subprocess.Popen(
        [sys.executable, "-c", command, "tune", "--recipe", str(recipe), "--home", str(home)],
        env=worker_environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not list(home.glob("runs/*/checkpoints/step-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    return process, home


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_request_to_stop_saves_within_30_seconds_and_prints_the_command_that_continues(
    number, inputs, straight, tmp_path
):
    if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
        pytest.skip("these tests run under nohup, where SIGHUP stays ignored")
    process, home = start_slowly("time.sleep(0.3)", inputs, tmp_path)
    time.sleep(0.5)
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    run = Store(home).run("last")
    assert f"tunewright tune --resume {run.record.id} --home {home}" in " ".join(errors.split())
    assert "Traceback" not in errors
    assert run.record.status is RunStatus.INTERRUPTED
    resume(run.record.id, home=home)
    assert (run.path / WEIGHTS).read_bytes() == (straight.path / WEIGHTS).read_bytes()


def test_a_second_process_is_refused_while_the_first_trains_and_the_first_ends_as_if_nothing_had_happened(
    inputs, straight, tmp_path
):
    refused = tmp_path / "refused"
    wait = f"while state.step == 7 and not Path({str(refused)!r}).exists(): time.sleep(0.05)"
    process, home = start_slowly(wait, inputs, tmp_path)
    run = Store(home).run("last")
    holder = json.loads((run.path / "lock").read_text())
    before = {path: path.read_bytes() for path in (run.path / "run.json", run.path / "lock")}
    second = subprocess.run(
        [sys.executable, "-m", "tunewright", "tune", "--resume", run.record.id, "--home", str(home)],
        env=worker_environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    is_training, after = process.poll() is None, {path: path.read_bytes() for path in before}
    refused.touch()
    _, errors = process.communicate(timeout=120)
    assert is_training, errors
    assert second.returncode == 3, second.stderr
    words = f"in use by process {holder['pid']} since {holder['started']}, expected no other writer. Wait until it ends"
    assert words in " ".join(second.stderr.split())
    assert "Traceback" not in second.stderr
    assert after == before
    assert process.returncode == 0, errors
    assert "died" not in errors
    run = Store(home).run("last")
    assert (run.path / WEIGHTS).read_bytes() == (straight.path / WEIGHTS).read_bytes()
    assert run.metrics() == straight.metrics()
    assert run.read_json("report.json")["results"] == straight.read_json("report.json")["results"]
    assert not list(home.rglob(".tmp*"))


def stopped_run(inputs, home, monkeypatch, *overrides):
    """A run stopped by Ctrl-C while the base is measured."""

    def stop(*arguments, **options):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("tunewright.actions.tuning.judge", stop)
        with pytest.raises(TrainError, match=r"Continue with: tunewright tune --resume"):
            tune(small_recipe(*inputs, *overrides), home=home)
    return Store(home).run("last")


def test_a_stage_that_finished_is_not_done_again(inputs, tmp_path, monkeypatch):
    run = stopped_run(inputs, tmp_path, monkeypatch)
    assert run.record.status is RunStatus.INTERRUPTED
    resume("last", home=tmp_path)
    scores = (run.path / "scores-base.json").read_bytes()
    assert Store(tmp_path).run("last").record.status is RunStatus.SUCCEEDED
    with pytest.raises(TrainError, match=r"has already succeeded\. See it with: tunewright show"):
        resume("last", home=tmp_path)
    assert (run.path / "scores-base.json").read_bytes() == scores


def test_a_run_killed_before_its_recipe_was_saved_cannot_be_resumed(inputs, tmp_path, monkeypatch):
    run = stopped_run(inputs, tmp_path, monkeypatch)
    (run.path / "headline.json").unlink()
    with pytest.raises(TrainError, match=r"\(tune\) has saved nothing .* Start it again with: tunewright tune"):
        resume("last", home=tmp_path)


def test_a_base_that_changed_since_is_refused_with_both_hashes_until_it_is_put_back(straight, tmp_path, monkeypatch):
    rows, base = write_rows(tmp_path / "rows.jsonl"), write_tiny_base(tmp_path / "base")
    run = stopped_run((rows, base), tmp_path / "home", monkeypatch)
    for change in CHANGES:
        with changed(base, change):
            found, expected = find_base(str(base)).ref.sha256[:12], run.record.base.sha256[:12]
            words = (
                rf"{run.record.id}: found base {found}, expected {expected} as when it started\. .*Put the old files"
            )
            with pytest.raises(BaseMismatchError, match=words):
                resume("last", home=tmp_path / "home")
        assert Store(tmp_path / "home").run("last").record == run.record, change
    resume("last", home=tmp_path / "home")
    assert (run.path / WEIGHTS).read_bytes() == (straight.path / WEIGHTS).read_bytes()


def test_the_rows_are_those_of_the_start_even_when_the_file_changes(inputs, straight, tmp_path, monkeypatch):
    rows = Path(tmp_path / "rows.jsonl")
    rows.write_bytes(inputs[0].read_bytes())
    run = stopped_run((rows, inputs[1]), tmp_path / "home", monkeypatch)
    rows.unlink()
    resume("last", home=tmp_path / "home")
    assert (run.path / WEIGHTS).read_bytes() == (straight.path / WEIGHTS).read_bytes()


def test_damaged_data_is_found_before_training(inputs, tmp_path, monkeypatch):
    stopped_run(inputs, tmp_path, monkeypatch)
    (examples,) = tmp_path.glob("datasets/*/examples.jsonl")
    content = bytearray(examples.read_bytes())
    content[100] ^= 1
    examples.write_bytes(content)
    with pytest.raises(CorruptError, match=r"examples\.jsonl"):
        resume("last", home=tmp_path)


def test_the_recorded_number_of_threads_is_used_again_and_said(inputs, tmp_path, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    run = stopped_run(inputs, tmp_path, monkeypatch)
    path = run.path / "run.json"
    record = run.read_json("run.json")  # without its hash
    before = torch.get_num_threads()
    record["environment"]["num_threads"] = before + 1
    path.write_text(json.dumps(record))
    lines = []

    class Listening(SilentProgress):
        def say(self, text):
            lines.append(text)

    try:
        resume("last", home=tmp_path, progress=Listening())
        assert torch.get_num_threads() == before + 1
    finally:
        torch.set_num_threads(before)
    assert f"Using {before + 1} threads, as when the run started, so that it ends in the same bytes." in lines


def test_other_versions_are_told_and_do_not_stop_a_resume(inputs, tmp_path, monkeypatch):
    run = stopped_run(inputs, tmp_path, monkeypatch)
    path = run.path / "run.json"
    record = run.read_json("run.json")  # without its hash
    record["environment"]["packages"]["torch"] = "2.0.0"
    path.write_text(json.dumps(record))
    lines = []

    class Listening(SilentProgress):
        def say(self, text):
            lines.append(text)

    report = resume("last", home=tmp_path, progress=Listening())
    assert any("torch was 2.0.0, is" in line and "the final bytes may differ" in line for line in lines)
    assert set(report.seconds) >= {"load the base", "measure the base", "train", "measure the tuned model"}
