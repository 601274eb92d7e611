"""What `check` reports of many findings, and what `tune` says about findings before it starts."""

import json
from pathlib import Path

import pytest
from data_report_fixture import build_data_report, build_result
from listening import Listening

from tunewright.actions import check, checking, preparing
from tunewright.errors import StoreError
from tunewright.records import DataRecipe


def test_tune_says_one_line_for_each_check_that_found_something_and_one_for_those_that_could_not_run() -> None:
    listening = Listening()
    lacking = [build_result(name, skipped="not installed", lacks_extra=True) for name in ("label_errors", "mojibake")]
    preparing._announce_findings((*build_data_report().results[:2], build_result("lengths"), *lacking), listening)
    assert listening.lines == [
        "Contradictions: 8 rows; training is refused. Such as rows & co.jsonl:1: Rows 1, 2 are alike.",
        "Secrets: 1 row; listed only. Such as rows & co.jsonl:3: Rows 3 are alike.",
        "Not checked: Label errors, Mojibake. Install what that takes: pip install 'tunewright[data]'",
    ]


def test_a_report_holds_the_worst_findings_and_the_fix_list_all(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(checking, "MAX_FINDINGS", 2)
    path, fixes = tmp_path / "rows.jsonl", tmp_path / "fixes.jsonl"
    pairs = [(f"which colour is number {number}", "abc"[number % 3]) for number in range(60)]
    pairs += [(question, "d") for question, _ in pairs[:5]]
    rows = [json.dumps({"prompt": question, "completion": answer}) + "\n" for question, answer in pairs]
    path.write_text("".join(rows), encoding="utf-8")
    report = check(DataRecipe(path=str(path)), fixes_file=fixes)
    (result,) = report.blocking
    assert (result.num_rows, len(result.findings)) == (10, 2)
    assert len(fixes.read_text(encoding="utf-8").splitlines()) == 10


def test_a_folder_that_is_not_there_is_told_before_the_rows_are_read(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere" / "x"
    recipe = DataRecipe(path=str(tmp_path / "rows.jsonl"))  # does not exist either
    with pytest.raises(StoreError, match=r"nowhere/x: found no such folder, expected a file in a folder that exists"):
        check(recipe, page=nowhere)
    with pytest.raises(StoreError, match=r"nowhere/x: found no such folder"):
        check(recipe, fixes_file=nowhere)


def test_a_page_replaces_an_older_page_and_no_other_file(tmp_path: Path) -> None:
    path, page = tmp_path / "rows.jsonl", tmp_path / "page.html"
    row = json.dumps({"prompt": "which colour", "completion": "red"}) + "\n"
    path.write_text(row, encoding="utf-8")
    page.touch()
    for _ in range(2):
        check(DataRecipe(path=str(path)), page=page)
        assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    with pytest.raises(StoreError, match=r"--page .*rows\.jsonl: found a file with other content, expected a new file"):
        check(DataRecipe(path=str(path)), page=path)
    assert path.read_text(encoding="utf-8") == row
