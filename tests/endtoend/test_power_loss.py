"""The power goes during a run: what was not synced is lost, torn or kept, and the run ends in the same bytes."""

import hashlib
import random
from contextlib import suppress
from pathlib import Path

import pytest
from small_job import FEW, adapter_bytes, small_recipe, write_rows
from tiny_base import write_tiny_base
from volatile_files import PowerLoss, VolatileFiles

from tunewright.actions import resume, tune, tuning
from tunewright.store import Store

IMAGES = ("everything unsynced lost", "everything kept", "by chance", "by other chance")
NOT_SYNCED_BY_DESIGN = (".jsonl", "lock")
"""Lines that are appended, which `VolatileFiles` takes back one by one, and the lock, which means nothing by itself."""


class VolatileRun(VolatileFiles):
    """Sees also what libraries write: a file of whose bytes no sync was told is not on the disk."""

    def __init__(self, trash: Path, lose_at: int = 0) -> None:
        super().__init__(trash, lose_at)
        self.synced: set[bytes] = set()

    def before(self, call: str, path: Path) -> None:
        super().before(call, path)
        if call == "fsync" and path.is_file():
            self.synced.add(digest(path))

    def lose_power(self, home: Path, image: int) -> None:
        chance = random.Random(image)
        keeps = [lambda: False, lambda: True, lambda: chance.random() < 0.5][min(image, 2)]
        for path in sorted(path for path in home.rglob("*") if path.is_file()):
            if not path.name.endswith(NOT_SYNCED_BY_DESIGN) and digest(path) not in self.synced and not keeps():
                path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        self.lose(keeps)


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


class Straight:
    def __init__(self, folder: Path) -> None:
        self.inputs = write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base")
        self.num_calls = run_until_power_goes(self.inputs, folder / "home", 0).count
        self.weights = adapter_bytes(folder / "home")


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    return Straight(tmp_path_factory.mktemp("straight"))


def run_until_power_goes(inputs, home, number):
    trash = home.with_name(f"{home.name}-trash")
    trash.mkdir()
    files = VolatileRun(trash, number)
    with pytest.MonkeyPatch.context() as patch, suppress(PowerLoss):
        patch.setattr(tuning, "Store", lambda home: Store(home, files=files))
        tune(small_recipe(*inputs, *FEW), home=home)
    return files


def require_the_same_end(straight, home, number, image):
    run_until_power_goes(straight.inputs, home, number).lose_power(home, image)
    if Store(home).runs():
        resume("last", home=home)
    else:
        tune(small_recipe(*straight.inputs, *FEW), home=home)
    assert adapter_bytes(home) == straight.weights
    assert not list(home.rglob(".tmp*"))


@pytest.mark.parametrize("share", [0.6, 0.85], ids=["in training", "while publishing"])
def test_a_run_whose_machine_lost_power_ends_in_the_same_bytes(straight, tmp_path, share):
    require_the_same_end(straight, tmp_path / "home", int(share * straight.num_calls), image=0)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("image", range(len(IMAGES)), ids=IMAGES)
def test_wherever_the_power_goes_a_run_ends_in_the_same_bytes(straight, tmp_path, image):
    for number in range(1, straight.num_calls):
        require_the_same_end(straight, tmp_path / str(number), number, image)


def test_weights_that_were_not_synced_would_be_noticed(straight, tmp_path, monkeypatch):
    """The tests above are only worth something if they see that a library's file was never synced."""
    real = VolatileRun.fsync_file
    monkeypatch.setattr(VolatileRun, "fsync_file", lambda files, path: path.is_dir() and real(files, path))
    home = tmp_path / "home"
    run_until_power_goes(straight.inputs, home, int(0.85 * straight.num_calls)).lose_power(home, image=0)
    assert Store(home).run("last").checkpoints().corrupt
