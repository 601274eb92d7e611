"""Calls of functions that do not fit their declaration, or their results."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tunewright.data.checks.answers import parse_json
from tunewright.data.checks.check import Check, CheckedRow, RowSet, overview
from tunewright.data.checks.multiples import exact_multiple_of
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.data.refusals import RefusedError
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Finding, Message, PlainText, Severity, ToolCall

MAX_LISTED_PROBLEMS = 3
MAX_REASON_CHARACTERS = 120

FindMismatches = Callable[[object], list[tuple[str, str]]]
"""Arguments to (path inside them, what is wrong)."""


@dataclass(frozen=True, slots=True)
class _Problem:
    place: str
    """The field, as in `messages[1].tool_calls[0].arguments.city`."""
    reason: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.place} {self.reason}"


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    for row in rows:
        if not row.uses_tools:
            continue
        messages = _messages(row)
        problems = [*_wrong_calls(messages), *_unpaired(messages)]
        if problems:
            num_more = len(problems) - MAX_LISTED_PROBLEMS
            listed = "; ".join(map(str, problems[:MAX_LISTED_PROBLEMS])) + (f"; and {num_more} more" * (num_more > 0))
            yield row_finding(TOOL_CALLS.id, row, f"{listed}.", excerpt(problems[0].evidence), len(problems))


def _messages(row: CheckedRow) -> Sequence[Message]:
    body = row.example.body
    if isinstance(body, PlainText):
        return ()
    return body.messages if body.kind == "conversation" else body.prompt


def _wrong_calls(messages: Sequence[Message]) -> Iterator[_Problem]:
    declared = _declared(messages[0].tools)
    for index, message in enumerate(messages):
        for number, call in enumerate(message.tool_calls):
            yield from _wrong_call(call, f"messages[{index}].tool_calls[{number}]", declared)


def _wrong_call(call: ToolCall, place: str, declared: Mapping[str, FindMismatches | str]) -> Iterator[_Problem]:
    shown = f"{call.name}({call.arguments})"
    # A row that declares nothing may mean functions that everybody knows, so its names are not judged.
    if declared and call.name not in declared:
        yield _Problem(f"{place}.name", f"is `{call.name}`, which is not among {', '.join(declared)}", shown)
    try:
        arguments = parse_json(call.arguments)
    except RefusedError as refused:
        yield _Problem(f"{place}.arguments", f"are no JSON object: {_cut(refused.found)}", shown)
        return
    if not isinstance(arguments, dict):
        yield _Problem(f"{place}.arguments", "are a JSON list, not an object", shown)
        return
    mismatches = declared.get(call.name)
    if isinstance(mismatches, str):
        yield _Problem(f"tools.{call.name}.parameters", f"are no JSON Schema: {mismatches}", shown)
    elif mismatches is not None:
        for path, reason in mismatches(arguments):
            yield _Problem(f"{place}.arguments{path}:", reason, shown)


def _unpaired(messages: Sequence[Message]) -> Iterator[_Problem]:
    """Results without a call, and calls without a result although the conversation goes on."""
    waiting: dict[str, tuple[str, ToolCall]] = {}
    for index, message in enumerate(messages):
        if message.role == "tool":
            if waiting.pop(message.tool_call_id or "", None) is None:
                about = f"the call {message.tool_call_id!r}" if message.tool_call_id else "a call"
                reason = f"is the result of {about}, which does not stand before it"
                yield _Problem(f"messages[{index}]", reason, message.content)
            continue
        yield from _unanswered(waiting)
        waiting = {
            call.id: (f"messages[{index}].tool_calls[{number}]", call) for number, call in enumerate(message.tool_calls)
        }
        if len(waiting) < len(message.tool_calls):
            yield _Problem(f"messages[{index}].tool_calls", "have the same id more than once", message.texts[0])
    if messages[-1].role == "tool":
        yield from _unanswered(waiting)


def _unanswered(waiting: Mapping[str, tuple[str, ToolCall]]) -> Iterator[_Problem]:
    for place, call in waiting.values():
        yield _Problem(place, f"calls `{call.name}`, but no result follows", f"{call.name}({call.arguments})")


@lru_cache(maxsize=1024)  # rows of one source mostly declare the same functions
def _declared(tools: str | None) -> Mapping[str, FindMismatches | str]:
    """By name of each declared function: what finds wrong arguments, or why its declaration cannot be used."""
    functions = [tool["function"] for tool in json.loads(tools)] if tools else []
    return {function["name"]: _mismatch_finder(function.get("parameters", {})) for function in functions}


def _mismatch_finder(schema: object) -> FindMismatches | str:
    """Compile a JSON Schema.

    References to other files and to the network are not followed, and regular expressions are not run: one written to
    take for ever would.
    """
    try:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import extend, validator_for
        from referencing import Registry
        from referencing.exceptions import Unresolvable
    except ImportError:
        raise MissingExtraError("jsonschema", "data", "check calls of tools against their declarations") from None
    if not isinstance(schema, dict):
        return "they must be an object"
    draft = validator_for(schema, default=Draft202012Validator)
    try:
        draft.check_schema(schema)
    except SchemaError as error:
        return _cut(f"{_path(error.absolute_path)} {error.message}".strip())
    additional = draft.VALIDATORS["additionalProperties"]

    def without_patterns(validator: object, allowed: object, value: object, schema: Mapping[str, object]) -> object:
        return () if "patternProperties" in schema else additional(validator, allowed, value, schema)

    checked = {"additionalProperties": without_patterns, "multipleOf": exact_multiple_of}
    safe = extend(draft, {**dict.fromkeys(_UNCHECKED, _accept), **checked})
    validator = safe(schema, registry=Registry())

    def find(arguments: object) -> list[tuple[str, str]]:
        try:
            return [(_path(error.absolute_path), _cut(error.message)) for error in validator.iter_errors(arguments)]
        except (Unresolvable, RecursionError) as error:
            return [
                ("", f"cannot be checked, since the declaration refers to what is not in it ({type(error).__name__})")
            ]

    return find


_UNCHECKED = ("pattern", "patternProperties", "unevaluatedProperties", "unevaluatedItems")


def _accept(*arguments: object) -> tuple[()]:
    del arguments
    return ()


def _path(parts: Iterable[str | int]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts)


def _cut(reason: str) -> str:
    return reason if len(reason) <= MAX_REASON_CHARACTERS else f"{reason[: MAX_REASON_CHARACTERS - 1]}…"


def _lacking(rows: RowSet) -> str | None:
    return None if overview(rows).uses_tools else "no row calls tools"


TOOL_CALLS = Check(
    id="tool_calls",
    title="Calls of tools that do not fit",
    explanation=(
        "Calls of functions whose arguments are not a JSON object or do not match the JSON Schema of the declaration "
        "(types, required and unknown parameters, choices, ranges; regular expressions are not run), calls of "
        "functions that the row does not declare, results without a call, and calls without a result although the "
        "conversation goes on. Rows that declare nothing are checked for the rest. A program that carries out the "
        "model's calls fails on such ones, and the model would learn to write them."
    ),
    severity=Severity.BLOCKING,
    action="listed only; training is refused until they are corrected, removed or accepted",
    find=_find,
    lacking=_lacking,
)
