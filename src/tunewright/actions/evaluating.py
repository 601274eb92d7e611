"""`evaluate`: measure one model on rows it was not trained on."""

import time
from dataclasses import dataclass
from pathlib import Path

from tunewright.actions.announcing import announce_sources
from tunewright.actions.answering import OpenedModel, say_forced, say_slow_answers
from tunewright.actions.opened_arms import OpenedArm, open_model_or_arm
from tunewright.actions.outcome import recorded_outcome, start_run
from tunewright.actions.preparing import (
    Preparation,
    answers_only,
    read_house,
    refuse_loss_metrics,
    require_answers_for,
)
from tunewright.actions.reporting import build_report, write_report
from tunewright.actions.training_rows import warn_of_training_rows
from tunewright.contracts import ChatModel, Progress, ScoringModel, SilentProgress
from tunewright.data import PreparedData, prepare_test
from tunewright.data.refusals import excerpt
from tunewright.evaluate import choose_metrics, judge, test_items
from tunewright.evaluate.judge import ScoredText, whole_answer
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
    force: bool = False,
) -> Report:
    """Measure a base, a tuned run or an arm of a study on all rows of `data`, with the scorers and intervals of `tune`.

    Args:
        model: a run (id, start of an id, `last`, or its folder), an arm (`STUDY/few-shot`) or a base (`bundled`,
            folder, hub id).
        data: the rows; nothing is split off, so do not give the rows the run was trained on.
        recipe: how to answer and judge; open settings are derived from the rows.
        force: measure what a run has trained although its base or tokenizer is another now. The run's record and the
            report name both hashes.
    Returns:
        A report with one arm, also written as report.json and report.html into a run folder of its own.
    """
    progress = progress or SilentProgress()
    opened = open_model_or_arm(model, home, recipe.max_answer_tokens if recipe else None, force=force)
    if isinstance(opened, OpenedModel):
        say_forced(opened, progress)
    preparation = _prepare(opened, data, recipe or EvaluateRecipe(), progress)
    settings = preparation.recipe.evaluate
    warn_of_training_rows(opened, preparation.data.rows(Split.TEST), home, progress)
    default = f"tunewright evaluate {opened.full_name} {data.path or 'DATA'}{' --force' if force else ''}"
    run = start_run(Store(home), "evaluate", preparation, command or default, forced=opened.forced)
    with run.lock(), recorded_outcome(run, run.record.command):
        started = time.monotonic()
        # A file can be sorted; in the order of their hashes the first so many inputs are a fair sample.
        rows = sorted(preparation.data.rows(Split.TEST), key=lambda example: example.input_id)
        items = test_items(rows, settings.max_inputs)
        asked = _load(opened, preparation, progress)
        metrics = settled(settings.metrics)
        scores = judge(asked.system, asked.scoring, items, metrics, progress, opened.name, asked.scored_text)
        seconds = {f"measure the {opened.name} {asked.noun}": round(time.monotonic() - started, 2)}
        title = f"{opened.full_name}{asked.host} on {data.title}"
        report = build_report(run, preparation, [scores], items, None, seconds, title, asked.scored_text)
        run.update(status=RunStatus.SUCCEEDED, outputs=write_report(run, report))
    return report


@dataclass(frozen=True, slots=True)
class _Asked:
    """What answers the rows."""

    system: ChatModel
    scoring: ScoringModel | None
    """None where probabilities mean nothing."""
    scored_text: ScoredText = whole_answer
    noun: str = "model"
    host: str = ""
    """Where a hosted model is."""


def _load(opened: OpenedModel | OpenedArm, preparation: Preparation, progress: Progress) -> _Asked:
    rows_per_batch = preparation.recipe.evaluate.rows_per_batch
    if isinstance(opened, OpenedModel):
        model = opened.load(settled(preparation.recipe.train.precision), rows_per_batch)
        say_slow_answers(model, progress)
        return _Asked(model, model)
    arm = opened.load(rows_per_batch)
    if arm.language_model:
        say_slow_answers(arm.language_model, progress)
    if opened.hosted_at:
        progress.say(f"Sends the inputs, with what the arm puts before them, to the model {opened.hosted_at}.")
    scoring = arm.language_model if opened.gives_the_row_alone else None
    return _Asked(arm, scoring, opened.scored_text, "arm", f" ({opened.hosted_at})" if opened.hosted_at else "")


def _prepare(
    opened: OpenedModel | OpenedArm, data: DataRecipe, recipe: EvaluateRecipe, progress: Progress
) -> Preparation:
    """Read the rows and fill in what the recipe leaves open."""
    if isinstance(opened, OpenedArm):
        model, has_losses, same_room = opened.tokens(), opened.gives_the_row_alone, "as in the study"
        precision, why = settled(opened.recipe.train.precision), "as in the study"
    else:
        model, has_losses = opened, True
        same_room = "as the run was tuned" if opened.artifact else "a quarter of the base's context"
        precision, why = precision_here()
    if not has_losses:
        refuse_loss_metrics(recipe, f"the {opened.name} arm has no probabilities to compare with those of others")
    data, rows = _read(opened, data, progress)
    announce_sources(rows.version.sources, progress)
    examples = rows.rows(Split.TEST)
    answers = [example.body.answer for example in examples if isinstance(example.body, Conversation)]
    metrics, headline, reason = choose_metrics(answers, recipe.metrics)
    house = read_house(recipe)
    require_answers_for(house, metrics)
    derived = [Derived(setting="train.precision", value=precision, reason=why)]
    if recipe.metrics is None:
        derived.append(Derived(setting="evaluate.metrics", value=metrics, reason=reason))
    room = model.renderer.max_answer_tokens
    if recipe.max_answer_tokens is None:
        derived.append(Derived(setting="evaluate.max_answer_tokens", value=room, reason=same_room))
    resolved = TuneRecipe(
        data=data,
        base=model.base.ref.name,
        train=TrainRecipe(precision=precision),
        evaluate=recipe.model_copy(update={"metrics": metrics, "max_answer_tokens": room}),
    )
    preparation = Preparation(resolved, tuple(derived), model.base, model.renderer, rows, headline, house)
    return preparation if has_losses else answers_only(preparation)


def _read(opened: OpenedModel | OpenedArm, data: DataRecipe, progress: Progress) -> tuple[DataRecipe, PreparedData]:
    """The rows, behind the system prompt that the model was tuned with where they have none and none was given."""
    rows = prepare_test(data, load_hub_dataset)
    bodies = [example.body for example in rows.rows(Split.TEST)]
    conversations = [body for body in bodies if isinstance(body, Conversation)]
    has_all = all(body.messages[0].role == "system" for body in conversations)
    if data.system_prompt is not None or not opened.system_prompt or has_all or len(conversations) < len(bodies):
        return data, rows
    progress.say(
        f"As before the rows of {opened.full_name}, this stands before rows without a system message "
        f"(--set \"data.system_prompt=''\" leaves it out): {excerpt(opened.system_prompt)}"
    )
    data = data.model_copy(update={"system_prompt": opened.system_prompt})
    return data, prepare_test(data, load_hub_dataset)
