"""Runs that cannot be resumed, each with the reason. What resuming gives stands in tests/endtoend/test_resume.py."""

from pathlib import Path

import pytest
import torch
from listening import Listening
from small_job import COLOURS, small_recipe, write_rows
from split_rows import row, write_jsonl
from store_samples import RECIPE_ID, new_store, run_record
from tiny_base import write_tiny_base

from tunewright.actions import resume, resume_study, tune, tuning
from tunewright.actions.resuming import reopen
from tunewright.contracts import SilentProgress
from tunewright.errors import (
    BaseMismatchError,
    DivergedError,
    InterruptedRunError,
    ModelError,
    StoreError,
    TrainError,
)
from tunewright.model.adapter import trainable_parameters
from tunewright.records import Run, RunStatus, Split, TuneRecipe
from tunewright.store import RunFolder, Store


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


def stop(*arguments: object) -> None:
    raise KeyboardInterrupt


@pytest.fixture
def stopped(base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunFolder:
    """A run that was stopped before its base was measured."""

    with monkeypatch.context() as patch:
        patch.setattr("tunewright.actions.fallbacks.load_base", stop)
        with pytest.raises(
            InterruptedRunError, match=r"Continue with: tunewright tune --resume \d+-\d+-\w+ --home .+$"
        ):
            tune(small_recipe(write_rows(tmp_path / "rows.jsonl"), base), home=tmp_path / "home")
    return Store(tmp_path / "home").run("last")


def rewrite(run: RunFolder, **changes: object) -> None:
    run.write_json("run.json", run.record.model_copy(update=changes).model_dump(mode="json"))


def test_a_stopped_run_has_its_recipe_data_and_reasons_saved(stopped: RunFolder) -> None:
    assert stopped.record.status is RunStatus.INTERRUPTED
    assert all(stopped.has(name) for name in ("recipe.json", "derived.json", "headline.json"))
    assert str(stopped.path / "recipe.json") in stopped.record.command
    version, _ = Store(stopped.path.parents[1]).get_dataset(stopped.record.dataset_id)
    assert version.id == stopped.record.dataset_id


def test_a_resumed_run_has_its_own_groups_when_the_same_rows_were_stored_without(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [
        write_jsonl(
            tmp_path / f"{first}.jsonl",
            [row(number, COLOURS[number % 5], customer=f"{number // 8}") for number in range(first, first + 16)],
        )
        for first in (0, 16, 32)
    ]
    held_out = [f"data.validation_path={files[1]}", f"data.test_path={files[2]}"]
    monkeypatch.setattr("tunewright.actions.fallbacks.load_base", stop)
    runs = []
    for overrides in (held_out, [*held_out, "data.group_column=customer"], held_out):
        with pytest.raises(InterruptedRunError):
            tune(small_recipe(files[0], base, *overrides), home=tmp_path / "home")
        runs.append(Store(tmp_path / "home").run("last"))
    assert len({run.record.dataset_id for run in runs}) == 1
    reopened = [
        reopen(Store(tmp_path / "home"), run, run.read_record("recipe.json", TuneRecipe), SilentProgress())
        for run in runs
    ]
    groups = [{example.provenance.group for example in each.data.rows(Split.TEST)} for each in reopened]
    assert groups == [{None}, {"4", "5"}, {None}]


def test_a_run_that_no_longer_fits_into_memory_is_refused_when_it_is_resumed(
    stopped: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tunewright.train.forecast.available_bytes", lambda: 1)
    with pytest.raises(TrainError, match=r"It cannot fit: the weights of a base of 0M parameters need"):
        resume("last", home=stopped.path.parents[1])
    assert stopped.record.status is RunStatus.INTERRUPTED


def test_a_run_that_is_not_there_cannot_be_resumed(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run at all"):
        resume("3f9a", home=tmp_path)


def test_a_run_that_has_succeeded_cannot_be_resumed(tmp_path: Path) -> None:
    run = new_store(tmp_path).create_run(RECIPE_ID, run_record)
    run.update(RunStatus.SUCCEEDED)
    seen_with = rf"tunewright show {run.record.id} --home {tmp_path}$"
    with pytest.raises(TrainError, match=rf"has already succeeded\. See it with: {seen_with}"):
        resume("last", home=tmp_path)


def test_a_run_of_another_kind_is_refused_with_the_command_that_continues_it(tmp_path: Path) -> None:
    run = new_store(tmp_path).create_run(RECIPE_ID, run_record, {"headline.json": "exact_match"})
    command = f"tunewright tune --resume {run.record.id} --home {tmp_path}"
    with pytest.raises(TrainError, match=rf"is of kind tune, not study\. Continue it with: {command}$"):
        resume_study("last", home=tmp_path)


@pytest.mark.parametrize("kind", ["tune", "evaluate"])
def test_a_run_that_saved_no_recipe_cannot_be_resumed(kind: str, tmp_path: Path) -> None:
    def record(run_id: str, created_at: str) -> Run:
        return run_record(run_id, created_at).model_copy(update={"kind": kind})

    run = new_store(tmp_path).create_run(RECIPE_ID, record)
    words = rf"\({kind}\) has saved nothing that could be continued\. Start it again with: {run.record.command}$"
    with pytest.raises(TrainError, match=words):
        resume("last", home=tmp_path)
    assert Store(tmp_path).run("last").record == run.record


@pytest.mark.parametrize("what", ["base", "renderer"])
def test_a_run_of_another_base_or_renderer_cannot_be_resumed(stopped: RunFolder, what: str) -> None:
    other = stopped.record.base.model_copy(update={"sha256": "0" * 64})
    rewrite(stopped, **({"base": other} if what == "base" else {"renderer_hash": "0" * 64}))
    with pytest.raises(BaseMismatchError, match=rf"found {what} .*, expected 000000000000 as when it started\. .*mix"):
        resume("last", home=stopped.path.parents[1])
    assert Store(stopped.path.parents[1]).run("last").record.status is RunStatus.INTERRUPTED


def test_the_number_of_threads_of_the_start_is_used_again(stopped: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[int] = []
    listening = Listening()
    threads = torch.get_num_threads() + 3
    environment = stopped.record.environment.model_copy(update={"num_threads": threads})
    rewrite(stopped, environment=environment)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr("torch.set_num_threads", used.append)
    monkeypatch.setattr("tunewright.actions.fallbacks.load_base", stop)
    with pytest.raises(InterruptedRunError, match="Continue with"):
        resume("last", home=stopped.path.parents[1], progress=listening)
    assert used == [threads]
    assert listening.lines == [f"Using {threads} threads, as when the run started, so that it ends in the same bytes."]


def test_a_number_of_threads_that_the_user_asks_for_wins_with_a_warning(
    stopped: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[int] = []
    listening = Listening()
    now = torch.get_num_threads()
    rewrite(stopped, environment=stopped.record.environment.model_copy(update={"num_threads": now + 3}))
    monkeypatch.setenv("OMP_NUM_THREADS", str(now))
    monkeypatch.setattr("torch.set_num_threads", used.append)
    monkeypatch.setattr("tunewright.actions.fallbacks.load_base", stop)
    with pytest.raises(InterruptedRunError, match="Continue with"):
        resume("last", home=stopped.path.parents[1], progress=listening)
    assert used == []
    assert listening.lines == [
        f"Warning: {now} threads, as OMP_NUM_THREADS asks, but the run started with {now + 3}: the result will not be "
        "bit-identical to that of an uninterrupted run."
    ]


def test_weights_that_are_not_numbers_are_never_published(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = tuning.train_keeping_ability

    def poisoned(*arguments: object) -> object:
        model, summary = real(*arguments)  # type: ignore[arg-type]
        with torch.no_grad():
            next(iter(trainable_parameters(model.network).values())).view(-1)[3] = float("nan")
        return model, summary

    monkeypatch.setattr(tuning, "train_keeping_ability", poisoned)
    with pytest.raises(DivergedError, match=r"lora_A.* holds weights that are not numbers; nothing was published"):
        tune(small_recipe(write_rows(tmp_path / "rows.jsonl"), base, "train.epochs=0.1"), home=tmp_path / "home")
    run = Store(tmp_path / "home").run("last")
    assert not run.has("artifact")
    assert run.record.status is RunStatus.FAILED


def test_a_public_task_that_is_unknown_is_told_before_anything_is_trained(
    base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(model: Path, adapter: Path | None, tasks: tuple[str, ...], *limits: object) -> None:
        raise ModelError(f"no task {tasks[0]}")

    monkeypatch.setattr("tunewright.actions.preparing.require_lm_eval", lambda: None)
    monkeypatch.setattr("tunewright.actions.benchmarking.run_lm_eval", refuse)
    recipe = small_recipe(write_rows(tmp_path / "rows.jsonl"), base, "retention.enabled=true", "retention.tasks=[ark]")
    with pytest.raises(ModelError, match="no task ark"):
        tune(recipe, home=tmp_path / "home")
    run = Store(tmp_path / "home").run("last")
    assert run.record.status is RunStatus.FAILED
    assert list(run.metrics()) == []


@pytest.mark.parametrize("num_threads", [1, 2])
def test_a_run_says_whether_threads_compute_rows_side_by_side(
    num_threads: int, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, listening = torch.get_num_threads(), Listening()
    torch.set_num_threads(num_threads)
    monkeypatch.setattr("tunewright.actions.training.train", stop)
    try:
        with pytest.raises(InterruptedRunError, match="Continue with"):
            tune(small_recipe(write_rows(tmp_path / "rows.jsonl"), base), home=tmp_path / "home", progress=listening)
    finally:
        torch.set_num_threads(before)
    said = [
        line for line in listening.lines if line.startswith("Steps of 512 tokens and more are divided among 2 threads")
    ]
    assert len(said) == num_threads - 1
