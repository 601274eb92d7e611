"""A Report as a real run would make it, with everything that makes a page difficult: hostile markup, long and failed
answers, JSON, other scripts, a metric that one arm does not have, and many changes."""

import json
import math
import random
from typing import TypeVar

from tunewright.records import (
    Answer,
    AnswerRow,
    ArmMetric,
    BaseModelRef,
    Change,
    CurvePoint,
    DataRecipe,
    DataSummary,
    Derived,
    Difference,
    Environment,
    Estimate,
    Metric,
    Report,
    RetentionPart,
    RetentionResult,
    RetentionSummary,
    Source,
    StudyReport,
    TrainingPath,
    TrainingSummary,
    TuneRecipe,
    Verdict,
)

HOSTILE = '<script>alert("from an answer")</script><img src=x onerror=alert(1)> & </pre>'
ARMS = ("base", "tuned")
ReportOrStudy = TypeVar("ReportOrStudy", Report, StudyReport)

METRICS = (
    Metric(
        name="field_accuracy",
        title="Field accuracy",
        explanation="Share of tickets whose every JSON field equals the reference.",
        higher_is_better=True,
        is_share=True,
    ),
    Metric(
        name="json_valid",
        title="Valid JSON",
        explanation="Share of answers that parse as one JSON object.",
        higher_is_better=True,
        is_share=True,
    ),
    Metric(
        name="token_f1",
        title="Token F1",
        explanation="Overlap of the words of answer and reference, harmonic mean of precision and recall.",
        higher_is_better=True,
        is_share=True,
    ),
    Metric(
        name="chrf",
        title="chrF",
        explanation="Overlap of character n-grams with the reference, 0 to 100 (Popović 2015).",
        higher_is_better=True,
        is_share=False,
    ),
    Metric(
        name="loss",
        title="Loss",
        explanation="Cross-entropy of the reference answers, in nats per token.",
        higher_is_better=False,
        is_share=False,
    ),
    Metric(
        name="macro_f1",
        title="Macro-F1 of “priority”",
        explanation="Mean of the F1 of each label, rare labels counting as much as frequent ones.",
        higher_is_better=True,
        is_share=True,
    ),
)


def build_report() -> Report:
    """Two arms, six metrics, 200 curve points."""
    return Report(
        run_id="20261120-1608-3f9ac2",
        title="bundled tuned on tickets.jsonl",
        created_at="2026-11-20T16:08:31Z",
        command=(
            "tunewright tune 'tickets & co.jsonl' --base bundled --set train.seed=0 --set data.test_fraction=0.15 "
            "--set evaluate.max_answer_tokens=96"
        ),
        summary=(
            "On 96 held-out rows the tuned model gets 83 % of the tickets right in every field, the base 2 %. "
            "The difference of 81 points has a 95 % interval from 73 to 89 points, so the tuned model is better. "
            "For the macro-F1 of the priority there are too few rows to tell."
        ),
        arms=ARMS,
        metrics=METRICS,
        results=_results(),
        differences=_differences(),
        headline_metric="field_accuracy",
        answers=_answers(),
        training=_training(),
        data=_data(),
        base=BaseModelRef(name="bundled", origin="bundled", revision="sha256:" + "ab12" * 16, sha256="ab12" * 16),
        recipe=TuneRecipe(data=DataRecipe(path="tickets & co.jsonl")).model_dump(mode="json"),
        derived=_derived(),
        environment=Environment(
            tunewright="0.1.0",
            code_revision="9f0c1d2e3b4a59687706152433425160718293a4+",
            python="3.11.9",
            packages={"torch": "2.13.0+cpu", "transformers": "5.23.0", "peft": "0.21.2", "datasets": "5.2.0"},
            platform="Linux-6.8.0-x86_64-with-glibc2.39",
            processor="Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
            num_threads=2,
            memory_bytes=8_221_679_616,
            accelerator=None,
        ),
        seconds={"read": 0.4, "render": 1.9, "evaluate base": 21.3, "train": 143.8, "evaluate tuned": 24.0},
    )


