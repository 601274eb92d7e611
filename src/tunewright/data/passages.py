"""Texts to passages: long enough to learn from, short enough for a small context."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from tunewright.data.lines import byte_lines, decode_line
from tunewright.data.refusals import ReadLog, RefusedError

MAX_PASSAGE_CHARACTERS = 2000
"""Paragraphs are joined up to this length, about 500 tokens of English."""


def passages(lines: Iterable[str]) -> Iterator[str]:
    """Join paragraphs in their order up to MAX_PASSAGE_CHARACTERS; a longer paragraph stays whole.

    Args:
        lines: without line ends. Paragraphs stand between blank lines; where no line is blank, every line is one.
    """
    passage = ""
    for paragraph in _paragraphs(lines):
        joined = f"{passage}\n\n{paragraph}" if passage else paragraph
        if passage and len(joined) > MAX_PASSAGE_CHARACTERS:
            yield passage
            joined = paragraph
        passage = joined
    if passage:
        yield passage


def read_passages(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, dict[str, object]]]:
    """Read a text file as rows of one field, `text`, numbered from 1.

    Args:
        file: opened for bytes; read once, front to back.
        log: receives the lines that are refused.
    """
    for number, passage in enumerate(passages(_lines(file, log)), start=1):
        yield number, {"text": passage}


def _lines(file: BinaryIO, log: ReadLog) -> Iterator[str]:
    for number, raw in byte_lines(file, log):
        try:
            yield decode_line(raw).rstrip("\r\n")
        except RefusedError as refused:
            log.refuse(number, refused)


def _paragraphs(lines: Iterable[str]) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in lines:
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    if len(paragraphs) == 1:
        return paragraphs[0]
    return ["\n".join(lines) for lines in paragraphs if lines]
