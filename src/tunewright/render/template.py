"""Chat templates: a model's own Jinja source, run in a sandbox, or the plain one for bases that have none.

A template is code from strangers. The sandbox keeps it from Python's internals; it also has no source of chance and no
clock, so that the same messages always become the same text. Output, the length of texts, counting loops and the time
that loops and recursion take are limited. What a single step wastes (a nested list written out, say) is not: the memory
of the machine is its limit, and Ctrl-C.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

import jinja2
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension, loopcontrols
from jinja2.nodes import Call, EnvironmentAttribute, ExprStmt, For, Macro, Node, Template
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import pass_context
from jinja2.visitor import NodeTransformer

from tunewright.errors import Problem, RenderError
from tunewright.records.example import Message, ToolCall

MAX_RENDERED_CHARACTERS = 1_000_000
MAX_RANGE_ITEMS = 100_000
"""Items that all range() loops of one rendering may count together."""
MAX_SECONDS = 1.0
"""Processor time of one rendering, looked at in every pass of a loop; usual ones take less than a millisecond."""
MAX_QUOTED_CHARACTERS = 200

PINNED_DATE = datetime(2024, 7, 26, tzinfo=UTC)
"""What strftime_now writes: the date Llama 3.1's own template falls back to.

A moving date would give the model other tokens tomorrow than it was trained on today."""

PLAIN_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '### ' + message.role | capitalize + ':\n' + message.content }}"
    "{% if message.role == 'assistant' %}{{ eos_token }}{% endif %}"
    "{{ '\n\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '### Assistant:\n' }}{% endif %}"
)
"""Plain words only, so that every tokenizer can write it."""

# What Python itself raises from inside a template: wrong types, missing keys, range(10**30), endless recursion.
_FAILURES = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)


class ChatTemplate:
    """Messages to text, as the base was taught to read them.

    Args:
        source: Jinja source. It sees `messages` (role and content), `add_generation_prompt`, and the special tokens.
        special_tokens: variables of the template, such as `{"bos_token": "<s>"}`.
    Raises:
        RenderError: the source is not Jinja.
    """

    def __init__(self, source: str, special_tokens: Mapping[str, str]) -> None:
        self.source = source
        self._special_tokens = dict(special_tokens)
        try:
            self._compiled = _SANDBOX.from_string(source)
        except _FAILURES as error:
            raise RenderError(
                Problem(
                    "the base's chat template",
                    f"a template that does not compile ({_quote(error)})",
                    "a Jinja template",
                    "Take the model's files again from where they came, or use another base.",
                )
            ) from None

    def render(self, messages: Sequence[Message], *, add_generation_prompt: bool, where: str) -> str:
        """Write a conversation as text; control tokens stand in it by their names.

        Args:
            messages: the conversation so far; the functions that the first one declares are the template's `tools`.
            add_generation_prompt: end with the header of the assistant's answer, if the template has one.
            where: names the row in an error.
        Raises:
            RenderError: the template refused the messages, failed, or wrote more than MAX_RENDERED_CHARACTERS.
        """
        variables: dict[str, Any] = {
            **self._special_tokens,
            "messages": [_as_template_sees(message, where) for message in messages],
            "tools": next((json.loads(message.tools) for message in messages if message.tools), None),
            "documents": None,
            "add_generation_prompt": add_generation_prompt,
            "range": _counting_range(),
            _ENDS_AT: time.thread_time() + MAX_SECONDS,
        }
        pieces: list[str] = []
        num_characters = 0
        try:
            for piece in self._compiled.generate(variables):
                pieces.append(piece)
                num_characters += len(piece)
                if num_characters > MAX_RENDERED_CHARACTERS:
                    raise SecurityError(f"it wrote more than {MAX_RENDERED_CHARACTERS:,} characters")
        except _FAILURES as error:
            raise RenderError(
                Problem(
                    where,
                    f"messages that the base's chat template does not write ({_quote(error)})",
                    "messages that fit the template",
                    "Change the row as the template's message says, or use another base.",
                )
            ) from None
        return "".join(pieces)


def _as_template_sees(message: Message, where: str) -> dict[str, Any]:
    """A message in the convention of transformers; keys that say nothing are absent, since templates ask for them."""
    seen: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        seen["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": _arguments(call, where)}}
            for call in message.tool_calls
        ]
    if message.tool_call_id:
        seen["tool_call_id"] = message.tool_call_id
    if message.name:
        seen["name"] = message.name
    return seen


def _arguments(call: ToolCall, where: str) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        raise RenderError(
            Problem(
                where,
                f"arguments of a call of {call.name} that are no JSON object",
                "an object, as chat templates write it",
                "Correct the row or drop it.",
            )
        )
    return arguments


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja's sandbox, which also stops what grows or runs on: `'x' * 10**10`, doubled texts, loops in loops."""

    intercepted_binops = frozenset({"+", "*", "**"})

    def unsafe_undefined(self, obj: Any, attribute: str) -> NoReturn:
        # Jinja would write nothing for `''.__class__` and go on.
        raise SecurityError(f"{attribute!r} of {type(obj).__name__} is not available to chat templates")

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        if operator == "**":
            raise SecurityError("powers are not available to chat templates")
        if operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
            _require_short(len(left) + len(right))
        for value, times in ((left, right), (right, left)):
            if operator == "*" and isinstance(value, str | list | tuple) and isinstance(times, int):
                _require_short(len(value) * times)
        return super().call_binop(context, operator, left, right)

    def _parse(self, source: str, name: str | None, filename: str | None) -> Template:
        tree: Template = _Guarded().visit(super()._parse(source, name, filename))
        return tree

    @pass_context
    def require_time(self, context: Context) -> None:
        """What every pass of a loop and every call of a macro begins with."""
        if time.thread_time() > context.resolve(_ENDS_AT):
            raise SecurityError(f"it takes more than {MAX_SECONDS:g} s")

    def require_short_text(self, text: str) -> str:
        """What every `a ~ b` goes through."""
        _require_short(len(text))
        return text


