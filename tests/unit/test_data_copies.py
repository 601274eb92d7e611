"""Equal examples: the sorted hashes against a count by hand."""

from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.copies import first_of_each, repeated
from tunewright.data.example_file import ExampleFile
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
