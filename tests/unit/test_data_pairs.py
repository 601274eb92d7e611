"""Preference pairs in the shapes of OpenAI, TRL and LLaMA-Factory."""

from collections.abc import Mapping

import pytest
from public_files import public_file

from tunewright.data import read_rows
from tunewright.data.forms import choose_form, to_body, unused_fields
from tunewright.data.pairs import read_pair
from tunewright.data.refusals import ReadLog, RefusedError
from tunewright.records import DataRecipe, Message, PreferencePair

USER = {"role": "user", "content": "Hi"}
HUMAN = {"from": "human", "value": "Hi"}
PAIR = PreferencePair(prompt=(Message(role="user", content="Hi"),), chosen="Hello!", rejected="What?")


def said(content: str) -> dict[str, object]:
    return {"role": "assistant", "content": content}


def gpt(value: str) -> dict[str, object]:
    return {"from": "gpt", "value": value}


SHAPES: Mapping[str, dict[str, object]] = {
    "OpenAI": {
        "input": {"messages": [USER], "tools": [], "parallel_tool_calls": True},
        "preferred_output": [said("Hello!")],
        "non_preferred_output": [said("What?")],
    },
    "TRL, texts": {"prompt": "Hi", "chosen": "Hello!", "rejected": "What?"},
    "TRL, messages": {"prompt": [USER], "chosen": [said("Hello!")], "rejected": [said("What?")]},
    "TRL, prompt implied": {"chosen": [USER, said("Hello!")], "rejected": [USER, said("What?")]},
    "TRL, prompt null": {"prompt": None, "chosen": [USER, said("Hello!")], "rejected": [USER, said("What?")]},
    "UltraFeedback": {"prompt": "Hi", "chosen": [USER, said("Hello!")], "rejected": [USER, said("What?")]},
    "LLaMA-Factory, instruction": {"instruction": "Hi", "input": "", "chosen": "Hello!", "rejected": "What?"},
    "LLaMA-Factory, v1": {
        "chosen_messages": [USER, {"role": "assistant", "content": [{"type": "text", "value": "Hello!"}]}],
        "rejected_messages": [USER, said("What?")],
    },
    "LLaMA-Factory, chat": {"conversations": [HUMAN], "chosen": gpt("Hello!"), "rejected": gpt("What?")},
}


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_is_detected_and_becomes_the_same_pair(shape: str) -> None:
    row, recipe = SHAPES[shape], DataRecipe(path="rows.jsonl")
    assert choose_form([row], recipe, ReadLog("rows.jsonl")) == "preference"
    assert to_body(row, "preference", recipe) == PAIR


def test_fields_beside_a_pair_are_named() -> None:
    assert unused_fields(SHAPES["OpenAI"] | {"id": 3}, "preference") == {"id"}
    assert unused_fields(SHAPES["TRL, texts"] | {"score_chosen": 0.9}, "preference") == {"score_chosen"}
    assert unused_fields(SHAPES["TRL, prompt implied"] | {"messages": []}, "preference") == {"messages"}
    assert unused_fields(SHAPES["LLaMA-Factory, instruction"] | {"system": "s"}, "preference") == {"system"}


def test_llamafactorys_v1_file_is_read() -> None:
    path = public_file("dirty/llamafactory_demo/v1_dpo_demo.jsonl")
    rows = read_rows(str(path), DataRecipe(path=str(path)), None)
    assert (rows.source.form, len(rows.examples), rows.source.warnings) == ("preference", 10, ())


def test_material_stands_below_the_instruction() -> None:
    row = {"instruction": "Add", "input": "2, 2", "chosen": "4", "rejected": 5}
    assert read_pair(row, None) == PreferencePair(
        prompt=(Message(role="user", content="Add\n\n2, 2"),), chosen="4", rejected="5"
    )


def test_earlier_answers_are_only_read_and_the_system_prompt_goes_first() -> None:
    row = {"prompt": [USER, said("Hello"), USER], "chosen": "a", "rejected": "b"}
    roles = [(message.role, message.weight) for message in read_pair(row, "Be kind.").prompt]
    assert roles == [("system", 1), ("user", 1), ("assistant", 0), ("user", 1)]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            {"chosen": "a", "rejected": "b"},
            r"^prompt: found no such field, and no messages before the answers.*Add the field",
        ),
        ({"prompt": "Hi", "chosen": "a"}, r"^rejected: found no such field among prompt, chosen"),
        ({"prompt": "Hi", "chosen": " ", "rejected": "b"}, r"^chosen: found an empty text"),
        (
            {"prompt": "Hi", "chosen": "a", "rejected": [said(" ")]},
            r"^: found a prompt of user \(the rejected answer is empty\)",
        ),
        (
            {"prompt": "Hi", "chosen": [], "rejected": "b"},
            r"^chosen: found no messages, expected messages that end with",
        ),
        ({"prompt": "Hi", "chosen": [USER], "rejected": "b"}, r"^chosen: found user, expected messages that end with"),
        (
            {"prompt": "Hi", "chosen": said("") | {"tool_calls": [{"name": "f", "arguments": {}}]}, "rejected": "b"},
            r"^chosen: found assistant, the last with calls of tools",
        ),
        (
            {"chosen": [USER, said("a")], "rejected": [said("x"), said("b")]},
            r"^rejected: found other messages before the answer than chosen has, expected one prompt",
        ),
        (
            {"prompt": "Bye", "chosen": [USER, said("a")], "rejected": [USER, said("b")]},
            r"^chosen: found messages before the answer that are not the prompt, expected one answer",
        ),
        (
            {"prompt": [USER, said("a")], "chosen": "a", "rejected": "b"},
            r"^: .*the prompt must end with the user's message",
        ),
        (
            {"prompt": [3], "chosen": "a", "rejected": "b"},
            r"^prompt\[0\]: found the number 3, expected an object with role",
        ),
        ({"conversations": [3], "chosen": "a", "rejected": "b"}, r"^conversations\[0\]: found the number 3"),
        (
            {"input": "Hi", "preferred_output": [said("a")], "non_preferred_output": [said("b")]},
            r"^input: found 'Hi', expected an object with messages",
        ),
        (
            {"input": {}, "preferred_output": [said("a")], "non_preferred_output": [said("b")]},
            r"^input\.messages: found null, expected a list of messages",
        ),
    ],
)
def test_a_row_that_is_no_pair_is_refused_with_its_field(row: dict[str, object], message: str) -> None:
    with pytest.raises(RefusedError, match=message):
        read_pair(row, None)


@pytest.mark.parametrize("name", ["dpo_en_demo.json", "dpo_zh_demo.json"])
def test_all_rows_of_the_demo_files_of_llamafactory_are_pairs(name: str) -> None:
    path = public_file(f"dirty/llamafactory_demo/{name}")
    read = read_rows(str(path), DataRecipe(path=str(path)), None)
    assert (read.source.form, read.source.warnings) == ("preference", ())
    assert sum(isinstance(example.body, PreferencePair) for example in read.examples) == 300
