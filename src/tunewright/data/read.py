"""One path or hub id to examples, with the hash of exactly the bytes that were read."""

import difflib
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from tunewright.data.forms import check_settings, choose_form, to_body, unused_fields
from tunewright.data.jsonl import read_json_array, read_jsonl
from tunewright.data.lines import byte_lines, decode_line
from tunewright.data.refusals import ReadLog, RefusedError, excerpt
from tunewright.data.tables import read_csv, read_parquet
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import DataRecipe, Example, Form, Provenance, Source, content_hash

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

LoadHubDataset = Callable[[str], Iterable[dict[str, object]]]
"""Gives the rows of the hub dataset with this id. The caller brings it; reading files needs no network."""

NumberedRows = Iterator[tuple[int, dict[str, object]]]

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})

MAX_PASSAGE_CHARACTERS = 2000
"""Paragraphs of a .txt file are joined up to this length, about 500 tokens of English."""

_ROWS_TO_DETECT_FORM = 20
_BUFFER_BYTES = 2**20
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class ReadRows:
    """All examples of one file or hub dataset, in its order, duplicates included."""

    examples: tuple[Example, ...]
    source: Source


def read_rows(path: str, recipe: DataRecipe, load_hub_dataset: LoadHubDataset | None) -> ReadRows:
    """Read every row of a file or hub dataset, or none: one bad row refuses the whole source.

    Args:
        path: a file by suffix, or a hub dataset id `owner/name`, optionally with `@revision`. It is a parameter, and
            not taken from the recipe, because validation and test files are read under the same settings.
        recipe: form, columns and system prompt.
        load_hub_dataset: gives the rows of a hub dataset.
    Raises:
        DataError: the source cannot be read or rows are refused; up to 20 of them are listed.
        RecipeError: a setting has no effect on rows of this form.
    """
    check_settings(recipe)
    log = ReadLog(path)
    suffix = Path(path).suffix.lower()
    if suffix not in _READERS and not Path(path).exists() and _HUB_ID.fullmatch(path):
        rows = enumerate(_load(path, load_hub_dataset), start=1)
        examples, form = _to_examples(rows, recipe, log)
        sha256 = content_hash([example.body.model_dump() for example in examples])
    else:
        if suffix == ".txt":
            recipe = _for_plain_text(recipe)
        with _open(path) as hashed, io.BufferedReader(hashed, _BUFFER_BYTES) as reader:
            examples, form = _to_examples(_READERS[suffix](reader, log), recipe, log)
            sha256 = hashed.sha256
    source = Source(name=path, sha256=sha256, form=form, num_rows=len(examples), warnings=tuple(log.warnings))
    return ReadRows(examples, source)


def _to_examples(rows: NumberedRows, recipe: DataRecipe, log: ReadLog) -> tuple[tuple[Example, ...], Form]:
    first = list(islice(rows, _ROWS_TO_DETECT_FORM))
    if not first:
        log.raise_if_refused()
        raise DataError(Problem(log.name, "no rows", "at least one row", "Check that this is the file you meant."))
    form = choose_form([row for _, row in first], recipe, log)
    examples: list[Example] = []
    unused: set[str] = set()
    for number, row in chain(first, rows):
        try:
            body = to_body(row, form, recipe)
        except RefusedError as refused:
            log.refuse(number, refused)
        else:
            examples.append(Example(body=body, provenance=Provenance(source=log.name, row=number)))
            unused |= unused_fields(row, form)
    log.raise_if_refused()
    if unused and form == "text" and recipe.form is None and Path(log.name).suffix.lower() in TABLE_SUFFIXES:
        raise DataError(
            Problem(
                log.name,
                f"the columns text, {', '.join(sorted(unused))}",
                "to be told which is the input and which the output",
                "Name them with --input and --output, or train on the texts alone with --form text.",
            )
        )
    if unused:
        advice = "; for questions and answers name two of them with --input and --output" if form == "text" else ""
        log.warnings.append(f"fields that were not used: {', '.join(sorted(unused))}{advice}")
    return tuple(examples), form


