"""Wordings that nobody wrote down: a template in other letters, with words left out of it or put before it.

A small model learns thirty wordings of a task by heart and fails at the next one (docs/lab-notebook.md, 2026-11-27).
"""

import random
import re
from collections.abc import Sequence

_FIELD = re.compile(r"(\{\w+\})")
_LITTLE_WORDS = (
    "a an and are as be do does for from i in is it just me of on only please so that the these this to we with you"
)
_AFTER_LEAD = (": ", ". ", ", ", " - ", "\n")
_ENDS = ("", "", "!", "...", " .")
_LITERAL = "does not say"
"""What an answer must repeat to the letter."""


def loosened(template: str, rng: random.Random, open_words: Sequence[str]) -> str:
    """Change the wording of a template and none of its fields.

    Args:
        template: a text with fields in braces.
        rng: decides what is changed.
        open_words: words that may stand before it and mean nothing there.
    """
    if _LITERAL in template:
        return template
    pieces = _FIELD.split(template)
    if rng.random() < 0.3:
        pieces[::2] = [_without_little_words(piece, rng) for piece in pieces[::2]]
    if rng.random() < 0.15:
        pieces[::2] = [piece.lower() for piece in pieces[::2]]
    if rng.random() < 0.2 and pieces[-1][-1:] in (".", "?"):
        pieces[-1] = pieces[-1][:-1] + rng.choice(_ENDS)
    # Not before a field: what stands beside a text would seem to belong to it.
    if rng.random() < 0.25 and pieces[0][:1].isalpha():
        lead = " ".join(rng.choice(open_words) for _ in range(rng.randint(1, 3)))
        pieces[0] = lead + rng.choice(_AFTER_LEAD) + pieces[0]
    return "".join(pieces)


def _without_little_words(piece: str, rng: random.Random) -> str:
    little = _LITTLE_WORDS.split()
    kept = [word for word in piece.split(" ") if word.lower() not in little or rng.random() < 0.5]
    return " ".join(kept)
