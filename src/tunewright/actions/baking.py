"""`tune --bake`: train a model to answer without a long system prompt as the base does with it.

The prompted base is the teacher: its answers are what is trained (or those of the rows), and its distributions over
their tokens are learned besides. The report compares prompted and tuned in pairs and counts what is saved.
"""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from tunewright.actions.announcing import count_rows
from tunewright.actions.answering import ARTIFACT
from tunewright.actions.benchmarking import measure_tasks, measure_tasks_of_base
from tunewright.actions.fallbacks import language_model, train_keeping_ability, with_trainable
from tunewright.actions.preparing import Preparation, answers_only, refuse_loss_metrics
from tunewright.actions.reporting import build_report, write_report
from tunewright.actions.resuming import seconds_of, timed
from tunewright.actions.training import publish_artifact
from tunewright.contracts import Progress
from tunewright.data import PreparedData
from tunewright.errors import DataError, Problem, RecipeError, RenderError
from tunewright.evaluate import test_items
from tunewright.evaluate.scorers import SCORERS
from tunewright.model.language_model import LanguageModel
from tunewright.records import (
    Answer,
    BakeRecipe,
    Conversation,
    Example,
    MemorisationRecipe,
    Message,
    Report,
    Split,
    TuneRecipe,
    content_hash,
    format_savings,
    settled,
)
from tunewright.records.text_file import read_text_file
from tunewright.render import Renderer, TokenSequence
from tunewright.store import RunFolder, Store
from tunewright.study.answers import AnswerLog, Remembering
from tunewright.study.arms import Arm, Prompted, ZeroShot, with_system_prompt
from tunewright.study.baked import RAN_INTO_LIMIT, Sides, rows_of, summarise_bake, with_answers
from tunewright.study.bench import Bench, Measured
from tunewright.study.options import Option
from tunewright.train.distill import Distillation, soft_targets

PROMPT_FILE = "bake-prompt.json"


def refuse_without_effect(recipe: TuneRecipe) -> None:
    """Raises: RecipeError when something is asked for that is not measured where a prompt is baked in."""
    refuse_loss_metrics(recipe.evaluate, "a prompt gives the references other probabilities")
    max_rows = recipe.memorisation.max_rows
    # The default also stands in the recipe that a run has kept, and may be read from there.
    if max_rows not in (0, MemorisationRecipe().max_rows):
        found, expected = f"{max_rows:,} beside bake", "one of them: baking does not measure memorisation"
        fix = "Remove it, or train without a prompt to bake."
        raise RecipeError(Problem("memorisation.max_rows", found, expected, fix))


def read_bake_prompt(recipe: BakeRecipe) -> str:
    """Raises: RecipeError when the file cannot be read as UTF-8 or is empty."""
    where, fix = f"bake.prompt: {recipe.prompt}", "Give a text file in UTF-8 that holds the system prompt."
    text = read_text_file(Path(recipe.prompt), where, "a readable text file", fix).strip()
    if not text:
        raise RecipeError(Problem(where, "an empty file", "a system prompt", fix))
    return text


def prepare_baking(preparation: Preparation, prompt: str) -> Preparation:
    """The preparation without metrics of probabilities, which a prompt changes of itself.

    Raises:
        RecipeError: rows have no answers, or the prompt does not fit the base.
    """
    preparation = answers_only(preparation)
    renderer = preparation.renderer
    rows = rows_of(preparation.data, tuple(Split))
    too_long = [row for row in rows if not renderer.fits(_prompted(renderer, row, prompt))]
    if too_long:
        found = (
            f"a prompt with which {len(too_long):,} of {len(rows):,} rows do not fit, such as {too_long[0].provenance}"
        )
        room = renderer.max_length - renderer.max_answer_tokens
        expected = f"at most {room:,} tokens for the prompt and the row"
        fix = "Shorten the prompt, or take a base with a longer context."
        raise RecipeError(Problem("bake.prompt", found, expected, fix))
    return preparation


