"""Rows of an SQL query: from SQLite, DuckDB or PostgreSQL, or over CSV, TSV and Parquet files as tables.

    sqlite:///crm.db           SQLite, opened read-only by Python's own library
    duckdb:///crm.duckdb       DuckDB, opened read-only
    postgres://host/crm        PostgreSQL, attached read-only to DuckDB
    tickets.csv, data/*.csv    each file a table of its name, cells of CSV and TSV as text, empty ones as NULL

A query is one SELECT. It can write nothing, and it sees no file but those named.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from tunewright.data.files import near, opened, refuse_password, suffix_of
from tunewright.data.refusals import ReadLog, excerpt
from tunewright.data.row_files import NumberedRows
from tunewright.data.spill import no_room_for_temporary_files
from tunewright.data.tables import read_csv
from tunewright.errors import DataError, MissingExtraError, Problem, RecipeError

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

SQLITE, DUCKDB = "sqlite:///", "duckdb:///"
POSTGRES = ("postgres://", "postgresql://")
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")

MAX_ERROR_CHARACTERS = 200
"""Of what a database says is wrong."""

_ROWS_PER_FETCH = 1024
_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SQLITE_READS = frozenset(
    {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE}
)


def is_database(path: str) -> bool:
    """Whether rows can be had from a path only by a query."""
    return path.lower().startswith(("sqlite:", "duckdb:", *POSTGRES))


def query_database(path: str, query: str, name: str) -> NumberedRows:
    """Put a query to a database.

    Args:
        path: for which `is_database` holds.
        query: one SELECT.
        name: of the source, for messages.
    Returns:
        Rows numbered from 1, read as they are asked for.
    Raises:
        DataError: the database cannot be opened, or the query fails.
        RecipeError: the query is not one SELECT.
        MissingExtraError: DuckDB is needed and not installed.
    """
    if path.lower().startswith("sqlite:"):
        return _sqlite_rows(_database_file(path, SQLITE, name), query, name)
    if path.lower().startswith(POSTGRES):
        refuse_password(path, "Put it into the variable PGPASSWORD or the file ~/.pgpass.")
        return _duckdb_rows(_attach_postgres(path, name), query, name)
    return _duckdb_rows(_open_duckdb(_database_file(path, DUCKDB, name), name), query, name)


def query_tables(paths: Sequence[str], query: str, name: str) -> NumberedRows:
    """Put a query to files, each a table of its name: `data/tickets.csv` is `tickets`.

    Args:
        paths: CSV, TSV and Parquet files, also packed as .gz where they are text.
        query: one SELECT.
        name: of the source, for messages.
    Raises:
        DataError: a file is missing, of another kind or cannot be read, two have the same name, or the query fails.
        RecipeError: the query is not one SELECT.
        MissingExtraError: DuckDB is not installed.
    """
    tables: dict[str, str] = {}
    for path in paths:
        _require_table(path)
        table = Path(path).name.partition(".")[0]
        if table in tables:
            raise DataError(
                Problem(path, f"the name of {tables[table]}", "tables of distinct names", "Rename one of the files.")
            )
        tables[table] = path
    return _table_rows(_connect(), tables, query, name)


def _require_table(path: str) -> None:
    if not Path(path).exists():
        raise DataError(Problem(path, "no such file", f"a table ({', '.join(TABLE_SUFFIXES)})", near(Path(path))))
    if suffix_of(path) not in TABLE_SUFFIXES:
        fix = "Remove the query, or name a table or a database such as sqlite:///FILE."
        raise DataError(Problem(path, "a query beside it", f"a table ({', '.join(TABLE_SUFFIXES)})", fix))


def _database_file(path: str, prefix: str, name: str) -> Path:
    """The file of a URL: three slashes and a path from here, or four and a full path."""
    if not path.lower().startswith(prefix):
        raise DataError(Problem(name, excerpt(path), f"{prefix}FILE", "Three slashes, then the path of the file."))
    file = Path(path[len(prefix) :])
    if not file.is_file():
        raise DataError(Problem(str(file), "no such file", "a database", near(file)))
    return file


def _sqlite_rows(file: Path, query: str, name: str) -> NumberedRows:
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True)) as database:
            database.set_authorizer(_only_reading)
            cursor = database.execute(query)
            yield from _numbered(cursor, name)
    except sqlite3.DatabaseError as error:
        # Several statements are a ProgrammingError; what the authorizer denies has no error code of its own everywhere.
        if isinstance(error, sqlite3.ProgrammingError) or "not authorized" in str(error):
            raise _not_a_select(name) from None
        raise _failed(name, error) from None


def _only_reading(action: int, *_: str | None) -> int:
    return sqlite3.SQLITE_OK if action in _SQLITE_READS else sqlite3.SQLITE_DENY


def _duckdb_rows(database: "DuckDBPyConnection", query: str, name: str) -> NumberedRows:
    import duckdb

    try:
        with closing(database):
            kinds = [statement.type for statement in database.extract_statements(query)]
            if kinds != [duckdb.StatementType.SELECT]:
                raise _not_a_select(name)
            yield from _numbered(database.execute(query), name)
    except duckdb.Error as error:
        raise _failed(name, error) from None


def _connect() -> "DuckDBPyConnection":
    try:
        import duckdb
    except ImportError:
        raise MissingExtraError("duckdb", "sql", "put queries to tables, DuckDB and PostgreSQL") from None
    # An extension is machine code from elsewhere: none is fetched without being asked for.
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    return duckdb.connect(":memory:", config=settings)


def _lock(database: "DuckDBPyConnection", files: Sequence[str] = ()) -> None:
    """From here on a query sees these files and no others, and cannot change that."""
    database.execute(f"SET allowed_paths = [{', '.join(map(_quoted, files))}]")
    database.execute("SET enable_external_access = false")
    database.execute("SET lock_configuration = true")


def _open_duckdb(file: Path, name: str) -> "DuckDBPyConnection":
    database = _connect()
    import duckdb

    try:
        database.execute(f"ATTACH {_quoted(str(file.resolve()))} AS source (TYPE duckdb, READ_ONLY)")
        database.execute("USE source")
    except duckdb.Error as error:
        raise _failed(name, error) from None
    _lock(database)
    return database


def _attach_postgres(url: str, name: str) -> "DuckDBPyConnection":
    database = _connect()
    import duckdb

    try:
        database.execute("LOAD postgres")
    except duckdb.Error:
        fix = "Install it once, with a network: python -c \"import duckdb; duckdb.sql('INSTALL postgres')\""
        problem = Problem(name, "no PostgreSQL extension of DuckDB", "an installed one", fix)
        raise DataError(problem) from None
    try:
        database.execute(f"ATTACH {_quoted(url)} AS source (TYPE postgres, READ_ONLY)")
        database.execute("USE source")
    except duckdb.Error as error:
        raise _failed(name, error) from None
    return database


def _table_rows(database: "DuckDBPyConnection", tables: Mapping[str, str], query: str, name: str) -> NumberedRows:
    with TemporaryDirectory(prefix="tunewright-tables-") as folder:
        files = {table: _as_parquet(path, Path(folder) / table) for table, path in tables.items()}
        _lock(database, tuple(files.values()))
        _add_views(database, files, tables)
        yield from _duckdb_rows(database, query, name)


def _as_parquet(path: str, copy: Path) -> str:
    """A file that DuckDB reads without guessing: Parquet itself, or a copy of a CSV or TSV file as Parquet.

    DuckDB guesses quotes, escapes and comments from some of the rows of a CSV file, and so drops rows and changes
    cells. The copy has the cells that a CSV file without a query has, on disk and not in memory.
    """
    delimiter = _DELIMITERS.get(suffix_of(path))
    if delimiter is None:
        return str(Path(path).resolve())
    log = ReadLog(path)
    with opened(path, TABLE_SUFFIXES) as file:
        columns: list[str] = []
        rows = (row for _, row in read_csv(file.reader, log, delimiter, columns))
        _write_parquet(rows, columns, copy)
    log.raise_if_refused()
    return str(copy.resolve())


def _write_parquet(rows: Iterator[Mapping[str, object]], columns: Sequence[str], copy: Path) -> None:
    """Write texts as Parquet.

    Args:
        rows: cells by column; an empty one is NULL, as DuckDB has it.
        columns: known as soon as the first row is asked for.
        copy: the file to write.
    Raises:
        StoreError: the disk is full or refuses.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    batch = list(islice(rows, _ROWS_PER_FETCH))
    schema = pa.schema([(column, pa.string()) for column in columns])
    with ExitStack() as stack:
        with _refused_by_the_disk():
            writer = stack.enter_context(pq.ParquetWriter(copy, schema))
        while batch:
            cells = {column: [row[column] or None for row in batch] for column in columns}
            with _refused_by_the_disk():
                writer.write_batch(pa.record_batch(cells, schema=schema))
            batch = list(islice(rows, _ROWS_PER_FETCH))
        with _refused_by_the_disk():
            writer.close()


