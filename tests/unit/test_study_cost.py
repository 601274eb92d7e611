"""Costs and break-even against hand-worked cases, and the two totals against each other around the break-even."""

import pytest
from pydantic import ValidationError

from tunewright.records import ArmCost, ArmFacts, BreakEven, Needs, Prices
from tunewright.study.cost import DAYS_PER_MONTH, arm_cost, break_even, cheapest

NEEDS = Needs(requests_per_day=100)


def _facts(kind: str = "prompted", **changed: object) -> ArmFacts:
    fields = {
        "name": kind,
        "kind": kind,
        "prompt_tokens": 400,
        "answer_tokens": 50,
        "machine_seconds": 1.8,
        "seconds_p50": 1.5,
        "seconds_p95": 4,
        "uses_documents": kind in ("retrieval", "tuned_retrieval"),
        "is_tuned": kind in ("tuned", "tuned_retrieval"),
    }
    return ArmFacts.model_validate(fields | changed)


def _cost(arm: str, per_request: float | None, set_up: float) -> ArmCost:
    if per_request is None:
        return ArmCost(
            arm=arm, per_request=None, per_thousand_requests=None, per_month=None, set_up=set_up, reason="no price"
        )
    return ArmCost(
        arm=arm, per_request=per_request, per_thousand_requests=1000 * per_request, per_month=0.0, set_up=set_up
    )


def _break_even(tuned: tuple[float, float], prompted: tuple[float, float]) -> BreakEven:
    return break_even(_cost("tuned", *tuned), _cost("prompted", *prompted), NEEDS)


def test_a_local_request_costs_the_machine_time_it_took() -> None:
    cost = arm_cost(_facts(set_up_seconds=900), Prices(machine_per_hour=2.0), NEEDS)
    assert cost.per_request == pytest.approx(1.8 * 2 / 3600)
    assert cost.per_thousand_requests == pytest.approx(1.0)
    assert cost.per_month == pytest.approx(0.001 * 100 * DAYS_PER_MONTH)
    assert cost.set_up == pytest.approx(0.5)


def test_a_hosted_request_costs_its_tokens_and_no_machine_time() -> None:
    prices = Prices(machine_per_hour=50, per_million_prompt_tokens=2.0, per_million_answer_tokens=8.0)
    cost = arm_cost(_facts("endpoint"), prices, NEEDS)
    assert cost.per_thousand_requests == pytest.approx(0.8 + 0.4)


@pytest.mark.parametrize("missing", ["per_million_prompt_tokens", "per_million_answer_tokens"])
def test_a_hosted_request_without_a_price_is_unknown_and_not_free(missing: str) -> None:
    prices = Prices.model_validate({"per_million_prompt_tokens": 1, "per_million_answer_tokens": 1} | {missing: None})
    cost = arm_cost(_facts("endpoint"), prices, NEEDS)
    assert (cost.per_request, cost.per_thousand_requests, cost.per_month) == (None, None, None)
    assert cost.reason == "the prices per million prompt and answer tokens are not stated"


def test_a_hosted_request_whose_tokens_nobody_counted_is_unknown_and_not_free() -> None:
    prices = Prices(per_million_prompt_tokens=2.0, per_million_answer_tokens=8.0)
    cost = arm_cost(_facts("endpoint", prompt_tokens=0, answer_tokens=0), prices, NEEDS)
    assert (cost.per_request, cost.reason) == (None, "the endpoint does not say how many tokens it read")
    down = arm_cost(_facts("endpoint", prompt_tokens=0, answer_tokens=0, has_answered=False), prices, NEEDS)
    assert (down.per_request, down.reason) == (None, "it answered no request")


def test_an_arm_that_answered_nothing_is_not_the_cheapest() -> None:
    cost = arm_cost(_facts(prompt_tokens=0, answer_tokens=0, machine_seconds=0.001), Prices(), NEEDS)
    assert (cost.per_request, cost.reason) == (None, "it answered no request")


def test_the_cheapest_arm_is_found_among_known_prices() -> None:
    assert cheapest([_cost("a", 0.3, 0), _cost("b", None, 0), _cost("c", 0.1, 9), _cost("d", 0.1, 0)]) == "c"
    assert cheapest([_cost("b", None, 0)]) is None


