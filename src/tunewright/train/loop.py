"""The training loop. LoRA, full tuning and training from nothing differ only in what is handed in."""

import math
import time
from collections.abc import Callable

from tunewright.contracts import Progress
from tunewright.errors import DivergedError, InterruptedRunError, TrainError
from tunewright.model.adapter import adapter_outputs, trainable_parameters
from tunewright.model.out_of_memory import is_out_of_memory, shortage
from tunewright.records import CurvePoint, Forecast, Remedy, TrainingSummary, settled
from tunewright.render import TokenSequence
from tunewright.train.activations import compute_less, fit_into_memory, recompute_as_noted
from tunewright.train.checkpoint import Checkpoints, TrainState
from tunewright.train.disk import Trained, disk_need, require_room
from tunewright.train.explosion import note_loss, refuse_explosion_at_validation, refuse_explosion_between
from tunewright.train.forecast import forecast, look_at_steps
from tunewright.train.job import TrainingJob
from tunewright.train.memory import give_back_free_memory, peak_bytes
from tunewright.train.optimizer import make_optimizers
from tunewright.train.recovery import MAX_SKIPPED_IN_A_ROW, Recovery, tell
from tunewright.train.stopping import stop_on_signal
from tunewright.train.trainable import Alone, Trainable, random_state, restore_random_state

FORECAST_FILE = "forecast.json"


def train(job: TrainingJob, progress: Progress) -> TrainingSummary:
    """Train from the newest checkpoint (or the start) to the end, and leave the best weights in the network.

    Stopped and resumed runs end in the same bytes as uninterrupted ones, on a CPU with the same number of threads.

    Raises:
        DivergedError: loss or gradient were not finite in four steps in a row, or a validation loss is not, and not for
            the first time; those steps updated nothing. The first time, and when finite losses explode, training goes
            back to the best checkpoint and on at half the learning rate.
        TrainError: memory ran out with a single row.
        StoreError: the disk is full or failing, or could not hold what training will write.
        InterruptedRunError: SIGINT or SIGTERM arrived; a checkpoint was saved.
    """
    trainable = (job.open_trainable or train_alone)(job)
    checkpoints = Checkpoints(job.run, trainable)
    recovery = Recovery(job.run)
    plan = job.plan
    state = _start_or_resume(job, trainable, checkpoints, recovery, progress)
    saved_at = started_at = time.monotonic()
    seconds_before = state.seconds
    job.network.train()
    with stop_on_signal() as is_stopping, progress.bar("Training", plan.num_steps) as advance:
        advance(state.step)
        while not _is_finished(state, job):
            try:
                state = _step(job, trainable, state, recovery, progress, advance)
                if job.steps_are_alike:
                    refuse_explosion_between(recovery, state)
                if state.step in plan.validate_after:
                    trainable.show()
                    state = _validate(job, state, recovery)
            except DivergedError as error:
                at, state = state.step, recovery.roll_back(checkpoints, state, error)
                tell(recovery.remedies[-1], progress)
                advance(state.step - at)
                continue
            is_due = time.monotonic() - saved_at > job.settings.seconds_between_checkpoints
            if is_due or is_stopping() or state.step in plan.validate_after:
                seconds = seconds_before + time.monotonic() - started_at
                state = state.model_copy(
                    update={"seconds": seconds, "peak_memory_bytes": max(state.peak_memory_bytes, peak_bytes())}
                )
                checkpoints.save(state)
                saved_at = time.monotonic()
            # After the last step, too: what follows may be trainings in other ways.
            if is_stopping():
                raise InterruptedRunError(
                    f"Stopped after step {state.step} of {plan.num_steps}; everything is saved. "
                    f"Continue with: {job.command_to_continue}"
                )
    checkpoints.load_weights_of(state.best.step)
    job.network.eval()
    return _summary(job, state, recovery.remedies)


def _start_or_resume(
    job: TrainingJob, trainable: Trainable, checkpoints: Checkpoints, recovery: Recovery, progress: Progress
) -> TrainState:
    """Where the run stands: as in its newest checkpoint, else before the first step, validated, forecast and saved."""
    state = checkpoints.load_newest(progress)
    job.run.truncate_metrics(state.step if state else -1)
    if state is not None:
        progress.say(f"Resuming after step {state.step} of {job.plan.num_steps}.")
        return state
    started_at = time.monotonic()
    state = _validate(job, TrainState(), recovery)
    seconds_per_validation = time.monotonic() - started_at
    # Before anything can be resumed: what is refused here is looked at again the next time.
    _forecast(job, trainable, recovery, seconds_per_validation, progress)
    checkpoints.save(state)
    return state


