"""Several sources in one recipe: patterns, packed files, folders, URLs, settings of their own, provenance."""

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.data import prepare
from tunewright.data.sources import read_path, read_sources
from tunewright.errors import DataError, MissingExtraError, RecipeError
from tunewright.records import (
    CheckRecipe,
    Conversation,
    DataRecipe,
    Example,
    PlainText,
    SourceRecipe,
    Split,
    content_hash,
)

ROW = b'{"prompt": "2 + 2", "completion": "4"}\n'


def write(path: Path, data: bytes) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return str(path)


def answers(examples: tuple[Example, ...]) -> list[str]:
    return [example.body.answer for example in examples if isinstance(example.body, Conversation)]


def sources(*named: dict[str, Any], **settings: Any) -> DataRecipe:
    return DataRecipe(sources=tuple(SourceRecipe(**source) for source in named), **settings)


def test_sources_are_read_in_the_order_of_the_recipe_with_what_is_known_about_them(tmp_path: Path) -> None:
    first = write(tmp_path / "b.jsonl", ROW)
    second = write(tmp_path / "a.csv", b"q,a\n1,2\n")
    recipe = sources(
        {"path": first, "name": "sums", "licence": "MIT", "owner": "Ada", "weight": 2.0},
        {"path": second, "input": "q", "output": "a"},
    )
    read = read_sources(recipe, None)
    assert [answers(part.examples) for part in read] == [["4"], ["2"]]
    assert [(part.source.name, part.source.part_of) for part in read] == [(first, "sums"), (second, second)]
    assert (read[0].source.licence, read[0].source.owner, read[0].source.weight) == ("MIT", "Ada", 2.0)
    assert (read[1].source.licence, read[1].source.owner, read[1].source.weight) == (None, None, 1.0)
    assert [(part.examples[0].provenance.part_of, part.examples[0].provenance.licence) for part in read] == [
        ("sums", "MIT"),
        (second, None),
    ]


def test_a_single_path_leaves_no_trace_of_sources(tmp_path: Path) -> None:
    (read,) = read_sources(DataRecipe(path=write(tmp_path / "a.jsonl", ROW)), None)
    assert (read.source.part_of, read.examples[0].provenance.part_of) == (None, None)


