"""Licences: what is on the list passes, everything else stops training by name."""

import json
from pathlib import Path

import pytest
from checked_rows import conversations

from tunewright.contracts import SilentProgress
from tunewright.data.checks.check import RowSet, checked_row
from tunewright.data.checks.licences import LICENCES
from tunewright.data.examine import examine
from tunewright.data.prepare import prepare
from tunewright.errors import DataError
from tunewright.records import CheckRecipe, DataRecipe, Fix, Severity, SourceRecipe, Split


def rows_with(*licences: str | None, split: Split | None = None, part_of: str | None = None) -> RowSet:
    rows = conversations([(f"question {n}", f"answer {n}") for n in range(len(licences))], split)
    return tuple(
        checked_row(
            row.example.model_copy(
                update={
                    "provenance": row.example.provenance.model_copy(update={"licence": licence, "part_of": part_of})
                }
            ),
            row.split,
        )
        for row, licence in zip(rows, licences, strict=True)
    )


def found(rows: RowSet, *allowed: str) -> list[str]:
    return [finding.explanation for finding in LICENCES.find(rows, CheckRecipe(licences=allowed))]


@pytest.mark.parametrize(
    ("licence", "allowed", "passes"),
    [
        ("MIT", "mit", True),
        ("cc-by-4.0", "CC-BY-*", True),
        ("CC-BY-4.0", " cc-by-4.0 ", True),
        ("CC-BY-NC-4.0", "CC-BY-4.0", False),
        ("MIT-0", "MIT", False),
        ("our terms (2026)", "Our terms (2026)", True),
        ("GPL-3.0-only", "*", True),
        (None, "*", False),
    ],
)
def test_names_are_compared_whole_without_case_and_with_patterns(
    licence: str | None, allowed: str, passes: bool
) -> None:
    assert (found(rows_with(licence), allowed) == []) is passes


def test_a_finding_says_which_licence_of_which_source_and_what_is_allowed() -> None:
    assert found(rows_with("GPL-3.0", None), "MIT", "CC-BY-*") == [
        "rows:1 has the licence GPL-3.0; allowed are MIT, CC-BY-*.",
        "No licence is known for rows:2; allowed are MIT, CC-BY-*.",
    ]
    assert found(rows_with("GPL-3.0", None, part_of="forum"), "MIT") == [
        "rows:1 of the source forum has the licence GPL-3.0; allowed are MIT.",
        "No licence is known for rows:2 of the source forum; allowed are MIT.",
    ]


def test_held_out_files_are_not_learned_from() -> None:
    assert found(rows_with(None, split=Split.TEST), "MIT") == []
    assert found(rows_with(None, split=Split.VALIDATION), "MIT") == []
    assert len(found(rows_with(None, split=Split.TRAIN), "MIT")) == 1


def test_without_a_list_the_check_is_idle() -> None:
    assert LICENCES.idle(CheckRecipe()) == "no licences are listed in data.checks.licences"
    assert LICENCES.idle(CheckRecipe(licences=("MIT",))) is None
    assert LICENCES.severity is Severity.BLOCKING


def mixed(folder: Path, **checks: tuple[str, ...]) -> DataRecipe:
    def write(name: str, numbers: range) -> str:
        rows = [{"prompt": f"Thing {n * 7919}?", "completion": f"Number {n * 104729}."} for n in numbers]
        (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        return str(folder / name)

    ours = SourceRecipe(path=write("ours.jsonl", range(100)), name="ours", licence="MIT")
    forum = SourceRecipe(path=write("forum.jsonl", range(100, 103)), name="forum", licence="unknown")
    return DataRecipe(sources=(ours, forum), checks=CheckRecipe(licences=("MIT",), **checks))


def test_training_is_refused_until_the_rows_are_accepted_or_dropped(tmp_path: Path) -> None:
    recipe = mixed(tmp_path)
    with pytest.raises(DataError, match=r"^ours, forum: licences: found 3 rows .*check RECIPE\.yaml.*\[licences\]"):
        prepare(recipe)
    assert len(prepare(mixed(tmp_path, accept=("licences",))).examples) == 103

    fixes = examine(recipe, None, SilentProgress()).fixes
    assert [(fix.check, fix.action, Path(fix.location).name) for fix in fixes] == [
        ("licences", "keep", f"forum.jsonl:{n}") for n in (1, 2, 3)
    ]
    dropped = [Fix(**{**fix.model_dump(), "action": "drop"}) for fix in fixes]
    (tmp_path / "fixes.jsonl").write_text("".join(fix.model_dump_json() + "\n" for fix in dropped), encoding="utf-8")
    data = prepare(recipe.model_copy(update={"fixes": str(tmp_path / "fixes.jsonl")}))
    assert {row.provenance.part_of for row in data.examples.values()} == {"ours"}
