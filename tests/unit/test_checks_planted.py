"""Every check finds what was planted for it and leaves clean rows alone."""

from functools import cache

import pytest
from planted import DEFECTS
from planted_defects import Alarms, Recall, measure_alarms, measure_recall, recall_table, with_interval
from planting import Defect, planted

from tunewright.data.checks.check import Check
from tunewright.data.checks.run import CHECKS

NUM_ROWS = 400


@cache
def alarms() -> Alarms:
    return measure_alarms(NUM_ROWS)


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: f"{defect.check}: {defect.name}")
def test_a_planted_defect_is_found(defect: Defect) -> None:
    recall = measure_recall(defect, NUM_ROWS)
    assert recall.num_planted >= 3
    assert recall.num_found >= defect.min_recall * recall.num_planted, recall.missed


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_clean_rows_raise_no_alarm(check: Check) -> None:
    assert alarms().num_reported[check.id] == 0


def test_the_same_seed_plants_the_same_rows() -> None:
    first, again, other = (planted(DEFECTS[1], 50, seed) for seed in (1, 1, 2))
    assert first == again
    assert first.rows != other.rows


def test_every_defect_is_planted_for_a_check_that_exists() -> None:
    known = {check.id for check in CHECKS} | {"duplicates", "shared_inputs"}
    assert {defect.check for defect in DEFECTS} <= known


def test_a_share_comes_with_its_wilson_interval() -> None:
    # Wilson's interval for 8 of 10, as in Newcombe 1998, table I.
    assert with_interval(8, 10) == "80.0% [49.0, 94.3]"


def test_misses_are_shown_once_each() -> None:
    lines = recall_table([Recall(DEFECTS[0], 3, ("a|b", "a|b", "c`"))]).splitlines()
    assert lines[-1] == "| `duplicates` | the same row again | 3 | 0 | 0.0% [0.0, 56.1] | `a\\|b`, `c'` |"
