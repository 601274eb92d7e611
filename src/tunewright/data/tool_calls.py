"""Function declarations and calls of a row, in the shapes of OpenAI, transformers and LLaMA-Factory.

    {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": "{\\"city\\": \\"Oslo\\"}"}}
    {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}
    {"name": "weather", "arguments": {"city": "Oslo"}}

All of them become a ToolCall. Whether the arguments fit the declaration is left to the check `tool_calls`, which shows
all that is wrong at once; here only what cannot be a call at all is refused.
"""

import json
from collections.abc import Iterable

from tunewright.data.refusals import RefusedError, describe
from tunewright.data.strict_json import check_depth, decode_value, refuse_syntax
from tunewright.records import Message, ToolCall

_CALL_FIX = 'Write a call as {"id": "...", "type": "function", "function": {"name": "...", "arguments": "{...}"}}.'
_DECLARATION_FIX = 'Write a declaration as {"type": "function", "function": {"name": "...", "parameters": {...}}}.'


def read_calls(value: object, place: str) -> tuple[ToolCall, ...]:
    """The calls of one assistant message; a call without an id gets an empty one, see `with_call_ids`.

    Args:
        value: a list of calls; none at all when it is null.
        place: names the list in an error, as in `messages[1].tool_calls`.
    Raises:
        RefusedError: something is no call of a function.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise RefusedError(place, describe(value), "a list of calls", _CALL_FIX)
    return tuple(_read_call(call, f"{place}[{index}]") for index, call in enumerate(value))


def read_written_calls(text: str, place: str) -> tuple[ToolCall, ...]:
    """Calls that stand in a row as JSON text: one object, or a list of them.

    Raises:
        RefusedError: the text is no JSON, or holds something that is no call.
    """
    value = _decode(text, place)
    return read_calls(value, place) if isinstance(value, list) else (_read_call(value, place),)


def _read_call(call: object, place: str) -> ToolCall:
    if not isinstance(call, dict):
        raise RefusedError(place, describe(call), "a call as an object", _CALL_FIX)
    kind, call_id = call.get("type"), call.get("id")
    if kind not in (None, "function"):
        raise RefusedError(f"{place}.type", describe(kind), "'function'", "Only calls of functions can be trained on.")
    if call_id is not None and not isinstance(call_id, str):
        raise RefusedError(f"{place}.id", describe(call_id), "a text", "Write the id as a text.")
    function = call.get("function")
    if function is None:
        function, inside = call, place
    else:
        inside = f"{place}.function"
    if not isinstance(function, dict):
        raise RefusedError(inside, describe(function), "an object with name and arguments", _CALL_FIX)
    name, arguments = function.get("name"), function.get("arguments")
    if not isinstance(name, str) or not name:
        raise RefusedError(f"{inside}.name", describe(name), "the name of a function", _CALL_FIX)
    if isinstance(arguments, dict):
        arguments = _compact(arguments)
    if not isinstance(arguments, str):
        expected = "a text that holds a JSON object, or the object itself"
        raise RefusedError(f"{inside}.arguments", describe(arguments), expected, _CALL_FIX)
    return ToolCall(id=call_id or "", name=name, arguments=_compact_text(arguments))


def read_tools(value: object, place: str = "tools") -> str | None:
    """Function declarations in the one form in which templates expect them, as JSON; None when there are none.

    The order of the keys inside a declaration stays, since the model reads it.

    Args:
        value: a list of declarations, or a text that holds one.
        place: names the field in an error.
    Raises:
        RefusedError: something is no declaration of a function.
    """
    if isinstance(value, str) and value.strip():
        value = _decode(value, place)
    if value is None or value == [] or value == "":
        return None
    if not isinstance(value, list):
        raise RefusedError(place, describe(value), "a list of declarations", _DECLARATION_FIX)
    return _compact([_declaration(tool, f"{place}[{index}]") for index, tool in enumerate(value)])


def _declaration(tool: object, place: str) -> dict[str, object]:
    if not isinstance(tool, dict):
        raise RefusedError(place, describe(tool), "a declaration as an object", _DECLARATION_FIX)
    if tool.get("type") not in (None, "function"):
        raise RefusedError(f"{place}.type", describe(tool["type"]), "'function'", "Only functions can be trained on.")
    function = tool.get("function")
    beside = {key: item for key, item in tool.items() if key not in ("type", "function")}
    if function is None:  # {"name": ..., "parameters": ...} without the wrapping
        function, beside, inside = beside, {}, place
    else:
        inside = f"{place}.function"
    if not isinstance(function, dict) or not isinstance(function.get("name"), str) or not function["name"]:
        found = describe(function.get("name") if isinstance(function, dict) else function)
        raise RefusedError(f"{inside}.name", found, "the name of a function", _DECLARATION_FIX)
    # What Arrow tables fill in for a lacking key is null, which no declaration means.
    return {"type": "function", "function": _without_nulls(function), **beside}


def _without_nulls(function: dict[str, object]) -> dict[str, object]:
    return {key: item for key, item in function.items() if item is not None}


def with_call_ids(messages: Iterable[Message]) -> list[Message]:
    """Give ids to calls and results that have none: results belong to the calls before them, in their order.

    The ids are of nine letters and digits, which all known chat templates accept.
    """
    numbered = []
    num_calls = 0
    waiting: list[str] = []
    for message in messages:
        if message.tool_calls:
            calls = []
            for call in message.tool_calls:
                num_calls += 1
                calls.append(call if call.id else call.model_copy(update={"id": f"call{num_calls:05}"}))
            waiting = [call.id for call in calls]
            message = message.model_copy(update={"tool_calls": tuple(calls)})
        elif message.role == "tool":
            if message.tool_call_id is None and waiting:
                message = message.model_copy(update={"tool_call_id": waiting[0]})
            waiting = [call_id for call_id in waiting if call_id != message.tool_call_id]
        numbered.append(message)
    return numbered


def _decode(text: str, place: str) -> object:
    text = text.strip()
    try:
        check_depth(text)
        value, end = decode_value(text)
        if text[end:].strip():
            raise json.JSONDecodeError("Extra data", text, end)
    except json.JSONDecodeError as error:
        raise refuse_syntax(error, place) from None
    except RefusedError as refused:
        inside = f"{place}.{refused.place}" if refused.place else place
        raise RefusedError(inside, refused.found, refused.expected, refused.fix) from None
    return value


def _compact_text(arguments: str) -> str:
    """A JSON object without needless white space, so that equal calls are equal rows; other text as it is."""
    try:
        value = _decode(arguments, "")
    except RefusedError:
        return arguments
    return _compact(value) if isinstance(value, dict) else arguments


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
