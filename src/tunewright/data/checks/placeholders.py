"""Places that somebody meant to fill in: variables of a template, and marks for pictures that are not there."""

import re
from collections.abc import Iterable, Iterator

from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.records import CheckRecipe, Finding, Severity

# `{{ name }}` of Jinja, Mustache and their like. Before it stands nothing that code (`style={{`, `${{`) or LaTeX
# (`\mathbf{{`, `^{{`) would have there.
_VARIABLE = re.compile(r"(?<![\w$={}^\\`])\{\{\s*[A-Za-z_][\w.]*\s*\}\}(?!\})")
# Data sets with pictures mark their place at the start or the end of a message; inside, <video> is a tag of HTML.
_MEDIUM = re.compile(r"\A\s*<(?:image|audio|video)>|<(?:image|audio|video)>\s*\Z")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`", re.DOTALL)


def find_placeholder(text: str) -> re.Match[str] | None:
    """The first place of a text that was to be filled in; code is left alone."""
    if "{{" not in text and "<" not in text:
        return None
    hidden = _CODE.sub(lambda match: "`" * len(match[0]), text)
    return _VARIABLE.search(hidden) or _MEDIUM.search(hidden)


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    for row in rows:
        for text, found in _found(row.texts):
            placeholder = found[0].strip()
            what = (
                "a variable of a template that was never filled in"
                if placeholder.startswith("{")
                else "the place of something that the row does not hold"
            )
            explanation = f"The text contains {placeholder}, {what}."
            yield row_finding(UNFILLED_PLACEHOLDERS.id, row, explanation, excerpt(text, *found.span()))
            break


def _found(texts: Iterable[str]) -> Iterator[tuple[str, re.Match[str]]]:
    return ((text, found) for text in texts if (found := find_placeholder(text)))


UNFILLED_PLACEHOLDERS = Check(
    id="unfilled_placeholders",
    title="Placeholders that nobody filled in",
    explanation="Variables of templates such as {{name}} outside code, and marks such as <image> at the start or the "
    "end of a message, whose picture is not there. The model would learn to write them, or to describe what it cannot "
    "see.",
    severity=Severity.WARNING,
    action="listed only",
    find=_find,
)
