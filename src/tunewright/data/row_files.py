"""Numbered rows of a table or JSON file, read by its suffix."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import BinaryIO

from tunewright.data.json_array import read_json_array
from tunewright.data.jsonl import read_jsonl
from tunewright.data.refusals import ReadLog
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
