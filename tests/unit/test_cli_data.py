"""`data` as a shell sees it: options become recipes, results become text and JSON."""

import json
from pathlib import Path

import pytest
import typer
from cli_fixture import Shell
from split_rows import row, write_jsonl

from tunewright.actions import QuestionWriter
from tunewright.cli.data import data
from tunewright.records import CheckRecipe, DataRecipe, DocumentRows

COMMANDS = ["build", "refresh", "diff", "show", "log", "back", "export", "from-docs"]


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "home"))
    write_jsonl(Path("tickets.jsonl"), [row(number) for number in range(80)])
    return Shell(monkeypatch, capsys)


def test_the_commands_and_their_examples(shell: Shell) -> None:
    assert [command.name for command in typer.main.get_command(data).commands.values()] == COMMANDS
    for command in COMMANDS:
        outcome = shell.run("data", command, "--help")
        assert outcome.code == 0
        assert f"$ tunewright data {command}" in outcome.stdout.partition("Example:")[2]


def test_from_the_first_build_to_the_export(shell: Shell) -> None:
    built = shell.run("data", "build", "tickets.jsonl")
    assert built.code == 0
    assert ": 40 train, 20 validation, 20 test rows" in built.stdout
    assert "Train on it: tunewright tune data:tickets\n" in built.stdout
    assert shell.run("data", "refresh", "tickets").stdout.startswith("Nothing has changed: tickets@1 is still")

    write_jsonl(Path("tickets.jsonl"), [row(0, "corrected"), *(row(number) for number in range(1, 86))])
    text = shell.run("data", "refresh", "tickets").stdout
    assert "The test split is that of tickets@1" in text
    assert ["tickets.jsonl", "6", "0", "1"] in [line.split() for line in text.splitlines()]
    assert "  changed tickets.jsonl:1  question 0 → answer 0 ⇒ corrected\n" in text
    assert "  and 3 more new; all with --json\n" in text

    log = shell.run("data", "log", "tickets").stdout.splitlines()
    assert [line.split()[:2] for line in log[1:]] == [["tickets@2", "refresh"], ["tickets@1", "build"]]
    assert shell.run("data", "log").stdout.splitlines()[1].startswith("tickets@2")
    assert "question 0" in shell.run("data", "diff", "tickets@1", "tickets@2").stdout
    assert "tickets@3" in shell.run("data", "back", "tickets", "1").stdout
    assert "have the same 80 rows" in shell.run("data", "diff", "tickets@1", "tickets").stdout

    shown = shell.run("data", "show", "tickets").stdout
    assert "data set  tickets@3\n" in shown
    assert "command   tunewright data back tickets 1\n" in shown
    assert shell.run("data", "show", "tickets@2", "--card").stdout.startswith("# Data set tickets@2\n")
    exported = shell.run("data", "export", "tickets", "--to", "jsonl", "--out", "out")
    assert exported.stdout == "Wrote out/train.jsonl\nWrote out/validation.jsonl\nWrote out/test.jsonl\n"


def test_an_export_says_how_the_copies_that_weights_make_are_kept(shell: Shell) -> None:
    recipe = {"data": {"sources": [{"path": "tickets.jsonl", "weight": 2}]}}
    Path("twice.yaml").write_text(json.dumps(recipe), encoding="utf-8")
    assert ": 80 train, " in shell.run("data", "build", "twice.yaml", "--name", "twice").stdout
    exported = shell.run("data", "export", "twice", "--to", "jsonl", "--out", "out")
    assert "40 training rows are copies of others. When" in " ".join(exported.stderr.split())
    splits = ("--validation", "out/validation.jsonl", "--test", "out/test.jsonl")
    again = shell.run(
        "data", "build", "out/train.jsonl", *splits, "--name", "same", "--set", "data.keep_duplicates=true"
    )
    assert ": 80 train, 20 validation, 20 test rows" in again.stdout


