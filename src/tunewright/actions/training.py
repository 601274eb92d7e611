"""Train and publish: the two stages that `tune` shares with the tuned arms of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tunewright.actions.answering import ARTIFACT
from tunewright.actions.preparing import Preparation
from tunewright.actions.processes import num_processes, trainable_together
from tunewright.actions.retaining import keep_by_task, keep_within_limits, open_watch
from tunewright.actions.task_metric import open_task_metric
from tunewright.contracts import Progress, SilentProgress
from tunewright.errors import DivergedError
from tunewright.model.adapter import save_tuned, trainable_parameters
from tunewright.model.language_model import LanguageModel
from tunewright.model.layout import training_path
from tunewright.records import Artifact, Lora, Split, TrainingPath, TrainingSummary, settled
from tunewright.render import TokenSequence
from tunewright.store import RunFolder
from tunewright.train.distill import Distillation
from tunewright.train.job import TrainingJob, Validation
from tunewright.train.loop import train
from tunewright.train.loss import accumulate_gradients
from tunewright.train.rehearsal import RehearsalLoss, RehearsalStream
from tunewright.train.schedule import make_plan
from tunewright.train.side_by_side import describe_division
from tunewright.train.stream import TokenStream
from tunewright.train.trainable import Accumulate

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """General rows as the base reads them."""

    sequences: Sequence[TokenSequence]
    locations: Mapping[str, str]
    fraction: float
    """Of all rows that are trained on."""
    base: "PreTrainedModel | None"
    """The base, where the trained network has no adapter to leave out."""


def train_model(
    run: RunFolder,
    preparation: Preparation,
    tuned_model: LanguageModel,
    progress: Progress,
    command_to_continue: str,
    rehearsal: Rehearsal | None = None,
    distillation: Distillation | None = None,
    *,
    by_task: bool = False,
) -> TrainingSummary:
    """Train on the preparation's rows, from the run's newest checkpoint on; the model ends with the weights to keep.

    Args:
        rehearsal: general rows to mix among them.
        distillation: distributions over answer tokens to learn besides the answers.
        by_task: keep what is best at the task, although it is beyond the limits of general ability.
    """
    is_watched = preparation.recipe.retention.enabled
    watch = open_watch(run, preparation, tuned_model, progress) if is_watched else None
    # What is kept by the task has been trained already.
    told: Progress = SilentProgress() if by_task else progress
    settings = preparation.recipe.train
    stream = TokenStream(preparation.sequences(Split.TRAIN), settled(settings.rows_per_step), settings.seed)
    paths: list[TrainingPath] = []

    def note(path: TrainingPath) -> None:
        paths.append(path)
        told.say(path.told)

    job = replace(
        _job(run, preparation, tuned_model, stream, rehearsal, command_to_continue),
        measure_retention=watch.measure if watch else None,
        accumulate=_loss(rehearsal, distillation),
        task=open_task_metric(preparation, tuned_model, progress),
        open_trainable=trainable_together(preparation.base.folder, preparation.recipe, stream.sequences, note),
    )
    if num_processes() == 1:
        note(training_path(job.network, stream.sequences))
        division = describe_division(job.network)
        if division is not None and distillation is None:
            told.say(division)
    summary = train(job, told).model_copy(update={"path": paths[-1]})
    if watch is None:
        return summary
    summary = watch.with_base(summary)
    return keep_by_task(job, summary, watch, progress) if by_task else keep_within_limits(job, summary, watch, progress)


def _job(
    run: RunFolder,
    preparation: Preparation,
    tuned_model: LanguageModel,
    stream: TokenStream,
    rehearsal: Rehearsal | None,
    command_to_continue: str,
) -> TrainingJob:
    """What the preparation alone decides: its rows, and their validation loss."""
    validation = preparation.sequences(Split.VALIDATION)

    def validate() -> Validation:
        with SilentProgress().bar("Validating", len(validation)) as advance:
            return Validation(tuned_model.mean_loss(validation, advance))

    settings = preparation.recipe.train
    plan = make_plan(settings, stream.steps_per_epoch)
    return TrainingJob(
        network=tuned_model.network,
        settings=settings,
        stream=RehearsalStream(stream, rehearsal.sequences, rehearsal.fraction, plan.num_steps)
        if rehearsal
        else stream,
        plan=plan,
        pad_token_id=preparation.renderer.pad_token_id,
        validate=validate,
        locations={
            **{row.id: str(row.provenance) for row in preparation.data.rows(Split.TRAIN)},
            **(rehearsal.locations if rehearsal else {}),
        },
        run=run,
        command_to_continue=command_to_continue,
    )


def _loss(rehearsal: Rehearsal | None, distillation: Distillation | None) -> Accumulate:
    own: Accumulate = distillation or accumulate_gradients
    return RehearsalLoss(own, rehearsal.locations.keys(), rehearsal.base) if rehearsal else own


def publish_artifact(run: RunFolder, preparation: Preparation, tuned_model: LanguageModel) -> None:
    """Save what was trained as the run's artifact, unless an earlier sitting did.

    Raises:
        DivergedError: a weight is not a number. Their validation loss was one, so this is our last line of defence.
    """
    if run.is_published(ARTIFACT):
        return
    for name, weight in trainable_parameters(tuned_model.network).items():
        if not weight.isfinite().all():
            raise DivergedError(f"{name} holds weights that are not numbers; nothing was published. Start a new run.")
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
