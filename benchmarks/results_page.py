"""Blocks of docs/results.md: each benchmark writes its own, and leaves those of the others alone."""

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "results.md"


def write_block(name: str, text: str, page: Path = PAGE) -> None:
    """Put text between the markers of a block; a block that is not there yet comes last.

    Args:
        text: in Markdown, ending with a line break.
    """
    begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->\n"
    block = begin + text + end
    found = page.read_text(encoding="utf-8")
    if begin in found:
        found = re.sub(f"{begin}.*?{end}", lambda _: block, found, flags=re.DOTALL)
    else:
        found = f"{found.rstrip()}\n\n{block}"
    page.write_text(found, encoding="utf-8")
