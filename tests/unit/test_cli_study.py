"""The options of `study` become its recipe; findings become exit codes."""

from pathlib import Path

import pytest
from cli_fixture import Calls, Shell
from report_fixture import by_group
from store_samples import new_run
from study_fixture import ARMS, build_study, judge_comparison, strict_formats

from tunewright.records import (
    EndpointRecipe,
    Full,
    JudgeRecipe,
    StudyReport,
    UpdatedRecipe,
    Verdict,
    format_break_even,
    format_judge,
)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(monkeypatch, capsys)
    shell.fake("run_folder", Path("/home/me/.tunewright/runs/20261120"))
    return shell


@pytest.fixture
def study(shell: Shell) -> Calls:
    return shell.fake("study", build_study())


def test_every_option_reaches_its_setting(shell: Shell, study: Calls) -> None:
    changed = "--documents manuals --updated-documents now --updated-answers a.jsonl"
    options = f"--base some/base {changed} --prompt a.txt --prompt b.txt --method full --input q --output a"
    hosted = "--endpoint http://localhost:8000/v1 --model large --key-variable KEY --set few_shot.k=[3]"
    assert shell.run("study", "rows.csv", *options.split(), *hosted.split()).code == 0
    (recipe,) = study.arguments
    assert (recipe.data.path, recipe.data.input, recipe.base) == ("rows.csv", "q", "some/base")
    assert (recipe.documents, recipe.prompts, recipe.method) == ("manuals", ("a.txt", "b.txt"), Full())
    assert recipe.updated == UpdatedRecipe(documents="now", answers="a.jsonl")
    assert recipe.few_shot.k == (3,)
    assert recipe.endpoint == EndpointRecipe(url="http://localhost:8000/v1", model="large", key_variable="KEY")


def test_the_screen_shows_every_arm_the_decision_and_where_the_report_is(shell: Shell, study: Calls) -> None:
    words = " ".join(shell.run("study", "rows.jsonl").stdout.split())
    training = "Training of tuned: 2 processes share"
    for part in (
        *ARMS,
        build_study().decision.headline,
        "83 %",
        "[73, 93]",
        "unknown",
        "worse",
        training,
        "summary.md",
    ):
        assert part in words
    assert study.options["command"] == "tunewright study rows.jsonl"


@pytest.mark.parametrize("is_told_by", ["reasons", "what_would_change_it", None])
def test_the_break_even_is_told_once(shell: Shell, is_told_by: str | None) -> None:
    report = build_study()
    assert report.break_even
    told = format_break_even(report.break_even)
    if is_told_by:
        decision = report.decision.model_copy(update={is_told_by: (f"Money alone speaks for tuned: {told}",)})
        report = report.model_copy(update={"decision": decision})
    shell.fake("study", report)
    assert " ".join(shell.run("study", "rows.jsonl").stdout.split()).count(told) == 1


def test_seconds_of_a_slow_arm_have_no_exponent(shell: Shell) -> None:
    report = build_study()
    arms = tuple(
        arm.model_copy(update={"facts": arm.facts.model_copy(update={"machine_seconds": 1321.4})})
        for arm in report.arms
    )
    shell.fake("study", report.model_copy(update={"arms": arms}))
    assert "1,320" in shell.run("study", "rows.jsonl").stdout


def test_the_screen_says_that_intervals_are_by_group(shell: Shell) -> None:
    shell.fake("study", by_group(build_study(), 14))
    words = " ".join(shell.run("study", "rows.jsonl").stdout.split())
    assert words.count("Intervals are by group: the test inputs are of 14 groups, which are resampled whole.") == 1


