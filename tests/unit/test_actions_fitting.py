"""What is refused for lack of disk before a base is loaded: the plan is that of training."""

import shutil
from collections import namedtuple
from pathlib import Path

import pytest
from small_job import small_recipe, write_long_texts
from tiny_base import write_tiny_base

from tunewright.actions.fitting import require_memory_and_disk
from tunewright.actions.preparing import prepare_tuning
from tunewright.contracts import SilentProgress
from tunewright.errors import StoreError
from tunewright.records import Split
from tunewright.store import Store

Usage = namedtuple("Usage", "total used free")


def test_steps_of_long_texts_are_counted_in_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, base = write_long_texts(tmp_path / "texts.jsonl"), write_tiny_base(tmp_path / "base")
    recipe = small_recipe(rows, base, "train.epochs=1", "train.rows_per_step=20")
    preparation = prepare_tuning(recipe, SilentProgress())
    assert len(preparation.data.rows(Split.TRAIN)) == 20  # one step, if they were counted
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12, 0))
    with pytest.raises(StoreError, match="up to 3 checkpoints"):
        require_memory_and_disk(preparation, Store(tmp_path / "home"))
