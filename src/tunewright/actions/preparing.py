"""From a recipe to everything that training needs, checked row by row before anything is computed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import groupby, islice
from pathlib import Path

from tunewright.actions.announcing import announce_sources, count_rows
from tunewright.actions.stored import is_version, open_version
from tunewright.contracts import Progress
from tunewright.data import PreparedData, drop_rows, prepare, require_one_answer
from tunewright.errors import MAX_LISTED_PROBLEMS, DataError, Problem, RecipeError, RenderError
from tunewright.evaluate import choose_metrics, test_items
from tunewright.evaluate.house import HouseRules, read_house_rules
from tunewright.evaluate.retention import make_suite
from tunewright.evaluate.task import LOSS_METRICS
from tunewright.model.libraries import import_libraries
from tunewright.model.load import context_length, max_positions, num_parameters
from tunewright.outside.hub import FoundBase, find_base, load_hub_dataset
from tunewright.outside.lm_eval import require_lm_eval
from tunewright.records import (
    Change,
    CheckResult,
    Conversation,
    Derived,
    EvaluateRecipe,
    Example,
    RetentionRecipe,
    Split,
    TuneRecipe,
    settled,
)
from tunewright.render import Renderer, TokenSequence, load_renderer
from tunewright.study.retained import fallbacks_that_train, may_scale
from tunewright.train.defaults import TrainingFacts, derive, derive_limits, has_gpu, precision_here
from tunewright.train.keep_by import AnsweringFacts, derive_keep_by

NUM_SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Preparation:
    """A base, its renderer fitted to the data, and rows that all passed the renderer's checks."""

    recipe: TuneRecipe
    """Resolved: nothing is left to derive."""
    derived: tuple[Derived, ...]
    base: FoundBase
    renderer: Renderer
    data: PreparedData
    headline_metric: str
    house: HouseRules | None = None
    """Terms and style by which answers are scored, too."""

    def sequences(self, split: Split) -> tuple[TokenSequence, ...]:
        """Token sequences of a split, in its order."""
        return tuple(part for example in self.data.rows(split) for part in self.renderer.render(example))

    def samples(self) -> tuple[str, ...]:
        """The first rows as the model sees them, control tokens included."""
        sequences = list(islice(self._first_sequences(), NUM_SAMPLES))
        return tuple("".join(piece.text for piece in self.renderer.show(sequence)) for sequence in sequences)

    def _first_sequences(self) -> Iterator[TokenSequence]:
        for row in self.data.rows(Split.TRAIN) or self.data.rows(Split.TEST):
            # `evaluate` keeps rows that cannot be rendered: they are unscored, and no samples.
            with suppress(RenderError):
                yield from self.renderer.render(row)


def prepare_tuning(recipe: TuneRecipe, progress: Progress, home: Path | None = None) -> Preparation:
    """Read, split, render and check all rows, and derive what the recipe leaves open. Loads no weights.

    Args:
        home: where stored versions of data sets are looked up.
    Raises:
        DataError, RecipeError, RenderError, ModelError: with every bad row named; nothing was written.
    """
    if recipe.retention.enabled:
        make_suite(recipe.retention)  # so that a bad file of retention.files is found before anything is written
    if recipe.retention.tasks:
        require_lm_eval()
    recipe = recipe.model_copy(update={"retention": _found_from_anywhere(recipe.retention)})
    house = read_house(recipe.evaluate)
    import_libraries()
    base = find_base(recipe.base)
    _require_length_of_base(recipe, base)
    renderer = load_renderer(base.folder)
    recipe, data = _rows(recipe, progress, home)
    require_one_answer(data.examples.values())
    for note in renderer.notes:
        progress.say(note)

    data, lengths = _measure(recipe, renderer, data)
    answer_tokens = [lengths[id_][1] for id_, row in data.examples.items() if isinstance(row.body, Conversation)]
    recipe, limits = derive_limits(recipe, context_length(base.folder), answer_tokens)
    renderer = renderer.fitted(settled(recipe.train.max_length), settled(recipe.evaluate.max_answer_tokens))
    data, num_sequences = _check_rendering(recipe, renderer, data, progress)
    train_rows = data.rows(Split.TRAIN)
    facts = TrainingFacts(
        num_train_rows=len(train_rows),
        num_train_sequences=sum(num_sequences[row.id] for row in train_rows),
        num_parameters=num_parameters(base.folder),
        vocabulary_size=renderer.vocabulary_size,
        precision=precision_here(),
    )
    recipe, derived = derive(recipe, facts)
    _require_weights_to_choose_from(recipe)
    recipe, chosen, headline = _with_metrics(recipe, data, lengths, facts.num_train_sequences)
    require_answers_for(house, settled(recipe.evaluate.metrics))
    return Preparation(
        recipe=recipe,
        derived=derived + limits + chosen,
        base=base,
        renderer=renderer,
        data=data,
        headline_metric=headline,
        house=house,
    )


