"""Sampling weights act on training rows when a version is frozen: repeated, left out by name, the same every time."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tunewright.data.prepare import PreparedData, prepare
from tunewright.data.weights import weigh
from tunewright.errors import DataError
from tunewright.records import DataRecipe, SourceRecipe, Split

NUM_ROWS = 400


def write(folder: Path, name: str, first: int) -> str:
    rows = [
        {"prompt": f"Question {n * 7919} about thing {n}", "completion": f"Answer {n * 104729}"}
        for n in range(first, first + NUM_ROWS)
    ]
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(folder / name)


def prepared(folder: Path, weight: float, **settings: Any) -> PreparedData:
    one = SourceRecipe(path=write(folder, "one.jsonl", 0))
    two = SourceRecipe(path=write(folder, "two.jsonl", NUM_ROWS), name="two", weight=weight)
    return prepare(DataRecipe(sources=(one, two), **settings))


def train_counts(data: PreparedData, source: str | None) -> Counter[str]:
    return Counter(row.id for row in data.rows(Split.TRAIN) if (row.provenance.part_of == "two") == (source == "two"))


@pytest.mark.parametrize(("weight", "copies"), [(1.0, {1}), (2.0, {2}), (2.5, {2, 3}), (0.25, {1})])
def test_a_weight_repeats_rows_or_leaves_some_out(tmp_path: Path, weight: float, copies: set[int]) -> None:
    plain, data = prepared(tmp_path, 1.0), prepared(tmp_path, weight)
    counts = train_counts(data, "two")
    assert set(counts.values()) == copies
    expected = weight * len(train_counts(plain, "two"))
    # Four standard deviations of as many independent draws.
    assert abs(counts.total() - expected) <= 4 * (NUM_ROWS * 0.25) ** 0.5
    assert train_counts(data, None) == train_counts(plain, None)
    for split in (Split.VALIDATION, Split.TEST):
        assert data.rows(split) == plain.rows(split)


def test_rows_left_out_are_named_with_the_weight(tmp_path: Path) -> None:
    data = prepared(tmp_path, 0.5)
    out = [change for change in data.version.changes if change.cause == "weights"]
    assert {(change.action, change.reason) for change in out} == {("dropped", "sampled out (weight 0.5)")}
    assert len(out) + len(train_counts(data, "two")) == len(train_counts(prepared(tmp_path, 1.0), "two"))
    assert not {change.example_id for change in out} & set(data.examples)


def test_a_larger_weight_only_adds_rows_and_the_seed_chooses_them(tmp_path: Path) -> None:
    few, more = train_counts(prepared(tmp_path, 0.3), "two"), train_counts(prepared(tmp_path, 0.6), "two")
    assert few.keys() < more.keys()
    assert prepared(tmp_path, 0.3).version.id == prepared(tmp_path, 0.3).version.id
    recipe = DataRecipe(sources=(SourceRecipe(path="two.jsonl", name="two", weight=0.3),))
    rows = [row for row in prepared(tmp_path, 1.0).rows(Split.TRAIN) if row.provenance.part_of == "two"]
    other = recipe.model_copy(update={"split_seed": 1})
    assert {row.id for row in weigh(rows, recipe)[0]} != {row.id for row in weigh(rows, other)[0]}


def test_a_row_in_two_sources_has_the_weight_of_the_first(tmp_path: Path) -> None:
    path = write(tmp_path, "one.jsonl", 0)
    first, again = SourceRecipe(path=path, name="first"), SourceRecipe(path=path, name="again", weight=3.0)
    data = prepare(DataRecipe(sources=(first, again)))
    assert {row.provenance.part_of for row in data.rows(Split.TRAIN)} == {"first"}
    assert set(Counter(row.id for row in data.rows(Split.TRAIN)).values()) == {1}


def test_weights_that_leave_too_few_rows_are_refused(tmp_path: Path) -> None:
    source = SourceRecipe(path=write(tmp_path, "one.jsonl", 0), name="one", weight=0.0)
    with pytest.raises(DataError, match=r"^one: found 0 training rows after sampling by weight, of 320"):
        prepare(DataRecipe(sources=(source,)))
