"""The strict JSON readers: what they give, and every way they refuse."""

import io
import json
import re
import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data import json_array
from tunewright.data.json_array import read_json_array
from tunewright.data.jsonl import read_jsonl
from tunewright.data.lines import MAX_LINE_BYTES
from tunewright.data.refusals import MAX_EXCERPT, ReadLog, excerpt
from tunewright.errors import DataError, Problem

NumberedRows = list[tuple[int, dict[str, object]]]


def read_lines(data: bytes) -> NumberedRows:
    log = ReadLog("rows.jsonl")
    rows = list(read_jsonl(io.BytesIO(data), log))
    log.raise_if_refused()
    return rows


def read_array(data: bytes) -> NumberedRows:
    log = ReadLog("rows.json")
    rows = list(read_json_array(io.BytesIO(data), log))
    log.raise_if_refused()
    return rows


def problems_of(read: Callable[[bytes], NumberedRows], data: bytes) -> tuple[NumberedRows, tuple[Problem, ...]]:
    try:
        return read(data), ()
    except DataError as error:
        str(error).encode("utf-8")
        return [], error.problems


def test_rows_carry_their_line_numbers_and_blank_lines_are_skipped() -> None:
    assert read_lines(b'{"a": 1}\r\n\n \t \n {"a": [2.5, null, true]} \n{"a": 3}') == [
        (1, {"a": 1}),
        (4, {"a": [2.5, None, True]}),
        (5, {"a": 3}),
    ]


def test_unicode_line_separators_inside_a_string_do_not_end_the_line() -> None:
    text = "one\u2028two\u0085three\x7f"
    assert read_lines(json.dumps({"a": text}, ensure_ascii=False).encode()) == [(1, {"a": text})]


def test_a_surrogate_pair_is_one_character() -> None:
    assert read_lines(rb'{"a": "\ud83d\ude00"}') == [(1, {"a": "😀"})]


def test_a_byte_order_mark_is_left_out_with_a_warning() -> None:
    for read in (read_jsonl, read_json_array):
        log = ReadLog("rows")
        data = b'\xef\xbb\xbf{"a": 1}' if read is read_jsonl else b'\xef\xbb\xbf[{"a": 1}]'
        assert list(read(io.BytesIO(data), log)) == [(1, {"a": 1})]
        assert log.warnings == ["a byte order mark at the start of the file was left out"]


REFUSED_VALUES = [
    pytest.param(b'{"a": 1, "a": 2}', "the key 'a' twice in one object", id="duplicate key"),
    pytest.param(b'{"a": NaN}', "found NaN, expected a finite number", id="nan"),
    pytest.param(b'{"a": Infinity}', "found Infinity", id="infinity"),
    pytest.param(b'{"a": -Infinity}', "found -Infinity", id="minus infinity"),
    pytest.param(b'{"a": 1e999}', "the number 1e999, expected a number below", id="overflow"),
    pytest.param(b'{"a": 9223372036854775808}', "the number 9223372036854775808, expected an integer", id="65 bits"),
    pytest.param(b'{"a": ' + b"1" * 5000 + b"}", "the number 1{40}, expected an integer", id="5000 digits"),
    pytest.param(rb'{"a": [{"b": "x\ud800y"}]}', r"a\[0\]\.b: found '\\ud800', half of a character", id="surrogate"),
    pytest.param(rb'{"\udfff": 1}', r"found '\\udfff', half of a character", id="surrogate key"),
]


@pytest.mark.parametrize(("row", "message"), REFUSED_VALUES)
def test_json_that_python_would_accept_is_refused_with_its_row(row: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"^rows\.jsonl:1.*{message}"):
        read_lines(row)
    with pytest.raises(DataError, match=rf"^rows\.json:1.*{message}"):
        read_array(b"[" + row + b"]")


