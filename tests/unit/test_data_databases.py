"""Rows by SQL: read-only, one SELECT, no file but those named, and words for everything that goes wrong."""

import gzip
import sqlite3
import sys
from contextlib import closing
from errno import ENOSPC
from pathlib import Path

import pytest

from tunewright.data.databases import query_database, query_tables
from tunewright.data.refusals import ReadLog
from tunewright.data.sources import read_sources
from tunewright.data.tables import read_csv
from tunewright.errors import DataError, MissingExtraError, RecipeError, StoreError
from tunewright.records import Conversation, DataRecipe, SourceRecipe


@pytest.fixture
def crm(tmp_path: Path) -> str:
    file = tmp_path / "crm.db"
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE tickets (question TEXT, answer TEXT)")
        database.executemany("INSERT INTO tickets VALUES (?, ?)", [(f"q{n}", f"a{n}") for n in range(1500)])
        database.commit()
    return f"sqlite:///{file}"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    pytest.importorskip("duckdb")
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "tickets.csv").write_text("id,question\n007,Where?\n8,When?\n", encoding="utf-8")
    pq.write_table(pa.table({"id": ["007", "8"], "answer": ["Here.", "Now."]}), tmp_path / "answers.parquet")
    return tmp_path


def rows_of(path: str, query: str) -> list[tuple[int, dict[str, object]]]:
    return list(query_database(path, query, "crm"))


def test_a_query_to_sqlite_gives_numbered_rows(crm: str) -> None:
    rows = rows_of(crm, "SELECT question AS q, upper(answer) AS a FROM tickets WHERE answer != 'a0' ORDER BY rowid")
    assert rows[0] == (1, {"q": "q1", "a": "A1"})
    assert rows[-1] == (1499, {"q": "q1499", "a": "A1499"})


