"""Texts to passages: paragraphs joined up to a length, and no more of a text held than that."""

from collections.abc import Iterator

import pytest

from tunewright.data.passages import MAX_PASSAGE_CHARACTERS, passages

HALF = "x" * (MAX_PASSAGE_CHARACTERS // 2)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], []),
        (["", " "], []),
        (["a", "b"], ["a\n\nb"]),  # no line is blank: each is a paragraph
        (["a", "b", ""], ["a\nb"]),
        (["", "a", "b"], ["a\n\nb"]),
        (["a", "b", "", "", "c"], ["a\nb\n\nc"]),
        ([HALF, "", HALF], [HALF, HALF]),  # the blank line between them is too much
        ([HALF, "", HALF[:-2]], [f"{HALF}\n\n{HALF[:-2]}"]),
        ([3 * HALF, "", "a"], [3 * HALF, "a"]),
    ],
)
def test_paragraphs_are_joined_up_to_the_length_of_a_passage(lines: list[str], expected: list[str]) -> None:
    assert list(passages(lines)) == expected


def test_of_a_text_with_blank_lines_no_more_is_read_than_is_asked_for() -> None:
    num_read = 0

    def endless() -> Iterator[str]:
        nonlocal num_read
        while True:
            num_read += 1
            yield HALF if num_read % 2 else ""

    assert next(passages(endless())) == HALF
    assert num_read == 4