def train_alone(job: TrainingJob) -> Alone:
    """This process has all weights."""
    parameters = trainable_parameters(job.network)
    return Alone(job.network, parameters, make_optimizers(job.network, job.settings), job.accumulate)


def _step(
    job: TrainingJob,
    trainable: Trainable,
    state: TrainState,
    recovery: Recovery,
    progress: Progress,
    advance: Callable[[int, str], None],
) -> TrainState:
    rows = job.stream.rows(state.step)
    rate = job.plan.learning_rate(state.step) * recovery.rate_factor(state.step)
    loss = _gradients(job, rows, state.step, trainable, recovery, progress)
    norm = trainable.clip(job.settings.max_gradient_norm)
    is_finite = math.isfinite(loss) and math.isfinite(norm)
    done = state.step + 1
    point = CurvePoint(step=done, epoch=done / job.plan.steps_per_epoch, learning_rate=rate)
    if is_finite:
        trainable.update(rate)
        point = point.model_copy(update={"train_loss": loss, "gradient_norm": norm})
    else:
        trainable.forget_gradients()
        words = _describe_divergence(job, rows, state.step, loss, norm)
        if state.num_skipped_in_a_row == MAX_SKIPPED_IN_A_ROW:
            raise DivergedError(words)
        progress.say(f"Skipped. {words}")
        point = point.model_copy(update={"was_skipped": True})
    trainable.forget_gradients()
    job.run.append_metric(point.model_dump(exclude_none=True))
    advance(1, f"loss {loss:.3f}")
    after = state.model_copy(
        update={
            "step": done,
            "num_skipped_in_a_row": 0 if is_finite else state.num_skipped_in_a_row + 1,
            "num_tokens": state.num_tokens + sum(len(row.token_ids) for row in rows),
            "num_trained_tokens": state.num_trained_tokens + sum(row.num_trained_tokens for row in rows),
        }
    )
    return note_loss(after, loss) if is_finite else after


def _gradients(
    job: TrainingJob,
    rows: list[TokenSequence],
    step: int,
    trainable: Trainable,
    recovery: Recovery,
    progress: Progress,
) -> float:
    """Add up the gradients of a step and return its loss; where memory runs out, again with less kept at once."""
    random_before = random_state()
    while True:
        recompute_as_noted(job, recovery, step)
        try:
            return trainable.gradients(
                rows,
                tokens_per_micro_batch=recovery.tokens_per_micro_batch(job.settings, step),
                pad_token_id=job.pad_token_id,
                precision=settled(job.settings.precision),
            )
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            reason = shortage(error)
        # Only here, outside of `except`, are the tensors of the failed pass free.
        trainable.forget_gradients()
        restore_random_state(random_before)
        # What malloc kept could not be had by others who map memory themselves: code of products, stacks of threads.
        give_back_free_memory()
        compute_less(job, recovery, step, rows, reason, progress)


def _forecast(
    job: TrainingJob, trainable: Trainable, recovery: Recovery, seconds_per_validation: float, progress: Progress
) -> None:
    """Say and save what training will take. Leaves weights, gradients and random state as they were."""
    random_before = random_state()
    lengths = look_at_steps(job.stream.rows, job.plan.num_steps)
    job.network.train()

    fit_into_memory(job, lengths, trainable, recovery, progress)

    def worst_rows() -> list[TokenSequence]:
        return list(lengths.worst_rows(recovery.tokens_per_micro_batch(job.settings, 0)))

    def less(shortage: str) -> None:
        if trainable.num_processes > 1:  # each would choose its own
            raise TrainError(
                f"It cannot fit: {shortage}. Set a lower train.tokens_per_micro_batch, or use method.kind=lora."
            )
        compute_less(job, recovery, 0, worst_rows(), shortage, progress)

    found = forecast(
        lengths,
        job.plan,
        compute=lambda rows: _gradients(job, list(rows), 0, trainable, recovery, progress),
        # In several processes the worst is that each of them meets such rows.
        worst_rows=lambda: trainable.num_processes * worst_rows(),
        num_trained=trainable.num_trained,
        seconds_per_validation=seconds_per_validation,
        precision=settled(job.settings.precision),
        compute_less=less,
    )
    trainable.forget_gradients()
    restore_random_state(random_before)
    _tell_forecast(job, found, progress)


