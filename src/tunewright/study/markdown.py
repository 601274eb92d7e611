"""Text of others within the Markdown that is written here."""

import re

# GitHub looks for @team and #12 in the rendered page, where a backslash is gone; a space of no width stays.
_WITHOUT_FORCE = str.maketrans({**{each: f"\\{each}" for each in "\\`*_<>|[]!&"}, "@": "@\u200b", "#": "\\#\u200b"})
# Without force by itself, and file names are easier to read and to copy without a backslash.
_WITHIN_WORD = re.compile(r"(?<=[^\W_])\\_(?=[^\W_])")


def escape_markdown(text: str) -> str:
    """The text with what Markdown, HTML or GitHub would act on taken out of force."""
    return _WITHIN_WORD.sub("_", text.translate(_WITHOUT_FORCE))
