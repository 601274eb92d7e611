"""From a named data set to a tuned model: the frozen splits are those that are trained on and judged by."""

from pathlib import Path

import pytest
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import build_dataset, explain_recipe, refresh_dataset, tune
from tunewright.contracts import SilentProgress
from tunewright.records import DataRecipe


def test_a_model_is_tuned_on_a_version_while_its_name_moves_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    base = write_tiny_base(tmp_path / "base")
    rows = write_rows(tmp_path / "places.jsonl")
    built = build_dataset(DataRecipe(path=rows.name), home=home)
    recipe = small_recipe(Path("data:places"), base)
    report = tune(recipe, home=home)
    assert report.data.dataset_id == built.entry.version_id
    assert report.recipe["data"]["path"] == "data:places@1"
    assert report.data.num_rows == built.num_rows

    write_rows(rows, num_rows=90)
    refresh_dataset("places", home=home)
    resolved, _ = explain_recipe(recipe, SilentProgress(), home)
    assert resolved.data.path == "data:places@2"