def test_a_query_is_a_source_with_a_name_of_its_own(crm: str) -> None:
    named = [
        SourceRecipe(path=crm, name="first", query="SELECT question, answer FROM tickets LIMIT 2", licence="MIT"),
        SourceRecipe(path=crm, name="last", query="SELECT * FROM tickets ORDER BY rowid DESC LIMIT 1"),
    ]
    first, last = read_sources(DataRecipe(sources=tuple(named), input="question", output="answer"), None)
    assert [str(row.provenance) for row in (*first.examples, *last.examples)] == ["first:1", "first:2", "last:1"]
    body = last.examples[0].body
    assert isinstance(body, Conversation)
    assert body.answer == "a1499"
    assert first.examples[0].provenance.licence == "MIT"
    assert first.source.sha256 != last.source.sha256


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM tickets",
        "SELECT 1; DELETE FROM tickets",
        "ATTACH 'other.db' AS other",
        "PRAGMA writable_schema = 1",
        "CREATE TABLE t (x)",
        "SELECT load_extension('x')",
        "",
        "-- nothing",
    ],
)
def test_sqlite_carries_out_one_select_and_nothing_else(crm: str, query: str) -> None:
    with pytest.raises(RecipeError, match=r"^query of crm: found more or less than a query, expected one SELECT"):
        rows_of(crm, query)
    assert rows_of(crm, "SELECT count(*) AS n FROM tickets") == [(1, {"n": 1500})]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELEC 1", r'^crm: found near "SELEC": syntax error, expected a database and a query that fits'),
        ("SELECT * FROM orders", r"^crm: found no such table: orders"),
        ("SELECT question, answer AS question FROM tickets", r"^crm: found the column 'question' twice, expected dist"),
    ],
)
def test_a_query_that_fails_is_reported_in_the_words_of_the_database(crm: str, query: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows_of(crm, query)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.db").write_bytes(b"x" * 4096)
    with pytest.raises(DataError, match="found file is not a database"):
        rows_of(f"sqlite:///{tmp_path}/rows.db", "SELECT * FROM t")
    with pytest.raises(
        DataError, match=r"row\.db: found no such file, expected a database\. Did you mean .*rows\.db\?"
    ):
        rows_of(f"sqlite:///{tmp_path}/row.db", "SELECT 1")
    with pytest.raises(DataError, match=r"^crm: found 'sqlite://rows\.db', expected sqlite:///FILE\. Three slashes"):
        rows_of("sqlite://rows.db", "SELECT 1")


def test_tables_are_named_by_their_files_and_keep_their_cells(tables: Path) -> None:
    query = "SELECT question, answer, id FROM tickets JOIN answers USING (id) ORDER BY answer"
    recipe = DataRecipe(
        sources=(SourceRecipe(path=f"{tables}/*", name="joined", query=query, input="question", output="answer"),)
    )
    (read,) = read_sources(recipe, None)
    answers = [row.body.answer for row in read.examples if isinstance(row.body, Conversation)]
    assert answers == ["Here.", "Now."]
    assert next(query_tables([f"{tables}/tickets.csv"], "SELECT id FROM tickets", "t")) == (1, {"id": "007"})


@pytest.mark.parametrize(
    "last",
    ["'go',c\n", '"hello",b\n"say ""yes""",c\n', '"a\\",b\n', '"#1\nb", c \n\nNULL,"null"\n#x,y\n'],
    ids=["other quotes", "doubled quotes", "no escapes", "line breaks, blanks and marks"],
)
@pytest.mark.parametrize("num_plain", [1, 30_000])
def test_cells_of_a_table_are_those_of_the_file_without_a_query(tmp_path: Path, last: str, num_plain: int) -> None:
    pytest.importorskip("duckdb")
    file = tmp_path / "rows.csv"
    file.write_text("question,answer\n" + "q,a\n" * num_plain + last, encoding="utf-8")
    with file.open("rb") as opened:
        plain = [row for _, row in read_csv(opened, ReadLog("rows.csv"), ",")]
    assert [row for _, row in query_tables([str(file)], "SELECT * FROM rows", "t")] == plain


def test_a_row_that_a_table_cannot_hold_refuses_the_query_too(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    file = tmp_path / "rows.csv"
    file.write_text("question,answer\n#skipped,x,y\nq0,a0\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"rows\.csv:1 line 2: found 3 cells, the last 'y', expected 2, as in the head"):
        list(query_tables([str(file)], "SELECT * FROM rows", "t"))


def test_a_table_is_read_whole_packed_or_not(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    packed = gzip.compress(b"question,answer\n" + b"q,a\n" * 3000)
    file = tmp_path / "rows.csv.gz"
    file.write_bytes(packed)
    (row,) = query_tables([str(file)], "SELECT count(*) AS n FROM rows", "t")
    assert row == (1, {"n": 3000})
    file.write_bytes(packed[:-20])
    with pytest.raises(DataError, match=r"rows\.csv\.gz: found a gzip file that is damaged or cut off"):
        list(query_tables([str(file)], "SELECT * FROM rows", "t"))


def test_a_full_disk_for_temporary_tables_is_said(tables: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet as pq

    def refuse(*_: object, **__: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(pq.ParquetWriter, "write_batch", refuse)
    with pytest.raises(StoreError, match=r"found No space left on device, expected room for temporary files, a table"):
        list(query_tables([f"{tables}/tickets.csv"], "SELECT * FROM tickets", "t"))


def test_an_empty_cell_is_null_and_a_table_may_have_no_rows(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    (tmp_path / "rows.tsv").write_text('question\tanswer\nq0\t\nq1\t""\nq2\ta\n', encoding="utf-8")
    (tmp_path / "none.csv").write_text("id,answer\n", encoding="utf-8")
    query = "SELECT question FROM rows WHERE answer IS NULL AND question NOT IN (SELECT answer FROM none)"
    found = query_tables([str(tmp_path / "rows.tsv"), str(tmp_path / "none.csv")], query, "t")
    assert [row["question"] for _, row in found] == ["q0", "q1"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT * FROM read_csv('{other}')", "found Permission Error"),
        ("SELECT * FROM '{other}'", "found Permission Error"),
        ("SELECT nothing FROM tickets", "found Binder Error"),
    ],
)
def test_a_query_sees_no_other_file(tables: Path, tmp_path: Path, query: str, message: str) -> None:
    other = tmp_path / "secret.csv"
    other.write_text("a\n1\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list(query_tables([f"{tables}/tickets.csv"], query.format(other=other), "t"))


@pytest.mark.parametrize(
    "query",
    ["COPY tickets TO 'out.csv'", "SELECT 1; SELECT 2", "SET enable_external_access = true", "INSTALL httpfs", ""],
)
def test_tables_answer_one_select_and_nothing_else(tables: Path, query: str) -> None:
    with pytest.raises(RecipeError, match=r"^query of t: found more or less than a query, expected one SELECT"):
        list(query_tables([f"{tables}/tickets.csv"], query, "t"))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing.csv"], r"nothing\.csv: found no such file, expected a table \(\.csv, \.tsv, \.parquet\)"),
        (["rows.jsonl"], r"rows\.jsonl: found a query beside it, expected a table"),
        (["a/rows.csv", "b/rows.csv"], r"b/rows\.csv: found the name of .*a/rows\.csv, expected tables of distinct"),
        (["broken.parquet"], r"broken\.parquet: found .*expected a database and a query that fits it"),
    ],
)
def test_files_that_are_no_tables_are_refused(tmp_path: Path, names: list[str], message: str) -> None:
    pytest.importorskip("duckdb")
    for name in ("rows.jsonl", "a/rows.csv", "b/rows.csv", "broken.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError, match=message):
        list(query_tables([f"{tmp_path}/{name}" for name in names], "SELECT 1", "t"))


def test_a_query_beside_a_url_is_refused() -> None:
    source = SourceRecipe(path="https://example.org/rows.csv", name="web", query="SELECT 1")
    with pytest.raises(RecipeError, match=r"^query of web: found a URL, expected tables on this disk or a database"):
        read_sources(DataRecipe(sources=(source,)), None)


def test_a_duckdb_file_is_read_and_not_written(tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    file = tmp_path / "it's.duckdb"
    with closing(duckdb.connect(str(file))) as database:
        database.execute("CREATE TABLE tickets AS SELECT 'q' AS question, 'a' AS answer")
    before = file.read_bytes()
    assert rows_of(f"duckdb:///{file}", "FROM tickets") == [(1, {"question": "q", "answer": "a"})]
    with pytest.raises(RecipeError, match="expected one SELECT"):
        rows_of(f"duckdb:///{file}", "INSERT INTO tickets VALUES ('x', 'y')")
    assert file.read_bytes() == before
    file.write_bytes(b"x" * 5000)
    with pytest.raises(DataError, match=r"^crm: found IO Error"):
        rows_of(f"duckdb:///{file}", "FROM tickets")


def test_postgres_is_attached_read_only(monkeypatch: pytest.MonkeyPatch) -> None:
    duckdb = pytest.importorskip("duckdb")
    asked: list[str] = []

    class Extended:
        """DuckDB with the extension, which is a download: notes what is asked of it."""

        description = (("question",),)

        def __init__(self) -> None:
            self._left = [[("q",)], []]

        def execute(self, statement: str) -> "Extended":
            asked.append(statement)
            return self

        def extract_statements(self, query: str) -> object:
            return real.extract_statements(query)

        def fetchmany(self, size: int) -> object:
            return self._left.pop(0)

        def close(self) -> None:
            asked.append("closed")

    real = duckdb.connect()
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: Extended())
    assert rows_of("postgres://host/crm?user=o'neil", "SELECT question FROM tickets") == [(1, {"question": "q"})]
    assert asked == [
        "LOAD postgres",
        "ATTACH 'postgres://host/crm?user=o''neil' AS source (TYPE postgres, READ_ONLY)",
        "USE source",
        "SELECT question FROM tickets",
        "closed",
    ]
    real.close()


def test_what_postgres_lacks_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")

    class Refusing:
        def __init__(self, first_word: str) -> None:
            self._first_word = first_word

        def execute(self, statement: str) -> None:
            if statement.startswith(self._first_word):
                raise duckdb.IOException("connection refused\nat host")

    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: Refusing("LOAD"))
    with pytest.raises(DataError, match=r"^crm: found no PostgreSQL extension of DuckDB.*INSTALL postgres"):
        rows_of("postgres://host/crm", "SELECT 1")
    monkeypatch.setattr(duckdb, "connect", lambda *_, **__: Refusing("ATTACH"))
    with pytest.raises(DataError, match=r"^crm: found connection refused, expected a database"):
        rows_of("postgresql://host/crm", "SELECT 1")
    with pytest.raises(DataError, match=r"^postgres://…@host/crm: found a password in the URL.*PGPASSWORD") as caught:
        rows_of("postgres://ada:s3cret@host/crm", "SELECT 1")
    assert "s3cret" not in str(caught.value)


def test_without_duckdb_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "rows.csv").write_text("a\n1\n", encoding="utf-8")
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"duckdb is needed to put queries to tables.*tunewright\[sql\]"):
        query_tables([f"{tmp_path}/rows.csv"], "SELECT 1", "t")
