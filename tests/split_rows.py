"""Rows with a customer and a time, and what a version made of them, for the tests of splits and versions."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from tunewright.data import PreparedData
from tunewright.records import Conversation, Example, Split

Row = Mapping[str, object]


def row(number: int, answer: str = "", **fields: object) -> Row:
    """A row whose input is like no other: near-duplicates differ in words, not in a number."""
    return {"prompt": f"question {number}", "completion": answer or f"answer {number}", **fields}


def write_jsonl(path: Path, rows: Iterable[Row]) -> Path:
    path.write_text("".join(json.dumps(dict(each)) + "\n" for each in rows), encoding="utf-8")
    return path


def question(example: Example) -> str:
    assert isinstance(example.body, Conversation)
    return example.body.prompt[-1].content


def questions(data: PreparedData, split: Split) -> set[str]:
    return {question(example) for example in data.rows(split)}


def split_of(data: PreparedData) -> dict[str, Split]:
    """The split of every question; a question in two splits fails here."""
    found: dict[str, Split] = {}
    for split in Split:
        for asked in questions(data, split):
            assert found.setdefault(asked, split) is split, asked
    return found
