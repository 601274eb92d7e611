"""The shape of a row, and a row to what is learned from it.

    {"messages": [{"role": "user", "content": "Hi"}, ...]}       messages
    {"prompt": "2 + 2", "completion": "4"}                       prompt_completion
    {"instruction": "Add", "input": "2, 2", "output": "4"}       alpaca
    {"conversations": [{"from": "human", "value": "Hi"}, ...]}   sharegpt
    {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"}    preference (other shapes of it: see pairs)
    {"messages": [...], "choices": [{"message": {...}}]}         chat_log (other shapes of it: see chat_logs)
    {"text": "Once upon a time"}                                 text
    any fields, two of them named by the user                    columns

Forms are told apart by the names of the fields alone, never by their content.
"""

import difflib
import shlex
from collections.abc import Sequence

from pydantic import ValidationError

from tunewright.data import pairs
from tunewright.data.chat_logs import LOG_FIELDS, read_log_line
from tunewright.data.fields import Row, instruction_question, present, text_field
from tunewright.data.messages import (
    OPENAI,
    SHAREGPT,
    MessageShape,
    read_messages,
    turns,
    unused_message_fields,
    with_system_prompt,
)
from tunewright.data.refusals import ReadLog, RefusedError, excerpt, join_names
from tunewright.data.tool_calls import read_tools
from tunewright.errors import Problem, RecipeError
from tunewright.records import Body, Conversation, DataRecipe, Form, Message, PlainText

_SIGNATURES: tuple[tuple[Form, tuple[str, ...]], ...] = (
    ("preference", pairs.ANSWER_FIELDS),
    ("preference", pairs.OPENAI_FIELDS),
    ("preference", pairs.MESSAGE_FIELDS),
    *(("chat_log", fields) for fields in LOG_FIELDS),
    ("messages", ("messages",)),
    ("prompt_completion", ("prompt", "completion")),
    ("alpaca", ("instruction", "output")),
    ("sharegpt", ("conversations",)),
    ("text", ("text",)),
)
"""Fields that give a form away, in the order of detection: pairs and logs first, since their prompts have the fields of
other forms; `text` last, since richer forms often carry a rendered `text` beside them."""

_CHATS: dict[Form, tuple[str, MessageShape]] = {
    "messages": ("messages", OPENAI),
    "sharegpt": ("conversations", SHAREGPT),
}
"""The field that holds the messages, and how they are written."""


def check_settings(recipe: DataRecipe) -> None:
    """Refuse settings of the recipe that contradict each other, before anything is read.

    Raises:
        RecipeError: one of `input` and `output` is missing, both name one column, or they are set for a form that does
            not use them.
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
    if recipe.output is not None and recipe.input == recipe.output:
        found = f"{excerpt(recipe.output)}, the column of data.input"
        fix = "Name the column that holds what the model should write: --output COLUMN."
        raise RecipeError(Problem("data.output", found, "another column", fix))


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
    form = recipe.form or detect_form(rows)
    if form is None:
        log.refuse(None, _unknown_form(rows))
        log.raise_if_refused()
    assert form is not None
    if form == "text" and recipe.system_prompt is not None:
        raise RecipeError(
            Problem("data.system_prompt", excerpt(recipe.system_prompt), "none for plain text", "Leave it out.")
        )
    return form


def detect_form(rows: Sequence[Row]) -> Form | None:
    """The form of which one of the rows has all fields; None where none fits."""
    for form, required in _SIGNATURES:
        if any(all(name in row for name in required) for row in rows):
            return form
    return None


def _unknown_form(rows: Sequence[Row]) -> RefusedError:
    return RefusedError(
        "",
        f"rows with the fields {join_names(_field_names(rows))}",
        "messages | prompt, completion | instruction, input, output | conversations | prompt, chosen, rejected | "
        "request, response | text",
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
            advice = f"Choose one of them with {option}."
            if close:
                advice = f"Did you mean {option} {shlex.quote(close[0])}?"
            log.refuse(None, RefusedError("", f"no column {excerpt(column)}", f"one of {join_names(names)}", advice))
    if is_missing:
        log.raise_if_refused()


def _field_names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def to_body(row: Row, form: Form, recipe: DataRecipe) -> Body:
    """Turn a row into what is learned from it.

    Raises:
        RefusedError: the row does not fit the form; its place is the field, as in `messages[1].role`.
    """
    if form == "text":
        return PlainText(text=text_field(row, "text"))
    if form == "preference":
        return pairs.read_pair(row, recipe.system_prompt)
    if form == "chat_log":
        messages, tools = read_log_line(row)
        return _conversation(messages, "response", recipe, tools=tools)
    if form in _CHATS:
        field, shape = _CHATS[form]
        messages = read_messages(present(row, field), field, shape)
        return _conversation(messages, field, recipe, tools=read_tools(row.get("tools")))
    if form == "alpaca":
        return _conversation(turns(instruction_question(row), text_field(row, "output")), "output", recipe)
    if form == "prompt_completion":
        question, answer = text_field(row, "prompt", may_be_empty=True), text_field(row, "completion")
        return _conversation(turns(question, answer), "completion", recipe)
    assert recipe.input is not None
    assert recipe.output is not None
    answered = turns(text_field(row, recipe.input), text_field(row, recipe.output))
    return _conversation(answered, recipe.output, recipe)


def unused_fields(row: Row, form: Form) -> set[str]:
    """Name the fields that hold something and that to_body ignores.

    With named columns that is the user's wish, and most of a log line is not meant for learning.
    """
    if form in ("columns", "chat_log"):
        return set()
    used = _used_fields(row, form)
    unused = {name for name, value in row.items() if name not in used and value is not None}
    if form in _CHATS:
        field, shape = _CHATS[form]
        messages = row[field]
        assert isinstance(messages, list)
        unused |= unused_message_fields(messages, field, shape)
    return unused


def _used_fields(row: Row, form: Form) -> set[str]:
    if form == "preference":
        return pairs.used_fields(row)
    beside = {"input"} if form == "alpaca" else {"tools"} if form in _CHATS else set()
    return beside.union(*(fields for name, fields in _SIGNATURES if name == form))


def _conversation(
    messages: Sequence[Message], field: str, recipe: DataRecipe, tools: str | None = None
) -> Conversation:
    messages = with_system_prompt(messages, recipe.system_prompt)
    if tools is not None and messages:
        messages[0] = messages[0].model_copy(update={"tools": tools})
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
