"""General ability in words: which checkpoint was kept, what it has lost, and what else can be tried."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from tunewright.records import (
    Estimate,
    Fallback,
    Lora,
    Metric,
    RetentionPart,
    RetentionResult,
    TrainingSummary,
    TuneRecipe,
    format_drop,
    format_estimate,
    settled,
)

ENOUGH = 0.9
"""Share of what was gained at the task that weights at less strength have to keep, or more is tried."""


def is_refused(training: TrainingSummary) -> bool:
    """Whether training got better at the task, and every checkpoint that did lost too much general ability."""
    return training.best_step == 0 and training.task_step not in (None, 0)


def is_left_behind(training: TrainingSummary) -> bool:
    """Whether the best at the task is beyond the limits, and no checkpoint within them keeps most of what it gained."""
    leader, best = training.task_step, training.best_step
    if leader in (None, 0, best) or measured_at(training, leader).is_within:
        return False
    return best == 0 or not keeps_most(training, loss_at(training, best), task_at(training, best))


def measured_at(training: TrainingSummary, step: int | None) -> RetentionResult:
    """What the suite gave after a step; None asks for the last one."""
    found = [point.retention for point in training.curve if point.retention and step in (None, point.step)]
    return found[-1]


def loss_at(training: TrainingSummary, step: int) -> float:
    """Validation loss after a step that was validated."""
    return next(
        point.validation_loss
        for point in reversed(training.curve)
        if point.step == step and point.validation_loss is not None
    )


def task_at(training: TrainingSummary, step: int) -> Estimate | None:
    """The leading metric after a step that was validated, where it was measured."""
    return next((point.task for point in reversed(training.curve) if point.step == step and point.task), None)


def lost_at(training: TrainingSummary, step: int) -> float:
    """General ability lost after a step that was measured: shares of right items and of the base's loss, added up."""
    return sum(part.drop.value for part in measured_at(training, step).parts[:2] if part.drop)


def keeps_most(training: TrainingSummary, loss: float, task: Estimate | None) -> bool:
    """Whether weights keep nine tenths of what training has gained at the task.

    Args:
        loss: their validation loss.
        task: their leading metric; None to judge by the loss.
    """
    leader = settled(training.task_step)
    base, best = task_at(training, 0), task_at(training, leader)
    if task and base and best:
        return task.value - base.value >= ENOUGH * (best.value - base.value)
    return loss_at(training, 0) - loss >= ENOUGH * (loss_at(training, 0) - loss_at(training, leader))


def told_by_task(
    training: TrainingSummary,
    kept: TrainingSummary,
    result: RetentionResult,
    strength: float,
    metrics: Sequence[Metric],
) -> str:
    """Say what was kept where nothing is within the limits, and what that has cost.

    Args: as `told`, but `strength` is that of the adapter that is kept.
    """
    lowest = settled(training.task_step)
    loss = _at_task(kept, task_at(kept, kept.best_step) if strength == 1 else None)
    if strength < 1:
        opening = f"Step {kept.best_step} is kept at {strength:g} of its strength, which forgets less: {loss} "
        opening += f"({loss_at(training, lowest):.4g} at full strength)."
    else:
        opening = f"Step {kept.best_step} is kept: {loss}."
    text = f"{opening} General ability since the base: {_leading(result, metrics)}."
    if result.is_within:
        return text
    return f"{text} This is BEYOND THE LIMITS: {_beyond(result, metrics)}. Nothing that was trained is within them."