def carry_out_baking(
    run: RunFolder, store: Store, preparation: Preparation, progress: Progress, command_to_continue: str
) -> Report:
    """Measure the prompted and the plain base, train, measure the tuned model without the prompt, report."""
    bake, prompt = settled(preparation.recipe.bake), str(run.read_json(PROMPT_FILE))
    bench = _bench(run, preparation, progress)
    with timed(run, "run public benchmarks on the base"):
        measure_tasks_of_base(run, preparation)
    with timed(run, "load the base"):
        model = language_model(preparation)
    prompted, base, changed = _ask_base(run, bench, preparation, model, prompt, progress)
    store.put_dataset(changed.data.version, changed.data.examples)
    with timed(run, "read the prompted base's distributions"):
        distillation = _distillation(model, changed, prompt)
    with timed(run, "train"):
        model = with_trainable(model, changed.recipe)
        model, summary = train_keeping_ability(run, changed, model, progress, command_to_continue, distillation)
    publish_artifact(run, changed, model)
    with timed(run, "measure the tuned model"):
        own = ZeroShot(model.for_answering(), run.published_hash(ARTIFACT), model.fits)
        tuned = bench.measure("tuned", Option("without the prompt", own))
    with timed(run, "run public benchmarks"):
        benchmarks = measure_tasks(run, preparation)
    settings = preparation.recipe.evaluate
    summed = summarise_bake(
        Sides(prompted, tuned, prompted.facts("prompted", 0.0, 0), tuned.facts("tuned", summary.all_seconds, 0)),
        SCORERS[preparation.headline_metric].metric,
        prompt,
        bake,
        (settings.num_resamples, settings.seed),
        len(distillation.targets) if distillation else 0,
    )
    for line in (summed.told, format_savings(summed)):
        progress.say(line)
    title = f"{preparation.base.ref.name} with the prompt of {Path(bake.prompt).name} baked in"
    arms: list[Measured] = [prompted, base, tuned]
    report = build_report(
        run, changed, [arm.scores for arm in arms], bench.test, summary, seconds_of(run), title
    ).model_copy(update={"bake": summed, "benchmarks": benchmarks})
    write_report(run, report)
    return report


def _ask_base(
    run: RunFolder, bench: Bench, preparation: Preparation, model: LanguageModel, prompt: str, progress: Progress
) -> tuple[Measured, Measured, Preparation]:
    """Measure the base with and without the prompt, and let it write the answers that are to be learned."""
    # A copy of the weights, which is let go before training.
    answering = model.for_answering()
    plain = ZeroShot(answering, content_hash([preparation.base.ref.sha256, preparation.renderer.hash]), model.fits)
    teacher = Prompted(plain, prompt, in_user_turn=not preparation.renderer.takes_system)
    with timed(run, "measure the base"):
        prompted = bench.measure("prompted", Option("with the prompt", teacher))
        base = bench.measure("base", Option("without the prompt", plain))
    with timed(run, "ask the prompted base for answers to train on"):
        changed = _with_targets(bench, preparation, teacher, progress)
    return prompted, base, changed


def _bench(run: RunFolder, preparation: Preparation, progress: Progress) -> Bench:
    recipe, renderer = preparation.recipe, preparation.renderer
    return Bench(
        validation=(),
        test=test_items(preparation.data.rows(Split.TEST), recipe.evaluate.max_inputs),
        metrics=settled(recipe.evaluate.metrics),
        headline=preparation.headline_metric,
        settings=recipe.evaluate,
        log=AnswerLog(run),
        decoding=content_hash([renderer.max_length, renderer.max_answer_tokens, recipe.train.precision]),
        progress=progress,
    )


