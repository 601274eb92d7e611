"""Which losses are an explosion: constructed ones, with nothing trained."""

import random
from statistics import median

import pytest
from store_samples import RECIPE_ID, run_record

from tunewright.errors import DivergedError
from tunewright.records import Remedy, TrainRecipe
from tunewright.store import Store
from tunewright.train.checkpoint import TrainState
from tunewright.train.explosion import (
    EXPLODED_FACTOR,
    EXPLODED_NATS,
    NUM_HIGH,
    WINDOW,
    note_loss,
    refuse_explosion_between,
)
from tunewright.train.recovery import FILE, Recovery


@pytest.fixture
def run(tmp_path):
    return Store(tmp_path).create_run(RECIPE_ID, run_record)


def watch(run, losses, state=None):
    """Let a run have these training losses, one after the other; returns where it stands."""
    state, recovery = state or TrainState(), Recovery(run)
    for loss in losses:
        state = note_loss(state.model_copy(update={"step": state.step + 1}), loss)
        refuse_explosion_between(recovery, state)
    return state


def falling(num_steps, start=8.0, end=0.5):
    return [end + (start - end) * 0.97**step for step in range(num_steps)]


def test_the_lowest_median_of_full_windows_is_remembered(run):
    losses = [random.Random(0).gauss(3.0, 0.3) for _ in range(100)]
    medians = [median(losses[end - WINDOW : end]) for end in range(WINDOW, 101)]
    state = watch(run, losses)
    assert state.lowest_recent_loss == min(medians)
    assert state.lowest_recent_step == WINDOW + medians.index(min(medians))
    assert state.recent_losses == tuple(losses[-WINDOW:])


def test_losses_that_rise_and_stay_high_are_an_explosion_when_three_quarters_of_the_window_have_them(run):
    losses = [1.0] * 100 + [3.0] * 100
    words = (
        r"After step 138 the training loss of the last 50 steps is 3\.000 \(median\), and was 1\.000 after step 50\."
    )
    with pytest.raises(DivergedError, match=words):
        watch(run, losses)


def test_a_slow_drift_is_found_too(run):
    losses = [1.0] * 50 + [1.0 + 0.01 * step for step in range(200)]
    first_high = next(step for step, loss in enumerate(losses, 1) if loss > EXPLODED_FACTOR * 1.0 + EXPLODED_NATS)
    with pytest.raises(DivergedError, match=f"After step {first_high + NUM_HIGH - 1} the"):
        watch(run, losses)


@pytest.mark.parametrize("seed", range(5))
def test_noisy_losses_of_a_healthy_run_are_none(run, seed):
    # The losses of single steps differ by a factor of 3 in either direction (lognormal), and each tenth is a spike.
    chance = random.Random(seed)
    noisy = [loss * chance.lognormvariate(0, 0.55) * (10 if chance.random() < 0.1 else 1) for loss in falling(3000)]
    assert max(noisy[1000:]) > 20 * median(noisy[1000:])
    watch(run, noisy)


def test_thirty_bad_steps_in_a_row_that_pass_are_none(run):
    watch(run, [*falling(200), *[50.0] * 30, *falling(200, start=0.6)])


def test_a_plateau_and_rows_learned_by_heart_are_none(run):
    watch(run, [*falling(300), *[0.7] * 300, *[0.001] * 300, *[0.25] * 100])


def test_a_run_that_went_back_before_goes_on(run):
    run.append_json(FILE, Remedy(from_step=0, learning_rate_factor=0.5, reason="").model_dump(exclude_none=True))
    watch(run, [1.0] * 100 + [3.0] * 100)


def test_what_decides_survives_in_the_state_bit_for_bit(run):
    chance = random.Random(1)
    losses = [chance.gauss(1.0, 0.1) for _ in range(70)] + [4.0] * 5
    straight = watch(run, losses)
    state = TrainState()
    for loss in losses:
        state = watch(run, [loss], TrainState.model_validate_json(state.model_dump_json()))
    assert state == straight


def test_a_checkpoint_from_before_this_look_starts_an_empty_window():
    assert TrainState.model_validate_json('{"step": 7}').recent_losses == ()


def test_remedies_are_read_once_and_kept_up_to_date(run, monkeypatch):
    recovery = Recovery(run)
    assert recovery.remedies == ()
    halved = recovery.compute_less(TrainRecipe(tokens_per_micro_batch=64), 3, 10, "out of memory")
    assert recovery.remedies == Recovery(run).remedies == (halved,)
    monkeypatch.setattr(type(run), "recover_json_lines", lambda *_: pytest.fail("the file was read again"))
    assert (recovery.tokens_per_micro_batch(TrainRecipe(tokens_per_micro_batch=64), 3), halved.from_step) == (32, 3)
    assert recovery.rate_factor(3) == 1.0
    assert not recovery.has_lower_rate
