"""Plan, learning rate and row order against hand-worked cases."""

from itertools import pairwise

import pytest

from tunewright.records import TrainRecipe
from tunewright.render import TokenSequence
from tunewright.train.schedule import learning_rate, make_plan
from tunewright.train.stream import TokenStream


def test_the_learning_rate_rises_to_its_peak_and_falls_to_a_tenth():
    recipe = TrainRecipe(learning_rate=1.0, warmup_fraction=0.05)
    rates = [learning_rate(recipe, step, 100) for step in range(100)]
    assert rates[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert rates[5] == pytest.approx(1.0)
    assert rates[52] == pytest.approx(0.55, abs=0.01)
    assert rates[99] == pytest.approx(0.1)
    assert all(later <= earlier for earlier, later in pairwise(rates[5:]))


@pytest.mark.parametrize("num_steps", [1, 2, 3])
def test_the_shortest_runs_have_a_learning_rate_too(num_steps):
    recipe = TrainRecipe(learning_rate=1.0)
    assert all(0 < learning_rate(recipe, step, num_steps) <= 1.0 for step in range(num_steps))


def test_validation_comes_at_every_epochs_end_when_there_are_enough_epochs():
    plan = make_plan(TrainRecipe(epochs=5, min_validations=4), steps_per_epoch=10)
    assert plan.num_steps == 50
    assert plan.validate_after == {0, 10, 20, 30, 40, 50}


def test_short_runs_validate_at_least_min_validations_times():
    plan = make_plan(TrainRecipe(epochs=2, min_validations=4), steps_per_epoch=20)
    assert plan.validate_after == {0, 10, 20, 30, 40}


def test_a_part_of_an_epoch_is_at_least_one_step():
    assert make_plan(TrainRecipe(epochs=0.01), steps_per_epoch=20).num_steps == 1
    assert make_plan(TrainRecipe(epochs=1.5), steps_per_epoch=3).num_steps == 5


@pytest.mark.parametrize(
    ("epochs", "steps_per_epoch", "num_steps"), [(1.1, 50, 55), (2.2, 25, 55), (1.1, 51, 57), (1e-5, 100_000, 1)]
)
def test_decimal_epochs_are_exactly_as_many_steps(epochs, steps_per_epoch, num_steps):
    assert make_plan(TrainRecipe(epochs=epochs), steps_per_epoch).num_steps == num_steps


def test_a_decimal_share_of_warm_up_is_exactly_as_many_steps():
    recipe = TrainRecipe(learning_rate=1.0, warmup_fraction=0.07)
    assert [learning_rate(recipe, step, 100) for step in (0, 6)] == pytest.approx([1 / 7, 1.0])


def rows(count):
    return [TokenSequence(str(index), (1, 2), (0.0, 1.0), cut=None) for index in range(count)]


def test_every_row_is_seen_once_per_epoch_in_another_order():
    stream = TokenStream(rows(10), rows_per_step=4, seed=0)
    assert stream.steps_per_epoch == 3
    epochs = [[row.example_id for step in range(3) for row in stream.rows(3 * epoch + step)] for epoch in range(2)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == [str(index) for index in range(10)]
    assert epochs[0] != epochs[1]
    assert [len(stream.rows(step)) for step in range(3)] == [4, 4, 2]
    assert [stream.num_rows_before(step) for step in range(8)] == [0, 4, 8, 10, 14, 18, 20, 24]


def test_a_step_depends_on_seed_and_number_only():
    first, again, other = (TokenStream(rows(50), rows_per_step=8, seed=seed) for seed in (1, 1, 2))
    assert first.rows(9) == again.rows(9)
    assert [first.rows(step) for step in range(7)] != [other.rows(step) for step in range(7)]
