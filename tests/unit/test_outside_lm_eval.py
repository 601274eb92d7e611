"""What is asked of lm-evaluation-harness and what is read back, against files as version 0.4.13 writes them."""

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tunewright.actions import tune
from tunewright.errors import MissingExtraError, ModelError
from tunewright.outside import lm_eval
from tunewright.outside.lm_eval import run_lm_eval
from tunewright.records import read_recipe


class Harness:
    """Writes the files of a finished run."""

    def __init__(self, code: int = 0, more_tasks: Sequence[str] = (), filters: Sequence[str] = ("none",)) -> None:
        self.code = code
        self.more_tasks = more_tasks
        self.filters = filters
        self.command: list[str] = []

    def __call__(self, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
        self.command = list(command)
        folder = Path(self.option("--output_path")) / "some__model"
        folder.mkdir()
        tasks = {"tiny_choice": ["acc", "acc_norm"], "essay": ["word_count"], "texts": ["word_perplexity"]}
        tasks |= {task: ["acc"] for task in self.more_tasks}
        record = {
            "higher_is_better": {task: dict.fromkeys(metrics, task != "essay") for task, metrics in tasks.items()},
            "versions": {"tiny_choice": 1.0},
        }
        (folder / "results_2026-11-26T10-28-21.json").write_text(json.dumps(record), encoding="utf-8")
        for task, metrics in tasks.items():
            rows = [
                {
                    "doc_id": number,
                    "filter": name_of_filter,
                    "metrics": metrics,
                    # A perplexity is kept as a pair, which is no value of the item.
                    **{name: [1.5, 3] if "perplexity" in name else float(number % 2 or index) for name in metrics},
                }
                for index, name_of_filter in enumerate(self.filters)
                for number in range(4)
            ]
            text = "".join(json.dumps(row) + "\n" for row in rows)
            (folder / f"samples_{task}_2026-11-26T10-28-21.jsonl").write_text(text, encoding="utf-8")
        return subprocess.CompletedProcess(command, self.code, "", "Traceback\nValueError: no task named nonsense\n")

    def option(self, name: str) -> str:
        return self.command[self.command.index(name) + 1]


def test_every_item_of_every_task_is_read_back_by_its_number() -> None:
    essay, choice = run_lm_eval(Path("base"), None, ["tiny_choice", "essay", "texts"], run=Harness())
    assert (choice.task, choice.metric, choice.version, choice.higher_is_better) == (
        "tiny_choice", "acc_norm", "1.0", True,
    )  # fmt: skip
    assert choice.values == {"0": 0.0, "1": 1.0, "2": 0.0, "3": 1.0}
    assert (essay.metric, essay.version, essay.higher_is_better) == ("word_count", "", False)


def test_of_several_filters_of_a_task_the_first_is_taken_and_named() -> None:
    both = Harness(filters=("strict-match", "flexible-extract"))
    _, choice = run_lm_eval(Path("base"), None, ["tiny_choice"], run=both)[:2]
    assert choice.values == {"0": 0.0, "1": 1.0, "2": 0.0, "3": 1.0}
    assert choice.filter == "strict-match"
    _, choice = run_lm_eval(Path("base"), None, ["tiny_choice"], run=Harness(filters=("strict-match",)))[:2]
    assert choice.filter is None


def test_a_task_whose_name_begins_with_that_of_another_keeps_its_own_items() -> None:
    found = run_lm_eval(Path("base"), None, ["math"], run=Harness(more_tasks=("math", "math_2", "math_2d")))
    assert sorted(task.task for task in found if task.task.startswith("math")) == ["math", "math_2", "math_2d"]


def test_a_line_of_samples_ends_at_its_line_break_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    dumps = json.dumps
    monkeypatch.setattr(json, "dumps", lambda value: dumps(value | {"doc": "a\u2028b\u0085c"}, ensure_ascii=False))
    essay, _ = run_lm_eval(Path("base"), None, ["essay"], run=Harness())[:2]
    assert len(essay.values) == 4


def test_the_adapter_and_the_limits_reach_the_command() -> None:
    harness = Harness()
    run_lm_eval(Path("/b"), Path("/a"), ["x", "y"], folder="own", max_items=20, run=harness)
    assert harness.option("--model_args") == "pretrained=/b,dtype=float32,peft=/a"
    assert harness.option("--tasks") == "x,y"
    assert (harness.option("--include_path"), harness.option("--limit")) == ("own", "20")
    plain = Harness()
    run_lm_eval(Path("/b"), None, ["x"], run=plain)
    assert "peft" not in plain.option("--model_args")
    assert not {"--include_path", "--limit"} & set(plain.command)


def test_a_failed_run_shows_its_last_lines() -> None:
    with pytest.raises(ModelError, match=r"ended with exit code 1 on nonsense(.|\n)*no task named nonsense"):
        run_lm_eval(Path("/b"), None, ["nonsense"], run=Harness(code=1))


def test_without_the_package_the_extra_is_named_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lm_eval.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tunewright\[eval\]'"):
        run_lm_eval(Path("/b"), None, ["x"])
    recipe = read_recipe({"data": {"path": "rows.jsonl"}, "retention": {"tasks": ["x"]}}, None, ())
    with pytest.raises(MissingExtraError, match=r"run retention\.tasks"):
        tune(recipe, home=tmp_path / "home")
    assert not list(tmp_path.rglob("run.json"))
