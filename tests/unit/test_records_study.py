"""The recipe of a study: the one of its tuned arm and what it has besides, every field read and documented."""

import pytest
from package_source import attributes_read
from study_fixture import build_study

from tunewright.cli.recipe_view import list_settings
from tunewright.errors import RecipeError
from tunewright.records import (
    DataRecipe,
    Lora,
    StudyRecipe,
    TuneRecipe,
    Verdict,
    format_amount,
    format_break_even,
    format_rate,
    read_study_recipe,
    settled,
)

OWN_SETTINGS = [setting for setting in list_settings(StudyRecipe) if setting not in list_settings()]


def test_the_recipe_of_the_tuned_arm_is_part_of_it_and_can_be_replaced() -> None:
    recipe = read_study_recipe(
        {"data": {"path": "rows.jsonl"}}, overrides=("method.rank=8", "needs.strict_format=true")
    )
    assert recipe.tuning == TuneRecipe(data=DataRecipe(path="rows.jsonl"), method=Lora(rank=8))
    resolved = recipe.with_tuning(recipe.tuning.model_copy(update={"base": "some/base"}))
    assert resolved.tuning.base == "some/base"
    assert resolved.needs.strict_format
    assert resolved.id != recipe.id
    assert StudyRecipe.model_validate_json(recipe.model_dump_json()).id == recipe.id


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("few_shot.k=[0]", r"recipe: few_shot\.k\.0: found 0, expected greater than or equal to 1"),
        ("few_shot.k=[]", r"recipe: few_shot\.k: found \[\], expected"),
        ("needs.requests_per_week=3", r"Did you mean needs\.requests_per_day\?"),
        ("needs.requests_per_day=1e307", r"needs\.requests_per_day: found '1e307', expected less than or equal to 1"),
        ("prices.machine_per_hour=1e307", r"prices\.machine_per_hour: found '1e307', expected less than or equal to 1"),
        (
            "retention.tasks=[arc_easy]",
            r"recipe: retention\.tasks: found names of tasks, expected none: a study runs no",
        ),
        ("endpoint.url=http://x", r"recipe: endpoint\.model: found nothing, expected a value"),
    ],
)
def test_a_setting_out_of_range_or_unknown_is_refused_by_name(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        read_study_recipe({"data": {"path": "rows.jsonl"}}, overrides=(override,))


@pytest.mark.parametrize("setting", OWN_SETTINGS, ids=lambda setting: setting.name)
def test_every_setting_of_its_own_is_documented_and_read(setting) -> None:
    assert setting.explanation
    assert setting.name.rpartition(".")[2] in attributes_read()


def test_differences_read_from_either_side() -> None:
    study = build_study()
    forward, back = study.difference("tuned", "prompted"), study.difference("prompted", "tuned")
    assert forward is not None
    assert back is not None
    assert (forward.verdict, back.verdict) == (Verdict.BETTER, Verdict.WORSE)
    assert forward.estimate is not None
    assert back.estimate is not None
    assert (back.estimate.value, back.estimate.low, back.estimate.high) == (
        -forward.estimate.value, -forward.estimate.high, -forward.estimate.low,
    )  # fmt: skip
    assert back.reversed == forward
    assert study.difference("tuned", "tuned") is None
    assert study.difference("tuned", None) is None


@pytest.mark.parametrize(
    ("amount", "written"),
    [(0, "0.00 USD"), (0.000123, "0.00012 USD"), (0.0000834, "0.000083 USD"),
     (0.5, "0.5 USD"), (12.345, "12.35 USD"), (1234.5, "1,234 USD"),
     (None, "unknown")],
)  # fmt: skip
def test_amounts_have_two_digits_that_mean_something(amount: float | None, written: str) -> None:
    assert format_amount(amount, "USD") == written


@pytest.mark.parametrize(
    ("rate", "written"), [(0.3, "0.3"), (0.0123, "0.012"), (1, "1"), (2.5, "2.5"), (9.96, "10"), (1234.5, "1,234")]
)
def test_rates_below_ten_have_two_digits(rate: float, written: str) -> None:
    assert format_rate(rate) == written


@pytest.mark.parametrize(
    ("outcome", "sentence"),
    [
        ("unknown", "Whether tuned costs less than prompted is unknown: nobody asked it."),
        ("never", "A request to tuned costs no less than one to prompted: its set-up is never earned back."),
        ("the same", "tuned and prompted cost the same, set-up and requests."),
        (
            "up to some requests",
            "tuned costs less than prompted, set-up included, up to about 2,500 requests (2.5 days), and more after "
            "that.",
        ),
        ("from the first", "tuned costs less than prompted from the first request on."),
        ("after some requests", "tuned costs less than prompted, set-up included, after 2,500 requests (2.5 days)."),
    ],
)
def test_break_even_in_words(outcome: str, sentence: str) -> None:
    found = build_study().break_even
    assert found is not None
    update = {"outcome": outcome, "num_requests": 2500, "days": 2.5, "reason": "nobody asked it"}
    assert format_break_even(found.model_copy(update=update)) == sentence


def test_a_break_even_without_a_reason_is_unknown_and_no_more() -> None:
    found = settled(build_study().break_even).model_copy(update={"outcome": "unknown"})
    assert format_break_even(found) == "Whether tuned costs less than prompted is unknown."
