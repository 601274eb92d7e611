"""Training so that general ability stays within its limits, and again, more carefully, where it does not.

    as asked    checkpoints within the limits, else the adapter at less strength (actions/retaining.py)
    rehearsal   the same with general rows among the user's; small bases have them from the start
    mlp         the same with LoRA in the feed-forward blocks alone

What is tried ends with the first training that keeps general ability and most of what was gained at the task. Each that
trains is a run of its own inside the run, so that a stopped run goes on where it was.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tunewright.actions.base_ability import BASE_FILES, share_base
from tunewright.actions.outcome import recorded_outcome
from tunewright.actions.preparing import Preparation
from tunewright.actions.rehearsing import NONE_FITS, has_general_rows, prepare_rehearsal
from tunewright.actions.training import Rehearsal, train_model
from tunewright.contracts import Progress
from tunewright.model.adapter import feed_forward_layers, prepare_for_training
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.records import (
    Fallback,
    Lora,
    RetentionAttempt,
    RunStatus,
    TrainingSummary,
    TuneRecipe,
    settled,
)
from tunewright.store import RunFolder
from tunewright.study.retained import fallbacks_that_train, is_refused, loss_at, lost_at, task_at
from tunewright.train.distill import Distillation

Trained = tuple[LanguageModel, TrainingSummary]


@dataclass(frozen=True, slots=True)
class _Training:
    """One that was carried out, with all that carrying it on needs."""

    name: "Fallback | Literal['as asked']"
    run: RunFolder
    preparation: Preparation
    model: LanguageModel
    rehearsal: Rehearsal | None
    summary: TrainingSummary


def language_model(preparation: Preparation) -> LanguageModel:
    """The base, loaded, with the preparation's limits and number format."""
    recipe = preparation.recipe
    network = load_base(preparation.base.folder)
    return LanguageModel(network, preparation.renderer, settled(recipe.train.precision), recipe.evaluate.rows_per_batch)


def with_trainable(model: LanguageModel, recipe: TuneRecipe) -> LanguageModel:
    """The model with the weights that the recipe trains. The network of the model given is changed."""
    return replace(model, network=prepare_for_training(model.network, recipe.method, recipe.train.seed))


def train_keeping_ability(
    run: RunFolder,
    preparation: Preparation,
    model: LanguageModel,
    progress: Progress,
    command_to_continue: str,
    distillation: Distillation | None = None,
) -> Trained:
    """Train as asked, then in the ways of `retention.fallbacks` until one keeps general ability.

    Args:
        model: with weights to train; used by the first training.
        distillation: of every training.
    Returns:
        The model with the weights to keep, and how it was trained: the best at the task of all that is within the
        limits; where nothing is, what `retention.beyond` says.
    """
    retention = preparation.recipe.retention
    rehearses = retention.enabled and retention.rehearsal == "from_start"
    rehearsal = prepare_rehearsal(preparation, model, progress) if rehearses else None
    summary = train_model(run, preparation, model, progress, command_to_continue, rehearsal, distillation)
    first = _Training("as asked", run, preparation, model, rehearsal, summary)
    tried = [first]
    if fallbacks_that_train(preparation.recipe) and not _attempt(first).is_enough:
        tried += _train_otherwise(first, progress, command_to_continue, distillation)
    kept = _best(tried)
    refused = [training for training in tried if is_refused(training.summary)]
    if refused and kept.summary.best_step == 0 and retention.beyond == "tell":
        kept = _keep_best_at_task(refused, progress, command_to_continue, distillation)
    return kept.model, _with_attempts(kept.summary, tried) if len(tried) > 1 else kept.summary


def _train_otherwise(
    first: _Training, progress: Progress, command_to_continue: str, distillation: Distillation | None
) -> Iterator[_Training]:
    """The trainings of `retention.fallbacks` in their turn, up to the first that keeps general ability."""
    recipe = first.preparation.recipe
    can_rehearse = _can_rehearse(first, progress)
    for fallback in fallbacks_that_train(recipe, can_rehearse=can_rehearse):
        if fallback == "mlp" and not feed_forward_layers(first.model.network):
            progress.say("LoRA in the feed-forward blocks alone is not tried: this base has no linear layers in such.")
            continue
        progress.say(_opening(fallback, recipe.retention.rehearsal_fraction if can_rehearse else None))
        training = _train_again(first, fallback, can_rehearse, progress, command_to_continue, distillation)
        yield training
        if _attempt(training).is_enough:
            return


