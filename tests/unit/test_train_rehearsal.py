"""General rows among the user's: how many, in which order, and that nothing else changes."""

from collections import Counter

import pytest

from tunewright.render import TokenSequence
from tunewright.train.rehearsal import ROWS_AT_ONCE, RehearsalStream
from tunewright.train.stream import TokenStream


def rows(name: str, number: int) -> tuple[TokenSequence, ...]:
    return tuple(TokenSequence(f"{name}{index}", (1, 2), (0.0, 1.0), cut=None) for index in range(number))


OWN = TokenStream(rows("own", 20), rows_per_step=4, seed=3)


@pytest.mark.parametrize(("fraction", "per_400_own"), [(0.05, 16), (0.1, 40), (0.2, 96), (0.5, 400)])
def test_the_users_rows_stay_and_general_rows_are_the_share_asked_for(fraction: float, per_400_own: int) -> None:
    stream = RehearsalStream(OWN, rows("general", 7), fraction, num_steps=100)
    steps = [stream.rows(step) for step in range(100)]
    assert [step[:4] for step in steps] == [OWN.rows(step) for step in range(100)]
    general = [row for step in steps for row in step[4:]]
    assert all(row.example_id.startswith("general") for row in general)
    # Of 400 of the user's rows; what is due and not yet eight has to wait.
    assert len(general) == per_400_own
    assert all(len(step[4:]) % ROWS_AT_ONCE == 0 for step in steps)


@pytest.mark.parametrize("num_own", [1, 7, 8, 10, 15])
def test_the_share_holds_where_an_epochs_last_step_has_few_rows(num_own: int) -> None:
    own = TokenStream(rows("own", num_own), rows_per_step=8, seed=3)
    num_steps = 200 * own.steps_per_epoch
    stream = RehearsalStream(own, rows("general", 7), 0.15, num_steps)
    num_general = sum(len(stream.rows(step)) - len(own.rows(step)) for step in range(num_steps))
    due = 200 * num_own * 0.15 / 0.85
    assert due - ROWS_AT_ONCE < num_general <= due


@pytest.mark.parametrize(
    ("num_own", "num_steps", "fraction", "in_steps"),
    [
        # 1.4 general rows are due with every full step, and 7 in all.
        (40, 5, 0.15, [1, 1, 2, 1, 2]),
        # 8 are due, and come at once.
        (48, 6, 0.15, [0, 0, 0, 0, 0, 8]),
        (150, 19, 0.05, [0, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 0]),
        # Less than one is due.
        (10, 2, 0.05, [0, 1]),
        (3, 1, 0.15, [1]),
    ],
)
def test_a_run_too_short_for_several_at_once_has_general_rows_one_by_one(
    num_own: int, num_steps: int, fraction: float, in_steps: list[int]
) -> None:
    own = TokenStream(rows("own", num_own), rows_per_step=8, seed=3)
    stream = RehearsalStream(own, rows("general", 7), fraction, num_steps)
    steps = [stream.rows(step) for step in range(num_steps)]
    assert [len(step) - len(own.rows(number)) for number, step in enumerate(steps)] == in_steps


def test_no_general_row_comes_twice_before_all_came_once() -> None:
    stream = RehearsalStream(OWN, rows("general", 8), 0.5, num_steps=4)
    counted = Counter(row.example_id for step in range(4) for row in stream.rows(step)[4:])
    assert set(counted.values()) == {2}


def test_any_step_can_be_asked_for_alone() -> None:
    stream = RehearsalStream(OWN, rows("general", 8), 0.3, num_steps=6)
    forwards = [stream.rows(step) for step in range(6)]
    assert [stream.rows(step) for step in reversed(range(6))] == forwards[::-1]