def told(
    training: TrainingSummary,
    kept: TrainingSummary,
    result: RetentionResult,
    strength: float | None,
    metrics: Sequence[Metric],
    beyond: str | None,
    task: Estimate | None = None,
) -> str:
    """Say what was kept and why, in two or three sentences.

    Args:
        training: as the loop ended.
        kept: the same, with the step and the loss of the weights that are kept.
        result: of the weights that are kept.
        strength: of the adapter, where strengths were tried; 0 when none of them will do.
        metrics: what the parts are.
        beyond: as in RetentionRecipe. With `tell` nothing is decided before all trainings are done.
        task: the leading metric at that strength, where it was measured.
    """
    lowest = settled(training.task_step)
    tried = "" if strength is None else " No lower strength of the adapter is both within the limits and better."
    if not is_refused(training) and not strength:
        return f"{_chosen(training, kept.best_step, lowest, result, metrics)}{tried}"
    refused = _beyond(measured_at(training, lowest), metrics)
    best = "the best at the task" if training.task_metric else "with the lowest validation loss"
    within, other = "No trained checkpoint kept general ability.", "the base"
    if not is_refused(training):
        other = f"step {training.best_step}"
        within = f"Of checkpoints that kept general ability {other} is best, and much worse at the task than others."
    opening = f"{within} Step {lowest}, {best}, is beyond the limits: {refused}."
    if strength:
        return (
            f"{opening} Its adapter is kept at {strength:g} of its strength, without training again: "
            f"{_at_task(kept, task)} ({training.best_validation_loss:.4g} with {other}); "
            f"{_leading(result, metrics)}."
        )
    kept_base = "" if beyond == "tell" else " Of this training the weights of the base are kept."
    return f"{opening}{tried}{kept_base}"


def _chosen(
    training: TrainingSummary, step: int, lowest: int, result: RetentionResult, metrics: Sequence[Metric]
) -> str:
    text = f"Step {step} is kept. General ability since the base: {_leading(result, metrics)}."
    leading = measured_at(training, lowest)
    # Of checkpoints about as good another may lead where those beyond the limits count as well.
    if lowest == step or leading.is_within:
        return text
    refused = _beyond(leading, metrics)
    better = "is better at the task" if training.task_metric else "has a lower validation loss"
    return f"{text} Step {lowest} {better} and is beyond the limits: {refused}."


def _at_task(kept: TrainingSummary, task: Estimate | None) -> str:
    """Leading metric, where it was measured, and validation loss of the kept weights."""
    loss, metric = f"validation loss {kept.best_validation_loss:.4g}", kept.task_metric
    if task is None or metric is None:
        return loss
    return f"{metric.title} {' '.join(format_estimate(task, metric))} of {task.num_rows} validation answers, {loss}"


def _leading(result: RetentionResult, metrics: Sequence[Metric]) -> str:
    """The first two parts: all right-or-wrong items, and general text."""
    return _changes(result, [part.part for part in result.parts[:2]], metrics)


def _beyond(result: RetentionResult, metrics: Sequence[Metric]) -> str:
    return _changes(result, [part.part for part in result.parts if not part.is_within], metrics)


def _changes(result: RetentionResult, names: Sequence[str], metrics: Sequence[Metric]) -> str:
    metric_of = {metric.name: metric for metric in metrics}
    changes = [f"{metric_of[name].title} {format_drop(result.of(name), metric_of[name])}" for name in names]
    return ", ".join(changes)


def may_scale(recipe: TuneRecipe) -> bool:
    """Whether lower strengths are tried: only an adapter has one."""
    return "strength" in recipe.retention.fallbacks and isinstance(recipe.method, Lora)


def fallbacks_that_train(recipe: TuneRecipe, *, can_rehearse: bool = True) -> tuple[Fallback, ...]:
    """The fallbacks that train again, each in another way than the first training and those before it.

    Args:
        can_rehearse: whether general rows fit the base.
    """
    retention = recipe.retention
    layers = recipe.method.layers if isinstance(recipe.method, Lora) else None
    ways = {(layers, can_rehearse and retention.rehearsal == "from_start")}
    found: list[Fallback] = []
    for fallback in retention.fallbacks if retention.enabled else ():
        way = ("mlp" if fallback == "mlp" else layers, can_rehearse)
        # Only LoRA can leave out layers.
        if fallback == "strength" or (fallback == "mlp" and layers is None) or way in ways:
            continue
        ways.add(way)
        found.append(fallback)
    return tuple(found)


def advice(
    recipe: TuneRecipe, refused: RetentionResult, metrics: Sequence[Metric], *, keeps_base: bool
) -> tuple[str, ...]:
    """What to try when no trained checkpoint keeps general ability, each with its setting.

    Args:
        refused: of the checkpoint that is best at the task.
        metrics: what its parts are.
        keeps_base: whether the adapter does not at less strength either, so that the base is kept.
    """
    tell = "To keep what is best at the task where nothing is within the limits: --set retention.beyond=tell"
    return (_gentler(recipe), *_accept(refused, metrics), *((tell,) if keeps_base else ()))


