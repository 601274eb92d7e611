"""Any file of a run is damaged, by a single bit or more: what reads it says so, or finds the same as before."""

import shutil
from pathlib import Path

import pytest
from damaged_files import DAMAGES, damage_of, damaged, files_of, require_words_or_the_same
from small_job import adapter_bytes, small_recipe, stop_at_step, write_rows
from small_study import study_recipe, write_study_base
from tiny_base import write_tiny_base

from tunewright.actions import list_runs, resume, resume_study, show_dataset, show_run, study, studying, tune, tuning
from tunewright.actions.opened_arms import OpenedArm, open_model_or_arm
from tunewright.contracts import SilentProgress
from tunewright.errors import InterruptedRunError
from tunewright.records import Message
from tunewright.store import Store

FEW = (
    *("evaluate.max_inputs=2", "evaluate.max_answer_tokens=8", "train.rows_per_step=10", "memorisation.max_rows=2"),
    "retention.max_items=10",
)
FOR_SOME = frozenset({"headline.json", "metrics.jsonl", "retention-seconds.json", "scores-base.json", "seconds.json"})
QUESTION = (Message(role="user", content="What is the colour of place 3?"),)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    recipe = small_recipe(write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base"), *FEW)
    return recipe.model_copy(update={"retention": recipe.retention.model_copy(update={"enabled": True})})


@pytest.fixture(scope="module")
def home(recipe, tmp_path_factory):
    """With a finished run."""
    home = tmp_path_factory.mktemp("finished") / "home"
    tune(recipe, home=home)
    return home


@pytest.fixture(scope="module")
def study_parts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    rows, base = write_rows(folder / "rows.jsonl", num_rows=60), write_study_base(folder / "base")
    return study_recipe(rows, base, "few_shot.k=[1]", "train.rows_per_step=20", "evaluate.max_answer_tokens=8")


def said_by(name, home):
    """What a run, or an arm of a study, answers."""
    opened = open_model_or_arm(name, home)
    model = opened.load(rows_per_batch=1) if isinstance(opened, OpenedArm) else opened.load("float32", 1)
    with SilentProgress().bar("Asking", 1) as advance:
        return [answer.text for answer in model.answer([QUESTION], advance)]


def look_at(home, name="last"):
    """Everything that commands show of the last run: record, report, data and answers."""
    record, report = show_run("last", home)
    return record, report, list_runs(home), show_dataset(record.dataset_id, home), said_by(name, home)


def trained(home):
    """What a resumed run ends in, without times."""
    report = Store(home).run("last").read_json("report.json")
    told = {name: report[name] for name in ("results", "derived", "recipe", "data", "memorisation")}
    training = report["training"]
    retention = {key: value for key, value in training["retention"].items() if "seconds" not in key}
    return told, training["curve"], training["remedies"], retention, adapter_bytes(home)


def interrupted_run(home, recipe, monkeypatch, stage):
    """A run that was stopped in training, or when only its report was missing."""
    with monkeypatch.context() as patch:
        if stage == "in training":
            stop_at_step(patch, 3)
        else:
            patch.setattr(tuning, "build_report", interrupt)
        with pytest.raises(InterruptedRunError):
            tune(recipe, home=home)
    return home


def interrupt(*arguments, **options):
    raise KeyboardInterrupt


def resume_copies(interrupted, folder, go_on, expected, damages_of):
    """Damage each file in a copy of its own, and go on there."""
    for number, path in enumerate(files_of(interrupted)):
        for damage in damages_of(number, path):
            copy = folder / "copy"
            shutil.copytree(interrupted, copy)
            broken = copy / path.relative_to(interrupted)
            broken.write_bytes(damaged(broken.read_bytes(), damage, broken.name))
            require_words_or_the_same(broken, damage, lambda home=copy: go_on(home), expected)
            shutil.rmtree(copy)


def one_in_turn(number, path):
    return [DAMAGES[number % len(DAMAGES)]]


def one_for_some(number, path):
    """For files without a manifest of their own: what is in a published folder has tests of its own."""
    return one_in_turn(number, path) if path.name in FOR_SOME else []


def all_of_them(number, path):
    return DAMAGES


@pytest.mark.parametrize(
    "damages_of", [one_in_turn, pytest.param(all_of_them, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])]
)
def test_a_finished_run_with_a_damaged_file_is_shown_and_asked_as_it_was_or_not_at_all(home, damages_of):
    expected = look_at(home)
    for number, path in enumerate(files_of(home)):
        for damage in damages_of(number, path):
            with damage_of(path, damage):
                require_words_or_the_same(path, damage, lambda: look_at(home), expected)


@pytest.mark.parametrize("stage", ["in training", "before its report"])
@pytest.mark.parametrize(
    "damages_of",
    [
        pytest.param(one_for_some, id="some"),
        pytest.param(all_of_them, id="all", marks=[pytest.mark.slow, pytest.mark.timeout(3600)]),
    ],
)
def test_a_stopped_run_with_a_damaged_file_ends_as_it_would_have_or_in_words(
    recipe, tmp_path, monkeypatch, stage, damages_of
):
    interrupted = interrupted_run(tmp_path / "home", recipe, monkeypatch, stage)

    def go_on(home: Path) -> object:
        resume("last", home=home)
        return trained(home)

    shutil.copytree(interrupted, tmp_path / "whole")
    resume_copies(interrupted, tmp_path, go_on, go_on(tmp_path / "whole"), damages_of)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_study_with_a_damaged_file_is_shown_asked_and_resumed_as_it_was_or_in_words(
    study_parts, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(studying, "build_study_report", interrupt)
        with pytest.raises(InterruptedRunError):
            study(study_parts, home=tmp_path / "home")

    def go_on(home: Path) -> object:
        found = resume_study("last", home=home)
        return found.model_dump(include={"results", "differences", "slices", "answers", "best"})

    shutil.copytree(tmp_path / "home", tmp_path / "whole")
    expected = go_on(tmp_path / "whole")
    resume_copies(
        tmp_path / "home", tmp_path, go_on, expected, lambda number, path: [*one_in_turn(number, path), "a bit"]
    )
    for arm in ("few-shot", "tuned"):
        shown = look_at(tmp_path / "whole", f"last/{arm}")
        for number, path in enumerate(files_of(tmp_path / "whole")):
            (damage,) = one_in_turn(number + 1, path)
            with damage_of(path, damage):
                look = lambda arm=arm: look_at(tmp_path / "whole", f"last/{arm}")  # noqa: E731
                require_words_or_the_same(path, damage, look, shown)