def _with_targets(bench: Bench, preparation: Preparation, teacher: Arm, progress: Progress) -> Preparation:
    """The rows with the answers that are to be learned.

    Raises:
        DataError: the prompted base gave no usable answer for training or for validation.
    """
    if settled(preparation.recipe.bake).targets == "rows":
        return preparation
    rows = rows_of(preparation.data, (Split.TRAIN, Split.VALIDATION))
    prompts = [_body(row).prompt for row in rows]
    asked = Remembering(teacher, bench.log, bench.decoding, preparation.recipe.evaluate.rows_per_batch)
    with progress.bar("Answers of the prompted base to the training rows", len(rows)) as advance:
        given: list[Answer] = asked.answer(prompts, advance)
    by_row = {row.id: answer for row, answer in zip(rows, given, strict=True)}
    data = with_answers(preparation.data, by_row, lambda row: _refused(preparation, row))
    dropped = data.version.changes[len(preparation.data.version.changes) :]
    if dropped:
        ((reason, number),) = Counter(change.reason for change in dropped).most_common(1)
        first = next(change for change in dropped if change.reason == reason)
        left_out = f"{count_rows(len(dropped))} left out"
        progress.say(f"{left_out}; the reason of {number:,}, such as {first.location}: {reason}.")
        _require_answers(preparation, data, reason)
    return replace(preparation, data=data)


def _require_answers(preparation: Preparation, data: PreparedData, reason: str) -> None:
    """Raises: DataError when rows were left out, mostly for this reason, so that none are left of a split."""
    lacking = next((split for split in (Split.TRAIN, Split.VALIDATION) if not data.rows(split)), None)
    if lacking is None:
        return
    num_rows = len(preparation.data.rows(lacking))
    found = f"no usable answer of the prompted base to any of the {num_rows:,} {lacking} rows. Most often, {reason}"
    fix = "Read its answers with `tunewright chat`, improve the prompt"
    if reason == RAN_INTO_LIMIT:
        limit = settled(preparation.recipe.evaluate.max_answer_tokens)
        fix = f"Raise evaluate.max_answer_tokens (here {limit}), ask for shorter answers in the prompt"
    fix += ", or train on your own: bake.targets=rows."
    raise DataError(Problem("bake.targets", found, "answers to learn from", fix))


def _refused(preparation: Preparation, row: Example) -> str | None:
    """Why the renderer does not take a row: text may be read as more tokens than it was written in."""
    try:
        preparation.renderer.render(row)
    except RenderError as error:
        return str(error)
    return None


def _distillation(model: LanguageModel, preparation: Preparation, prompt: str) -> Distillation | None:
    """The prompted base's distributions over the tokens that are trained, by the token ids of the plain sequence.

    A row whose answer becomes other tokens behind the prompt has none.
    """
    weight = settled(preparation.recipe.bake).kl_weight
    if weight == 0:
        return None
    pairs: list[tuple[TokenSequence, TokenSequence]] = []
    for row in rows_of(preparation.data, (Split.TRAIN,)):
        body = _body(row)
        messages = (*_prompted(preparation.renderer, row, prompt), *body.messages[len(body.prompt) :])
        asked = Example(body=Conversation(messages=messages), provenance=row.provenance)
        try:
            taught = preparation.renderer.render(asked)
        except RenderError:
            continue
        own = preparation.renderer.render(row)
        if len(own) == len(taught) and [_trained(one) for one in own] == [_trained(one) for one in taught]:
            pairs += zip(own, taught, strict=True)
    taught_sequences = [taught for _, taught in pairs]
    found = soft_targets(model.network, taught_sequences, preparation.renderer.pad_token_id, model.precision)
    return Distillation({own.token_ids: soft for (own, _), soft in zip(pairs, found, strict=True)}, weight)


def _prompted(renderer: Renderer, row: Example, prompt: str) -> tuple[Message, ...]:
    """The row as the teacher is asked it."""
    return with_system_prompt(_body(row).prompt, prompt, in_user_turn=not renderer.takes_system)


def _trained(sequence: TokenSequence) -> tuple[int, ...]:
    return tuple(token for token, weight in zip(sequence.token_ids, sequence.loss_weights, strict=True) if weight > 0)


def _body(row: Example) -> Conversation:
    assert isinstance(row.body, Conversation), "answers_only has refused plain text"
    return row.body
