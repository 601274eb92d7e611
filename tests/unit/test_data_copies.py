"""Equal examples: the sorted hashes against a count by hand."""

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.copies import first_of_each, repeated
from tunewright.data.example_file import ExampleFile, Examples
from tunewright.records import Example, PlainText, Provenance

PARTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), min_size=1, max_size=3)


def on_disk(parts: list[list[str]]) -> list[ExampleFile]:
    return [
        ExampleFile(
            Example(body=PlainText(text=text), provenance=Provenance(source=str(part), row=row))
            for row, text in enumerate(texts)
        )
        for part, texts in enumerate(parts)
    ]


@given(PARTS)
def test_of_equal_examples_the_first_is_kept(parts: list[list[str]]) -> None:
    flat = [text for texts in parts for text in texts]
    found = [
        texts[place] for texts, firsts in zip(parts, first_of_each(on_disk(parts)), strict=True) for place in firsts
    ]
    assert found == list(dict.fromkeys(flat))


@given(PARTS)
def test_copies_are_grouped_in_the_order_of_their_first_place(parts: list[list[str]]) -> None:
    places: dict[str, list[tuple[int, int]]] = {}
    for part, texts in enumerate(parts):
        for place, text in enumerate(texts):
            places.setdefault(text, []).append((part, place))
    assert repeated(on_disk(parts)) == [found for found in places.values() if len(found) > 1]


class Ids:
    """Examples of which only the ids are known."""

    def __init__(self, *ids: bytes) -> None:
        self._ids = ids

    def __len__(self) -> int:
        return len(self._ids)

    def id(self, index: int) -> bytes:
        return self._ids[index]


def test_ids_that_are_half_alike_are_those_of_different_examples() -> None:
    low, high = b"\0" * 8, b"\1" * 8
    ids = [first + second + bytes(16) for first in (low, high) for second in (low, high)]
    part = cast(Examples, Ids(*ids, ids[2]))
    assert [list(firsts) for firsts in first_of_each([part])] == [[0, 1, 2, 3]]
    assert repeated([part]) == [[(0, 2), (0, 4)]]
