"""Costs: what a request of each arm costs, and when a tuned arm has earned back its training.

A local request costs the machine time it took; a hosted one the tokens it moved. The machine is paid while it works,
so an idle one costs more than what stands here.
"""

import math
from collections.abc import Sequence
from typing import Literal

from tunewright.records import ArmCost, ArmFacts, BreakEven, CostPoint, Needs, Prices

SECONDS_PER_HOUR = 3600.0
DAYS_PER_MONTH = 365.25 / 12
NUM_CURVE_POINTS = 41
DAYS_WITHOUT_BREAK_EVEN = 90
"""How far the curve goes when the lines do not meet."""

_Outcome = Literal["after some requests", "up to some requests", "from the first", "the same", "never", "unknown"]


def arm_cost(facts: ArmFacts, prices: Prices, needs: Needs) -> ArmCost:
    """Cost of one arm per request, per thousand, per month at `needs.requests_per_day`, and of its set-up."""
    set_up = facts.set_up_seconds * prices.machine_per_hour / SECONDS_PER_HOUR
    per_request = _per_request(facts, prices)
    if per_request is None:
        return ArmCost(
            arm=facts.name,
            per_request=None,
            per_thousand_requests=None,
            per_month=None,
            set_up=set_up,
            reason=_why_unknown(facts),
        )
    return ArmCost(
        arm=facts.name,
        per_request=per_request,
        per_thousand_requests=1000 * per_request,
        per_month=per_request * needs.requests_per_day * DAYS_PER_MONTH,
        set_up=set_up,
    )


def _per_request(facts: ArmFacts, prices: Prices) -> float | None:
    if not facts.prompt_tokens:  # no prompt is empty: nothing was answered, or the endpoint gave no count
        return None
    if facts.kind != "endpoint":
        return facts.machine_seconds * prices.machine_per_hour / SECONDS_PER_HOUR
    if prices.per_million_prompt_tokens is None or prices.per_million_answer_tokens is None:
        return None
    prompt = facts.prompt_tokens * prices.per_million_prompt_tokens
    return (prompt + facts.answer_tokens * prices.per_million_answer_tokens) / 1e6


def _why_unknown(facts: ArmFacts) -> str:
    if facts.prompt_tokens:
        return "the prices per million prompt and answer tokens are not stated"
    if facts.kind == "endpoint" and facts.has_answered:
        return "the endpoint does not say how many tokens it read"
    return "it answered no request"


def cheapest(costs: Sequence[ArmCost]) -> str | None:
    """The arm whose requests cost least; the first of equals, and None when no price is known."""
    known = [(cost.per_request, cost.arm) for cost in costs if cost.per_request is not None]
    return min(known, key=lambda pair: pair[0])[1] if known else None


def break_even(tuned: ArmCost, prompted: ArmCost, needs: Needs) -> BreakEven:
    """After how many requests the total of `tuned`, set-up included, falls below that of `prompted`.

    With set-up S and cost per request c the totals are S + c n, and the first n at which tuned is cheaper is
    floor((S_tuned - S_prompted) / (c_prompted - c_tuned)) + 1. Where both differences are negative, the last n at which
    tuned is not dearer is the same without the 1.
    """
    if tuned.per_request is None or prompted.per_request is None:
        return _break_even(tuned, prompted, "unknown", None, needs)
    saved_per_request = prompted.per_request - tuned.per_request
    more_set_up = tuned.set_up - prompted.set_up
    if saved_per_request == 0 == more_set_up:
        return _break_even(tuned, prompted, "the same", None, needs)
    if saved_per_request < 0 and more_set_up < 0:
        return _break_even(tuned, prompted, "up to some requests", math.floor(more_set_up / saved_per_request), needs)
    if saved_per_request <= 0 and more_set_up >= 0:
        return _break_even(tuned, prompted, "never", None, needs)
    if more_set_up < saved_per_request or saved_per_request == 0:
        return _break_even(tuned, prompted, "from the first", 1, needs)
    num_requests = math.floor(more_set_up / saved_per_request) + 1
    return _break_even(tuned, prompted, "after some requests", num_requests, needs)


def _break_even(
    tuned: ArmCost, prompted: ArmCost, outcome: _Outcome, num_requests: int | None, needs: Needs
) -> BreakEven:
    return BreakEven(
        tuned=tuned.arm,
        prompted=prompted.arm,
        outcome=outcome,
        num_requests=num_requests,
        days=None if num_requests is None else num_requests / needs.requests_per_day,
        curve=_curve(tuned, prompted, num_requests, needs),
        reason=_why_not_comparable((tuned, prompted)),
    )


def _why_not_comparable(costs: Sequence[ArmCost]) -> str | None:
    reasons = (f"the cost of {cost.arm} is not known, since {cost.reason}" for cost in costs if cost.reason)
    return next(reasons, None)


def _curve(tuned: ArmCost, prompted: ArmCost, num_requests: int | None, needs: Needs) -> tuple[CostPoint, ...]:
    """Both totals, to twice the break-even, or over DAYS_WITHOUT_BREAK_EVEN where there is none to show."""
    tuned_request, prompted_request = tuned.per_request, prompted.per_request
    if tuned_request is None or prompted_request is None:
        return ()
    last = needs.requests_per_day * DAYS_WITHOUT_BREAK_EVEN
    if num_requests is not None and num_requests > 1:
        last = 2.0 * num_requests
    steps = NUM_CURVE_POINTS - 1
    places = dict.fromkeys(round(last * step / steps) for step in range(NUM_CURVE_POINTS))
    return tuple(
        CostPoint(
            num_requests=place,
            prompted=prompted.set_up + prompted_request * place,
            tuned=tuned.set_up + tuned_request * place,
        )
        for place in places
    )
