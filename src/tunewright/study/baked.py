"""A prompt that was baked into the weights: rows to train on, whether quality is equal, and what is saved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tunewright.data import PreparedData
from tunewright.evaluate.equivalence import cautious, equivalence
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.records import (
    Answer,
    ArmFacts,
    BakeRecipe,
    BakeSummary,
    Change,
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Difference,
    Estimate,
    Example,
    Message,
    Metric,
    Score,
    Split,
    format_estimate,
)
from tunewright.study.bench import Measured
from tunewright.study.cost import SECONDS_PER_HOUR

THOUSAND = 1000
RAN_INTO_LIMIT = "the prompted base's answer ran into the length limit (evaluate.max_answer_tokens)"


def with_answers(
    data: PreparedData, answers: Mapping[str, Answer], refused: Callable[[Example], str | None]
) -> PreparedData:
    """The training and validation rows with other answers; the test rows stay as they are.

    A row is left out, and named, where the answer failed, is empty, or ran into the length limit: the end of it was
    never written, so it cannot be learned.

    Args:
        answers: by id of the row.
        refused: why a row cannot be trained on; None where it can.
    """
    now: dict[str, Example] = {}
    changes: list[Change] = []
    entries: list[DatasetEntry] = []
    for entry in data.version.entries:
        row = data.examples[entry.example_id]
        if entry.split is not Split.TEST:
            answer, location = answers[row.id], str(row.provenance)
            reason = _unusable(answer)
            answered = _answered(row, answer.text) if reason is None and answer.text else row
            reason = reason or refused(answered)
            if reason is not None:
                changes.append(Change(action="dropped", example_id=row.id, location=location, reason=reason))
                continue
            row = answered
        now[row.id] = row
        entries.append(DatasetEntry(example_id=row.id, split=entry.split))
    version = DatasetVersion(
        entries=tuple(entries), sources=data.version.sources, changes=(*data.version.changes, *changes)
    )
    return PreparedData(version, now)


def _unusable(answer: Answer) -> str | None:
    if answer.text is None:
        return f"the prompted base gave no answer: {answer.reason}"
    if not answer.text.strip():
        return "the prompted base gave an empty answer"
    return RAN_INTO_LIMIT if answer.finish == "length" else None


def _answered(row: Example, text: str) -> Example:
    """The row with this answer. Earlier answers of a chat are not of the prompted base, so they are only read."""
    assert isinstance(row.body, Conversation)
    read_only = [
        message.model_copy(update={"weight": 0}) if message.role == "assistant" else message
        for message in row.body.prompt
    ]
    messages = (*read_only, Message(role="assistant", content=text))
    return Example(body=Conversation(messages=messages), provenance=row.provenance)


@dataclass(frozen=True, slots=True)
class Sides:
    """The prompted base and the tuned model, each asked the same test inputs."""

    prompted: Measured
    tuned: Measured
    prompted_facts: ArmFacts
    tuned_facts: ArmFacts


def summarise_bake(
    sides: Sides, metric: Metric, prompt: str, recipe: BakeRecipe, sampling: tuple[int, int], num_distilled: int
) -> BakeSummary:
    """Say whether quality is equal, and count what a thousand requests save.

    Args:
        metric: the headline metric.
        sampling: number of resamples and seed.
        num_distilled: training rows whose token distributions were learned.
    """
    names = "tuned", "prompted"
    tuned, prompted = (side.scores.of(metric.name) for side in (sides.tuned, sides.prompted))
    change = cautious(difference(metric, *names, tuned, prompted, *sampling), metric, tuned, prompted)
    value = estimate(metric, prompted, *sampling)
    margin = recipe.margin if metric.is_share else recipe.margin * abs(value.value if value else 0.0)
    outcome = equivalence(change.estimate, margin, higher_is_better=metric.higher_is_better)
    before, after, prices = sides.prompted_facts, sides.tuned_facts, recipe.prices
    seconds = THOUSAND * (before.machine_seconds - after.machine_seconds)
    return BakeSummary.model_validate(
        {
            "prompt": prompt,
            "margin": margin,
            "outcome": outcome,
            "told": _told(outcome, change, metric, margin),
            "agreement": _agreement(sides, sampling),
            "num_distilled": num_distilled,
            "tokens_saved": THOUSAND * (before.prompt_tokens - after.prompt_tokens),
            "milliseconds_saved": 1000 * seconds,
            "money_saved": seconds * prices.machine_per_hour / SECONDS_PER_HOUR,
            "currency": prices.currency,
        }
    )


def _told(outcome: str, change: Difference, metric: Metric, margin: float) -> str:
    if change.estimate is None:
        return f"Equal quality cannot be shown: {metric.title} was hardly measured."
    figure = " ".join(format_estimate(change.estimate, metric, is_difference=True))
    within = f"{100 * margin:g} points" if metric.is_share else f"{margin:.3g}"
    of = f"{metric.title} of tuned minus prompted is {figure} on {change.estimate.num_rows} test inputs"
    return {
        "equal": f"Quality is equal within {within}: {of}.",
        "no worse": f"Quality is no worse than {within} below, and may be better: {of}.",
        "worse": f"Quality is worse by more than {within}: {of}.",
        "not shown": f"Equal quality within {within} is not shown by these rows: {of}.",
    }[outcome]


def _agreement(sides: Sides, sampling: tuple[int, int]) -> Estimate | None:
    metric = SCORERS["exact_match"].metric
    tuned, prompted = sides.tuned.scores.answers, sides.prompted.scores.answers
    group_of = {score.example_id: score.group for score in sides.tuned.scores.scores}
    scores = [
        Score(
            example_id=key,
            metric=metric.name,
            value=float(answer.text == prompted[key].text),
            group=group_of.get(key),
        )
        for key, answer in tuned.items()
        if answer.text is not None and prompted[key].text is not None
    ]
    return estimate(metric, scores, *sampling)


def rows_of(data: PreparedData, splits: Sequence[Split]) -> list[Example]:
    """The distinct rows of some splits."""
    return list({row.id: row for split in splits for row in data.rows(split)}.values())
