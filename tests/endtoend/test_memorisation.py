"""Canaries and extraction in a whole run: planted, measured before and after, told; not beside a baked prompt."""

from pathlib import Path

import pytest
from small_job import small_recipe, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import tune
from tunewright.errors import RecipeError
from tunewright.evaluate.memorisation import CANARIES_SOURCE
from tunewright.records import BakeRecipe, MemorisationRecipe, Split
from tunewright.store import Store


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    return write_rows(folder / "rows.jsonl"), write_tiny_base(folder / "base")


def test_canaries_are_planted_in_training_rows_alone_and_stand_out_afterwards(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    settings = MemorisationRecipe(canaries=2, canary_repeats=20)
    recipe = small_recipe(*inputs, "train.epochs=4", "evaluate.max_answer_tokens=40")
    report = tune(recipe.model_copy(update={"memorisation": settings}), home=tmp_path)
    found = report.memorisation
    assert found is not None
    assert (len(found.base_exposures), len(found.tuned_exposures)) == (2, 2)
    assert sum(found.tuned_exposures) > sum(found.base_exposures)
    version, examples = Store(tmp_path).get_dataset(report.data.dataset_id)
    planted = [
        entry.split for entry in version.entries if examples[entry.example_id].provenance.source == CANARIES_SOURCE
    ]
    assert planted == [Split.TRAIN] * 40
    # Answers of one word have no second half of eight tokens.
    assert found.tuned_rate is None
    assert found.num_too_short > 0
    run = Store(tmp_path).run("last")
    page = (run.path / "report.html").read_text(encoding="utf-8")
    assert "Exposure of 2 canaries planted 20 times" in page


def test_without_canaries_and_rows_nothing_is_measured(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    recipe = small_recipe(*inputs).model_copy(update={"memorisation": MemorisationRecipe(max_rows=0)})
    assert tune(recipe, home=tmp_path).memorisation is None


def test_canaries_beside_a_prompt_to_bake_are_refused(inputs: tuple[Path, Path], tmp_path: Path) -> None:
    prompt = tmp_path / "prompt.txt"
    prompt.write_text("Answer.", encoding="utf-8")
    recipe = small_recipe(*inputs).model_copy(
        update={"memorisation": MemorisationRecipe(canaries=1), "bake": BakeRecipe(prompt=str(prompt))}
    )
    with pytest.raises(RecipeError, match=r"memorisation\.canaries: found canaries beside bake"):
        tune(recipe, home=tmp_path / "home")


def test_canaries_longer_than_answers_may_be_are_refused_before_anything_is_written(
    inputs: tuple[Path, Path], tmp_path: Path
) -> None:
    recipe = small_recipe(*inputs, "evaluate.max_answer_tokens=6", "memorisation.canaries=2")
    words = (
        r"memorisation\.canaries: found secrets of up to (\d+) tokens, expected secrets of at most 6 "
        r"\(evaluate\.max_answer_tokens\)\. Add --set evaluate\.max_answer_tokens=\1"
    )
    with pytest.raises(RecipeError, match=words):
        tune(recipe, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()
