"""A run that was tuned behind a system prompt is asked behind it, too, unless somebody says otherwise."""

import json
import re

import pytest
from listening import Listening
from small_job import FEW, small_recipe, write_long_texts, write_rows
from tiny_base import write_tiny_base

from tunewright.actions import chat, evaluate, tune
from tunewright.records import DataRecipe, EvaluateRecipe, read_recipe

PROMPT = "Name the colour."
SETTINGS = EvaluateRecipe(metrics=("loss",), num_resamples=100)


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    folder = tmp_path_factory.mktemp("job")
    base, rows = write_tiny_base(folder / "base"), write_rows(folder / "rows.jsonl")
    tune(small_recipe(rows, base, *FEW, f"data.system_prompt={PROMPT}"), home=folder / "home")
    return folder


def measured(job, model, rows, **data):
    """How long the prompts of the rows were, in tokens, and what was said of a system prompt."""
    listening = Listening()
    report = evaluate(model, DataRecipe(path=str(rows), **data), SETTINGS, home=job / "home", progress=listening)
    return sorted(report.data.prompt_tokens), [line for line in listening.lines if "stands before rows" in line]


def test_rows_without_a_system_message_get_the_one_of_the_run(job):
    lengths, (told,) = measured(job, "last", job / "rows.jsonl")
    assert lengths == measured(job, str(job / "base"), job / "rows.jsonl", system_prompt=PROMPT)[0]
    advised = re.search(r'--set "(.*)" leaves it out\): \'Name the colour\.\'$', told)[1]
    assert read_recipe({"data": {"path": "rows.jsonl"}}, None, (advised,)).data.system_prompt == ""


@pytest.mark.parametrize("given", ["", "Say what it is."])
def test_what_is_given_stands_there_instead_and_may_be_nothing(job, given):
    expected = measured(job, str(job / "base"), job / "rows.jsonl", system_prompt=given or None)
    assert measured(job, "last", job / "rows.jsonl", system_prompt=given) == (expected[0], [])


def test_rows_that_have_one_and_plain_texts_stay_as_they_are(job, tmp_path):
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "What colour?"}]
    row = {"messages": [*messages, {"role": "assistant", "content": "red"}]}
    (tmp_path / "own.jsonl").write_text(f"{json.dumps(row)}\n" * 2, encoding="utf-8")
    for rows in (tmp_path / "own.jsonl", write_long_texts(tmp_path / "texts.jsonl", num_rows=3)):
        assert measured(job, "last", rows) == measured(job, str(job / "base"), rows)


def test_a_conversation_begins_with_it(job):
    listening = Listening()
    talk = chat("last", home=job / "home", progress=listening)
    assert talk.system_prompt == PROMPT
    assert listening.lines[0].endswith("(--system '' leaves it out): 'Name the colour.'")
    assert chat("last", system_prompt="", home=job / "home").system_prompt == ""
    with_it = talk.say("What is the colour of place 4?", lambda _: None)
    without = chat("last", system_prompt="", home=job / "home").say("What is the colour of place 4?", lambda _: None)
    assert with_it.num_prompt_tokens > without.num_prompt_tokens
