"""`check` on the screen: the table, three examples of each problem, the way on, and the exit code."""

import json
import shlex
from pathlib import Path

import pytest
from cli_fixture import Shell
from data_report_fixture import build_clean_data_report, build_data_report, build_finding, build_result
from representation_fixture import build_clusters, build_measurements, build_tokens

from tunewright.data import prepare
from tunewright.data.check_command import check_command
from tunewright.errors import DataError
from tunewright.records import CheckRecipe, DataRecipe, DataReport, Severity, SourceRecipe


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def test_a_blocking_problem_ends_with_one_and_says_how_to_go_on(shell: Shell) -> None:
    shell.fake("check", build_data_report())
    outcome = shell.run("check", "rows.jsonl")
    assert outcome.code == 1
    assert "1,234 rows of rows & co.jsonl, read as messages" in outcome.stdout
    lines = [" ".join(line.split()) for line in outcome.stdout.splitlines()]
    assert "problem rows severity what will happen" in lines
    assert "Contradictions 8 stops training training is refused" in lines
    assert "Secrets 1 accepted listed only" in lines
    assert "By default: 4 rows dropped, 1 row edited. Training is refused" in outcome.stdout
    assert "--set 'data.checks.accept=[contradictions]'" in outcome.stdout
    assert "--fix fixes.jsonl" in outcome.stdout


def test_three_examples_of_each_problem_are_shown_with_their_evidence(shell: Shell) -> None:
    shell.fake("check", build_data_report())
    stdout = shell.run("check", "rows.jsonl").stdout
    assert "- Rows 13, 14 are alike." in stdout
    assert "- Rows 15, 16 are alike." not in stdout
    assert "  rows & co.jsonl:2  no" in stdout
    assert "  rows & co.jsonl:8  eight" in stdout
    assert "nine" not in stdout
    assert "and 1 more" in stdout
    assert "1 check found nothing." in stdout
    text = " ".join(stdout.split())
    assert "1 check has nothing to do: Contamination (no files are named in data.checks.benchmarks)." in text


def test_of_many_idle_checks_a_few_are_named_and_missing_libraries_each_in_a_line(shell: Shell) -> None:
    idle = [build_result(f"idle{number}", skipped="nothing to look at") for number in range(5)]
    lacking = build_result("mojibake", skipped="pip install it", lacks_extra=True)
    shell.fake("check", build_data_report(results=(*idle, lacking)))
    text = " ".join(shell.run("check", "rows.jsonl").stdout.split())
    assert "Not checked: Mojibake, pip install it 5 checks have nothing to do: Idle0 (nothing to look at);" in text
    assert "Idle2 (nothing to look at); --page names the others." in text


def test_evidence_of_several_rows_stands_below_them_and_control_characters_are_shown(shell: Shell) -> None:
    finding = build_finding("overlap", 1, 2, evidence=("\x1b[2J" + "word " * 60,))
    shell.fake("check", build_data_report(results=(build_result("overlap", finding),)))
    stdout = shell.run("check", "rows.jsonl").stdout
    lines = [line.rstrip() for line in stdout.splitlines()]
    place = lines.index("  rows & co.jsonl:1, rows & co.jsonl:2")
    assert lines[place + 1].startswith("  ␛[2Jword word")
    assert "…" in stdout


def test_a_folder_that_a_row_names_stays_in_its_text(shell: Shell) -> None:
    finding = build_finding(
        "labels", 1, locations=("docs/rows.jsonl:1",), explanation="docs/rows.jsonl:1 asks “What is in docs/setup.md?”."
    )
    report = build_data_report(results=(build_result("labels", finding),))
    source = report.sources[0].model_copy(update={"name": "docs/rows.jsonl"})
    shell.fake("check", report.model_copy(update={"sources": (source,)}))
    assert "- rows.jsonl:1 asks “What is in docs/setup.md?”." in shell.run("check", "docs/rows.jsonl").stdout


def test_a_clean_data_set_ends_with_zero(shell: Shell) -> None:
    shell.fake("check", build_clean_data_report())
    outcome = shell.run("check", "rows.jsonl")
    assert outcome.code == 0
    assert outcome.stdout.endswith("1 check found nothing.\nNothing stops training.\n")


