"""CSV, TSV and Parquet to rows, and every way they refuse."""

import csv
import datetime
import io
from collections.abc import Mapping, Sequence

import pytest

from tunewright.data import tables
from tunewright.data.refusals import ReadLog
from tunewright.data.tables import read_csv, read_parquet
from tunewright.errors import DataError


def read_text(data: bytes, delimiter: str = ",") -> list[tuple[int, dict[str, object]]]:
    log = ReadLog("t.csv")
    rows = list(read_csv(io.BytesIO(data), log, delimiter))
    log.raise_if_refused()
    return rows


def test_a_header_names_the_cells_and_rows_are_counted_without_it() -> None:
    assert read_text(b'a,b\r\n1,"x, ""y""\r\nz"\r\n\r\n2,\r\n') == [
        (1, {"a": "1", "b": 'x, "y"\r\nz'}),
        (2, {"a": "2", "b": ""}),
    ]


def test_tabs_delimit_a_tsv() -> None:
    assert read_text(b"a\tb\n1,5\t2\n", "\t") == [(1, {"a": "1,5", "b": "2"})]


def test_a_column_without_a_name_is_left_out() -> None:
    assert read_text(b",a,,\n0,x,,\n") == [(1, {"a": "x"})]


def test_unicode_line_separators_stay_inside_a_cell() -> None:
    assert read_text("a,b\nx\u2028y,z\x0c\x85\n".encode()) == [(1, {"a": "x\u2028y", "b": "z\x0c\x85"})]


def test_a_byte_order_mark_does_not_become_part_of_the_first_name() -> None:
    log = ReadLog("t.csv")
    assert list(read_csv(io.BytesIO(b"\xef\xbb\xbfa\n1\n"), log, ",")) == [(1, {"a": "1"})]
    assert log.warnings == ["a byte order mark at the start of the file was left out"]


@pytest.mark.parametrize("line", ["sep=,", '"sep=,"', "sep=;"])
def test_the_line_that_tells_excel_the_delimiter_is_no_header(line: str) -> None:
    log = ReadLog("t.csv")
    assert list(read_csv(io.BytesIO(f"{line}\r\na,b\r\n1,2\r\n".encode()), log, ",")) == [(1, {"a": "1", "b": "2"})]
    assert log.warnings == [f"the first line, '{line.strip(chr(34))}' for Excel, was left out"]


def test_a_cell_above_the_csv_modules_own_limit_is_read_and_the_limit_restored() -> None:
    before = csv.field_size_limit()
    assert read_text(b"a,b\n1," + b"x" * 200_000 + b"\n") == [(1, {"a": "1", "b": "x" * 200_000})]
    assert csv.field_size_limit() == before


def test_a_file_without_bytes_or_rows_gives_no_rows() -> None:
    assert read_text(b"") == []
    assert read_text(b"a,b\n") == []


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a,b\n1,2\n1,2,3\n", r":2 line 3: found 3 cells, the last '3', expected 2, as in the header"),
        (b"a,b\n1\n", r":1 line 2: found 1 cells, the last '1', expected 2"),
        (b"a,b,a\n1,2,3\n", r":1 header: found the column 'a' twice"),
        (b'a,b\n1,"x\n', r":1 line 2: found broken quoting or line ends \(unexpected end of data\).*cut off"),
        (b'a,b\n1,"x"y\n', r":1 line 2: found broken quoting or line ends"),
        (b"a,b\r1,2\r", r":1 line 1: found broken quoting or line ends \(new-line"),
        (b"a,b\n1,\xe9\n", r":1 line 2 byte 3: found 0xe9, which is not UTF-8.*iconv -f WINDOWS-1252"),
        (b"a,b\n1,2\n1,\0\n", r":2 line 3 byte 3: found a NUL byte"),
        ("a,b\n1,2\n".encode("utf-16"), r":1 byte 1: found text in UTF-16"),
    ],
)
def test_a_broken_table_is_refused_with_row_and_line(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"^t\.csv{message}"):
        read_text(data)


def test_all_ragged_rows_are_listed() -> None:
    with pytest.raises(DataError, match="cells") as caught:
        read_text(b"a,b\n1\n1,2\n1,2,3\n")
    assert [problem.where for problem in caught.value.problems] == ["t.csv:1 line 2", "t.csv:3 line 4"]


