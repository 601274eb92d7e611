"""The reference sample: which part of a row is its input, and what is refused."""

import gzip
import json
from pathlib import Path

import pytest

from tunewright.data.checks.check import checked_row
from tunewright.data.representation.reference import MIN_INPUTS, read_reference
from tunewright.data.sources import read_path
from tunewright.errors import DataError, RecipeError
from tunewright.records import DataRecipe


def save(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return str(path)


def filler(field: str = "prompt") -> list[dict[str, object]]:
    return [{field: f"filler {number}"} for number in range(MIN_INPUTS)]


SYSTEM = {"role": "system", "content": "Be brief."}
USER = {"role": "user", "content": "One?"}
ASSISTANT = {"role": "assistant", "content": "Yes."}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "look", "arguments": "{}"}}]}
RESULT = {"role": "tool", "content": "3"}
HUMAN = {"from": "human", "value": "One?"}
WRITTEN_CALL = {"from": "function_call", "value": '{"name": "look", "arguments": {}}'}
OBSERVATION = {"from": "observation", "value": "3"}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"prompt": "One?", "completion": "Yes."}, "One?"),
        ({"messages": [SYSTEM, USER, ASSISTANT]}, "One?"),
        ({"messages": [USER, ASSISTANT, USER]}, "One?\nYes.\nOne?"),
        ({"conversations": [{"from": "human", "value": "One?"}, {"from": "gpt", "value": "Yes."}]}, "One?"),
        ({"instruction": "Add", "input": "1, 2", "output": "3"}, "Add\n\n1, 2"),
        ({"instruction": "Add"}, "Add"),
        ({"question": "One?"}, "One?"),
        ({"text": 12}, "12"),
    ],
)
def test_the_input_of_a_row_is_found_by_its_fields(tmp_path: Path, row: dict[str, object], text: str) -> None:
    found = read_reference(save(tmp_path / "prod.jsonl", [row, *filler()]), None)
    assert found[0].text == text
    assert found[0].location == f"{tmp_path / 'prod.jsonl'}:1"
    assert len(found) == MIN_INPUTS + 1


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [SYSTEM, USER, CALL]},
        {"messages": [USER, CALL, RESULT, ASSISTANT]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "One?"}]}, ASSISTANT]},
        {"messages": [USER, ASSISTANT, ASSISTANT]},
        {"messages": [USER, CALL, RESULT], "response": "Yes."},
        {"conversations": [HUMAN, WRITTEN_CALL]},
        {"conversations": [HUMAN, WRITTEN_CALL, OBSERVATION, {"from": "gpt", "value": "Yes."}]},
        {"request": {"messages": [USER]}, "response": {"choices": [{"message": ASSISTANT}]}},
        {"prompt": [USER], "chosen": [ASSISTANT], "rejected": [{"role": "assistant", "content": "No."}]},
    ],
)
def test_a_row_to_learn_from_has_the_same_input_as_reference(tmp_path: Path, row: dict[str, object]) -> None:
    path = save(tmp_path / "rows.jsonl", [row])
    (trained,) = read_path(path, DataRecipe(path=path), None)[0].examples
    found = read_reference(save(tmp_path / "prod.jsonl", [row, *filler()]), None)
    assert found[0].text == checked_row(trained).asked


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"messages": [USER, CALL, RESULT]}, "One?\n\n3"),
        ({"messages": [USER, {"role": "assistant", "content": None}]}, "One?"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "One?"}]}]}, "One?"),
        ({"conversations": [HUMAN, WRITTEN_CALL, OBSERVATION]}, "One?\n\n3"),
        ({"conversations": [HUMAN, {"from": "function_call", "value": "no JSON"}]}, "One?"),
        ({"prompt": "One?", "text": "user: One?"}, "One?"),
    ],
)
def test_a_log_without_an_answer_is_read_up_to_where_one_is_due(
    tmp_path: Path, row: dict[str, object], text: str
) -> None:
    assert read_reference(save(tmp_path / "prod.jsonl", [row, *filler()]), None)[0].text == text


def test_a_named_column_wins_and_rows_without_it_are_left_out(tmp_path: Path) -> None:
    rows = [{"prompt": "x", "ask": "One?"}, {"prompt": "y", "ask": None}, *filler("ask")]
    found = read_reference(save(tmp_path / "prod.jsonl", rows), "ask")
    assert found[0].text == "One?"
    assert len(found) == MIN_INPUTS + 1


def test_every_line_of_a_text_file_is_an_input_and_packed_tables_are_read(tmp_path: Path) -> None:
    lines = tmp_path / "prod.txt"
    lines.write_text("One?\n\n" + "".join(f"filler {number}\n" for number in range(MIN_INPUTS)), encoding="utf-8")
    assert [each.text for each in read_reference(str(lines), None)][:2] == ["One?", "filler 0"]
    table = tmp_path / "prod.csv.gz"
    cells = "question,seconds\n" + "".join(f"filler {number},3\n" for number in range(MIN_INPUTS))
    table.write_bytes(gzip.compress(cells.encode(), mtime=0))
    assert read_reference(str(table), None)[0].text == "filler 0"
    tabs = tmp_path / "prod.tsv"
    tabs.write_text(cells.replace(",", "\t"), encoding="utf-8")
    assert read_reference(str(tabs), None)[0].text == "filler 0"


def test_equal_texts_have_equal_ids(tmp_path: Path) -> None:
    found = read_reference(save(tmp_path / "prod.jsonl", [*filler(), *filler()]), None)
    assert found[0].id == found[MIN_INPUTS].id != found[1].id


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            [{"a": 1, "b": 2}],
            r"prod\.jsonl:1: found the fields a, b, expected one of messages, .*data\.checks\.reference_input",
        ),
        ([{"prompt": ["x"]}], r"prod\.jsonl:1 prompt: found a list, expected a text"),
        ([{"messages": ["x"]}], r"messages\[0\]: found 'x', expected an object with role and content"),
        ([{"messages": "x"}], r"messages: found 'x', expected a list of messages"),
        (
            [{"messages": [{"role": "user"}]}],
            r"messages\[0\]\.content: found null, expected a text, or a list of text parts",
        ),
        (filler()[1:], r"found 19 different inputs, expected at least 20"),
        ([{"prompt": "Hi"}] * 50, r"found 1 different inputs, expected at least 20"),
    ],
)
def test_rows_without_a_clear_input_are_refused(tmp_path: Path, rows: list[dict[str, object]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_reference(save(tmp_path / "prod.jsonl", rows), None)


def test_a_column_that_no_row_has_and_a_missing_file_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "prod.jsonl", filler())
    with pytest.raises(RecipeError, match=r"data\.checks\.reference_input: found 'ask', which no row .* one of prompt"):
        read_reference(path, "ask")
    with pytest.raises(DataError, match="no such file"):
        read_reference(str(tmp_path / "other.jsonl"), None)


def test_a_line_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "prod.txt"
    path.write_bytes(b"\xff\xfeno\n" + b"".join(b"filler %d\n" % number for number in range(MIN_INPUTS)))
    with pytest.raises(DataError, match="UTF-8"):
        read_reference(str(path), None)
