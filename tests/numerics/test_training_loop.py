"""The loop: what is kept, when it stops, and that stopped + resumed equals straight."""

import hashlib
import json
import os
import signal
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from store_samples import RECIPE_ID, run_record
from tiny_base import write_tiny_base

from tunewright.contracts import SilentProgress
from tunewright.errors import CorruptError, DivergedError, InterruptedRunError, StoreError, TrainError
from tunewright.evaluate.scorers import SCORERS
from tunewright.model import forward
from tunewright.model.adapter import prepare_for_training, trainable_parameters
from tunewright.model.load import load_base
from tunewright.model.passes import without_adapter
from tunewright.records import (
    DataRecipe,
    Estimate,
    Full,
    Lora,
    RetentionPart,
    RetentionResult,
    TrainRecipe,
    TuneRecipe,
)
from tunewright.render import TokenSequence
from tunewright.store import Store
from tunewright.train import checkpoint, explosion, loop, side_by_side, trainable
from tunewright.train.job import TaskMetric, TrainingJob, Validation
from tunewright.train.loop import train
from tunewright.train.recovery import Recovery
from tunewright.train.schedule import make_plan
from tunewright.train.stopping import stop_on_signal
from tunewright.train.stream import TokenStream
from tunewright.train.trainable import Alone

ROWS = tuple(TokenSequence(str(n), (5, 6 + n, 7, 8 + n, 9), (0.0, 0.0, 1.0, 1.0, 1.0), cut=None) for n in range(12))
LORA = Lora(rank=4, alpha=8.0, dropout=0.1)


def recipe(method=LORA, **train):
    settings = {
        "learning_rate": 0.01, "rows_per_step": 4, "epochs": 4, "max_length": 64, "tokens_per_micro_batch": 10,
        "precision": "float32", "seconds_between_checkpoints": 1e9, "patience": 99, **train,
    }  # fmt: skip
    return TuneRecipe(data=DataRecipe(path="rows.jsonl"), method=method, train=TrainRecipe(**settings))


def drop_of(value, limit=0.5):
    """A measurement in which one ability has certainly lost `value`."""
    drop = Estimate(value=value, low=value, high=value, num_rows=100)
    return RetentionResult(parts=(RetentionPart(part="grammar", drop=drop, limit=limit),))


def make_job(folder: Path, base: Path, recipe: TuneRecipe, losses=None, name="run", drops=None):
    """A job in its own store; opened again when it exists, as a resumed process would.

    Args:
        losses, drops: what validations give, one after the other; figures that depend on the weights without them.
            Before the first step nothing has dropped, and nothing is measured.
    """
    store = Store(folder / name)
    run = store.run("last") if store.runs() else store.create_run(RECIPE_ID, run_record)
    network = prepare_for_training(load_base(base), recipe.method, recipe.train.seed)
    scripted = iter(losses) if losses else None

    def validate():
        if scripted:
            return Validation(next(scripted))
        # Any figure that depends on the weights.
        loss = sum(value.float().abs().sum().item() for value in trainable_parameters(network).values())
        return Validation(loss, parts={"half": loss / 2})

    drops = iter(drops) if drops else None

    def measure_retention():
        if drops:
            return drop_of(next(drops))
        return drop_of(next(iter(trainable_parameters(network).values())).sum().item(), limit=1e9)

    locations = {row.example_id: f"rows.jsonl:{row.example_id}" for row in ROWS}
    stream = TokenStream(ROWS, recipe.train.rows_per_step, recipe.train.seed)
    plan = make_plan(recipe.train, stream.steps_per_epoch)
    command = "tunewright tune --resume run"

    return TrainingJob(network, recipe.train, stream, plan, 0, validate, locations, run, command, measure_retention)


def with_answers(job, values=None):
    """The job with a leading metric of 20 answers; a figure that depends on the weights without values."""
    scripted = iter(values) if values else None

    def measure():
        total = sum(value.float().sum().item() for value in trainable_parameters(job.network).values())
        value = next(scripted) if scripted else abs(total) % 1.0
        return Estimate(value=value, low=value, high=value, num_rows=20)

    return replace(job, task=TaskMetric(SCORERS["exact_match"].metric, measure))


def weights_hash(job):
    digest = hashlib.sha256()
    for name, value in sorted(trainable_parameters(job.network).items()):
        digest.update(name.encode() + value.detach().numpy().tobytes())
    return digest.hexdigest()


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return write_tiny_base(tmp_path_factory.mktemp("bases") / "base")


class Killed(BaseException):
    """Stands in for SIGKILL: nothing in the package catches it."""


