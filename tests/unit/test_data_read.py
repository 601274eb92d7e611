"""A path or hub id to examples: readers by suffix, hashes, warnings, and refusals of whole sources."""

import datetime
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from public_files import public_file

from tunewright.data import read_rows
from tunewright.errors import DataError, RecipeError
from tunewright.records import Conversation, DataRecipe, Example, PlainText, content_hash

ROW = b'{"prompt": "2 + 2", "completion": "4"}\n'


def write(folder: Path, name: str, data: bytes) -> str:
    (folder / name).write_bytes(data)
    return str(folder / name)


def read(path: str, **settings: Any) -> tuple[Example, ...]:
    return read_rows(path, DataRecipe(path=path, **settings), None).examples


def conversation(example: Example) -> Conversation:
    assert isinstance(example.body, Conversation)
    return example.body


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("rows.jsonl", b"\n" + ROW),
        ("rows.JSONL", b"\n" + ROW),
        ("rows.json", b"[" + ROW + b"]"),
        ("rows.csv", b"prompt,completion\n2 + 2,4\n"),
        ("rows.tsv", b"prompt\tcompletion\n2 + 2\t4\n"),
    ],
)
def test_the_suffix_chooses_the_reader_and_the_source_hashes_the_bytes(tmp_path: Path, name: str, data: bytes) -> None:
    path = write(tmp_path, name, data)
    rows = read_rows(path, DataRecipe(path=path), None)
    (example,) = rows.examples
    assert (conversation(example).prompt[0].content, conversation(example).answer) == ("2 + 2", "4")
    assert str(example.provenance) == f"{path}:{2 if name.lower().endswith('jsonl') else 1}"
    assert rows.source.sha256 == hashlib.sha256(data).hexdigest()
    assert (rows.source.name, rows.source.form, rows.source.num_rows) == (path, "prompt_completion", 1)


