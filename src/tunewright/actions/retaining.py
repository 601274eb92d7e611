"""General ability during training: measured against the base, and what is done when too much of it is lost."""

import time
from dataclasses import dataclass

from tunewright.actions.base_ability import BASE_FILE, BASE_SECONDS_FILE, measure_base
from tunewright.actions.preparing import Preparation
from tunewright.contracts import Progress, SilentProgress
from tunewright.evaluate.retention import (
    SUITE_VERSION,
    RenderedSuite,
    RetentionScores,
    compare_retention,
    make_suite,
    render_suite,
)
from tunewright.evaluate.retention.suite import OVERALL
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length
from tunewright.records import (
    Lora,
    Metric,
    RetentionResult,
    RetentionSummary,
    StrengthTrial,
    TrainingSummary,
    TuneRecipe,
    settled,
)
from tunewright.store import RunFolder
from tunewright.study.retained import (
    advice,
    advice_by_task,
    answers_as_well,
    is_refused,
    loss_at,
    measured_at,
    told,
    told_by_task,
)
from tunewright.train.checkpoint import Checkpoints
from tunewright.train.loop import TrainingJob, train_alone
from tunewright.train.strength import Strength, find_strength, find_weakest


@dataclass(frozen=True, slots=True)
class RetentionWatch:
    """Runs the suite on a network that is being trained, and compares with what it scored before."""

    recipe: TuneRecipe
    rendered: RenderedSuite
    between: RenderedSuite
    """Those items that are measured at validations."""
    model: LanguageModel
    base: RetentionScores
    seconds_per_run: float

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What each part of a result is."""
        return (OVERALL, *(part.metric for part in self.rendered.suite.parts))

    def measure_between(self, step: int) -> RetentionResult:
        """Run what is measured at validations; step 0 is the base, which has been measured whole."""
        return self._measure(self.between) if step else self.measure(0)

    def measure(self, step: int) -> RetentionResult:
        """Run the whole suite; step 0 is the base, which has been measured."""
        return self._measure(self.rendered) if step else self._compare(self.rendered, self.base, self.base)

    def _measure(self, rendered: RenderedSuite) -> RetentionResult:
        return self._compare(rendered, rendered.of(self.base), _run(rendered, self.model))

    def _compare(self, rendered: RenderedSuite, base: RetentionScores, now: RetentionScores) -> RetentionResult:
        recipe = self.recipe
        return compare_retention(rendered.suite, base, now, recipe.retention, recipe.evaluate)


def open_watch(run: RunFolder, preparation: Preparation, model: LanguageModel, progress: Progress) -> RetentionWatch:
    """Render the suite for the base and measure the base, or take what an earlier sitting measured.

    Args:
        model: not yet trained.
    """
    retention = preparation.recipe.retention
    max_length = context_length(preparation.base.folder)
    rendered = render_suite(make_suite(retention), preparation.renderer, max_length)
    between = rendered if retention.beyond == "refuse" else rendered.thinned(retention.max_items_between)
    if not run.has(BASE_FILE):
        measure_base(run, preparation, rendered, max_length, lambda: _run(rendered, model), progress)
    base = run.read_record(BASE_FILE, RetentionScores)
    return RetentionWatch(preparation.recipe, rendered, between, model, base, run.read_json(BASE_SECONDS_FILE))


def _run(rendered: RenderedSuite, model: LanguageModel) -> RetentionScores:
    with SilentProgress().bar("General ability", 0) as advance:
        return rendered.measure(model, advance)


def settle_retention(
    job: TrainingJob, summary: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    """Decide what is kept where training has cost general ability, and say why.

    The network of the job ends with the weights that are kept.

    Returns:
        The summary with its retention; best step and loss are those of the weights that are kept.
    """
    settle = _refuse_beyond if watch.recipe.retention.beyond == "refuse" else _keep_what_forgets_least
    settled_summary = settle(job, summary, watch, progress)
    retention = settled(settled_summary.retention)
    for line in (retention.told, *retention.advice):
        progress.say(line)
    return settled_summary


def _keep_what_forgets_least(
    job: TrainingJob, summary: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    """Keep the weights that forget least among those that are about as good at the task as the best.

    A checkpoint within the limits, else the best at the task; where that is beyond the limits, at the lowest strength
    of its adapter that is as good.
    """
    started = time.monotonic()
    leader = settled(summary.task_step)
    tolerance = watch.recipe.retention.max_task_loss_increase
    max_loss = loss_at(summary, leader) + tolerance
    is_as_good = summary.best_validation_loss <= max_loss and answers_as_well(summary, summary.best_step, leader)
    step = summary.best_step if summary.best_step and is_as_good else leader
    Checkpoints(job.run, train_alone(job)).load_weights_of(step)
    # What was measured at the validation is enough to see that it is beyond.
    result = measured_at(summary, step)
    if result.is_within:
        result = watch.measure(step)
    found: Strength | None = None
    if not result.is_within:
        if tolerance and _may_scale(watch.recipe):
            progress.say("General ability is beyond its limits: looking for a lower strength that is as good.")
            found = find_weakest(job, leader, max_loss)
            step = leader
        result = watch.measure(step)
        found = found.measured(result) if found else None
    strength = found.value if found else 1.0
    loss = found.kept.validation_loss if found and found.kept else loss_at(summary, step)
    kept = summary.model_copy(update={"best_step": step, "best_validation_loss": loss})
    outcome = _Outcome(
        result=result,
        strength=strength,
        trials=found.trials if found else (),
        seconds=round(time.monotonic() - started, 2),
        told=told_by_task(summary, kept, result, strength, watch.metrics),
        advice=() if result.is_within else advice_by_task(watch.recipe),
    )
    return kept.model_copy(update={"retention": _summarise(watch, kept, outcome)})


def _refuse_beyond(
    job: TrainingJob, summary: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    """Keep what is within the limits. Where no trained checkpoint is, find a strength that is."""
    started = time.monotonic()
    found: Strength | None = None
    if is_refused(summary) and _may_scale(watch.recipe):
        progress.say(
            "No trained checkpoint kept general ability within the limits: trying its adapter at less strength."
        )
        found = find_strength(job, settled(summary.task_step), summary.best_validation_loss)
    at_less = found.kept if found else None
    update = {"best_step": summary.task_step, "best_validation_loss": at_less.validation_loss} if at_less else {}
    kept = summary.model_copy(update=update)
    result = settled(at_less.retention) if at_less else measured_at(summary, kept.best_step)
    outcome = _Outcome(
        result=result,
        strength=at_less.strength if at_less else 1.0,
        trials=found.trials if found else (),
        seconds=round(time.monotonic() - started, 2) if found else 0.0,
        told=told(summary, kept, result, found.value if found else None, watch.metrics),
        advice=advice(watch.recipe) if is_refused(summary) else (),
    )
    return kept.model_copy(update={"retention": _summarise(watch, kept, outcome)})


def _may_scale(recipe: TuneRecipe) -> bool:
    return "strength" in recipe.retention.fallbacks and isinstance(recipe.method, Lora)


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is kept; fields as in RetentionSummary."""

    result: RetentionResult
    strength: float
    trials: tuple[StrengthTrial, ...]
    seconds: float
    told: str
    advice: tuple[str, ...]


def _summarise(watch: RetentionWatch, kept: TrainingSummary, outcome: _Outcome) -> RetentionSummary:
    suite = watch.rendered.suite
    is_end = kept.best_step == kept.num_steps and outcome.strength == 1.0
    return RetentionSummary(
        suite_version=SUITE_VERSION,
        suite_hash=suite.hash,
        num_items=suite.num_items,
        num_tokens=watch.rendered.num_tokens,
        max_items_between=None if watch.between.suite == suite else watch.recipe.retention.max_items_between,
        metrics=watch.metrics,
        base=measured_at(kept, 0),
        kept=outcome.result,
        end=outcome.result if is_end else measured_at(kept, None),
        kept_step=kept.best_step,
        end_step=kept.num_steps,
        strength=outcome.strength,
        trials=outcome.trials,
        told=outcome.told,
        advice=outcome.advice,
        seconds_per_run=watch.seconds_per_run,
        trial_seconds=outcome.seconds,
    )
