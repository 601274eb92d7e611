r"""Numbered rows from JSON Lines, one object per line, and from a file that is one JSON array.

    {"prompt": "2 + 2", "completion": "4"}\n   ->   (1, {"prompt": "2 + 2", "completion": "4"})

A bad row goes into the log and reading continues with the next one, so that the user sees all of them at once.
"""

import json
from collections.abc import Iterator
from typing import BinaryIO

from tunewright.data.lines import byte_lines, decode, decode_line, without_mark
from tunewright.data.refusals import ReadLog, RefusedError, describe, excerpt, join_names
from tunewright.data.strict_json import (
    MAX_DEPTH,
    check_depth,
    decode_value,
    refuse_syntax,
    require_object,
    skip_value,
)

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


def read_json_array(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, dict[str, object]]]:
    """Read the objects of a file that is one JSON array; the whole file is held in memory.

    Args:
        file: opened for bytes; read once, front to back.
        log: receives what is refused; after a syntax error no more rows can be found.
    Returns:
        Row numbers from 1, and the objects that are in order.
    """
    try:
        text = decode(without_mark(file.read(), log))
        check_depth(text, MAX_DEPTH + 1)  # the array itself is one level
        index = _after_white_space(text, 0)
        if text[index : index + 1] != "[":
            raise _not_an_array(text, index)
    except RefusedError as refused:
        log.refuse(None, refused)
        return
    yield from _array_items(text, index + 1, log)


def _array_items(text: str, index: int, log: ReadLog) -> Iterator[tuple[int, dict[str, object]]]:
    row = 0
    try:
        index = _after_white_space(text, index)
        has_more = not text.startswith("]", index)
        while has_more:
            row += 1
            try:
                value, end = decode_value(text, index)
                yield row, require_object(value)
            except RefusedError as refused:
                log.refuse(row, refused)
                end = skip_value(text, index)
            index = _after_white_space(text, end)
            has_more = text.startswith(",", index)
            index = _after_white_space(text, index + has_more)
        if not text.startswith("]", index):
            raise json.JSONDecodeError("Expecting ',' delimiter", text, index)
        _require_end(text, index + 1)
    except json.JSONDecodeError as error:
        log.refuse(row or None, refuse_syntax(error, _line_and_byte(text, error.pos)), hides_others=True)


def _require_end(text: str, index: int) -> None:
    index = _after_white_space(text, index)
    if index < len(text):
        raise json.JSONDecodeError("Extra data", text, index)


def _after_white_space(text: str, index: int) -> int:
    while text[index : index + 1] in _WHITE_SPACE:
        index += 1
    return index


def _line_and_byte(text: str, index: int) -> str:
    line_start = text.rfind("\n", 0, index) + 1
    return f"line {text.count(chr(10), 0, index) + 1}, byte {len(text[line_start:index].encode('utf-8')) + 1}"


def _not_an_array(text: str, index: int) -> RefusedError:
    """Tell apart the three things that people put into a .json file instead of an array."""
    try:
        value, end = decode_value(text, index)
    except (json.JSONDecodeError, RefusedError):
        return RefusedError("", excerpt(text[index:]), "a JSON array of objects", "Write the rows as [{...}, {...}].")
    if _after_white_space(text, end) < len(text):
        return RefusedError("", "one value after another", "a JSON array", "Rename JSON Lines to .jsonl.")
    if isinstance(value, dict):
        return RefusedError(
            "",
            f"an object with the keys {join_names(value)}",
            "a JSON array of rows",
            "Convert it into one file per split; examples/ has a script of ten lines that does it.",
        )
    return RefusedError("", describe(value), "a JSON array of objects", "Write the rows as [{...}, {...}].")
