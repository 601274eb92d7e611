"""Numbered rows of a table or JSON file, read by its suffix; numbered lines of a text file."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from tunewright.data.jsonl import read_json_array, read_jsonl
from tunewright.data.lines import byte_lines, decode_line
from tunewright.data.refusals import ReadLog, RefusedError
from tunewright.data.tables import read_csv, read_parquet

NumberedRows = Iterator[tuple[int, dict[str, object]]]
"""Each row with its number, from 1; in JSON Lines that of its line."""
RowReader = Callable[[BinaryIO, ReadLog], NumberedRows]
"""Reads a file, opened for bytes, once and front to back; what is refused goes to the log."""

ROW_READERS: dict[str, RowReader] = {
    ".jsonl": read_jsonl,
    ".json": read_json_array,
    ".csv": partial(read_csv, delimiter=","),
    ".tsv": partial(read_csv, delimiter="\t"),
    ".parquet": read_parquet,
}


def read_lines(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, str]]:
    """Read the lines of a text, endings included; those that cannot be decoded are refused in the log."""
    for number, raw in byte_lines(file, log):
        try:
            yield number, decode_line(raw)
        except RefusedError as refused:
            log.refuse(number, refused)