def _accept(refused: RetentionResult, metrics: Sequence[Metric]) -> tuple[str, ...]:
    """The limits within which a result would be, in whole points and percent; only those that it is beyond."""
    beyond = {part.part: settled(part.drop).low for part in refused.parts if not part.is_within}
    drops = [beyond[metric.name] for metric in metrics if metric.name in beyond and metric.is_share]
    increases = [beyond[metric.name] for metric in metrics if metric.name in beyond and not metric.is_share]
    limits = (("max_drop", drops), ("max_loss_increase", increases))
    given = [f"--set retention.{setting}={_rounded_up(max(lows))}" for setting, lows in limits if lows]
    return (f"To accept that as much is lost: {' '.join(given)}",) if given else ()


def _rounded_up(share: float) -> Decimal:
    """To two decimals."""
    return Decimal(str(share)).quantize(Decimal("0.01"), ROUND_CEILING)


def advice_by_task(recipe: TuneRecipe) -> tuple[str, ...]:
    """What to do about weights that are kept although they forgot too much, each with its setting."""
    retention = recipe.retention
    weaker = (
        "To forget less at a small cost to the task (tries lower strengths of the adapter): "
        f"--set retention.max_task_loss_increase={2 * retention.max_task_loss_increase or 0.005:g}"
    )
    refuse = "To keep the base where nothing is within the limits: --set retention.beyond=refuse"
    if retention.max_task_loss_increase:
        refuse += " --set retention.max_task_loss_increase=0"
    return (*((weaker,) if may_scale(recipe) else ()), *_rehearse_more(recipe), refuse, _gentler(recipe))


def _gentler(recipe: TuneRecipe) -> str:
    return f"To forget less, train more gently: --set train.learning_rate={settled(recipe.train.learning_rate) / 4:g}"


def _rehearse_more(recipe: TuneRecipe) -> tuple[str, ...]:
    retention = recipe.retention
    if retention.rehearsal != "from_start" and not fallbacks_that_train(recipe):
        return ("To rehearse: --set retention.rehearsal=from_start",)
    fraction = min(0.9, 2 * retention.rehearsal_fraction)
    if fraction <= retention.rehearsal_fraction:
        return ()
    return (f"To rehearse more: --set retention.rehearsal_fraction={fraction:g}",)


@dataclass(frozen=True, slots=True)
class RetentionRow:
    """One part as the page and the terminal show it."""

    metric: Metric
    num_items: int
    base: str
    kept: str
    end: str
    change: str
    """Of the kept weights since the base, with its interval."""
    limit: str
    verdict: str


def retention_rows(training: TrainingSummary | None) -> list[RetentionRow]:
    """The parts of the suite in their order; none where nothing was measured."""
    if training is None or training.retention is None:
        return []
    retention = training.retention
    rows = []
    for metric in retention.metrics:
        base, kept, end = (result.of(metric.name) for result in (retention.base, retention.kept, retention.end))
        rows.append(
            RetentionRow(
                metric=metric,
                num_items=base.estimate.num_rows if base.estimate else 0,
                base=_value(base.estimate, metric),
                kept=_value(kept.estimate, metric),
                end=_value(end.estimate, metric),
                change=format_drop(kept, metric),
                limit=_limit(kept.limit, metric),
                verdict=_verdict(kept),
            )
        )
    return rows


def _verdict(part: RetentionPart) -> str:
    if part.limit is None or part.drop is None:
        return ""
    if not part.is_within:
        return "beyond"
    return "within" if part.drop.high <= part.limit else "may be beyond: too few items to tell"


def _value(estimate: Estimate | None, metric: Metric) -> str:
    return "not measured" if estimate is None else " ".join(format_estimate(estimate, metric))


def _limit(limit: float | None, metric: Metric) -> str:
    if limit is None:
        return "none"
    return f"-{100 * limit:g} points" if metric.is_share else f"+{100 * limit:g} %"