@pytest.fixture
def set_threads(monkeypatch):
    """Sets the number of threads until the test ends, whatever the machine has; small steps are divided, too."""
    monkeypatch.setattr(side_by_side, "MIN_TOKENS", 1)
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("method", "optimizer", "num_threads"),
    [(LORA, "adamw", 1), (LORA, "adamw", 2), (Full(), "adamw", 2), (Full(), "muon", 1)],
    ids=["lora", "lora, two threads", "full", "muon"],
)
@pytest.mark.parametrize("checkpoint_each_step", [True, False], ids=["each step", "at validation"])
def test_three_kills_and_resumes_end_in_the_same_bytes_as_a_straight_run(
    method, optimizer, num_threads, checkpoint_each_step, base, tmp_path, monkeypatch, set_threads
):
    set_threads(num_threads)
    chosen = recipe(method, optimizer=optimizer, seconds_between_checkpoints=1e-9 if checkpoint_each_step else 1e9)
    straight = make_job(tmp_path, base, chosen, name="straight")
    expected = train(straight, SilentProgress())
    assert expected.num_steps == 12

    real_step = loop._step
    # Kills in the middle of epochs; the second and third come after a resume.
    for kill_at in (4, 5, 10):

        def step(job, trainable, state, *others, kill_at=kill_at):
            if state.step == kill_at:
                raise Killed
            return real_step(job, trainable, state, *others)

        monkeypatch.setattr(loop, "_step", step)
        torch.manual_seed(kill_at)  # another process starts with other random numbers
        with pytest.raises(Killed):
            train(make_job(tmp_path, base, chosen, name="killed"), SilentProgress())
    monkeypatch.setattr(loop, "_step", real_step)
    resumed = make_job(tmp_path, base, chosen, name="killed")
    summary = train(resumed, SilentProgress())

    assert weights_hash(resumed) == weights_hash(straight)
    assert [point.model_dump() for point in summary.curve] == [point.model_dump() for point in expected.curve]
    assert (summary.num_tokens, summary.best_step) == (expected.num_tokens, expected.best_step)


def test_optimizer_state_belongs_to_names_and_not_to_positions(base, tmp_path):
    """Two layers have weights of equal shape: saved by position they could be swapped without a shape error."""
    job = make_job(tmp_path, base, recipe(epochs=1))
    train(job, SilentProgress())
    again = make_job(tmp_path, base, recipe(epochs=1))
    parameters = trainable_parameters(again.network)
    shuffled = dict(sorted(parameters.items(), reverse=True))
    optimizer = torch.optim.AdamW(shuffled.values(), fused=True)
    store = checkpoint.Checkpoints(again.run, Alone(again.network, shuffled, [optimizer], again.accumulate))
    store.load_newest(SilentProgress())
    saved = store.trainable._optimizer_tensors()
    store.run.remove_published("checkpoints/step-00000003")
    other = torch.optim.AdamW(parameters.values(), fused=True)
    Alone(again.network, parameters, [other], again.accumulate)._load_optimizer(saved)
    for name, parameter in parameters.items():
        assert torch.equal(other.state[parameter]["exp_avg"], optimizer.state[shuffled[name]]["exp_avg"])
    assert any(value.abs().sum() > 0 for name, value in saved.items() if name.endswith("exp_avg"))


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="the system does not list what a process has mapped")
def test_a_resumed_run_holds_on_to_no_file_of_its_checkpoints(base, tmp_path):
    job = make_job(tmp_path, base, recipe(epochs=1))
    train(job, SilentProgress())
    again = make_job(tmp_path, base, recipe(epochs=1))
    alone = loop.train_alone(again)
    assert checkpoint.Checkpoints(again.run, alone).load_newest(SilentProgress()) is not None
    assert any(optimizer.state for optimizer in alone.optimizers)
    # A file that is mapped keeps its bytes on the disk after it was removed.
    assert str(again.run.path) not in Path("/proc/self/maps").read_text()


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [{**rows[0], "validation_loss": 0.25}, *rows[1:]],
        lambda rows: rows[1:],
        lambda rows: [],
    ],
    ids=["another number", "a row gone", "all gone"],
)
def test_a_curve_that_has_changed_is_found_when_training_goes_on(base, tmp_path, change):
    run = make_job(tmp_path, base, recipe(epochs=1)).run
    train(make_job(tmp_path, base, recipe(epochs=1)), SilentProgress())
    rows = change(run.metrics())
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(
        CorruptError, match=r"metrics\.jsonl: found other rows up to step \d+, expected those that step-\d+ was saved"
    ):
        train(make_job(tmp_path, base, recipe(epochs=1)), SilentProgress())


def test_checkpoints_of_versions_that_kept_no_hash_of_the_curve_go_on(base, tmp_path):
    state = checkpoint.TrainState.model_validate({"step": 3})
    assert state.curve_hash is None
    job = make_job(tmp_path, base, recipe(epochs=1))
    train(job, SilentProgress())
    store = checkpoint.Checkpoints(job.run, loop.train_alone(job))
    newest = job.run.checkpoints().intact[0]
    fields = json.loads((newest / "state.json").read_text())
    fields["curve_hash"] = None
    job.run.remove_published(f"checkpoints/{newest.name}")
    with job.run.publish(f"checkpoints/{newest.name}") as folder:
        store.trainable.write(folder)
        (folder / "state.json").write_text(json.dumps(fields))
    job.run.truncate_metrics(-1)
    assert store.load_newest(SilentProgress()).step == fields["step"]