def test_options_become_the_recipe_and_the_files(shell: Shell) -> None:
    check = shell.fake("check", build_clean_data_report())
    arguments = ["rows.csv", "--input", "q", "--output", "a", "--form", "columns", "--validation", "v.csv"]
    arguments += ["--test", "t.csv", "--set", "data.checks.accept=[contradictions]", "--base", "bundled"]
    outcome = shell.run("check", *arguments, "--fix", "f.jsonl", "--page", "p.html")
    (recipe,) = check.arguments
    assert recipe == DataRecipe(
        path="rows.csv",
        input="q",
        output="a",
        form="columns",
        validation_path="v.csv",
        test_path="t.csv",
        checks=CheckRecipe(accept=("contradictions",)),
    )
    assert (check.options["fixes_file"], check.options["page"]) == (Path("f.jsonl"), Path("p.html"))
    written = (
        "Fix list: f.jsonl  (change its actions, then: tunewright tune rows.csv --input q --output a --form columns"
    )
    settings = "--set 'data.checks.accept=[contradictions]' --set data.fixes=f.jsonl"
    assert f"{written} --validation v.csv --test t.csv --base bundled {settings})" in outcome.stdout
    assert "Report: p.html" in outcome.stdout


@pytest.mark.parametrize("setting", ["data.form", "form"])
def test_a_setting_without_a_value_is_told_how_settings_are_written(setting: str, shell: Shell) -> None:
    outcome = shell.run("check", "rows.jsonl", "--set", setting)
    assert f"--set {setting}: found no key=value" in outcome.stderr


def test_the_next_command_of_a_recipe_file_gives_it_as_a_recipe(shell: Shell, tmp_path: Path) -> None:
    shell.fake("check", build_clean_data_report())
    path = tmp_path / "mix.yaml"
    path.write_text("data: {path: rows.jsonl}\n", encoding="utf-8")
    stdout = shell.run("check", str(path), "--fix", "my list.jsonl").stdout
    assert f"tunewright tune --recipe {path} --set 'data.fixes=my list.jsonl')" in stdout


def test_the_command_that_a_refusal_prints_finds_what_was_refused(shell: Shell, tmp_path: Path) -> None:
    rows = [f"{number},which colour is number {number},red\n" for number in range(60)]
    path = tmp_path / "my rows.csv"
    path.write_text("".join(["id,the question,a\n", *rows, "60,which colour is number 3,blue\n"]), encoding="utf-8")
    with pytest.raises(DataError, match="contradictions: found 2 rows") as refused:
        prepare(DataRecipe(path=str(path), input="the question", output="a", group_column="id"))
    _, command, _ = str(refused.value).split("`")
    outcome = shell.run(*shlex.split(command)[1:])
    assert outcome.code == 1
    assert "Contradictions" in outcome.stdout


@pytest.mark.parametrize(
    "recipe",
    [
        DataRecipe(path="rows.csv", input="the question", output=" a", validation_path="v 1.csv", test_path="$t.csv"),
        DataRecipe(path="rows.jsonl", form="text", time_column="null", stratify=True, test_fraction=0.25, fixes="f #1"),
        DataRecipe(path="rows.jsonl", system_prompt='Two lines:\n- `a`, it\'s "b" ü', unusable_rows="drop"),
        DataRecipe(path="rows.jsonl", checks=CheckRecipe(accept=("personal_data",), licences=("CC-*",), redact=True)),
    ],
)
def test_every_setting_of_a_recipe_is_in_the_command_that_a_refusal_prints(shell: Shell, recipe: DataRecipe) -> None:
    check = shell.fake("check", build_clean_data_report())
    assert shell.run(*shlex.split(check_command(recipe))[1:]).code == 0
    assert check.arguments == (recipe,)


def test_the_command_of_several_sources_names_their_recipe_file() -> None:
    recipe = DataRecipe(sources=(SourceRecipe(path="a.jsonl"), SourceRecipe(path="b.jsonl")), split_seed=3)
    assert check_command(recipe) == "tunewright check RECIPE.yaml --set data.split_seed=3"


def test_what_is_left_out_and_what_stops_training_is_told_apart(shell: Shell) -> None:
    results = [
        build_result("contradictions", build_finding("contradictions", 1, 2)).model_copy(
            update={"severity": Severity.BLOCKING, "is_acceptable": is_acceptable, "title": title}
        )
        for title, is_acceptable in (("Contradictions", True), ("Rows that cannot be read", False), ("Secrets", True))
    ]
    shell.fake("check", build_data_report(results=tuple(results), num_dropped=1, num_edited=0, num_copies=3))
    assert (
        "By default: 1 row dropped, 3 exact copies left out. Training is refused until this is corrected: Rows that "
        "cannot be read; and this is corrected or accepted: Contradictions, Secrets.\n"
    ) in shell.run("check", "rows.jsonl").stdout


