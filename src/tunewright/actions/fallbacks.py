"""Training again, more carefully, where training as asked lost too much general ability.

    as asked    checkpoints within the limits, else the adapter at less strength (actions/retaining.py)
    rehearsal   the same with general rows among the user's
    mlp         the same with LoRA in the feed-forward blocks alone

The first that keeps general ability is kept. Each that trains is a run of its own inside the run, so that a stopped
run goes on where it was.
"""

from dataclasses import replace

from tunewright.actions.base_ability import BASE_FILES, share_base
from tunewright.actions.outcome import recorded_outcome
from tunewright.actions.preparing import Preparation
from tunewright.actions.training import Rehearsal, train_model
from tunewright.contracts import Progress
from tunewright.data.general import general_rows
from tunewright.errors import RenderError
from tunewright.model.adapter import prepare_for_training
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
from tunewright.render import TokenSequence
from tunewright.store import RunFolder
from tunewright.study.retained import is_refused
from tunewright.train.distill import Distillation

Trained = tuple[LanguageModel, TrainingSummary]


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
        The model with the weights to keep, and how it was trained; those of the first training where none will do.
    """
    first = model, train_model(run, preparation, model, progress, command_to_continue, None, distillation)
    attempts = [_attempt("as asked", first[1])] if first[1].retention else []
    kept = first
    for fallback in _that_train(preparation.recipe) if is_refused(first[1]) else ():
        progress.say(_OPENINGS[fallback].format(share=f"{preparation.recipe.retention.rehearsal_fraction:.0%}"))
        trained = _train_again(run, fallback, preparation, progress, command_to_continue, distillation)
        attempts.append(_attempt(fallback, trained[1]))
        if attempts[-1].keeps_within:
            kept = trained
            break
    return (kept[0], _with_attempts(kept[1], attempts)) if len(attempts) > 1 else kept


_OPENINGS = {
    "rehearsal": "Training again with general rows, {share} of all, to forget less.",
    "mlp": "Training again with general rows, {share} of all, and LoRA in the feed-forward blocks alone.",
}


def _that_train(recipe: TuneRecipe) -> list[Fallback]:
    """The fallbacks that train again; only LoRA can leave out layers."""
    possible = {"rehearsal"} | ({"mlp"} if isinstance(recipe.method, Lora) else set())
    return [fallback for fallback in recipe.retention.fallbacks if fallback in possible]


def _train_again(
    run: RunFolder,
    fallback: Fallback,
    preparation: Preparation,
    progress: Progress,
    command_to_continue: str,
    distillation: Distillation | None,
) -> Trained:
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
        rehearsal = _rehearsal(changed)
        summary = train_model(nested, changed, model, progress, command_to_continue, rehearsal, distillation)
        if not is_finished:
            nested.update(RunStatus.SUCCEEDED, outputs=BASE_FILES)
    return model, summary


def _rehearsal(preparation: Preparation) -> Rehearsal:
    """The general rows that fit the base's context and its template whole."""
    limit = preparation.renderer.max_length
    renderer = preparation.renderer.fitted(limit, max_answer_tokens=limit // 2)
    rendered: list[TokenSequence] = []
    locations: dict[str, str] = {}
    for row in general_rows():
        try:
            sequences = renderer.render(row)
        except RenderError:  # a template without system turns, say: what is left is enough to rehearse
            continue
        if len(sequences) == 1 and not sequences[0].cut:
            rendered += sequences
            locations[row.id] = str(row.provenance)
    return Rehearsal(rendered, locations, preparation.recipe.retention.rehearsal_fraction)


def _attempt(name: "Fallback | str", summary: TrainingSummary) -> RetentionAttempt:
    retention = settled(summary.retention)
    losses = [point.validation_loss for point in summary.curve if point.validation_loss is not None]
    return RetentionAttempt.model_validate(
        {
            "name": name,
            "told": retention.told,
            "lowest_loss": min(losses),
            "kept_loss": summary.best_validation_loss,
            "keeps_within": not is_refused(summary),
            "seconds": round(summary.seconds + retention.trial_seconds, 2),
        }
    )


def _with_attempts(summary: TrainingSummary, attempts: list[RetentionAttempt]) -> TrainingSummary:
    retention = settled(summary.retention).model_copy(update={"attempts": tuple(attempts)})
    return summary.model_copy(update={"retention": retention})
