"""Log lines of a chat service in OpenAI's shape: what was asked and what came back.

    {"messages": [...], "choices": [{"message": {...}}]}
    {"messages": [...], "response": "4"}
    {"request": {"messages": [...]}, "response": {"choices": [...]}}

`request` and `response` may hold their content under `body`, as in batch files. The first choice counts. A request that
failed has no answer to learn from, and one that was cut short says so in `finish_reason`.
"""

from collections.abc import Mapping

from tunewright.data.fields import Row, present
from tunewright.data.messages import OPENAI, read_message, read_messages
from tunewright.data.refusals import FailedRequestError, RefusedError, describe, excerpt
from tunewright.data.tool_calls import read_tools, with_call_ids
from tunewright.records import Message

LOG_FIELDS: tuple[tuple[str, ...], ...] = (("messages", "choices"), ("messages", "response"), ("request", "response"))
"""The fields of each shape."""
CUT_SHORT = ("length", "content_filter")
"""Values of `finish_reason` that say that the service ended the answer, and not the model."""
_FIRST_FAILING_STATUS = 400
_REMOVE_FAILED = "Remove the lines of requests that failed."


def read_log_line(row: Row) -> tuple[list[Message], str | None]:
    """The messages of a request and the answer to it, and the declared functions.

    Only the answer is trained: earlier answers of the conversation have log lines of their own.

    Raises:
        FailedRequestError: the service sent an error, or nothing that is an answer.
        RefusedError: the line fits none of the shapes; its place is the field, as in `response.choices`.
    """
    request, place = (_body(row, "request"), "request.") if "request" in row else (row, "")
    asked = read_messages(present(request, "messages"), f"{place}messages", OPENAI)
    if asked and asked[-1].role == "assistant":
        fix = "For conversations that already hold their answer set the form to messages."
        raise RefusedError(f"{place}messages[{len(asked) - 1}].role", "assistant", "a request without its answer", fix)
    shown = [message.model_copy(update={"weight": 0}) if message.is_trained else message for message in asked]
    return with_call_ids([*shown, _answer(row)]), read_tools(request.get("tools"))


def cut_short_by(row: Row) -> str | None:
    """What ended the answer of a log line before its end, a value of CUT_SHORT; None where the log tells of nothing."""
    response, _ = _response(row)
    choices = response.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    reason = first.get("finish_reason") if isinstance(first, dict) else None
    return reason if isinstance(reason, str) and reason in CUT_SHORT else None


def _answer(row: Row) -> Message:
    if isinstance(row.get("response"), str):
        return read_message({"role": "assistant", "content": row["response"]}, "response", OPENAI)
    _refuse_failed(row)
    response, place = (_body(row, "response"), "response.") if "response" in row else (row, "")
    choices = present(response, "choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise RefusedError(f"{place}choices", describe(choices), "a list with an answer", _REMOVE_FAILED)
    _refuse_without_text(choices[0], f"{place}choices[0]")
    answer = read_message(choices[0].get("message"), f"{place}choices[0].message", OPENAI)
    if answer.role != "assistant":
        fix = "Correct the line or remove it."
        raise RefusedError(f"{place}choices[0].message.role", answer.role, "assistant", fix)
    return answer


def _refuse_failed(row: Row) -> None:
    """Refuse a line in which an error stands where the answer should."""
    body, status = _response(row)
    if body.get("choices"):
        return
    error = next((part["error"] for part in (body, row) if part.get("error")), None)
    if error is not None:
        told = error.get("message") or error.get("code") or error if isinstance(error, dict) else error
        raise FailedRequestError("response", f"the error {excerpt(str(told))}", "an answer", _REMOVE_FAILED)
    if status is not None and status >= _FIRST_FAILING_STATUS:
        raise FailedRequestError("response", f"status {status}", "an answer", _REMOVE_FAILED)


def _refuse_without_text(choice: Mapping[str, object], place: str) -> None:
    """Refuse an answer that was ended before its first word, or in whose place the service refused."""
    message = choice.get("message")
    if not isinstance(message, dict) or message.get("content") or message.get("tool_calls"):
        return
    reason = choice.get("finish_reason")
    if message.get("refusal"):
        found = f"the refusal {excerpt(str(message['refusal']))}"
    elif reason in CUT_SHORT:
        found = f"no text, finish_reason {reason}"
    else:
        return
    raise FailedRequestError(f"{place}.message", found, "an answer", _REMOVE_FAILED)


def _response(row: Row) -> tuple[Mapping[str, object], int | None]:
    """What came back, and the status it came with; the line itself where it has no field for that."""
    response = row.get("response") if "response" in row else row
    if not isinstance(response, dict):
        return {}, None
    status = response.get("status_code")
    body = response.get("body")
    return body if isinstance(body, dict) else response, status if isinstance(status, int) else None


def _body(row: Row, field: str) -> Mapping[str, object]:
    value = row[field]
    if isinstance(value, dict) and isinstance(value.get("body"), dict):
        value = value["body"]
    if not isinstance(value, dict):
        raise RefusedError(field, describe(value), "an object with what was sent or came back", _REMOVE_FAILED)
    return value
