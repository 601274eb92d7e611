"""Explosion: every number is finite, and what was learned is lost. The learning rate was too high.

Two looks find it. Between validations, most training losses of the last steps lie far above the lowest median that as
many steps had in this run. At a validation, its loss and that of the training rows before it are far above the lowest
validation loss. Both raise DivergedError, once in a run; the loop then goes back to the best checkpoint and on at half
the rate.
"""

from statistics import median

from tunewright.errors import DivergedError
from tunewright.records import CurvePoint
from tunewright.train.checkpoint import TrainState
from tunewright.train.recovery import Recovery

EXPLODED_FACTOR, EXPLODED_NATS = 1.5, 0.3
"""A loss above so many times the lowest one, and so many nats more, is no noise."""

WINDOW, NUM_HIGH = 50, 38
"""Steps that are looked at together, and how many of them must have a loss that is too high: three quarters, since the
losses of single steps may differ by a factor of three with nothing wrong, and where they do, so do their medians."""


def note_loss(state: TrainState, loss: float) -> TrainState:
    """Remember the training loss of the step that `state` stands after; all of it is in every checkpoint."""
    recent = (*state.recent_losses, loss)[-WINDOW:]
    update: dict[str, object] = {"recent_losses": recent}
    if len(recent) == WINDOW:
        middle = median(recent)
        if state.lowest_recent_loss is None or middle < state.lowest_recent_loss:
            update |= {"lowest_recent_loss": middle, "lowest_recent_step": state.step}
    return state.model_copy(update=update)


def refuse_explosion_between(recovery: Recovery, state: TrainState) -> None:
    """Look at the training losses up to this step.

    Raises:
        DivergedError: most of the last ones are far above the lowest median, for the first time in this run.
    """
    lowest, recent = state.lowest_recent_loss, state.recent_losses
    if lowest is None or sum(_has_exploded(loss, lowest) for loss in recent) < NUM_HIGH:
        return
    if not recovery.has_lower_rate:
        raise DivergedError(
            f"After step {state.step} the training loss of the last {WINDOW} steps is {median(recent):.3f} (median), "
            f"and was {lowest:.3f} after step {state.lowest_recent_step}."
        )


def refuse_explosion_at_validation(recovery: Recovery, state: TrainState, loss: float) -> None:
    """Look at a validation loss.

    Both it and the mean loss of the training rows since the last validation have to be far above the lowest
    validation loss: a model that learns its rows by heart has a low loss on those.

    Raises:
        DivergedError: both are, for the first time in this run.
    """
    lowest = state.lowest_validation_loss
    if lowest is None or not _has_exploded(loss, lowest) or recovery.has_lower_rate:
        return
    points = [CurvePoint.model_validate(point) for point in recovery.run.metrics()]
    last = max((point.step for point in points if point.validation_loss is not None), default=0)
    losses = [point.train_loss for point in points if point.train_loss is not None and point.step > last]
    mean = sum(losses) / max(1, len(losses))
    if _has_exploded(mean, lowest):
        raise DivergedError(
            f"After step {state.step} the validation loss is {loss:.3f}, and was {lowest:.3f} after step "
            f"{state.lowest_loss_step}; training rows since the last validation have {mean:.3f}."
        )


def _has_exploded(loss: float, lowest: float) -> bool:
    return loss > EXPLODED_FACTOR * lowest + EXPLODED_NATS