def test_the_largest_and_smallest_64_bit_integers_are_accepted() -> None:
    assert read_lines(b'{"a": [9223372036854775807, -9223372036854775808]}') == [(1, {"a": [2**63 - 1, -(2**63)]})]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"a": \xff}', r"1 byte 7: found 0xff, which is not UTF-8 here"),
        (b'{"a": "\xed\xa0\x80"}', r"1 byte 8: found 0xed, which is not UTF-8"),
        (b'{"a": "\0"}', r"1 byte 8: found a NUL byte"),
        (b"\xff\xfe{\0}\0", r"1 byte 1: found text in UTF-16 or UTF-32.*iconv"),
        (b"\xfe\xff\0{\0}", r"1 byte 1: found text in UTF-16"),
        ('{"a": 1}\n'.encode("utf-16-le"), r"1 byte 1: found text in UTF-16"),
        ('{"a": 1}\n'.encode("utf-16-be"), r"1 byte 1: found text in UTF-16"),
        (b'{"a": "' + b"x" * MAX_LINE_BYTES + b'"}', r"1: found a line of more than 33,554,432 bytes"),
        (b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}", r"1: found values nested more than 64 deep"),
        (b"[" * 100_000, r"1: found values nested more than 64 deep"),
        (b"[1]", r"1: found a list, expected an object with named fields.*named \.json"),
        (b"7", r"1: found the number 7, expected an object"),
        (b"true", r"1: found true, expected an object"),
        (b"null", r"1: found null, expected an object"),
        (b'"a"', r"1: found 'a', expected an object"),
        (b'{"a": 1', r"1 byte 8: found the end of the text, expected the rest of the row.*cut off"),
        (b'{"a": "x', r"1 byte 7: found '\"x' and then the end of the text"),
        (b'{"a": 1} {"a": 2}', r"""1 byte 10: found '{"a": 2}', expected the end of the row"""),
        (b'{"a": 1}\r{"a": 2}', r"""1 byte 10: found '{"a": 2}', expected the end of the row"""),
        (b'{"a": tru}', r"1 byte 7: found 'tru}', expected a JSON value"),
        (b"{'a': 1}", r"""1 byte 2: found "'a': 1}", expected a key in double quotes"""),
        (b'{"a" 1}', r"1 byte 6: found '1}', expected a colon after the key"),
        (b'{"\xc3\xa9": 1 2}', r"1 byte 10: found '2}', expected a comma or a closing bracket"),
        (b'{"a": "\t"}', r"1 byte 8: .*expected an escape such as"),
        (b'{"a": "\\x"}', r"1 byte 8: .*expected a JSON escape"),
    ],
)
def test_a_bad_line_is_refused_with_its_byte(line: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"^rows\.jsonl:{message}"):
        read_lines(line)


def test_brackets_inside_strings_are_not_nesting() -> None:
    row = {"a": "[" * 1000 + '"\\' + "{" * 1000, "b": [[]] * 100}
    assert read_lines(json.dumps(row).encode()) == [(1, row)]


def test_64_levels_are_accepted_in_a_line_and_in_an_array() -> None:
    row = b'{"a": ' + b"[" * 63 + b"]" * 63 + b"}"
    assert read_lines(row)
    assert read_array(b"[" + row + b"]")


@pytest.mark.parametrize(
    "line",
    [b"[]" * 100 + b'"\\"' * 300_000, b"[" * 1_000_000, b"[]" * 500_000, b"[]" * 100 + b'"a\\"' * 250_000],
    ids=["escaped quotes", "open brackets", "pairs", "broken strings"],
)
def test_a_hostile_megabyte_is_refused_within_a_second(line: bytes) -> None:
    start = time.process_time()
    with pytest.raises(DataError, match=r"^rows\.jsonl:1"):
        read_lines(line)
    assert time.process_time() - start < 1.0


def test_lines_after_a_bad_or_too_long_one_keep_their_numbers() -> None:
    log = ReadLog("rows.jsonl")
    too_long = b"x" * (2 * MAX_LINE_BYTES + 5)
    rows = list(read_jsonl(io.BytesIO(b"{\n" + too_long + b'\n{"a": 1}\n'), log))
    assert rows == [(3, {"a": 1})]
    with pytest.raises(DataError, match=r"rows\.jsonl:1 byte 2(.|\n)*rows\.jsonl:2: found a line of more than"):
        log.raise_if_refused()


def test_twenty_bad_lines_are_listed_and_the_others_counted() -> None:
    with pytest.raises(DataError, match=r"\.\.\. and 10 more\.$") as caught:
        read_lines(b"{\n" * 30)
    assert [problem.where for problem in caught.value.problems] == [f"rows.jsonl:{n} byte 2" for n in range(1, 21)]