def test_a_build_says_what_was_done_to_the_rows_and_what_was_left_in(shell: Shell) -> None:
    rows = [{"prompt": f"What is number {number}?", "completion": f"It is the {number}."} for number in range(60)]
    rows += [rows[0], {"prompt": "Who are you?", "completion": "As an AI language model, I have no name."}]
    Path("dirty.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    stdout = shell.run("data", "build", "dirty.jsonl").stdout
    assert "Rows changed on the way: 1 dropped (duplicates)." in stdout
    assert "Found and left in: Refusals, 1 row." in stdout
    assert "Not checked" not in stdout


def test_fields_that_are_not_used_are_named_when_a_version_is_made_and_when_it_is_shown(shell: Shell) -> None:
    rows = [{"text": f"Box {number} is red.", "label": "red"} for number in range(80)]
    write_jsonl(Path("boxes.jsonl"), rows)
    unused = "fields that were not used: label"
    for arguments in (["build", "boxes.jsonl"], ["refresh", "boxes"]):
        assert f"Read 80 rows of boxes.jsonl as text.\n  {unused}" in shell.run("data", *arguments).stderr
    assert f"boxes.jsonl: {unused}" in shell.run("data", "show", "boxes").stdout


def test_rows_that_moved_or_stand_in_another_order_are_said(shell: Shell) -> None:
    shell.run("data", "build", "tickets.jsonl")
    moved = shell.run("data", "build", "tickets.jsonl", "--set", "data.split_seed=1", "--new-test").stdout
    assert "of them lie in another split." in moved
    write_jsonl(Path("tickets.jsonl"), [row(number) for number in reversed(range(80))])
    assert "Rows that both have stand in another order." in shell.run("data", "refresh", "tickets").stdout


def test_copies_that_weights_add_and_take_away_are_said_and_are_no_other_order(shell: Shell) -> None:
    for name, first in (("a", 0), ("b", 40)):
        write_jsonl(Path(f"{name}.jsonl"), [row(number) for number in range(first, first + 40)])

    def build(a_weight: int, b_weight: int) -> str:
        sources = f"[{{path: a.jsonl, weight: {a_weight}}}, {{path: b.jsonl, weight: {b_weight}}}]"
        Path("mix.yaml").write_text(f"data: {{sources: {sources}}}")
        return shell.run("data", "build", "mix.yaml", "--name", "mix").stdout

    build(1, 1)
    for said in (build(1, 2), build(2, 1), build(1, 1)):
        assert "Of training rows that both have: " in said
        assert "another order" not in said
    log = " ".join(shell.run("data", "log", "mix").stdout.split())
    assert "more and" in log
    assert "fewer copies" in log
    assert "the same rows" not in log


def test_without_data_sets_the_log_says_how_to_make_one(shell: Shell) -> None:
    assert "tunewright data build DATA" in shell.run("data", "log").stdout


def test_every_record_can_be_had_as_json(shell: Shell) -> None:
    built = json.loads(shell.run("data", "build", "tickets.jsonl", "--json", "-").stdout)
    assert (built["name"], built["is_new"], built["entry"]["number"]) == ("tickets", True, 1)
    for arguments, key in (
        (["refresh", "tickets"], "is_new"),
        (["diff", "tickets", "tickets"], "num_same"),
        (["show", "tickets"], "splits"),
        (["log", "tickets"], "entries"),
        (["export", "tickets", "--to", "parquet", "--out", "out"], "files"),
    ):
        assert key in json.loads(shell.run("data", *arguments, "--json", "-").stdout)
    assert [log["name"] for log in json.loads(shell.run("data", "log", "--json", "-").stdout)] == ["tickets"]


def test_options_become_the_recipe(shell: Shell) -> None:
    build = shell.fake("build_dataset", RuntimeError("called"))
    arguments = ["rows.csv", "--input", "q", "--output", "a", "--form", "columns", "--validation", "v.csv"]
    arguments += ["--test", "t.csv", "--set", "data.checks.accept=[secrets]", "--fixes", "f.jsonl", "--name", "mine"]
    with pytest.raises(RuntimeError, match="called"):
        shell.run("data", "build", *arguments, "--new-test", "--home", "there")
    assert build.arguments == (
        DataRecipe(
            path="rows.csv",
            input="q",
            output="a",
            form="columns",
            validation_path="v.csv",
            test_path="t.csv",
            fixes="f.jsonl",
            checks=CheckRecipe(accept=("secrets",)),
        ),
    )
    assert (build.options["name"], build.options["new_test"], build.options["home"]) == ("mine", True, Path("there"))
    assert build.options["command"].startswith("tunewright data build rows.csv --input q")


def test_a_recipe_file_gives_the_data_and_the_name(shell: Shell) -> None:
    Path("support.yaml").write_text(
        "data:\n  path: tickets.jsonl\n  split_seed: 4\ntrain:\n  epochs: 2\n", encoding="utf-8"
    )
    build = shell.fake("build_dataset", RuntimeError("called"))
    with pytest.raises(RuntimeError, match="called"):
        shell.run("data", "build", "support.yaml", "--set", "data.test_fraction=0.2")
    assert build.arguments == (DataRecipe(path="tickets.jsonl", split_seed=4, test_fraction=0.2),)
    assert build.options["name"] == "support"


@pytest.mark.parametrize("source", ["tickets.jsonl", "support.yaml"])
def test_settings_of_training_are_refused(shell: Shell, source: str) -> None:
    Path("support.yaml").write_text("data:\n  path: tickets.jsonl\n", encoding="utf-8")
    outcome = shell.run("data", "build", source, "--set", "train.epochs=2")
    assert outcome.code == 2
    assert "found a setting without effect, expected data.*." in outcome.stderr


def test_what_a_card_says_how_to_rebuild_works(shell: Shell) -> None:
    shell.run("data", "build", "tickets.jsonl", "--set", "data.split_seed=5")
    card = shell.run("data", "show", "tickets", "--card").stdout
    Path("again.yaml").write_text(card.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    shell.run("data", "build", "again.yaml")
    assert "have the same 80 rows" in shell.run("data", "diff", "tickets", "again").stdout


def test_documents_become_rows(shell: Shell) -> None:
    Path("docs").mkdir()
    Path("docs/fees.md").write_text("# Fees\n\nNone.\n", encoding="utf-8")
    made = shell.run("data", "from-docs", "docs", "--out", "rows")
    assert made.code == 0
    assert made.stdout == "1 passages of 1 documents\nWrote rows/passages.jsonl\nWrote rows/text.jsonl\n"
    record = json.loads(shell.run("data", "from-docs", "docs", "--out", "rows", "--text", "--json", "-").stdout)
    assert (record["files"], record["num_passages"]) == (["rows/text.jsonl"], 1)


def test_the_options_of_from_docs_name_the_writer(shell: Shell) -> None:
    rows = DocumentRows(
        files=("rows/questions.jsonl",),
        num_documents=1,
        num_passages=9,
        num_refused=2,
        num_unanswered=1,
        warnings=("w",),
    )
    make = shell.fake("make_rows_from_documents", rows)
    arguments = [
        "data",
        "from-docs",
        "docs",
        "--out",
        "rows",
        "--questions",
        "--endpoint",
        "http://h/v1",
        "--model",
        "m",
    ]
    made = shell.run(*arguments, "--key-variable", "KEY")
    assert make.arguments == (Path("docs"), Path("rows"), ["questions"])
    assert make.options["writer"] == QuestionWriter("http://h/v1", "m", "KEY")
    assert made.stdout.splitlines()[1:4] == [
        "warning: w",
        "0 questions with grounded answers, 2 refused",
        "1 passages without an answer; run the command again to ask for them",
    ]


@pytest.mark.parametrize(("option", "missing"), [("--endpoint", "--model"), ("--model", "--endpoint")])
def test_an_endpoint_needs_a_model_and_the_other_way_round(shell: Shell, option: str, missing: str) -> None:
    outcome = shell.run("data", "from-docs", "docs", "--out", "rows", "--questions", option, "http://h/v1")
    assert outcome.code == 2
    assert f"{missing}: found nothing, expected both an endpoint and a model" in outcome.stderr
