"""How long rows are: in words, and in the tokens of a base."""

from typing import Literal

from tunewright.records.base import Record


class LengthHistogram(Record):
    """How long one part of the rows is."""

    part: Literal["input", "answer", "text"]
    unit: Literal["words", "tokens"] = "words"
    median: float
    longest: int
    bin_edges: tuple[float, ...]
    """In the unit; one more than `counts`. The last bin holds everything longer too."""
    counts: tuple[int, ...]
    """Rows per bin."""


class TokenLengths(Record):
    """How long the rows are in the tokens of a base, and what its context leaves of them."""

    kind: Literal["token_lengths"] = "token_lengths"
    base: str
    """As the user gave it."""
    max_length: int
    """Most tokens of one row: the context length of the base, as `tune` derives it."""
    answer_room: int
    """Tokens of it that are kept free for an answer."""
    num_tokens: int
    """Of all rows, before anything is cut. Of a conversation: its longest prompt with its answer."""
    num_answer_tokens: int
    """Of all answers, and of plain texts, whose every token is trained."""
    num_rows: int
    """Rows that could be measured."""
    num_cut: int
    """Rows whose prompt is longer than what is left beside the answer; its middle is cut."""
    lengths: tuple[LengthHistogram, ...]
