"""`study` and its `resume`: every way to answer on the same rows, and what follows. Answers, trainings and choices that
an earlier sitting finished are not done again."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from tunewright.actions.fitting import require_memory_and_disk
from tunewright.actions.handover import command_to_continue
from tunewright.actions.kept_arms import TRAINED_IN, keep_arm
from tunewright.actions.outcome import recorded_outcome, start_run
from tunewright.actions.preparing import Preparation, announce, answers_only, prepare_tuning, refuse_loss_metrics
from tunewright.actions.resuming import (
    RECIPE_FILE,
    preparation_files,
    reopen,
    require_unfinished,
    seconds_of,
    timed,
)
from tunewright.actions.study_arms import (
    Documents,
    StudiedArm,
    Workshop,
    base_model,
    hosted_at_the_bottom,
    train_inside,
)
from tunewright.actions.study_formats import SCHEMA_FILE, measure_formats, read_answer_schema
from tunewright.actions.study_judging import announce_judge, compare_with_judge, settle_judge
from tunewright.actions.study_reporting import FoundBesides, build_study_report, write_study_report
from tunewright.actions.study_updating import (
    Update,
    measure_updates,
    read_updated_rows,
    require_changes,
    update_files,
)
from tunewright.actions.training_rows import warn_of_training_rows_of_base
from tunewright.contracts import Progress, SilentProgress
from tunewright.data.refusals import ReadLog
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.evaluate import test_items
from tunewright.records import (
    Passage,
    RunStatus,
    Split,
    StudyRecipe,
    StudyReport,
    content_hash,
    settled,
)
from tunewright.records.text_file import read_text_file
from tunewright.retrieve.chunk import folder_passages
from tunewright.retrieve.lance import build_lance
from tunewright.store import RunFolder, Store
from tunewright.store.runs import INDEXES, REPORT
from tunewright.study.answers import AnswerLog
from tunewright.study.bench import Bench
from tunewright.study.instructions import Instruction, assemble_instructions
from tunewright.study.retrieved_rows import with_retrieved_passages
from tunewright.study.similar_examples import ExamplePool

PROMPTS_FILE, PASSAGES_FILE = "prompts.json", "passages.json"
"""What the user's files held when the study started: a resumed study reads them no more."""


def study(
    recipe: StudyRecipe,
    *,
    home: Path | None = None,
    progress: Progress | None = None,
    command: str | None = None,
    on_run: Callable[[str], None] | None = None,
) -> StudyReport:
    """Run the alternatives to tuning, and tuning, on the same frozen test rows, and decide. All of it in this process.

    Args:
        recipe: what to do; open settings of the tuned arm are derived and reported.
        home: where runs and datasets are kept (default: $TUNEWRIGHT_HOME, else ~/.tunewright).
        progress: shows what is going on; silent by default.
        command: what the report gives as the command to repeat.
        on_run: told the run's id before its folder appears.
    Returns:
        The report, which also lies in the run's folder as report.json, report.html and summary.md.
    Raises:
        TunewrightError: see tunewright/errors.py. Errors in data, recipe or base come before anything is written.
        InterruptedRunError: stopped by Ctrl-C or SIGTERM; `resume_study` continues.
    """
    progress = progress or SilentProgress()
    store = Store(home)
    store.require_writable()
    why = "arms that prompt give the references other probabilities, and a hosted model gives none"
    refuse_loss_metrics(recipe.evaluate, why)
    instructions = _read_prompts(recipe.prompts)
    passages = _read_passages(recipe.documents, progress) if recipe.documents else None
    update = _read_update(recipe, progress)
    schema = read_answer_schema(recipe.answer_schema) if recipe.answer_schema else None
    preparation = answers_only(prepare_tuning(recipe.tuning, progress, home))
    # Both refuse what they cannot ask, before anything is written.
    recipe, preparation = settle_judge(recipe.with_tuning(preparation.recipe), preparation)
    if recipe.endpoint:
        hosted_at_the_bottom(recipe)
    announce(preparation, progress)
    warn_of_training_rows_of_base(preparation.base, preparation.data.rows(Split.TEST), home, progress)
    require_memory_and_disk(preparation, store, num_trainings=_num_trainings(recipe))
    _announce_sending(recipe, progress)
    announce_judge(recipe, progress)
    if recipe.updated and update:
        require_changes(update.rows, preparation, recipe.updated.answers, progress)
    files = {
        PROMPTS_FILE: [[each.name, each.text] for each in instructions],
        **({PASSAGES_FILE: [each.model_dump(mode="json") for each in passages]} if passages is not None else {}),
        **(update_files(update) if update else {}),
        **({SCHEMA_FILE: schema} if schema is not None else {}),
        **preparation_files(recipe, preparation),
    }
    run = start_run(store, "study", preparation, command, on_run, recipe_id=recipe.id, files=files)
    with run.lock():
        return _carry_out(run, recipe, preparation, progress, home)