def parquet_bytes(columns: Mapping[str, Sequence[object]]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pa.BufferOutputStream()
    pq.write_table(pa.table(dict(columns)), file)
    return bytes(file.getvalue().to_pybytes())


def read_table(data: bytes) -> list[tuple[int, dict[str, object]]]:
    log = ReadLog("t.parquet")
    rows = list(read_parquet(io.BytesIO(data), log))
    log.raise_if_refused()
    return rows


def test_parquet_keeps_types_and_fills_lacking_message_fields_with_null() -> None:
    data = parquet_bytes(
        {
            "n": [1, None],
            "day": [datetime.date(2024, 1, 1), None],
            "messages": [[{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "x", "weight": 0}], []],
        }
    )
    assert read_table(data) == [
        (
            1,
            {
                "n": 1,
                "day": datetime.date(2024, 1, 1),
                "messages": [
                    {"role": "user", "content": "Hi", "weight": None},
                    {"role": "assistant", "content": "x", "weight": 0},
                ],
            },
        ),
        (2, {"n": None, "day": None, "messages": []}),
    ]


def test_parquet_rows_are_numbered_across_batches() -> None:
    assert [number for number, _ in read_table(parquet_bytes({"n": list(range(3000))}))] == list(range(1, 3001))


def test_bytes_that_are_not_parquet_are_refused() -> None:
    with pytest.raises(DataError, match=r"^t\.parquet: found .*expected a sound Parquet file"):
        read_table(b"PAR1 this is not a table PAR1")


def test_what_is_no_parquet_file_is_not_read_to_its_end() -> None:
    file, log = io.BytesIO(b'{"text": "' + b"x" * 1_000_000), ReadLog("t.parquet")
    assert list(read_parquet(file, log)) == []
    with pytest.raises(DataError, match="at the start, expected a sound Parquet file, which begins with PAR1"):
        log.raise_if_refused()
    assert file.tell() == 4


def test_a_parquet_file_cut_short_is_refused() -> None:
    data = parquet_bytes({"a": ["x" * 100] * 50})
    for length in range(0, len(data), 7):
        with pytest.raises(DataError, match="expected a sound Parquet file"):
            read_table(data[:length])


def test_a_parquet_text_that_is_not_utf8_is_refused() -> None:
    import pyarrow as pa

    broken = pa.StringArray.from_buffers(1, pa.py_buffer(b"\0\0\0\0\1\0\0\0"), pa.py_buffer(b"\xff"))
    with pytest.raises(DataError, match="UTF8"):
        read_table(parquet_bytes({"a": broken}))


def test_a_column_name_that_occurs_twice_in_parquet_is_refused() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pa.BufferOutputStream()
    pq.write_table(pa.table([["x"], ["y"], ["z"]], names=["a", "b", "a"]), file)
    with pytest.raises(DataError, match=r"^t\.parquet: found the column 'a' twice, expected distinct column names\."):
        read_table(bytes(file.getvalue().to_pybytes()))


@pytest.mark.parametrize(("unit", "value"), [("s", 10**12), ("us", -(10**18)), ("ms", 10**15)])
def test_a_time_in_parquet_beyond_the_year_9999_is_refused(unit: str, value: int) -> None:
    import pyarrow as pa

    far = pa.array([None, value], pa.timestamp(unit))
    expected = r"^t\.parquet column 'seen': found a date or time out of range, expected years from 1 to 9999\."
    with pytest.raises(DataError, match=expected):
        read_table(parquet_bytes({"text": ["a", "b"], "seen": far}))


@pytest.mark.parametrize(
    ("data", "delimiter", "found"),
    [(b"text;label\na;b\n", ",", "semicolons"), (b"a\tb\n1\t2\n", ",", "tabs"), (b"a,b\n1,2\n", "\t", "commas")],
)
def test_another_delimiter_is_named_once(data: bytes, delimiter: str, found: str) -> None:
    with pytest.raises(
        DataError, match=rf"header: found cells divided by {found}, expected cells divided by"
    ) as caught:
        read_text(data, delimiter)
    assert len(caught.value.problems) == 1


def test_a_quote_that_is_never_closed_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_LINE_BYTES", 1000)
    row = b'"' + b'\n","' * 400 + b'"\n'
    with pytest.raises(DataError, match=r"line \d+: found a row of more than 1,000 bytes, .* never closed\."):
        read_text(b"a,b\n1,2\n" + row)
    many = b"a,b\n" + b'1,"x\ny"\n' * 300  # each short, all together longer
    assert len(read_text(many)) == 300


def test_a_billion_equal_values_are_never_unpacked_at_once() -> None:
    import pyarrow as pa

    text = pa.array(["x" * 10_000])
    same = pa.DictionaryArray.from_arrays(pa.array([0] * 300_000, pa.int32()), text)
    data = parquet_bytes({"a": same})
    assert len(data) < 1_000_000  # three gigabytes of text
    log = ReadLog("t.parquet")
    rows = read_parquet(io.BytesIO(data), log)
    before = pa.total_allocated_bytes()
    assert next(rows) == (1, {"a": "x" * 10_000})
    assert pa.total_allocated_bytes() - before < 300_000_000


def test_a_row_group_that_does_not_fit_into_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_GROUP_BYTES", 50)
    with pytest.raises(DataError, match=r"found a row group of \d+ bytes, expected row groups of at most 50\. Write"):
        read_table(parquet_bytes({"a": ["x" * 100]}))
