"""What a run is said to need on the disk, beside what its folder held at most; and runs that find less free."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from listening import Listening
from small_job import adapter_bytes, small_recipe, stop_at_step, write_rows
from small_study import study_recipe, write_documents, write_study_base
from tiny_base import write_tiny_base

from tunewright.actions import resume, resume_study, study, studying, tune, tuning
from tunewright.errors import InterruptedRunError, StoreError
from tunewright.records import Full, RunStatus, TuneRecipe, format_bytes
from tunewright.store import Files, Store

MARGIN = 0.1
"""Most by which a need lies above what was measured; it never lies below."""

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base")


class WatchedFiles(Files):
    """Notes the most that a home's runs hold, at each call that changes the disk."""

    def __init__(self, home: Path) -> None:
        self.runs, self.most_bytes = home / "runs", 0

    def before(self, call: str, path: Path) -> None:
        found = sum(path.stat().st_size for path in self.runs.glob("2*/**/*") if path.is_file())
        self.most_bytes = max(self.most_bytes, found)


def recipe_of(inputs: tuple[Path, Path], *overrides: str, is_full: bool = False) -> TuneRecipe:
    few = ("evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.rows_per_step=5")
    recipe = small_recipe(*inputs, *few, *overrides)
    return recipe.model_copy(update={"method": Full()}) if is_full else recipe


def leave_free(monkeypatch: pytest.MonkeyPatch, free_bytes: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - free_bytes, free_bytes))


OFTEN = "train.seconds_between_checkpoints=0.000001"
"""After every step: the best checkpoint falls behind the two newest ones."""


@pytest.mark.parametrize("is_full", [False, True], ids=["lora", "full"])
@pytest.mark.parametrize(
    "often",
    [pytest.param((), id="at validations"), pytest.param((OFTEN,), id="at every step", marks=pytest.mark.slow)],
)
def test_a_run_needs_as_much_as_it_is_told_before_its_first_step(inputs, tmp_path, monkeypatch, is_full, often):
    files, progress = WatchedFiles(tmp_path), Listening()
    monkeypatch.setattr(tuning, "Store", lambda home: Store(home, files=files))
    report = tune(recipe_of(inputs, *often, is_full=is_full), home=tmp_path, progress=progress)
    forecast = report.training.forecast
    assert 1 <= forecast.disk_bytes / files.most_bytes < 1 + MARGIN
    told = f", disk: about {format_bytes(forecast.disk_bytes)} of {format_bytes(forecast.free_disk_bytes)} free."
    assert any(line.startswith("Forecast: ") and line.endswith(told) for line in progress.lines), progress.lines


def needs(inputs: tuple[Path, Path], home: Path, *overrides: str) -> tuple[int, bytes]:
    """What an undisturbed run says it needs, and the weights that it ends with."""
    report = tune(recipe_of(inputs, *overrides), home=home)
    return report.training.forecast.disk_bytes, adapter_bytes(home)


def test_a_run_that_cannot_fit_is_refused_with_need_and_free_before_anything_is_written(inputs, tmp_path, monkeypatch):
    need, _ = needs(inputs, tmp_path / "straight")
    home = tmp_path / "home"
    leave_free(monkeypatch, need - 1)
    with pytest.raises(StoreError, match=_refusal(need, "lower method.rank")) as refused:
        tune(recipe_of(inputs), home=home)
    assert f"on the disk of {home}" in str(refused.value)
    assert f"up to 3 checkpoints of 201.2 kB at once, and {format_bytes(need - 1)} are free" in str(refused.value)
    with pytest.raises(StoreError, match=r"about 1\.3 MB .*, use method\.kind=lora, or set TUNEWRIGHT_HOME"):
        tune(recipe_of(inputs, is_full=True), home=home)
    assert not home.exists()
    leave_free(monkeypatch, need)
    tune(recipe_of(inputs), home=home)


def _refusal(need: int, advice: str) -> str:
    return f"cannot fit on the disk .* about {format_bytes(need)} .* Free some space, {advice}, or set TUNEWRIGHT_HOME"


@pytest.mark.slow
def test_what_the_measured_time_adds_is_refused_before_the_first_step_and_goes_on_when_there_is_room(
    inputs, tmp_path, monkeypatch
):
    need, weights = needs(inputs, tmp_path / "straight", OFTEN)
    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        leave_free(patch, need - 1)
        with pytest.raises(StoreError, match="up to 4 checkpoints"):
            tune(recipe_of(inputs, OFTEN), home=home)
    run = Store(home).run("last")
    assert run.record.status is RunStatus.FAILED
    assert not run.checkpoints().intact
    resume("last", home=home)
    assert adapter_bytes(home) == weights


def test_what_a_resumed_run_has_written_is_not_asked_for_again(inputs, tmp_path, monkeypatch):
    need, weights = needs(inputs, tmp_path / "straight")
    home = tmp_path / "home"
    with monkeypatch.context() as patch:
        stop_at_step(patch, 7)
        with pytest.raises(InterruptedRunError):
            tune(recipe_of(inputs), home=home)
    present = Store(home).run("last").num_bytes
    assert present > need / 3
    with monkeypatch.context() as patch:
        leave_free(patch, need - present - 1)
        with pytest.raises(StoreError, match=rf"of which {format_bytes(present)} are there, with up to 3"):
            resume("last", home=home)
        assert Store(home).run("last").record.status is RunStatus.INTERRUPTED
        leave_free(patch, need - present)
        with monkeypatch.context() as later:
            later.setattr(tuning, "build_report", stop)
            with pytest.raises(InterruptedRunError):
                resume("last", home=home)
        # Its weights are published: what is left to write are answers and the report.
        leave_free(patch, 10_000)
        resume("last", home=home)
    assert adapter_bytes(home) == weights


def stop(*arguments: object) -> None:
    raise KeyboardInterrupt


def test_a_study_needs_room_for_each_of_its_trainings_also_when_it_is_resumed(tmp_path, monkeypatch):
    base, home = write_study_base(tmp_path / "base"), tmp_path / "home"
    plain = study_recipe(write_rows(tmp_path / "rows.jsonl", num_rows=60), base)
    with_documents = plain.model_copy(update={"documents": str(write_documents(tmp_path / "documents"))})
    leave_free(monkeypatch, 100_000)
    # Two checkpoints, that from before the first step without the optimizer's state; the adapter, the report.
    with pytest.raises(StoreError, match=r"cannot fit on the disk .* about 505\.\d kB with up to 2 checkpoints"):
        study(plain, home=home)
    with pytest.raises(StoreError, match=r"cannot fit on the disk .* about 1\.0 MB with up to 2 checkpoints"):
        study(with_documents, home=home)
    assert not home.exists()
    leave_free(monkeypatch, 10**9)
    monkeypatch.setattr(studying, "base_model", stop)
    with pytest.raises(InterruptedRunError):
        study(plain, home=home)
    leave_free(monkeypatch, 100_000)
    with pytest.raises(StoreError, match=r"about 505\.\d kB, of which \d"):
        resume_study("last", home=home)
    assert Store(home).run("last").record.status is RunStatus.INTERRUPTED
