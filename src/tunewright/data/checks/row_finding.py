"""A finding about one row, and the excerpt that shows it."""

from collections.abc import Iterable

from tunewright.data.checks.check import CheckedRow
from tunewright.errors import Problem
from tunewright.records import Finding

MAX_EXCERPT_CHARACTERS = 200


def excerpt(text: str, start: int = 0, end: int = 0) -> str:
    """Show `text[start:end]` with what stands around it, in at most MAX_EXCERPT_CHARACTERS on one line.

    A part that is longer than the excerpt is shown from its beginning. `…` marks what was left out.
    """
    if len(text) <= MAX_EXCERPT_CHARACTERS:
        return text.replace("\n", " ")
    room = MAX_EXCERPT_CHARACTERS - len("……")
    before = max(0, room - max(0, end - start)) // 2
    first = max(0, min(start - before, len(text) - room))
    last = min(len(text), first + room)
    return "…" * (first > 0) + text[first:last].replace("\n", " ") + "…" * (last < len(text))


def row_finding(
    check: str,
    row: CheckedRow,
    explanation: str,
    evidence: str,
    score: float = 1.0,
    edits: tuple[tuple[str, str], ...] = (),
    *,
    drops: bool = False,
) -> Finding:
    """Say something about exactly one row.

    Args:
        check: id of the check.
        row: the row it is about.
        explanation: one sentence.
        evidence: an excerpt of the row.
        score: how sure or how bad; the worst is the largest.
        edits: (old, new) replacements, applied in this order to every text of the row.
        drops: whether the row is dropped by default.
    """
    return Finding(
        check=check,
        example_ids=(row.id,),
        locations=(row.location,),
        explanation=explanation,
        evidence=(evidence,),
        drop=(row.id,) if drops else (),
        edited_text=edits,
        score=score,
    )


def longest_first(replacements: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Order replacements so that none destroys a longer one that contains it."""
    return tuple(sorted(replacements.items(), key=lambda pair: (-len(pair[0]), pair[0])))


def replaced(text: str, replacements: Iterable[tuple[str, str]]) -> str:
    """The text after (old, new) replacements, one after the other."""
    for old, new in replacements:
        text = text.replace(old, new)
    return text


def refused_finding(check: str, problem: Problem) -> Finding:
    """A finding of what training would refuse, in the words of the refusal."""
    return Finding(
        check=check,
        example_ids=(),
        locations=(problem.where,),
        explanation=f"Found {problem.found}; expected {problem.expected}. {problem.fix}",
    )
