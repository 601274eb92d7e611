"""Whether answers decide which checkpoint is kept, and how many: from lengths alone."""

import pytest

from tunewright.errors import RecipeError
from tunewright.records import TrainRecipe
from tunewright.train.keep_by import FEWEST_ANSWERS, MOST_ANSWERS, AnsweringFacts, derive_keep_by


def derived(recipe: TrainRecipe | None = None, num_rows: int = 1000, num_validation: int = 100, **facts):
    settings = {
        "headline": "exact_match", "is_loss": False, "train_tokens": [90] * num_rows, "num_train_sequences": num_rows,
        "validation_tokens": [(60, 30)] * num_validation, "is_on_gpu": False, **facts,
    }  # fmt: skip
    recipe = recipe or TrainRecipe()
    # Four validations and the one before training.
    return derive_keep_by(recipe.model_copy(update={"epochs": 4.0, "rows_per_step": 10}), AnsweringFacts(**settings))


def test_answers_decide_where_they_take_a_small_share_of_the_time():
    # Trained: 4 x 90,000 tokens. An answer: 60 / 3 + 1.5 x 30 = 65 tokens' worth, at 5 validations.
    recipe, found = derived()
    assert (recipe.keep_by, recipe.validation_answers) == ("metric", 64)
    assert [item.setting for item in found] == ["train.keep_by", "train.validation_answers"]
    assert "about 6% of the time of the steps" in found[1].reason
    fewer, _ = derived(num_rows=500)
    assert fewer.validation_answers == int(0.1 * 180_000 / (5 * 65))


def test_few_rows_leave_no_time_for_answers_and_the_loss_decides():
    recipe, (found,) = derived(num_rows=100)
    assert (recipe.keep_by, recipe.validation_answers) == ("loss", None)
    assert f"{FEWEST_ANSWERS} answers at every validation would take about 18% of the time" in found.reason


def test_validations_are_those_of_the_steps_over_all_sequences_that_rows_become():
    # An answer costs 65 of 4 x 3,600 tokens. 40 rows are 16 steps and 17 validations; 2,000 sequences have room for 33.
    asked = TrainRecipe(keep_by="metric", min_validations=32)
    assert "about 153% of the time" in derived(asked, num_rows=40)[1][0].reason
    assert "about 298% of the time" in derived(asked, num_rows=40, num_train_sequences=2_000)[1][0].reason


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"is_loss": True, "headline": "loss"}, "the leading metric is loss"),
        ({"num_validation": FEWEST_ANSWERS - 1}, "fewer than 20 validation inputs"),
        ({"validation_tokens": []}, "fewer than 20 validation inputs"),
        ({"is_on_gpu": True}, "more than 10%"),
    ],
)
def test_the_loss_decides_where_answers_say_less(facts, reason):
    recipe, (found,) = derived(**facts)
    assert recipe.keep_by == "loss"
    assert reason in found.reason


def test_what_the_user_set_stays():
    asked = TrainRecipe(keep_by="metric")
    recipe, (found,) = derived(asked, num_rows=50)
    assert (recipe.keep_by, recipe.validation_answers) == ("metric", FEWEST_ANSWERS)
    assert found.setting == "train.validation_answers"
    number = TrainRecipe(validation_answers=7)
    recipe, (found,) = derived(number, num_rows=50)
    assert (recipe.keep_by, recipe.validation_answers) == ("metric", 7)
    assert found.reason == "train.validation_answers is set"
    recipe, found = derived(TrainRecipe(keep_by="loss"), num_rows=10_000)
    assert (recipe.keep_by, found) == ("loss", ())


def test_never_more_than_there_are_inputs():
    recipe, _ = derived(num_rows=100_000, num_validation=30)
    assert recipe.validation_answers == 30
    assert derived(num_rows=100_000)[0].validation_answers == MOST_ANSWERS


@pytest.mark.parametrize(
    ("keep_by", "facts", "why"),
    [
        ("loss", {}, "train.keep_by=loss"),
        (None, {"is_loss": True, "headline": "perplexity"}, "perplexity as the leading metric"),
    ],
)
def test_a_number_of_answers_is_refused_where_the_loss_decides(keep_by, facts, why):
    with pytest.raises(RecipeError, match=rf"train\.validation_answers: found 30 with {why}, expected no number where"):
        derived(TrainRecipe(keep_by=keep_by, validation_answers=30), **facts)


def test_a_loss_cannot_be_asked_for_answers():
    with pytest.raises(
        RecipeError, match=r"train\.keep_by: found metric, which is loss, expected a leading metric of what"
    ):
        derived(TrainRecipe(keep_by="metric"), is_loss=True, headline="loss")