@contextmanager
def _refused_by_the_disk() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise no_room_for_temporary_files(error, "a table to put a query to") from error


def _add_views(database: "DuckDBPyConnection", files: Mapping[str, str], tables: Mapping[str, str]) -> None:
    import duckdb

    for table, file in files.items():
        try:
            database.read_parquet(file).create_view(table)
        except duckdb.Error as error:
            raise _failed(tables[table], error) from None


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class _Cursor(Protocol):
    @property
    def description(self) -> Sequence[Sequence[object]] | None: ...

    def fetchmany(self, size: int, /) -> Sequence[Sequence[object]]: ...


def _numbered(cursor: _Cursor, name: str) -> NumberedRows:
    if cursor.description is None:
        raise _not_a_select(name)
    columns = [str(column[0]) for column in cursor.description]
    twice = [column for column, count in Counter(columns).items() if count > 1]
    if twice:
        fix = "Name the columns apart with AS."
        raise DataError(Problem(name, f"the column {excerpt(twice[0])} twice", "distinct column names", fix))
    number = 0
    while rows := cursor.fetchmany(_ROWS_PER_FETCH):
        for row in rows:
            number += 1
            yield number, dict(zip(columns, row, strict=True))


def _not_a_select(name: str) -> RecipeError:
    fix = "Write one SELECT; nothing else is carried out."
    return RecipeError(Problem(f"query of {name}", "more or less than a query", "one SELECT", fix))


def _failed(name: str, error: Exception) -> DataError:
    found = str(error).partition("\n")[0][:MAX_ERROR_CHARACTERS]
    fix = "Correct the query, or check the database."
    return DataError(Problem(name, found, "a database and a query that fits it", fix))