@pytest.mark.parametrize(
    ("tuned", "prompted", "outcome", "num_requests"),
    [
        ((0.01, 5.0), (0.02, 0.0), "after some requests", 501),  # 5 / 0.01 = 500 is where the totals are equal
        ((0.01, 5.0), (0.02, 1.0), "after some requests", 401),
        ((0.01, 0.0), (0.02, 0.0), "from the first", 1),
        ((0.01, 0.005), (0.02, 0.0), "from the first", 1),
        ((0.01, 1.0), (0.01, 2.0), "from the first", 1),
        ((0.01, 2.0), (0.01, 2.0), "the same", None),
        ((0.0, 0.0), (0.0, 0.0), "the same", None),
        ((0.01, 3.0), (0.01, 2.0), "never", None),
        ((0.02, 2.0), (0.01, 2.0), "never", None),
        ((0.02, 5.0), (0.01, 0.0), "never", None),
        ((0.02, 0.0), (0.01, 5.0), "up to some requests", 500),  # cheaper at first, dearer for ever after
    ],
)
def test_break_even_equals_the_hand_worked_case(
    tuned: tuple[float, float], prompted: tuple[float, float], outcome: str, num_requests: int | None
) -> None:
    found = _break_even(tuned, prompted)
    assert (found.outcome, found.num_requests) == (outcome, num_requests)
    assert found.days == (None if num_requests is None else num_requests / 100)


def test_the_totals_cross_exactly_at_the_break_even() -> None:
    tuned, prompted = (0.003, 7.1), (0.0113, 0.4)
    found = _break_even(tuned, prompted).num_requests
    assert found is not None

    def total(cost: tuple[float, float], requests: int) -> float:
        return cost[1] + cost[0] * requests

    assert total(tuned, found) < total(prompted, found)
    assert total(tuned, found - 1) >= total(prompted, found - 1)


def test_the_curve_starts_at_the_set_up_and_ends_at_twice_the_break_even() -> None:
    curve = _break_even((0.01, 5.0), (0.02, 1.0)).curve
    assert (curve[0].num_requests, curve[0].tuned, curve[0].prompted) == (0, 5.0, 1.0)
    assert curve[-1].num_requests == 802
    assert curve[-1].tuned == pytest.approx(5 + 8.02)
    assert [point.num_requests for point in curve] == sorted({point.num_requests for point in curve})


def test_a_tuned_arm_with_the_cheaper_set_up_and_the_dearer_requests_is_cheaper_up_to_where_the_lines_cross() -> None:
    # Seconds of machine time: (400 - 140) / (0.21 - 0.20) = 26,000, which has no exact quotient in floats.
    tuned, few_shot = (
        arm_cost(_facts(kind, machine_seconds=each, set_up_seconds=once), Prices(), NEEDS)
        for kind, each, once in (("tuned", 0.21, 140), ("few_shot", 0.20, 400))
    )
    found = break_even(tuned, few_shot, NEEDS)
    assert found.num_requests == pytest.approx(26_000, abs=1)
    assert found.curve[0].tuned < found.curve[0].prompted
    assert found.curve[-1].num_requests == 2 * found.num_requests
    assert found.curve[-1].tuned > found.curve[-1].prompted


def test_lines_that_do_not_meet_are_drawn_over_ninety_days() -> None:
    assert _break_even((0.02, 5.0), (0.01, 0.0)).curve[-1].num_requests == 9000


def test_a_missing_price_leaves_the_break_even_unknown_and_without_a_curve() -> None:
    found = break_even(_cost("tuned", 0.1, 1), _cost("hosted", None, 0), NEEDS)
    assert (found.outcome, found.num_requests, found.curve) == ("unknown", None, ())
    assert found.reason == "the cost of hosted is not known, since no price"
    assert break_even(_cost("tuned", 0.1, 1), _cost("prompted", 0.2, 0), NEEDS).reason is None


def test_a_cost_is_known_or_has_a_reason() -> None:
    with pytest.raises(ValidationError, match="either known or has the reason"):
        ArmCost(arm="a", per_request=None, per_thousand_requests=None, per_month=None, set_up=0)


@pytest.mark.parametrize(("kind", "flag"), [("tuned", "uses_documents"), ("retrieval", "is_tuned")])
def test_the_facts_of_an_arm_fit_its_kind(kind: str, flag: str) -> None:
    with pytest.raises(ValidationError, match=f"{kind} means is_tuned="):
        _facts(kind, **{flag: True})
    assert _facts("endpoint", **{flag: True}).kind == "endpoint"
