"""Texts to passages: long enough to learn from, short enough for a small context."""

from collections.abc import Iterable, Iterator
from typing import BinaryIO

from tunewright.data.lines import read_lines
from tunewright.data.refusals import ReadLog

MAX_PASSAGE_CHARACTERS = 2000
"""Paragraphs are joined up to this length, about 500 tokens of English."""


def passages(lines: Iterable[str]) -> Iterator[str]:
    """Join paragraphs in their order up to MAX_PASSAGE_CHARACTERS; a longer paragraph stays whole.

    Args:
        lines: without line ends; read as passages are asked for. Paragraphs stand between blank lines; where no line is
            blank, every line is one, and all of them are held in memory.
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
    lines = (line.rstrip("\r\n") for _, line in read_lines(file, log))
    for number, passage in enumerate(passages(lines), start=1):
        yield number, {"text": passage}


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    paragraph: list[str] = []
    has_blank_line = False
    for line in lines:
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            has_blank_line = True
            yield "\n".join(paragraph)
            paragraph = []
    if has_blank_line and paragraph:
        yield "\n".join(paragraph)
    elif not has_blank_line:
        yield from paragraph
