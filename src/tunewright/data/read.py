"""One file or hub dataset to examples, with the hash of exactly the bytes that were read."""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain, islice
from pathlib import Path

from tunewright.data.chat_logs import cut_short_by
from tunewright.data.documents import DOCUMENT_SUFFIXES, read_document_passages
from tunewright.data.facets import facet_columns, read_facets, require_facet_columns
from tunewright.data.fields import Row
from tunewright.data.files import opened, suffix_of
from tunewright.data.filled_nulls import without_filled_nulls
from tunewright.data.forms import check_settings, choose_form, to_body, unused_fields
from tunewright.data.passages import read_passages
from tunewright.data.refusals import (
    MAX_EXCERPT,
    FailedRequestError,
    ReadLog,
    RefusedError,
    Unreadable,
    describe,
    excerpt,
    join_names,
)
from tunewright.data.row_files import ROW_READERS, NumberedRows, RowReader
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import DataRecipe, Example, Form, Provenance, Source, SourceRecipe, canonical_json

LoadHubDataset = Callable[[str], Iterable[dict[str, object]]]
"""Gives the rows of the hub dataset with this id. The caller brings it; reading files needs no network."""

TABLE_SUFFIXES = frozenset({".csv", ".tsv", ".parquet"})

MAX_LISTED_NAMES = 20
_ROWS_TO_DETECT_FORM = 20
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+(@[\w./-]+)?")


@dataclass(frozen=True, slots=True)
class ReadRows:
    """All examples of one file, folder, query or hub dataset, in its order, duplicates included."""

    examples: Sequence[Example]
    source: Source


Hold = Callable[[Iterable[Example]], Sequence[Example]]
"""Where examples are held: `tuple` in memory, or the method of a file on disk."""


def read_rows(
    path: str,
    recipe: DataRecipe,
    load_hub_dataset: LoadHubDataset | None,
    source: SourceRecipe | None = None,
    hold: Hold = tuple,
    unreadable: Unreadable | None = None,
) -> ReadRows:
    """Read every row of a file or hub dataset, or none: one bad row refuses the whole source.

    Args:
        path: a file or URL by suffix, or a hub dataset id `owner/name`, optionally with `@revision`. It is a
            parameter, and not taken from the recipe, because validation and test files are read under the same
            settings.
        recipe: form, columns and system prompt.
        load_hub_dataset: gives the rows of a hub dataset.
        source: what is known about the rows; None where the recipe has no sources.
        hold: takes the examples one by one.
        unreadable: takes rows that are refused, so that the others are read all the same.
    Raises:
        DataError: the source cannot be read or rows are refused; up to 20 of them are listed.
        RecipeError: a setting has no effect on rows of this form.
    """
    check_settings(recipe)
    log = ReadLog(path, unreadable)
    suffix = suffix_of(path)
    if suffix not in _READERS and not Path(path).exists() and _HUB_ID.fullmatch(path):
        return read_unhashed(enumerate(_load(path, load_hub_dataset), start=1), recipe, log, source, hold)
    if suffix in DOCUMENT_SUFFIXES:
        recipe = for_plain_text(recipe, f"a {suffix} file", source)
    with opened(path, _READERS) as file:
        examples, form = _to_examples(_READERS[suffix](file.reader, log), recipe, log, source, hold)
        sha256 = file.sha256
    return read_as(examples, form, sha256, log, source)


def read_unhashed(
    rows: NumberedRows, recipe: DataRecipe, log: ReadLog, source: SourceRecipe | None, hold: Hold = tuple
) -> ReadRows:
    """Turn rows into examples that are hashed themselves, since there are no bytes that could be.

    Raises:
        DataError: rows are refused; up to 20 of them are listed.
        RecipeError: a setting has no effect on rows of this form.
    """
    as_written = ((number, without_filled_nulls(row)) for number, row in rows)
    examples, form = _to_examples(as_written, recipe, log, source, hold)
    return read_as(examples, form, _hash_of_all(examples), log, source)


def _hash_of_all(examples: Iterable[Example]) -> str:
    """`content_hash` of the list of all bodies, without making that list."""
    digest = hashlib.sha256(b"[")
    for index, example in enumerate(examples):
        digest.update(("," * (index > 0) + canonical_json(example.body.model_dump())).encode("utf-8"))
    digest.update(b"]")
    return digest.hexdigest()


def read_as(
    examples: Sequence[Example], form: Form, sha256: str, log: ReadLog, source: SourceRecipe | None
) -> ReadRows:
    """Put examples together with the record of where they are from."""
    known = source or SourceRecipe(path=log.name)
    record = Source(
        name=log.name,
        sha256=sha256,
        form=form,
        num_rows=len(examples),
        warnings=tuple(log.warnings),
        part_of=source.title if source else None,
        licence=known.licence,
        owner=known.owner,
        weight=known.weight,
    )
    return ReadRows(examples, record)


def _to_examples(
    rows: NumberedRows, recipe: DataRecipe, log: ReadLog, source: SourceRecipe | None, hold: Hold
) -> tuple[Sequence[Example], Form]:
    first = list(islice(rows, _ROWS_TO_DETECT_FORM))
    if not first:
        log.raise_if_refused()
        raise DataError(Problem(log.name, "no rows", "at least one row", "Check that this is the file you meant."))
    form = choose_form([row for _, row in first], recipe, log)
    _require_licence_column([row for _, row in first], source, log)
    require_facet_columns([row for _, row in first], recipe, log, is_mixed=source is not None)
    unused = _Unused()
    examples = hold(_accepted(chain(first, rows), form, recipe, log, source, unused))
    log.end(len(examples))
    if source is not None:
        unused.names.discard(source.licence_column or "")
    _report_unused(unused, form, recipe, log)
    return examples, form