def _load(path: str, load_hub_dataset: LoadHubDataset | None) -> Iterable[dict[str, object]]:
    if load_hub_dataset is None:
        raise DataError(
            Problem(path, "no such file", "an existing file", "Hub datasets need a load_hub_dataset function here.")
        )
    return load_hub_dataset(path)


def _for_plain_text(recipe: DataRecipe) -> DataRecipe:
    if recipe.input is not None:
        raise RecipeError(
            Problem("data.input", repr(recipe.input), "no column for a .txt file", "Leave --input and --output out.")
        )
    if recipe.form not in (None, "text"):
        raise RecipeError(
            Problem("data.form", recipe.form, "text for a .txt file", "Leave data.form out, or convert the file.")
        )
    return recipe.model_copy(update={"form": "text"})


class _HashedFile(io.RawIOBase):
    """A file that hashes what is read from it, so the hash is that of the rows even if the file changes meanwhile."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb", buffering=0)
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int | None:
        num_bytes = self._file.readinto(buffer)
        self._digest.update(memoryview(buffer)[:num_bytes])
        return num_bytes

    def close(self) -> None:
        self._file.close()
        super().close()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


def _open(name: str) -> _HashedFile:
    path = Path(name)
    suffixes = ", ".join(_READERS)
    if path.is_dir():
        raise DataError(Problem(name, "a folder", f"a file ({suffixes})", "Name one file of the folder."))
    if not path.exists():
        raise DataError(Problem(name, "no such file", "a file or a hub dataset id owner/name", _near(path)))
    if path.suffix.lower() not in _READERS:
        found = f"the suffix {excerpt(path.suffix)}" if path.suffix else "no suffix"
        raise DataError(Problem(name, found, f"one of {suffixes}", "Convert, decompress or rename the file."))
    try:
        if path.stat().st_size == 0:
            raise DataError(Problem(name, "an empty file", "rows", "Check the export or download that made it."))
        return _HashedFile(path)
    except OSError as error:
        raise DataError(
            Problem(name, error.strerror or "an error", "a readable file", "Check its permissions.")
        ) from None


def _near(path: Path) -> str:
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, n=1)
    return f"Did you mean {path.parent / close[0]}?" if close else "Check the path."


def _read_passages(file: BinaryIO, log: ReadLog) -> NumberedRows:
    """Join paragraphs into passages: long enough to learn from, short enough for a small context."""
    passage = ""
    number = 0
    for paragraph in _paragraphs(file, log):
        joined = f"{passage}\n\n{paragraph}" if passage else paragraph
        if passage and len(joined) > MAX_PASSAGE_CHARACTERS:
            number += 1
            yield number, {"text": passage}
            joined = paragraph
        passage = joined
    if passage:
        yield number + 1, {"text": passage}


def _paragraphs(file: BinaryIO, log: ReadLog) -> list[str]:
    """Texts between blank lines; where no line is blank, every line is a paragraph."""
    paragraphs: list[list[str]] = [[]]
    for number, raw in byte_lines(file, log):
        try:
            line = decode_line(raw).rstrip("\r\n")
        except RefusedError as refused:
            log.refuse(number, refused)
            continue
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    if len(paragraphs) == 1:
        return paragraphs[0]
    return ["\n".join(lines) for lines in paragraphs if lines]


def _read_tsv(file: BinaryIO, log: ReadLog) -> NumberedRows:
    return read_csv(file, log, delimiter="\t")


def _read_comma(file: BinaryIO, log: ReadLog) -> NumberedRows:
    return read_csv(file, log, delimiter=",")


_READERS: dict[str, Callable[[BinaryIO, ReadLog], NumberedRows]] = {
    ".jsonl": read_jsonl,
    ".json": read_json_array,
    ".csv": _read_comma,
    ".tsv": _read_tsv,
    ".parquet": read_parquet,
    ".txt": _read_passages,
}