def test_the_best_checkpoint_is_kept_and_restored(base, tmp_path):
    # Validation: untrained, then after each epoch of 3 steps. The second epoch is best.
    job = make_job(tmp_path, base, recipe(), losses=[9.0, 5.0, 3.0, 4.0, 3.5])
    summary = train(job, SilentProgress())
    assert (summary.best_step, summary.best_validation_loss, summary.stopped) == (6, 3.0, "finished")
    two_epochs = make_job(tmp_path, base, recipe(), losses=[9.0, 5.0, 3.0, 4.0, 3.5], name="other")
    real_finished = loop._is_finished
    try:
        loop._is_finished = lambda state, job: state.step >= 6
        train(two_epochs, SilentProgress())
    finally:
        loop._is_finished = real_finished
    assert weights_hash(job) == weights_hash(two_epochs)


def test_the_checkpoint_with_the_best_answers_is_kept_whatever_its_loss(base, tmp_path):
    # The loss is lowest after the first epoch; answers get better until the third.
    job = make_job(tmp_path, base, recipe(), losses=[9.0, 3.0, 3.5, 4.0, 4.2])
    summary = train(with_answers(job, [0.0, 0.5, 0.7, 0.9, 0.6]), SilentProgress())
    assert (summary.best_step, summary.task_step, summary.best_validation_loss) == (9, 9, 4.0)
    assert summary.task_metric.name == "exact_match"
    assert [point.task.value for point in summary.curve if point.task] == [0.0, 0.5, 0.7, 0.9, 0.6]
    # The one that is kept is there to be loaded, although two newer ones are.
    assert [path.name for path in job.run.checkpoints().intact][:2] == ["step-00000012", "step-00000009"]


def test_of_checkpoints_with_the_best_answers_those_that_forgot_too_much_are_not_kept(base, tmp_path):
    losses, drops = [9.0, 5.0, 4.0, 3.0, 2.0], [0.1, 0.4, 0.6, 0.9]
    job = make_job(tmp_path, base, recipe(), losses=losses, drops=drops)
    summary = train(with_answers(job, [0.0, 0.8, 0.5, 0.9, 1.0]), SilentProgress())
    # Step 6 has a lower loss than step 3 and is within the limits, too.
    assert (summary.best_step, summary.task_step) == (3, 12)


@pytest.mark.parametrize(
    ("losses", "answers", "num_steps"),
    [
        ([9.0, 5.0, 6.0, 7.0, 8.0], [0.0, 0.5, 0.5, 0.5, 0.5], 9),  # neither gets better
        ([9.0, 5.0, 6.0, 7.0, 8.0], [0.0, 0.5, 0.51, 0.52, 0.53], 12),  # answers do, by less than one
        ([9.0, 5.0, 4.0, 3.0, 2.0], [0.0, 0.5, 0.3, 0.3, 0.3], 12),  # the loss does
    ],
)
def test_training_goes_on_while_the_answers_or_the_loss_get_better(base, tmp_path, losses, answers, num_steps):
    job = replace(make_job(tmp_path, base, recipe(patience=2), losses=losses), measure_retention=None)
    summary = train(with_answers(job, answers), SilentProgress())
    assert summary.num_steps == num_steps


def test_a_run_that_is_killed_between_its_answers_and_their_checkpoint_keeps_the_same(base, tmp_path, monkeypatch):
    straight = with_answers(make_job(tmp_path, base, recipe(), name="straight"))
    expected = train(straight, SilentProgress())
    real_save, kills = checkpoint.Checkpoints.save, [3, 9]

    def save(checkpoints, state):
        if kills and state.step == kills[0]:
            kills.pop(0)
            raise Killed
        real_save(checkpoints, state)

    monkeypatch.setattr(checkpoint.Checkpoints, "save", save)
    for number in range(2):
        torch.manual_seed(number)
        with pytest.raises(Killed):
            train(with_answers(make_job(tmp_path, base, recipe(), name="killed")), SilentProgress())
    resumed = with_answers(make_job(tmp_path, base, recipe(), name="killed"))
    summary = train(resumed, SilentProgress())
    assert weights_hash(resumed) == weights_hash(straight)
    assert summary.curve == expected.curve
    assert (summary.best_step, summary.task_step) == (expected.best_step, expected.task_step)


def test_training_stops_early_after_patience_validations_without_gain(base, tmp_path):
    job = make_job(tmp_path, base, recipe(patience=2), losses=[9.0, 5.0, 6.0, 7.0, 1.0])
    summary = train(job, SilentProgress())
    assert (summary.num_steps, summary.num_planned_steps) == (9, 12)
    assert (summary.best_step, summary.stopped) == (3, "early")


def test_a_model_that_only_gets_worse_is_given_back_untrained(base, tmp_path):
    job = make_job(tmp_path, base, recipe(patience=2), losses=[1.0, 1.1, 1.2])
    untrained = weights_hash(job)
    assert train(job, SilentProgress()).best_step == 0
    assert weights_hash(job) == untrained


