"""Examples on disk: they come back as they were, whole and as checks see them."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.checks.check import CheckedRow, checked_row
from tunewright.data.example_file import ExampleFile, RowsOnDisk, SelectedExamples, examples_on_disk
from tunewright.records import (
    Body,
    Conversation,
    Example,
    Message,
    PlainText,
    PreferencePair,
    Provenance,
    Split,
    ToolCall,
)

CALL = ToolCall(id="1", name="weather", arguments='{"city": "Zürich"}')
BODIES: tuple[Body, ...] = (
    Conversation(
        messages=(Message(role="user", content="Hi\u2028there"), Message(role="assistant", content='"Yes"\n'))
    ),
    Conversation(
        messages=(
            Message(role="system", content="Be brief.", tools='[{"type": "function"}]'),
            Message(role="user", content="Weather?"),
            Message(role="assistant", content="", tool_calls=(CALL,), weight=0),
            Message(role="tool", content="rain", tool_call_id="1", name="weather"),
            Message(role="assistant", content="It rains. 🌧"),
        )
    ),
    Conversation(
        messages=(Message(role="user", content="q"), Message(role="assistant", content="", tool_calls=(CALL,)))
    ),
    PreferencePair(prompt=(Message(role="user", content="Which?"),), chosen="this", rejected="that"),
    PlainText(text="Once upon a time"),
)


def example(body: Body, row: int = 1) -> Example:
    return Example(body=body, provenance=Provenance(source="rows.jsonl", row=row, licence="CC0-1.0"))


EXAMPLES = tuple(example(body, row) for row, body in enumerate(BODIES, start=1))


def numbered(number: int) -> list[Example]:
    return [example(PlainText(text=f"text {place}"), place) for place in range(number)]


def seen(row: CheckedRow) -> list[object]:
    """Everything that a check can ask of a row."""
    fields = [name for name in CheckedRow.__slots__ if name not in ("load", "texts")]
    return [*(getattr(row, name) for name in fields), tuple(row.texts), row.example]


def test_examples_come_back_as_they_were_written() -> None:
    file = ExampleFile(EXAMPLES)
    assert tuple(file) == EXAMPLES
    assert file[-1] == EXAMPLES[-1]
    assert file[1:4] == list(EXAMPLES[1:4])
    assert [file.id(index).hex() for index in range(len(file))] == [each.id for each in EXAMPLES]
    assert [file.input_id(index).hex() for index in range(len(file))] == [each.input_id for each in EXAMPLES]
    with pytest.raises(IndexError):
        file[len(EXAMPLES)]


def test_the_ids_of_what_comes_back_are_those_of_its_content() -> None:
    for read in ExampleFile(EXAMPLES):
        assert (read.id, read.input_id) == (example(read.body).id, example(read.body).input_id)


def test_checks_see_the_same_on_disk_as_in_memory() -> None:
    rows = RowsOnDisk([(ExampleFile(EXAMPLES), range(len(EXAMPLES)), Split.TEST)])
    assert [seen(row) for row in rows] == [seen(checked_row(each, Split.TEST)) for each in EXAMPLES]


@given(st.integers(1, 30), st.data())
def test_any_positions_can_be_read_in_any_order(number: int, data: st.DataObject) -> None:
    examples = numbered(number)
    positions = data.draw(st.lists(st.integers(0, number - 1)))
    assert list(ExampleFile(examples).read(positions)) == [examples[position] for position in positions]


def test_each_extension_is_seen_on_its_own() -> None:
    file = ExampleFile()
    first, second = file.extend(EXAMPLES[:2]), file.extend(EXAMPLES[2:])
    assert (list(first), list(second), tuple(file)) == (list(EXAMPLES[:2]), list(EXAMPLES[2:]), EXAMPLES)


def test_selected_examples_leave_out_and_replace() -> None:
    file = ExampleFile(EXAMPLES)
    new = example(PlainText(text="new"), 3)
    selected = SelectedExamples(file, [0, 2, 3], {2: new})
    expected = [EXAMPLES[0], new, EXAMPLES[3]]
    assert list(selected) == expected
    assert [selected.id(index).hex() for index in range(3)] == [each.id for each in expected]
    assert [selected.input_id(index).hex() for index in range(3)] == [each.input_id for each in expected]
    rows = selected.rows(range(3), None)
    assert [seen(row) for row in rows] == [seen(checked_row(each)) for each in expected]
    assert list(SelectedExamples(selected, [1, 2], {})) == expected[1:]


@given(st.lists(st.integers(0, 4), max_size=4), st.data())
def test_rows_of_several_files_are_one_sequence(sizes: list[int], data: st.DataObject) -> None:
    files = [[example(PlainText(text=f"{file} {row}"), row) for row in range(size)] for file, size in enumerate(sizes)]
    rows = RowsOnDisk([(ExampleFile(examples), range(len(examples)), None) for examples in files])
    expected = [each.id for examples in files for each in examples]
    assert [row.id for row in rows] == expected
    assert [rows[position].id for position in range(len(rows))] == expected
    assert [row.id for row in rows[1:3]] == expected[1:3]
    positions: Sequence[int] = data.draw(st.lists(st.integers(0, len(expected) - 1))) if expected else []
    assert [row.id for row in rows.at(positions)] == [expected[position] for position in positions]


@given(st.integers(0, 20_000), st.lists(st.one_of(st.none(), st.lists(st.integers(0, 9))), max_size=6))
def test_rows_are_the_same_whether_they_are_held_or_read_again(
    max_held_bytes: int, accesses: list[list[int] | None]
) -> None:
    files = [(ExampleFile(numbered(4)), range(4), None), (ExampleFile(EXAMPLES), range(5), Split.TEST)]
    rows = RowsOnDisk([*files, (ExampleFile(numbered(1)), range(1), None)], max_held_bytes)
    expected = [seen(row) for examples, positions, split in files for row in examples.rows(positions, split)]
    expected += [seen(checked_row(each)) for each in numbered(1)]
    half_read = iter(rows)
    next(half_read)
    for positions in accesses:
        found = rows if positions is None else rows.at(positions)
        wanted = expected if positions is None else [expected[position] for position in positions]
        assert [seen(row) for row in found] == wanted
    assert [seen(row) for row in half_read] == expected[1:]
    assert [seen(rows[position]) for position in range(-1, 10)] == [expected[-1], *expected]


def test_only_as_many_rows_are_held_as_have_room() -> None:
    rows = RowsOnDisk([(ExampleFile(numbered(100)), range(100), None)], max_held_bytes=10_000)
    first, again = list(rows), list(rows)
    num_held = sum(row is same for row, same in zip(first, again, strict=True))
    assert 5 <= num_held <= 11
    assert all(row is same for row, same in zip(first[:num_held], again[:num_held], strict=True))


def test_rows_skip_what_is_not_named() -> None:
    rows = RowsOnDisk([(ExampleFile(numbered(6)), [1, 4], Split.TRAIN)])
    assert [row.location for row in rows] == ["rows.jsonl:1", "rows.jsonl:4"]


def test_examples_that_are_on_disk_stay_where_they_are() -> None:
    file = ExampleFile(EXAMPLES)
    assert examples_on_disk(file) is file
    assert tuple(examples_on_disk(EXAMPLES)) == EXAMPLES
