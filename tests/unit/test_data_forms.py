"""Shapes of rows: detection, conversion, and every refusal with its field."""

import datetime
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tunewright.data.forms import check_settings, choose_form, to_body, unused_fields
from tunewright.data.refusals import ReadLog, RefusedError
from tunewright.errors import DataError, RecipeError
from tunewright.records import Conversation, DataRecipe, Form, Message, PlainText


def recipe(**settings: Any) -> DataRecipe:
    return DataRecipe(path="rows.jsonl", **settings)


def turns(*contents: str) -> Conversation:
    """user, assistant, user, ..."""
    roles = ("user", "assistant") * len(contents)
    return Conversation(messages=tuple(Message(role=r, content=c) for r, c in zip(roles, contents, strict=False)))


def convert(row: dict[str, object], **settings: Any) -> Conversation | PlainText:
    settled = recipe(**settings)
    return to_body(row, choose_form([row], settled, ReadLog("rows.jsonl")), settled)


MESSAGES = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]


@pytest.mark.parametrize(
    ("row", "form", "body"),
    [
        ({"messages": MESSAGES}, "messages", turns("Hi", "Hello")),
        ({"prompt": "2 + 2", "completion": "4"}, "prompt_completion", turns("2 + 2", "4")),
        ({"prompt": "", "completion": "4"}, "prompt_completion", turns("", "4")),
        ({"instruction": "Add", "input": "2, 2", "output": "4"}, "alpaca", turns("Add\n\n2, 2", "4")),
        ({"instruction": "Add", "input": "", "output": "4"}, "alpaca", turns("Add", "4")),
        ({"instruction": "Add", "input": None, "output": "4"}, "alpaca", turns("Add", "4")),
        ({"instruction": "Add", "output": "4", "text": "Add 4"}, "alpaca", turns("Add", "4")),
        (
            {"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello"}]},
            "sharegpt",
            turns("Hi", "Hello"),
        ),
        (
            {"conversations": [{"from": "user", "value": "Hi"}, {"from": "assistant", "value": "Hello"}]},
            "sharegpt",
            turns("Hi", "Hello"),
        ),
        ({"text": "Once upon a time"}, "text", PlainText(text="Once upon a time")),
    ],
)
def test_the_form_is_detected_by_the_names_of_the_fields(
    row: dict[str, object], form: Form, body: Conversation | PlainText
) -> None:
    assert choose_form([row], recipe(), ReadLog("rows.jsonl")) == form
    assert convert(row) == body


def test_the_rows_of_the_documentation_have_the_form_they_stand_under() -> None:
    document = (Path(__file__).parents[2] / "docs" / "data-formats.md").read_text(encoding="utf-8")
    rows = re.findall(r"### (\w+)\n[^#]*?```jsonl\n(.*?)\n```", document, re.DOTALL)
    assert [form for form, _ in rows] == [
        "messages", "prompt_completion", "alpaca", "sharegpt", "chat_log", "preference", "text",
    ]  # fmt: skip
    for form, row in rows:
        assert choose_form([json.loads(row)], recipe(), ReadLog("rows.jsonl")) == form
        convert(json.loads(row))


def test_a_broken_first_row_does_not_hide_the_form() -> None:
    assert choose_form([{}, {"prompt": "a"}, {"prompt": "a", "completion": "b"}], recipe(), ReadLog("r")) == (
        "prompt_completion"
    )


def test_the_recipes_form_wins_over_detection() -> None:
    assert convert({"text": "x", "prompt": "a", "completion": "b"}, form="text") == PlainText(text="x")


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (-2.5, "-2.5"), (True, "true"), (False, "false"), ("yes", "yes"), (" a\n", " a\n")]
)
def test_labels_become_text_as_json_writes_them(value: object, text: str) -> None:
    row = {"mr": "name[Aromi]", "ref": value}
    assert convert(row, input="mr", output="ref") == turns("name[Aromi]", text)


def test_a_weight_of_zero_is_kept_and_means_nothing_for_other_roles() -> None:
    messages = [
        {"role": "user", "content": "a", "weight": 0},
        {"role": "assistant", "content": "b", "weight": 0, "tool_calls": None},
        {"role": "user", "content": "c", "weight": None},
        {"role": "assistant", "content": "d", "weight": 1},
    ]
    body = convert({"messages": messages})
    assert isinstance(body, Conversation)
    assert [message.weight for message in body.messages] == [1, 0, 1, 1]


def test_the_system_prompt_goes_before_rows_that_have_none() -> None:
    own = [{"role": "system", "content": "mine"}, *MESSAGES]
    for messages, expected in ((MESSAGES, "yours"), (own, "mine")):
        body = convert({"messages": messages}, system_prompt="yours")
        assert isinstance(body, Conversation)
        assert [message.content for message in body.messages] == [expected, "Hi", "Hello"]


