"""Plan of a training run: how many steps, when to validate, which learning rate."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import partial

from tunewright.records import TrainRecipe


@dataclass(frozen=True, slots=True)
class Plan:
    """Fixed before the first step; resuming makes the same plan again."""

    num_steps: int
    steps_per_epoch: int
    validate_after: frozenset[int]
    """Step counts after which validation runs: 0 (the untrained model), each epoch's end, and at least
    `min_validations` evenly spaced points, the last of them the end."""
    learning_rate: Callable[[int], float]
    """Of step `step` (from 0)."""


def make_plan(recipe: TrainRecipe, steps_per_epoch: int) -> Plan:
    """Lay out the run. `recipe.epochs` must be set."""
    assert recipe.epochs is not None
    # As floats, 1.1 epochs of 50 steps would be more than 55 steps.
    num_steps = max(1, math.ceil(Fraction(str(recipe.epochs)) * steps_per_epoch))
    epoch_ends = range(steps_per_epoch, num_steps + 1, steps_per_epoch)
    spaced = (round(num_steps * part / recipe.min_validations) for part in range(1, recipe.min_validations + 1))
    # With as many epochs as wanted validations the epochs' ends are enough.
    points = epoch_ends if len(epoch_ends) >= recipe.min_validations else spaced
    validate_after = frozenset({0, num_steps, *epoch_ends, *points})
    return Plan(num_steps, steps_per_epoch, validate_after, partial(learning_rate, recipe, num_steps=num_steps))


def learning_rate(recipe: TrainRecipe, step: int, num_steps: int) -> float:
    """Learning rate of step `step` (from 0): linear warm-up, then a cosine down to the final fraction.

    The first step already moves (it is 1/n of the peak for n warm-up steps, not zero).
    """
    assert recipe.learning_rate is not None
    num_warmup = math.ceil(Fraction(str(recipe.warmup_fraction)) * num_steps)
    if step < num_warmup:
        return recipe.learning_rate * (step + 1) / num_warmup
    progress = (step - num_warmup) / max(1, num_steps - num_warmup - 1)
    cosine = (1 + math.cos(math.pi * min(1.0, progress))) / 2
    final = recipe.final_learning_rate_fraction
    return recipe.learning_rate * (final + (1 - final) * cosine)