def test_the_identity_of_a_row_does_not_depend_on_its_source(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", ROW)
    alone, mixed = (
        read_sources(DataRecipe(path=path), None),
        read_sources(sources({"path": path, "licence": "x"}), None),
    )
    assert alone[0].examples[0].id == mixed[0].examples[0].id


def test_settings_of_a_source_win_over_those_of_the_recipe(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", b"q,a,b\n1,2,3\n")
    text = write(tmp_path / "b.txt", b"Once.\n")
    recipe = sources(
        {"path": table, "name": "all of it"},
        {"path": table, "name": "another answer", "output": "b", "system_prompt": "Be brief."},
        {"path": text, "form": "text"},
        input="q",
        output="a",
    )
    parts = read_sources(recipe, None)
    assert [answers(part.examples) for part in parts[:2]] == [["2"], ["3"]]
    body = parts[1].examples[0].body
    assert isinstance(body, Conversation)
    assert body.messages[0].content == "Be brief."
    assert parts[2].examples[0].body == PlainText(text="Once.")


def test_columns_of_a_source_win_over_the_form_of_the_recipe(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", b"q,a\n1,2\n")
    (read,) = read_sources(sources({"path": table, "input": "q", "output": "a"}, form="alpaca"), None)
    assert answers(read.examples) == ["2"]


def test_a_pattern_gives_one_source_per_file_in_the_order_of_names(tmp_path: Path) -> None:
    for name in ("b.jsonl", "a.jsonl", "deep/c.jsonl"):
        write(tmp_path / name, ROW)
    (tmp_path / "folder.jsonl").mkdir()
    write(tmp_path / "notes.md", b"no")
    flat = read_path(f"{tmp_path}/*.jsonl", DataRecipe(path="x"), None)
    assert [Path(part.source.name).name for part in flat] == ["a.jsonl", "b.jsonl"]
    deep = read_path(f"{tmp_path}/**/*.jsonl", DataRecipe(path="x"), None)
    assert [Path(part.source.name).name for part in deep] == ["a.jsonl", "b.jsonl", "c.jsonl"]


def test_a_pattern_is_found_from_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "logs" / "a.jsonl", ROW)
    monkeypatch.chdir(tmp_path)
    (read,) = read_path("logs/*.jsonl", DataRecipe(path="x"), None)
    assert str(read.examples[0].provenance) == str(Path("logs/a.jsonl")) + ":1"


def test_a_file_whose_name_looks_like_a_pattern_is_read_as_it_is(tmp_path: Path) -> None:
    path = write(tmp_path / "rows[1].jsonl", ROW)
    assert [part.source.name for part in read_path(path, DataRecipe(path="x"), None)] == [path]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("*.jsonl", r"found no file that fits the pattern, expected at least one\. Check the pattern"),
        ("a**b/*.jsonl", r"found Invalid pattern.*expected a pattern such as logs/\*\*/\*\.jsonl"),
    ],
)
def test_a_pattern_that_finds_nothing_is_refused(tmp_path: Path, pattern: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_path(f"{tmp_path}/{pattern}", DataRecipe(path="x"), None)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.jsonl.gz", ROW),
        ("rows.JSON.GZ", b"[" + ROW + b"]"),
        ("rows.csv.gz", b"prompt,completion\n2 + 2,4\n"),
        ("rows.v2.tsv.gz", b"prompt\tcompletion\n2 + 2\t4\n"),
    ],
)
def test_packed_files_are_read_and_hashed_as_they_are_stored(tmp_path: Path, name: str, data: bytes) -> None:
    # Two members, as from `cat a.gz b.gz`, and a long tail: the hash covers what a parser does not need.
    packed = (
        gzip.compress(data, mtime=0) + gzip.compress(b"\n" * 10, mtime=0)
        if name.endswith("jsonl.gz")
        else gzip.compress(data, mtime=0)
    )
    (read,) = read_path(write(tmp_path / name, packed), DataRecipe(path="x"), None)
    assert answers(read.examples) == ["4"]
    assert read.source.sha256 == hashlib.sha256(packed).hexdigest()


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        (
            "rows.jsonl.gz",
            gzip.compress(ROW * 500, mtime=0)[:-40],
            r"rows\.jsonl\.gz: found a gzip file that is damaged or cut",
        ),
        (
            "rows.csv.gz",
            gzip.compress(ROW * 500, mtime=0)[:40],
            r"rows\.csv\.gz: found a gzip file that is damaged or cut",
        ),
        (
            "rows.jsonl.gz",
            ROW,
            r"gz: found a gzip file that is damaged .*expected a whole gzip file",
        ),
        ("rows.json.gz", gzip.compress(ROW, mtime=0)[:10] + b"\xff" * 30, r"found a gzip file that is damaged"),
        ("rows.parquet.gz", ROW, r"rows\.parquet\.gz: found .*expected a sound Parquet file"),
        (
            "rows.zip.gz",
            gzip.compress(ROW, mtime=0),
            r"found the suffix '\.zip', expected one of .*also packed as \.gz",
        ),
    ],
)
def test_a_damaged_packed_file_is_refused_by_name(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_path(write(tmp_path / name, data), DataRecipe(path="x"), None)


def test_a_disk_that_fails_while_a_file_is_read_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing:
        def read(self, size: int) -> bytes:
            raise OSError(5, "Input/output error")

        def __enter__(self) -> "Failing":
            return self

        def __exit__(self, *exception: object) -> None:
            return None

    path = write(tmp_path / "rows.jsonl", ROW)
    monkeypatch.setattr(Path, "open", lambda *_, **__: Failing())
    with pytest.raises(DataError, match=r"rows\.jsonl: found Input/output error, expected a readable file"):
        read_path(path, DataRecipe(path="x"), None)


def test_rows_carry_their_own_licence_where_they_have_one(tmp_path: Path) -> None:
    rows = [
        {"prompt": "a", "completion": str(n), "terms": terms} for n, terms in enumerate(["MIT", None, " ", "GPL-3.0 "])
    ]
    path = write(tmp_path / "a.jsonl", "\n".join(map(json.dumps, rows)).encode())
    (read,) = read_sources(sources({"path": path, "licence": "CC0-1.0", "licence_column": "terms"}), None)
    assert [row.provenance.licence for row in read.examples] == ["MIT", "CC0-1.0", "CC0-1.0", "GPL-3.0"]
    assert read.source.warnings == ()


@pytest.mark.parametrize(
    ("data", "column", "message"),
    [
        (
            ROW,
            "terms",
            r"a\.jsonl: found no column 'terms', expected one of prompt, completion\. Correct",
        ),
        (
            b'{"prompt": "a", "completion": "b", "terms": 3}',
            "terms",
            r"a\.jsonl:1 terms: found the number 3",
        ),
    ],
)
def test_a_licence_column_that_cannot_be_read_is_refused(
    tmp_path: Path, data: bytes, column: str, message: str
) -> None:
    path = write(tmp_path / "a.jsonl", data)
    with pytest.raises(DataError, match=message):
        read_sources(sources({"path": path, "licence_column": column}), None)


def test_one_of_several_sources_may_lack_a_column_that_is_counted_by_but_not_one_that_splits(tmp_path: Path) -> None:
    with_region = write(tmp_path / "a.jsonl", b'{"prompt": "a", "completion": "b", "region": "north"}')
    without = write(tmp_path / "b.jsonl", ROW)
    recipe = sources({"path": with_region}, {"path": without})
    counted = recipe.model_copy(update={"checks": CheckRecipe(groups=("region",))})
    first, second = read_sources(counted, None)
    assert first.examples[0].provenance.fields == (("region", "north"),)
    assert (second.examples[0].provenance.fields, first.source.warnings) == ((), ())
    assert second.source.warnings == ("no column 'region', so its rows are in no group",)
    with pytest.raises(DataError, match=r"b\.jsonl: found no column 'region'"):
        read_sources(recipe.model_copy(update={"group_column": "region"}), None)
    with pytest.raises(DataError, match=r"b\.jsonl: found no column 'region'"):
        read_path(without, DataRecipe(path=without, checks=CheckRecipe(groups=("region",))), None)


def test_a_folder_of_documents_is_one_source_of_passages(tmp_path: Path) -> None:
    write(tmp_path / "docs.v2" / "b.md", b"# Fees\n\nNo fee.\n")
    write(tmp_path / "docs.v2" / "a" / "long.txt", b"x" * 1900 + b"\n\n" + b"y" * 1900)
    (read,) = read_sources(sources({"path": str(tmp_path / "docs.v2"), "name": "manual", "licence": "MIT"}), None)
    places = [str(row.provenance).removeprefix(str(tmp_path)) for row in read.examples]
    assert places == ["/docs.v2/a/long.txt:1", "/docs.v2/a/long.txt:2", "/docs.v2/b.md:1"]
    assert read.examples[2].body == PlainText(text="# Fees\n\nNo fee.")
    assert {(row.provenance.part_of, row.provenance.licence) for row in read.examples} == {("manual", "MIT")}
    hashes = [["a/long.txt", b"x" * 1900 + b"\n\n" + b"y" * 1900], ["b.md", b"# Fees\n\nNo fee.\n"]]
    assert read.source.sha256 == content_hash([[name, hashlib.sha256(data).hexdigest()] for name, data in hashes])
    assert (read.source.form, read.source.num_rows) == ("text", 3)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": "a", "output": "b"}, r"^data\.input: found 'a', expected no column for a folder of documents"),
        ({"form": "alpaca"}, r"^data\.form: found alpaca, expected text for a folder of documents"),
        ({"system_prompt": "x"}, r"^data\.system_prompt: found 'x', expected none for plain text"),
        (
            {"licence_column": "x"},
            r"^licence_column: found 'x', expected no column for a folder of documents",
        ),
    ],
)
def test_settings_that_documents_do_not_use_are_refused(tmp_path: Path, settings: dict[str, str], message: str) -> None:
    write(tmp_path / "docs" / "a.md", b"x")
    with pytest.raises(RecipeError, match=message):
        read_sources(sources({"path": str(tmp_path / "docs"), **settings}), None)


