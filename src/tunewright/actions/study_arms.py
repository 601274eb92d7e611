"""The arms of a study, each set up, measured and described: those that only ask, and those that train first."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tunewright.actions.answering import ARTIFACT, open_tuned, say_slow_answers
from tunewright.actions.base_ability import share_base
from tunewright.actions.endpoint_key import endpoint_key
from tunewright.actions.fallbacks import language_model, train_keeping_ability, with_trainable
from tunewright.actions.outcome import recorded_outcome
from tunewright.actions.preparing import Preparation
from tunewright.actions.training import publish_artifact
from tunewright.contracts import PassageIndex, Progress
from tunewright.evaluate import ArmScores
from tunewright.model.language_model import LanguageModel
from tunewright.outside.chat_endpoint import ChatEndpoint
from tunewright.records import (
    ArmKind,
    BaseModelRef,
    RunStatus,
    Split,
    StudyArm,
    StudyRecipe,
    TrainingSummary,
    content_hash,
    settled,
)
from tunewright.store import RunFolder
from tunewright.study.arms import ZeroShot
from tunewright.study.bench import Bench, Chosen
from tunewright.study.instructions import Instruction
from tunewright.study.options import Option, few_shot_options, prompt_options, retrieval_options
from tunewright.study.similar_examples import ExamplePool

TRAINING_FILE = "training.json"
NO_PROMPT = "no system prompt"

NAMES: dict[ArmKind, str] = {
    "zero_shot": "zero-shot",
    "prompted": "prompted",
    "few_shot": "few-shot",
    "retrieval": "retrieval",
    "tuned": "tuned",
    "tuned_retrieval": "tuned + retrieval",
    "endpoint": "endpoint",
}
EXPLANATIONS: dict[ArmKind, str] = {
    "zero_shot": "The base with the row alone.",
    "prompted": "The base with a system prompt before the row.",
    "few_shot": "The base with similar training rows as examples before the row.",
    "retrieval": "The base with passages of the documents that were found for the row.",
    "tuned": "The base after training on the training rows, with the row alone.",
    "tuned_retrieval": "The base after training on rows with passages, right and wrong ones, asked with passages.",
    "endpoint": "A hosted model with the prompt or the examples that did best on validation rows.",
}


@dataclass(frozen=True, slots=True)
class StudiedArm:
    """An arm that has answered the test rows."""

    described: StudyArm
    scores: ArmScores
    option: Option


@dataclass(frozen=True, slots=True)
class Workshop:
    """What arms are made of besides a model, and where they are measured.

    Args:
        bench: equal conditions for all arms.
        recipe: which numbers of examples and passages are tried.
        instructions: system prompts to try.
        pool: training rows to show as examples.
        keep: saves an arm that has answered the test rows, so that it can be opened afterwards.
    """

    bench: Bench
    recipe: StudyRecipe
    instructions: tuple[Instruction, ...]
    pool: ExamplePool
    keep: Callable[[ArmKind, Option], None]

    def asking_arms(self, model: ZeroShot, documents: "Documents | None") -> list[StudiedArm]:
        """Zero-shot, prompted, few-shot and, with documents, retrieval.

        Examples and passages follow the best prompt where it beats none on validation rows.
        """
        plain = Option(NO_PROMPT, model)
        tried = prompt_options(plain, self.instructions, in_user_turn=not model.takes_system)
        prompts = self.bench.choose("prompted", tried)
        ground = self.bench.choose("prompted", (plain, prompts.option)).option
        arms = [
            self._measured("zero_shot", Chosen(plain, (), 0.0)),
            self._measured("prompted", prompts),
        ]
        if examples := few_shot_options(ground, self.pool, self.recipe.few_shot.k):
            chosen = self.bench.choose("few-shot", examples)
            arms.append(self._measured("few_shot", chosen, prompts.seconds, num_examples=len(self.pool)))
        if documents:
            passages = retrieval_options(ground, documents.index, self.recipe.retrieval.k)
            chosen = self.bench.choose("retrieval", passages)
            arms.append(self._measured("retrieval", chosen, prompts.seconds + documents.seconds))
        return arms

    def hosted_arm(self, model: ZeroShot) -> StudiedArm:
        """The endpoint with whatever does best on validation rows: a prompt, or a prompt and examples."""
        prompts = prompt_options(Option(NO_PROMPT, model), self.instructions)
        best = self.bench.choose("endpoint", prompts).option
        # The prompts' answers are there already, so that only the examples are asked.
        examples = few_shot_options(best, self.pool, self.recipe.few_shot.k)
        chosen = self.bench.choose("endpoint", (*prompts, *examples))
        return self._measured("endpoint", chosen, num_examples=len(self.pool))

    def tuned_arm(self, trained: "Trained", preparation: Preparation) -> StudiedArm:
        """A model that was trained for this study, with the row alone."""
        option = Option("as trained", trained.model)
        return self._trained_arm("tuned", option, trained, preparation, 0.0)

    def tuned_retrieval_arm(
        self, trained: "Trained", preparation: Preparation, documents: "Documents", num_passages: int
    ) -> StudiedArm:
        """A model that was trained on rows with passages, with passages."""
        plain = Option("as trained", trained.model)
        (option,) = retrieval_options(plain, documents.index, (num_passages,))
        return self._trained_arm("tuned_retrieval", option, trained, preparation, documents.seconds)

    def _trained_arm(
        self, kind: ArmKind, option: Option, trained: "Trained", preparation: Preparation, other_seconds: float
    ) -> StudiedArm:
        data = preparation.data.version
        num_rows = data.num_rows(Split.TRAIN) + data.num_rows(Split.VALIDATION)
        seconds = trained.summary.all_seconds + other_seconds
        studied = self._measured(kind, Chosen(option, (), 0.0), seconds, num_rows)
        described = studied.described.model_copy(update={"training": trained.summary, "run": trained.run_id})
        return replace(studied, described=described)

    def _measured(self, kind: ArmKind, chosen: Chosen, other_seconds: float = 0.0, num_examples: int = 0) -> StudiedArm:
        """Ask the test rows.

        Args:
            other_seconds: set-up besides trying the options.
            num_examples: labelled rows that the arm may show.
        """
        option, name = chosen.option, NAMES[kind]
        measured = self.bench.measure(name, option)
        self.keep(kind, option)
        # Examples and prompts are made from the same training rows.
        num_rows = max(num_examples, option.num_prompt_rows) + (len(self.bench.validation) if chosen.candidates else 0)
        described = StudyArm(
            name=name,
            identity=option.arm.identity,
            explanation=EXPLANATIONS[kind],
            facts=measured.facts(kind, chosen.seconds + other_seconds, num_rows),
            system_prompt=option.system_prompt,
            num_examples=option.num_examples,
            num_passages=option.num_passages,
            candidates=chosen.candidates,
            num_failed=sum(answer.finish == "failed" for answer in measured.scores.answers.values()),
        )
        return StudiedArm(described, measured.scores, option)


@dataclass(frozen=True, slots=True)
class Documents:
    """What the retrieval arms read, and how long it took to make it searchable."""

    index: PassageIndex
    seconds: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A model that was trained inside a study."""

    run_id: str
    model: ZeroShot
    summary: TrainingSummary


