"""Findings on which a pipeline stops."""

import pytest
from study_fixture import build_study

from tunewright.records import Choice, Gate, StudyReport, Verdict
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


def test_without_gates_nothing_fails() -> None:
    assert why_gates_fail(report(prompted=Verdict.WORSE), []) == ()
