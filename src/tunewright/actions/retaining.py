"""General ability during training: measured against the base, and what is done when too much of it is lost."""

import time
from dataclasses import dataclass
from functools import cached_property

from tunewright.actions.base_ability import (
    BASE_FILE,
    BASE_SECONDS_FILE,
    base_key,
    measure_base,
    require_same_suite,
    take_base,
)
from tunewright.actions.preparing import Preparation
from tunewright.contracts import Progress, SilentProgress
from tunewright.evaluate.retention import (
    SUITE_VERSION,
    RenderedSuite,
    RetentionScores,
    RetentionSuite,
    compare_retention,
    make_suite,
    render_suite,
)
from tunewright.evaluate.retention.suite import OVERALL
from tunewright.model.adapter import adapter_outputs, without_update
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length
from tunewright.records import (
    Estimate,
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
    is_left_behind,
    is_refused,
    keeps_most,
    loss_at,
    may_scale,
    measured_at,
    task_at,
    told,
    told_by_task,
)
from tunewright.train.checkpoint import Checkpoints
from tunewright.train.job import TrainingJob
from tunewright.train.loop import train_alone
from tunewright.train.strength import Strength, find_strength, find_weakest


@dataclass(frozen=True)
class RetentionWatch:
    """Runs the suite on a network that is being trained, and compares with what the base scores.

    The suite becomes tokens and the base is measured when they are first needed. With an adapter that is the first
    validation after a step: with its adapter left out the network is the base, to the last bit, and the first step need
    not wait.
    """

    run: RunFolder
    preparation: Preparation
    model: LanguageModel
    progress: Progress

    @property
    def recipe(self) -> TuneRecipe:
        """Of the training."""
        return self.preparation.recipe

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What each part of a result is."""
        return (OVERALL, *(part.metric for part in self.suite.parts))

    @cached_property
    def suite(self) -> RetentionSuite:
        """What is measured."""
        return make_suite(self.recipe.retention)

    @cached_property
    def rendered(self) -> RenderedSuite:
        """The suite as the base reads it."""
        return render_suite(self.suite, self.preparation.renderer, self._max_length)

    @cached_property
    def key(self) -> str:
        """Under which the home keeps the base's scores."""
        return base_key(self.run, self.preparation, self.suite, self._max_length)

    @property
    def _max_length(self) -> int:
        return context_length(self.preparation.base.folder)

    @cached_property
    def base(self) -> RetentionScores:
        """What the base scores."""
        if not self.run.has(BASE_FILE):
            self.measure_base()
        return self.run.read_record(BASE_FILE, RetentionScores)

    def measure_base(self) -> None:
        """Write what the base scores into the run."""
        rendered = self.rendered  # which takes time of its own
        with without_update(self.model.network):
            measure_base(self.run, self.key, lambda: _run(rendered, self.model), self.progress)

    @property
    def seconds_per_run(self) -> float:
        """Of the suite on the base."""
        return float(self.run.read_json(BASE_SECONDS_FILE))

    def measure(self) -> RetentionResult:
        """Run the suite on the network as it stands."""
        return self._compare(self.base, _run(self.rendered, self.model))

    def with_base(self, summary: TrainingSummary) -> TrainingSummary:
        """The summary with the base's general ability before the first step.

        Nothing was measured then, whether or not the base's scores were there already, so that training leaves the same
        curve in either case.
        """
        result = self._compare(self.base, self.base)
        points = [
            point.model_copy(update={"retention": result}) if point.step == 0 else point for point in summary.curve
        ]
        return summary.model_copy(update={"curve": tuple(points)})

    def _compare(self, base: RetentionScores, now: RetentionScores) -> RetentionResult:
        recipe = self.recipe
        return compare_retention(self.suite, base, now, recipe.retention, recipe.evaluate)


def open_watch(run: RunFolder, preparation: Preparation, model: LanguageModel, progress: Progress) -> RetentionWatch:
    """Watch a training. Where no adapter can be left out later, the base is measured now.

    Args:
        model: without an adapter not yet trained, unless the run has scores of the base.
    Raises:
        TrainError: an earlier sitting of the run measured other texts.
    """
    watch = RetentionWatch(run, preparation, model, progress)
    require_same_suite(run, watch.suite)
    if run.has(BASE_FILE) or take_base(run, watch.key, progress):
        return watch
    if adapter_outputs(model.network):
        progress.say(
            "General ability of the base is measured at the first validation: the adapter can be left out then, so "
            "training need not wait for it."
        )
    else:
        watch.measure_base()
    return watch


def _run(rendered: RenderedSuite, model: LanguageModel) -> RetentionScores:
    with SilentProgress().bar("General ability", 0) as advance:
        return rendered.measure(model, advance)