def test_of_the_checkpoints_that_forgot_too_much_none_is_kept(base, tmp_path):
    # Untrained, then after each epoch of 3 steps: the loss falls to the end, ability is lost after the second.
    job = make_job(tmp_path, base, recipe(), losses=[9.0, 5.0, 4.0, 3.0, 2.0], drops=[0.1, 0.4, 0.6, 0.9])
    summary = train(job, SilentProgress())
    assert (summary.best_step, summary.best_validation_loss, summary.task_step) == (6, 4.0, 12)
    names = [path.name for path in job.run.checkpoints().intact]
    assert names == ["step-00000012", "step-00000009", "step-00000006"]
    two_epochs = make_job(tmp_path, base, recipe(epochs=2), name="other")
    untouched = weights_hash(two_epochs)
    assert weights_hash(job) != untouched
    assert [point.retention.is_within for point in summary.curve if point.retention] == [True, True, False, False]


def test_once_a_checkpoint_can_be_kept_training_stops_when_later_ones_forget(base, tmp_path):
    job = make_job(tmp_path, base, recipe(patience=2), losses=[9.0, 5.0, 4.0, 3.0], drops=[0.1, 0.6, 0.7])
    summary = train(job, SilentProgress())
    assert (summary.num_steps, summary.best_step, summary.task_step, summary.stopped) == (9, 3, 9, "early")


def test_while_none_can_be_kept_training_goes_on_as_long_as_the_loss_falls(base, tmp_path):
    losses, drops = [9.0, 5.0, 4.0, 4.5, 4.6], [0.8, 0.9, 0.9, 0.9]
    job = make_job(tmp_path, base, recipe(patience=2), losses=losses, drops=drops)
    untrained = weights_hash(job)
    summary = train(job, SilentProgress())
    assert (summary.num_steps, summary.best_step, summary.task_step) == (12, 0, 6)
    assert (summary.best_validation_loss, summary.stopped) == (9.0, "finished")
    assert weights_hash(job) == untrained
    # Its adapter is needed for a lower strength.
    assert "step-00000006" in [path.name for path in job.run.checkpoints().intact]


def test_a_drop_whose_interval_reaches_the_limit_is_no_reason_to_refuse():
    drop = Estimate(value=0.6, low=0.5, high=0.7, num_rows=100)
    assert RetentionPart(part="grammar", drop=drop, limit=0.5).is_within
    assert not RetentionPart(part="grammar", drop=drop, limit=0.49).is_within


def test_old_checkpoints_go_but_the_best_and_the_two_newest_stay(base, tmp_path):
    job = make_job(tmp_path, base, recipe(epochs=5), losses=[9.0, 1.0, 1.1, 1.2, 1.3, 1.4])
    train(job, SilentProgress())
    names = [path.name for path in job.run.checkpoints().intact]
    assert names == ["step-00000015", "step-00000012", "step-00000003"]


class Listening(SilentProgress):
    def __init__(self):
        self.lines = []

    def say(self, text):
        if not text.startswith("Forecast: "):
            self.lines.append(text)


def poison_steps(monkeypatch, job, poison, *steps, times=99):
    """Let the loss of these steps (from 0) be no number, the first `times` times each; returns the weights before."""
    real = Alone.gradients
    left = dict.fromkeys(steps, times)
    before = {}

    def poisoned(alone, rows, **settings):
        loss = real(alone, rows, **settings)
        step = max((row["step"] for row in job.run.metrics()), default=0)
        before[step] = weights_hash(job)
        if left.get(step, 0) == 0:
            return loss
        left[step] -= 1
        return poison

    monkeypatch.setattr(Alone, "gradients", poisoned)
    return before


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_step_whose_loss_is_no_number_updates_nothing_and_is_named(base, tmp_path, monkeypatch, poison):
    job, progress = make_job(tmp_path, base, recipe()), Listening()
    before = poison_steps(monkeypatch, job, poison, 4)
    summary = train(job, progress)
    assert before[4] == before[5] != before[3]
    rows = [f"rows.jsonl:{row.example_id}" for row in job.stream.rows(4)]
    (said,) = progress.lines
    assert said.startswith(f"Skipped. Step 5: the loss is {poison} and")
    assert ", ".join(rows) in said
    assert [point.step for point in summary.curve if point.was_skipped] == [5]
    assert (summary.num_steps, summary.remedies) == (12, ())


