"""Every possible decision, each from constructed arms, and what the words around it say."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from study_fixture import judge_comparison

from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import estimate
from tunewright.records import (
    ArmFacts,
    ArmMetric,
    Choice,
    Decision,
    Estimate,
    EvaluateRecipe,
    Metric,
    Needs,
    Prices,
    Score,
    UpdatedArm,
    Verdict,
)
from tunewright.study.contrasts import above_floor, pairwise, why_incomplete
from tunewright.study.decide import decide
from tunewright.study.rules import Evidence, Standing, missing_rows, rule

RECIPE = EvaluateRecipe(num_resamples=400)
MACHINE_SECONDS = {"zero_shot": 0.5, "prompted": 1.0, "few_shot": 2.0, "retrieval": 3.0, "tuned_retrieval": 3.0}
SET_UP_SECONDS = {"tuned": 3600.0, "tuned_retrieval": 7200.0, "retrieval": 60.0}


def _facts(kind: str) -> ArmFacts:
    is_tuned = kind.startswith("tuned")
    return ArmFacts.model_validate(
        {
            "name": kind,
            "kind": kind,
            "prompt_tokens": 100,
            "answer_tokens": 10,
            "machine_seconds": MACHINE_SECONDS.get(kind, 0.5),
            "seconds_p50": 1,
            "seconds_p95": 2,
            "set_up_seconds": SET_UP_SECONDS.get(kind, 0.0),
            "rows_needed": 500 if is_tuned else 0,
            "uses_documents": kind.endswith("retrieval"),
            "is_tuned": is_tuned,
        }
    )


Values = Mapping[str, Sequence[float | None]]


def _evidence(
    values: Values,
    metric: str = "accuracy",
    prices: Prices | None = None,
    valid: Mapping[str, float] | None = None,
    floor: Sequence[float] | None = None,
) -> Evidence:
    described = SCORERS[metric].metric
    arms = [_scored(kind, metric, values[kind]) for kind in values]
    constant = None if floor is None else _scored("one answer to all", metric, floor)
    return Evidence(
        arms=[_facts(kind) for kind in values],
        metric=described,
        results=[_result(arm, described) for arm in arms],
        differences=pairwise(arms, [described], RECIPE),
        prices=prices or Prices(),
        validity=[_validity(arm, share) for arm, share in (valid or {}).items()],
        floor=_result(constant, described).estimate if constant else None,
        above_floor=above_floor(arms, constant, described, RECIPE) if constant else (),
        incomplete=why_incomplete(arms, metric),
        num_scored=max(sum(value is not None for value in own) for own in values.values()),
    )


def _scored(arm: str, metric: str, values: Sequence[float | None]) -> ArmScores:
    scores = tuple(
        Score(example_id=str(row), metric=metric, value=value, reason="HTTP 429: slow down" if value is None else None)
        for row, value in enumerate(values)
    )
    return ArmScores(arm=arm, scores=scores, answers={})


def _result(arm: ArmScores, metric: Metric) -> ArmMetric:
    found = estimate(metric, arm.of(metric.name), RECIPE.num_resamples, 0)
    return ArmMetric(arm=arm.arm, metric=metric.name, estimate=found, reason=None if found else "nothing was scored")


def _validity(arm: str, share: float) -> ArmMetric:
    found = Estimate(value=share, low=max(0.0, share - 0.02), high=min(1.0, share + 0.02), num_rows=400)
    return ArmMetric(arm=arm, metric="json_valid", estimate=found)


def _right(num_right: int, num_rows: int = 200) -> list[float]:
    """Right answers at the first rows, so that a better arm is right wherever a worse one is."""
    return [1.0] * num_right + [0.0] * (num_rows - num_right)


def _decide(evidence: Evidence, **needs: object) -> Decision:
    return decide(evidence, Needs.model_validate(needs))


SIX = {"zero_shot": 60, "prompted": 90, "few_shot": 110, "retrieval": 130, "tuned": 160, "tuned_retrieval": 190}


def _of(**num_right: int) -> dict[str, list[float]]:
    return {kind: _right(number) for kind, number in num_right.items()}


# Every possible choice


def test_do_not_tune_when_the_model_as_it_is_does_as_well() -> None:
    found = _decide(_evidence(_of(zero_shot=150, prompted=148, few_shot=151, tuned=152)))
    assert (found.choice, found.arm, found.rows_needed) == (Choice.DO_NOT_TUNE, "zero_shot", None)
    assert found.headline == (
        "Don't fine-tune: the model as it is (zero_shot) does as well as any arm that meets the needs."
    )


@pytest.mark.parametrize(
    ("num_arms", "choice", "opening"),
    [
        (2, Choice.PROMPT, "Don't fine-tune: a prompt (prompted) does as well"),
        (3, Choice.FEW_SHOT, "Don't fine-tune: a prompt with examples (few_shot) does as well"),
        (4, Choice.RETRIEVE, "Don't fine-tune, retrieve: passages of the documents in the prompt (retrieval) does as"),
        (5, Choice.TUNE, "Fine-tune: no simpler arm that meets the needs is as good as tuned."),
        (
            6,
            Choice.TUNE_AND_RETRIEVE,
            "Both, fine-tune and retrieve: no simpler arm that meets the needs is as good as",
        ),
    ],
)
def test_the_arm_that_clearly_beats_every_simpler_one_wins(num_arms: int, choice: Choice, opening: str) -> None:
    kinds = list(SIX)
    # What is more complex than the winner gets exactly its score.
    num_right = {kind: min(SIX[kind], SIX[kinds[num_arms - 1]]) for kind in kinds}
    found = _decide(_evidence(_of(**num_right)))
    assert (found.choice, found.arm) == (choice, kinds[num_arms - 1])
    assert found.headline.startswith(opening)


def test_too_few_rows_when_tuning_looks_better_but_chance_would_explain_it() -> None:
    evidence = _evidence({"prompted": _right(20, 40), "tuned": _right(24, 40)})
    found = _decide(evidence)
    # 4 of 40 changed: s = half the interval x sqrt(40) / 1.96, d = 0.1, one comparison: N = (2.802 s / 0.1)^2.
    change = evidence.differences[0].estimate
    assert change is not None
    deviation = (change.high - change.low) / 2 * 40**0.5 / 1.959964
    assert found.rows_needed == pytest.approx((2.801585 * deviation / 0.1) ** 2 - 40, abs=1)
    assert (found.choice, found.arm) == (Choice.TOO_FEW_ROWS, "prompted")
    assert found.headline == (
        "Too few test rows to tell whether tuned is better than prompted: "
        f"about {found.rows_needed:,} more would settle it."
    )


def test_too_few_rows_when_hardly_anything_was_measured() -> None:
    found = _decide(_evidence({"zero_shot": [1.0, 0.0] * 4, "tuned": [1.0, 0.0] * 4}))
    assert (found.choice, found.arm) == (Choice.TOO_FEW_ROWS, "zero_shot")
    assert found.headline.startswith("Too few test rows to tell the arms apart: about")
    assert found.rows_needed is not None
    assert found.rows_needed >= 2


def test_one_test_input_is_too_few_whatever_the_arms_did_with_it() -> None:
    found = _decide(_evidence({"zero_shot": [0.0], "tuned": [1.0]}, floor=[0.0]), budget_per_month=1e-9)
    assert (found.choice, found.arm, found.rows_needed) == (Choice.TOO_FEW_ROWS, None, 9)
    assert found.headline == "Too few test rows to tell the arms apart: about 9 more would settle it."
    assert "tuned was left out: its Accuracy could not be measured (nothing was scored)." in found.reasons
    assert found.what_would_change_it == ("More test rows; rows for training do not help to tell the arms apart.",)


def test_where_no_row_could_be_scored_that_is_said_and_needs_are_not_blamed() -> None:
    found = _decide(_evidence({"zero_shot": [None] * 50, "tuned": [None] * 50}))
    assert (found.choice, found.arm, found.rows_needed) == (Choice.TOO_FEW_ROWS, None, None)
    assert found.headline == "Nothing could be measured: no arm has a value of Accuracy (nothing was scored)."
    assert not any("More test rows" in text for text in found.what_would_change_it)


def test_the_rows_asked_for_are_about_those_that_settle_it() -> None:
    few, many = ({"prompted": _right(n // 2, n), "tuned": _right(n * 6 // 10, n)} for n in (30, 400))
    needed = _decide(_evidence(few)).rows_needed
    assert needed is not None
    assert 30 + needed < 400
    assert _decide(_evidence(many)).choice is Choice.TUNE


def test_do_not_tune_when_no_arm_meets_the_needs() -> None:
    found = _decide(_evidence(_of(zero_shot=60, tuned=160)), budget_per_month=0.0)
    assert (found.choice, found.arm) == (Choice.DO_NOT_TUNE, None)
    assert found.headline == "Don't fine-tune yet: no arm meets the stated needs."
    assert "zero_shot was left out: it exceeds the budget." in found.reasons
    assert "Without the budget: tune (tuned)." in found.what_would_change_it


def test_none_of_these_works_when_every_arm_scores_nothing() -> None:
    found = _decide(_evidence(_of(zero_shot=0, prompted=0, few_shot=0, retrieval=0, tuned=0, tuned_retrieval=0)))
    assert (found.choice, found.arm, found.rows_needed) == (Choice.NONE_WORKS, None, None)
    # Wilson's interval of 0 of 200 ends at 1.9 %.
    assert found.headline == "None of these works: the best arm (zero_shot) reaches 0.0 % [0.0, 1.9] of Accuracy."
    assert [reason.split(" is ")[0] for reason in found.reasons] == [
        f"Accuracy of {kind}" for kind in ("zero_shot", "prompted", "few_shot", "retrieval", "tuned", "tuned_retrieval")
    ]
    openings = [text.split(":")[0].split(" (")[0] for text in found.what_would_change_it]
    assert openings == [
        "A larger base",
        "More training rows, or cleaner ones",
        "A hosted model as one more arm",
        "Another headline metric",
    ]
    assert "tuned was made from 500." in found.what_would_change_it[1]


def test_none_of_these_works_when_every_arm_is_near_the_floor() -> None:
    # The best of them is right in 2.5 % of 1,000 rows, and certainly in less than 5 %.
    values = {kind: _right(number, 1000) for kind, number in (("zero_shot", 0), ("prompted", 5), ("tuned", 25))}
    found = _decide(_evidence(values))
    assert (found.choice, found.arm) == (Choice.NONE_WORKS, None)
    assert found.headline.startswith("None of these works: the best arm (tuned) reaches 2.5 % [")


def test_none_of_these_works_when_the_whole_interval_lies_within_the_margin_of_one_answer_to_all() -> None:
    values = {"zero_shot": _right(100, 2000), "tuned": _right(1210, 2000)}
    found = _decide(_evidence(values, floor=_right(1200, 2000)))  # 10 rows of 2,000 gained, none lost
    assert (found.choice, found.arm) == (Choice.NONE_WORKS, None)
    assert ", and one answer to all inputs 60.0 % [57.9, 62.0]; the difference is +0.5 points [+0." in found.headline
    (told,) = [reason for reason in found.reasons if reason.startswith("One answer to all inputs, without reading")]
    # McNemar's 2 x 0.5^10 = 0.002, the larger of two: real, and too little to matter.
    assert "would reach 60.0 % [57.9, 62.0]; tuned is of no use beside that: +0.5 points [+0." in told
    assert told.endswith("], p = 0.002 after Holm.")


def test_an_arm_works_when_it_is_better_than_one_answer_to_all_beyond_chance() -> None:
    found = _decide(_evidence(_of(zero_shot=10, tuned=120), floor=_right(90)))
    assert (found.choice, found.arm) == (Choice.TUNE, "tuned")
    (told,) = [reason for reason in found.reasons if reason.startswith("One answer to all inputs, without reading")]
    assert told.startswith(
        "One answer to all inputs, without reading them, would reach 45 % [38, 51]; tuned is better: "
    )


@pytest.mark.parametrize("num_right", [120, 118])
def test_a_point_at_the_floor_is_no_proof_that_nothing_works(num_right: int) -> None:
    # Right on other rows than the one answer to all: 40 gained, 38 or 40 lost. Hand-worked: s^2 = 78 / 200 - 0.01^2.
    floor = [0.0] * 40 + [1.0] * 118 + [0.0] * 42
    evidence = _evidence(_of(zero_shot=10, tuned=num_right), floor=floor)
    found = _decide(evidence)
    assert (found.choice, found.arm) == (Choice.TOO_FEW_ROWS, "zero_shot")
    assert found.headline == (
        "Too few test rows to tell whether tuned is better than one answer to all inputs: "
        f"about {found.rows_needed:,} more would settle it."
    )
    # Two comparisons with the floor, and the margin as the smallest difference: N = ((2.241 + 0.842) s / 0.02)^2.
    assert found.rows_needed == pytest.approx((3.083 / 0.02) ** 2 * 0.39 - 200, rel=0.1)
    assert found.what_would_change_it[0] == "More test rows, to see whether any of these works."
    assert found.what_would_change_it[1].startswith("A larger base: ")


def test_the_arm_with_the_best_value_was_picked_so_its_gain_is_corrected_for_the_number_of_arms() -> None:
    # 7 gained, 0 lost: p = 2 x 0.5^7 = 0.0156. Alone it is real, as the best of six it is not (0.094).
    alone = _evidence(_of(tuned=107), floor=_right(100))
    assert _decide(alone).choice is Choice.TUNE
    others = {kind: 100 for kind in SIX if kind != "tuned"}
    one_of_six = _evidence(_of(**others, tuned=107), floor=_right(100))
    assert _decide(one_of_six).headline.startswith("Too few test rows to tell whether tuned is better than one answer")


def test_nothing_right_in_twenty_rows_does_not_prove_that_nothing_works() -> None:
    evidence = _evidence({"zero_shot": [0.0] * 20, "tuned": [0.0] * 20}, floor=[0.0] * 20)
    found = _decide(evidence)
    assert found.choice is Choice.TOO_FEW_ROWS  # Wilson's interval of 0 of 20 ends at 16 %
    # Of 74 rows or more, z^2 / (n + z^2) is below 5 %.
    assert _decide(_evidence({"zero_shot": [0.0] * 73}, floor=[0.0] * 73)).choice is Choice.NONE_WORKS
    assert _decide(_evidence({"zero_shot": [0.0] * 72}, floor=[0.0] * 72)).choice is Choice.TOO_FEW_ROWS
    assert found.rows_needed is not None
    assert 53 <= found.rows_needed <= 100


def test_where_one_answer_fits_nearly_all_inputs_no_arm_is_needed_and_none_is_called_useless() -> None:
    # Wilson's interval of 1,995 of 2,000 starts at 99.4 %.
    values = {"zero_shot": _right(10, 2000), "tuned": _right(2000, 2000)}
    found = _decide(_evidence(values, floor=_right(1995, 2000)))
    assert (found.choice, found.arm) == (Choice.NONE_WORKS, None)
    assert found.headline == (
        "None of these is needed: one answer to all inputs reaches 99.8 % [99.4, 99.9] of Accuracy, and no arm could "
        "be better by more than 2 points."
    )
    assert found.what_would_change_it[0].startswith("Test rows that want different answers: ")
    assert not any(text.startswith("A larger base") for text in found.what_would_change_it)


def test_one_answer_that_may_fit_fewer_inputs_is_not_called_enough() -> None:
    # 196 of 200: as low as 95 % by Wilson's interval, so an arm may be better by 5 points.
    found = _decide(_evidence(_of(zero_shot=10, tuned=200), floor=_right(196)))
    assert found.choice is Choice.TOO_FEW_ROWS


def test_nothing_right_in_hardly_any_rows_asks_for_more_of_them() -> None:
    found = _decide(_evidence({"zero_shot": [0.0] * 8, "tuned": [0.0] * 8}))
    assert found.choice is Choice.TOO_FEW_ROWS


def test_an_arm_that_works_and_was_left_out_is_named_as_the_way_out() -> None:
    found = _decide(_evidence(_of(zero_shot=0, few_shot=160)), budget_per_month=1.0)
    assert (found.choice, found.arm) == (Choice.NONE_WORKS, None)
    assert "few_shot was left out: it exceeds the budget." in found.reasons
    assert "Without the budget: few-shot (few_shot)." in found.what_would_change_it


def test_a_loss_has_no_floor() -> None:
    found = _decide(_evidence({"zero_shot": [0.01] * 30, "tuned": [0.01] * 30}, "loss"))
    assert found.choice is Choice.DO_NOT_TUNE


def test_every_choice_is_reached_by_a_test_of_this_file() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [choice.name for choice in Choice if f"Choice.{choice.name}" not in text] == []


def test_a_hosted_model_that_is_as_good_as_tuning_wins() -> None:
    prices = Prices(per_million_prompt_tokens=1, per_million_answer_tokens=2)
    found = _decide(_evidence(_of(prompted=60, tuned=160, endpoint=160), prices=prices))
    assert (found.choice, found.arm) == (Choice.DO_NOT_TUNE, "endpoint")
    assert found.headline.startswith("Don't fine-tune: the hosted model (endpoint) does as well")


# The margin and the significance


def test_an_arm_within_the_margin_is_as_good_even_when_the_difference_is_real() -> None:
    values = {"prompted": _right(9900, 10_000), "tuned": _right(9985, 10_000)}
    found = _decide(_evidence(values))  # 0.85 points, p < 0.001
    assert (found.choice, found.arm) == (Choice.PROMPT, "prompted")


def test_a_difference_of_exactly_the_margin_does_not_decide() -> None:
    assert _decide(_evidence(_of(prompted=150, tuned=154))).choice is Choice.PROMPT
    assert _decide(_evidence(_of(prompted=150, tuned=155))).choice is Choice.TOO_FEW_ROWS


def test_arms_that_differ_in_their_prompt_alone_need_no_more_rows() -> None:
    found = _decide(_evidence(_of(zero_shot=150, prompted=155, tuned=155)))
    assert (found.choice, found.arm) == (Choice.PROMPT, "prompted")
    assert any(reason.startswith("zero_shot may be worse than prompted, or that may") for reason in found.reasons)


def test_for_a_loss_lower_is_better_and_the_margin_is_relative() -> None:
    base = [2.0 + row / 100 for row in range(60)]
    tuned = [value - 0.5 - row / 1000 for row, value in enumerate(base)]
    assert _decide(_evidence({"zero_shot": base, "tuned": tuned}, "loss")).arm == "tuned"
    close = [value - 0.01 - row / 1000 for row, value in enumerate(base)]
    assert _decide(_evidence({"zero_shot": base, "tuned": close}, "loss")).arm == "zero_shot"


def test_an_arm_that_was_never_scored_is_left_out() -> None:
    found = _decide(_evidence({"zero_shot": [None] * 200, "prompted": _right(100)}))
    assert (found.arm, found.choice) == ("prompted", Choice.PROMPT)
    assert "zero_shot was left out: its Accuracy could not be measured (nothing was scored)." in found.reasons


@pytest.mark.parametrize("num_answered", [3, 5, 9, 12, 20, 40, 105])
def test_an_arm_that_answered_few_rows_leads_no_decision(num_answered: int) -> None:
    endpoint = [1.0] * num_answered + [None] * (117 - num_answered)
    values = {"zero_shot": _right(0, 117), "prompted": _right(40, 117), "tuned": _right(103, 117), "endpoint": endpoint}
    prices = Prices(per_million_prompt_tokens=1, per_million_answer_tokens=1)
    found = _decide(_evidence(values, prices=prices, floor=_right(2, 117)))
    assert (found.choice, found.arm) == (Choice.TUNE, "tuned")
    left_out = f"endpoint was left out: it answered only {num_answered} of 117 rows: HTTP 429: slow down."
    assert left_out in found.reasons
    others = [reason for reason in found.reasons if reason != left_out]
    assert not any("endpoint" in reason for reason in (*others, *found.what_would_change_it))
    assert any("prompted" in reason and "cost" in reason for reason in others), "break-even takes the best complete arm"


def test_an_arm_that_failed_on_a_few_rows_is_still_a_candidate() -> None:
    values = {"zero_shot": _right(10, 100), "tuned": _right(60, 100), "endpoint": [1.0] * 95 + [None] * 5}
    assert _decide(_evidence(values)).arm == "endpoint"


def test_the_few_valid_answers_of_an_incomplete_arm_leave_no_other_arm_out() -> None:
    values = {"prompted": _right(60), "tuned": _right(160), "endpoint": [1.0] * 100 + [None] * 100}
    found = _decide(_evidence(values, valid={"prompted": 0.5, "tuned": 0.9, "endpoint": 1.0}), strict_format=True)
    assert found.arm == "tuned"


def test_arms_scored_on_different_rows_are_undecided_without_a_number_of_rows() -> None:
    evidence = _evidence(_of(zero_shot=60, tuned=160))
    apart = Evidence(evidence.arms, evidence.metric, evidence.results, (), evidence.prices)
    found = rule(apart, Needs())
    assert (found.choice, found.rows_needed) == (Choice.TOO_FEW_ROWS, None)
    assert found.standings["zero_shot"] is Standing.UNDECIDED
    assert missing_rows(apart, found, "zero_shot") is None
    said = decide(apart, Needs())
    assert said.headline.endswith("whether tuned is better than zero_shot: more test rows would settle it.")
    assert "zero_shot cannot be compared with tuned: hardly any input was scored under both." in said.reasons


# The four needs


def test_knowledge_that_changes_often_leaves_only_arms_that_read_documents() -> None:
    evidence = _evidence(_of(zero_shot=60, retrieval=120, tuned=190))
    found = _decide(evidence, knowledge_changes="often")
    assert (found.choice, found.arm) == (Choice.RETRIEVE, "retrieval")
    assert "tuned was left out: knowledge changes often, and it reads no documents." in found.reasons
    assert "If knowledge did not change often: tune (tuned)." in found.what_would_change_it
    assert "If knowledge changed often: retrieve (retrieval)." in _decide(evidence).what_would_change_it


def _updated(arm: str, num_new: int, num_old: int, verdict: Verdict) -> UpdatedArm:
    return UpdatedArm(
        arm=arm, reads_documents=arm.endswith("retrieval"), before=None, after=None, share_new=None, num_new=num_new,
        num_old=num_old, num_items=20, verdict=verdict,
    )  # fmt: skip


def test_an_arm_that_was_seen_to_keep_the_old_answers_is_left_out_though_it_reads_documents() -> None:
    evidence = replace(
        _evidence(_of(zero_shot=60, retrieval=120, tuned_retrieval=190)),
        updated=[
            _updated("retrieval", 18, 1, Verdict.BETTER),
            _updated("tuned_retrieval", 2, 17, Verdict.WORSE),
        ],
    )
    found = _decide(evidence, knowledge_changes="often")
    assert (found.choice, found.arm) == (Choice.RETRIEVE, "retrieval")
    reason = "knowledge changes often, and it kept to the old answers when the documents changed"
    assert f"tuned_retrieval was left out: {reason}." in found.reasons
    assert (
        "On 20 changed answers, with the new documents: retrieval follows (18 new, 1 old, 1 neither); "
        "tuned_retrieval keeps the old (2 new, 17 old, 1 neither)."
    ) in found.reasons
    assert _decide(evidence).arm == "tuned_retrieval"


def test_without_documents_changing_knowledge_leaves_no_arm_out() -> None:
    found = _decide(_evidence(_of(zero_shot=60, tuned=190)), knowledge_changes="often")
    assert found.arm == "tuned"
    assert "Knowledge changes often, but no documents were given, so no arm can follow it." in found.reasons


def test_knowledge_that_changes_rarely_is_a_remark_and_not_a_rule() -> None:
    found = _decide(_evidence(_of(zero_shot=60, retrieval=61, tuned=190)), knowledge_changes="rarely")
    assert found.arm == "tuned"
    assert "Knowledge changes rarely: tuned reads no documents, so each change asks for training it again." in (
        found.reasons
    )


def test_a_strict_format_leaves_out_arms_whose_answers_are_often_invalid() -> None:
    evidence = _evidence(_of(zero_shot=190, tuned=191), valid={"zero_shot": 0.9, "tuned": 0.995})
    assert _decide(evidence).arm == "zero_shot"
    found = _decide(evidence, strict_format=True)
    assert found.arm == "tuned"
    reason = "the format must be strict, and 90.0% of its answers are valid [88.0%, 92.0%]"
    assert f"zero_shot was left out: {reason}." in found.reasons
    assert "If the format need not be strict: do not tune (zero_shot)." in found.what_would_change_it


def test_the_most_valid_arm_stays_when_none_is_valid_enough() -> None:
    evidence = _evidence(_of(zero_shot=190, tuned=191), valid={"zero_shot": 0.4, "tuned": 0.8})
    found = _decide(evidence, strict_format=True)
    assert found.arm == "tuned"
    assert "No arm writes 99% valid answers: a strict format also needs constrained decoding." in found.reasons


def test_a_strict_format_that_was_not_measured_is_said() -> None:
    found = _decide(_evidence(_of(zero_shot=190, tuned=191)), strict_format=True)
    assert found.arm == "zero_shot"
    assert any("no metric of this study tells valid from invalid" in reason for reason in found.reasons)


def test_the_budget_leaves_out_what_costs_more_a_month() -> None:
    # At 0.10 an hour and 1000 requests a day: few-shot 1.69 a month, tuned 0.42.
    evidence = _evidence(_of(zero_shot=60, few_shot=160, tuned=161))
    assert _decide(evidence).arm == "few_shot"
    found = _decide(evidence, budget_per_month=1.0)
    assert found.arm == "tuned"
    assert "few_shot was left out: it exceeds the budget." in found.reasons
    assert "Without the budget: few-shot (few_shot)." in found.what_would_change_it
    assert "Above 2,366 requests a day tuned costs more than 1.00 USD a month." in found.what_would_change_it
    assert _decide(evidence, budget_per_month=1.0, requests_per_day=100).arm == "few_shot"
    exactly = evidence.costs(Needs())["few_shot"].per_month
    assert _decide(evidence, budget_per_month=exactly).arm == "few_shot"


def test_less_than_one_request_a_day_is_not_told_as_none() -> None:
    found = _decide(_evidence(_of(prompted=60, tuned=160)), requests_per_day=0.3, budget_per_month=0.0002)
    assert found.arm == "tuned"
    assert any(" a month at 0.3 requests a day; " in reason for reason in found.reasons)
    # 0.0002 a month, at 0.1 x 0.5 / 3600 a request and 30.4375 days.
    assert "Above 0.47 requests a day tuned costs more than 0.0002 USD a month." in found.what_would_change_it


def test_a_hosted_arm_without_a_price_cannot_keep_a_budget() -> None:
    evidence = _evidence(_of(zero_shot=60, endpoint=190))
    assert _decide(evidence).arm == "endpoint"
    assert any(reason.startswith("The cost of endpoint is not known") for reason in _decide(evidence).reasons)
    found = _decide(evidence, budget_per_month=1000.0)
    assert found.arm == "zero_shot"
    assert any(
        reason.startswith("endpoint was left out: its cost is not known: the prices") for reason in found.reasons
    )


# The words


def test_the_reasons_give_the_values_the_differences_and_the_money() -> None:
    found = _decide(_evidence(_of(few_shot=90, tuned=160)))
    assert found.reasons[0].startswith("Accuracy of tuned is 80 % [")
    assert found.reasons[0].endswith("] on 200 test inputs.")
    assert found.reasons[1].startswith("few_shot is worse than tuned: -35 points [-4")
    assert found.reasons[1].endswith("], p < 0.001 after Holm.")
    # 0.5 s at 0.10 an hour; an hour of set-up.
    assert found.reasons[2] == (
        "A thousand requests to tuned cost 0.014 USD, 0.42 USD a month at 1,000 requests a day; "
        "its set-up cost 0.1 USD of machine time and 500 labelled rows."
    )
    # few_shot takes 2 s: 3600 s of training are earned back by 1.5 s a request after 2400 of them.
    assert found.reasons[3] == "tuned costs less than few_shot, set-up included, after 2,401 requests (2.4 days)."


def test_a_small_cost_is_not_told_as_none() -> None:
    evidence = _evidence(_of(few_shot=90, tuned=160))
    cheap = replace(evidence, prices=evidence.prices.model_copy(update={"machine_per_hour": 0.0003}))
    assert _decide(cheap).reasons[2].startswith("A thousand requests to tuned cost 0.000042 USD, 0.0013 USD a month")


def test_whom_a_judge_prefers_is_told_and_changes_nothing() -> None:
    evidence = _evidence(_of(few_shot=90, tuned=160))
    judge = judge_comparison(judge="large", verdict=Verdict.WORSE, num_wins=6, num_losses=18)
    with_judge = _decide(replace(evidence, judge=judge))
    (added,) = set(with_judge.reasons) - set(_decide(evidence).reasons)
    assert added.startswith("The judge large prefers prompted to tuned: 6 wins, 16 ties")
    assert added.endswith("It decides nothing.")
    assert with_judge.model_copy(update={"reasons": ()}) == _decide(evidence).model_copy(update={"reasons": ()})


def test_a_tuned_winner_that_is_never_cheaper_says_so() -> None:
    found = _decide(_evidence(_of(zero_shot=60, tuned=160)))
    assert "A request to tuned costs no less than one to zero_shot: its set-up is never earned back." in found.reasons


def test_a_cheaper_tuned_arm_that_is_as_good_is_told_and_does_not_win() -> None:
    found = _decide(_evidence(_of(few_shot=160, tuned=160)))
    assert found.arm == "few_shot"
    told = "tuned costs less than few_shot, set-up included, after 2,401 requests (2.4 days)."
    assert f"Money alone speaks for tuned, which is as good: {told}" in found.what_would_change_it


def test_a_tuned_arm_that_is_cheaper_at_first_alone_has_no_money_that_speaks_for_it() -> None:
    evidence = _evidence(_of(zero_shot=160, tuned=160))
    figures = {"zero_shot": (0.5, 400.0), "tuned": (0.6, 140.0)}
    changed = [
        facts.model_copy(update=dict(zip(("machine_seconds", "set_up_seconds"), figures[facts.name], strict=True)))
        for facts in evidence.arms
    ]
    found = _decide(replace(evidence, arms=changed))
    assert found.arm == "zero_shot"
    assert not any("Money alone" in text for text in found.what_would_change_it)


def test_what_the_rows_cannot_rule_out_is_said_with_the_rows_that_would() -> None:
    found = _decide(_evidence(_of(prompted=150, tuned=153)))
    first = found.what_would_change_it[0]
    assert first.startswith("tuned may be better by up to ")
    assert "more test rows would show a difference of 2 points." in first