def chat(*messages: object) -> dict[str, object]:
    return {"messages": list(messages)}


USER = {"role": "user", "content": "Hi"}
BOT = {"role": "assistant", "content": "Hello"}


def test_llamafactorys_loss_weight_is_a_weight() -> None:
    shown = chat(USER, BOT | {"loss_weight": 0.0}, USER, BOT | {"loss_weight": 1.0})
    plain = chat(USER, BOT | {"weight": 0}, USER, BOT | {"weight": 1})
    recipe = DataRecipe(path="rows.jsonl")
    assert to_body(shown, "messages", recipe) == to_body(plain, "messages", recipe)
    assert unused_fields(shown, "messages") == set()
    both = chat(USER, BOT | {"loss_weight": 0.0, "weight": 1})
    assert to_body(both, "messages", recipe) == to_body(chat(USER, BOT), "messages", recipe)


def test_text_parts_are_joined() -> None:
    parts = [{"type": "text", "text": "2 + "}, {"type": "text", "text": ""}, {"type": "text", "text": "2?"}]
    written = chat({"role": "user", "content": parts}, BOT | {"content": [{"type": "text", "value": "4"}]})
    plain = chat({"role": "user", "content": "2 + 2?"}, BOT | {"content": "4"})
    recipe = DataRecipe(path="rows.jsonl")
    assert to_body(written, "messages", recipe) == to_body(plain, "messages", recipe)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"messages": "Hi"}, r"^messages: found 'Hi', expected a list of messages"),
        (chat("Hi"), r"^messages\[0\]: found 'Hi', expected an object with role and content"),
        (
            chat(USER, {"role": "robot", "content": "x"}),
            r"^messages\[1\]\.role: found 'robot', expected system or user",
        ),
        (chat(USER, {"role": "tool", "content": "x"}), r"^messages: found user, tool \(the last message must be"),
        (chat(USER, {"content": "x"}), r"^messages\[1\]\.role: found null"),
        (chat(USER, {"role": ["user"], "content": "x"}), r"^messages\[1\]\.role: found a list"),
        (chat(USER, {"role": "assistant"}), r"^messages\[1\]\.content: found null, expected a text"),
        (
            chat({"role": "user", "content": [{"type": "text"}]}),
            r"^messages\[0\]\.content\[0\]: found a part of type 'text', expected a text part",
        ),
        (
            chat({"role": "user", "content": [{"type": "text", "text": "Who?"}, {"type": "image_url"}]}),
            r"^messages\[0\]\.content\[1\]: found a part of type 'image_url', expected a text part.*remove the part",
        ),
        (chat({"role": "user", "content": ["Who?"]}), r"^messages\[0\]\.content\[0\]: found 'Who\?'"),
        (chat({"role": "user", "content": []}), r"^messages\[0\]\.content: found a list, expected a text"),
        (
            chat(USER | {"tool_calls": [{"name": "f", "arguments": {}}]}, BOT),
            r"^messages\[0\]\.tool_calls: found calls of the user",
        ),
        (
            chat(USER, BOT | {"function_call": {}}),
            r"^messages\[1\]\.function_call: found a call in OpenAI's first form",
        ),
        (
            chat({"role": "tool", "content": "x", "name": 3}, BOT),
            r"^messages\[0\]\.name: found the number 3, expected a text",
        ),
        (chat(USER, BOT | {"weight": 2}), r"^messages\[1\]\.weight: found the number 2, expected the number 0 or 1"),
        (chat(USER, BOT | {"loss_weight": 0.5}), r"^messages\[1\]\.loss_weight: found the number 0\.5"),
        (chat(USER, BOT | {"loss_weight": True}), r"^messages\[1\]\.loss_weight: found true"),
        (chat(USER, BOT | {"weight": True}), r"^messages\[1\]\.weight: found true"),
        (chat(USER, BOT | {"weight": 1.0}), r"^messages\[1\]\.weight: found the number 1\.0"),
        (chat(USER, BOT | {"weight": "1"}), r"^messages\[1\]\.weight: found '1'"),
        (chat(), r"^messages: found no messages \(the last message must be the assistant's"),
        (chat(USER), r"^messages: found user \(the last message must be the assistant's"),
        (chat(BOT), r"^messages: found assistant \(a user message is missing"),
        (chat(USER, BOT | {"weight": 0}), r"^messages: .*every assistant message has weight 0"),
        (chat(USER, BOT | {"content": " "}), r"^messages: .*messages\[1\] is an empty assistant answer"),
        (chat(USER, {"role": "system", "content": "x"}, BOT), r"^messages: .*a system message can only be the first"),
        (
            {"conversations": [{"from": "human", "value": "x"}, {"from": "bot", "value": "{}"}]},
            r"^conversations\[1\]\.from: found 'bot', expected system or human or user or gpt or assistant",
        ),
        ({"conversations": [{"from": "human", "value": 3}]}, r"^conversations\[0\]\.value: found the number 3"),
        ({"prompt": "x", "completion": " "}, r"^completion: found an empty text \(' '\), expected some text"),
        ({"prompt": {}, "completion": "x"}, r"^prompt: found an object, expected a text or a number"),
        ({"instruction": "", "output": "x"}, r"^instruction: found an empty text"),
        ({"instruction": "a", "input": [], "output": "x"}, r"^input: found a list"),
        ({"text": "\n"}, r"^text: found an empty text"),
        ({"text": None}, r"^text: found null"),
    ],
)
def test_a_row_that_does_not_fit_its_form_is_refused_with_its_field(row: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        convert(row)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "ref: found null, expected a text or a number"),
        ("", "ref: found an empty text"),
        (float("nan"), "ref: found the number nan"),
        (["a"], "ref: found a list"),
        (datetime.date(2024, 1, 1), "ref: found a value of type date"),
    ],
)
def test_a_cell_that_is_no_label_is_refused(value: object, message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        convert({"mr": "x", "ref": value}, input="mr", output="ref")


def test_a_field_missing_from_one_row_is_refused_with_those_it_has() -> None:
    with pytest.raises(RefusedError, match=r"^completion: found no such field among prompt, answer"):
        to_body({"prompt": "x", "answer": "y"}, "prompt_completion", recipe())


def test_a_wrong_column_lists_those_that_exist_and_suggests_the_closest() -> None:
    rows = [{"mr": "x", "reference": "y"}]
    with pytest.raises(DataError, match="mr, reference") as caught:
        choose_form(rows, recipe(input="prompt", output="referense"), ReadLog("devset.csv"))
    assert [str(problem) for problem in caught.value.problems] == [
        "devset.csv: found no column 'prompt', expected one of mr, reference. Choose one of them with --input.",
        "devset.csv: found no column 'referense', expected one of mr, reference. Did you mean --output reference?",
    ]


def test_a_column_that_is_suggested_can_be_pasted_into_a_shell() -> None:
    with pytest.raises(DataError, match=r"Did you mean --output ' answer'\?$"):
        choose_form([{"question": "x", " answer": "y"}], recipe(input="question", output="answer"), ReadLog("t.csv"))


def test_an_unknown_form_lists_the_fields_and_the_accepted_forms() -> None:
    with pytest.raises(DataError, match=r"^r\.csv: found rows with the fields q, a, expected messages \|.*--input"):
        choose_form([{"q": "x", "a": "y"}], recipe(), ReadLog("r.csv"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input": "mr"}, r"^data\.output: found nothing, expected the name of a column.*--output COLUMN"),
        ({"output": "ref"}, r"^data\.input: found nothing"),
        ({"form": "columns"}, r"^data\.input: found nothing"),
        (
            {"form": "text", "input": "a", "output": "b"},
            r"^data\.input: found 'a', expected no column for the form text",
        ),
        ({"form": "messages", "output": "b"}, r"^data\.output: found 'b', expected no column for the form messages"),
        (
            {"input": "q", "output": "q"},
            r"^data\.output: found 'q', the column of data\.input, expected another column",
        ),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        check_settings(recipe(**settings))


def test_a_system_prompt_for_plain_text_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"^data\.system_prompt: found 'Be kind', expected none for plain text"):
        choose_form([{"text": "x"}], recipe(system_prompt="Be kind"), ReadLog("r.jsonl"))


@pytest.mark.parametrize(
    ("row", "form", "unused"),
    [
        ({"text": "x", "url": "y", "label": None}, "text", {"url"}),
        ({"instruction": "x", "input": "", "output": "z", "system": "s"}, "alpaca", {"system"}),
        ({"messages": [*MESSAGES, BOT | {"name": "b", "weight": 1}], "id": 3}, "messages", {"id", "messages[].name"}),
        ({"conversations": [{"from": "human", "value": "x", "loss": 0}]}, "sharegpt", {"conversations[].loss"}),
        ({"mr": "x", "ref": "y", "id": 3}, "columns", set()),
    ],
)
def test_fields_that_are_ignored_are_named(row: dict[str, object], form: Form, unused: set[str]) -> None:
    assert unused_fields(row, form) == unused
