"""`tune` and its `resume`: measure the base, train, measure again, report. Every stage leaves a file, so a run that
was stopped anywhere continues from the last one."""

import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tunewright.actions.answering import ARTIFACT
from tunewright.actions.environment import describe_environment
from tunewright.actions.outcome import recorded_outcome, start_run
from tunewright.actions.preparing import Preparation, announce, prepare_tuning
from tunewright.actions.reporting import build_report, write_report
from tunewright.contracts import Progress, SilentProgress
from tunewright.data import PreparedData
from tunewright.errors import BaseMismatchError, TrainError
from tunewright.evaluate import ArmScores, TestItem, judge, test_items
from tunewright.model.adapter import prepare_for_training, save_tuned
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import load_base
from tunewright.outside.hub import find_again
from tunewright.records import (
    Artifact,
    Derived,
    EvaluateRecipe,
    Lora,
    Precision,
    Report,
    RunStatus,
    Split,
    TrainingSummary,
    TuneRecipe,
    settled,
)
from tunewright.render import load_renderer
from tunewright.store import RunFolder, Store
from tunewright.train.loop import TrainingJob, Validation, train
from tunewright.train.schedule import make_plan
from tunewright.train.stream import TokenStream

RECIPE_FILE, DERIVED_FILE, HEADLINE_FILE = "recipe.json", "derived.json", "headline.json"
SECONDS_FILE = "seconds.json"


def tune(
    recipe: TuneRecipe, *, home: Path | None = None, progress: Progress | None = None, command: str | None = None
) -> Report:
    """Tune a base on rows and prove what it brought: the main job.

    Args:
        recipe: what to do; open settings are derived and reported.
        home: where runs and datasets are kept (default: $TUNEWRIGHT_HOME, else ~/.tunewright).
        progress: shows what is going on; silent by default.
        command: what the report gives as the command to repeat.
    Returns:
        The report, which also lies in the run's folder as report.json and report.html.
    Raises:
        TunewrightError: see tunewright/errors.py. Errors in data, recipe or base come before anything is written.
        InterruptedRunError: stopped by Ctrl-C or SIGTERM; `resume` continues.
    """
    progress = progress or SilentProgress()
    preparation = prepare_tuning(recipe, progress)
    announce(preparation, progress)
    store = Store(home)
    default = str(store.home / "runs" / "{}" / RECIPE_FILE)
    run = start_run(
        store, "tune", preparation, lambda run_id: command or f"tunewright tune --recipe {default.format(run_id)}"
    )
    with run.lock():
        run.write_json(RECIPE_FILE, preparation.recipe.model_dump(mode="json"))
        run.write_json(DERIVED_FILE, [derived.model_dump(mode="json") for derived in preparation.derived])
        run.write_json(HEADLINE_FILE, preparation.headline_metric)
        return _carry_out(run, preparation, progress, _command_to_continue(run, home))


def resume(run_name: str, *, home: Path | None = None, progress: Progress | None = None) -> Report:
    """Continue a tuning run that was stopped, from its last complete stage and checkpoint.

    Raises:
        StoreError: there is no such run, or its data does not verify.
        BaseMismatchError: the base or its tokenizer is no longer what the run started with.
        TrainError: the run has already succeeded, trains nothing, or was killed before its recipe was saved.
    """
    progress = progress or SilentProgress()
    store = Store(home)
    run = store.run(run_name)
    if run.record.status is RunStatus.SUCCEEDED:
        raise TrainError(f"Run {run.record.id} has already succeeded. See it with: tunewright show {run.record.id}")
    if not run.has(HEADLINE_FILE):
        again = f"Start it again with: {run.record.command}"
        raise TrainError(f"Run {run.record.id} ({run.record.kind}) has saved nothing that could be continued. {again}")
    with run.lock():
        preparation = _reopen(store, run, progress)
        run.update(status=RunStatus.RUNNING)
        return _carry_out(run, preparation, progress, _command_to_continue(run, home))


def _command_to_continue(run: RunFolder, home: Path | None) -> str:
    return f"tunewright tune --resume {run.record.id}" + (f" --home {shlex.quote(str(home))}" if home else "")


def _reopen(store: Store, run: RunFolder, progress: Progress) -> Preparation:
    recipe = TuneRecipe.model_validate(run.read_json(RECIPE_FILE))
    base = find_again(run.record.base)
    renderer = load_renderer(base.folder).fitted(
        settled(recipe.train.max_length), settled(recipe.evaluate.max_answer_tokens)
    )
    _require_same("base", run.record.base.sha256, base.ref.sha256, run)
    _require_same("renderer", run.record.renderer_hash, renderer.hash, run)
    _use_recorded_threads(run, progress)
    _tell_other_environment(run, progress)
    version, examples = store.get_dataset(run.record.dataset_id)
    return Preparation(
        recipe=recipe,
        derived=tuple(Derived.model_validate(item) for item in run.read_json(DERIVED_FILE)),
        base=base,
        renderer=renderer,
        data=PreparedData(version, examples),
        headline_metric=run.read_json(HEADLINE_FILE),
    )


def _require_same(what: str, recorded: str, found: str, run: RunFolder) -> None:
    if recorded != found:
        raise BaseMismatchError(
            f"run {run.record.id}: found {what} {found[:12]}, expected {recorded[:12]} as when it started. "
            "Continuing would mix two models. Put the old files back, or start a new run."
        )