def test_after_three_skipped_steps_training_goes_back_and_on_at_half_the_rate(base, tmp_path, monkeypatch):
    losses = [9.0, 5.0, 3.0, 2.0, 1.0]  # untrained, then after steps 3, 6, 9, 12
    straight = make_job(tmp_path, base, recipe(), losses=losses, name="straight")
    rates = [point.learning_rate for point in train(straight, SilentProgress()).curve if point.learning_rate]
    job, progress = make_job(tmp_path, base, recipe(), losses=[9.0, 5.0, 4.0, 3.0, 2.0, 1.0]), Listening()
    # The weights after step 3 are the best that were validated; steps 5 to 8 fail, with a validation among them.
    poison_steps(monkeypatch, job, float("nan"), 4, 5, 6, 7, times=1)
    job = replace_validation(job, [9.0, 5.0, 6.0, 4.0, 3.0, 2.0])
    summary = train(job, progress)
    assert [line.partition(":")[0] for line in progress.lines] == [
        "Skipped. Step 5", "Skipped. Step 6", "Skipped. Step 7", "Training diverged",
    ]  # fmt: skip
    assert "back to the best checkpoint, after step 3, and on from there at 0.5 times" in progress.lines[-1]
    (remedy,) = summary.remedies
    assert (remedy.from_step, remedy.learning_rate_factor) == (3, 0.5)
    assert remedy.reason.startswith("Step 8: the loss is nan")
    taken = [point.learning_rate for point in summary.curve if point.learning_rate]
    assert taken == rates[:3] + [rate * 0.5 for rate in rates[3:]]
    assert [point.step for point in summary.curve if point.validation_loss] == [0, 3, 6, 9, 12]


def test_losses_that_explode_send_training_back_once_to_the_best_checkpoint(base, tmp_path):
    # Rows of this base have about 5 nats, far above the scripted 1.0; validations after steps 3, 6, 9, 12.
    job = make_job(tmp_path, base, recipe(), losses=[2.0, 1.0, 4.0, 0.9, 5.0, 0.8])
    progress = Listening()
    summary = train(job, progress)
    (remedy,) = summary.remedies
    assert (remedy.from_step, remedy.learning_rate_factor) == (3, 0.5)
    assert "After step 6 the validation loss is 4.000, and was 1.000 after step 3" in remedy.reason
    assert progress.lines[0].startswith("Training diverged: back to the best checkpoint, after step 3")
    validated = [(point.step, point.validation_loss) for point in summary.curve if point.validation_loss]
    # A second time it goes on: it may be the rows.
    assert validated == [(0, 2.0), (3, 1.0), (6, 0.9), (9, 5.0), (12, 0.8)]


def test_a_validation_loss_that_rises_alone_is_overfitting_and_no_explosion(base, tmp_path):
    job = make_job(tmp_path, base, recipe(), losses=[20.0, 6.0, 12.0, 12.0, 12.0])
    summary = train(job, SilentProgress())
    assert summary.remedies == ()
    assert summary.best_step == 3


@pytest.fixture
def few_steps_are_looked_at(monkeypatch):
    monkeypatch.setattr(explosion, "WINDOW", 4)
    monkeypatch.setattr(explosion, "NUM_HIGH", 3)


def explode(monkeypatch, job):
    """Let training losses be 1, and from step 8 on 4 and more, unless the rate is halved. Gradients stay the rows'."""
    real = Alone.gradients

    def gradients(alone, rows, **settings):
        real(alone, rows, **settings)
        step = max((row["step"] for row in job.run.metrics()), default=0)
        return 4.0 + step / 100 if step >= 7 and Recovery(job.run).rate_factor(step) == 1.0 else 1.0

    monkeypatch.setattr(Alone, "gradients", gradients)


def validated_after(job, *steps):
    return replace(job, plan=replace(job.plan, validate_after=frozenset(steps)))


def test_a_training_that_explodes_between_validations_goes_back_and_ends_well(
    base, tmp_path, monkeypatch, few_steps_are_looked_at
):
    job = validated_after(make_job(tmp_path, base, recipe(), losses=[9.0, 2.0, 1.0]), 0, 6, 12)
    explode(monkeypatch, job)
    progress = Listening()
    summary = train(job, progress)
    (remedy,) = summary.remedies
    assert (remedy.from_step, remedy.learning_rate_factor) == (6, 0.5)
    assert remedy.reason == (
        "After step 10 the training loss of the last 4 steps is 4.075 (median), and was 1.000 after step 4."
    )
    assert progress.lines[0].startswith("Training diverged: back to the best checkpoint, after step 6")
    points = [point for point in summary.curve if point.train_loss is not None]
    assert [(point.step, point.train_loss) for point in points] == [(step, 1.0) for step in range(1, 13)]
    planned = [job.plan.learning_rate(step) for step in range(12)]
    assert [point.learning_rate for point in points] == planned[:6] + [rate * 0.5 for rate in planned[6:]]
    assert summary.best_step == 12


def test_where_steps_are_not_alike_a_training_loss_that_rises_is_no_explosion(
    base, tmp_path, monkeypatch, few_steps_are_looked_at
):
    job = replace(make_job(tmp_path, base, recipe(), losses=[9.0] * 5), steps_are_alike=False)
    explode(monkeypatch, job)
    assert train(job, SilentProgress()).remedies == ()


