"""Log lines of a chat service: the shapes, what is trained, and lines that are no use."""

import json
from pathlib import Path
from typing import Any

import pytest

from tunewright.data import read_rows
from tunewright.data.chat_logs import read_log_line
from tunewright.data.refusals import FailedRequestError, RefusedError
from tunewright.errors import DataError
from tunewright.records import Conversation, DataRecipe

ASKED = [{"role": "user", "content": "2 + 2"}]
ANSWER = {"role": "assistant", "content": "4", "refusal": None, "tool_calls": None}
CHOICES = [{"index": 0, "message": ANSWER, "finish_reason": "stop"}, {"index": 1, "message": {"role": "user"}}]

SHAPES: list[dict[str, Any]] = [
    {"messages": ASKED, "choices": CHOICES, "usage": {"total_tokens": 9}},
    {"messages": ASKED, "response": "4"},
    {"messages": ASKED, "response": {"choices": CHOICES}},
    {"request": {"model": "m", "messages": ASKED}, "response": {"id": "r", "choices": CHOICES}},
    {"custom_id": "1", "request": {"body": {"messages": ASKED}}, "response": {"body": {"choices": CHOICES}}},
]


def read(folder: Path, *rows: dict[str, Any], **settings: Any) -> Any:
    path = folder / "log.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return read_rows(str(path), DataRecipe(path=str(path), **settings), None)


@pytest.mark.parametrize("row", SHAPES)
def test_every_shape_is_recognised_and_gives_the_same_conversation(tmp_path: Path, row: dict[str, Any]) -> None:
    rows = read(tmp_path, row)
    assert rows.source.form == "chat_log"
    assert rows.source.warnings == ()
    (example,) = rows.examples
    assert [(message.role, message.content) for message in example.body.messages] == [
        ("user", "2 + 2"),
        ("assistant", "4"),
    ]


def test_only_the_logged_answer_is_trained(tmp_path: Path) -> None:
    asked = [*ASKED, {"role": "assistant", "content": "4"}, {"role": "user", "content": "and 3?"}]
    body = read(tmp_path, {"messages": asked, "response": "7"}, system_prompt="Add.").examples[0].body
    assert isinstance(body, Conversation)
    assert [message.is_trained for message in body.messages] == [False, False, False, False, True]
    assert body.messages[0].content == "Add."


def test_declared_functions_and_calls_are_kept() -> None:
    tools = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}
    answer = {"role": "assistant", "content": None, "tool_calls": [call]}
    request = {"messages": ASKED, "tools": tools}
    messages, declared = read_log_line({"request": request, "response": {"choices": [{"message": answer}]}})
    assert declared is not None
    assert messages[-1].tool_calls[0].name == "add"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"messages": [*ASKED, ANSWER], "response": "4"},
            r"^messages\[1\]\.role: found assistant, expected a request without its answer\..*form to messages",
        ),
        ({"request": {"messages": [3]}, "response": "4"}, r"^request\.messages\[0\]: found the number 3"),
        ({"request": {"prompt": "x"}, "response": "4"}, r"^messages: found no such field among prompt"),
        ({"request": None, "response": "4"}, r"^request: found null, expected an object with what was sent"),
        ({"messages": ASKED, "response": None}, r"^response: found null, expected an object with what .*that failed"),
        ({"messages": ASKED, "response": {"id": "x"}}, r"^choices: found no such field among id"),
        ({"messages": ASKED, "choices": []}, r"^choices: found a list, expected a list with an answer"),
        ({"messages": ASKED, "response": {"choices": [3]}}, r"^response\.choices: found a list"),
        (
            {"messages": ASKED, "choices": [{"message": ASKED[0]}]},
            r"^choices\[0\]\.message\.role: found user",
        ),
        ({"messages": ASKED, "choices": [{}]}, r"^choices\[0\]\.message: found null"),
    ],
)
def test_a_line_that_is_no_use_is_refused_with_its_field(row: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        read_log_line(row)


def test_an_empty_answer_is_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"log\.jsonl:2 response: .*empty assistant answer"):
        read(tmp_path, SHAPES[1], {"messages": ASKED, "response": ""})


RATE_LIMIT = {"error": {"message": "Rate limit reached", "type": "requests"}}


def answered(text: str | None, finish_reason: str, **message: Any) -> dict[str, Any]:
    choice = {"message": {"role": "assistant", "content": text, **message}, "finish_reason": finish_reason}
    return {"messages": ASKED, "choices": [choice]}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"messages": ASKED, "response": RATE_LIMIT},
            r"^response: found the error 'Rate limit reached', expected an a",
        ),
        ({"messages": ASKED, "error": "timed out"}, r"^response: found the error 'timed out'"),
        ({"request": {"body": {"messages": ASKED}}, "response": None, "error": {"code": "expired"}}, r"'expired'"),
        (
            {"request": {"messages": ASKED}, "response": {"status_code": 500, "body": {"id": "x"}}},
            r"^response: found status 500",
        ),
        (answered("", "content_filter"), r"^choices\[0\]\.message: found no text, finish_reason content_filter"),
        (answered(None, "length"), r"^choices\[0\]\.message: found no text, finish_reason length"),
        (answered(None, "stop", refusal="I cannot help."), r"found the refusal 'I cannot help\.'"),
    ],
)
def test_a_request_that_failed_is_told_apart_from_a_broken_line(row: dict[str, Any], message: str) -> None:
    with pytest.raises(FailedRequestError, match=message):
        read_log_line(row)


def test_failed_requests_are_left_out_with_a_warning_that_names_them(tmp_path: Path) -> None:
    failed = {"messages": ASKED, "response": RATE_LIMIT}
    rows = read(tmp_path, SHAPES[1], *[failed] * 4, SHAPES[1])
    assert [example.provenance.row for example in rows.examples] == [1, 6]
    (warning,) = rows.source.warnings
    assert warning.startswith("4 requests that failed were left out: ")
    assert "log.jsonl:2 (the error 'Rate limit reached'), " in warning
    assert warning.endswith("log.jsonl:4 (the error 'Rate limit reached') and 1 more")


def test_a_log_of_nothing_but_failed_requests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"requests that failed alone: .*log\.jsonl:1 .*expected at least one answer"):
        read(tmp_path, {"messages": ASKED, "response": RATE_LIMIT})


def test_an_answer_that_the_service_cut_off_keeps_the_reason(tmp_path: Path) -> None:
    rows = read(tmp_path, answered("4", "stop"), answered("2 and", "length"), answered("Four", "content_filter"))
    assert [example.provenance.cut_short_by for example in rows.examples] == [None, "length", "content_filter"]
    flat = read(tmp_path, {"messages": ASKED, "response": "4"})
    assert flat.examples[0].provenance.cut_short_by is None