def test_a_file_cut_at_any_byte_gives_whole_rows_or_an_error_with_line_and_byte() -> None:
    rows = [{"prompt": f"Wie heißt Nr. {n}? 😀 \u2028", "completion": f'"{n}"\n{n / 3}'} for n in range(40)]
    data = b"".join(json.dumps(row, ensure_ascii=n % 2 == 0).encode() + b"\n" for n, row in enumerate(rows))
    assert len(data) > 2000
    data = data[: data.index(b"\n", 2000) + 1]
    for length in range(len(data)):
        num_whole = data[:length].count(b"\n")
        # The row is whole as well when the cut took nothing but its line end.
        num_whole += length > 0 and data[length - 1 :].startswith(b"}\n")
        read, problems = problems_of(read_lines, data[:length])
        if problems:
            assert re.fullmatch(rf"rows\.jsonl:{num_whole + 1} byte \d+", problems[0].where)
            assert len(problems) == 1
        else:
            assert [row for _, row in read] == rows[:num_whole]
            assert length == 0 or data[length - 1 : length] in b"}\n"


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ud8é\n\r\t \x00\ufeff01eE+-.NaInfty', max_size=120))
@settings(max_examples=200, deadline=None)
def test_any_bytes_give_rows_or_problems_with_file_and_line(data: bytes | str) -> None:
    raw = data.encode() if isinstance(data, str) else data
    rows, problems = problems_of(read_lines, raw)
    assert all(re.match(r"rows\.jsonl:[1-9]", problem.where) for problem in problems)
    assert all(problem.found and problem.expected and problem.fix for problem in problems)
    if not problems:
        lines = raw.removeprefix(b"\xef\xbb\xbf").split(b"\n")
        assert all(json.loads(lines[number - 1]) == row for number, row in rows)
        assert len(rows) == sum(bool(line.strip(b" \t\r")) for line in lines)


@given(st.binary(max_size=200) | st.text(alphabet='{}[]":,\\ud8é\n 01eNa', max_size=120).map(str.encode))
@settings(max_examples=200, deadline=None)
def test_any_bytes_as_an_array_give_rows_or_problems_with_the_file(data: bytes) -> None:
    rows, problems = problems_of(read_array, data)
    assert all(problem.where.startswith("rows.json") for problem in problems)
    if not problems:
        assert [row for _, row in rows] == json.loads(data)


def json_rows() -> st.SearchStrategy[list[dict[str, object]]]:
    text = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
    values = st.recursive(
        st.none() | st.booleans() | numbers | text,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
        max_leaves=8,
    )
    return st.lists(st.dictionaries(text, values, max_size=4), max_size=4)


@given(json_rows(), st.booleans())
@settings(max_examples=200, deadline=None)
def test_valid_rows_are_read_as_json_loads_reads_them(rows: list[dict[str, object]], is_ascii: bool) -> None:
    lines = [json.dumps(row, ensure_ascii=is_ascii) for row in rows]
    read = read_lines("\n".join(lines).encode())
    assert read == [(number, json.loads(line)) for number, line in enumerate(lines, start=1)]
    array = "[" + ",\r\n ".join(lines) + "]\n"
    assert read_array(array.encode()) == read


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            b' {"train": [], "test": []}',
            r": found an object with the keys train, test, expected a JSON array of rows.*one file per split",
        ),
        (b'{"a": 1}\n{"a": 2}\n', r": found one value after another, expected a JSON array\. Rename JSON Lines to"),
        (b"7", r": found the number 7, expected a JSON array of objects"),
        (b"hello", r": found 'hello', expected a JSON array of objects"),
        (b'{"a": NaN}', r": found '{\"a\": NaN}', expected a JSON array"),
        (b" ", r": found '', expected a JSON array of objects"),
        (b'[{"a": 1},]', r":2 line 1, byte 11: found ']', expected a JSON value"),
        (b'[{"a": 1}\n {"a": 2}]', r""":1 line 2, byte 2: found '{"a": 2}]', expected a comma or a closing"""),
        (b'[{"a": 1}\n', r":1 line 2, byte 1: found the end of the text, expected the rest of the row"),
        (b'[{"a": 1}] x', r":1 line 1, byte 12: found 'x', expected the end of the row"),
        (b'[{"a": 1},\n{"a": ', r":2 line 2, byte 7: found the end of the text"),
        (b'[{"a": NaN, "b": }]', r":1: found NaN"),
        (b"[1]", r":1: found the number 1, expected an object"),
        (b"[", r":1 line 1, byte 2: found the end of the text"),
        (b"[] []", r" line 1, byte 4: found '\[\]', expected the end"),
        (b"[" * 66, r": found values nested more than 65 deep"),
        (b"[\xff]", r" byte 2: found 0xff"),
        (b"[\0]", r" byte 2: found a NUL byte"),
        ("[]".encode("utf-16"), r" byte 1: found text in UTF-16"),
    ],
)
def test_a_file_that_is_no_sound_array_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=rf"^rows\.json{message}"):
        read_array(data)


def test_all_bad_rows_of_an_array_are_listed() -> None:
    with pytest.raises(DataError, match="NaN") as caught:
        read_array(b'[{"a": NaN}, {"a": 1}, {"b": 1, "b": 2}, [5], {"a": 1e999}]')
    assert [problem.where for problem in caught.value.problems] == [f"rows.json:{row}" for row in (1, 3, 4, 5)]