def test_killed_before_and_after_an_explosion_a_run_ends_in_the_same_bytes(
    base, tmp_path, monkeypatch, few_steps_are_looked_at
):
    def until(name, kill_at, is_lowered):
        # With a checkpoint after each step, a resumed run has only the losses that its checkpoint kept.
        chosen = recipe(seconds_between_checkpoints=1e-9)
        job = validated_after(make_job(tmp_path, base, chosen, name=name), 0, 6, 12)
        real_step = loop._step

        def step(job, trainable, state, *others):
            if (state.step, Recovery(job.run).has_lower_rate) == (kill_at, is_lowered):
                raise Killed
            return real_step(job, trainable, state, *others)

        with monkeypatch.context() as patch:
            explode(patch, job)
            patch.setattr(loop, "_step", step)
            try:
                return train(job, SilentProgress()), weights_hash(job)
            except Killed:
                return None

    expected, weights = until("straight", 99, is_lowered=False)
    assert [remedy.reason[:13] for remedy in expected.remedies] == ["After step 10"]
    # Before the first full window, among the bad losses, in the step that decides, and after it went back.
    kills = [(2, False), (8, False), (9, False), (7, True), (11, True)]
    assert [until("killed", *kill) for kill in kills] == [None] * len(kills)
    found, its_weights = until("killed", 99, is_lowered=True)
    assert its_weights == weights
    assert found.curve == expected.curve
    assert found.remedies == expected.remedies


def replace_validation(job, losses):
    scripted = iter(losses)
    return replace(job, validate=lambda: Validation(next(scripted)))


def test_a_run_that_is_killed_after_it_went_back_does_not_forget_the_lower_rate(base, tmp_path, monkeypatch):
    def until(name, kill_at):
        job = make_job(tmp_path, base, recipe(), name=name)
        poison_steps(monkeypatch, job, float("nan"), 4, 5, 6, 7, times=0 if job.run.has("recovery.jsonl") else 1)
        real_step = loop._step

        def step(job, trainable, state, *others):
            if state.step == kill_at and job.run.has("recovery.jsonl"):
                raise Killed
            return real_step(job, trainable, state, *others)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "_step", step)
            try:
                return train(job, SilentProgress()), weights_hash(job)
            except Killed:
                return None

    expected = until("straight", kill_at=99)
    assert [until("killed", kill_at) for kill_at in (4, 7, 10)] == [None] * 3
    found = until("killed", kill_at=99)
    assert found[1] == expected[1]
    assert found[0].curve == expected[0].curve
    assert found[0].remedies == expected[0].remedies


def test_a_run_that_diverges_again_fails_and_names_the_rows(base, tmp_path, monkeypatch):
    job = make_job(tmp_path, base, recipe())
    poison_steps(monkeypatch, job, float("nan"), *range(12))
    with pytest.raises(DivergedError, match=r"Step 4: the loss is nan.*rows\.jsonl:\d+, .*tunewright tokens") as caught:
        train(job, SilentProgress())
    assert all(f"rows.jsonl:{row.example_id}" in str(caught.value) for row in job.stream.rows(3))
    assert weights_hash(job) == weights_hash(make_job(tmp_path, base, recipe(), name="untrained"))


def test_a_validation_loss_that_is_no_number_goes_back_once_and_then_stops_the_run(base, tmp_path):
    nan = float("nan")
    assert train(make_job(tmp_path, base, recipe(), losses=[9.0, nan, 5, 4, 3, 2]), SilentProgress()).best_step == 12
    job = make_job(tmp_path, base, recipe(), losses=[9.0, nan, nan], name="other")
    with pytest.raises(DivergedError, match=r"validation loss after step 3 is nan.*lower train\.learning_rate"):
        train(job, SilentProgress())


def test_a_base_without_finite_losses_is_told_before_the_first_step(base, tmp_path):
    job = make_job(tmp_path, base, recipe(), losses=[float("nan")])
    with pytest.raises(
        DivergedError, match=r"before the first step is nan: the base itself .*train\.precision=float32"
    ):
        train(job, SilentProgress())


def test_a_checkpoint_of_another_method_is_refused(base, tmp_path):
    train(make_job(tmp_path, base, recipe(epochs=1)), SilentProgress())
    other = make_job(tmp_path, base, recipe(Full(), epochs=1))
    with pytest.raises(CorruptError, match="started with another method or base"):
        train(other, SilentProgress())


def test_a_checkpoint_that_does_not_fit_on_the_disk_leaves_the_earlier_ones_whole(base, tmp_path, monkeypatch):
    from safetensors import SafetensorError

    job = make_job(tmp_path, base, recipe())
    real_save = trainable.save_tensors

    def save(tensors, path):
        if "00000006" in str(path.parent):
            monkeypatch.setattr("safetensors.torch.save_file", full)
        real_save(tensors, path)

    def full(tensors, path):
        raise SafetensorError("No space left on device (os error 28)")

    monkeypatch.setattr(trainable, "save_tensors", save)
    with pytest.raises(StoreError, match=r"weights\.safetensors: the checkpoint could not be written \(No space left"):
        train(job, SilentProgress())
    assert [path.name for path in job.run.checkpoints().intact] == ["step-00000003", "step-00000000"]
    assert not list((job.run.path / "checkpoints").glob(".tmp*"))