def test_a_parquet_file_is_read_by_its_columns(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = str(tmp_path / "rows.parquet")
    pq.write_table(pa.table({"question": ["a", "b"], "label": [1, 0], "day": [datetime.date(2024, 1, 1)] * 2}), path)
    examples = read(path, input="question", output="label")
    assert [conversation(example).answer for example in examples] == ["1", "0"]
    rows = read_rows(path, DataRecipe(path=path, input="question", output="label"), None)
    assert rows.source.sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_a_large_file_is_hashed_to_its_last_byte(tmp_path: Path) -> None:
    data = (b'{"text": "' + b"x" * 300_000 + b'"}\n') * 8 + b"\n\n"
    path = write(tmp_path, "rows.jsonl", data)
    assert len(data) > 2**21
    assert read_rows(path, DataRecipe(path=path), None).source.sha256 == hashlib.sha256(data).hexdigest()


def test_paragraphs_are_joined_into_passages_of_up_to_2000_characters(tmp_path: Path) -> None:
    paragraphs = ["a" * 998, "b" * 1000, "c", "d" * 5000, "e\r\ne", "f"]
    path = write(tmp_path, "book.txt", "\r\n \r\n\r\n".join(paragraphs).encode())
    examples = read(path)
    expected = ["a" * 998 + "\n\n" + "b" * 1000, "c", "d" * 5000, "e\ne\n\nf"]
    assert [example.body for example in examples] == [PlainText(text=text) for text in expected]
    assert [example.provenance.row for example in examples] == [1, 2, 3, 4]


def test_lines_are_the_paragraphs_where_no_line_is_blank(tmp_path: Path) -> None:
    lines = ["a" * 1500, "b" * 400, "c" * 400]
    path = write(tmp_path, "lines.txt", "\n".join(lines).encode() + b"\n")
    expected = ["a" * 1500 + "\n\n" + "b" * 400, "c" * 400]
    assert [example.body for example in read(path)] == [PlainText(text=text) for text in expected]


def test_a_hub_id_is_loaded_through_the_given_function() -> None:
    asked = []

    def load(dataset_id: str) -> list[dict[str, object]]:
        asked.append(dataset_id)
        return [{"q": "2 + 2", "a": 4, "day": datetime.date(2024, 1, 1)}, {"q": "1", "a": True}]

    rows = read_rows("owner/name-v1.5", DataRecipe(path="owner/name-v1.5", input="q", output="a"), load)
    assert asked == ["owner/name-v1.5"]
    assert [str(example.provenance) for example in rows.examples] == ["owner/name-v1.5:1", "owner/name-v1.5:2"]
    assert rows.source.sha256 == content_hash([example.body.model_dump() for example in rows.examples])


def test_a_hub_id_may_name_its_revision() -> None:
    name = "owner/name@refs/convert/parquet"
    rows = read_rows(name, DataRecipe(path=name), lambda asked: [{"text": asked}])
    assert rows.examples[0].body == PlainText(text=name)


def test_warnings_name_the_mark_and_the_unused_fields(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.jsonl", b'\xef\xbb\xbf{"text": "a", "url": "b"}\n{"text": "c", "label": 1}')
    assert read_rows(path, DataRecipe(path=path), None).source.warnings == (
        "a byte order mark at the start of the file was left out",
        "fields that were not used: label, url; for questions and answers name two of them with --input and --output",
    )


def test_bad_lines_and_bad_fields_are_listed_together(tmp_path: Path) -> None:
    bad = b'{"prompt": "x"\n' + ROW + b'{"prompt": "x"}\n' * 30
    path = write(tmp_path, "rows.jsonl", bad)
    with pytest.raises(DataError, match=r"\.\.\. and 11 more\.$") as caught:
        read(path)
    wheres = [problem.where.removeprefix(path) for problem in caught.value.problems]
    assert wheres[:2] == [":1 byte 15", ":3 completion"]
    assert len(wheres) == 20


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("rows.jsonl", b"", "found an empty file, expected rows"),
        ("rows.jsonl", b"\n \n", "found no rows, expected at least one row"),
        ("rows.json", b"[]", "found no rows"),
        ("rows.csv", b"a,b\n", "found no rows"),
        ("rows.txt", b"\n\n", "found no rows"),
        ("rows.txt", b"good\n\nb\xe9d\n", r":3 byte 2: found 0xe9, which is not UTF-8"),
        ("rows.jsonl", b"{", r":1 byte 2: found the end of the text"),
        ("rows.gz", b"x", r"found the suffix '\.gz', expected one of \.jsonl, \.json, \.csv.*decompress"),
        ("rows", b"x", r"found no suffix, expected one of"),
    ],
)
def test_a_file_without_usable_rows_is_refused(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read(write(tmp_path, name, data))


def test_a_folder_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").mkdir()
    with pytest.raises(DataError, match="found a folder, expected a file"):
        read(str(tmp_path / "rows.jsonl"))
    write(tmp_path, "devset.csv", b"a\n1\n")
    with pytest.raises(DataError, match=r"found no such file.*Did you mean .*devset\.csv\?"):
        read(str(tmp_path / "defset.csv"))
    with pytest.raises(DataError, match=r"found no such file.*Check the path"):
        read(str(tmp_path / "nowhere" / "x.csv"))
    with pytest.raises(DataError, match="found no such file, expected an existing file"):
        read("owner/name")


def test_a_file_that_cannot_be_opened_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = write(tmp_path, "rows.jsonl", ROW)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"found Permission denied, expected a readable file"):
        read(path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": "a", "output": "b"}, r"^data\.input: found 'a', expected no column for a \.txt file"),
        ({"form": "messages"}, r"^data\.form: found messages, expected text for a \.txt file"),
        ({"input": "a"}, r"^data\.output: found nothing"),
        ({"system_prompt": "x"}, r"^data\.system_prompt"),
    ],
)
def test_settings_that_plain_text_does_not_use_are_refused(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    path = write(tmp_path, "rows.txt", b"x\n")
    with pytest.raises(RecipeError, match=message):
        read(path, **settings)


@pytest.mark.parametrize(
    ("name", "settings", "form", "num_rows"),
    [
        ("datasets/e2e_nlg/devset.csv", {"input": "mr", "output": "ref"}, "columns", 4672),
        ("datasets/gsm8k/train.jsonl", {"input": "question", "output": "answer"}, "columns", 7473),
        ("dirty/llamafactory_demo/alpaca_en_demo.json", {}, "alpaca", 999),
        ("dirty/fastchat_sharegpt/data/dummy_conversation.json", {}, "sharegpt", 500),
        ("dirty/llamafactory_demo/kto_en_demo.json", {}, "messages", 300),
        ("dirty/llamafactory_demo/c4_demo.jsonl", {}, "text", 300),
        ("dirty/llamafactory_demo/v1_sft_demo.jsonl", {}, "messages", 500),
    ],
)
def test_real_files_are_read_whole(name: str, settings: dict[str, Any], form: str, num_rows: int) -> None:
    path = str(public_file(name))
    rows = read_rows(path, DataRecipe(path=path, **settings), None)
    assert (rows.source.form, rows.source.num_rows, len(rows.examples)) == (form, num_rows, num_rows)
    assert rows.source.sha256 == hashlib.sha256(Path(path).read_bytes()).hexdigest()


def test_gsm8k_is_read_as_json_loads_reads_it() -> None:
    path = str(public_file("datasets/gsm8k/test.jsonl"))
    expected = [json.loads(line) for line in Path(path).read_text(encoding="utf-8").splitlines()]
    read_back = [
        {"question": conversation(example).prompt[0].content, "answer": conversation(example).answer}
        for example in read(path, input="question", output="answer")
    ]
    assert read_back == expected


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dirty/openai_cookbook_toy/toy_chat_fine_tuning.jsonl", r"jsonl:4 messages: .*a user message is missing"),
        (
            "dirty/llamafactory_demo/reason_tool_use_demo_50.jsonl",
            r"jsonl:1 messages\[2\]\.content\[0\]: found a part of type 'reasoning', expected a text part",
        ),
        ("datasets/clinc150/data_full.json", r"json: found an object with the keys oos_val, val, train"),
        ("datasets/gsm8k/test.jsonl", r"jsonl: found rows with the fields question, answer"),
    ],
)
def test_real_files_that_cannot_be_trained_on_are_refused_by_name(name: str, message: str) -> None:
    path = str(public_file(name))
    with pytest.raises(DataError, match=message):
        read(path)


def test_a_field_that_says_no_is_named_because_bad_answers_may_be_marked_so(tmp_path: Path) -> None:
    rows = [{"prompt": "q", "completion": str(number), "label": number > 1, "seen": True} for number in range(4)]
    path = write(tmp_path, "rows.jsonl", "".join(json.dumps(row) + "\n" for row in rows).encode())
    assert read_rows(path, DataRecipe(path=path), None).source.warnings == (
        "fields that were not used: label, seen",
        "label is false in 2 rows and was not used: if it marks bad answers, take those rows out, or they are learned "
        "like good ones",
    )


def test_a_table_with_a_text_column_and_others_is_not_taken_for_plain_text(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.csv", b"text,label\nhello,greeting\n")
    with pytest.raises(DataError, match=r"found the columns text, label, .*--input and --output, or .*--form text"):
        read(path)
    assert read(path, form="text")[0].body == PlainText(text="hello")
    assert conversation(read(path, input="text", output="label")[0]).answer == "greeting"
