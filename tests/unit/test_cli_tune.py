"""Options become recipe settings, and only those that were given."""

from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from cli_fixture import Calls, Shell, build_run
from report_fixture import build_evaluation, build_report
from store_samples import new_run

from tunewright.actions import TuneJob
from tunewright.cli import recipe as recipe_module
from tunewright.cli import study as study_module
from tunewright.cli import tune as tune_module
from tunewright.cli.screen import Screen
from tunewright.cli.settings import Settings, read_rows_recipe
from tunewright.cli.worker import carry_out
from tunewright.errors import RecipeError
from tunewright.records import DataRecipe, EvaluateRecipe, Full, Lora, RunStatus, TuneRecipe, read_recipe


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(monkeypatch, capsys)
    shell.fake("run_folder", Path("/home/me/.tunewright/runs") / ("a-long-name-" * 8))
    return shell


@pytest.fixture
def tune(shell: Shell) -> Calls:
    return shell.fake("tune", build_report())


def test_data_alone_leaves_everything_to_the_defaults(shell: Shell, tune: Calls) -> None:
    assert shell.run("tune", "rows.jsonl").code == 0
    assert tune.arguments == (TuneRecipe(data=DataRecipe(path="rows.jsonl")),)


def test_every_option_reaches_its_setting(shell: Shell, tune: Calls) -> None:
    options = "--base some/base@v1 --input question --output answer --form columns --method full --validation v.csv"
    shell.run(
        "tune", "rows.csv", *options.split(), "--test", "t.csv", "--set", "train.epochs=2", "--set", "train.seed=7"
    )
    data = DataRecipe(
        path="rows.csv",
        form="columns",
        input="question",
        output="answer",
        validation_path="v.csv",
        test_path="t.csv",
    )
    expected = TuneRecipe(data=data, base="some/base@v1", method=Full())
    train = expected.train.model_copy(update={"epochs": 2.0, "seed": 7})
    assert tune.arguments == (expected.model_copy(update={"train": train}),)


def test_an_option_wins_over_the_recipe_file_and_the_file_over_the_defaults(
    shell: Shell, tune: Calls, tmp_path: Path
) -> None:
    (tmp_path / "recipe.yaml").write_text(
        "data: {path: rows.csv, input: q}\nbase: some/base\nmethod: {kind: lora, rank: 4}"
    )
    shell.run("tune", "--recipe", str(tmp_path / "recipe.yaml"), "--base", "bundled", "--set", "method.rank=8")
    data = DataRecipe(path="rows.csv", input="q")
    assert tune.arguments == (TuneRecipe(data=data, base="bundled", method=Lora(rank=8)),)


def test_home_and_the_command_to_repeat_are_handed_on(shell: Shell, tune: Calls, tmp_path: Path) -> None:
    shell.run("tune", "my rows.jsonl", "--home", str(tmp_path))
    assert tune.options["home"] == tmp_path
    assert tune.options["command"] == f"tunewright tune 'my rows.jsonl' --home {tmp_path}"


def test_the_result_shows_table_summary_answers_and_an_unbroken_path(shell: Shell, tune: Calls) -> None:
    lines = shell.run("tune", "rows.jsonl").stdout.splitlines()
    text = "\n".join(lines)
    assert "verdict" in text
    assert "On 96 held-out rows the tuned model gets 83 %" in text
    assert sum(line.startswith("expected ") for line in lines) == 3
    assert f"Report: /home/me/.tunewright/runs/{'a-long-name-' * 8}/report.html" in lines


def test_without_data_the_error_shows_how_to_call(shell: Shell, tune: Calls) -> None:
    outcome = shell.run("tune", "--base", "bundled")
    assert outcome.code == 2
    assert "DATA: found nothing, expected a file of examples" in outcome.stderr
    assert tune.count == 0


def test_data_may_come_from_set(shell: Shell, tune: Calls) -> None:
    shell.run("tune", "--set", "data.path=rows.jsonl")
    assert tune.arguments == (TuneRecipe(data=DataRecipe(path="rows.jsonl")),)


def test_an_unknown_form_is_refused_with_the_known_ones(shell: Shell, tune: Calls) -> None:
    outcome = shell.run("tune", "rows.jsonl", "--form", "chatty")
    assert outcome.code == 2
    assert "data.form: found 'chatty'" in outcome.stderr
    assert "sharegpt" in outcome.stderr


