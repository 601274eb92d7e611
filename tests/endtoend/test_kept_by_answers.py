"""Answers to validation rows that decide, in a real run, which checkpoint is kept; and exact resume with them."""

from pathlib import Path

import pytest
from listening import Listening
from small_job import adapter_bytes, small_recipe, stop_at_step, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import resume, task_metric, tune
from tunewright.actions.preparing import Preparation, prepare_tuning
from tunewright.actions.task_metric import sample_items
from tunewright.contracts import SilentProgress
from tunewright.errors import InterruptedRunError
from tunewright.evaluate.judge import ArmScores
from tunewright.records import Split, TrainingSummary, TuneRecipe
from tunewright.store import Store


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> TuneRecipe:
    folder = tmp_path_factory.mktemp("inputs")
    rows, base = write_rows(folder / "rows.jsonl"), write_tiny_base(folder / "base")
    return small_recipe(rows, base, "train.keep_by=metric", "train.validation_answers=12", "train.patience=99")


@pytest.fixture(scope="module")
def straight(recipe: TuneRecipe, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, TrainingSummary]:
    home = tmp_path_factory.mktemp("straight")
    training = tune(recipe, home=home).training
    assert training is not None
    return home, training


def test_every_validation_has_the_leading_metric_of_as_many_answers_as_were_asked_for(
    straight: tuple[Path, TrainingSummary],
) -> None:
    _, training = straight
    validated = [point for point in training.curve if point.validation_loss is not None]
    assert training.task_metric is not None
    assert training.task_metric.name == "accuracy"
    values = {point.step: point.task for point in validated}
    assert all(found is not None and found.num_rows == 12 for found in values.values())
    best, highest = values[training.best_step], max(found.value for found in values.values() if found)
    assert best is not None
    assert best.is_within_a_row(highest)


def test_asking_changes_nothing_about_what_is_trained(
    recipe: TuneRecipe, straight: tuple[Path, TrainingSummary], tmp_path: Path
) -> None:
    by_loss = recipe.model_copy(
        update={"train": recipe.train.model_copy(update={"keep_by": "loss", "validation_answers": None})}
    )
    training = tune(by_loss, home=tmp_path).training
    assert training is not None
    assert training.task_metric is None
    assert [point.model_copy(update={"task": None}) for point in straight[1].curve] == list(training.curve)


def test_a_killed_and_resumed_run_asks_and_keeps_the_same(
    recipe: TuneRecipe, straight: tuple[Path, TrainingSummary], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        stop_at_step(patch, 6)
        with pytest.raises(InterruptedRunError, match="Continue with"):
            tune(recipe, home=tmp_path)
    resumed = resume("last", home=tmp_path).training
    assert resumed is not None
    assert resumed.curve == straight[1].curve
    assert resumed.best_step == straight[1].best_step
    assert adapter_bytes(tmp_path) == adapter_bytes(straight[0])


def test_where_memory_does_not_suffice_for_answers_it_is_said_and_the_loss_decides(
    recipe: TuneRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> ArmScores:
        raise MemoryError("no room")

    monkeypatch.setattr(task_metric, "judge", fail)
    progress = Listening()
    training = tune(recipe, home=tmp_path, progress=progress).training
    assert training is not None
    assert any("too little memory to answer validation rows" in line for line in progress.lines)
    losses = {point.step: point.validation_loss for point in training.curve if point.validation_loss is not None}
    assert training.best_step == min(losses, key=losses.__getitem__)
    assert Store(tmp_path).run("last").record.status == "succeeded"


def test_an_error_that_is_not_about_memory_is_not_hidden(
    recipe: TuneRecipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> ArmScores:
        raise RuntimeError("something else")

    monkeypatch.setattr(task_metric, "judge", fail)
    with pytest.raises(RuntimeError, match="something else"):
        tune(recipe, home=tmp_path)


def test_the_sample_is_drawn_from_the_validation_rows_by_the_seed_of_the_training(recipe: TuneRecipe) -> None:
    preparation = prepare_tuning(recipe, SilentProgress())
    ids = [row.id for row in preparation.data.rows(Split.VALIDATION)]
    first = _sampled(preparation)
    assert len(first) == 12
    assert first == [one for one in ids if one in first]
    assert _sampled(preparation) == first
    assert len(sample_items(preparation, 1000)) == len(ids)


def _sampled(preparation: Preparation) -> list[str]:
    return [item.example.id for item in sample_items(preparation, 12)]
