"""Terms and style of a house in whole runs: every arm is scored by them, and a file that says nothing is refused."""

from pathlib import Path

import pytest
from small_job import small_recipe, stop_at_step, write_rows
from small_study import study_recipe, write_study_base

from tunewright.actions import evaluate, resume, study, tune
from tunewright.errors import InterruptedRunError, RecipeError
from tunewright.records import DataRecipe, EvaluateRecipe, Report, StudyReport

RULES = """
terms:
  - preferred: red
    forbidden: [crimson]
style:
  max_words: 3
"""


@pytest.fixture
def inputs(tmp_path: Path) -> tuple[Path, Path, Path]:
    house = tmp_path / "house.yaml"
    house.write_text(RULES, encoding="utf-8")
    return write_rows(tmp_path / "rows.jsonl"), write_study_base(tmp_path / "base"), house


def names(report: Report | StudyReport) -> list[str]:
    return [metric.name for metric in report.metrics]


def test_both_models_are_scored_by_the_house_as_it_was_when_the_run_started(
    inputs: tuple[Path, Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, base, house = inputs
    with monkeypatch.context() as patch:
        stop_at_step(patch, 3)
        with pytest.raises(InterruptedRunError, match="Continue with"):
            tune(small_recipe(rows, base, f"evaluate.house={house}"), home=tmp_path / "home")
    house.unlink()
    report = resume("last", home=tmp_path / "home")
    assert names(report) == ["accuracy", "macro_f1", "loss", "perplexity", "terminology", "style"]
    assert report.headline_metric == "accuracy"
    found = {(result.arm, result.metric) for result in report.results if result.estimate}
    assert {(arm, metric) for arm in ("base", "tuned") for metric in ("terminology", "style")} <= found
    assert [change.metric for change in report.differences][-2:] == ["terminology", "style"]


def test_every_arm_of_a_study_is_scored_by_the_house(inputs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rows, base, house = inputs
    report = study(study_recipe(rows, base, f"evaluate.house={house}"), home=tmp_path / "home")
    assert names(report)[-2:] == ["terminology", "style"]
    scored = {result.arm for result in report.results if result.metric == "style" and result.estimate}
    assert scored == {arm.name for arm in report.arms}
    assert "terminology" in {change.metric for change in report.differences if change.adjusted_p_value is not None}


def test_one_model_is_scored_by_the_house(inputs: tuple[Path, Path, Path], tmp_path: Path) -> None:
    rows, base, house = inputs
    settings = EvaluateRecipe(house=str(house), num_resamples=100, max_answer_tokens=6, max_inputs=10)
    report = evaluate(str(base), DataRecipe(path=str(rows)), settings, home=tmp_path / "home")
    assert names(report)[-2:] == ["terminology", "style"]


def test_a_house_file_that_is_not_there_or_scores_nothing_is_refused_before_anything_is_written(
    inputs: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    rows, base, house = inputs
    with pytest.raises(RecipeError, match=r"none\.yaml: found no such file"):
        tune(small_recipe(rows, base, f"evaluate.house={tmp_path / 'none.yaml'}"), home=tmp_path / "home")
    with pytest.raises(RecipeError, match=r"evaluate\.house: found only loss and perplexity, expected"):
        tune(small_recipe(rows, base, f"evaluate.house={house}", "evaluate.metrics=[loss]"), home=tmp_path / "home")
    assert not (tmp_path / "home").exists()
