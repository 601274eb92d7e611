"""runs, show and doctor: what was done, and whether more can be done here."""

import json
from pathlib import Path

import pytest
from cli_fixture import Shell, build_run
from report_fixture import build_report

from tunewright.records import DoctorCheck, KeptArm, RunStatus

OK = DoctorCheck(name="torch", status="ok", found="2.13.0")
WARNING = DoctorCheck(name="memory", status="warning", found="2.0 GB", advice="Use a small base.")
BROKEN = DoctorCheck(name="peft", status="broken", found="No module [peft]", advice="Install it.")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    shell = Shell(monkeypatch, capsys)
    shell.fake("unreadable_runs", ())
    shell.fake("run_folder", Path("/home/me/runs/20261120-160831-3f9a"))
    return shell


def test_runs_lists_id_status_and_base(shell: Shell) -> None:
    shell.fake("list_runs", [build_run(), build_run(id="20261119-100000-aaaa", status=RunStatus.FAILED)])
    lines = shell.run("runs").stdout.splitlines()
    assert lines[1].split() == ["20261120-160831-3f9a", "tune", "succeeded", "2026-11-20", "16:08", "bundled"]
    assert "failed" in lines[2]


def test_no_runs_yet_says_how_to_make_one(shell: Shell) -> None:
    shell.fake("list_runs", [])
    assert "tunewright tune DATA" in shell.run("runs").stdout


def test_a_run_that_cannot_be_read_is_named(shell: Shell) -> None:
    shell.fake("unreadable_runs", ("runs/a/run.json: found nothing, expected a record. Start a new run.",))
    shell.fake("list_runs", [build_run()])
    said = "A run is not listed, since it cannot be read: runs/a/run.json: found nothing, expected a record."
    assert said in shell.run("runs").stderr
    shell.fake("list_runs", [])
    outcome = shell.run("runs")
    assert said in outcome.stderr
    assert "No runs yet" not in outcome.stdout


def test_show_prints_record_table_and_path(shell: Shell) -> None:
    show = shell.fake("show_run", (build_run(), build_report()))
    text = shell.run("show", "last").stdout
    assert show.arguments == ("last", None)
    assert "base      bundled @ sha256:" + "ab" * 32 in text
    assert "verdict" in text
    assert "Report: /home/me/runs/20261120-160831-3f9a/report.html\n" in text
    assert "2 processes share the rows of a step. Rows are padded to equal length" in text.replace("\n", " ")
    assert "--resume" not in text


def test_a_run_that_stopped_shows_why_and_how_to_continue(shell: Shell) -> None:
    run = build_run(status=RunStatus.FAILED, error="DivergedError: the [loss] is not a number")
    shell.fake("show_run", (run, None))
    text = shell.run("show", run.id).stdout
    assert "error     DivergedError: the [loss] is not a number\n" in text
    assert f"continue  tunewright tune --resume {run.id}\n" in text


def test_the_command_to_continue_keeps_home_and_processes(shell: Shell) -> None:
    run = build_run(status=RunStatus.INTERRUPTED)
    environment = run.environment.model_copy(update={"num_processes": 2, "num_threads": 1})
    shell.fake("show_run", (run.model_copy(update={"environment": environment}), None))
    shell.fake("run_folder", Path("/elsewhere/3f9a"))
    text = shell.run("show", run.id, "--home", "/else where").stdout
    assert f"continue  tunewright tune --resume {run.id} --processes 2 --home '/else where'\n" in text
    assert ", 2 processes with 1 thread each\n" in text


def test_a_run_outside_the_home_is_looked_up_by_the_folder_that_was_given(shell: Shell) -> None:
    shell.fake("show_run", (build_run(), None))
    run_folder = shell.fake("run_folder", Path("/elsewhere/3f9a"))
    assert "folder    /elsewhere/3f9a\n" in shell.run("show", "/elsewhere/3f9a").stdout
    assert run_folder.arguments[0] == "/elsewhere/3f9a"


def test_a_study_lists_its_arms_and_what_opens_each(shell: Shell) -> None:
    study = build_run(kind="study")
    arms = (
        KeptArm(kind="zero_shot", identity="a"),
        KeptArm(kind="tuned_retrieval", identity="b", num_passages=4, index="indexes/c", weights="tuned-retrieval"),
    )
    shell.fake("show_run", (study, None))
    shell.fake("list_arms", arms)
    text = shell.run("show", "last", "--home", "/my home").stdout
    assert f"arms      tunewright chat {study.id}/zero-shot --home '/my home'\n" in text
    assert f"          tunewright chat {study.id}/tuned-retrieval --home '/my home'  (4 passages)\n" in text
    assert "tunewright chat '/else where/3f9a/zero-shot'\n" in shell.run("show", "/else where/3f9a").stdout
    found = json.loads(shell.run("show", "last", "--json", "-").stdout)["arms"]
    assert found == [arm.model_dump(mode="json") for arm in arms]


def test_show_writes_run_and_report(shell: Shell) -> None:
    shell.fake("show_run", (build_run(), None))
    assert json.loads(shell.run("show", "last", "--json", "-").stdout) == {
        "run": build_run().model_dump(mode="json"),
        "report": None,
    }


def test_doctor_ends_with_zero_while_nothing_is_broken(shell: Shell) -> None:
    shell.fake("doctor", (OK, WARNING))
    outcome = shell.run("doctor")
    assert outcome.code == 0
    assert "Use a small base." in outcome.stdout


def test_doctor_ends_with_one_when_something_is_broken_and_still_writes_its_record(shell: Shell) -> None:
    shell.fake("doctor", (OK, BROKEN))
    outcome = shell.run("doctor", "--json", "-")
    assert outcome.code == 1
    assert "No module [peft]" in outcome.stderr
    assert [check["status"] for check in json.loads(outcome.stdout)] == ["ok", "broken"]
