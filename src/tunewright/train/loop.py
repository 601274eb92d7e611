"""The training loop. LoRA, full tuning and training from nothing differ only in what is handed in."""

import math
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tunewright.contracts import Progress
from tunewright.errors import DivergedError, InterruptedRunError, TrainError
from tunewright.model.adapter import trainable_parameters
from tunewright.records import CurvePoint, RetentionResult, TrainingSummary, TrainRecipe, settled
from tunewright.render import TokenSequence
from tunewright.store import RunFolder
from tunewright.train.checkpoint import Checkpoints, TrainState
from tunewright.train.loss import accumulate_gradients
from tunewright.train.optimizer import make_optimizers
from tunewright.train.schedule import Plan
from tunewright.train.stream import StepRows

if TYPE_CHECKING:
    from torch.nn import Parameter
    from torch.optim import Optimizer
    from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Validation:
    """One look at rows that are not trained on."""

    loss: float
    """Nats per trained token; with retention it decides which checkpoint is kept."""
    parts: Mapping[str, float] | None = None
    """The same for each kind of rows, where they are of several kinds."""


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What one training run needs; the loop owns nothing but the order of events."""

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
    measure_retention: Callable[[int], RetentionResult] | None = None
    """Measures what is left of the base's general ability in the network as it stands after so many steps. Checkpoints
    that have lost too much are not kept."""


def train(job: TrainingJob, progress: Progress) -> TrainingSummary:
    """Train from the newest checkpoint (or the start) to the end, and leave the best weights in the network.

    Stopped and resumed runs end in the same bytes as uninterrupted ones, on a CPU with the same number of threads.

    Raises:
        DivergedError: a loss or gradient is not finite; nothing was updated by that step.
        InterruptedRunError: SIGINT or SIGTERM arrived; a checkpoint was saved.
    """
    parameters = trainable_parameters(job.network)
    optimizers = make_optimizers(job.network, job.settings)
    checkpoints = Checkpoints(job.run, parameters, optimizers)
    plan = job.plan
    state = checkpoints.load_newest()
    job.run.truncate_metrics(state.step if state else -1)
    if state is None:
        state = _validate(job, TrainState())
        checkpoints.save(state)
    else:
        progress.say(f"Resuming after step {state.step} of {plan.num_steps}.")

    saved_at = started_at = time.monotonic()
    seconds_before = state.seconds
    job.network.train()
    with stop_on_signal() as is_stopping, progress.bar("Training", plan.num_steps) as advance:
        advance(state.step)
        while not _is_finished(state, job):
            state = _step(job, optimizers, parameters, state, advance)
            if state.step in plan.validate_after:
                state = _validate(job, state)
            is_due = time.monotonic() - saved_at > job.settings.seconds_between_checkpoints
            if is_due or is_stopping() or state.step in plan.validate_after:
                seconds = seconds_before + time.monotonic() - started_at
                state = state.model_copy(update={"seconds": seconds, "peak_memory_bytes": peak_memory_bytes(state)})
                checkpoints.save(state)
                saved_at = time.monotonic()
            if is_stopping() and not _is_finished(state, job):
                raise InterruptedRunError(
                    f"Stopped after step {state.step} of {plan.num_steps}; everything is saved. "
                    f"Continue with: {job.command_to_continue}"
                )
    checkpoints.load_weights_of(state.best_step)
    job.network.eval()
    return _summary(job, state, parameters)


def _step(
    job: TrainingJob,
    optimizers: "Sequence[Optimizer]",
    parameters: "dict[str, Parameter]",
    state: TrainState,
    advance: Callable[[int, str], None],
) -> TrainState:
    import torch

    settings = job.settings
    rows = job.stream.rows(state.step)
    rate = job.plan.learning_rate(state.step)
    with _out_of_memory_in_words(settled(settings.tokens_per_micro_batch)):
        loss = accumulate_gradients(
            job.network,
            rows,
            tokens_per_micro_batch=settled(settings.tokens_per_micro_batch),
            pad_token_id=job.pad_token_id,
            precision=settled(settings.precision),
        )
    norm = torch.nn.utils.clip_grad_norm_(parameters.values(), settings.max_gradient_norm).item()
    if not (math.isfinite(loss) and math.isfinite(norm)):
        raise DivergedError(_describe_divergence(job, rows, state.step, loss, norm))
    for optimizer in optimizers:
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    done = state.step + 1
    point = CurvePoint(
        step=done, epoch=done / job.plan.steps_per_epoch, train_loss=loss, learning_rate=rate, gradient_norm=norm
    )
    job.run.append_metric(point.model_dump(exclude_none=True))
    advance(1, f"loss {loss:.3f}")
    return state.model_copy(
        update={
            "step": done,
            "num_tokens": state.num_tokens + sum(len(row.token_ids) for row in rows),
            "num_trained_tokens": state.num_trained_tokens + sum(row.num_trained_tokens for row in rows),
        }
    )


@contextmanager
def _out_of_memory_in_words(tokens_per_micro_batch: int) -> Iterator[None]:
    import torch

    try:
        yield
    except (torch.OutOfMemoryError, RuntimeError) as error:
        # The CPU's allocator raises a plain RuntimeError.
        if not isinstance(error, torch.OutOfMemoryError) and "can't allocate memory" not in str(error):
            raise
        raise TrainError(
            f"Memory ran out with micro-batches of {tokens_per_micro_batch} tokens. Their size does not change the "
            f"result: start again with --set train.tokens_per_micro_batch={max(1, tokens_per_micro_batch // 2)}, or "
            "use a lower train.max_length or a smaller base."
        ) from None


def _validate(job: TrainingJob, state: TrainState) -> TrainState:
    validation = job.validate()
    loss = validation.loss
    if not math.isfinite(loss):
        raise DivergedError(
            f"The validation loss after step {state.step} is {loss}. The last finite weights are in the newest "
            "checkpoint; lower train.learning_rate and start again."
        )
    point = CurvePoint(
        step=state.step,
        epoch=state.step / job.plan.steps_per_epoch,
        validation_loss=loss,
        validation_parts=dict(validation.parts) if validation.parts else None,
        retention=job.measure_retention(state.step) if job.measure_retention else None,
    )
    job.run.append_metric(point.model_dump(exclude_none=True))
    return _after_validation(state, loss, is_within=point.retention is None or point.retention.is_within)


def _after_validation(state: TrainState, loss: float, *, is_within: bool) -> TrainState:
    """Note what this checkpoint is best at.

    Args:
        is_within: whether general ability is within its limits; only then it can be the one that is kept.
    """
    is_lowest = state.lowest_validation_loss is None or loss < state.lowest_validation_loss
    is_best = is_within and (state.best_validation_loss is None or loss < state.best_validation_loss)
    # While no trained checkpoint can be kept, a lower loss is a gain: its adapter may do at a lower strength.
    is_gain = is_best or (is_lowest and state.best_step == 0)
    update: dict[str, object] = {
        "num_validations_without_gain": 0 if is_gain else state.num_validations_without_gain + 1
    }
    if is_lowest:
        update |= {"lowest_loss_step": state.step, "lowest_validation_loss": loss}
    if is_best:
        update |= {"best_step": state.step, "best_validation_loss": loss}
    return state.model_copy(update=update)


def _is_finished(state: TrainState, job: TrainingJob) -> bool:
    return state.step >= job.plan.num_steps or state.num_validations_without_gain >= job.settings.patience


def _describe_divergence(job: TrainingJob, rows: list[TokenSequence], step: int, loss: float, norm: float) -> str:
    named = ", ".join(job.locations[row.example_id] for row in rows)
    return (
        f"Step {step + 1}: the loss is {loss} and the gradient's length {norm}; the weights were not updated. The rows "
        f"of this step are {named}. Look at them with `tunewright tokens`, or lower train.learning_rate."
    )


def _summary(job: TrainingJob, state: TrainState, parameters: "dict[str, Parameter]") -> TrainingSummary:
    return TrainingSummary(
        num_steps=state.step,
        num_planned_steps=job.plan.num_steps,
        best_step=state.best_step,
        best_validation_loss=settled(state.best_validation_loss),
        lowest_loss_step=state.lowest_loss_step,
        stopped="finished" if state.step >= job.plan.num_steps else "early",
        num_trained_parameters=sum(parameter.numel() for parameter in parameters.values()),
        num_parameters=sum(parameter.numel() for parameter in job.network.parameters()),
        num_tokens=state.num_tokens,
        num_trained_tokens=state.num_trained_tokens,
        seconds=state.seconds,
        peak_memory_bytes=state.peak_memory_bytes,
        curve=tuple(CurvePoint.model_validate(point) for point in job.run.metrics()),
    )


def peak_memory_bytes(state: TrainState) -> int:
    """Highest resident memory of this process and of earlier sittings; on CUDA the device's allocator instead."""
    import torch

    if torch.cuda.is_available():
        return max(state.peak_memory_bytes, torch.cuda.max_memory_allocated())
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return max(state.peak_memory_bytes, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)


@contextmanager
def stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT, SIGTERM or SIGHUP into a request to stop after the current step; the second acts at once.

    What is ignored, as SIGHUP is under nohup, stays ignored. Outside the main thread (a notebook's worker, a server)
    signals stay as they are.
    """
    requested = False
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    previous = {one: handler for one in numbers if (handler := signal.getsignal(one)) is not signal.SIG_IGN}

    def request(number: int, frame: object) -> None:
        nonlocal requested
        requested = True
        for one, handler in previous.items():
            signal.signal(one, handler)

    for number in previous:
        signal.signal(number, request)
    try:
        yield lambda: requested
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
