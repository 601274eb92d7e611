"""Training so that general ability stays within its limits, and again, more carefully, where it does not.

    as asked    checkpoints within the limits, else the adapter at less strength (actions/retaining.py)
    rehearsal   the same with general rows among the user's; small bases have them from the start
    mlp         the same with LoRA in the feed-forward blocks alone

What is tried ends with the first training that keeps general ability and most of what was gained at the task. Each that
trains is a run of its own inside the run, so that a stopped run goes on where it was.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tunewright.actions.base_ability import BASE_FILES, share_base
from tunewright.actions.outcome import recorded_outcome
from tunewright.actions.preparing import Preparation
from tunewright.actions.rehearsing import prepare_rehearsal
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
from tunewright.study.retained import is_refused, loss_at, lost_at, task_at
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
    tried = [_Training("as asked", run, preparation, model, rehearsal, summary)]
    attempts = [_attempt(tried[0])] if retention.enabled else []
    for fallback in _that_train(preparation.recipe):
        if attempts[-1].is_enough:
            break
        if fallback == "mlp" and not feed_forward_layers(model.network):
            progress.say("LoRA in the feed-forward blocks alone is not tried: this base has no linear layers in such.")
            continue
        progress.say(_OPENINGS[fallback].format(share=f"{retention.rehearsal_fraction:.0%}"))
        tried.append(_train_again(run, fallback, preparation, progress, command_to_continue, distillation))
        attempts.append(_attempt(tried[-1]))
    kept = _best(tried)
    refused = [training for training in tried if is_refused(training.summary)]
    if refused and kept.summary.best_step == 0 and retention.beyond == "tell":
        kept = _keep_best_at_task(refused, progress, command_to_continue, distillation)
    return kept.model, _with_attempts(kept.summary, attempts) if len(attempts) > 1 else kept.summary


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


_OPENINGS = {
    "rehearsal": "Training again with general rows, {share} of all, to forget less.",
    "mlp": "Training again with general rows, {share} of all, and LoRA in the feed-forward blocks alone.",
}


def _that_train(recipe: TuneRecipe) -> list[Fallback]:
    """The fallbacks that train again, if general ability is watched; only LoRA can leave out layers."""
    possible = {"rehearsal"} if recipe.retention.rehearsal == "fallback" else set()
    possible |= {"mlp"} if isinstance(recipe.method, Lora) else set()
    return [fallback for fallback in recipe.retention.fallbacks if fallback in possible and recipe.retention.enabled]


def _train_again(
    run: RunFolder,
    fallback: Fallback,
    preparation: Preparation,
    progress: Progress,
    command_to_continue: str,
    distillation: Distillation | None,
) -> _Training:
    recipe = preparation.recipe
    if fallback == "mlp" and isinstance(recipe.method, Lora):
        recipe = recipe.model_copy(update={"method": recipe.method.model_copy(update={"layers": "mlp"})})
    changed = replace(preparation, recipe=recipe)
    nested = run.nested(fallback, preparation.data.version.id)
    model = with_trainable(language_model(changed), recipe)
    with nested.lock(), recorded_outcome(nested, command_to_continue):
        is_finished = nested.record.status is RunStatus.SUCCEEDED
        if not is_finished:
            nested.update(RunStatus.RUNNING)
            share_base(run, nested)
        rehearsal = prepare_rehearsal(changed, model, progress)
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


def _with_attempts(summary: TrainingSummary, attempts: list[RetentionAttempt]) -> TrainingSummary:
    retention = settled(summary.retention).model_copy(update={"attempts": tuple(attempts)})
    return summary.model_copy(update={"retention": retention})