def resume_study(run_name: str, *, home: Path | None = None, progress: Progress | None = None) -> StudyReport:
    """Continue a study that was stopped: only what has no answer yet is asked.

    One that has succeeded goes on if answers of its endpoint or verdicts of its judge failed: those are asked again.

    Raises:
        StoreError: there is no such run, its data does not verify, or the disk has no room for what it will write.
        BaseMismatchError: the base or its tokenizer is no longer what the study started with.
        TrainError: the run has already succeeded and nothing failed, is no study, or was killed before its recipe was
            saved; or it does not fit into the memory that is free now.
    """
    progress = progress or SilentProgress()
    store = Store(home)
    run = store.run(run_name)
    has_gaps = _has_gaps(run)
    require_unfinished(run, "study", home, has_gaps=has_gaps)
    with run.lock():
        recipe = run.read_record(RECIPE_FILE, StudyRecipe)
        preparation = reopen(store, run, recipe.tuning, progress)
        require_memory_and_disk(preparation, store, run, num_trainings=_num_trainings(recipe))
        if has_gaps and run.record.status is RunStatus.SUCCEEDED:  # still, now that nobody else can write
            run.take_up_again()
        else:
            run.update(status=RunStatus.RUNNING)
        return _carry_out(run, recipe, preparation, progress, home)


def _has_gaps(run: RunFolder) -> bool:
    if run.record.kind != "study" or run.record.status is not RunStatus.SUCCEEDED:
        return False
    return run.read_record(REPORT, StudyReport).num_to_ask_again > 0


def _num_trainings(recipe: StudyRecipe) -> int:
    """The tuned arm's and, with documents, that of the arm which is tuned for passages."""
    return 1 if recipe.documents is None else 2


def _carry_out(
    run: RunFolder, recipe: StudyRecipe, preparation: Preparation, progress: Progress, home: Path | None
) -> StudyReport:
    how_to_continue = command_to_continue(run.record.id, home, kind="study")
    store = Store(home)
    with recorded_outcome(run, how_to_continue):
        hosted = hosted_at_the_bottom(recipe) if recipe.endpoint else None
        workshop = _workshop(run, recipe, preparation, progress)
        documents = _documents(run, store)
        with timed(run, "ask the base"):
            arms = workshop.asking_arms(base_model(preparation, progress), documents)
        arms += _trained_arms(run, store, workshop, preparation, documents, arms, how_to_continue)
        if hosted:
            with timed(run, "ask the endpoint"):
                arms.append(workshop.hosted_arm(hosted))
        with timed(run, "ask again after the documents changed"):
            updated = measure_updates(run, store, workshop.bench, preparation, arms)
        with timed(run, "measure strict formats"):
            formats = measure_formats(run, preparation, workshop.bench, arms)
        judged = compare_with_judge(run, recipe, workshop.bench, arms)
        found = FoundBesides(updated, formats, judged)
        report = build_study_report(run, recipe, preparation, workshop.bench, arms, found, seconds_of(run))
        run.update(status=RunStatus.SUCCEEDED, outputs=write_study_report(run, report))
    if number := report.num_to_ask_again:
        progress.say(f"{number:,} requests to endpoint or judge failed. Ask them again with: {how_to_continue}")
    return report


