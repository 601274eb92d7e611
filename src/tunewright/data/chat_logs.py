"""Log lines of a chat service in OpenAI's shape: what was asked and what came back.

    {"messages": [...], "choices": [{"message": {...}}]}
    {"messages": [...], "response": "4"}
    {"request": {"messages": [...]}, "response": {"choices": [...]}}

`request` and `response` may hold their content under `body`, as in batch files. The first choice counts.
"""

from collections.abc import Mapping

from tunewright.data.fields import Row, present
from tunewright.data.messages import OPENAI, read_message, read_messages
from tunewright.data.refusals import RefusedError, describe
from tunewright.data.tool_calls import read_tools, with_call_ids
from tunewright.records import Message

LOG_FIELDS: tuple[tuple[str, ...], ...] = (("messages", "choices"), ("messages", "response"), ("request", "response"))
"""The fields of each shape."""


def read_log_line(row: Row) -> tuple[list[Message], str | None]:
    """The messages of a request and the answer to it, and the declared functions.

    Only the answer is trained: earlier answers of the conversation have log lines of their own.

    Raises:
        RefusedError: the line fits none of the shapes; its place is the field, as in `response.choices`.
    """
    request, place = (_body(row, "request"), "request.") if "request" in row else (row, "")
    asked = read_messages(present(request, "messages"), f"{place}messages", OPENAI)
    if asked and asked[-1].role == "assistant":
        fix = "For conversations that already hold their answer set the form to messages."
        raise RefusedError(f"{place}messages[{len(asked) - 1}].role", "assistant", "a request without its answer", fix)
    shown = [message.model_copy(update={"weight": 0}) if message.is_trained else message for message in asked]
    return with_call_ids([*shown, _answer(row)]), read_tools(request.get("tools"))


def _answer(row: Row) -> Message:
    if isinstance(row.get("response"), str):
        return read_message({"role": "assistant", "content": row["response"]}, "response", OPENAI)
    response, place = (_body(row, "response"), "response.") if "response" in row else (row, "")
    choices = present(response, "choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        fix = "Remove the lines of requests that failed."
        raise RefusedError(f"{place}choices", describe(choices), "a list with an answer", fix)
    answer = read_message(choices[0].get("message"), f"{place}choices[0].message", OPENAI)
    if answer.role != "assistant":
        fix = "Correct the line or remove it."
        raise RefusedError(f"{place}choices[0].message.role", answer.role, "assistant", fix)
    return answer


def _body(row: Row, field: str) -> Mapping[str, object]:
    value = row[field]
    if isinstance(value, dict) and isinstance(value.get("body"), dict):
        value = value["body"]
    if not isinstance(value, dict):
        fix = "Remove the lines of requests that failed."
        raise RefusedError(field, describe(value), "an object with what was sent or came back", fix)
    return value
