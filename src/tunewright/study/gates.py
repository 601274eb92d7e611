"""Gates: conditions on a study under which a command fails, so that a pipeline stops on them."""

from collections.abc import Sequence

from tunewright.records import Choice, Gate, StudyArm, StudyReport, Verdict
from tunewright.study.contrasts import MIN_ANSWERED


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
    return _why_not_better(report, tuned)


def _why_not_better(report: StudyReport, tuned: Sequence[str]) -> list[str]:
    """Why no tuned arm is better than all others. What was not compared may be better, so it fails the gate as well."""
    others = [arm.name for arm in report.arms if not arm.facts.is_tuned]
    uncompared = []
    for arm in tuned:
        left = [other for other in others if _verdict(report, arm, other) is not Verdict.BETTER]
        if not left:
            return []
        reasons = {other: reason for other in left if (reason := _why_uncompared(report, other))}
        if len(reasons) == len(left):
            uncompared += [f"{arm} could not be compared with {other}: {reason}." for other, reason in reasons.items()]
    return uncompared or ["No tuned arm is better than every arm without training."]


def _why_uncompared(report: StudyReport, arm: str) -> str | None:
    """Why the scores of an arm are too few to say how good it is, as the decision sees it; None where they do."""
    own = report.result(arm, report.headline_metric)
    if own.estimate is None:
        return own.reason or f"its {report.headline.title} could not be measured"
    estimates = [report.result(each.name, report.headline_metric).estimate for each in report.arms]
    most = max(found.num_rows for found in estimates if found is not None)
    if own.estimate.num_rows >= MIN_ANSWERED * most:
        return None
    return f"it answered only {own.estimate.num_rows:,} of {most:,} rows"


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