ARRAYS = [
    b'[{"a": 1.5e+3}, {"b": [1e-2, -7, true, null, "\\ud83d\\ude00 \\" ]"]},\r\n {"c": {}}]\n',
    '[{"a": "é€😀"}, {"b": "\u2028"}]'.encode(),
    b'\xef\xbb\xbf [ {"a": 1} , {"a": 2}]  ',
    b'[{"a": NaN}, {"a": -Infinity}, {"a": 1}, {"b": 1, "b": 2}, [5], 1.5e9, 12345678901234567890123, {"a": 1e999}]',
    b'[{"a": "\\ud800"}, "\\ud800", {"a": 1}]',
    b'[{"a": 12345678901234567890123.5}, {"a": 1}]',
    b'[{"a": 1} {"a": 2}]',
    b'[{"a": 1},]',
    b'[{"a": 1},\n {"a": "cut off',
    b'[{"a": 1}, {"a": 2',
    b'[{"a": 1}]\n\n  and more',
    b'[{"a": "tab\there"}]',
    b'[{"a": tru}, 7]',
    '[{"a": 1},\n {"é": "\udcff"}]'.encode("utf-8", "surrogateescape"),
    '[{"a": "é"}, "\udce2\udc82'.encode("utf-8", "surrogateescape"),
    b'[{"a": 1}, {"a": "\x00"}]',
    b'[{"a": 1}, ' + b"[" * 80 + b"]" * 80 + b"]",
    b'      [{"a": ' + b"[" * 63 + b"]" * 63 + b"}]",
    b'{"train": [1], "test": []}',
    b'{"a": 1}\n{"a": 2}',
    b"  7 ",
    b" ",
    b"[",
    b"[]",
    b"\xff\xfe[\x00",
]


def read_in_pieces(data: bytes, piece_bytes: int) -> tuple[NumberedRows, tuple[Problem, ...], list[str]]:
    log = ReadLog("rows.json")
    rows = list(read_json_array(io.BytesIO(data), log, piece_bytes))
    try:
        log.raise_if_refused()
    except DataError as error:
        return rows, error.problems, log.warnings
    return rows, (), log.warnings


@pytest.mark.parametrize("data", ARRAYS)
def test_an_array_reads_the_same_in_pieces_of_any_size(data: bytes) -> None:
    whole = read_in_pieces(data, len(data) + 1)
    for piece_bytes in range(1, len(data) + 1):
        rows, *told = read_in_pieces(data, piece_bytes)
        # Rows before the place that hides the others may have come already.
        assert told == list(whole[1:]), piece_bytes
        assert rows == whole[0] or whole[1], piece_bytes


@given(st.lists(st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False) | st.text() | st.none())))
def test_any_array_reads_in_pieces_as_pythons_parser_reads_it(rows: list[dict[str, object]]) -> None:
    for ensure_ascii in (True, False):
        data = json.dumps(rows, ensure_ascii=ensure_ascii, indent=1).encode()
        for piece_bytes in (1, 7, 64):
            assert read_in_pieces(data, piece_bytes) == (list(enumerate(json.loads(data), 1)), (), [])


def test_an_array_is_not_read_ahead_of_its_rows() -> None:
    class Counted(io.BytesIO):
        num_read = 0

        def read(self, size: int | None = -1, /) -> bytes:
            found = super().read(size)
            self.num_read += len(found)
            return found

    file = Counted(b"[" + b",".join([b'{"text": "' + b"x" * 90 + b'"}'] * 1000) + b"]")
    for number, _ in read_json_array(file, ReadLog("rows.json"), 1000):
        # Beyond the row there are at most two pieces: the one in which it ends, and the next.
        assert file.num_read <= number * 103 + 2 * 1000
    assert number == 1000


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b'[{"a": 1}, {"a": "' + b"x" * 1000 + b'"}, {"a": NaN}]', r"rows\.json:2: found a row of more than 1,000 ch"),
        (
            b'[{"a": 1},\n {"a": "' + b"x" * 5000,
            r"rows\.json line 2, byte 2: found a row of more than 1,000 characters",
        ),
    ],
)
def test_a_row_of_an_array_may_be_as_long_as_a_line(data: bytes, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "MAX_LINE_BYTES", 1000)
    rows, problems, _ = read_in_pieces(data, 100)
    assert rows == [(1, {"a": 1})]
    assert re.match(message, str(problems[0]))
    assert len(problems) == data.count(b"NaN") + 1


def test_an_empty_array_has_no_rows() -> None:
    assert read_array(b" [ ] \n") == []


@pytest.mark.parametrize("text", ["x" * 10, "x" * 1000, "\x00" * 40, "\ud800" * 200, "é" * 80])
def test_an_excerpt_is_short_and_printable(text: str) -> None:
    quoted = excerpt(text)
    assert len(quoted) <= MAX_EXCERPT + 2
    quoted.encode("utf-8")
