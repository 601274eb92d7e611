"""General ability during training: measured against the base, and what is done when too much of it is lost."""

import time
from dataclasses import dataclass

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
    TrainingSummary,
    TuneRecipe,
    settled,
)
from tunewright.store import RunFolder
from tunewright.study.retained import advice, is_refused, measured_at, told
from tunewright.train.loop import TrainingJob
from tunewright.train.strength import Strength, find_strength

BASE_FILES = BASE_FILE, BASE_SECONDS_FILE = "retention-base.json", "retention-seconds.json"


@dataclass(frozen=True, slots=True)
class RetentionWatch:
    """Runs the suite on a network that is being trained, and compares with what it scored before."""

    recipe: TuneRecipe
    rendered: RenderedSuite
    model: LanguageModel
    base: RetentionScores
    seconds_per_run: float

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What each part of a result is."""
        return (OVERALL, *(part.metric for part in self.rendered.suite.parts))

    def measure(self, step: int) -> RetentionResult:
        """Run the suite; step 0 is the base, which has been measured."""
        scores = _run(self.rendered, self.model) if step else self.base
        recipe = self.recipe
        return compare_retention(self.rendered.suite, self.base, scores, recipe.retention, recipe.evaluate)


def open_watch(run: RunFolder, preparation: Preparation, model: LanguageModel, progress: Progress) -> RetentionWatch:
    """Render the suite for the base and measure the base, or take what an earlier sitting measured.

    Args:
        model: not yet trained.
    """
    max_length = context_length(preparation.base.folder)
    rendered = render_suite(make_suite(preparation.recipe.retention), preparation.renderer, max_length)
    if not run.has(BASE_FILE):
        started = time.monotonic()
        scores = _run(rendered, model)
        run.write_json(BASE_SECONDS_FILE, round(time.monotonic() - started, 2))
        run.write_json(BASE_FILE, scores.model_dump(mode="json"))
        _tell_unscored(scores, progress)
    base = RetentionScores.model_validate(run.read_json(BASE_FILE))
    return RetentionWatch(preparation.recipe, rendered, model, base, run.read_json(BASE_SECONDS_FILE))


def _run(rendered: RenderedSuite, model: LanguageModel) -> RetentionScores:
    with SilentProgress().bar("General ability", 0) as advance:
        return rendered.measure(model, advance)


def _tell_unscored(scores: RetentionScores, progress: Progress) -> None:
    reasons = [score.reason for part in scores.scores.values() for score in part if score.reason]
    if reasons:
        progress.say(f"{len(reasons):,} items of the retention suite cannot be scored; the first: {reasons[0]}")


def settle_retention(
    job: TrainingJob, summary: TrainingSummary, watch: RetentionWatch, progress: Progress
) -> TrainingSummary:
    """Say what was kept and why. Where no trained checkpoint kept general ability, find a strength that does.

    The network of the job ends with the weights that are kept.

    Returns:
        The summary with its retention; best step and loss are those of the weights that are kept.
    """
    found: Strength | None = None
    started = time.monotonic()
    may_scale = "strength" in watch.recipe.retention.fallbacks and isinstance(watch.recipe.method, Lora)
    if is_refused(summary) and may_scale:
        progress.say(
            "No trained checkpoint kept general ability within the limits: trying its adapter at less strength."
        )
        found = find_strength(job, settled(summary.lowest_loss_step), summary.best_validation_loss)
    seconds = round(time.monotonic() - started, 2) if found else 0.0
    retention = _summarise(summary, watch, found, seconds)
    for line in (retention.told, *retention.advice):
        progress.say(line)
    return _with_kept(summary, found).model_copy(update={"retention": retention})


def _with_kept(summary: TrainingSummary, found: Strength | None) -> TrainingSummary:
    """The summary with step and loss of a checkpoint at less strength, if that is what is kept."""
    if not found or found.kept is None:
        return summary
    kept = {"best_step": summary.lowest_loss_step, "best_validation_loss": found.kept.validation_loss}
    return summary.model_copy(update=kept)


def _summarise(
    summary: TrainingSummary, watch: RetentionWatch, found: Strength | None, trial_seconds: float
) -> RetentionSummary:
    kept = _with_kept(summary, found)
    at_less = found.kept if found else None
    result = settled(at_less.retention) if at_less else measured_at(summary, kept.best_step)
    suite = watch.rendered.suite
    return RetentionSummary(
        suite_version=SUITE_VERSION,
        suite_hash=suite.hash,
        num_items=suite.num_items,
        num_tokens=watch.rendered.num_tokens,
        metrics=watch.metrics,
        base=measured_at(summary, 0),
        kept=result,
        end=measured_at(summary, None),
        kept_step=kept.best_step,
        end_step=summary.num_steps,
        strength=at_less.strength if at_less else 1.0,
        trials=found.trials if found else (),
        told=told(summary, kept, result, found.value if found else None, watch.metrics),
        advice=advice(watch.recipe) if is_refused(summary) else (),
        seconds_per_run=watch.seconds_per_run,
        trial_seconds=trial_seconds,
    )
