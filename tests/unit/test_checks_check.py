"""Rows as checks see them: views that are made when they are asked for, and figures that are computed once."""

from collections.abc import Iterable, Iterator

from checked_rows import conversations, plain_texts

from tunewright.data.checks.check import (
    CheckedRow,
    Overview,
    RememberingRows,
    RowSet,
    RowTexts,
    SomeRows,
    once,
    overview,
)

ROWS = conversations([("q0", "a0"), ("q1", "a1"), ("q2", "a2"), ("q3", "a3")])


class Remembering(RememberingRows):
    """Rows in memory that count how often they are passed over."""

    def __init__(self, rows: RowSet) -> None:
        super().__init__()
        self.rows = rows
        self.num_passes = 0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> CheckedRow:
        return self.rows[index]

    def __iter__(self) -> Iterator[CheckedRow]:
        self.num_passes += 1
        return iter(self.rows)

    def at(self, positions: Iterable[int]) -> Iterator[CheckedRow]:
        return (self.rows[position] for position in positions)


def num_with(rows: RowSet, length: float) -> int:
    return sum(len(row.answer) == length for row in rows)


def test_a_figure_is_computed_once_for_each_setting() -> None:
    rows = Remembering(ROWS)
    assert [once(rows, num_with, 2), once(rows, num_with, 2), once(rows, num_with, 3)] == [4, 4, 0]
    assert rows.num_passes == 2


def test_plain_rows_are_computed_every_time() -> None:
    assert [once(ROWS, num_with, 2), once(ROWS[:1], num_with, 2)] == [4, 1]


def test_the_overview_says_what_there_is() -> None:
    assert overview(ROWS) == Overview(num_answers=4, has_pairs=False, uses_tools=False)
    assert overview(plain_texts(["one", "two"])).num_answers == 0


def test_some_rows_are_a_sequence_of_their_own() -> None:
    for rows in (ROWS, Remembering(ROWS)):
        some = SomeRows(rows, [3, 1, 2])
        assert len(some) == 3
        assert [row.answer for row in some] == ["a3", "a1", "a2"]
        assert some[0].answer == "a3"
        assert [row.answer for row in some[1:]] == ["a1", "a2"]


def test_texts_are_made_when_they_are_asked_for() -> None:
    asked: list[str] = []

    def text_of(row: CheckedRow) -> str:
        asked.append(row.input)
        return row.answer

    texts = RowTexts(ROWS, text_of)
    assert (len(texts), asked) == (4, [])
    assert (texts[2], texts[1:3], list(texts)) == ("a2", ["a1", "a2"], ["a0", "a1", "a2", "a3"])
    assert asked == ["q2", "q1", "q2", "q0", "q1", "q2", "q3"]
