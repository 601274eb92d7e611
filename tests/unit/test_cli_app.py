"""Help needs nothing heavy; every error has its exit code and no traceback; `--json -` keeps stdout clean."""

import errno
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from cli_fixture import Shell, build_run
from limited import limit_address_space
from report_fixture import build_report
from rich.text import Text

import tunewright
from tunewright.actions.handover import TuneJob, WorkerFolder
from tunewright.cli import app as app_module
from tunewright.cli import worker
from tunewright.cli.app import app, in_words
from tunewright.errors import (
    DataError,
    InterruptedRunError,
    ModelError,
    Problem,
    RunInUseError,
    StoreError,
    TrainError,
)

COMMANDS = [command.callback.__name__ for command in app.registered_commands if command.callback]
HEAVY = ("torch", "transformers", "peft", "datasets", "scipy", "matplotlib")


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_the_commands_are_those_of_the_readme() -> None:
    assert COMMANDS == ["check", "tune", "study", "evaluate", "chat", "tokens", "recipe", "runs", "show", "doctor"]


def test_help_and_version_load_nothing_heavy() -> None:
    script = f"""
import contextlib, io, sys
from tunewright.cli import main
for arguments in (["--help"], ["--version"], *([name, "--help"] for name in {COMMANDS!r})):
    sys.argv = ["tunewright", *arguments]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main()
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"


def test_asking_for_the_version_prints_it_and_does_nothing_else(shell: Shell) -> None:
    tune = shell.fake("tune", None)
    outcome = shell.run("--version", "tune", "rows.jsonl")
    assert (outcome.code, outcome.stdout, outcome.stderr) == (0, f"tunewright {tunewright.__version__}\n", "")
    assert tune.count == 0


def test_the_package_can_be_run_as_a_module() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "tunewright", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout == f"tunewright {tunewright.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_gives_an_example_with_its_own_command(shell: Shell, command: str) -> None:
    outcome = shell.run(command, "--help")
    assert outcome.code == 0
    assert f"$ tunewright {command}" in outcome.stdout.partition("Example:")[2]


def all_commands(command: Any) -> Iterator[Any]:
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from all_commands(inner)


def test_no_help_text_loses_words_that_stand_in_brackets() -> None:
    texts = [
        text
        for command in all_commands(typer.main.get_command(app))
        for text in (command.help, *(getattr(parameter, "help", None) for parameter in command.params))
        if text
    ]
    assert any("[" in text for text in texts)
    for text in texts:
        assert Text.from_markup(text).plain == text.replace(r"\[", "[")


def test_a_problem_is_printed_on_stderr_in_one_piece_and_ends_with_two(shell: Shell) -> None:
    problem = Problem("rows.jsonl:3 " + "x" * 100, "'[red]robot'", "system, user or assistant", "Rename the role.")
    shell.fake("tune", DataError(problem))
    outcome = shell.run("tune", "rows.jsonl")
    assert outcome.code == 2
    assert outcome.stdout == ""
    assert outcome.stderr == f"error: {problem}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ModelError("no such base"), 2),
        (StoreError("the disk is full"), 2),
        (TrainError("it has already succeeded"), 2),
        (RunInUseError("process 12 holds the lock"), 3),
        (InterruptedRunError("Stopped. Continue with: tunewright tune --resume 3f9a"), 130),
    ],
)
def test_every_error_of_ours_has_its_exit_code(shell: Shell, error: Exception, code: int) -> None:
    shell.fake("tune", error)
    outcome = shell.run("tune", "rows.jsonl")
    assert outcome.code == code
    assert str(error) in outcome.stderr


def test_stopping_on_request_is_not_called_an_error(shell: Shell) -> None:
    shell.fake("tune", InterruptedRunError("Stopped. Continue with: tunewright tune --resume 3f9a"))
    assert shell.run("tune", "rows.jsonl").stderr == "Stopped. Continue with: tunewright tune --resume 3f9a\n"


def test_ctrl_c_before_anything_was_made_ends_with_130(shell: Shell) -> None:
    shell.fake("tune", KeyboardInterrupt())
    assert shell.run("tune", "rows.jsonl").code == 130


def test_an_error_that_is_not_ours_keeps_its_traceback(shell: Shell) -> None:
    shell.fake("tune", ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError, match="a bug"):
        shell.run("tune", "rows.jsonl")


TOKENS = "tunewright tokens [OPTIONS] DATA"
SEE = "See: tunewright tokens --help"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            "tokens rows.jsonl --bsae x",
            "tunewright tokens: found the unknown option --bsae, expected one of its options. Closest: --base. " + SEE,
        ),
        (
            "tokens rows.jsonl -q",
            "tunewright tokens: found the unknown option -q, expected one of its options. " + SEE,
        ),
        ("tokens", f"tunewright tokens: found no DATA, expected {TOKENS}. {SEE}"),
        (
            "tokens rows.jsonl --rows 0",
            f"tunewright tokens --rows: found '0', expected a value greater than or equal to 1. {SEE}",
        ),
        ("tokens rows.jsonl --rows many", f"tunewright tokens --rows: found 'many', expected a valid integer. {SEE}"),
        (
            "data export tickets --to csv --out export",
            "tunewright data export --to: found 'csv', expected one of jsonl, openai, parquet. "
            "See: tunewright data export --help",
        ),
        (
            "tokens rows.jsonl --base",
            "--base: found no value after it, expected one. See: tunewright --help",
        ),
        ("tokens --help=3", "--help: found a value, expected none. See: tunewright --help"),
        (
            "tokens my rows.jsonl",
            "tunewright tokens: found more arguments than it takes: rows.jsonl, expected "
            f"{TOKENS}. Put quotes around what has spaces in it. {SEE}",
        ),
        (
            "tun rows.jsonl",
            f"tunewright: found the unknown command tun, expected one of {', '.join([*COMMANDS, 'data'])}. "
            "Closest: tune. See: tunewright --help",
        ),
        (
            "data xyzzy",
            "tunewright data: found the unknown command xyzzy, expected one of build, refresh, diff, show, log, back, "
            "export, from-docs. See: tunewright data --help",
        ),
    ],
)
def test_wrong_arguments_are_told_like_any_other_error(shell: Shell, arguments: str, told: str) -> None:
    outcome = shell.run(*arguments.split())
    assert (outcome.code, outcome.stdout, outcome.stderr) == (2, "", f"error: {told}\n")


def test_without_arguments_the_help_is_shown(shell: Shell) -> None:
    outcome = shell.run()
    assert outcome.code == 2
    assert "Start here:" in outcome.stdout
    assert outcome.stderr == ""


def test_json_to_the_terminal_leaves_only_json_on_stdout(shell: Shell) -> None:
    report = build_report()
    shell.fake("tune", report)
    shell.fake("run_folder", Path("somewhere"))
    outcome = shell.run("tune", "rows.jsonl", "--json", "-")
    assert json.loads(outcome.stdout) == report.model_dump(mode="json")
    assert "Field" in outcome.stderr
    assert "report.html" in outcome.stderr


def test_json_to_a_file_leaves_the_text_on_stdout(shell: Shell, tmp_path: Path) -> None:
    shell.fake("list_runs", [build_run()])
    outcome = shell.run("runs", "--json", str(tmp_path / "runs.json"))
    assert "20261120-160831-3f9a" in outcome.stdout
    assert json.loads((tmp_path / "runs.json").read_text()) == [build_run().model_dump(mode="json")]


def test_a_json_file_in_a_missing_folder_is_refused_before_the_work_starts(shell: Shell, tmp_path: Path) -> None:
    tune = shell.fake("tune", build_report())
    outcome = shell.run("tune", "rows.jsonl", "--json", str(tmp_path / "missing" / "report.json"))
    assert outcome.code == 2
    assert "no such folder" in outcome.stderr
    assert "found a folder" in shell.run("tune", "rows.jsonl", "--json", str(tmp_path)).stderr
    assert tune.count == 0


@pytest.mark.parametrize(
    "command",
    [
        ("check", "rows.json"),
        ("check", "recipe.json.yaml"),
        ("data", "build", "rows.json"),
        ("evaluate", "last", "rows.json"),
        ("tokens", "rows.json"),
        ("recipe", "rows.json"),
        ("tune", "rows.json"),
        ("tune", "--recipe", "recipe.json.yaml"),
        ("study", "rows.json"),
    ],
)
def test_no_command_writes_its_json_over_what_it_reads(
    shell: Shell, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for action in ("check", "build_dataset", "evaluate", "show_tokens", "explain_recipe", "tune", "study"):
        shell.fake(action, AssertionError("was called"))
    rows = json.dumps([{"prompt": "Hi", "completion": "Hello"}], indent=2)
    recipe = json.dumps({"data": {"path": "other.json"}}, indent=2)
    Path("rows.json").write_text(rows, encoding="utf-8")
    Path("recipe.json.yaml").write_text(recipe, encoding="utf-8")
    outcome = shell.run(*command, "--json", command[-1])
    assert outcome.code == 2
    assert f"--json {command[-1]}: found a file that this command reads, expected another file." in outcome.stderr
    assert Path("rows.json").read_text(encoding="utf-8") == rows
    assert Path("recipe.json.yaml").read_text(encoding="utf-8") == recipe


def test_a_json_file_that_cannot_be_written_is_an_error(shell: Shell) -> None:
    shell.fake("list_runs", [])
    outcome = shell.run("runs", "--json", "/dev/full")
    assert outcome.code == 2
    assert "expected a file to write to" in outcome.stderr


@pytest.mark.parametrize("arguments", [("check", "{}.jsonl"), ("chat", "{}"), ("tokens", "rows.jsonl", "--base", "{}")])
def test_a_name_that_the_system_refuses_is_an_error_in_words(shell: Shell, arguments: tuple[str, ...]) -> None:
    outcome = shell.run(*(argument.format("a" * 5000) for argument in arguments))
    assert outcome.code == 2
    assert "…: found file name too long, expected a path that can be opened. Check the path" in outcome.stderr
    assert len(outcome.stderr) < 400


def test_so_it_is_in_the_process_that_trains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied", "/locked/rows.jsonl")

    monkeypatch.setattr(worker, "carry_out", refuse)
    WorkerFolder(tmp_path).write_job(TuneJob(resume="last", home=tmp_path))
    assert worker.main(tmp_path) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert "/locked/rows.jsonl: found permission denied, expected a path that can be opened." in said


def test_memory_that_runs_out_where_nothing_smaller_can_be_tried_is_an_error_in_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run_out(*_: object, **__: object) -> int:
        raise ImportError("libtorch_cpu.so: failed to map segment from shared object")

    monkeypatch.setattr(worker, "carry_out", run_out)
    WorkerFolder(tmp_path).write_job(TuneJob(resume="last", home=tmp_path))
    assert worker.main(tmp_path) == 2
    assert WorkerFolder(tmp_path).has_ended()
    said = " ".join(capsys.readouterr().err.split())
    assert "error: Memory ran out (libtorch_cpu.so: failed to map segment from shared object" in said
    monkeypatch.setattr(app_module, "app", run_out)
    with pytest.raises(SystemExit, match="2"):
        app_module.main()
    assert "error: Memory ran out (libtorch_cpu.so" in " ".join(capsys.readouterr().err.split())


def test_a_strange_error_where_no_address_space_is_left_is_told_as_a_lack_of_it_with_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = SystemError("error return without exception set")
    limit_address_space(monkeypatch, 10**15)
    with pytest.raises(SystemError):
        in_words(error)
    limit_address_space(monkeypatch, 10**6)  # all that this process has mapped is more
    words = "Memory ran out (SystemError: error return without exception set, with no address space left; `ulimit -v`"
    assert str(in_words(error)).startswith(words)
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith("SystemError: error return without exception set\n")


def test_an_error_of_the_system_that_names_no_file_is_a_bug_of_ours() -> None:
    with pytest.raises(OSError, match="Broken pipe"):
        in_words(BrokenPipeError(errno.EPIPE, "Broken pipe"))