def _found_from_anywhere(retention: RetentionRecipe) -> RetentionRecipe:
    """The settings with full paths, so that a run finds its files again when it is resumed from another folder."""
    # Links are not followed: a part has the name that its file was given by.
    folder = retention.task_folder and str(Path(retention.task_folder).absolute())
    files = tuple(str(Path(path).absolute()) for path in retention.files)
    return retention.model_copy(update={"files": files, "task_folder": folder})


def _require_weights_to_choose_from(recipe: TuneRecipe) -> None:
    retention = recipe.retention
    has_choice = may_scale(recipe) or fallbacks_that_train(recipe)
    if retention.enabled and retention.max_task_loss_increase and not has_choice:
        found = f"{retention.max_task_loss_increase:g} where one training at full strength is all there is"
        expected = "a strength or another training to choose"
        fix = "Remove it, or add to retention.fallbacks: `strength` with method.kind=lora, or `rehearsal` "
        fix += "with retention.rehearsal=fallback."
        raise RecipeError(Problem("retention.max_task_loss_increase", found, expected, fix))


def _with_metrics(
    recipe: TuneRecipe, data: PreparedData, lengths: Mapping[str, tuple[int, int]], num_train_sequences: int
) -> tuple[TuneRecipe, tuple[Derived, ...], str]:
    """The recipe with its metrics and with what says how good a checkpoint is; what was derived; the leading metric."""
    metrics, headline, reason = choose_metrics(_answers(data.rows(Split.TRAIN)), recipe.evaluate.metrics)
    training, derived = derive_keep_by(recipe.train, _answering_facts(headline, data, lengths, num_train_sequences))
    if recipe.evaluate.metrics is None:
        derived += (Derived(setting="evaluate.metrics", value=metrics, reason=reason),)
    evaluation = recipe.evaluate.model_copy(update={"metrics": metrics})
    return recipe.model_copy(update={"evaluate": evaluation, "train": training}), derived, headline


def _answering_facts(
    headline: str, data: PreparedData, lengths: Mapping[str, tuple[int, int]], num_train_sequences: int
) -> AnsweringFacts:
    return AnsweringFacts(
        headline=headline,
        is_loss=headline in LOSS_METRICS,
        num_train_sequences=num_train_sequences,
        train_tokens=[sum(lengths[row.id]) for row in data.rows(Split.TRAIN)],
        validation_tokens=[
            lengths[item.example.id] for item in test_items(data.rows(Split.VALIDATION), None) if item.prompt
        ],
        is_on_gpu=has_gpu(),
    )


def read_house(recipe: EvaluateRecipe) -> HouseRules | None:
    """The rules of `evaluate.house`; None where there is none.

    Raises:
        RecipeError: the file cannot be read, or holds no rules; see `read_house_rules`.
    """
    return None if recipe.house is None else read_house_rules(Path(recipe.house))


def require_answers_for(house: HouseRules | None, metrics: Sequence[str]) -> None:
    """Raises: RecipeError when answers are to be scored by rules of the house, and no metric asks for answers."""
    if house is not None and set(metrics) <= set(LOSS_METRICS):
        found, expected = "only loss and perplexity", "a metric of what is written"
        fix = "Leave the house file out, or add such a metric to evaluate.metrics; plain text has no answers to score."
        raise RecipeError(Problem("evaluate.house", found, expected, fix))


def _rows(recipe: TuneRecipe, progress: Progress, home: Path | None) -> tuple[TuneRecipe, PreparedData]:
    if is_version(recipe.data):
        rows, data = open_version(recipe.data, home, progress)
        return recipe.model_copy(update={"data": rows}), data
    return recipe, prepare(recipe.data, load_hub_dataset, progress)


def announce(preparation: Preparation, progress: Progress) -> None:
    """Tell what was read, how three rows look to the model, and every derived setting with its reason."""
    version = preparation.data.version
    announce_sources(version.sources, progress)
    _announce_findings(preparation.data.results, progress)
    for note in preparation.data.notes:
        progress.say(note)
    for action, changes in groupby(sorted(version.changes, key=_action_of), key=_action_of):
        named = list(changes)
        progress.say(f"{count_rows(len(named))} {action}, such as {named[0].location}: {named[0].reason}.")
    progress.say("Split: " + ", ".join(f"{version.num_rows(split):,} {split}" for split in Split) + " rows.")
    for number, sample in enumerate(preparation.samples(), start=1):
        progress.say(f"Row {number} as the model sees it: {sample}")
    for derived in preparation.derived:
        value = ", ".join(derived.value) if isinstance(derived.value, tuple) else derived.value
        progress.say(f"{derived.setting} = {value}  ({derived.reason})")


