"""TokenRow: one row as the model sees it, token by token."""

from typing import Literal

from tunewright.records.base import Record


class TokenPiece(Record):
    """One token of a row as it is shown, or a stretch of text that was cut out."""

    text: str
    """What the token decodes to; control tokens by their name. For a cut piece, the text that was taken out."""
    token_id: int | None
    """None for a cut piece."""
    state: Literal["trained", "context", "cut"]
    """trained: the loss covers it; context: only read; cut: taken out of a prompt that was too long."""


class TokenRow(Record):
    """A rendered example, or the reason why it cannot be rendered."""

    location: str
    pieces: tuple[TokenPiece, ...]
    num_tokens: int
    num_trained_tokens: int
    problem: str | None = None
