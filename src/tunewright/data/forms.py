"""The shape of a row, and a row to what is learned from it.

    {"messages": [{"role": "user", "content": "Hi"}, ...]}       messages
    {"prompt": "2 + 2", "completion": "4"}                       prompt_completion
    {"instruction": "Add", "input": "2, 2", "output": "4"}       alpaca
    {"conversations": [{"from": "human", "value": "Hi"}, ...]}   sharegpt
    {"text": "Once upon a time"}                                 text
    any fields, two of them named by the user                    columns

Forms are told apart by the names of the fields alone, never by their content.
"""

import difflib
import json
import math
from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from tunewright.data.refusals import ReadLog, RefusedError, describe, excerpt, join_names
from tunewright.errors import Problem, RecipeError
from tunewright.records import Conversation, DataRecipe, Form, Message, PlainText, Role

Row = Mapping[str, object]

_REQUIRED_FIELDS: dict[Form, tuple[str, ...]] = {
    "messages": ("messages",),
    "prompt_completion": ("prompt", "completion"),
    "alpaca": ("instruction", "output"),
    "sharegpt": ("conversations",),
    "text": ("text",),
}
"""In the order of detection: `text` comes last, since richer forms often carry a rendered `text` beside them."""

_ROLES: dict[object, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
_SHAREGPT_ROLES: dict[object, Role] = {
    "system": "system",
    "human": "user",
    "user": "user",
    "gpt": "assistant",
    "assistant": "assistant",
}
_TOOL_FIELDS = ("tool_calls", "function_call", "tool_call_id")
_MESSAGE_FIELDS = {"messages": {"role", "content", "weight"}, "sharegpt": {"from", "value", "weight"}}


def check_settings(recipe: DataRecipe) -> None:
    """Refuse settings of the recipe that contradict each other, before anything is read.

    Raises:
        RecipeError: one of `input` and `output` is missing, or they are set for a form that does not use them.
    """
    named = {"data.input": recipe.input, "data.output": recipe.output}
    given = [setting for setting, column in named.items() if column is not None]
    if recipe.form not in (None, "columns") and given:
        raise RecipeError(
            Problem(given[0], repr(named[given[0]]), f"no column for the form {recipe.form}", "Leave it out.")
        )
    if len(given) == 1 or (recipe.form == "columns" and not given):
        missing = next(setting for setting in named if setting not in given)
        raise RecipeError(
            Problem(missing, "nothing", "the name of a column", "Name both columns: --input COLUMN --output COLUMN.")
        )


def choose_form(rows: Sequence[Row], recipe: DataRecipe, log: ReadLog) -> Form:
    """Take the form from the recipe, or detect it from the fields of the first rows.

    One row with the fields of a form is enough: a broken first row is then reported as what it is.

    Raises:
        DataError: no form fits, or none of the rows has a column that the recipe names.
        RecipeError: the recipe sets a system prompt for plain text.
    """
    if recipe.input is not None:
        _require_columns(rows, recipe, log)
        return "columns"
    form = recipe.form or _detect(rows)
    if form is None:
        log.refuse(None, _unknown_form(rows))
        log.raise_if_refused()
    assert form is not None
    if form == "text" and recipe.system_prompt is not None:
        raise RecipeError(
            Problem("data.system_prompt", excerpt(recipe.system_prompt), "none for plain text", "Leave it out.")
        )
    return form


def _detect(rows: Sequence[Row]) -> Form | None:
    for form, required in _REQUIRED_FIELDS.items():
        if any(all(name in row for name in required) for row in rows):
            return form
    return None


def _unknown_form(rows: Sequence[Row]) -> RefusedError:
    return RefusedError(
        "",
        f"rows with the fields {join_names(_field_names(rows))}",
        "messages | prompt, completion | instruction, input, output | conversations | text",
        "Name the fields to learn from: --input COLUMN --output COLUMN.",
    )


def _require_columns(rows: Sequence[Row], recipe: DataRecipe, log: ReadLog) -> None:
    names = _field_names(rows)
    is_missing = False
    for option, column in (("--input", recipe.input), ("--output", recipe.output)):
        assert column is not None  # check_settings
        if column not in names:
            is_missing = True
            close = difflib.get_close_matches(column, names, n=1, cutoff=0.5)
            advice = f"Did you mean {option} {close[0]}?" if close else f"Choose one of them with {option}."
            log.refuse(None, RefusedError("", f"no column {excerpt(column)}", f"one of {join_names(names)}", advice))
    if is_missing:
        log.raise_if_refused()


def _field_names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def to_body(row: Row, form: Form, recipe: DataRecipe) -> Conversation | PlainText:
    """Turn a row into what is learned from it.

    Raises:
        RefusedError: the row does not fit the form; its place is the field, as in `messages[1].role`.
    """
    if form == "text":
        return PlainText(text=_text(row, "text"))
    if form == "messages":
        return _conversation(_messages(row, "messages", "role", "content", _ROLES), "messages", recipe)
    if form == "sharegpt":
        return _conversation(_messages(row, "conversations", "from", "value", _SHAREGPT_ROLES), "conversations", recipe)
    if form == "alpaca":
        instruction, answer = _text(row, "instruction"), _text(row, "output")
        material = "" if row.get("input") is None else _text(row, "input", may_be_empty=True)
        question = f"{instruction}\n\n{material}" if material.strip() else instruction
        return _conversation(_turns(question, answer), "output", recipe)
    if form == "prompt_completion":
        question, answer = _text(row, "prompt", may_be_empty=True), _text(row, "completion")
        return _conversation(_turns(question, answer), "completion", recipe)
    assert recipe.input is not None
    assert recipe.output is not None
    return _conversation(_turns(_text(row, recipe.input), _text(row, recipe.output)), recipe.output, recipe)


def unused_fields(row: Row, form: Form) -> set[str]:
    """Name the fields that hold something and that to_body ignores; with named columns that is the user's wish."""
    if form == "columns":
        return set()
    used = {*_REQUIRED_FIELDS[form], "input"} if form == "alpaca" else set(_REQUIRED_FIELDS[form])
    unused = {name for name, value in row.items() if name not in used and value is not None}
    if form in _MESSAGE_FIELDS:
        (field,) = _REQUIRED_FIELDS[form]
        messages = row[field]
        assert isinstance(messages, list)
        for message in messages:
            names = message.keys() - _MESSAGE_FIELDS[form]
            unused |= {f"{field}[].{name}" for name in names if message[name] is not None}
    return unused


def _conversation(messages: list[Message], field: str, recipe: DataRecipe) -> Conversation:
    if recipe.system_prompt is not None and not (messages and messages[0].role == "system"):
        messages = [Message(role="system", content=recipe.system_prompt), *messages]
    try:
        return Conversation(messages=tuple(messages))
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        roles = join_names(message.role for message in messages) or "no messages"
        raise RefusedError(
            field,
            f"{roles} ({reason})",
            "an optional system message, then turns that end with an assistant answer that is trained and not empty",
            "Complete the row or remove it.",
        ) from None


def _turns(question: str, answer: str) -> list[Message]:
    return [Message(role="user", content=question), Message(role="assistant", content=answer)]


def _messages(row: Row, field: str, role_key: str, text_key: str, roles: Mapping[object, Role]) -> list[Message]:
    messages = _present(row, field)
    if not isinstance(messages, list):
        raise RefusedError(field, describe(messages), "a list of messages", "See docs/data-formats.md for a row.")
    return [_message(message, f"{field}[{index}]", role_key, text_key, roles) for index, message in enumerate(messages)]


def _message(message: object, place: str, role_key: str, text_key: str, roles: Mapping[object, Role]) -> Message:
    if not isinstance(message, dict):
        raise RefusedError(place, describe(message), f"an object with {role_key} and {text_key}", "Correct the row.")
    # Arrow tables fill what a message lacks with null, so null means absent.
    for name in _TOOL_FIELDS:
        if message.get(name) is not None:
            raise RefusedError(f"{place}.{name}", "a tool call", "text only", "Remove the rows that use tools.")
    role = message.get(role_key)
    if not isinstance(role, str) or role not in roles:
        fix = f"Rename the {role_key}; rows with tools cannot be trained on yet and have to be removed."
        raise RefusedError(f"{place}.{role_key}", describe(role), " or ".join(str(name) for name in roles), fix)
    content = message.get(text_key)
    if not isinstance(content, str):
        fix = "Only text can be trained on: join the text parts, and remove rows with images, audio or tools."
        raise RefusedError(f"{place}.{text_key}", describe(content), "a text", fix)
    weight = message.get("weight")
    if weight is not None and (type(weight) is not int or weight not in (0, 1)):
        fix = "1 trains the assistant's message, 0 only shows it."
        raise RefusedError(f"{place}.weight", describe(weight), "the number 0 or 1", fix)
    # The weight of other roles means nothing; keeping it would make equal rows look different.
    is_read_only = weight == 0 and roles[role] == "assistant"
    return Message(role=roles[role], content=content, weight=0 if is_read_only else 1)


def _text(row: Row, field: str, *, may_be_empty: bool = False) -> str:
    """A field as text. Numbers, true and false are labels and become text as JSON writes them."""
    value = _present(row, field)
    if isinstance(value, (bool, int)) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value)
    if not isinstance(value, str):
        raise RefusedError(field, describe(value), "a text or a number", "Write the value as a text or remove the row.")
    if not value.strip() and not may_be_empty:
        raise RefusedError(field, f"an empty text ({excerpt(value)})", "some text", "Fill it in or remove the row.")
    return value


def _present(row: Row, field: str) -> object:
    if field not in row:
        raise RefusedError(field, f"no such field among {join_names(row)}", "a value", "Add it or remove the row.")
    return row[field]
