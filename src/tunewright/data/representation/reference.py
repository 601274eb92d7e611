"""The reference sample: production inputs from a file, with or without answers.

a row of any form in docs/data-formats.md                    what is asked there
{"prompt": "Where is my parcel?"}                            the prompt
{"messages": [{"role": "user", "content": "Hi"}, ...]}       all messages before a last answer, without system's
{"question": "Hi", "seconds": 3}, question named             the named column
a line of a .txt file                                        the line
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from tunewright.data.checks.check import checked_row
from tunewright.data.files import opened, suffix_of
from tunewright.data.forms import detect_form, to_body
from tunewright.data.lines import read_lines
from tunewright.data.messages import OPENAI, SHAREGPT, MessageShape, read_content
from tunewright.data.refusals import ReadLog, RefusedError, describe, excerpt, join_names
from tunewright.data.row_files import ROW_READERS, NumberedRows, RowReader
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import DataRecipe, Example, Provenance, content_hash

MIN_INPUTS = 20
"""Fewer different inputs say too little about what production asks."""

_TEXT_FIELDS = ("prompt", "input", "question", "text")
_TURN_FIELDS = {"messages": OPENAI, "conversations": SHAREGPT}
_SYSTEM_ROLES = frozenset({"system", "developer"})
_ANSWERING_ROLES = frozenset(
    name for shape in _TURN_FIELDS.values() for name, role in shape.roles.items() if role == "assistant"
)


@dataclass(frozen=True, slots=True)
class ReferenceInput:
    """One input of the reference."""

    text: str
    location: str
    """`file:row`."""

    @property
    def id(self) -> str:
        """Hash of the text: what a finding counts."""
        return content_hash(self.text)


def read_reference(path: str, column: str | None) -> list[ReferenceInput]:
    """Read the inputs of a file; answers beside them are not looked at, and rows without an input are left out.

    Args:
        path: .jsonl, .json, .csv, .tsv, .parquet, or .txt with one input per line; also packed as .gz, or a URL.
        column: the field that holds the input; None takes it from the names above.
    Raises:
        RecipeError: the column stands in no row.
        DataError: the file cannot be opened, rows are refused (up to 20 are listed), or there are too few.
    """
    log = ReadLog(path)
    with opened(path, _READERS) as file:
        found = list(_inputs(_READERS[suffix_of(path)](file.reader, log), column, log))
    log.raise_if_refused()
    num_distinct = len({each.text for each in found})
    if num_distinct < MIN_INPUTS:
        raise DataError(
            Problem(
                path,
                f"{num_distinct} different inputs",
                f"at least {MIN_INPUTS} inputs of production",
                "Give a larger sample, or leave data.checks.reference out.",
            )
        )
    return found


def has_field(path: str, field: str) -> bool:
    """Whether a row of the file has the field. Rows that cannot be read are left for `read_reference` to refuse.

    Raises:
        DataError: the file cannot be opened.
    """
    with opened(path, _READERS) as file:
        return any(field in row for _, row in _READERS[suffix_of(path)](file.reader, ReadLog(path)))


def _inputs(rows: NumberedRows, column: str | None, log: ReadLog) -> Iterator[ReferenceInput]:
    names: dict[str, None] = {}
    is_named = False
    for number, row in rows:
        names.update(dict.fromkeys(row))
        is_named = is_named or column in row
        try:
            text = _field(row, column) if column is not None else _detected(row, log.name, number)
        except RefusedError as refused:
            log.refuse(number, refused)
            continue
        if text.strip():
            yield ReferenceInput(text, f"{log.name}:{number}")
    if column is not None and names and not is_named:
        raise RecipeError(
            Problem(
                "data.checks.reference_input",
                f"{excerpt(column)}, which no row of {log.name} has",
                f"one of {join_names(names)}",
                "Name the column that holds the input.",
            )
        )


def _detected(row: Mapping[str, object], source: str, number: int) -> str:
    """The input as training rows have it, or by looser rules where the row could not be trained on."""
    form = detect_form([row])
    if form is None or form == "text":  # a text beside other fields is often a rendering of them
        return _unanswered(row)
    try:
        body = to_body(row, form, DataRecipe(path=source))
    except RefusedError:
        return _unanswered(row)
    return checked_row(Example(body=body, provenance=Provenance(source=source, row=number))).asked


def _unanswered(row: Mapping[str, object]) -> str:
    for field, shape in _TURN_FIELDS.items():
        if field in row:
            return _turns(row[field], field, shape)
    if "instruction" in row:
        parts = (_field(row, "instruction"), _field(row, "input"))
        return "\n\n".join(part for part in parts if part.strip())
    for field in _TEXT_FIELDS:
        if field in row:
            return _field(row, field)
    expected = ", ".join([*_TURN_FIELDS, "instruction", *_TEXT_FIELDS])
    fix = "Name the field that holds the input with data.checks.reference_input."
    raise RefusedError("", f"the fields {join_names(row)}", f"one of {expected}", fix)


def _field(row: Mapping[str, object], field: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    raise RefusedError(field, describe(value), "a text", "Write the input as a text, or name another field.")


def _turns(turns: object, field: str, shape: MessageShape) -> str:
    """The messages before the last answer, if there is one; a log may as well end with the user's."""
    if not isinstance(turns, list):
        raise RefusedError(field, describe(turns), "a list of messages", "See docs/data-formats.md for a row.")
    texts: list[tuple[str, str]] = []
    for index, turn in enumerate(turns):
        place = f"{field}[{index}]"
        if not isinstance(turn, dict):
            expected = f"an object with {shape.role_key} and {shape.text_key}"
            raise RefusedError(place, describe(turn), expected, "Correct the row.")
        role = str(turn.get(shape.role_key))
        is_answer = role in _ANSWERING_ROLES
        text = read_content(turn, f"{place}.{shape.text_key}", shape, may_be_absent=is_answer)
        texts.append((role, "" if role == shape.calls_role else text))
    while texts and texts[-1][0] in _ANSWERING_ROLES:
        texts.pop()
    return "\n".join(text for role, text in texts if role not in _SYSTEM_ROLES)


def _read_inputs(file: BinaryIO, log: ReadLog) -> NumberedRows:
    return ((number, {"text": line.rstrip("\r\n")}) for number, line in read_lines(file, log))


_READERS: dict[str, RowReader] = {**ROW_READERS, ".txt": _read_inputs}
