"""Rows for testing only: all of them, in order, each once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tunewright.data import prepare_test
from tunewright.errors import DataError, RecipeError
from tunewright.records import DataRecipe, Split


def write(path: Path, *questions: str) -> DataRecipe:
    rows = [json.dumps({"prompt": question, "completion": "yes"}) for question in questions]
    path.write_text("\n".join(rows), encoding="utf-8")
    return DataRecipe(path=str(path))


def test_every_row_is_a_test_row_in_the_order_of_the_file(tmp_path: Path) -> None:
    data = prepare_test(write(tmp_path / "rows.jsonl", "c?", "a?", "b?"))
    assert [example.provenance.row for example in data.rows(Split.TEST)] == [1, 2, 3]
    assert [data.version.num_rows(split) for split in Split] == [0, 0, 3]
    (source,) = data.version.sources
    assert (source.num_rows, source.form) == (3, "prompt_completion")
    assert data.version.changes == ()


def test_the_first_of_equal_rows_stays_and_the_others_are_named(tmp_path: Path) -> None:
    data = prepare_test(write(tmp_path / "rows.jsonl", "a?", "b?", "a?", "a?"))
    assert [example.provenance.row for example in data.rows(Split.TEST)] == [1, 2]
    path = tmp_path / "rows.jsonl"
    assert [(change.action, change.location, change.reason) for change in data.version.changes] == [
        ("dropped", f"{path}:3", f"same as {path}:1"),
        ("dropped", f"{path}:4", f"same as {path}:1"),
    ]
    assert {change.example_id for change in data.version.changes} == {data.rows(Split.TEST)[0].id}


def test_a_single_row_is_enough(tmp_path: Path) -> None:
    assert prepare_test(write(tmp_path / "rows.jsonl", "a?")).version.num_rows(Split.TEST) == 1


def test_a_hub_dataset_is_read_through_the_given_function() -> None:
    asked = []

    def load(name: str) -> Iterator[dict[str, Any]]:
        asked.append(name)
        yield {"prompt": "a?", "completion": "yes"}

    data = prepare_test(DataRecipe(path="owner/name"), load)
    assert asked == ["owner/name"]
    assert data.version.num_rows(Split.TEST) == 1


def test_rows_that_cannot_be_read_are_refused_by_place(tmp_path: Path) -> None:
    recipe = write(tmp_path / "rows.jsonl", "a?")
    with Path(recipe.path).open("a", encoding="utf-8") as file:
        file.write('\n{"prompt": "b?"')
    with pytest.raises(DataError, match=r"rows\.jsonl:2"):
        prepare_test(recipe)


@pytest.mark.parametrize(
    ("setting", "found"),
    [
        ({"test_fraction": 0.3}, r"data\.test_fraction: found 0\.3"),
        ({"fixes": "f.jsonl"}, r"data\.fixes: found 'f\.jsonl'"),
        ({"checks": {"redact": True}}, r"data\.checks: found \{'redact': True\}"),
    ],
)
def test_settings_that_would_split_check_or_repair_are_refused(
    setting: dict[str, object], found: str, tmp_path: Path
) -> None:
    recipe = write(tmp_path / "rows.jsonl", "a?")
    with pytest.raises(
        RecipeError, match=rf"^{found}, expected no such setting\. Remove it: nothing is split, checked"
    ):
        prepare_test(DataRecipe.model_validate({"path": recipe.path, **setting}))
