"""Whether a chat template writes what not all do: system messages, and declarations, calls and results of tools."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunewright.errors import Problem, RenderError
from tunewright.records.example import Message, ToolCall
from tunewright.render.template import ChatTemplate

# Nine letters: Mistral's templates take no other call ids.
_CALL_ID = "probecall"
_DECLARED = "probe_declared_function"
_ARGUMENT = "probe argument"
_REMARK = "probe remark"
_RESULT = "probe result"
_TOOLS = (
    f'[{{"type":"function","function":{{"name":"{_DECLARED}","description":"Probe.",'
    '"parameters":{"type":"object","properties":{"x":{"type":"string","description":"Probe."}},"required":["x"]}}}]'
)
_RULES = "probe instruction", "other rule"
_QUESTION = Message(role="user", content="probe question", tools=_TOOLS)
_CALL = Message(
    role="assistant",
    content="",
    tool_calls=(ToolCall(id=_CALL_ID, name=_DECLARED, arguments=f'{{"x":"{_ARGUMENT}"}}'),),
)
_ANSWERED = Message(role="tool", content=_RESULT, tool_call_id=_CALL_ID, name=_DECLARED)


@dataclass(frozen=True, slots=True)
class ToolSupport:
    """What a template writes; what it leaves out, the model would neither see nor learn."""

    template_name: str
    declarations: bool
    calls: bool
    results: bool
    text_beside_calls: bool
    """Whether it writes what the assistant says in a turn in which it calls functions."""
    leaves_out_system: bool = False
    """Whether it writes a conversation without its system message; others write it, or refuse it themselves."""

    def require(self, messages: Sequence[Message], where: str) -> None:
        """Refuse messages of which the template would leave something out.

        Raises:
            RenderError: naming the template and what it does not write.
        """
        if self.leaves_out_system and any(message.role == "system" and message.content for message in messages):
            raise RenderError(
                Problem(
                    where,
                    f"a system message, which {self.template_name} leaves out",
                    "messages that all reach the model",
                    "Put what it says into the user's message, or use a base whose template writes system messages.",
                )
            )
        missing = []
        if not self.declarations and any(message.tools for message in messages):
            missing.append("declarations of functions")
        if not self.calls and any(message.tool_calls for message in messages):
            missing.append("calls of functions")
        if not self.results and any(message.role == "tool" for message in messages):
            missing.append("results of calls")
        if missing:
            raise RenderError(
                Problem(
                    where,
                    f"{' and '.join(missing)}, which {self.template_name} does not write",
                    "a chat template that is made for tools",
                    "Use a base with such a template (Qwen 2.5 Instruct is one), or remove the rows that use tools.",
                )
            )
        if not self.text_beside_calls and any(message.tool_calls and message.content.strip() for message in messages):
            raise RenderError(
                Problem(
                    where,
                    f"text beside calls of functions, which {self.template_name} does not write",
                    "messages that all reach the model",
                    "Empty the content of messages with calls, or use a base whose template writes it.",
                )
            )


def find_tool_support(template: ChatTemplate, template_name: str) -> ToolSupport:
    """Render a probe conversation that uses a function, and see what of it stands in the text.

    Args:
        template: what is probed.
        template_name: what a person calls it, for refusals.
    """
    asked, called = (_QUESTION,), (_QUESTION, _CALL)
    remarked = (_QUESTION, _CALL.model_copy(update={"content": _REMARK}))
    return ToolSupport(
        template_name=template_name,
        declarations=_writes(template, asked, _DECLARED),
        calls=_writes(template, called, _ARGUMENT),
        results=_writes(template, (*called, _ANSWERED), _RESULT),
        text_beside_calls=_writes(template, remarked, _REMARK),
        leaves_out_system=_leaves_out_system(template),
    )


def _writes(template: ChatTemplate, messages: Sequence[Message], sign: str) -> bool:
    try:
        return sign in template.render(messages, add_generation_prompt=messages[-1].role != "assistant", where="probe")
    except RenderError:  # a template that was not made for tools may fail on them
        return False


def _leaves_out_system(template: ChatTemplate) -> bool:
    """Whether two system messages give the same text. What is written may be changed: trimmed, in capitals."""
    question = _QUESTION.model_copy(update={"tools": None})
    asked = [(Message(role="system", content=rule), question) for rule in _RULES]
    try:
        one, other = (template.render(messages, add_generation_prompt=True, where="probe") for messages in asked)
    except RenderError:
        return False
    return one == other


def texts_in(message: Message) -> Iterator[str]:
    """Every text that a template may write for a message, with the escapes of JSON resolved."""
    yield message.content
    for call in message.tool_calls:
        yield call.name
        yield _unescaped(call.arguments)
    yield message.name or ""
    yield _unescaped(message.tools or "")


def _unescaped(text: str) -> str:
    try:
        return json.dumps(json.loads(text), ensure_ascii=False)
    except (ValueError, RecursionError):
        return text
