"""The strict-format table: only answers that leave the format are written again, whatever arm they come from."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from store_samples import RECIPE_ID, new_store, run_record
from study_parts import KeywordIndex, Scripted, passage, row

from tunewright.actions.study_formats import measure_formats, read_answer_schema
from tunewright.contracts import Advance, SilentProgress
from tunewright.errors import RecipeError
from tunewright.evaluate import ArmScores, judge
from tunewright.evaluate import test_items as items_of
from tunewright.evaluate.formats import format_scorers, json_style
from tunewright.records import (
    Answer,
    Conversation,
    EvaluateRecipe,
    Example,
    FormatScores,
    Message,
    Provenance,
    ToolCall,
)
from tunewright.study.answers import AnswerLog
from tunewright.study.arms import Prompted, Retrieval, ZeroShot
from tunewright.study.bench import Bench
from tunewright.study.options import Option
from tunewright.study.strict_formats import Constraint, FormatTest

RIGHT = [json.dumps({"kind": "bug" if number % 2 else "wish", "urgent": number % 3 == 0}) for number in range(12)]
ROWS = [row(f"ticket {number} of many", answer, number) for number, answer in enumerate(RIGHT, start=1)]


class Sloppy(Scripted):
    """Answers every third row with half a JSON object, cut by its length, every fourth with a sentence."""

    def __init__(self) -> None:
        super().__init__(self._reply)

    def answer(self, prompts: Sequence[Sequence[Message]], advance: Advance) -> list[Answer]:
        answers = super().answer(prompts, advance)
        return [
            answer.model_copy(update={"finish": "length"}) if (answer.text or "").endswith(":") else answer
            for answer in answers
        ]

    def _reply(self, question: str) -> str:
        number = int(question.split("ticket ")[1].split()[0])
        if number % 3 == 0:
            return '{"kind":'
        return "No idea." if number % 4 == 0 else RIGHT[number - 1]


class Strict(Scripted):
    """The same model under constraint."""

    def __init__(self) -> None:
        super().__init__(lambda question: json.dumps({"kind": "bug", "urgent": True}))


def format_test(folder: Path, constraint: Constraint | None) -> FormatTest:
    run = new_store(folder).create_run(RECIPE_ID, run_record)
    bench = Bench(
        validation=(),
        test=items_of(ROWS, None),
        metrics=("json_fields",),
        headline="json_fields",
        settings=EvaluateRecipe(num_resamples=100),
        log=AnswerLog(run),
        decoding="d",
        progress=SilentProgress(),
    )
    return FormatTest(bench, format_scorers(RIGHT), constraint)


def values(found: FormatScores) -> dict[str, float]:
    return {result.metric: result.estimate.value for result in found.results if result.estimate}


def answered(test: FormatTest, option: Option) -> ArmScores:
    return judge(option.arm, None, test.bench.test, test.bench.metrics, SilentProgress(), "arm")


def options() -> list[Option]:
    zero_shot = ZeroShot(Sloppy(), "model", lambda _: True)
    prompted = Prompted(zero_shot, "Answer in JSON.")
    index = KeywordIndex([passage("a note of many")])
    return [
        Option("plain", zero_shot),
        Option("prompted", prompted, system_prompt="Answer in JSON."),
        Option("retrieval", Retrieval(prompted, index, 1), num_passages=1),
    ]


@pytest.mark.parametrize("option", options(), ids=lambda option: option.setting)
def test_only_answers_that_leave_the_format_are_written_again(option: Option, tmp_path: Path) -> None:
    strict = Strict()
    constraint = Constraint("schema", lambda text: text in RIGHT, lambda model: strict)
    test = format_test(tmp_path, constraint)
    free, constrained = test.measure(answered(test, option), option, is_local=True)
    # Of twelve rows, 3 6 9 12 are cut and 4 8 are no JSON.
    assert (free.is_constrained, free.num_truncated, free.num_answers, free.num_written_again) == (False, 4, 12, 0)
    assert values(free) == pytest.approx({"json_valid": 0.5, "schema_valid": 0.5, "json_fields": 0.5})
    assert (constrained.is_constrained, constrained.num_truncated, constrained.num_written_again) == (True, 0, 6)
    assert values(constrained)["schema_valid"] == 1.0
    assert len(strict.asked) == 6
    assert {asked[-1].content.split("ticket ")[1].split()[0] for asked in strict.asked} == {
        "3",
        "4",
        "6",
        "8",
        "9",
        "12",
    }
    if option.system_prompt:
        assert all(asked[0].content == "Answer in JSON." for asked in strict.asked)
    if option.num_passages:
        assert all("[1]" in asked[-1].content for asked in strict.asked)


def test_answers_under_constraint_are_kept_apart_from_free_ones(tmp_path: Path) -> None:
    option, strict = options()[0], Strict()
    test = format_test(tmp_path, Constraint("schema", lambda text: text in RIGHT, lambda model: strict))
    scores = answered(test, option)
    first = test.measure(scores, option, is_local=True)
    assert test.measure(scores, option, is_local=True) == first
    assert strict.num_calls == 1
    other = FormatTest(
        test.bench, test.scorers, Constraint("another", lambda text: text in RIGHT, lambda model: strict)
    )
    other.measure(scores, option, is_local=True)
    assert strict.num_calls == 2


def test_hosted_arms_and_formats_without_a_constraint_are_measured_as_they_are(tmp_path: Path) -> None:
    option = options()[0]
    test = format_test(tmp_path, Constraint("schema", lambda text: text in RIGHT, lambda model: Strict()))
    assert len(test.measure(answered(test, option), option, is_local=False)) == 1
    test = FormatTest(test.bench, test.scorers, None)
    assert len(test.measure(answered(test, option), option, is_local=True)) == 1


def test_the_style_of_json_is_that_of_most_answers() -> None:
    assert json_style(['{"a": 1, "b": [1, 2]}', '{"a":1}']) == (", ", ": ")
    assert json_style(['{"a":1,"b":2}', '{"a":"caf\u00e9","b":2}', '{"a": 1, "b": 2}']) == (",", ":")
    assert json_style([]) == json_style(['{\n "a": 1\n}']) == (", ", ": ")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (None, "found no such file, expected a readable JSON file"),
        ("{", "found JSONDecodeError, expected a readable JSON file"),
        ("[]", "found a list, expected a JSON object"),
        ('{"type": "nothing"}', "is not valid under any of the given schemas"),
    ],
)
def test_a_file_that_holds_no_schema_is_refused(content: Any, found: str, tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(RecipeError, match=found):
        read_answer_schema(str(path))


def test_a_schema_is_read_with_or_without_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "schema.json"
    path.write_text('\ufeff{"type": "object"}', encoding="utf-8")
    assert read_answer_schema(str(path)) == {"type": "object"}


def test_answers_in_sql_are_measured_without_a_schema_and_without_constraint(tmp_path: Path) -> None:
    rows = tuple(row(f"question {n}", f"SELECT name FROM t WHERE age > {n}", n + 1) for n in range(30))
    data = SimpleNamespace(rows=lambda _: rows)
    preparation: Any = SimpleNamespace(data=data)
    run = new_store(tmp_path).create_run(RECIPE_ID, run_record)
    found = measure_formats(run, preparation, format_test(tmp_path / "bench", None).bench, ())
    assert found is not None
    assert (found.json_schema, found.is_inferred, found.note) == (None, False, "Only JSON answers can be constrained.")
    assert [metric.name for metric in found.metrics] == ["code_parses"]


def calling_row(number: int) -> Example:
    call = ToolCall(id="c", name="close", arguments=f'{{"ticket": {number}}}')
    messages = (
        Message(role="user", content=f"close ticket {number} now"),
        Message(role="assistant", content="", tool_calls=(call,)),
    )
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="calls.jsonl", row=number))


@pytest.mark.parametrize("num_json", [12, 0])
@pytest.mark.parametrize(("num_calls", "told"), [(1, "1 test input is left out"), (3, "3 test inputs are left out")])
def test_right_calls_of_functions_are_no_answers_out_of_format(
    num_json: int, num_calls: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "llguidance", None)
    test_rows = (*ROWS[:num_json], *map(calling_row, range(num_calls)))
    items = items_of(test_rows, None)
    bench = replace(format_test(tmp_path / "bench", None).bench, test=items)
    right = {item.example.id: Answer(text=item.references[0], finish="length") for item in items}
    arm: Any = SimpleNamespace(
        scores=ArmScores(arm="a", scores=(), answers=right),
        option=options()[0],
        described=SimpleNamespace(facts=SimpleNamespace(kind="zero_shot")),
    )
    training = (*ROWS, *map(calling_row, range(4, 30)))
    preparation: Any = SimpleNamespace(data=SimpleNamespace(rows=lambda _: training), renderer=None)
    found = measure_formats(new_store(tmp_path).create_run(RECIPE_ID, run_record), preparation, bench, [arm])
    assert found is not None
    assert found.note is not None
    assert f"{told}, since a right answer calls functions." in found.note
    assert len(found.arms) == bool(num_json)
    for scores in found.arms:
        assert (scores.num_answers, scores.num_truncated) == (12, 12)
        assert values(scores) == {"json_valid": 1.0, "schema_valid": 1.0, "json_fields": 1.0}
