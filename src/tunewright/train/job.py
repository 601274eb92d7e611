"""What one training run is given; the loop owns nothing but the order of events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.records import Estimate, Metric, RetentionResult, TrainRecipe
from tunewright.store import RunFolder
from tunewright.train.loss import accumulate_gradients
from tunewright.train.schedule import Plan
from tunewright.train.stream import StepRows
from tunewright.train.trainable import Accumulate, Trainable

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Validation:
    """One look at rows that are not trained on."""

    loss: float
    """Nats per trained token."""
    parts: Mapping[str, float] | None = None
    """The same for each kind of rows, where they are of several kinds."""


@dataclass(frozen=True, slots=True)
class TaskMetric:
    """The metric by which the task is judged in the end, of answers to rows that are not trained on."""

    metric: Metric
    """Of which more is better."""
    measure: Callable[[], Estimate | None]
    """Of the network as it stands; None where it could not be measured. Draws no random number."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What one training run needs."""

    network: "PreTrainedModel"
    settings: TrainRecipe
    """Resolved: every derived setting is filled in."""
    stream: StepRows
    """Which rows each step sees."""
    plan: Plan
    pad_token_id: int
    validate: Callable[[], Validation]
    """Measures the network as it stands on the validation rows."""
    locations: Mapping[str, str]
    """Example id to `file:row`, to name the rows of a batch that diverged."""
    run: RunFolder
    command_to_continue: str
    """What the user types to go on after a stop."""
    measure_retention: Callable[[], RetentionResult] | None = None
    """Measures what is left of the base's general ability in the network as it stands. Checkpoints that have lost too
    much are not kept."""
    steps_are_alike: bool = True
    """Whether the rows of all steps are drawn alike. Only then a training loss that rises says that training went
    wrong, and not that the rows got harder."""
    accumulate: Accumulate = accumulate_gradients
    """Adds the gradient of a step; as accumulate_gradients."""
    task: TaskMetric | None = None
    """Decides, with retention, which checkpoint is kept. Without it the validation loss does."""
    open_trainable: "Callable[[TrainingJob], Trainable] | None" = None
    """Makes what moves the weights; without it this process does, alone."""