def _best(tried: Sequence[_Training]) -> _Training:
    """The best at the task of the trainings within the limits; the first where none is."""

    def rank(training: _Training) -> tuple[float, float]:
        summary = training.summary
        if is_refused(summary):
            return -math.inf, -math.inf
        task = summary.retention.task if summary.retention else None
        return task.value if task else 0.0, -summary.best_validation_loss

    return max(tried, key=rank)


def _keep_best_at_task(
    refused: Sequence[_Training], progress: Progress, command_to_continue: str, distillation: Distillation | None
) -> _Training:
    retention = refused[0].preparation.recipe.retention
    best = _best_at_task(refused, retention.max_task_loss_increase)
    which = f" (trained {best.name})" if len(refused) > 1 else ""
    progress.say(f"Nothing that was trained is within the limits: what is best at the task is kept{which}.")
    arguments = best.run, best.preparation, best.model, progress, command_to_continue, best.rehearsal, distillation
    return replace(best, summary=train_model(*arguments, by_task=True))


def _best_at_task(refused: Sequence[_Training], max_loss_increase: float) -> _Training:
    """The best at the task, whatever was forgotten; of those about as good the one that forgot least.

    About as good are leading metrics no more than one answer apart, and losses no more than `max_loss_increase`. Losses
    are compared where a training has no leading metric.
    """

    def loss(training: _Training) -> float:
        return loss_at(training.summary, settled(training.summary.task_step))

    tasks = [task_at(training.summary, settled(training.summary.task_step)) for training in refused]
    values = [task.value for task in tasks if task]
    if len(values) == len(refused):
        good = [
            training
            for training, task in zip(refused, tasks, strict=True)
            if task and task.is_within_a_row(max(values))
        ]
    else:
        lowest = min(loss(training) for training in refused)
        good = [training for training in refused if loss(training) <= lowest + max_loss_increase]
    return min(good, key=lambda one: (lost_at(one.summary, settled(one.summary.task_step)), loss(one)))


def _can_rehearse(first: _Training, progress: Progress) -> bool:
    if first.rehearsal or has_general_rows(first.preparation):
        return True
    if first.preparation.recipe.retention.rehearsal == "fallback":  # else the first training has said so
        progress.say(NONE_FITS)
    return False


def _opening(fallback: Fallback, general: float | None) -> str:
    """Args: general: share of general rows; None where there are none."""
    rows = "" if general is None else f"general rows, {general:.0%} of all"
    if fallback == "rehearsal":
        return f"Training again with {rows}, to forget less."
    return f"Training again with {rows}{', and ' if rows else ''}LoRA in the feed-forward blocks alone."


def _train_again(
    first: _Training,
    fallback: Fallback,
    can_rehearse: bool,
    progress: Progress,
    command_to_continue: str,
    distillation: Distillation | None,
) -> _Training:
    preparation, recipe = first.preparation, first.preparation.recipe
    if fallback == "mlp" and isinstance(recipe.method, Lora):
        recipe = recipe.model_copy(update={"method": recipe.method.model_copy(update={"layers": "mlp"})})
    changed = replace(preparation, recipe=recipe)
    nested = first.run.nested(fallback, preparation.data.version.id)
    model = with_trainable(language_model(changed), recipe)
    with nested.lock(), recorded_outcome(nested, command_to_continue):
        is_finished = nested.record.status is RunStatus.SUCCEEDED
        if not is_finished:
            nested.update(RunStatus.RUNNING)
            share_base(first.run, nested)
        rehearsal = prepare_rehearsal(changed, model, progress) if can_rehearse else None
        summary = train_model(nested, changed, model, progress, command_to_continue, rehearsal, distillation)
        if not is_finished:
            nested.update(RunStatus.SUCCEEDED, outputs=BASE_FILES)
    return _Training(fallback, nested, changed, model, rehearsal, summary)


def _attempt(training: _Training) -> RetentionAttempt:
    summary = training.summary
    retention = settled(summary.retention)
    losses = [point.validation_loss for point in summary.curve if point.validation_loss is not None]
    return RetentionAttempt.model_validate(
        {
            "name": training.name,
            "told": retention.told,
            "lowest_loss": min(losses),
            "kept_loss": summary.best_validation_loss,
            "task": retention.task,
            "keeps_within": not is_refused(summary),
            "is_enough": not is_refused(summary) and retention.keeps_task,
            "seconds": round(summary.seconds + retention.trial_seconds, 2),
        }
    )


def _with_attempts(summary: TrainingSummary, tried: Sequence[_Training]) -> TrainingSummary:
    retention = settled(summary.retention).model_copy(update={"attempts": tuple(map(_attempt, tried))})
    return summary.model_copy(update={"retention": retention})
