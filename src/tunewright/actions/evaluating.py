"""`evaluate`: measure one model on rows it was not trained on."""

import time
from pathlib import Path

from tunewright.actions.answering import OpenedModel, open_model, say_slow_answers
from tunewright.actions.outcome import recorded_outcome, start_run
from tunewright.actions.preparing import Preparation, read_house, require_answers_for
from tunewright.actions.reporting import build_report, write_report
from tunewright.contracts import Progress, SilentProgress
from tunewright.data import prepare_test
from tunewright.evaluate import choose_metrics, judge, test_items
from tunewright.outside.hub import load_hub_dataset
from tunewright.records import (
    Conversation,
    DataRecipe,
    Derived,
    EvaluateRecipe,
    Report,
    RunStatus,
    Split,
    TrainRecipe,
    TuneRecipe,
    settled,
)
from tunewright.store import Store
from tunewright.train.defaults import precision_here


def evaluate(
    model: str,
    data: DataRecipe,
    recipe: EvaluateRecipe | None = None,
    *,
    home: Path | None = None,
    progress: Progress | None = None,
    command: str | None = None,
) -> Report:
    """Measure a base or a tuned run on all rows of `data`, with the scorers and intervals that `tune` uses.

    Args:
        model: a run (id, start of an id, `last`, or its folder) or a base (`bundled`, folder, hub id).
        data: the rows; nothing is split off, so do not give the rows the run was trained on.
        recipe: how to answer and judge; open settings are derived from the rows.
    Returns:
        A report with one arm, also written as report.json and report.html into a run folder of its own.
    """
    progress = progress or SilentProgress()
    opened = open_model(model, home, recipe.max_answer_tokens if recipe else None)
    preparation = _prepare(opened, data, recipe or EvaluateRecipe())
    settings = preparation.recipe.evaluate
    _warn_of_training_rows(opened, preparation, Store(home), progress)
    default = f"tunewright evaluate {opened.full_name} {data.path or 'DATA'}"
    run = start_run(Store(home), "evaluate", preparation, lambda run_id: command or default)
    with run.lock(), recorded_outcome(run, run.record.command):
        started = time.monotonic()
        # A file can be sorted; in the order of their hashes the first so many inputs are a fair sample.
        rows = sorted(preparation.data.rows(Split.TEST), key=lambda example: example.input_id)
        items = test_items(rows, settings.max_inputs)
        system = opened.load(settled(preparation.recipe.train.precision), settings.rows_per_batch)
        say_slow_answers(system, progress)
        scores = judge(system, system, items, settled(settings.metrics), progress, opened.name)
        seconds = {f"measure the {opened.name} model": round(time.monotonic() - started, 2)}
        title = f"{opened.full_name} on {data.title}"
        report = build_report(run, preparation, [scores], items, None, seconds, title)
        run.update(status=RunStatus.SUCCEEDED, outputs=write_report(run, report))
    return report


def _warn_of_training_rows(opened: OpenedModel, preparation: Preparation, store: Store, progress: Progress) -> None:
    """Say how many of the rows the model was trained on: what was learned by heart proves nothing."""
    if opened.dataset_id is None:
        return
    version, examples = store.get_dataset(opened.dataset_id)
    trained = {examples[entry.example_id].input_id for entry in version.entries if entry.split is Split.TRAIN}
    inputs = {example.input_id for example in preparation.data.rows(Split.TEST)}
    if shared := len(trained & inputs):
        progress.say(
            f"Warning: {shared:,} of the {len(inputs):,} inputs were training rows of {opened.full_name}. The figures "
            "below are too good for them; evaluate on other rows."
        )


def _prepare(opened: OpenedModel, data: DataRecipe, recipe: EvaluateRecipe) -> Preparation:
    """Read the rows and fill in what the recipe leaves open."""
    rows = prepare_test(data, load_hub_dataset)
    examples = rows.rows(Split.TEST)
    answers = [example.body.answer for example in examples if isinstance(example.body, Conversation)]
    metrics, headline, reason = choose_metrics(answers, recipe.metrics)
    house = read_house(recipe)
    require_answers_for(house, metrics)
    precision, why = precision_here()
    derived = [Derived(setting="train.precision", value=precision, reason=why)]
    if recipe.metrics is None:
        derived.append(Derived(setting="evaluate.metrics", value=metrics, reason=reason))
    room = opened.renderer.max_answer_tokens
    if recipe.max_answer_tokens is None:
        why = "as the run was tuned" if opened.artifact else "a quarter of the base's context"
        derived.append(Derived(setting="evaluate.max_answer_tokens", value=room, reason=why))
    resolved = TuneRecipe(
        data=data,
        base=opened.base.ref.name,
        train=TrainRecipe(precision=precision),
        evaluate=recipe.model_copy(update={"metrics": metrics, "max_answer_tokens": room}),
    )
    return Preparation(resolved, tuple(derived), opened.base, opened.renderer, rows, headline, house)
