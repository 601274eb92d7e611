"""Rows token by token: colours where the terminal has them, marks where it has not.

Without colours the marks are those of `git diff --word-diff`: {+trained+} and [-cut-]. Plain brackets would drown in
answers that are JSON.
"""

from itertools import groupby
from typing import Literal

from rich.text import Text

from tunewright.cli.visible import visible
from tunewright.records import TokenPiece, TokenRow

State = Literal["trained", "context", "cut"]

BOUNDARY = "│"
# A token that is a line break is drawn as one, and marked so that it can be told from a wrapped line.
NEW_LINE = "↵\n"
_STYLES: dict[State, str] = {"trained": "bold green", "context": "dim", "cut": "strike red"}
_MARKS: dict[State, tuple[str, str]] = {"trained": ("{+", "+}"), "context": ("", ""), "cut": ("[-", "-]")}
_MEANING: dict[State, str] = {
    "trained": "the model learns to write it",
    "context": "the model only reads it",
    "cut": "taken out, because the row is too long",
}


class TokenView:
    """Draws token rows.

    Args:
        in_colour: whether the terminal shows styles.
    """

    def __init__(self, *, in_colour: bool) -> None:
        self._in_colour = in_colour

    def legend(self) -> Text:
        """What the styles or marks mean."""
        legend = Text()
        for state, meaning in _MEANING.items():
            legend.append_text(self._marked(Text(state), state)).append(f": {meaning}\n")
        return legend.append(f"{BOUNDARY}: border between two tokens")

    def row(self, row: TokenRow) -> Text:
        """A row under its heading, or the reason why there is none."""
        if row.problem is not None:  # It names the row.
            return Text(f"\n{visible(row.problem)}", "red")
        heading = Text.assemble("\n", (visible(row.location), "bold"))
        heading.append(f": {row.num_tokens:,} tokens, {row.num_trained_tokens:,} trained\n")
        runs = [self._run(list(pieces), state) for state, pieces in groupby(row.pieces, lambda piece: piece.state)]
        return Text.assemble(heading, self._boundary().join(runs))

    def _run(self, pieces: list[TokenPiece], state: State) -> Text:
        texts = [Text(visible(piece.text).replace("\n", NEW_LINE)) for piece in pieces]
        return self._marked(self._boundary().join(texts), state)

    def _marked(self, text: Text, state: State) -> Text:
        if self._in_colour:
            text.stylize_before(_STYLES[state])
            return text
        opening, closing = _MARKS[state]
        return Text.assemble(opening, text, closing)

    def _boundary(self) -> Text:
        # A span, not the style of the whole text, which joining would spread over the pieces.
        return Text.assemble((BOUNDARY, "not bold not strike dim blue" if self._in_colour else ""))
