"""Open an arm after its study: the same ChatModel, put together from what the study keeps.

open_arm(study, "few-shot", None)    what it needs was found and checked; no weights are loaded yet
.load()                              a ChatModel with the answers that the arm gave in the study
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.actions.answering import OpenedModel, open_base_of, open_model, open_tuned
from tunewright.actions.handover import RECIPE_FILE
from tunewright.actions.kept_arms import find_arm, kept_arm, run_again
from tunewright.actions.study_arms import NAMES, base_at_the_bottom, hosted_at_the_bottom, tuned_at_the_bottom
from tunewright.contracts import Advance, PassageIndex, SilentProgress
from tunewright.data import PreparedData
from tunewright.errors import CorruptError, Problem, StoreError
from tunewright.evaluate.judge import ScoredText
from tunewright.model.language_model import LanguageModel
from tunewright.records import Answer, BaseChange, Hit, KeptArm, Message, Split, StudyRecipe, settled
from tunewright.render import Renderer
from tunewright.retrieve.lance import open_lance
from tunewright.store import RunFolder, Store
from tunewright.study.arms import Arm, FewShot, Given, Prompted, Retrieval, ZeroShot
from tunewright.study.citing import scored_text_of
from tunewright.study.similar_examples import ExamplePool


@dataclass(frozen=True, slots=True)
class OpenedArm:
    """An arm of a study, all of whose parts are there; `load` makes the ChatModel."""

    kept: KeptArm
    study: RunFolder
    store: Store
    """The home that holds the study and the rows it was made with."""
    recipe: StudyRecipe
    """As the study was carried out, but for the room for an answer if another was asked for."""
    weights: OpenedModel | None
    """None for a hosted model."""
    trained: RunFolder | None
    """The run that made the weights; None for the base and for a hosted model."""
    pool: ExamplePool | None
    index: PassageIndex | None

    @property
    def name(self) -> str:
        """As in the report."""
        return NAMES[self.kept.kind]

    @property
    def full_name(self) -> str:
        """What opens it."""
        return f"{self.study.record.id}/{self.kept.slug}"

    @property
    def dataset_id(self) -> str | None:
        """The rows that had a part in it: as examples, in a prompt or in the weights; None for the bare base."""
        return None if self.kept.kind == "zero_shot" else self.study.record.dataset_id

    @property
    def system_prompt(self) -> str | None:
        """`data.system_prompt` of its study: it stood before each row that had none."""
        return self.recipe.data.system_prompt

    @property
    def forced(self) -> tuple[BaseChange, ...]:
        """Nothing: an arm is opened as it was in its study, or not at all."""
        return ()

    @property
    def hosted_at(self) -> str | None:
        """The model and the address that all messages are sent to; None for what runs here."""
        endpoint = self.recipe.endpoint
        return f"{endpoint.model} at {endpoint.url}" if self.kept.kind == "endpoint" and endpoint else None

    @property
    def gives_the_row_alone(self) -> bool:
        """Whether its probabilities can be measured: nothing stands before the row, and the weights are here."""
        return self.kept.kind in ("zero_shot", "tuned")

    @property
    def scored_text(self) -> ScoredText:
        """What of an answer is compared, as in the study."""
        return scored_text_of(self.kept.num_passages)

    def tokens(self) -> OpenedModel:
        """By whose tokens rows are counted: its own or, for a hosted model, those of the study's base."""
        return self.weights or _study_base(self.study, self.recipe)

    def given(self, messages: Sequence[Message], renderer: Renderer) -> Given:
        """What its model is asked when this arm is asked one conversation. No weights are loaded for it.

        Args:
            renderer: of `tokens`, with the limits under which examples and passages give way.
        """
        return self._stacked(ZeroShot(_NeverAsked(), "", renderer.fits, renderer.takes_system)).given(messages)

    def load(self, rows_per_batch: int | None = None) -> "LoadedArm":
        """Load the weights.

        Args:
            rows_per_batch: rows answered at once; default: as in the study.
        Raises:
            CorruptError: the parts do not give the arm that was measured.
            RecipeError: the key of a hosted model is not there.
        """
        bottom = self._bottom(rows_per_batch or self.recipe.evaluate.rows_per_batch)
        arm = self._stacked(bottom)
        if arm.identity != self.kept.identity:
            where = f"{self.study.path}: arm-{self.kept.slug}.json"
            found, expected = f"parts that give the arm {arm.identity[:12]}", f"{self.kept.identity[:12]}, as measured"
            fix = f"It was edited. Put back what it was, or {run_again(self.study)}"
            raise CorruptError(str(Problem(where, found, expected, fix)))
        return LoadedArm(arm, bottom)

    def _bottom(self, rows_per_batch: int) -> ZeroShot:
        if self.weights is None:
            return hosted_at_the_bottom(self.recipe)
        model = self.weights.load(settled(self.recipe.train.precision), rows_per_batch).for_answering()
        return (
            tuned_at_the_bottom(model, self.trained)
            if self.trained
            else base_at_the_bottom(model, self.weights.base.ref)
        )

    def _stacked(self, bottom: ZeroShot) -> Arm:
        arm: Arm = bottom
        if self.kept.system_prompt is not None:
            arm = Prompted(arm, self.kept.system_prompt, in_user_turn=not bottom.takes_system)
        if self.pool is not None:
            arm = FewShot(arm, self.pool, settled(self.kept.num_examples))
        if self.index is not None:
            arm = Retrieval(arm, self.index, settled(self.kept.num_passages))
        return arm