def test_twelve_rows_are_learned_by_heart(base, tmp_path):
    """The thinnest proof that gradients, optimizer and loss pull together."""
    chosen = recipe(Full(), epochs=20, learning_rate=0.01, min_validations=1)
    job = make_job(tmp_path, base, chosen, losses=[float(30 - n) for n in range(25)])
    summary = train(job, SilentProgress())
    losses = [point.train_loss for point in summary.curve if point.train_loss is not None]
    assert losses[0] > 5.0
    assert sum(losses[-3:]) / 3 < 2.0


def send_at_step(monkeypatch, number, at_step, times=1):
    """Let a signal arrive while a step is computed."""
    real_step = loop._step

    def step(job, trainable, state, *others):
        if state.step == at_step:
            for _ in range(times):
                os.kill(os.getpid(), number)
        return real_step(job, trainable, state, *others)

    monkeypatch.setattr(loop, "_step", step)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_after_the_step_with_everything_saved(base, tmp_path, monkeypatch, number):
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    job = make_job(tmp_path, base, recipe())
    send_at_step(monkeypatch, number, at_step=4)
    words = r"^Stopped after step 5 of 12; .* Continue with: tunewright tune --resume run$"
    with pytest.raises(InterruptedRunError, match=words):
        train(job, SilentProgress())
    assert job.run.checkpoints().intact[0].name == "step-00000005"
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers
    monkeypatch.undo()
    assert train(make_job(tmp_path, base, recipe()), SilentProgress()).num_steps == 12


