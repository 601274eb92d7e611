"""Files that training rows are compared with: benchmarks, row by row, and protected texts, whole."""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tunewright.data.files import OpenFile, is_packed, suffix_of
from tunewright.data.lines import read_lines
from tunewright.data.refusals import ReadLog
from tunewright.data.row_files import ROW_READERS
from tunewright.errors import Problem, RecipeError
from tunewright.records.text_file import not_a_file


@dataclass(frozen=True, slots=True)
class Reference:
    """A text to compare with: one row of a table or JSON file, or the lines of a text file."""

    name: str
    """The file, as the user gave it."""
    first: int
    """Row (line in JSON Lines) of the first of `lines`, from 1."""
    lines: tuple[str, ...]

    def place(self, line: int) -> str:
        """`file:row` of one of the lines, counted from 0."""
        return f"{self.name}:{self.first + line}"


def read_benchmark(path: str) -> list[Reference]:
    """Every row of a file, with all of its texts joined; in a file that is no table or JSON, every line is a row.

    Raises:
        RecipeError: the file of data.checks.benchmarks cannot be opened.
        DataError: rows are refused; up to 20 of them are listed.
    """
    return _read(path, "data.checks.benchmarks", _lines_apart)


def read_protected(path: str) -> list[Reference]:
    """A text file as one text, so that nothing is missed across its lines; tables and JSON files row by row.

    Raises:
        RecipeError: the file of data.checks.protected cannot be opened.
        DataError: lines or rows are refused; up to 20 of them are listed.
    """
    return _read(path, "data.checks.protected", _lines_together)


def _read(path: str, setting: str, in_lines: Callable[[BinaryIO, ReadLog], list[Reference]]) -> list[Reference]:
    log = ReadLog(path)
    read_rows = ROW_READERS.get(suffix_of(path))
    fix = "Correct the path or remove it."
    if special := not_a_file(Path(path)):
        raise RecipeError(Problem(f"{setting}: {path}", special, "a readable file", fix))
    try:
        with Path(path).open("rb", buffering=0) as stored:
            file = OpenFile(stored, packed=is_packed(path)).reader
            if read_rows is None:
                references = in_lines(file, log)
            else:
                rows = read_rows(file, log)
                references = [Reference(path, number, ("\n".join(_texts(row)),)) for number, row in rows]
    except (OSError, EOFError, zlib.error) as error:
        found = getattr(error, "strerror", None) or f"a file that cannot be read ({error})"
        raise RecipeError(Problem(f"{setting}: {path}", found.lower(), "a readable file", fix)) from None
    log.raise_if_refused()
    return references


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _lines_apart(file: BinaryIO, log: ReadLog) -> list[Reference]:
    return [Reference(log.name, number, (line,)) for number, line in read_lines(file, log)]


def _lines_together(file: BinaryIO, log: ReadLog) -> list[Reference]:
    return [Reference(log.name, 1, tuple(line for _, line in read_lines(file, log)))]