class _NeverAsked:
    """Stands where the model would, for looking at what it would be given."""

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """As contracts.ChatModel."""
        raise AssertionError("nothing is asked")


@dataclass(slots=True)
class LoadedArm:
    """An arm that answers: rows as in its study, and conversations.

    In a conversation the arm's system prompt comes first and earlier turns are kept. Examples are chosen and passages
    searched by the newest question alone. Before one of them would give way, the oldest turns do, so that every
    question is answered under the prompt that was measured. A hosted model does not say how much it takes: there
    nothing gives way, and what is too long comes back as a failed answer.
    """

    arm: Arm
    bottom: ZeroShot
    hits: tuple[Hit, ...] = ()
    """Passages that the newest question of a conversation was answered with: [1] is the first."""

    @property
    def language_model(self) -> LanguageModel | None:
        """The model here whose answers these are; None for a hosted one."""
        return self.bottom.model if isinstance(self.bottom.model, LanguageModel) else None

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        """Answer each prompt, in order, as in the study; see contracts.ChatModel."""
        return self.arm.answer(prompts, advance)

    def fits(self, messages: Sequence[Message]) -> bool:
        """Whether the model takes a conversation whole, with all that the arm would show for its last message alone."""
        given = self._talking.given(messages)
        alone = self._talking.given([message for message in messages if message.role == "system"] + [messages[-1]])
        return given.shows_as_much_as(alone) and self.bottom.fits(given.messages)

    def left_out(self, messages: Sequence[Message]) -> str:
        """The text that is cut out of what the model is given, so that it fits; see LanguageModel."""
        return self.language_model.left_out(self._talking.given(messages).messages) if self.language_model else ""

    def stream(self, messages: Sequence[Message], on_text: Callable[[str], None]) -> Answer:
        """Answer the last message of a conversation; a model here hands over text as it is written.

        Raises:
            RenderError: the messages cannot become tokens.
        """
        given = self._talking.given(messages)
        self.hits = given.hits
        if self.language_model:
            return self.language_model.stream(given.messages, on_text)
        with SilentProgress().bar("", 1) as advance:
            (answer,) = self.bottom.answer([given.messages], advance)
        if answer.text:
            on_text(answer.text)
        return answer

    @property
    def _talking(self) -> Arm:
        return replace(self.arm, newest_only=True) if isinstance(self.arm, FewShot) else self.arm


