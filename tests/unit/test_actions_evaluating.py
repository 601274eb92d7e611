"""Rows that a model was trained on: where they are looked for, and what is said when they are not at hand."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from listening import Listening
from store_samples import dataset, new_store

from tunewright.actions.evaluating import _warn_of_training_rows
from tunewright.errors import CorruptError
from tunewright.records import Example

VERSION, EXAMPLES = dataset("one?", "two?", "three?")


@dataclass
class Opened:
    """What is asked of an opened run."""

    home: Path | None
    dataset_id: str | None = VERSION.id
    full_name: str = "20261120-120000-3fa2"


@dataclass
class Prepared:
    """A preparation whose test rows are all training rows but one."""

    data: Any = field(init=False)

    def __post_init__(self) -> None:
        self.data = self

    def rows(self, split: object) -> tuple[Example, ...]:
        return (*EXAMPLES.values(), *dataset("four?")[1].values())


def said(own: Path | None, given: Path) -> list[str]:
    listening, preparation, opened = Listening(), Prepared(), Opened(own)
    _warn_of_training_rows(opened, preparation, given, listening)  # type: ignore[arg-type]
    return listening.lines


@pytest.mark.parametrize("place", ["own", "given"])
def test_training_rows_are_found_in_the_runs_own_home_and_in_the_given_one(tmp_path: Path, place: str) -> None:
    new_store(tmp_path / place).put_dataset(VERSION, EXAMPLES)
    (warning,) = said(tmp_path / "own", tmp_path / "given")
    assert warning.startswith("Warning: 3 of the 4 inputs were training rows of 20261120-120000-3fa2.")


def test_training_rows_of_a_run_that_was_moved_out_of_its_home_are_those_of_the_given_home(tmp_path: Path) -> None:
    new_store(tmp_path).put_dataset(VERSION, EXAMPLES)
    assert said(None, tmp_path)[0].startswith("Warning: 3 of the 4 inputs")


def test_training_rows_that_were_deleted_are_told_not_refused(tmp_path: Path) -> None:
    new_store(tmp_path).put_dataset(VERSION, EXAMPLES)
    shutil.rmtree(tmp_path / "datasets")
    (line,) = said(tmp_path, tmp_path)
    assert line.startswith("Not checked whether the model was trained on these rows: ")
    assert VERSION.id[:16] in line


def test_training_rows_that_are_not_what_they_were_are_refused(tmp_path: Path) -> None:
    folder = new_store(tmp_path / "own").put_dataset(VERSION, EXAMPLES)
    new_store(tmp_path / "given").put_dataset(VERSION, EXAMPLES)
    (folder / "examples.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(CorruptError):
        said(tmp_path / "own", tmp_path / "given")
