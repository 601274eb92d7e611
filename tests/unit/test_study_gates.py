"""Findings on which a pipeline stops."""

import pytest
from study_fixture import build_study

from tunewright.records import (
    Choice,
    Estimate,
    Gate,
    RetentionPart,
    RetentionResult,
    StudyReport,
    Verdict,
)
from tunewright.study.gates import why_gates_fail


def report(choice: Choice = Choice.TUNE, **verdicts: Verdict) -> StudyReport:
    """The tuned arm against each other arm; better where nothing is said."""
    study = build_study()
    told = {"zero-shot": Verdict.BETTER, "prompted": Verdict.BETTER, "endpoint": Verdict.BETTER}
    told |= {name.replace("_", "-"): verdict for name, verdict in verdicts.items()}
    differences = []
    for change in study.differences:
        if change.arm == "tuned":
            change = change.model_copy(update={"verdict": told[change.baseline]})
        elif change.baseline == "tuned":
            change = change.model_copy(update={"verdict": told[change.arm].opposite})
        differences.append(change)
    decision = study.decision.model_copy(update={"choice": choice})
    return study.model_copy(update={"differences": tuple(differences), "decision": decision})


@pytest.mark.parametrize(
    ("gate", "study", "reasons"),
    [
        ("worse-than-prompt", report(), ()),
        ("worse-than-prompt", report(zero_shot=Verdict.WORSE), ()),
        ("worse-than-prompt", report(prompted=Verdict.TOO_FEW_ROWS), ()),
        ("worse-than-prompt", report(prompted=Verdict.WORSE), ("tuned is worse than prompted.",)),
        ("not-better", report(), ()),
        ("not-better", report(endpoint=Verdict.TOO_FEW_ROWS), ("No tuned arm is better than every arm without",)),
        ("none-works", report(), ()),
        ("none-works", report(Choice.NONE_WORKS), (build_study().decision.headline,)),
        ("too-few-rows", report(), ()),
        ("too-few-rows", report(Choice.TOO_FEW_ROWS), (build_study().decision.headline,)),
    ],
)
def test_a_gate_says_why_it_fails(gate: Gate, study: StudyReport, reasons: tuple[str, ...]) -> None:
    found = why_gates_fail(study, [gate, gate])
    assert len(found) == len(reasons)
    assert all(sentence.startswith(reason) for sentence, reason in zip(found, reasons, strict=True))


def endpoint_down(
    verdict: Verdict, estimate: Estimate | None, reason: str | None = None, **verdicts: Verdict
) -> StudyReport:
    """A study whose endpoint answered few rows or none."""
    study = report(endpoint=verdict, **verdicts)
    found = {"estimate": estimate, "reason": reason}
    results = [result.model_copy(update=found) if result.arm == "endpoint" else result for result in study.results]
    return study.model_copy(update={"results": tuple(results)})


def test_an_arm_that_could_not_be_compared_is_named_by_the_gate_that_asks_for_better() -> None:
    down = "0 of 96 rows could be scored, an interval needs 2; most often: HTTP 500"
    few = Estimate(value=0.5, low=0.2, high=0.8, num_rows=12)
    gates: list[Gate] = ["not-better"]
    assert why_gates_fail(endpoint_down(Verdict.TOO_FEW_ROWS, None, down), gates) == (
        f"tuned could not be compared with endpoint: {down}.",
    )
    assert why_gates_fail(endpoint_down(Verdict.TOO_FEW_ROWS, few), gates) == (
        "tuned could not be compared with endpoint: it answered only 12 of 96 rows.",
    )
    assert why_gates_fail(endpoint_down(Verdict.BETTER, few), gates) == ()
    also_no_better = endpoint_down(Verdict.TOO_FEW_ROWS, None, down, prompted=Verdict.TOO_FEW_ROWS)
    assert why_gates_fail(also_no_better, gates) == ("No tuned arm is better than every arm without training.",)


def forgetful(drop: float | None) -> StudyReport:
    """A study whose tuned arm has certainly lost so much grammar, of which 0.02 may be lost; None: not measured."""
    study = build_study()
    arms = []
    for arm in study.arms:
        training = arm.training
        if training and training.retention and drop is not None:
            lost = Estimate(value=drop, low=drop, high=drop, num_rows=100)
            kept = RetentionResult(parts=(RetentionPart(part="grammar", drop=lost, limit=0.02),))
            retention = training.retention.model_copy(update={"kept": kept})
            training = training.model_copy(update={"retention": retention})
        elif training:
            training = training.model_copy(update={"retention": None})
        arms.append(arm.model_copy(update={"training": training}))
    return study.model_copy(update={"arms": tuple(arms)})


def test_a_tuned_arm_that_forgot_too_much_fails_its_gate_and_so_does_one_that_was_not_measured() -> None:
    assert why_gates_fail(forgetful(0.02), ["forgets"]) == ()
    assert why_gates_fail(forgetful(0.03), ["forgets"]) == ("tuned lost general ability beyond its limits: grammar.",)
    (reason,) = why_gates_fail(forgetful(None), ["forgets"])
    assert reason == "What tuned has lost of the base's general ability was not measured (retention.enabled)."


def test_without_gates_nothing_fails() -> None:
    assert why_gates_fail(report(prompted=Verdict.WORSE), []) == ()
