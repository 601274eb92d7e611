"""A dirty file on its way: check finds what is planted, the fix list is edited, and tune carries it out."""

import json

import pytest
from cli_fixture import Shell
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import check, tune
from tunewright.errors import DataError, StoreError
from tunewright.records import DataRecipe, Split
from tunewright.store import Store

TOWN_HALL = (
    "Which colour has the old town hall beside the river been painted in since the summer of the year before last"
)
PLANTED = [
    ("What is the colour of place 3?", "blue"),
    ("What is the colour of place 7?", "green"),  # an exact copy
    (TOWN_HALL, "red"),
    (f"{TOWN_HALL}, please", "red"),
    ("What is the colour of the cafÃ© on the corner of the market?", "white"),
]


@pytest.fixture
def dirty(tmp_path):
    path = write_rows(tmp_path / "rows.jsonl")
    with path.open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"prompt": prompt, "completion": answer}) + "\n" for prompt, answer in PLANTED)
    return path


def found(report):
    return {result.check: result.num_rows for result in report.results if result.num_rows}


def test_check_finds_what_is_planted_and_nothing_else(dirty):
    report = check(DataRecipe(path=str(dirty)))
    assert found(report) == {"duplicates": 1, "contradictions": 2, "near_duplicates": 2, "mojibake": 1}
    assert [result.check for result in report.blocking] == ["contradictions"]
    assert (report.num_rows, report.num_distinct_rows, report.num_dropped, report.num_edited) == (85, 84, 1, 1)
    assert [histogram.part for histogram in report.lengths] == ["input", "answer"]
    assert all(sum(histogram.counts) == 84 for histogram in report.lengths)
    assert report.num_labels == 5
    assert report.labels[0].num_rows >= report.labels[-1].num_rows


def test_clean_templated_rows_give_no_finding(tmp_path):
    report = check(DataRecipe(path=str(write_rows(tmp_path / "rows.jsonl"))))
    assert found(report) == {}


def test_from_the_shell_to_a_tuned_model(dirty, tmp_path, monkeypatch, capsys):
    shell = Shell(monkeypatch, capsys)
    fixes, page = tmp_path / "fixes.jsonl", tmp_path / "page.html"
    outcome = shell.run("check", str(dirty), "--fix", str(fixes), "--page", str(page))
    assert outcome.code == 1
    assert "Contradictions" in outcome.stdout
    assert "rows.jsonl:81" in outcome.stdout
    assert "Contradictions" in page.read_text(encoding="utf-8")

    base, home = write_tiny_base(tmp_path / "base"), tmp_path / "home"
    with pytest.raises(DataError, match=r"contradictions: found 2 rows .*data\.checks\.accept=\[contradictions\]"):
        tune(small_recipe(dirty, base), home=home)
    assert not (home / "runs").exists()

    lines = [json.loads(line) for line in fixes.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line["location"].endswith(":81"):
            line["action"] = "drop"
    fixes.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = tune(small_recipe(dirty, base, f"data.fixes={fixes}"), home=home)
    dataset, examples = Store(home).get_dataset(report.data.dataset_id)
    assert sum(dataset.num_rows(split) for split in Split) == len(examples) == 82
    assert sorted(change.action for change in dataset.changes) == ["dropped", "dropped", "dropped", "edited"]
    reread = shell.run("check", str(dirty), "--set", f"data.fixes={fixes}")
    assert reread.code == 0


def test_a_page_that_cannot_be_written_is_an_error(dirty, tmp_path):
    with pytest.raises(StoreError, match="expected a file to write to"):
        check(DataRecipe(path=str(dirty)), page=tmp_path)
