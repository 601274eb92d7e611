"""Lines of Markdown, and which of them are code."""

import re
from collections.abc import Iterator

_FENCE = re.compile(r"[ ]{0,3}(`{3,}(?=[^`]*$)|~{3,})(.*)")


def lines_of_markdown(text: str) -> Iterator[tuple[str, bool]]:
    """Give each line and whether it lies in a fenced block of code, where a # begins no heading.

    The fences count as code. A block that is not closed goes on to the end, as CommonMark has it.
    """
    fence = ""
    for line in text.split("\n"):
        is_code = bool(fence)
        if mark := _FENCE.match(line):
            if not fence:
                fence, is_code = mark[1], True
            elif mark[1].startswith(fence) and not mark[2].strip():  # as long at least, and nothing behind it
                fence = ""
        yield line, is_code
