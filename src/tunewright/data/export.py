"""A version as files that tunewright and others read: one file per split."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from tunewright.data.prepare import PreparedData
from tunewright.errors import DataError, Problem
from tunewright.records import Conversation, Example, Message, PlainText, PreferencePair, Split

ExportFormat = Literal["jsonl", "openai", "parquet"]


def export_splits(data: PreparedData, to: ExportFormat, folder: Path) -> None:
    """Write `train`, `validation` and `test` files into a folder; a split without rows has no file.

    Read again, the rows have the ids they have here: system messages, weights and tools are in the rows.

    Args:
        data: what is exported.
        to: jsonl and parquet hold messages, a text, or a preference pair per row; openai only messages.
        folder: must exist.
    Raises:
        DataError: rows are of several kinds, which no single form of file holds, or have no messages.
        OSError: the disk refuses.
    """
    _require_one_kind(tuple(data.examples.values()), to)
    for split in Split:
        rows = [_row(example) for example in data.rows(split)]
        if not rows:
            continue
        if to == "parquet":
            _write_parquet(rows, folder / f"{split}.parquet")
        else:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
            (folder / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8", newline="\n")


def _require_one_kind(examples: Sequence[Example], to: ExportFormat) -> None:
    first = examples[0]
    expected = Conversation if to == "openai" else type(first.body)
    other = next((example for example in examples if not isinstance(example.body, expected)), None)
    if other is None:
        return
    found = f"a row of the kind {other.body.kind}"
    if to == "openai":
        fix = "Export such rows with --to jsonl."
        raise DataError(Problem(str(other.provenance), found, "a conversation: openai files hold messages", fix))
    fix = "Build a data set from one kind of rows."
    raise DataError(Problem(str(other.provenance), found, f"{first.body.kind}, as {first.provenance}", fix))


def _row(example: Example) -> dict[str, object]:
    body = example.body
    if isinstance(body, PlainText):
        return {"text": body.text}
    if isinstance(body, PreferencePair):
        return {"prompt": [_message(message) for message in body.prompt], **_answers(body)}
    tools = {"tools": json.loads(body.tools)} if body.tools else {}
    return {"messages": [_message(message) for message in body.messages], **tools}


def _answers(pair: PreferencePair) -> dict[str, object]:
    return {"chosen": pair.chosen, "rejected": pair.rejected}


def _message(message: Message) -> dict[str, object]:
    written: dict[str, object] = {"role": message.role, "content": message.content}
    if message.role == "assistant" and message.weight == 0:
        written["weight"] = 0
    if message.tool_calls:
        written["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        written["tool_call_id"] = message.tool_call_id
    if message.name:
        written["name"] = message.name
    return written


def _write_parquet(rows: Sequence[dict[str, object]], path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    # Declarations differ from tool to tool; as text they keep their shape, and the order of their keys, in one column.
    columns = [
        {**row, "tools": json.dumps(row["tools"], ensure_ascii=False)} if "tools" in row else row for row in rows
    ]
    # pyarrow takes the names from the first row alone, which need not have tools.
    names = dict.fromkeys(name for row in columns for name in row)
    table = pyarrow.table({name: [row.get(name) for row in columns] for name in names})
    pyarrow.parquet.write_table(table, path)
