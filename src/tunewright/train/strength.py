"""A lower strength of a trained adapter: what is gained on the task against what is forgotten, without training again.

The update of LoRA is alpha / rank x B A. Multiplying B by the strength multiplies the whole update, so the saved files
stay PEFT's own and need no further setting.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from tunewright.model.adapter import adapter_outputs
from tunewright.records import RetentionResult, StrengthTrial
from tunewright.train.checkpoint import Checkpoints
from tunewright.train.job import TrainingJob
from tunewright.train.loop import train_alone

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Parameter

STRENGTHS = tuple(tenth / 10 for tenth in range(9, 0, -1))


class Strength(NamedTuple):
    """What the search found."""

    value: float
    """Of the adapter as it now stands in the network; 0 when no strength kept within the limits."""
    trials: tuple[StrengthTrial, ...]
    """Of every strength, strongest first."""

    @property
    def kept(self) -> StrengthTrial | None:
        """The trial whose strength the network now has; None for the base."""
        return next((trial for trial in self.trials if trial.strength == self.value), None)

    def measured(self, result: RetentionResult) -> "Strength":
        """The same with what the suite gave at the strength that is kept."""
        with_result = {"retention": result}
        trials = tuple(
            trial.model_copy(update=with_result) if trial.strength == self.value else trial for trial in self.trials
        )
        return Strength(self.value, trials)


def find_strength(job: TrainingJob, step: int, base_loss: float) -> Strength:
    """Leave the adapter of a checkpoint in the network at the best strength that keeps general ability.

    The best is the one with the lowest validation loss. Retention is measured from the lowest loss on, until one keeps
    within the limits, because it takes longer than the validation rows.

    Args:
        job: as it was trained; it has a LoRA adapter and measures retention.
        step: of the checkpoint whose adapter is scaled.
        base_loss: validation loss of the base; a strength that is no better is not worth having.
    """
    assert job.measure_retention is not None
    outputs = adapter_outputs(job.network)
    Checkpoints(job.run, train_alone(job)).load_weights_of(step)
    trained = {name: parameter.detach().clone() for name, parameter in outputs.items()}
    losses: dict[float, float] = {}
    for strength in STRENGTHS:
        _scale(outputs, trained, strength)
        losses[strength] = job.validate().loss
    measured: dict[float, RetentionResult] = {}
    chosen = 0.0
    for strength in sorted((one for one in STRENGTHS if losses[one] < base_loss), key=losses.__getitem__):
        _scale(outputs, trained, strength)
        measured[strength] = job.measure_retention()
        if measured[strength].is_within:
            chosen = strength
            break
    _scale(outputs, trained, chosen)
    task = job.task.measure() if job.task and chosen else None
    return Strength(
        chosen,
        tuple(
            StrengthTrial(
                strength=one,
                validation_loss=losses[one],
                retention=measured.get(one),
                task=task if one == chosen else None,
            )
            for one in STRENGTHS
        ),
    )


def find_weakest(job: TrainingJob, step: int, max_loss: float) -> Strength:
    """Leave the adapter of a checkpoint in the network at the lowest strength whose validation loss is low enough.

    Less strength forgets less, so retention need not be measured to choose.

    Args:
        job: as it was trained; it has a LoRA adapter.
        step: of the checkpoint whose adapter is scaled.
        max_loss: highest validation loss that is low enough; that of the checkpoint itself is.
    Returns:
        Strengths down to the first whose loss is too high; the value is 1 where that is the first one tried.
    """
    outputs = adapter_outputs(job.network)
    Checkpoints(job.run, train_alone(job)).load_weights_of(step)
    trained = {name: parameter.detach().clone() for name, parameter in outputs.items()}
    trials: list[StrengthTrial] = []
    chosen = 1.0
    for strength in STRENGTHS:
        _scale(outputs, trained, strength)
        trials.append(StrengthTrial(strength=strength, validation_loss=job.validate().loss, retention=None))
        if trials[-1].validation_loss > max_loss:
            break
        chosen = strength
    _scale(outputs, trained, chosen)
    return Strength(chosen, tuple(trials))


def _scale(outputs: "Mapping[str, Parameter]", trained: "Mapping[str, Tensor]", strength: float) -> None:
    import torch

    with torch.no_grad():
        for name, parameter in outputs.items():
            parameter.copy_(trained[name] * strength)