def _announce_findings(results: Sequence[CheckResult], progress: Progress) -> None:
    for result in results:
        if result.findings:
            first = result.findings[0]
            progress.say(
                f"{result.title}: {count_rows(result.num_rows)}; {result.action}. Such as {first.locations[0]}: "
                f"{first.explanation}"
            )
    lacking = [result.title for result in results if result.lacks_extra]
    if lacking:
        progress.say(f"Not checked: {', '.join(lacking)}. Install what that takes: pip install 'tunewright[data]'")


def _require_length_of_base(recipe: TuneRecipe, base: FoundBase) -> None:
    length, limit = recipe.train.max_length, max_positions(base.folder)
    if length is not None and limit is not None and length > limit:
        raise RecipeError(
            Problem(
                "train.max_length",
                str(length),
                f"at most {limit}, the longest text that {base.ref.name} was made for",
                "Lower it, or leave it out.",
            )
        )


def _action_of(change: Change) -> str:
    return change.action


def _answers(examples: Sequence[Example]) -> list[str]:
    return [example.body.answer for example in examples if isinstance(example.body, Conversation)]


def _measure(
    recipe: TuneRecipe, renderer: Renderer, data: PreparedData
) -> tuple[PreparedData, dict[str, tuple[int, int]]]:
    lengths: dict[str, tuple[int, int]] = {}
    problems: dict[str, RenderError] = {}
    for example in data.examples.values():
        try:
            lengths[example.id] = renderer.measure(example)
        except RenderError as error:
            problems[example.id] = error
    return _without_unusable(recipe, data, problems), lengths


def _check_rendering(
    recipe: TuneRecipe, renderer: Renderer, data: PreparedData, progress: Progress
) -> tuple[PreparedData, dict[str, int]]:
    """Render every row once: the renderer checks its law and its limits. Returns also how many sequences each gave."""
    num_cut = 0
    num_sequences: dict[str, int] = {}
    problems: dict[str, RenderError] = {}
    for example in data.examples.values():
        try:
            sequences = renderer.render(example)
        except RenderError as error:
            problems[example.id] = error
            continue
        num_sequences[example.id] = len(sequences)
        num_cut += any(sequence.cut for sequence in sequences)
    data = _without_unusable(recipe, data, problems)
    if num_cut:
        progress.say(
            f"{'1 prompt is' if num_cut == 1 else f'{num_cut:,} prompts are'} longer than the "
            f"{renderer.max_length - renderer.max_answer_tokens:,} tokens that train.max_length and "
            "evaluate.max_answer_tokens leave; the middle is cut, in training and in use alike."
        )
    return data, num_sequences


def _without_unusable(recipe: TuneRecipe, data: PreparedData, problems: Mapping[str, RenderError]) -> PreparedData:
    if not problems:
        return data
    if recipe.data.unusable_rows == "drop":
        return drop_rows(data, {example_id: str(error) for example_id, error in problems.items()})
    listed = [problem for error in problems.values() for problem in error.problems]
    # The last word of every listed row would be the same; it is said once, on the last one shown.
    advice = "To go on without such rows, add --set data.unusable_rows=drop."
    last = min(len(listed), MAX_LISTED_PROBLEMS) - 1
    listed[last] = replace(listed[last], fix=f"{listed[last].fix} {advice}")
    raise DataError(listed)


def refuse_loss_metrics(recipe: EvaluateRecipe, why: str) -> None:
    """Refuse metrics that do not look at answers.

    Args:
        why: there are none, as the start of the advice.
    Raises:
        RecipeError: one is chosen.
    """
    chosen = [name for name in recipe.metrics or () if name in LOSS_METRICS]
    expected = "metrics of what is written"
    if chosen:
        raise RecipeError([Problem("evaluate.metrics", repr(name), expected, f"Remove it: {why}.") for name in chosen])


def answers_only(preparation: Preparation) -> Preparation:
    """The preparation without metrics of probabilities.

    Raises:
        RecipeError: the rows are plain text, which nobody can be asked.
    """
    if preparation.headline_metric in LOSS_METRICS:
        found, expected = "rows of plain text", "rows with an input and an answer"
        raise RecipeError(Problem("data", found, expected, "Use `tunewright tune`, which measures the loss of texts."))
    recipe = preparation.recipe
    metrics = tuple(name for name in settled(recipe.evaluate.metrics) if name not in LOSS_METRICS)
    derived = tuple(
        Derived(setting=each.setting, value=metrics, reason=each.reason) if each.setting == "evaluate.metrics" else each
        for each in preparation.derived
    )
    evaluation = recipe.evaluate.model_copy(update={"metrics": metrics})
    return replace(preparation, recipe=recipe.model_copy(update={"evaluate": evaluation}), derived=derived)