def _accepted(
    rows: NumberedRows,
    form: Form,
    recipe: DataRecipe,
    log: ReadLog,
    source: SourceRecipe | None,
    unused: "_Unused",
) -> Iterator[Example]:
    """The examples of rows that are in order; `unused` receives the fields that were not read."""
    for number, row in rows:
        try:
            body = to_body(row, form, recipe)
            provenance = Provenance(
                source=log.name,
                row=number,
                part_of=source.title if source else None,
                licence=_licence(row, source) if source else None,
                cut_short_by=cut_short_by(row) if form == "chat_log" else None,
                **read_facets(row, recipe),
            )
        except FailedRequestError as failed:
            log.leave_out(number, failed)
        except RefusedError as refused:
            log.refuse(number, refused)
        else:
            yield Example(body=body, provenance=provenance)
            unused.add(unused_fields(row, form) - facet_columns(recipe), row)


@dataclass(slots=True)
class _Unused:
    """Fields that hold something and were not read."""

    names: set[str] = field(default_factory=set)
    num_false: Counter[str] = field(default_factory=Counter)
    """Rows in which a field says no."""

    def add(self, names: Iterable[str], row: Row) -> None:
        for name in names:
            self.names.add(name)
            self.num_false[name] += row.get(name) is False


def _report_unused(unused: _Unused, form: Form, recipe: DataRecipe, log: ReadLog) -> None:
    if unused.names and form == "text" and recipe.form is None and suffix_of(log.name) in TABLE_SUFFIXES:
        raise DataError(
            Problem(
                log.name,
                f"the columns text, {', '.join(sorted(unused.names))}",
                "to be told which is the input and which the output",
                "Name them with --input and --output, or train on the texts alone with --form text.",
            )
        )
    if unused.names:
        advice = "; for questions and answers name two of them with --input and --output" if form == "text" else ""
        log.warnings.append(f"fields that were not used: {_listed(unused.names)}{advice}")
    log.warnings += [
        f"{name} is false in {num_rows:,} rows and was not used: if it marks bad answers, take those rows out, or they "
        "are learned like good ones"
        for name, num_rows in sorted(unused.num_false.items())
        if num_rows and name in unused.names
    ]


def _listed(names: Iterable[str]) -> str:
    """Names that rows brought along: there may be as many as rows, each as long as one."""
    short = [name if len(name) <= MAX_EXCERPT else f"{name[: MAX_EXCERPT - 1]}…" for name in sorted(names)]
    num_more = len(short) - MAX_LISTED_NAMES
    return ", ".join(short[:MAX_LISTED_NAMES]) + (f" and {num_more:,} more" if num_more > 0 else "")


def _require_licence_column(rows: Sequence[Row], source: SourceRecipe | None, log: ReadLog) -> None:
    column = source.licence_column if source else None
    names = list(dict.fromkeys(name for row in rows for name in row))
    if column is not None and column not in names:
        fix = "Correct licence_column, or remove it and set licence."
        log.refuse(None, RefusedError("", f"no column {excerpt(column)}", f"one of {join_names(names)}", fix))
        log.raise_if_refused()


def _licence(row: Row, source: SourceRecipe) -> str | None:
    """The licence of a row: its own, else that of the source."""
    if source.licence_column is None:
        return source.licence
    value = row.get(source.licence_column)
    if value is None:
        return source.licence
    if not isinstance(value, str):
        raise RefusedError(source.licence_column, describe(value), "the name of a licence", "Write it as a text.")
    return value.strip() or source.licence


def _load(path: str, load_hub_dataset: LoadHubDataset | None) -> Iterable[dict[str, object]]:
    if load_hub_dataset is None:
        raise DataError(
            Problem(path, "no such file", "an existing file", "Hub datasets need a load_hub_dataset function here.")
        )
    return load_hub_dataset(path)


def for_plain_text(recipe: DataRecipe, kind: str, source: SourceRecipe | None) -> DataRecipe:
    """The settings for documents, which have no columns.

    Args:
        recipe: the settings.
        kind: what is read, for messages, as in "a .txt file".
        source: the source that is read, if the recipe has sources.
    Raises:
        RecipeError: a column or another form is set.
    """
    licence_column = source.licence_column if source else None
    for setting, column in (("data.input", recipe.input), ("licence_column", licence_column)):
        if column is not None:
            advice = "Leave --input and --output out." if setting == "data.input" else "Leave it out, and set licence."
            raise RecipeError(Problem(setting, repr(column), f"no column for {kind}", advice))
    if recipe.form not in (None, "text"):
        raise RecipeError(
            Problem("data.form", recipe.form, f"text for {kind}", "Leave data.form out, or convert the file.")
        )
    return recipe.model_copy(update={"form": "text"})


_READERS: dict[str, RowReader] = {
    **ROW_READERS,
    **{suffix: partial(read_document_passages, suffix) for suffix in DOCUMENT_SUFFIXES},
    ".txt": read_passages,  # line by line: a text with blank lines can be larger than memory
}