def _trained_arms(
    run: RunFolder,
    store: Store,
    workshop: Workshop,
    preparation: Preparation,
    documents: Documents | None,
    asking: list[StudiedArm],
    how_to_continue: str,
) -> Iterator[StudiedArm]:
    """Tuned and, with documents, tuned for passages: as many as did best without training."""
    progress = workshop.bench.progress
    with timed(run, "train the tuned arm"):
        trained = train_inside(run, TRAINED_IN["tuned"], preparation, progress, how_to_continue)
    with timed(run, "ask the tuned arm"):
        yield workshop.tuned_arm(trained, preparation)
    if documents is None:
        return
    num_passages = next(number for arm in asking if (number := arm.described.num_passages) is not None)
    settings = workshop.recipe.retrieval
    with_passages = replace(
        preparation,
        data=with_retrieved_passages(
            preparation.data,
            documents.index,
            num_passages,
            settings.absent_fraction,
            preparation.recipe.train.seed,
            preparation.renderer.fits,
        ),
    )
    store.put_dataset(with_passages.data.version, with_passages.data.examples)
    with timed(run, "train the tuned arm with retrieval"):
        trained = train_inside(run, TRAINED_IN["tuned_retrieval"], with_passages, progress, how_to_continue)
    with timed(run, "ask the tuned arm with retrieval"):
        yield workshop.tuned_retrieval_arm(trained, with_passages, documents, num_passages)


def _documents(run: RunFolder, store: Store) -> Documents | None:
    """The index of the study's passages, made in the run's folder unless it is there already."""
    if not run.has(PASSAGES_FILE):
        return None
    passages = [Passage.model_validate(passage) for passage in run.read_json(PASSAGES_FILE)]
    with timed(run, INDEX_STAGE):
        index = build_lance(passages, run.path / INDEXES, store.files)
    return Documents(index, seconds_of(run)[INDEX_STAGE])


INDEX_STAGE = "index the documents"


def _workshop(run: RunFolder, recipe: StudyRecipe, preparation: Preparation, progress: Progress) -> Workshop:
    data, renderer = preparation.data, preparation.renderer
    limits = [renderer.max_length, renderer.max_answer_tokens, recipe.train.precision]
    bench = Bench(
        validation=test_items(data.rows(Split.VALIDATION), recipe.max_validation_inputs),
        test=test_items(data.rows(Split.TEST), recipe.evaluate.max_inputs),
        metrics=settled(recipe.evaluate.metrics),
        headline=preparation.headline_metric,
        settings=recipe.evaluate,
        log=AnswerLog(run),
        decoding=content_hash(limits),
        progress=progress,
    )
    rows = data.rows(Split.TRAIN)
    own = tuple(Instruction(name, text) for name, text in run.read_json(PROMPTS_FILE))
    instructions = (*own, *assemble_instructions(rows, preparation.headline_metric))
    return Workshop(bench, recipe, instructions, ExamplePool(rows), partial(keep_arm, run))


def _read_prompts(paths: tuple[str, ...]) -> tuple[Instruction, ...]:
    """Raises: RecipeError when a file cannot be read as UTF-8 or is empty."""
    found: list[Instruction] = []
    problems: list[Problem] = []
    fix = "Give a text file in UTF-8 that holds the system prompt."
    for path in paths:
        try:
            text = read_text_file(Path(path), f"prompts: {path}", "a readable text file", fix).strip()
        except RecipeError as refused:
            problems += refused.problems
            continue
        if not text:
            problems.append(Problem(f"prompts: {path}", "an empty file", "a system prompt", fix))
        found.append(Instruction(Path(path).name, text))
    if problems:
        raise RecipeError(problems)
    return tuple(found)


def _read_passages(folder: str, progress: Progress) -> tuple[Passage, ...]:
    """Raises: DataError when there is no such folder, or documents cannot be read."""
    if not Path(folder).is_dir():
        raise DataError(Problem(folder, "no such folder", "a folder of documents", "Check the path."))
    log = ReadLog(folder)
    passages = tuple(folder_passages(Path(folder), log))
    log.raise_if_refused()
    for warning in log.warnings:
        progress.say(warning)
    num_documents = len({passage.document for passage in passages})
    progress.say(f"Read {len(passages):,} passages of {num_documents:,} documents in {folder}.")
    return passages


def _read_update(recipe: StudyRecipe, progress: Progress) -> Update | None:
    if recipe.updated is None:
        return None
    rows = read_updated_rows(recipe)
    return Update(_read_passages(recipe.updated.documents, progress), rows)


def _announce_sending(recipe: StudyRecipe, progress: Progress) -> None:
    if recipe.endpoint:
        what = "test and validation inputs, with prompts and training rows as examples"
        progress.say(f"Sends {what}, to the model {recipe.endpoint.model} at {recipe.endpoint.url}.")
