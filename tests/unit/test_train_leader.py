"""Which checkpoint leads: by the metric of its answers, and among those about as good by the loss."""

import random

import pytest

from tunewright.records import Estimate
from tunewright.train.leader import Leader


def share(value: float | None, num_rows: int = 20) -> Estimate | None:
    return None if value is None else Estimate(value=value, low=value, high=value, num_rows=num_rows)


def leader_of(*points: tuple[float, float | None]) -> Leader:
    """Of checkpoints 0, 1, … with their losses and metrics."""
    leader = Leader()
    for step, (loss, value) in enumerate(points):
        leader = leader.after(step, loss, share(value))
    return leader


@pytest.mark.parametrize(
    ("points", "step"),
    [
        # Without answers the loss decides.
        ([(3.0, None), (1.0, None), (2.0, None)], 1),
        # Answers get better while the loss rises: learned by heart.
        ([(3.0, 0.0), (1.0, 0.5), (1.4, 0.8)], 2),
        # The loss falls on, and answers get worse.
        ([(3.0, 0.0), (1.0, 0.9), (0.9, 0.5)], 1),
        # One answer more or less is no difference: the lower loss decides, to either side.
        ([(3.0, 0.0), (1.0, 0.90), (1.1, 0.95)], 1),
        ([(3.0, 0.0), (1.0, 0.95), (0.9, 0.90)], 2),
        # Two answers are one.
        ([(3.0, 0.0), (1.0, 0.85), (1.1, 0.95)], 2),
        # Of the last two the earlier one has the lower loss; it did not take the lead when its turn was.
        ([(3.0, 0.0), (1.0, 0.80), (1.1, 0.85), (1.3, 0.90)], 3),
        # A checkpoint that could not be asked is compared by its loss.
        ([(3.0, 0.0), (1.0, 0.9), (0.9, None)], 2),
        ([(3.0, 0.0), (1.0, 0.9), (1.1, None)], 1),
        ([(3.0, None), (1.0, 0.9), (1.1, 0.95)], 1),
        ([(3.0, 0.9)], 0),
    ],
)
def test_the_best_at_the_task_leads(points: list[tuple[float, float | None]], step: int) -> None:
    assert leader_of(*points).step == step


def test_lower_losses_do_not_lead_step_by_step_away_from_the_highest_metric() -> None:
    # Each is one answer behind the one before it; the third is two behind the highest.
    found = leader_of((3.0, 0.95), (2.0, 0.90), (1.0, 0.85))
    assert (found.step, found.highest) == (1, 0.95)


def test_the_leader_is_never_more_than_an_answer_behind_the_highest() -> None:
    chance = random.Random(0)
    for _ in range(300):
        points = [(chance.random(), chance.randrange(21) / 20) for _ in range(chance.randint(1, 8))]
        found = leader_of(*points)
        highest = max(value for _, value in points)
        assert found.highest == highest
        assert points[found.step][1] >= highest - 0.05 - 1e-9
        assert (found.loss, found.task) == (points[found.step][0], share(points[found.step][1]))
        # None that is as good by its answers and came later has a lower loss.
        assert all(
            points[later][1] < highest - 0.05 - 1e-9 or points[later][0] >= points[found.step][0]
            for later in range(found.step, len(points))
        )
