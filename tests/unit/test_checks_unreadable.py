"""`check` goes on past rows that cannot be read, and `tune` does not."""

import gzip
import json
from pathlib import Path

import pytest
from cli_fixture import Shell

from tunewright.actions import check
from tunewright.data import prepare
from tunewright.errors import DataError
from tunewright.records import CheckResult, DataRecipe, DataReport, Severity

GOOD = [json.dumps({"prompt": f"question {number}", "completion": f"answer {number}"}) for number in range(60)]
BAD = ['{"prompt": "cut off', '{"prompt": "q"}', '{"prompt": "q", "completion": ""}', "[1]"]


def write(path: Path, lines: list[str]) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def result_of(report: DataReport) -> CheckResult:
    (result,) = (result for result in report.results if result.check == "unreadable_rows")
    return result


def test_bad_rows_are_listed_and_the_others_are_checked(tmp_path: Path) -> None:
    path = write(tmp_path / "rows.jsonl", [*GOOD[:10], *BAD, *GOOD[10:], GOOD[0]])
    report = check(DataRecipe(path=path))
    result = result_of(report)
    assert (result.num_rows, result.severity, result.is_acceptable) == (4, Severity.BLOCKING, False)
    places = [finding.locations[0].removeprefix(path).split()[0] for finding in result.findings]
    assert sorted(places) == [":11", ":12", ":13", ":14"]
    assert all(finding.explanation.startswith("Found ") for finding in result.findings)
    assert (report.num_rows, report.num_distinct_rows) == (61, 60)
    assert {result.check for result in report.blocking} == {"unreadable_rows"}


def test_of_many_bad_rows_the_first_are_shown_and_all_counted(tmp_path: Path) -> None:
    result = result_of(check(DataRecipe(path=write(tmp_path / "rows.jsonl", GOOD + BAD * 10))))
    assert (result.num_rows, len(result.findings)) == (40, 20)


def test_held_out_files_and_packed_ones_are_looked_at_too(tmp_path: Path) -> None:
    packed = tmp_path / "test.jsonl.gz"
    packed.write_bytes(gzip.compress("".join(f"{line}\n" for line in [*GOOD[20:], BAD[1]]).encode()))
    recipe = DataRecipe(path=write(tmp_path / "rows.jsonl", [*GOOD[:20], BAD[0]]), test_path=str(packed))
    places = [finding.locations[0].split()[0] for finding in result_of(check(recipe)).findings]
    assert places == [f"{tmp_path}/rows.jsonl:21", f"{packed}:41"]


def test_good_rows_give_an_empty_result(tmp_path: Path) -> None:
    assert result_of(check(DataRecipe(path=write(tmp_path / "rows.jsonl", GOOD)))).num_rows == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.jsonl", "\n".join(BAD), "and 0 more|found"),
        ("rows.json", f"[{GOOD[0]}, {GOOD[1]}, nonsense]", "line 1"),
        ("rows.csv", 'prompt,completion\na,b\n"c,d\n', "broken quoting"),
        ("rows.jsonl", '{"a": 1}\n', "found rows with the fields a"),
    ],
)
def test_a_file_that_hides_rows_or_has_no_good_one_is_refused(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    settings = {"input": "prompt", "output": "completion"} if name.endswith(".csv") else {}
    with pytest.raises(DataError, match=message):
        check(DataRecipe(path=str(path), **settings))


def test_training_refuses_a_file_with_one_bad_row(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl:61"):
        prepare(DataRecipe(path=write(tmp_path / "rows.jsonl", [*GOOD, BAD[0]])))


def test_the_screen_offers_no_acceptance_of_what_cannot_be_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Shell(monkeypatch, capsys).run("check", write(tmp_path / "rows.jsonl", [*GOOD, BAD[1]]))
    assert outcome.code == 1
    assert "Training is refused until this is corrected: Rows that cannot be read." in outcome.stdout
    assert "checks.accept" not in outcome.stdout
    assert "\n  rows.jsonl:61 " in outcome.stdout
