"""Gates: conditions on a study under which a command fails, so that a pipeline stops on them."""

from collections.abc import Sequence

from tunewright.records import Choice, Gate, StudyReport, Verdict


def why_gates_fail(report: StudyReport, gates: Sequence[Gate]) -> tuple[str, ...]:
    """One sentence for each gate that does not hold; none when all do."""
    return tuple(reason for gate in dict.fromkeys(gates) for reason in _reasons(report, gate))


def _reasons(report: StudyReport, gate: Gate) -> list[str]:
    if gate == "too-few-rows":
        return [report.decision.headline] if report.decision.choice is Choice.TOO_FEW_ROWS else []
    if gate == "none-works":
        return [report.decision.headline] if report.decision.choice is Choice.NONE_WORKS else []
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


def _verdict(report: StudyReport, arm: str, other: str) -> Verdict | None:
    change = report.difference(arm, other)
    return change.verdict if change else None
