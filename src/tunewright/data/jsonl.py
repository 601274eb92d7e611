r"""Numbered rows from JSON Lines, one object per line.

    {"prompt": "2 + 2", "completion": "4"}\n   ->   (1, {"prompt": "2 + 2", "completion": "4"})

A bad row goes into the log and reading continues with the next one, so that the user sees all of them at once.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO

from tunewright.data.lines import byte_lines, decode_line
from tunewright.data.refusals import ReadLog, RefusedError
from tunewright.data.strict_json import check_depth, decode_value, refuse_syntax, require_object

_WHITE_SPACE = (" ", "\t", "\r", "\n")


def read_jsonl(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, dict[str, object]]]:
    """Read one object per line, line by line; blank lines are skipped.

    Args:
        file: opened for bytes; read once, front to back.
        log: receives what is refused; the caller raises from it after the last row.
    Returns:
        Line numbers from 1, and the objects of the lines that are in order.
    """
    for number, raw in byte_lines(file, log):
        try:
            text = decode_line(raw).removesuffix("\n").removesuffix("\r")
            start = _after_white_space(text, 0)
            if start < len(text):
                yield number, _parse_line(text, start)
        except RefusedError as refused:
            log.refuse(number, refused)


def _parse_line(text: str, start: int) -> dict[str, object]:
    check_depth(text)
    try:
        value, end = decode_value(text, start)
        _require_end(text, end)
    except json.JSONDecodeError as error:
        raise refuse_syntax(error, f"byte {len(text[: error.pos].encode('utf-8')) + 1}") from None
    return require_object(value)


def _require_end(text: str, index: int) -> None:
    index = _after_white_space(text, index)
    if index < len(text):
        raise json.JSONDecodeError("Extra data", text, index)


def _after_white_space(text: str, index: int) -> int:
    while text[index : index + 1] in _WHITE_SPACE:
        index += 1
    return index
