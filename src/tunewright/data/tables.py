"""Numbered rows from CSV, TSV and Parquet. Rows are counted from 1, the header is not one of them.

    mr,ref                             ->   (1, {"mr": "name[Aromi]", "ref": "Aromi is a pub."})
    name[Aromi],"Aromi is a pub."

Cells of CSV and TSV are texts; Parquet keeps the types that it stores.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import copyfileobj
from tempfile import TemporaryFile
from typing import Any, BinaryIO

from tunewright.data.filled_nulls import without_filled_nulls
from tunewright.data.lines import MAX_LINE_BYTES, byte_lines, decode_line
from tunewright.data.refusals import ReadLog, RefusedError, excerpt

_LINE_FOR_EXCEL = re.compile("sep=.")
"""Tells Excel the delimiter; other programs would take it for the header."""
_ROWS_PER_BATCH = 1024
_MAGIC = b"PAR1"
"""What a Parquet file begins with."""
MAX_GROUP_BYTES = 2**31
"""Of a row group of Parquet, unpacked. Writers make them of 128 MB to 1 GB."""


def read_csv(
    file: BinaryIO, log: ReadLog, delimiter: str, columns: list[str] | None = None
) -> Iterator[tuple[int, dict[str, object]]]:
    """Read a table whose first line names the columns; columns without a name are left out.

    Quoted cells may hold line breaks. A row with another number of cells than the header is refused. A line `sep=,`
    above the header, as Excel takes it, is left out and noted in the log's warnings.

    Args:
        file: opened for bytes; read once, front to back.
        log: receives what is refused; after an error of encoding or quoting no more rows can be found.
        delimiter: the character between cells.
        columns: receives the names of the columns, which a table without rows has too.
    """
    lines = _Lines(file, log)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    row = 0
    with _wide_cells():
        try:
            header = next(reader, [])
            if _LINE_FOR_EXCEL.fullmatch(delimiter.join(header)):
                log.warnings.append(f"the first line, {excerpt(delimiter.join(header))} for Excel, was left out")
                header = next(reader, [])
            _require_delimiter(header, delimiter)
            _require_distinct(header, "header")
            if columns is not None:
                columns += filter(None, header)
            for cells in reader:
                lines.num_bytes_of_row = 0
                if not cells:  # a blank line
                    continue
                row += 1
                if len(cells) == len(header):
                    yield row, {name: cell for name, cell in zip(header, cells, strict=True) if name}
                else:
                    log.refuse(row, _ragged(cells, header, reader.line_num))
        except RefusedError as refused:
            log.refuse(row + 1, refused, hides_others=True)
        except csv.Error as error:
            log.refuse(row + 1, _broken_quotes(error, reader.line_num), hides_others=True)


class _Lines:
    """The lines of a table, decoded. A row whose quoted cells go over many lines may be as long as one line may."""

    def __init__(self, file: BinaryIO, log: ReadLog) -> None:
        self._lines = byte_lines(file, log)
        self.num_bytes_of_row = 0
        """Of the row that is being read; set back by whoever has read one."""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        number, raw = next(self._lines)
        self.num_bytes_of_row += len(raw)
        try:
            if self.num_bytes_of_row > MAX_LINE_BYTES >= len(raw):
                found, fix = f"a row of more than {MAX_LINE_BYTES:,} bytes", "Look for a quote that is never closed."
                raise RefusedError("", found, "shorter rows", fix)
            return decode_line(raw)
        except RefusedError as refused:
            place = f"line {number} {refused.place}".rstrip()
            raise RefusedError(place, refused.found, refused.expected, refused.fix) from None


@contextmanager
def _wide_cells() -> Iterator[None]:
    # The csv module's limit (128 KiB a cell) is one number for the whole process.
    previous = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(previous)


def _require_delimiter(header: list[str], delimiter: str) -> None:
    """A header of one cell that holds another delimiter is a table cut with that one."""
    name_of = {";": "semicolons", "\t": "tabs", "|": "vertical bars", ",": "commas"}
    other = next((mark for mark in name_of if mark != delimiter and mark in header[0]), None) if header else None
    if len(header) == 1 and other is not None:
        fix = f"Save the table with {name_of[delimiter]} between the cells (tabs belong into a .tsv file)."
        raise RefusedError(
            "header", f"cells divided by {name_of[other]}", f"cells divided by {name_of[delimiter]}", fix
        )


def _require_distinct(names: list[str], place: str) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1 and name]
    if twice:
        raise RefusedError(
            place, f"the column {excerpt(twice[0])} twice", "distinct column names", "Rename one of them."
        )


def _ragged(cells: list[str], header: list[str], line: int) -> RefusedError:
    return RefusedError(
        f"line {line}",
        f"{len(cells)} cells, the last {excerpt(cells[-1])}",
        f"{len(header)}, as in the header",
        "Put quotes around cells that hold the delimiter or a line break.",
    )


def _broken_quotes(error: csv.Error, line: int) -> RefusedError:
    return RefusedError(
        f"line {line}",
        f"broken quoting or line ends ({error})",
        'cells quoted as "..." with inner quotes doubled, and lines that end with \\n',
        "If it is the last row, the file was cut off: export it again.",
    )


def read_parquet(file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, dict[str, object]]]:
    """Read a Parquet file, a batch of rows at a time.

    Parquet is read from its end, so that the bytes go through a temporary file. Equal values take no room in it: rows
    of gigabytes fit into kilobytes, and so are never unpacked all at once.

    Args:
        file: opened for bytes; read once, front to back.
        log: receives what is refused.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    row = 0
    try:
        with TemporaryFile() as copy:
            # Before gigabytes of something else are copied.
            head = file.read(len(_MAGIC))
            if head != _MAGIC:
                expected = "a sound Parquet file, which begins with PAR1"
                raise RefusedError("", f"{head!r} at the start", expected, "Export or download the file again.")
            copy.write(head)
            copyfileobj(file, copy)
            table = pq.ParquetFile(pa.PythonFile(copy, mode="r"))
            _require_small_groups(table.metadata)
            _require_distinct(table.schema_arrow.names, "")
            for batch in table.iter_batches(batch_size=_ROWS_PER_BATCH):
                batch.validate(full=True)  # to_pylist would fail late on texts that are not UTF-8
                for fields in _unpacked(batch):
                    row += 1
                    yield row, without_filled_nulls(fields)
    except RefusedError as refused:
        log.refuse(None, refused, hides_others=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        log.refuse(
            row + 1 if row else None,
            RefusedError("", excerpt(str(error)), "a sound Parquet file", "Export or download the file again."),
            hides_others=True,
        )


def _unpacked(batch: Any) -> list[dict[str, object]]:
    """Raises: RefusedError where a date, time or span is beyond what Python can hold."""
    try:
        rows: list[dict[str, object]] = batch.to_pylist()
    except OverflowError:
        name = next(name for name in batch.schema.names if _overflows(batch.column(name)))
        raise RefusedError(
            f"column {excerpt(name)}",
            "a date or time out of range",
            "years from 1 to 9999",
            "Correct the values, or write the file without the column.",
        ) from None
    return rows


def _overflows(column: Any) -> bool:
    try:
        column.to_pylist()
    except OverflowError:
        return True
    return False


def _require_small_groups(metadata: Any) -> None:
    largest = max((metadata.row_group(number).total_byte_size for number in range(metadata.num_row_groups)), default=0)
    if largest > MAX_GROUP_BYTES:
        found, expected = f"a row group of {largest:,} bytes", f"row groups of at most {MAX_GROUP_BYTES:,}"
        raise RefusedError("", found, expected, "Write the file again with smaller row groups.")