def build_evaluation() -> Report:
    """What `evaluate` writes: one arm, no training, nothing to compare with."""
    report = build_report()
    return report.model_copy(
        update={
            "title": "bundled on tickets.jsonl",
            "summary": "On 96 rows the model gets 2 % of the tickets right in every field.",
            "arms": ("base",),
            "results": tuple(result for result in report.results if result.arm == "base"),
            "differences": (),
            "training": None,
            "derived": (),
            "answers": tuple(
                row.model_copy(
                    update={
                        "answers": {"base": row.answers["base"]},
                        "values": {"base": row.values["base"]},
                    }
                )
                for row in report.answers[:10]
            ),
        }
    )


def _results() -> tuple[ArmMetric, ...]:
    def share(value: float, low: float, high: float, num_unscored: int = 0) -> Estimate:
        return Estimate(
            value=value, low=low, high=high, num_rows=96 - num_unscored, num_unscored=num_unscored, interval="wilson"
        )

    def mean(value: float, low: float, high: float) -> Estimate:
        return Estimate(value=value, low=low, high=high, num_rows=96)

    pairs = {
        "field_accuracy": (share(0.0213, 0.0059, 0.0743, 2), share(0.8333, 0.7463, 0.8949)),
        "json_valid": (share(0.0957, 0.0514, 0.1716, 2), share(1.0, 0.9615, 1.0)),
        "token_f1": (share(0.3121, 0.2711, 0.3544, 2), share(0.9402, 0.9147, 0.9631)),
        "chrf": (mean(24.118, 21.02, 27.4), mean(93.07, 90.81, 95.02)),
        "loss": (mean(3.4127, 3.3361, 3.4902), mean(0.2184, 0.1893, 0.2497)),
        "macro_f1": (None, share(0.71, 0.41, 0.9)),
    }
    return tuple(
        ArmMetric(
            arm=arm,
            metric=metric,
            estimate=estimate,
            reason=None if estimate else "no answer of this arm is one of the labels",
        )
        for metric, estimates in pairs.items()
        for arm, estimate in zip(ARMS, estimates, strict=True)
    )


def _differences() -> tuple[Difference, ...]:
    def difference(
        metric: str, ends: tuple[float, float, float] | None, p_value: float | None, verdict: Verdict = Verdict.BETTER
    ) -> Difference:
        estimate = Estimate(value=ends[0], low=ends[1], high=ends[2], num_rows=94, num_unscored=2) if ends else None
        exact = metric in ("field_accuracy", "json_valid")
        return Difference(
            metric=metric,
            arm="tuned",
            baseline="base",
            estimate=estimate,
            p_value=p_value,
            test="none" if p_value is None else "exact McNemar" if exact else "paired bootstrap",
            verdict=verdict,
        )

    return (
        difference("field_accuracy", (0.812, 0.7291, 0.8864), 1.2e-19),
        difference("json_valid", (0.9043, 0.8404, 0.9574), 4.1e-22),
        difference("token_f1", (0.6281, 0.5802, 0.6733), 0.0005),
        difference("chrf", (68.95, 64.8, 72.9), 0.0005),
        difference("loss", (-3.1943, -3.2741, -3.1152), 0.031),
        difference("macro_f1", None, None, Verdict.TOO_FEW_ROWS),
    )


def _ticket(index: int) -> str:
    return json.dumps(
        {"queue": "billing", "priority": "P2", "action": "refund_review", "ref": f"T-{index:04d}"}, ensure_ascii=False
    )


