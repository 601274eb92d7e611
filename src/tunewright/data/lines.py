r"""Bytes to text: lines end at \n and nowhere else, the encoding is UTF-8 and nothing else.

Python's text files also end a line at a lone \r, and str.splitlines at U+2028 and five other characters, which
are legal inside a JSON string: both would tear rows apart.
"""

from collections.abc import Iterator
from typing import BinaryIO

from tunewright.data.refusals import ReadLog, RefusedError

MAX_LINE_BYTES = 32 * 2**20

_UTF8_MARK = b"\xef\xbb\xbf"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")


def byte_lines(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, bytes]]:
    r"""Read numbered lines, endings included, without holding more than one of them.

    A byte order mark is taken off and noted in the log's warnings. A file in UTF-16 is refused in the log and gives
    no lines. Of a line longer than MAX_LINE_BYTES only the start is read, which decode_line then refuses.
    """
    number = 0
    while raw := file.readline(MAX_LINE_BYTES + 1):
        if len(raw) > MAX_LINE_BYTES:
            _skip_rest_of_line(file, raw)
        number += 1
        if number == 1:
            try:
                raw = without_mark(raw, log)
            except RefusedError as refused:
                log.refuse(1, refused)
                return
        yield number, raw


def _skip_rest_of_line(file: BinaryIO, raw: bytes) -> None:
    while raw and not raw.endswith(b"\n"):
        raw = file.readline(MAX_LINE_BYTES)


def without_mark(head: bytes, log: ReadLog) -> bytes:
    """Take a UTF-8 byte order mark off the start of a file, with a warning.

    Raises:
        RefusedError: the file is in UTF-16 or UTF-32, by its mark or by a zero in every other byte.
    """
    if head.startswith(_UTF8_MARK):
        log.warnings.append("a byte order mark at the start of the file was left out")
        return head[len(_UTF8_MARK) :]
    is_zero = [byte == 0 for byte in head[:4]]
    if head.startswith(_UTF16_MARKS) or is_zero in ([True, False] * 2, [False, True] * 2):
        raise RefusedError(
            "byte 1",
            "text in UTF-16 or UTF-32",
            "UTF-8",
            "Save the file as UTF-8, or convert it: iconv -f UTF-16 -t UTF-8 OLD > NEW.",
        )
    return head


def decode_line(raw: bytes) -> str:
    """Decode one line.

    Raises:
        RefusedError: the line is too long, holds a NUL byte or is not UTF-8; bytes are counted from 1.
    """
    if len(raw) > MAX_LINE_BYTES:
        raise RefusedError(
            "", f"a line of more than {MAX_LINE_BYTES:,} bytes", "shorter lines", "Put one row on each line."
        )
    return decode(raw)


def decode(raw: bytes, num_before: int = 0) -> str:
    """Decode strict UTF-8 without NUL bytes. Raises RefusedError with the byte, counted from 1.

    Args:
        num_before: bytes that stand before these and count, too.
    """
    if (zero := raw.find(b"\0")) >= 0:
        raise RefusedError(
            f"byte {num_before + zero + 1}",
            "a NUL byte",
            "text",
            "The file is damaged or not a text file: export it again.",
        )
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise RefusedError(
            f"byte {num_before + error.start + 1}",
            f"0x{raw[error.start]:02x}, which is not UTF-8 here",
            "UTF-8",
            "Save the file as UTF-8, or convert it: iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW.",
        ) from None


def read_lines(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, str]]:
    """Read the lines of a text, endings included; those that cannot be decoded are refused in the log."""
    for number, raw in byte_lines(file, log):
        try:
            yield number, decode_line(raw)
        except RefusedError as refused:
            log.refuse(number, refused)