def _use_recorded_threads(run: RunFolder, progress: Progress) -> None:
    """One and two threads add up in another order, which changes the final bits."""
    import torch

    recorded = run.record.environment.num_threads
    if torch.get_num_threads() != recorded:
        progress.say(f"Using {recorded} threads, as when the run started, so that it ends in the same bytes.")
        torch.set_num_threads(recorded)


def _tell_other_environment(run: RunFolder, progress: Progress) -> None:
    before, now = run.record.environment, describe_environment()
    changed = [
        f"{name} was {old}, is {new}"
        for name, old, new in (
            ("processor", before.processor, now.processor),
            ("accelerator", before.accelerator, now.accelerator),
            *((name, before.packages.get(name), found) for name, found in now.packages.items()),
        )
        if old != new
    ]
    if changed:
        progress.say(f"Resumed under other conditions ({'; '.join(changed)}): the final bytes may differ.")


def _carry_out(run: RunFolder, preparation: Preparation, progress: Progress, command_to_continue: str) -> Report:
    with recorded_outcome(run, command_to_continue):
        items = test_items(preparation.data.rows(Split.TEST), preparation.recipe.evaluate.max_inputs)
        with _timed(run, "load the base"):
            network = load_base(preparation.base.folder)
            precision: Precision = settled(preparation.recipe.train.precision)
            rows_per_batch = preparation.recipe.evaluate.rows_per_batch
            base_model = LanguageModel(network, preparation.renderer, precision, rows_per_batch)
        with _timed(run, "measure the base"):
            base_scores = _judge_once(run, "base", base_model, items, preparation.recipe.evaluate, progress)
        network = prepare_for_training(network, preparation.recipe.method, preparation.recipe.train.seed)
        tuned_model = LanguageModel(network, preparation.renderer, precision, rows_per_batch)
        with _timed(run, "train"):
            summary = _train(run, preparation, tuned_model, progress, command_to_continue)
        _publish_artifact(run, preparation, tuned_model)
        with _timed(run, "measure the tuned model"):
            tuned_scores = _judge_once(run, "tuned", tuned_model, items, preparation.recipe.evaluate, progress)
        title = f"{preparation.base.ref.name} on {preparation.recipe.data.path}"
        report = build_report(run, preparation, [base_scores, tuned_scores], items, summary, _seconds(run), title)
        outputs = write_report(run, report)
        run.update(status=RunStatus.SUCCEEDED, outputs=(*outputs, ARTIFACT))
    return report


def _train(
    run: RunFolder,
    preparation: Preparation,
    tuned_model: LanguageModel,
    progress: Progress,
    command_to_continue: str,
) -> TrainingSummary:
    validation = preparation.sequences(Split.VALIDATION)
    silent = SilentProgress()

    def validate() -> Validation:
        with silent.bar("Validating", len(validation)) as advance:
            return Validation(tuned_model.mean_loss(validation, advance))

    settings = preparation.recipe.train
    stream = TokenStream(preparation.sequences(Split.TRAIN), settled(settings.rows_per_step), settings.seed)
    job = TrainingJob(
        network=tuned_model.network,
        settings=settings,
        stream=stream,
        plan=make_plan(settings, stream.steps_per_epoch),
        pad_token_id=preparation.renderer.pad_token_id,
        validate=validate,
        locations={row.id: str(row.provenance) for row in preparation.data.rows(Split.TRAIN)},
        run=run,
        command_to_continue=command_to_continue,
    )
    return train(job, progress)


def _publish_artifact(run: RunFolder, preparation: Preparation, tuned_model: LanguageModel) -> None:
    if run.is_published(ARTIFACT):
        return
    with run.publish(ARTIFACT) as folder:
        base = preparation.base
        save_tuned(tuned_model.network, preparation.recipe.method, folder, base.folder, base.ref.name)
        artifact = Artifact(
            kind="adapter" if isinstance(preparation.recipe.method, Lora) else "model",
            base=base.ref,
            renderer_hash=preparation.renderer.hash,
            max_length=preparation.renderer.max_length,
            max_answer_tokens=preparation.renderer.max_answer_tokens,
            parent_run=run.record.id,
        )
        (folder / "artifact.json").write_text(artifact.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _judge_once(
    run: RunFolder,
    arm: str,
    model: LanguageModel,
    items: Sequence[TestItem],
    recipe: EvaluateRecipe,
    progress: Progress,
) -> ArmScores:
    """Measure an arm, or take the measurement that an earlier sitting of this run left behind."""
    name = f"scores-{arm}.json"
    if run.has(name):
        return ArmScores.model_validate(run.read_json(name))
    scores = judge(model, model, items, settled(recipe.metrics), progress, arm)
    run.write_json(name, scores.model_dump(mode="json"))
    return scores


@contextmanager
def _timed(run: RunFolder, stage: str) -> Iterator[None]:
    """Add the wall time of a finished stage to what earlier sittings spent on it."""
    started = time.monotonic()
    yield
    seconds = _seconds(run)
    seconds[stage] = round(seconds.get(stage, 0.0) + time.monotonic() - started, 2)
    run.write_json(SECONDS_FILE, seconds)


def _seconds(run: RunFolder) -> dict[str, float]:
    return dict(run.read_json(SECONDS_FILE)) if run.has(SECONDS_FILE) else {}