def _tell_forecast(job: TrainingJob, found: Forecast, progress: Progress) -> None:
    """Say and save it, with the disk that training will need.

    Raises:
        StoreError: there is less.
    """
    sizes = [parameter.numel() for parameter in trainable_parameters(job.network).values()]
    trained = Trained(sum(sizes), len(sizes))
    is_watched = job.measure_retention is not None
    need = disk_need(trained, job.settings, job.plan, is_watched=is_watched, seconds=found.seconds)
    free = job.run.free_bytes
    found = found.model_copy(update={"disk_bytes": need.peak_bytes, "free_disk_bytes": free})
    job.run.write_json(FORECAST_FILE, found)
    progress.say(found.told)
    require_room(need, free, job.run.path, is_full=not adapter_outputs(job.network))


def _validate(job: TrainingJob, state: TrainState, recovery: Recovery) -> TrainState:
    try:
        validation = job.validate()
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise TrainError(
            f"Memory ran out while validating ({shortage(error)}). Set a lower train.max_length, or take a smaller "
            "base or a machine with more memory."
        ) from None
    loss = validation.loss
    if not math.isfinite(loss) and state.step == 0:
        raise DivergedError(
            f"The validation loss before the first step is {loss}: the base itself gives no finite numbers for these "
            "rows. Try train.precision=float32; if that is no better its weights are damaged: load them again."
        )
    if not math.isfinite(loss):
        raise DivergedError(
            f"The validation loss after step {state.step} is {loss}. The last finite weights are in the newest "
            "checkpoint; lower train.learning_rate and start again."
        )
    refuse_explosion_at_validation(recovery, state, loss)
    point = CurvePoint(
        step=state.step,
        epoch=state.step / job.plan.steps_per_epoch,
        validation_loss=loss,
        validation_parts=dict(validation.parts) if validation.parts else None,
        task=job.task.measure() if job.task else None,
        # Before the first step there is nothing to compare: the network is the base.
        retention=job.measure_retention() if job.measure_retention and state.step else None,
    )
    job.run.append_metric(point.model_dump(exclude_none=True))
    return _after_validation(state, point, loss)


def _after_validation(state: TrainState, point: CurvePoint, loss: float) -> TrainState:
    """Note what this checkpoint is best at. It can be kept only if general ability is within its limits.

    Args:
        point: its measures.
    """
    leader = state.leader.after(state.step, loss, point.task)
    is_within = point.retention is None or point.retention.is_within
    best = state.best.after(state.step, loss, point.task) if is_within else state.best
    is_lowest = state.lowest_validation_loss is None or loss < state.lowest_validation_loss
    # A higher metric or a lower loss is a gain, even where another checkpoint still leads. While no trained checkpoint
    # can be kept, one of those beyond the limits counts as well: its adapter may do at a lower strength.
    counts = is_within or state.best.step == 0
    is_gain = best != state.best or (counts and (is_lowest or leader != state.leader))
    update: dict[str, object] = {
        "best": best,
        "leader": leader,
        "num_validations_without_gain": 0 if is_gain else state.num_validations_without_gain + 1,
    }
    if is_lowest:
        update |= {"lowest_loss_step": state.step, "lowest_validation_loss": loss}
    return state.model_copy(update=update)


def _is_finished(state: TrainState, job: TrainingJob) -> bool:
    return state.step >= job.plan.num_steps or state.num_validations_without_gain >= job.settings.patience


def _describe_divergence(job: TrainingJob, rows: list[TokenSequence], step: int, loss: float, norm: float) -> str:
    named = ", ".join(job.locations[row.example_id] for row in rows)
    return (
        f"Step {step + 1}: the loss is {loss} and the gradient's length {norm}; the weights were not updated. The rows "
        f"of this step are {named}. Look at them with `tunewright tokens`, or lower train.learning_rate."
    )


def _summary(job: TrainingJob, state: TrainState, remedies: tuple[Remedy, ...]) -> TrainingSummary:
    return TrainingSummary(
        num_steps=state.step,
        num_planned_steps=job.plan.num_steps,
        best_step=state.best.step,
        best_validation_loss=settled(state.best.loss),
        task_step=state.leader.step,
        task_metric=job.task.metric if job.task else None,
        stopped="finished" if state.step >= job.plan.num_steps else "early",
        num_trained_parameters=sum(parameter.numel() for parameter in trainable_parameters(job.network).values()),
        num_parameters=sum(parameter.numel() for parameter in job.network.parameters()),
        num_tokens=state.num_tokens,
        num_trained_tokens=state.num_trained_tokens,
        seconds=state.seconds,
        peak_memory_bytes=state.peak_memory_bytes,
        curve=tuple(CurvePoint.model_validate(point) for point in job.run.metrics()),
        forecast=job.run.read_record(FORECAST_FILE, Forecast) if job.run.has(FORECAST_FILE) else None,
        remedies=remedies,
    )