def _answers() -> tuple[AnswerRow, ...]:
    long_text = "The customer writes that the invoice is wrong and that nobody has called back. " * 14
    prompts = (
        "Hello, I was charged twice for October.\nOrder 88-1203, please refund one of them.",
        "我的发票有误,请更正。 — Übergröße, naïve café, 🧾",
        f"Subject: {HOSTILE}\nMy screen shows the code above.",
        "App crashes on login since 4.2.1 (Pixel 8).",
        "Wo ist mein Paket? Sendungsnummer JJD0003 4567 8910 1112 1314.",
        "https://example.org/" + "averylongpathwithoutspaces" * 8,
        "Cancel my plan at the end of the month.",
        "The export misses the column «Straße».",
        "How do I change the owner of a workspace?",
        "Second reminder: invoice 2025-118 is still open.",
        "",
        "Thanks, all good now!",
    )
    base_texts = (
        "I am sorry to hear that. I was charged twice",
        long_text,
        HOSTILE,
        "The app crashes.",
        '{"queue": "delivery"',
    )
    rows = []
    for index, prompt in enumerate(prompts):
        right = index not in (4, 5, 8, 9, 10)
        base = Answer(text=base_texts[index % 5], finish="length" if index % 5 == 1 else "stop", num_answer_tokens=40)
        if index == 10:
            base = Answer(text=None, finish="failed", reason="the prompt leaves no room for an answer (1,031 tokens)")
        tuned_text = _ticket(index) if right else '{"queue": "billing", "priority": "P9", "action": "' + "wait " * 90
        tuned = Answer(text=tuned_text, finish="stop" if right else "length", num_answer_tokens=31)
        rows.append(
            AnswerRow(
                example_id=f"{index:02x}" * 32,
                location=f"tickets & co.jsonl:{17 + 31 * index}",
                prompt=prompt,
                references=(_ticket(index),) if index % 4 else (_ticket(index), _ticket(index).replace("P2", "P1")),
                answers={"base": base, "tuned": tuned},
                values={"base": None if index == 10 else float(index == 6), "tuned": float(right)},
            )
        )
    # In the order compare() puts them: best, worst, improved.
    right_rows = [row for row in rows if row.values["tuned"]]
    wrong_rows = [row for row in rows if not row.values["tuned"]]
    return (*right_rows[:5], *wrong_rows, *right_rows[5:])


def _training() -> TrainingSummary:
    noise = random.Random(0)
    curve = []
    for step in range(1, 201):
        progress = step / 200
        loss = 0.21 + 3.2 * math.exp(-6 * progress) + noise.gauss(0, 0.05) * (1.2 - progress)
        rate = 2e-3 * min(step / 10, 0.1 + 0.45 * (1 + math.cos(math.pi * progress)))
        validation = None
        if step % 20 == 0:
            validation = 0.26 + 3.1 * math.exp(-6 * progress) + 0.12 * max(0.0, progress - 0.8)
        curve.append(
            CurvePoint(
                step=step,
                epoch=progress * 3,
                train_loss=loss,
                validation_loss=validation,
                retention=None if validation is None else _retention_at(progress),
                learning_rate=rate,
                gradient_norm=0.4 + 2.5 * math.exp(-5 * progress) + abs(noise.gauss(0, 0.15)),
            )
        )
    curve.insert(0, CurvePoint(step=0, epoch=0, validation_loss=3.36, retention=_retention_at(0.0)))
    best = min((point for point in curve if point.validation_loss is not None), key=lambda point: point.validation_loss)
    return TrainingSummary(
        num_steps=200,
        num_planned_steps=240,
        best_step=best.step,
        best_validation_loss=best.validation_loss,
        stopped="early",
        num_trained_parameters=1_327_104,
        num_parameters=9_412_608,
        num_tokens=412_870,
        num_trained_tokens=98_211,
        seconds=143.8,
        peak_memory_bytes=1_140_850_688,
        curve=tuple(curve),
        path=TrainingPath(
            name="padded", reason=f"its layers are {HOSTILE}", num_processes=2, left_out_layers=("out_proj", "router")
        ),
        task_step=best.step,
        retention=_retention(best.step),
    )


RETENTION_METRICS = (
    Metric(name="overall", title="All right-or-wrong items", explanation=".", higher_is_better=True, is_share=True),
    Metric(name="text", title="General text", explanation="Nats.", higher_is_better=False, is_share=False),
    Metric(name="grammar", title="Grammar", explanation=f"Pairs. {HOSTILE}", higher_is_better=True, is_share=True),
    Metric(name="bias", title="Bias probe", explanation="Twins.", higher_is_better=False, is_share=True),
)


