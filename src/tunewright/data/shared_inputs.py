"""What a row shares with a held-out row, so that training on the one answers what the other asks."""

from collections.abc import Iterator

from tunewright.records import Example

Mark = tuple[str, str]
"""A kind of thing that rows may share, and the hash of it."""

SAME_ROW = "same row as"
_ROW, _INPUT, _LOOSE, _EARLIER = "row", "input", "loose", "earlier"


def marks(example: Example) -> Iterator[Mark]:
    """By what other rows find a held-out row."""
    yield _ROW, example.id
    yield _INPUT, example.input_id
    yield _LOOSE, example.loose_input_id
    for earlier in example.earlier_input_ids:
        yield _EARLIER, earlier


def ties(example: Example) -> Iterator[tuple[str, Mark]]:
    """The marks of held-out rows to which a row is tied, each after what both share in words; the closest first.

    A chat is tied to the row that asks what one of its trained turns answers. Chats that only begin alike are not tied.
    Inputs that differ only in white space or case are one question, of code too: rows that are tied without need only
    share a split, or are named as taken out.
    """
    yield SAME_ROW, (_ROW, example.id)
    yield "same input, with another answer, as", (_INPUT, example.input_id)
    yield "same input, but for white space or case, as", (_LOOSE, example.loose_input_id)
    for earlier in example.earlier_input_ids:
        yield "same input, in an earlier turn, as", (_LOOSE, earlier)
    yield "same input as an earlier turn of", (_EARLIER, example.loose_input_id)