def test_resume_continues_the_named_run(shell: Shell, tune: Calls, tmp_path: Path) -> None:
    resume = shell.fake("resume", build_report())
    run = new_run(tmp_path)
    assert shell.run("tune", "--resume", "last", "--home", str(tmp_path)).code == 0
    assert resume.arguments == (run.record.id,)
    assert resume.options["home"] == tmp_path
    assert tune.count == 0


def test_a_run_that_is_named_by_its_folder_is_continued_in_its_own_home(
    shell: Shell, tune: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resume, run = shell.fake("resume", build_report()), new_run(tmp_path / "other")
    outcome = shell.run("tune", "--resume", str(run.path), "--home", str(tmp_path / "usual"))
    assert (outcome.code, resume.arguments, resume.options["home"]) == (0, (run.record.id,), tmp_path / "other")
    assert f"Talk to it: tunewright chat {build_report().run_id} --home {tmp_path / 'other'}" in outcome.stdout
    moved = tmp_path / "moved"
    run.path.rename(moved)
    assert shell.run("tune", "--resume", str(moved), "--home", str(tmp_path / "usual")).code == 0
    assert (resume.arguments, resume.options["home"]) == ((str(moved),), tmp_path / "usual")


def test_a_run_that_is_not_there_is_refused_before_a_process_is_started(shell: Shell, tmp_path: Path) -> None:
    outcome = shell.run("tune", "--resume", "last", "--home", str(tmp_path))
    assert outcome.code == 2
    assert "'last': found no run" in outcome.stderr


def test_resume_refuses_settings_by_name(shell: Shell) -> None:
    resume = shell.fake("resume", build_report())
    outcome = shell.run("tune", "rows.jsonl", "--resume", "last", "--set", "train.epochs=2")
    assert outcome.code == 2
    assert "--resume: found DATA, --set, expected no settings beside it" in outcome.stderr
    assert resume.count == 0


def test_after_a_death_at_the_last_write_the_report_is_shown_and_nothing_done_again(
    shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    resume = shell.fake("resume", build_report())
    show = shell.fake("show_run", (build_run(), build_report()))
    job = TuneJob(resume="3f9a", is_restart=True, home=tmp_path)
    carry_out(job, (screen := Screen()), screen.progress)
    assert "verdict" in capsys.readouterr().out
    assert (show.arguments, resume.count) == (("3f9a", tmp_path), 0)
    shell.fake("show_run", (build_run(status=RunStatus.RUNNING), None))
    carry_out(job, screen, screen.progress)
    assert resume.count == 1


def test_settings_name_every_option_that_was_given() -> None:
    everything = Settings(
        data="a",
        base="b",
        input_column="c",
        output_column="d",
        form="e",
        method="f",
        validation="g",
        test="h",
        recipe_file=Path("i"),
        overrides=("j=1",),
    )
    assert " ".join(everything.given) == (
        "DATA --base --input --output --form --method --validation --test --recipe --set"
    )
    assert Settings().given == []


def test_every_setting_that_a_command_takes_is_handed_on() -> None:
    names = {field.name for field in fields(Settings)}
    without_training = names - {"bake", "tasks"}
    commands = {
        tune_module.tune: names,
        study_module.study: without_training,
        recipe_module.recipe: without_training,
    }
    for command, own in commands.items():
        arguments = {name: name for name in signature(command).parameters}
        handed_on = Settings.among({**arguments, "overrides": ["a=1"]})
        expected: dict[str, Any] = {**{name: name for name in own}, "overrides": ("a=1",)}
        assert handed_on == Settings(**expected), command


def test_evaluate_hands_on_model_rows_and_recipe(shell: Shell) -> None:
    evaluate = shell.fake("evaluate", build_evaluation())
    options = "--input q --output a --set evaluate.max_inputs=10 --set data.system_prompt=Hello"
    outcome = shell.run("evaluate", "last", "new.csv", *options.split())
    rows = DataRecipe(path="new.csv", input="q", output="a", system_prompt="Hello")
    assert evaluate.arguments == ("last", rows, EvaluateRecipe(max_inputs=10))
    assert "verdict" not in outcome.stdout


def test_a_training_setting_has_no_effect_on_evaluate_and_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"--set train.epochs=2: found a setting without effect"):
        read_rows_recipe("rows.jsonl", overrides=("train.epochs=2",))


def test_a_recipe_read_from_options_equals_the_same_recipe_read_from_fields() -> None:
    settings = Settings(data="rows.jsonl", method="full")
    assert settings.recipe() == read_recipe({"data": {"path": "rows.jsonl"}, "method": {"kind": "full"}})