@pytest.fixture
def ctrl_c_interrupts():
    """As in a terminal: what a shell starts in the background ignores SIGINT, and so would these tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_interrupts")
def test_a_second_ctrl_c_acts_at_once(base, tmp_path, monkeypatch):
    job = make_job(tmp_path, base, recipe())
    send_at_step(monkeypatch, signal.SIGINT, at_step=4, times=2)
    with pytest.raises(KeyboardInterrupt):
        train(job, SilentProgress())
    assert job.run.checkpoints().intact[0].name == "step-00000003"


def test_a_signal_in_the_last_step_stops_before_what_follows_training(base, tmp_path, monkeypatch):
    straight = train(make_job(tmp_path / "straight", base, recipe()), SilentProgress())
    job = make_job(tmp_path, base, recipe())
    send_at_step(monkeypatch, signal.SIGINT, at_step=11)
    with pytest.raises(InterruptedRunError, match=r"^Stopped after step 12 of 12; everything is saved"):
        train(job, SilentProgress())
    monkeypatch.undo()
    resumed = train(make_job(tmp_path, base, recipe()), SilentProgress())
    assert resumed.stopped == "finished"
    assert [point.train_loss for point in resumed.curve] == [point.train_loss for point in straight.curve]


def test_gradient_checkpointing_that_a_base_does_not_know_is_left_out(base, tmp_path, monkeypatch):
    job = make_job(tmp_path, base, recipe())
    # As the supervisor does, which knows no network, when the system has killed the worker.
    Recovery(job.run).compute_less(job.settings, 0, longest=10**6, reason="killed")
    monkeypatch.setattr(type(without_adapter(job.network)), "supports_gradient_checkpointing", False)
    assert train(job, SilentProgress()).stopped == "finished"
    assert not without_adapter(job.network).is_activation_checkpointing


def test_outside_the_main_thread_signals_stay_as_they_are():
    handlers = []

    def work():
        with stop_on_signal() as is_stopping:
            handlers.append((is_stopping(), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert handlers == [(False, signal.getsignal(signal.SIGINT))]


def test_peak_memory_never_falls_from_one_sitting_to_the_next(base, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "peak_bytes", lambda: 700)
    send_at_step(monkeypatch, signal.SIGINT, at_step=4)
    with pytest.raises(InterruptedRunError):
        train(make_job(tmp_path, base, recipe()), SilentProgress())
    monkeypatch.undo()
    monkeypatch.setattr(loop, "peak_bytes", lambda: 600)
    assert train(make_job(tmp_path, base, recipe()), SilentProgress()).peak_memory_bytes == 700


def test_the_forecast_is_said_saved_and_changes_nothing(base, tmp_path, monkeypatch):
    said = []

    class All(SilentProgress):
        def say(self, text):
            said.append(text)

    job = make_job(tmp_path, base, recipe())
    summary = train(job, All())
    found = summary.forecast
    assert (found.num_steps, found.num_tokens) == (summary.num_steps, summary.num_tokens)
    assert said == [found.told]
    without = make_job(tmp_path, base, recipe(), name="without")
    monkeypatch.setattr(loop, "_forecast", lambda *arguments: None)
    other = train(without, SilentProgress())
    assert weights_hash(without) == weights_hash(job)
    assert (other.forecast, other.curve) == (None, summary.curve)


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory"),
    RuntimeError("could not create a primitive"),
    MemoryError(),
]


def run_out_above(monkeypatch, num_tokens, error=OUT_OF_MEMORY[1]):
    """Let memory hold micro-batches of so many tokens, and fail in the middle of a step with more."""
    real = Alone.gradients

    def limited(alone, rows, *, tokens_per_micro_batch, **settings):
        if tokens_per_micro_batch > num_tokens:
            real(alone, rows[:1], tokens_per_micro_batch=tokens_per_micro_batch, **settings)
            raise error
        return real(alone, rows, tokens_per_micro_batch=tokens_per_micro_batch, **settings)

    monkeypatch.setattr(Alone, "gradients", limited)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=lambda error: type(error).__name__)
def test_where_memory_runs_out_the_micro_batch_is_halved_until_it_fits(base, tmp_path, monkeypatch, error):
    smaller = make_job(tmp_path, base, recipe(tokens_per_micro_batch=5), name="smaller")
    expected = train(smaller, SilentProgress())
    job, progress = make_job(tmp_path, base, recipe(tokens_per_micro_batch=20)), Listening()
    run_out_above(monkeypatch, 5, error)
    summary = train(job, progress)
    assert [remedy.tokens_per_micro_batch for remedy in summary.remedies] == [10, 5]
    assert [remedy.from_step for remedy in summary.remedies] == [0, 0]
    words = "Memory is short: from step 1 on, micro-batches of 5 tokens, with the same rows per step."
    assert progress.lines[1].startswith(words)
    # Dropout included: what the failed passes drew and added is gone.
    assert weights_hash(job) == weights_hash(smaller)
    assert summary.curve == expected.curve


def test_where_memory_runs_out_in_one_of_two_threads_the_micro_batch_is_halved(
    base, tmp_path, monkeypatch, set_threads
):
    set_threads(2)
    smaller = make_job(tmp_path, base, recipe(tokens_per_micro_batch=10), name="smaller")
    expected = train(smaller, SilentProgress())
    real, tries = forward.trained_loss, []

    def limited(network, batch, generator):
        loss = real(network, batch, generator)
        tries.append(threading.current_thread())
        if len(tries) == 2:
            raise OUT_OF_MEMORY[1]
        return loss

    monkeypatch.setattr(side_by_side, "trained_loss", limited)
    job = make_job(tmp_path, base, recipe(tokens_per_micro_batch=20))
    summary = train(job, SilentProgress())
    assert threading.main_thread() not in tries
    assert [remedy.tokens_per_micro_batch for remedy in summary.remedies] == [10]
    assert weights_hash(job) == weights_hash(smaller)
    assert summary.curve == expected.curve


def test_a_row_that_does_not_fit_alone_ends_the_run_in_words(base, tmp_path, monkeypatch):
    run_out_above(monkeypatch, 0)
    words = r"Memory is too short for micro-batches of 5 tokens.*the longest has 5 \(Default.*lower train\.max_length"
    with pytest.raises(TrainError, match=words):
        train(make_job(tmp_path, base, recipe()), SilentProgress())


def test_a_validation_that_does_not_fit_ends_the_run_in_words(base, tmp_path):
    def full():
        raise OUT_OF_MEMORY[1]

    job = replace(make_job(tmp_path, base, recipe()), validate=full)
    with pytest.raises(TrainError, match=r"Memory ran out while validating \(Default.*lower train\.max_length"):
        train(job, SilentProgress())
    with pytest.raises(RuntimeError, match="a bug"):
        train(replace(job, validate=lambda: (_ for _ in ()).throw(RuntimeError("a bug"))), SilentProgress())


def test_a_resumed_run_uses_the_smaller_micro_batch_from_the_same_step_on(base, tmp_path, monkeypatch):
    def train_until(name, kill_at):
        job = make_job(tmp_path, base, recipe(tokens_per_micro_batch=20), name=name)
        real_step, real = loop._step, Alone.gradients
        sizes = []

        def limited(alone, rows, *, tokens_per_micro_batch, **settings):
            step = max((row["step"] for row in job.run.metrics()), default=0)
            if step >= 4 and tokens_per_micro_batch > 10:
                raise OUT_OF_MEMORY[1]
            sizes.append(tokens_per_micro_batch)
            return real(alone, rows, tokens_per_micro_batch=tokens_per_micro_batch, **settings)

        def step(job, trainable, state, *others):
            if state.step == kill_at:
                raise Killed
            return real_step(job, trainable, state, *others)

        with monkeypatch.context() as patch:
            patch.setattr(loop, "_step", step)
            patch.setattr(Alone, "gradients", limited)
            with suppress(Killed):
                train(job, SilentProgress())
        return sizes, weights_hash(job)

    sizes, expected = train_until("straight", kill_at=99)
    assert sizes == [20] * (3 + 4) + [10] * 8  # three for the forecast
    train_until("killed", kill_at=5)
    sizes, found = train_until("killed", kill_at=99)
    assert sizes == [20] + [10] * 8  # from the checkpoint after step 3 on
    assert found == expected


def test_another_runtime_error_stays_what_it_is(base, tmp_path, monkeypatch):
    def broken(*arguments, **settings):
        raise RuntimeError("a bug")

    monkeypatch.setattr(Alone, "gradients", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        train(make_job(tmp_path, base, recipe()), SilentProgress())
