"""`tune` and its `resume`: measure the base, train, measure again, report. Every stage leaves a file, so a run that
was stopped anywhere continues from the last one."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tunewright.actions.answering import ARTIFACT, say_slow_answers
from tunewright.actions.baking import (
    PROMPT_FILE,
    carry_out_baking,
    prepare_baking,
    read_bake_prompt,
    refuse_without_effect,
)
from tunewright.actions.benchmarking import measure_tasks, measure_tasks_of_base
from tunewright.actions.fallbacks import language_model, train_keeping_ability, with_trainable
from tunewright.actions.fitting import require_memory_and_disk
from tunewright.actions.handover import command_to_continue
from tunewright.actions.memorising import open_probe, plant_canaries
from tunewright.actions.outcome import recorded_outcome, start_run
from tunewright.actions.preparing import Preparation, announce, prepare_tuning
from tunewright.actions.processes import num_processes, require_trainable_together
from tunewright.actions.reporting import REPORT_FILES, build_report, write_report
from tunewright.actions.resuming import (
    RECIPE_FILE,
    preparation_files,
    reopen,
    require_unfinished,
    seconds_of,
    timed,
)
from tunewright.actions.training import publish_artifact
from tunewright.actions.training_rows import warn_of_training_rows_of_base
from tunewright.contracts import Progress, SilentProgress
from tunewright.evaluate import ArmScores, TestItem, judge, test_items
from tunewright.model.language_model import LanguageModel
from tunewright.records import EvaluateRecipe, Report, RunStatus, Split, TuneRecipe, settled
from tunewright.store import RunFolder, Store


def tune(
    recipe: TuneRecipe,
    *,
    home: Path | None = None,
    progress: Progress | None = None,
    command: str | None = None,
    on_run: Callable[[str], None] | None = None,
) -> Report:
    """Tune a base on rows and prove what it brought: the main job. Everything happens in this process.

    Args:
        recipe: what to do; open settings are derived and reported.
        home: where runs and datasets are kept (default: $TUNEWRIGHT_HOME, else ~/.tunewright).
        progress: shows what is going on; silent by default.
        command: what the report gives as the command to repeat.
        on_run: told the run's id before its folder appears.
    Returns:
        The report, which also lies in the run's folder as report.json and report.html.
    Raises:
        TunewrightError: see tunewright/errors.py. Errors in data, recipe or base come before anything is written.
        InterruptedRunError: stopped by Ctrl-C or SIGTERM; `resume` continues.
    """
    progress = progress or SilentProgress()
    store = Store(home)
    store.require_writable()
    require_trainable_together(recipe)
    if recipe.bake:
        refuse_without_effect(recipe)
    prompt = read_bake_prompt(recipe.bake) if recipe.bake else None
    preparation = plant_canaries(prepare_tuning(recipe, progress, home))
    if prompt is not None:
        preparation = prepare_baking(preparation, prompt)
    announce(preparation, progress)
    warn_of_training_rows_of_base(preparation.base, preparation.data.rows(Split.TEST), home, progress)
    require_memory_and_disk(preparation, store)
    files = preparation_files(preparation.recipe, preparation)
    if prompt is not None:
        files = {PROMPT_FILE: prompt, **files}
    run = start_run(store, "tune", preparation, command, on_run, files=files)
    with run.lock():
        return _carry_out(run, store, preparation, progress, command_to_continue(run.record.id, home, num_processes()))


def resume(run_name: str, *, home: Path | None = None, progress: Progress | None = None) -> Report:
    """Continue a tuning run that was stopped, from its last complete stage and checkpoint.

    Raises:
        StoreError: there is no such run, its data does not verify, or the disk has no room for what it will write.
        BaseMismatchError: the base or its tokenizer is no longer what the run started with.
        TrainError: the run has already succeeded, trains nothing, or was killed before its recipe was saved; or it does
            not fit into the memory that is free now.
    """
    progress = progress or SilentProgress()
    store = Store(home)
    run = store.run(run_name)
    require_unfinished(run, "tune", home)
    with run.lock():
        recipe = run.read_record(RECIPE_FILE, TuneRecipe)
        require_trainable_together(recipe)
        preparation = reopen(store, run, recipe, progress)
        require_memory_and_disk(preparation, store, run)
        run.update(status=RunStatus.RUNNING)
        return _carry_out(run, store, preparation, progress, command_to_continue(run.record.id, home, num_processes()))


def _carry_out(
    run: RunFolder, store: Store, preparation: Preparation, progress: Progress, command_to_continue: str
) -> Report:
    with recorded_outcome(run, command_to_continue):
        if preparation.recipe.bake:
            report = carry_out_baking(run, store, preparation, progress, command_to_continue)
            run.update(status=RunStatus.SUCCEEDED, outputs=(*REPORT_FILES, ARTIFACT))
            return report
        items = test_items(preparation.data.rows(Split.TEST), preparation.recipe.evaluate.max_inputs)
        with timed(run, "load the base"):
            base_model = language_model(preparation)
        with timed(run, "measure the base"):
            base_scores = _judge_once(run, "base", base_model, items, preparation.recipe.evaluate, progress)
        probe = open_probe(preparation)
        if probe:
            with timed(run, "measure memorisation"):
                probe.measure_base(run, base_model)
        with timed(run, "run public benchmarks on the base"):
            measure_tasks_of_base(run, preparation)
        tuned_model = with_trainable(base_model, preparation.recipe)
        with timed(run, "train"):
            tuned_model, summary = train_keeping_ability(run, preparation, tuned_model, progress, command_to_continue)
        publish_artifact(run, preparation, tuned_model)
        with timed(run, "measure the tuned model"):
            tuned_scores = _judge_once(run, "tuned", tuned_model, items, preparation.recipe.evaluate, progress)
        memorised = None
        if probe:
            with timed(run, "measure memorisation"):
                memorised = probe.summarise(run, tuned_model)
        with timed(run, "run public benchmarks"):
            benchmarks = measure_tasks(run, preparation)
        title = f"{preparation.base.ref.name} on {preparation.recipe.data.title}"
        report = build_report(run, preparation, [base_scores, tuned_scores], items, summary, seconds_of(run), title)
        report = report.model_copy(update={"memorisation": memorised, "benchmarks": benchmarks})
        outputs = write_report(run, report)
        run.update(status=RunStatus.SUCCEEDED, outputs=(*outputs, ARTIFACT))
    return report


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
        return run.read_record(name, ArmScores)
    say_slow_answers(model, progress)
    scores = judge(model, model, items, settled(recipe.metrics), progress, arm)
    run.write_json(name, scores.model_dump(mode="json"))
    return scores