_ENDS_AT = "ends at"
"""A name with a space, which no template can write."""


class _Guarded(NodeTransformer):
    """Adds to a template the calls that limit it."""

    def visit_For(self, node: For) -> Node:  # noqa: N802 - the names are Jinja's
        return self._timed(node)

    def visit_Macro(self, node: Macro) -> Node:  # noqa: N802
        return self._timed(node)

    def visit_Concat(self, node: Node) -> Node:  # noqa: N802
        return _call("require_short_text", self.generic_visit(node))

    def _timed(self, node: For | Macro) -> Node:
        self.generic_visit(node)
        node.body.insert(0, ExprStmt(_call("require_time"), lineno=node.lineno))
        return node


def _call(method: str, *arguments: Node) -> Call:
    return Call(EnvironmentAttribute(method), list(arguments), [], None, None)


class _GenerationBlock(Extension):
    """Reads `{% generation %}`, with which newer templates mark the answer; we find the answer by its tokens."""

    tags = {"generation"}  # noqa: RUF012 - the type is Jinja's

    def parse(self, parser: Parser) -> list[Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _require_short(length: int) -> None:
    if length > MAX_RENDERED_CHARACTERS:
        raise SecurityError(f"it makes a value of {length:,} items")


def _counting_range() -> Callable[..., range]:
    num_left = MAX_RANGE_ITEMS

    def counting_range(*bounds: int) -> range:
        nonlocal num_left
        items = range(*bounds)
        num_left -= len(items)
        if num_left < 0:
            raise SecurityError(f"its range() loops count more than {MAX_RANGE_ITEMS:,} items")
        return items

    return counting_range


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _strftime_now(date_format: str) -> str:
    return PINNED_DATE.strftime(date_format)


def _to_json(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    # Jinja's own filter escapes <, > and & for HTML, which a prompt is not.
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _make_sandbox() -> _Sandbox:
    # The same settings as transformers.utils.chat_template_utils, which templates are written against.
    sandbox = _Sandbox(trim_blocks=True, lstrip_blocks=True, extensions=[_GenerationBlock, loopcontrols])
    sandbox.filters["tojson"] = _to_json
    sandbox.globals["raise_exception"] = _raise_exception
    sandbox.globals["strftime_now"] = _strftime_now
    del sandbox.filters["random"], sandbox.globals["lipsum"]
    return sandbox


def _quote(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:MAX_QUOTED_CHARACTERS]


_SANDBOX = _make_sandbox()