def test_a_fix_list_that_was_written_is_not_advised_again(shell: Shell) -> None:
    shell.fake("check", build_data_report())
    assert "To decide row by row: add --fix" in shell.run("check", "rows.jsonl").stdout
    assert "To decide row by row" not in shell.run("check", "rows.jsonl", "--fix", "f.jsonl").stdout


def test_a_recipe_file_takes_the_place_of_the_rows_and_options_win_over_it(shell: Shell, tmp_path: Path) -> None:
    check = shell.fake("check", build_clean_data_report())
    path = tmp_path / "mix.YAML"
    path.write_text(
        "data: {sources: [{path: a.jsonl}, {path: b.csv, weight: 2}], input: q, output: x}\nbase: bundled\n"
    )
    shell.run("check", str(path), "--output", "a")
    (recipe,) = check.arguments
    assert [(source.path, source.weight) for source in recipe.sources] == [("a.jsonl", 1.0), ("b.csv", 2.0)]
    assert (recipe.input, recipe.output) == ("q", "a")
    outcome = shell.run("check", str(tmp_path / "none.yaml"))
    assert outcome.code == 2
    assert "none.yaml: found no such file, expected a readable YAML file" in outcome.stderr


def test_the_base_is_the_one_named_here_or_else_in_the_recipe_file(shell: Shell, tmp_path: Path) -> None:
    check = shell.fake("check", build_clean_data_report())
    named, silent = tmp_path / "named.yaml", tmp_path / "silent.yaml"
    named.write_text("data: {path: a.jsonl}\nbase: owner/name\n")
    silent.write_text("data: {path: a.jsonl}\n")
    bases = []
    for arguments in ([named], [named, "--base", "bundled"], [silent], ["a.jsonl"], ["a.jsonl", "--base", "bundled"]):
        shell.run("check", *map(str, arguments))
        bases.append(check.options["base"])
    assert bases == ["owner/name", "bundled", None, None, "bundled"]


@pytest.mark.parametrize("override", ["train.epochs=2", "evaluate.seed=1"])
def test_settings_without_effect_are_refused(shell: Shell, override: str) -> None:
    outcome = shell.run("check", "rows.jsonl", "--set", override)
    assert outcome.code == 2
    assert "found a setting without effect, expected data.*." in outcome.stderr


def test_the_json_record_is_the_report(shell: Shell) -> None:
    shell.fake("check", build_data_report())
    outcome = shell.run("check", "rows.jsonl", "--json", "-")
    assert DataReport.model_validate(json.loads(outcome.stdout)) == build_data_report()
    assert outcome.code == 1


def test_topics_are_a_table_and_the_reference_and_groups_a_line_each(shell: Shell) -> None:
    shell.fake("check", build_data_report(results=(build_result("topic_shares", measured=build_measurements()),)))
    lines = [" ".join(line.split()) for line in shell.run("check", "rows.jsonl").stdout.splitlines()]
    assert "topic rows train test reference" in lines
    assert "refund, card, invoice 60 60% 60% 60%" in lines
    text = " ".join(lines)
    assert "Told apart from prod.jsonl by a classifier: AUC 0.81 [0.77, 0.85] (0.5: not at all; 1: always)" in text
    assert "Inputs of prod.jsonl that training covers: 88.0% of 400 [83.0, 93.0]" in text
    assert "Rows by region: area" in text


def test_tokens_are_one_line(shell: Shell) -> None:
    shell.fake("check", build_data_report(results=(build_result("cut_prompts", measured=(build_tokens(),)),)))
    text = " ".join(shell.run("check", "rows.jsonl").stdout.split())
    assert (
        "In the tokens of owner/base: 12,345 in all, 2,345 of them trained; inputs median 20, longest 90; answers "
        "median 3, longest 7; room for 64"
    ) in text


def test_of_many_topics_the_largest_are_printed(shell: Shell) -> None:
    clusters = build_clusters("all")
    many = clusters.model_copy(update={"clusters": clusters.clusters * 3})
    shell.fake("check", build_data_report(results=(build_result("topic_shares", measured=(many,)),)))
    stdout = shell.run("check", "rows.jsonl").stdout
    assert "and 1 smaller; --page shows all" in stdout
    assert "share" in stdout
