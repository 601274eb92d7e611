"""Excerpts: the piece of a row that a finding shows."""

MAX_EXCERPT = 200
"""Most characters of a row that a finding repeats."""
_BEFORE = 40


def excerpt(text: str, start: int = 0) -> str:
    """Cut a text down to MAX_EXCERPT characters, from a little before `start`; `…` marks what was left out."""
    first = max(0, min(start - _BEFORE, len(text) - MAX_EXCERPT))
    cut = text[first : first + MAX_EXCERPT]
    if first:
        cut = "…" + cut[1:]
    return cut if first + MAX_EXCERPT >= len(text) else cut[:-1] + "…"
