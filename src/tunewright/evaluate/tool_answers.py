"""Calls of functions in what a model wrote, so that they can be compared with the calls of a row."""

import json
import re

from tunewright.records import ToolCall, calls_as_json

_MARKED = re.compile(r"<tool_call>\s*(.*?)\s*</tool_call>", re.DOTALL)


def calls_in(answer: str) -> str | None:
    """Give the calls of an answer as canonical JSON, or None where it cannot be read as calls: then it is just text.

    Read are JSON objects between `<tool_call>` tags (Hermes, Qwen), whatever stands around them, and an answer that is
    as a whole a JSON object or list of objects (Llama 3.1, Mistral). A call has `name`, and `arguments` or
    `parameters`: an object, or a text that holds one (OpenAI). A call without them has none.

    >>> calls_in('<tool_call>{"name": "weather", "arguments": {"city": "Oslo"}}</tool_call>')
    '[{"arguments":{"city":"Oslo"},"name":"weather"}]'
    """
    try:
        marked = [json.loads(text) for text in _MARKED.findall(answer)]
        written = marked or json.loads(answer)
        # Half of a surrogate pair, which JSON can escape, could not be written to any file.
        json.dumps(written, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    calls = [_call(each) for each in (written if isinstance(written, list) else [written])]
    known = [call for call in calls if call is not None]
    return calls_as_json(known) if known and len(known) == len(calls) else None


def _call(written: object) -> ToolCall | None:
    if not isinstance(written, dict):
        return None
    name, arguments = written.get("name"), _arguments(written.get("arguments", written.get("parameters")))
    if not isinstance(name, str) or not name or arguments is None:
        return None
    return ToolCall(id="", name=name, arguments=arguments)


def _arguments(written: object) -> str | None:
    """Arguments as JSON; None where they are no object."""
    text = written if isinstance(written, str) else json.dumps({} if written is None else written)
    try:
        return text if isinstance(json.loads(text), dict) else None
    except (ValueError, RecursionError):
        return None
