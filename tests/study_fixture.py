"""A StudyReport as a real study would make it, with hostile names, prompts, passages and answers."""

from itertools import combinations

from report_fixture import HOSTILE, build_report

from tunewright.records import (
    Answer,
    ArmFacts,
    ArmKind,
    ArmMetric,
    Candidate,
    Choice,
    Decision,
    Difference,
    Estimate,
    FormatScores,
    JudgeComparison,
    Needs,
    Passage,
    Prices,
    StrictFormats,
    StudyArm,
    StudyReport,
    StudyRow,
    TrainingSummary,
    Verdict,
)
from tunewright.study.cost import arm_cost, break_even

ARMS: dict[str, tuple[ArmKind, float, float]] = {
    "zero-shot": ("zero_shot", 0.21, 0.2),
    "prompted": ("prompted", 0.55, 0.6),
    "tuned": ("tuned", 0.83, 0.21),
    "endpoint": ("endpoint", 0.8, 1.5),
}
"""Kind, value of the headline metric, and machine seconds of each."""


def build_study(**changes: object) -> StudyReport:
    """Four arms on 96 inputs; the endpoint has no price."""
    report = build_report()
    metrics = report.metrics[:2]
    facts = [_facts(name) for name in ARMS]
    costs = {found.name: arm_cost(found, Prices(), Needs()) for found in facts}
    study = StudyReport(
        run_id=report.run_id,
        title=report.title,
        created_at=report.created_at,
        command="tunewright study tickets.jsonl",
        decision=Decision(
            choice=Choice.TUNE,
            arm="tuned",
            headline="Fine-tune: no simpler arm that meets the needs is as good as tuned.",
            reasons=(f"Field accuracy of tuned is 83 % {HOSTILE}.",),
            what_would_change_it=("If knowledge changed often: retrieve (retrieval).",),
        ),
        arms=tuple(_arm(found, report.training) for found in facts),
        metrics=metrics,
        headline_metric=metrics[0].name,
        results=tuple(
            ArmMetric(arm=name, metric=metric.name, estimate=_estimate(ARMS[name][1]))
            for metric in metrics
            for name in ARMS
        ),
        differences=tuple(
            _difference(metrics[0].name, arm, baseline) for baseline, arm in combinations(ARMS, 2)
        ),
        best="tuned",
        cheapest="zero-shot",
        slices=(),
        costs=tuple(costs.values()),
        break_even=break_even(costs["tuned"], costs["prompted"], Needs()),
        answers=(_row(),),
        data=report.data,
        base=report.base,
        recipe={"prices": {"currency": "USD", "machine_per_hour": 0.1}, "needs": {"requests_per_day": 1000.0},
                "evaluate": {"rows_per_batch": 32}, "prompts": [HOSTILE]},
        derived=report.derived,
        environment=report.environment,
        seconds={"ask the base": 80.2, "train the tuned arm": 143.8},
    )  # fmt: skip
    return study.model_copy(update=changes)


def strict_formats() -> StrictFormats:
    """Two metrics of two arms; one was asked under constraint."""
    metrics = build_report().metrics[:2]

    def scores(arm: str, value: float, num_truncated: int, num_again: int | None = None) -> FormatScores:
        return FormatScores(
            arm=arm, is_constrained=num_again is not None, num_answers=96, num_truncated=num_truncated,
            num_written_again=num_again or 0,
            results=tuple(ArmMetric(arm=arm, metric=each.name, estimate=_estimate(value)) for each in metrics),
        )  # fmt: skip

    return StrictFormats(
        json_schema={"type": "object", "title": HOSTILE}, is_inferred=True, metrics=metrics, note=f"A note {HOSTILE}.",
        arms=(scores("zero-shot", 0.2, 7), scores("zero-shot", 0.85, 3, 61), scores("endpoint", 0.7, 0)),
    )  # fmt: skip


def judge_comparison(**changes: object) -> JudgeComparison:
    """Forty pairs, of which tuned wins most."""
    found = JudgeComparison(
        judge=f"large {HOSTILE}", question=f"It is brief {HOSTILE}.", arm="tuned", baseline="prompted", num_wins=18,
        num_ties=16, num_losses=6, num_unscored=3, num_equal=4, num_first=40, num_second=22, p_value=0.0227,
        win_rate=Estimate(value=0.65, low=0.55, high=0.75, num_rows=40), verdict=Verdict.BETTER,
        agreement=Estimate(value=0.69, low=0.53, high=0.83, num_rows=36), note=f"Unscored, most often: {HOSTILE}.",
    )  # fmt: skip
    return found.model_copy(update=changes)


def _facts(name: str) -> ArmFacts:
    kind, _, seconds = ARMS[name]
    return ArmFacts(
        name=name, kind=kind, prompt_tokens=120, answer_tokens=30, machine_seconds=seconds, seconds_p50=3.2,
        seconds_p95=4.0, set_up_seconds=144 if kind == "tuned" else 0, is_tuned=kind == "tuned", rows_needed=600,
    )  # fmt: skip


def _arm(facts: ArmFacts, training: TrainingSummary | None) -> StudyArm:
    is_prompted = facts.kind == "prompted"
    tried = (
        Candidate(setting=f"mine {HOSTILE}.txt", validation=_estimate(0.5), is_chosen=True),
        Candidate(setting="assembled", validation=None, is_chosen=False, num_cut=1234),
    )
    return StudyArm(
        name=facts.name,
        identity="ab" * 32,
        explanation="What it does.",
        facts=facts,
        system_prompt=f"Be brief. {HOSTILE}" if is_prompted else None,
        candidates=tried if is_prompted else (),
        training=training if facts.is_tuned else None,
        run="20261120-1608-3f9a/tuned" if facts.is_tuned else None,
    )


def _estimate(value: float) -> Estimate:
    return Estimate(value=value, low=value - 0.1, high=value + 0.1, num_rows=96)


def _difference(metric: str, arm: str, baseline: str) -> Difference:
    value = ARMS[arm][1] - ARMS[baseline][1]
    verdict = Verdict.TOO_FEW_ROWS if abs(value) < 0.1 else Verdict.BETTER if value > 0 else Verdict.WORSE
    return Difference(
        metric=metric, arm=arm, baseline=baseline, estimate=_estimate(value), p_value=0.001, adjusted_p_value=0.004,
        test="exact McNemar", verdict=verdict,
    )  # fmt: skip


def _row() -> StudyRow:
    texts = {name: f"answer of {name} {HOSTILE}" for name in ARMS}
    answers = {name: Answer(text=text, finish="stop") for name, text in texts.items()}
    answers["endpoint"] = Answer(text=None, finish="failed", reason="no answer within 120 s")
    passage = Passage(id="1", document="handbook.md", title=f"Fees {HOSTILE}", text=HOSTILE, place=3)
    return StudyRow(
        example_id="ab" * 32, location="tickets & co.jsonl:17", prompt=HOSTILE, references=("the reference",),
        answers=answers, values=dict.fromkeys(ARMS, 1.0) | {"endpoint": None}, group="disagreement",
        passages={"tuned": (passage,)},
    )  # fmt: skip
