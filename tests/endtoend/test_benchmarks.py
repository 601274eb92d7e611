"""A task of our own through lm-evaluation-harness itself, on base and adapter."""

import json
from pathlib import Path

import pytest
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import tune
from tunewright.records import RetentionRecipe
from tunewright.store import Store

TASK = """\
task: colours
dataset_path: json
dataset_kwargs:
  data_files:
    test: {rows}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: "{{{{label}}}}"
metric_list:
  - metric: acc
    aggregation: mean
    higher_is_better: true
metadata:
  version: 2.0
"""


@pytest.mark.slow
def test_a_task_is_run_on_the_base_and_on_the_adapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("lm_eval")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    rows = tmp_path / "task.jsonl"
    rows.write_text(
        "".join(
            json.dumps({"question": f"What is {n}?", "choices": ["red", "blue"], "label": n % 2}) + "\n"
            for n in range(12)
        ),
        encoding="utf-8",
    )
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colours.yaml").write_text(TASK.format(rows=rows), encoding="utf-8")
    recipe = small_recipe(write_rows(tmp_path / "rows.jsonl"), write_tiny_base(tmp_path / "base"))
    settings = RetentionRecipe(tasks=("colours",), task_folder=str(tmp_path / "tasks"), max_items=10)
    report = tune(recipe.model_copy(update={"retention": settings}), home=tmp_path / "home")
    (found,) = report.benchmarks
    assert (found.task, found.metric, found.version) == ("colours", "acc", "2.0")
    assert found.base is not None
    assert found.tuned is not None
    assert (found.base.num_rows, found.tuned.num_rows) == (10, 10)
    page = (Store(tmp_path / "home").run("last").path / "report.html").read_text(encoding="utf-8")
    assert "Public benchmarks" in page