def open_model_or_arm(
    name: str, home: Path | None, max_answer_tokens: int | None = None, *, force: bool = False
) -> OpenedModel | OpenedArm:
    """Whatever can be chatted with or evaluated, by name; no weights are loaded.

    Args:
        name: an arm of a study, as in `STUDY/few-shot` or `last/few-shot`; else as for `open_model`.
        force: as for `open_model`.
    Raises:
        StoreError: force, for an arm, which is opened as it was in its study or not at all.
    """
    found = find_arm(name, Store(home))
    if found and force:
        fix = "An arm answers as it did in its study, or not at all. Leave --force out."
        raise StoreError(str(Problem("--force", f"{name}, an arm of a study", "a run that trained a model", fix)))
    return (
        open_arm(*found, home, max_answer_tokens) if found else open_model(name, home, max_answer_tokens, force=force)
    )


def open_arm(study: RunFolder, name: str, home: Path | None = None, max_answer_tokens: int | None = None) -> OpenedArm:
    """Find and check what an arm of a study is made of.

    Documents and training rows are those of the study, whatever the user's files say now.

    Args:
        study: its folder, wherever it was moved to.
        name: `zero-shot`, `prompted`, `few-shot`, `retrieval`, `tuned`, `tuned-retrieval` or `endpoint`.
        home: holds the training rows of a study that was taken out of its home.
        max_answer_tokens: room for an answer; default: as in the study.
    Raises:
        StoreError: the study has not kept this arm, or its training rows, documents or weights are gone.
        CorruptError: they are not what they were.
        BaseMismatchError: the base or its renderer is no longer what the study was made with.
    """
    kept = kept_arm(study, name)
    recipe = study.read_record(RECIPE_FILE, StudyRecipe)
    if max_answer_tokens:
        evaluate = recipe.evaluate.model_copy(update={"max_answer_tokens": max_answer_tokens})
        recipe = recipe.model_copy(update={"evaluate": evaluate})
    store = Store(study.home or home)
    trained, weights = _weights(study, kept, recipe, store, max_answer_tokens)
    return OpenedArm(
        kept=kept,
        study=study,
        store=store,
        recipe=recipe,
        weights=weights,
        trained=trained,
        pool=_pool(study, kept, store) if kept.num_examples else None,
        index=_index(study, kept, store) if kept.index else None,
    )


def _weights(
    study: RunFolder, kept: KeptArm, recipe: StudyRecipe, store: Store, max_answer_tokens: int | None
) -> tuple[RunFolder | None, OpenedModel | None]:
    if kept.kind == "endpoint":
        return None, None
    if kept.weights is None:
        return None, _study_base(study, recipe)
    place = study.path / kept.weights
    with _expected(study, kept, "trained weights", place):
        trained = store.run(str(place))
        return trained, open_tuned(trained, max_answer_tokens)


def _study_base(study: RunFolder, recipe: StudyRecipe) -> OpenedModel:
    return open_base_of(study, settled(recipe.train.max_length), settled(recipe.evaluate.max_answer_tokens))


def _pool(study: RunFolder, kept: KeptArm, store: Store) -> ExamplePool:
    dataset_id = study.record.dataset_id
    with _expected(study, kept, "training rows", store.dataset_folder(dataset_id)):
        version, examples = store.get_dataset(dataset_id)
    return ExamplePool(PreparedData(version, examples).rows(Split.TRAIN))


def _index(study: RunFolder, kept: KeptArm, store: Store) -> PassageIndex:
    place = study.path / settled(kept.index)
    with _expected(study, kept, "documents", place):
        return open_lance(place, store.files)


@contextmanager
def _expected(study: RunFolder, kept: KeptArm, what: str, place: Path) -> Iterator[None]:
    """Say of what an arm was made where that is no longer so."""
    try:
        yield
    except StoreError as error:
        is_there = place.is_dir()
        detail = str(error).partition(". ")[0]
        found = f"{what} that are not what they were ({detail})" if is_there else f"no {what}: there is no {place}"
        fix = f"Put that folder back as it was, or {run_again(study)}"
        problem = Problem(f"{study.record.id}/{kept.slug}", found, f"the {what} of the study", fix)
        raise (CorruptError if is_there else StoreError)(str(problem)) from None