def test_the_screen_shows_how_well_each_arm_keeps_a_strict_format(shell: Shell) -> None:
    shell.fake("study", build_study(strict_formats=strict_formats()))
    lines = shell.run("study", "rows.jsonl").stdout.split("Strict format\n")[1].splitlines()
    rows = [" ".join(line.split()) for line in lines]
    for row in (
        "zero-shot freely 20 % 20 % 7 of",
        "zero-shot constrained 85 % 85 % 3 of",
        "endpoint freely 70 % 70 % 0 of",
    ):
        assert any(found.startswith(row) for found in rows), rows
    assert any(row.startswith("A note") for row in rows)


def test_the_screen_shows_whom_the_judge_prefers_and_how_far_it_agrees_with_itself(shell: Shell) -> None:
    shell.fake("study", build_study(judge=judge_comparison(judge="large", note=None)))
    words = " ".join(shell.run("study", "rows.jsonl").stdout.split("Preference of a judge\n")[1].split())
    for part in (
        "tuned against prompted 18 16 6 3 40 of 62",
        "The judge large prefers tuned to prompted: 18 wins",
        "it says the same in 69 % [53, 83] of 36 pairs asked",
        "Zheng et al. 2023",
    ):
        assert part in words


@pytest.mark.parametrize("verdict", list(Verdict))
def test_the_sentence_about_a_judge_follows_its_verdict(verdict: Verdict) -> None:
    found = judge_comparison(judge="large", verdict=verdict)
    words = {
        Verdict.BETTER: "prefers tuned to prompted",
        Verdict.WORSE: "prefers prompted to tuned",
        Verdict.TOO_FEW_ROWS: "shows no clear preference between tuned and prompted",
    }
    assert f"The judge large {words[verdict]}: 18 wins" in format_judge(found)


def test_the_settings_of_a_judge_are_given_with_set(shell: Shell, study: Calls) -> None:
    given = ["--set", "judge.url=http://localhost:8000/v1", "--set", "judge.model=large", "--set", "judge.max_items=9"]
    assert shell.run("study", "rows.jsonl", *given).code == 0
    (recipe,) = study.arguments
    assert recipe.judge == JudgeRecipe(url="http://localhost:8000/v1", model="large", max_items=9)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["study"], "tunewright study tickets.csv"),
        (["study", "x", "--model", "large"], "endpoint.url: found nothing"),
        (["study", "x", "--set", "judge.question=Brief?"], "judge.url: found nothing"),
        (["study", "x", "--updated-documents", "d"], "updated.answers: found nothing"),
        (["study", "x", "--documents", ""], "documents: found an empty text, expected a file or folder"),
        (["study", "x", "--fail-if", "bad-luck"], "--fail-if: found 'bad-luck', expected one of worse-than-prompt"),
        (["study", "--resume", "last", "--documents", "d"], "--resume: found --documents"),
        (["study", "--resume", "last", "--prompt", "p", "--base", "b"], "found --base, --prompt"),
    ],
)
def test_what_makes_no_sense_is_refused(shell: Shell, study: Calls, arguments: list[str], message: str) -> None:
    outcome = shell.run(*arguments)
    assert outcome.code == 2
    assert message in " ".join(outcome.stderr.split())
    assert study.count == 0


def test_resume_takes_the_run_and_nothing_else(shell: Shell, tmp_path: Path) -> None:
    resumed, run = shell.fake("resume_study", build_study()), new_run(tmp_path)
    assert shell.run("study", "--resume", "last", "--home", str(tmp_path)).code == 0
    assert resumed.arguments == (run.record.id,)


def test_a_gate_that_fails_ends_with_one_after_everything_was_written(
    shell: Shell, study: Calls, tmp_path: Path
) -> None:
    record = tmp_path / "study.json"
    assert shell.run("study", "rows.jsonl", "--fail-if", "worse-than-prompt").code == 0
    outcome = shell.run("study", "rows.jsonl", "--fail-if", "not-better", "--json", str(record))
    assert outcome.code == 1
    assert "--fail-if: No tuned arm is better" in outcome.stderr
    assert StudyReport.model_validate_json(record.read_bytes()) == build_study()
