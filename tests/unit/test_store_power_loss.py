"""The power goes at any call, and what was not synced is lost, half lost, or kept, in any combination.

A disk may keep writes in any order until it is told to sync. So everything that changed since the last sync of its file
or folder is noted with a way to undo it, and after the loss each of these changes is undone or not, by chance.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from test_store_faults import OPERATIONS, finish, publish_new
from volatile_files import PowerLoss, VolatileFiles

from tunewright.store import Files

NUM_IMAGES = 8
"""After each call: everything unsynced lost, everything kept, and six by chance."""


def keeps(image: int) -> Callable[[], bool]:
    chance = random.Random(image)
    return [lambda: False, lambda: True, lambda: chance.random() < 0.5][min(image, 2)]


def lose_power(operation: str, home: Path, number: int, image: int) -> int:
    """Carry the operation out until the power goes before call `number`; returns how many calls there were."""
    prepare, act, _ = OPERATIONS[operation]
    trash = home.with_name(f"{home.name}-trash")
    home.mkdir()
    trash.mkdir()
    prepare(home)
    files = VolatileFiles(trash, number)
    with suppress(PowerLoss):
        act(home, files)
    files.lose(keeps(image))
    return files.count


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_power_loss_at_any_call_leaves_the_old_state_or_the_new(tmp_path, operation):
    num_calls = lose_power(operation, tmp_path / "healthy", 0, image=1)
    for number in range(1, num_calls + 1):
        for image in range(NUM_IMAGES):
            home = tmp_path / f"{number}-{image}"
            lose_power(operation, home, number, image)
            assert OPERATIONS[operation][2](home) in ("old", "new")
            finish(operation, home)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_what_was_done_before_the_power_went_is_there(tmp_path, operation):
    for image in range(NUM_IMAGES):
        home = tmp_path / str(image)
        lose_power(operation, home, 0, image)
        assert OPERATIONS[operation][2](home) == "new"


def test_a_publish_that_did_not_sync_would_be_noticed(tmp_path, monkeypatch):
    """The tests above are only worth something if they see a missing sync."""
    monkeypatch.setattr(Files, "fsync_folder", lambda self, path: None)
    (tmp_path / "trash").mkdir()
    files = VolatileFiles(tmp_path / "trash")
    publish_new(tmp_path, files)
    files.lose(keeps(0))
    assert not (tmp_path / "model").exists()