def keep_within_limits(
    job: TrainingJob, summary: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    """Keep the best at the task within the limits: a checkpoint, its adapter at less strength, or the base.

    Less strength is tried where no checkpoint within the limits is nearly as good as the best beyond them. The
    network of the job ends with the weights that are kept.

    Returns:
        The summary with its retention; best step and loss are those of the weights that are kept.
    """
    started = time.monotonic()
    beyond = watch.recipe.retention.beyond
    is_behind = is_left_behind(summary)
    found = _at_less_strength(job, summary, progress) if is_behind and may_scale(watch.recipe) else None
    at_less = found.kept if found else None
    keeps_base = is_refused(summary) and at_less is None
    # Where the task decides in the end, advice is given then.
    is_advised = is_behind and (beyond == "refuse" or not keeps_base)
    update = {"best_step": summary.task_step, "best_validation_loss": at_less.validation_loss} if at_less else {}
    kept = summary.model_copy(update=update)
    result = settled(at_less.retention) if at_less else measured_at(kept, kept.best_step)
    task = at_less.task if at_less else task_at(kept, kept.best_step)
    refused = measured_at(summary, settled(summary.task_step)) if is_advised else None
    outcome = _Outcome(
        result=result,
        strength=at_less.strength if at_less else 1.0,
        task=task,
        keeps_task=not is_behind
        or (at_less is not None and keeps_most(summary, at_less.validation_loss, at_less.task)),
        trials=found.trials if found else (),
        seconds=round(time.monotonic() - started, 2) if found else 0.0,
        told=told(summary, kept, result, found.value if found else None, watch.metrics, beyond, task),
        advice=advice(watch.recipe, refused, watch.metrics, keeps_base=keeps_base) if refused else (),
    )
    return _settled_with(outcome, kept, watch, progress)


def _at_less_strength(job: TrainingJob, summary: TrainingSummary, progress: Progress) -> Strength:
    """Leave in the network what is best within the limits: the best at the task at less strength, or what was kept."""
    step, leader = summary.best_step, settled(summary.task_step)
    task = task_at(summary, step)
    if step:
        progress.say(
            f"Step {step} is within the limits of general ability and much worse at the task than step {leader}, which "
            f"is beyond them: trying the adapter of step {leader} at less strength."
        )
    else:
        progress.say(
            "No trained checkpoint kept general ability within the limits: trying its adapter at less strength."
        )
    # A later step can be better at the task with a higher loss: then only the base's is too high.
    found = find_strength(job, leader, loss_at(summary, 0) if task else summary.best_validation_loss)
    is_worse = task and found.kept and found.kept.task and found.kept.task.value < task.value
    if step and (is_worse or not found.value):
        Checkpoints(job.run, train_alone(job)).load_weights_of(step)
        return found._replace(value=0.0)
    return found


def keep_by_task(
    job: TrainingJob, summary: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    """Keep the best at the task, where nothing that was trained is within the limits, and say what it has lost.

    With `max_task_loss_increase` its adapter is kept at the lowest strength that is about as good. The network of the
    job ends with the weights that are kept.

    Returns: as keep_within_limits.
    """
    started = time.monotonic()
    step = settled(summary.task_step)
    Checkpoints(job.run, train_alone(job)).load_weights_of(step)
    tolerance = watch.recipe.retention.max_task_loss_increase
    loss = loss_at(summary, step)
    found: Strength | None = None
    if tolerance and may_scale(watch.recipe):
        progress.say("General ability is beyond its limits: looking for a lower strength that is as good.")
        found = find_weakest(job, step, loss + tolerance)
    result = watch.measure() if found else measured_at(summary, step)
    found = found.measured(result) if found else None
    kept = summary.model_copy(
        update={
            "best_step": step,
            "best_validation_loss": found.kept.validation_loss if found and found.kept else loss,
        }
    )
    strength = found.value if found else 1.0
    outcome = _Outcome(
        result=result,
        strength=strength,
        task=task_at(kept, step) if strength == 1 else None,
        keeps_task=True,
        trials=found.trials if found else (),
        seconds=round(time.monotonic() - started, 2),
        told=told_by_task(summary, kept, result, strength, watch.metrics),
        advice=advice_by_task(watch.recipe),
    )
    return _settled_with(outcome, kept, watch, progress)


def _settled_with(
    outcome: "_Outcome", kept: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    for line in (outcome.told, *outcome.advice):
        progress.say(line)
    return kept.model_copy(update={"retention": _summarise(watch, kept, outcome)})


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What is kept; fields as in RetentionSummary."""

    result: RetentionResult
    strength: float
    task: Estimate | None
    keeps_task: bool
    trials: tuple[StrengthTrial, ...]
    seconds: float
    told: str
    advice: tuple[str, ...]


def _summarise(watch: RetentionWatch, kept: TrainingSummary, outcome: _Outcome) -> RetentionSummary:
    suite = watch.suite
    is_end = kept.best_step == kept.num_steps and outcome.strength == 1.0
    return RetentionSummary(
        suite_version=SUITE_VERSION,
        suite_hash=suite.hash,
        num_items=suite.num_items,
        num_tokens=watch.rendered.num_tokens,
        metrics=watch.metrics,
        base=measured_at(kept, 0),
        kept=outcome.result,
        end=outcome.result if is_end else measured_at(kept, None),
        kept_step=kept.best_step,
        end_step=kept.num_steps,
        strength=outcome.strength,
        task=outcome.task,
        keeps_task=outcome.keeps_task,
        trials=outcome.trials,
        told=outcome.told,
        advice=outcome.advice,
        seconds_per_run=watch.seconds_per_run,
        trial_seconds=outcome.seconds,
    )
