"""The comparison: every metric of every arm, later arms against the first, and the answers worth looking at."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import mode

from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.statistics import MIN_ITEMS, difference, estimate
from tunewright.evaluate.task import TestItem
from tunewright.records import AnswerRow, ArmMetric, Difference, EvaluateRecipe, Message, Metric, Score
from tunewright.study.verdict import summarise

NUM_ANSWERS_OF_A_KIND = 5
"""Answers shown per kind: best, worst, most improved."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a Report says about the arms."""

    metrics: tuple[Metric, ...]
    results: tuple[ArmMetric, ...]
    """Metric by metric, the arms in their order within each."""
    differences: tuple[Difference, ...]
    """Every later arm against the first; empty with one arm."""
    answers: tuple[AnswerRow, ...]
    """Best and worst rows of the last arm, then those that improved most over the first arm; no row twice."""
    summary: str
    """The verdict in one to three sentences."""


def compare(
    arms: Sequence[ArmScores],
    items: Sequence[TestItem],
    metrics: Sequence[Metric],
    headline: str,
    recipe: EvaluateRecipe,
) -> Comparison:
    """Turn the scores of one or more arms into numbers with intervals, differences, examples and a verdict.

    Args:
        arms: the baseline first; all judged on `items` with `metrics`.
        metrics: in the order of the report.
        headline: name of the metric that sorts the answers and leads the summary; one of `metrics`.
        recipe: number of resamples and seed of the intervals.
    """
    results = tuple(arm_result(arm, metric, recipe) for metric in metrics for arm in arms)
    differences = tuple(
        difference(
            metric,
            arm.arm,
            arms[0].arm,
            arm.of(metric.name),
            arms[0].of(metric.name),
            recipe.num_resamples,
            recipe.seed,
        )
        for metric in metrics
        for arm in arms[1:]
    )
    return Comparison(
        metrics=tuple(metrics),
        results=results,
        differences=differences,
        answers=_telling_answers(arms, items, next(metric for metric in metrics if metric.name == headline)),
        summary=summarise(metrics, results, differences, headline),
    )


def arm_result(arm: ArmScores, metric: Metric, recipe: EvaluateRecipe) -> ArmMetric:
    """One metric of one arm with its interval, or the reason why there is none."""
    scores = arm.of(metric.name)
    found = estimate(metric, scores, recipe.num_resamples, recipe.seed)
    reason = None if found else _why_no_estimate(scores)
    return ArmMetric(arm=arm.arm, metric=metric.name, estimate=found, reason=reason)


def _why_no_estimate(scores: Sequence[Score]) -> str:
    reasons = [score.reason for score in scores if score.reason is not None]
    num_scored = len(scores) - len(reasons)
    text = f"{num_scored} of {len(scores)} rows could be scored, an interval needs {MIN_ITEMS}"
    return f"{text}; most often: {mode(reasons)}" if reasons else text


def _telling_answers(arms: Sequence[ArmScores], items: Sequence[TestItem], headline: Metric) -> tuple[AnswerRow, ...]:
    """Rows to show: best and worst of the last arm, then most improved over the first. Ties keep the items' order."""
    values_of = {arm.arm: {score.example_id: score.value for score in arm.of(headline.name)} for arm in arms}
    sign = 1.0 if headline.higher_is_better else -1.0
    last, first = values_of[arms[-1].arm], values_of[arms[0].arm]
    rows = {item.example.id: item for item in items if item.example.id in arms[-1].answers}
    goodness = {key: sign * value for key in rows if (value := last.get(key)) is not None}
    gain = {key: goodness[key] - sign * value for key in goodness if (value := first.get(key)) is not None}
    improved = {key: value for key, value in gain.items() if value > 0}
    shown: list[str] = []
    for ranking in (
        sorted(goodness, key=goodness.__getitem__, reverse=True),
        sorted(goodness, key=goodness.__getitem__),
        sorted(improved, key=improved.__getitem__, reverse=True),
    ):
        shown += [key for key in ranking if key not in shown][:NUM_ANSWERS_OF_A_KIND]
    return tuple(_answer_row(rows[key], arms, values_of) for key in shown)


def _answer_row(
    item: TestItem, arms: Sequence[ArmScores], values_of: Mapping[str, Mapping[str, float | None]]
) -> AnswerRow:
    key = item.example.id
    return AnswerRow(
        example_id=key,
        location=str(item.example.provenance),
        prompt=last_question(item.prompt),
        references=item.references,
        answers={arm.arm: arm.answers[key] for arm in arms},
        values={arm.arm: values_of[arm.arm].get(key) for arm in arms},
    )


def last_question(prompt: Sequence[Message]) -> str:
    """What the user and tools said since the last answer: it tells this row from the others of a long conversation."""
    since_answer = list(takewhile(lambda message: message.role != "assistant", reversed(prompt)))
    return "\n\n".join(message.content for message in reversed(since_answer) if message.role != "system")