def base_model(preparation: Preparation, progress: Progress) -> ZeroShot:
    """The base, loaded and ready to answer under the study's limits."""
    model = language_model(preparation).for_answering()
    say_slow_answers(model, progress)
    if not preparation.renderer.takes_system:
        progress.say("The base's chat template writes no system messages: prompts stand in the user's first message.")
    return base_at_the_bottom(model, preparation.base.ref)


def base_at_the_bottom(model: LanguageModel, base: BaseModelRef) -> ZeroShot:
    """A loaded base, as the bottom of arms."""
    identity = content_hash([base.sha256, model.renderer.hash])
    return ZeroShot(model, identity, model.fits, model.renderer.takes_system)


def tuned_at_the_bottom(model: LanguageModel, run: RunFolder) -> ZeroShot:
    """What a run has trained, loaded, as the bottom of arms."""
    return ZeroShot(model, run.published_hash(ARTIFACT), model.fits)


def hosted_at_the_bottom(recipe: StudyRecipe) -> ZeroShot:
    """The study's endpoint, as the bottom of arms.

    Raises:
        RecipeError: the address cannot be an endpoint, or the key is not there.
    """
    endpoint = settled(recipe.endpoint)
    room = settled(recipe.evaluate.max_answer_tokens)
    model = ChatEndpoint(endpoint.url, endpoint.model, endpoint_key(endpoint.key_variable), max_answer_tokens=room)
    # How much fits is known only there; what does not fit comes back as a failed answer.
    return ZeroShot(model, content_hash([endpoint.url, endpoint.model]), lambda _: True)


def train_inside(
    run: RunFolder, name: str, preparation: Preparation, progress: Progress, command_to_continue: str
) -> Trained:
    """Train in a run of its own inside the study's, from its newest checkpoint on; once trained, it is only opened.

    What answers is always what was saved, never what was left in memory, so that a resumed study asks the same model.
    """
    nested = run.nested(name, preparation.data.version.id)
    if nested.record.status is not RunStatus.SUCCEEDED:
        with nested.lock(), recorded_outcome(nested, command_to_continue):
            nested.update(RunStatus.RUNNING)
            share_base(run, nested)
            model = with_trainable(language_model(preparation), preparation.recipe)
            model, summary = train_keeping_ability(nested, preparation, model, progress, command_to_continue)
            publish_artifact(nested, preparation, model)
            share_base(nested, run)
            nested.write_json(TRAINING_FILE, summary.model_dump(mode="json"))
            nested.update(RunStatus.SUCCEEDED, outputs=(ARTIFACT, TRAINING_FILE))
    recipe = preparation.recipe
    tuned = open_tuned(nested).load(settled(recipe.train.precision), recipe.evaluate.rows_per_batch).for_answering()
    summary = nested.read_record(TRAINING_FILE, TrainingSummary)
    return Trained(nested.record.id, tuned_at_the_bottom(tuned, nested), summary)