def test_a_group_column_has_no_meaning_for_documents(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "a.md", b"x")
    with pytest.raises(DataError, match="found no column 'customer'"):
        read_path(str(tmp_path / "docs"), DataRecipe(path="x", group_column="customer"), None)


def test_documents_without_any_text_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "a.md", b" \n")
    with pytest.raises(DataError, match="found documents without text, expected at least one with text"):
        read_path(str(tmp_path / "docs"), DataRecipe(path="x"), None)


def test_a_document_that_cannot_be_read_refuses_its_folder(tmp_path: Path) -> None:
    write(tmp_path / "docs" / "a.md", b"good")
    write(tmp_path / "docs" / "b.md", b"caf\xe9")
    with pytest.raises(DataError, match=r"b\.md byte 4: found 0xe9, which is not UTF-8"):
        read_path(str(tmp_path / "docs"), DataRecipe(path="x"), None)


def test_a_file_in_memory_is_read_by_its_url() -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    packed = gzip.compress(ROW, mtime=0)
    memory.pipe("/mix/b.jsonl.gz", packed)
    memory.pipe("/mix/a.jsonl", ROW)
    (read,) = read_path("memory://mix/b.jsonl.gz", DataRecipe(path="x"), None)
    assert (answers(read.examples), read.source.sha256) == (["4"], hashlib.sha256(packed).hexdigest())
    both = read_path("memory://mix/*.jsonl*", DataRecipe(path="x"), None)
    assert [part.source.name for part in both] == ["memory:///mix/a.jsonl", "memory:///mix/b.jsonl.gz"]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("memory://nowhere/rows.jsonl", r"memory://nowhere/rows\.jsonl: found .*expected a readable file"),
        ("memory://mix/none*.jsonl", r"found no file that fits the pattern"),
        ("memory://mix/rows.exe", r"found the suffix '\.exe', expected one of \.jsonl"),
        ("https://example.org/rows", r"found no suffix"),
        ("reference://rows.jsonl", r"found a URL of the kind 'reference', expected one of abfs://"),
        ("reference://*.jsonl", r"found a URL of the kind 'reference'"),
        ("zip::https://x/rows.jsonl", r"found a URL of the kind 'zip::https'"),
    ],
)
def test_urls_that_cannot_be_read_are_refused(url: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_path(url, DataRecipe(path="x"), None)


@pytest.mark.parametrize("url", ["https://ada:s3cret@example.org/rows.jsonl", "sftp://ada:s3cret@host/rows.jsonl"])
def test_a_password_in_a_url_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(DataError, match=r"://…@.*found a password in the URL, expected a URL without one") as caught:
        read_path(url, DataRecipe(path="x"), None)
    assert "s3cret" not in str(caught.value)


def test_a_store_whose_library_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")

    def missing(*_: object, **__: object) -> None:
        raise ImportError("Install s3fs to access S3")

    monkeypatch.setattr(fsspec, "open", missing)
    with pytest.raises(DataError, match=r"found 'Install s3fs to access S3', expected the library for"):
        read_path("s3://bucket/rows.jsonl", DataRecipe(path="x"), None)
    with pytest.raises(MissingExtraError, match=r"aiohttp is needed to read files at a URL.*tunewright\[remote\]"):
        read_path("https://example.org/rows.jsonl", DataRecipe(path="x"), None)
    monkeypatch.setattr("fsspec.core.url_to_fs", missing)
    with pytest.raises(DataError, match=r"found Install s3fs to access S3, expected a store that lists its files"):
        read_path("s3://bucket/*.jsonl", DataRecipe(path="x"), None)


def test_a_web_connection_that_breaks_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    aiohttp = pytest.importorskip("aiohttp")

    class Breaking:
        def open(self) -> "Breaking":
            return self

        def read(self, size: int) -> bytes:
            raise aiohttp.ClientPayloadError("connection lost")

        def __enter__(self) -> "Breaking":
            return self

        def __exit__(self, *exception: object) -> None:
            return None

    monkeypatch.setattr(fsspec, "open", lambda *_: Breaking())
    with pytest.raises(DataError, match=r"found ClientPayloadError connection lost, expected a readable file"):
        read_path("https://example.org/rows.jsonl", DataRecipe(path="x"), None)


def test_a_database_needs_a_query() -> None:
    with pytest.raises(RecipeError, match=r"query of crm: found nothing, expected SQL\. List it under data\.sources"):
        read_sources(sources({"path": "sqlite:///crm.db", "name": "crm"}), None)
    with pytest.raises(RecipeError, match=r"query of data\.path: found nothing"):
        read_sources(DataRecipe(path="postgres://host/crm"), None)


def test_one_source_can_have_groups_where_another_has_no_such_column(tmp_path: Path) -> None:
    grouped = "".join(
        json.dumps({"prompt": f"What about part {n // 4} in respect {n}?", "completion": f"fact {n}", "part": n // 4})
        + "\n"
        for n in range(120)
    )
    plain = "".join(json.dumps({"prompt": f"ticket {n} of kind {n}", "completion": str(n)}) + "\n" for n in range(120))
    recipe = sources(
        {"path": write(tmp_path / "grouped.jsonl", grouped.encode()), "group_column": "part"},
        {"path": write(tmp_path / "plain.jsonl", plain.encode())},
        checks={"skip": ["near_duplicates"]},
    )
    found = prepare(recipe)
    splits_of: dict[str, set[Split]] = {}
    for split in Split:
        for row in found.rows(split):
            if row.provenance.group is not None:
                splits_of.setdefault(row.provenance.group, set()).add(split)
    assert len(splits_of) == 30
    assert all(len(splits) == 1 for splits in splits_of.values())
    assert "Rows with the same part share a split. 120 rows have no part and stand alone." in found.notes
