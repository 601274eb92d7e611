"""Gates: conditions on a study under which a command fails, so that a pipeline stops on them."""

from collections.abc import Sequence

from tunewright.records import Choice, Gate, StudyArm, StudyReport, Verdict


def why_gates_fail(report: StudyReport, gates: Sequence[Gate]) -> tuple[str, ...]:
    """One sentence for each gate that does not hold; none when all do."""
    return tuple(reason for gate in dict.fromkeys(gates) for reason in _reasons(report, gate))


def _reasons(report: StudyReport, gate: Gate) -> list[str]:
    if gate == "too-few-rows":
        return [report.decision.headline] if report.decision.choice is Choice.TOO_FEW_ROWS else []
    if gate == "none-works":
        return [report.decision.headline] if report.decision.choice is Choice.NONE_WORKS else []
    if gate == "forgets":
        return [reason for arm in report.arms if arm.facts.is_tuned and (reason := _why_forgetful(arm))]
    tuned = [arm.name for arm in report.arms if arm.facts.is_tuned]
    if gate == "worse-than-prompt":
        prompted = [arm.name for arm in report.arms if arm.facts.kind in ("prompted", "few_shot")]
        pairs = [(arm, other) for arm in tuned for other in prompted]
        return [
            f"{arm} is worse than {other}." for arm, other in pairs if _verdict(report, arm, other) is Verdict.WORSE
        ]
    others = [arm.name for arm in report.arms if not arm.facts.is_tuned]
    for arm in tuned:
        if all(_verdict(report, arm, other) is Verdict.BETTER for other in others):
            return []
    return ["No tuned arm is better than every arm without training."]


def _why_forgetful(arm: StudyArm) -> str | None:
    retention = arm.training.retention if arm.training else None
    if retention is None:
        return f"What {arm.name} has lost of the base's general ability was not measured (retention.enabled)."
    if retention.kept.is_within:
        return None
    beyond = ", ".join(part.part for part in retention.kept.parts if not part.is_within)
    return f"{arm.name} lost general ability beyond its limits: {beyond}."


def _verdict(report: StudyReport, arm: str, other: str) -> Verdict | None:
    change = report.difference(arm, other)
    return change.verdict if change else None