def _retention_at(progress: float) -> RetentionResult:
    """Ability falls slowly: 1 point of the items and 2 % of the loss by the end."""

    def part(name: str, value: float, drop: float, limit: float | None) -> RetentionPart:
        return RetentionPart(
            part=name,
            estimate=Estimate(value=value, low=value - 0.03, high=value + 0.03, num_rows=400),
            drop=Estimate(value=drop, low=drop - 0.008, high=drop + 0.008, num_rows=400),
            limit=limit,
        )

    lost = 0.01 * progress
    return RetentionResult(
        parts=(
            part("overall", 0.78 - lost, lost, 0.02),
            part("text", 3.4 * (1 + 2 * lost), 2 * lost, 0.03),
            part("grammar", 0.85 - lost, lost, 0.02),
            part("bias", 0.05 + lost, lost, None),
        )
    )


def _retention(kept_step: int) -> RetentionSummary:
    return RetentionSummary(
        suite_version=1,
        suite_hash="7e57" * 16,
        num_items=812,
        num_tokens=53_210,
        metrics=RETENTION_METRICS,
        base=_retention_at(0.0),
        kept=_retention_at(kept_step / 200),
        end=_retention_at(1.0),
        kept_step=kept_step,
        end_step=200,
        told=f"Step {kept_step} is kept. General ability since the base: All right-or-wrong items -0.9 points.",
        seconds_per_run=2.6,
    )


def _data() -> DataSummary:
    lengths = random.Random(1)
    changes = [
        Change(
            action="dropped",
            example_id=f"{index:064x}",
            location=f"tickets & co.jsonl:{200 + index}",
            reason="exact duplicate of an earlier row",
        )
        for index in range(33)
    ]
    changes += [
        Change(
            action="moved",
            example_id="c0ffee" * 10 + "abcd",
            location="tickets & co.jsonl:512",
            reason="same input as a test row",
        ),
        Change(
            action="edited", example_id="d" * 64, location="extra.csv:3", reason=f"control token removed: {HOSTILE}"
        ),
    ]
    sample = "<|user|>\nHello, I was charged twice for October.<|end|>\n<|assistant|>\n"
    return DataSummary(
        dataset_id="5e1f" * 16,
        sources=(
            Source(name="tickets & co.jsonl", sha256="9c0d" * 16, form="messages", num_rows=800),
            Source(
                name="extra.csv",
                sha256="77aa" * 16,
                form="columns",
                num_rows=40,
                warnings=("extra.csv starts with a byte order mark; it was removed",),
            ),
        ),
        num_rows={"train": 615, "validation": 96, "test": 96},
        num_test_inputs=94,
        changes=tuple(changes),
        samples=tuple(f"{sample}{answer}<|end|>" for answer in (_ticket(0), _ticket(1), HOSTILE)),
        prompt_tokens=tuple(int(lengths.lognormvariate(4.2, 0.5)) for _ in range(615)),
        answer_tokens=tuple(int(lengths.gauss(36, 4)) for _ in range(615)),
    )


def _derived() -> tuple[Derived, ...]:
    return (
        Derived(setting="method.rank", value=16, reason="615 training rows: 16 under 2,000 rows"),
        Derived(setting="method.alpha", value=32.0, reason="2 x rank"),
        Derived(setting="train.learning_rate", value=0.002, reason="LoRA on a base of 8.1M parameters (under 50M)"),
        Derived(setting="train.epochs", value=3.0, reason="615 training rows: 3 epochs, 231 steps"),
        Derived(setting="train.precision", value="float32", reason="this processor has no bfloat16 matrix unit"),
        Derived(
            setting="evaluate.metrics",
            value=("field_accuracy", "json_valid", "token_f1", "chrf", "loss"),
            reason="every training answer is a JSON object",
        ),
    )


def by_group(report: ReportOrStudy, num_groups: int) -> ReportOrStudy:
    """The same report with intervals by group."""
    results = [
        result.model_copy(update={"estimate": result.estimate.model_copy(update={"num_groups": num_groups})})
        if result.estimate
        else result
        for result in report.results
    ]
    return report.model_copy(update={"results": tuple(results)})
