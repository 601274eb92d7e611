"""JSON and code in answers: the shape of the others, and what does not parse."""

import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from checked_rows import conversations, plain_texts

from tunewright.data import read_rows
from tunewright.data.checks.check import Check, RowSet, checked_row
from tunewright.data.checks.code_blocks import MAX_CODE_CHARACTERS, CodeBlock, fenced_blocks, parse_problem
from tunewright.data.checks.formats import CODE_DOES_NOT_PARSE, INVALID_JSON, JSON_DRIFT
from tunewright.data.checks.json_shape import JsonShape
from tunewright.records import CheckRecipe, DataRecipe, Finding

TICKETS = Path(__file__).parents[2] / "src" / "tunewright" / "bundled" / "demo" / "tickets.jsonl"
Filing = dict[str, object]


def find(check: Check, rows: RowSet) -> list[Finding]:
    return sorted(check.find(rows, CheckRecipe()), key=lambda finding: -finding.score)


def filing(number: int) -> Filing:
    return {
        "severity": ("S1", "S2", "S3")[number % 3],
        "order": f"A-{number}" if number % 2 else None,
        "lamp": {"watts": number, "colours": ["red", "blue"]},
    }


def answers_with(odd: object, num_rows: int = 100) -> RowSet:
    """Rows whose answers are filings, with an odd answer (JSON value, or text as it is) as the first row."""
    first = odd if isinstance(odd, str) else json.dumps(odd)
    answers = [first, *(json.dumps(filing(number)) for number in range(1, num_rows))]
    return conversations((f"ticket {number}", answer) for number, answer in enumerate(answers))


def reordered(filed: Filing) -> Filing:
    return dict(reversed(filed.items()))


@pytest.mark.parametrize(
    ("change", "explanation"),
    [
        (lambda filed: filed.pop("order"), "`order` is missing"),
        (lambda filed: filed["lamp"].pop("watts"), "`lamp.watts` is missing"),
        (lambda filed: filed.update(note="!"), "`note` is a key that hardly any other has"),
        (lambda filed: filed["lamp"].update(volts=12), "`lamp.volts` is a key that hardly any other has"),
        (lambda filed: filed.update(severity=1), "`severity` is a number, not a text"),
        (lambda filed: filed.update(order=True), "`order` is true or false, not a text or null"),
        (lambda filed: filed["lamp"].update(watts="12"), "`lamp.watts` is a text, not a number"),
        (lambda filed: filed["lamp"].update(colours="red"), "`lamp.colours` is a text, not a list"),
        (lambda filed: filed["lamp"]["colours"].append(3), "`lamp.colours[]` is a number, not a text"),
        (lambda filed: filed.update(severity="s1"), '`severity` is "s1", not one of "S1", "S2", "S3"'),
        (
            lambda filed: filed["lamp"].update(colours=["green"]),
            '`lamp.colours[]` is "green", not one of "blue", "red"',
        ),
    ],
)
def test_a_row_that_breaks_the_shape_is_found_alone_and_in_words(
    change: Callable[[Filing], object], explanation: str
) -> None:
    odd = filing(0)
    change(odd)
    (finding,) = find(JSON_DRIFT, answers_with(odd))
    assert finding.explanation == f"The answer differs from the others: {explanation}."
    assert finding.locations == ("rows:1",)
    assert finding.evidence == (json.dumps(odd),)


def test_another_order_of_keys_is_odd_where_the_order_is_constant() -> None:
    (finding,) = find(JSON_DRIFT, answers_with(reordered(filing(0))))
    assert finding.explanation.endswith("the keys of the answer are not in the order severity, order, lamp.")
    mixed = [filing(number) if number % 10 else reordered(filing(number)) for number in range(100)]
    assert find(JSON_DRIFT, conversations((str(n), json.dumps(filed)) for n, filed in enumerate(mixed))) == []


def test_an_array_among_objects_is_odd() -> None:
    (finding,) = find(JSON_DRIFT, answers_with([1]))
    assert finding.explanation.endswith("the answer is a list, not an object.")


def test_rows_with_more_deviations_come_first_and_only_three_are_spelt_out() -> None:
    answers = [filing(number) for number in range(200)]
    answers[7] = {"a": 1, "b": 2, "lamp": {"watts": 1, "colours": []}}
    answers[3]["note"] = "!"
    found = find(JSON_DRIFT, conversations((str(n), json.dumps(filed)) for n, filed in enumerate(answers)))
    assert [finding.locations[0] for finding in found] == ["rows:8", "rows:4"]
    assert found[0].explanation.endswith("; and 1 more.")


@pytest.mark.parametrize(
    "values",
    [
        [{"a": 1}, {"a": 1, "b": 2}] * 20,
        [{"a": number if number % 10 else None} for number in range(100)],
        [{f"name {number}": number} for number in range(100)],
        [{"a": f"free text {number}"} for number in range(100)],
        [{"a": "x" * number} for number in range(100)],
        [{"a": 1}, {"a": "1"}, {"b": []}],
        [],
    ],
    ids=["optional key", "null now and then", "free keys", "free texts", "long texts", "few rows", "none"],
)
def test_variety_is_no_deviation(values: list[object]) -> None:
    shape = JsonShape(values)
    assert [shape.deviations(value) for value in values] == [[]] * len(values)


def test_two_odd_rows_in_a_hundred_are_odd_and_six_are_not() -> None:
    for num_odd, num_found in ((2, 2), (5, 5), (6, 0)):
        values = [{"a": number} if number >= num_odd else {"b": number} for number in range(100)]
        shape = JsonShape(values)
        assert sum(bool(shape.deviations(value)) for value in values) == num_found


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ('{"severity": "S1"', "the end of the text at character 18, where the rest of the row is expected"),
        ("Sure! Here you are: {}", "'Sure! Here you are: {}' at character 1"),
        ('{"a": 1, "a": 2}', "the key 'a' twice in one object, where each key once is expected"),
        ("S1", "'S1' at character 1, where a JSON value is expected"),
    ],
)
def test_an_answer_that_is_not_json_among_json_is_named_with_the_reason(answer: str, why: str) -> None:
    rows = answers_with(answer)
    (finding,) = find(INVALID_JSON, rows)
    assert finding.explanation.startswith("Nearly all answers are JSON, but this one is not: ")
    assert why in finding.explanation
    assert finding.evidence == (answer,)
    assert find(JSON_DRIFT, rows) == []


def test_answers_that_are_not_json_are_not_asked_to_be() -> None:
    rows = conversations((f"ticket {number}", f"We are sorry about {number}.") for number in range(30))
    assert find(INVALID_JSON, rows) == find(JSON_DRIFT, rows) == find(CODE_DOES_NOT_PARSE, rows) == []


def test_the_bundled_tickets_raise_no_alarm() -> None:
    read = read_rows(str(TICKETS), DataRecipe(path=str(TICKETS)), None)
    rows = tuple(checked_row(example) for example in read.examples)
    for check in (INVALID_JSON, JSON_DRIFT, CODE_DOES_NOT_PARSE):
        assert find(check, rows) == []


def test_fenced_code_of_a_known_language_is_read_and_the_rest_is_not() -> None:
    answer = "\n".join(
        [
            "First:\n```python\nx = 1\n```\nthen ```inline``` and\n```\nno language\n```",
            "  ```SQL title=a\n  select 1\n  ```",
            "````py\n```\nquoted\n```\n````",
            "```python\n>>> 1 + 1\n```\n```bash\nls (\n```",
            "```json\n{}\n```\n```python\nnever closed",
        ]
    )
    assert list(fenced_blocks(answer)) == [
        CodeBlock("python", "x = 1"),
        CodeBlock("sql", "select 1"),
        CodeBlock("python", "```\nquoted\n```"),
        CodeBlock("json", "{}"),
    ]


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        (CodeBlock("python", "async def f():\n    return {**{}, 'a': r'\\d'}"), None),
        (CodeBlock("python", "print '\\d'"), "Missing parentheses in call to 'print'"),
        (CodeBlock("python", "def f(:\n    pass"), "invalid syntax, line 1"),
        (CodeBlock("python", "x = 1\ny = (2"), "'(' was never closed, line 2"),
        (CodeBlock("python", "x = 1\ny = '\0'"), "null bytes, line 2"),
        (CodeBlock("python", "x = '\ud800'"), "holds characters that no program has"),
        (CodeBlock("python", "-" * 40_000 + "1"), "it is nested too deeply"),
        (CodeBlock("python", "1" + "+1" * 20_000), "it is nested too deeply"),
        (CodeBlock("python", "(" * 40_000), "too many nested parentheses"),
        (CodeBlock("python", "(" * (MAX_CODE_CHARACTERS + 1)), None),
        (CodeBlock("json", "[1, 2.5, null]"), None),
        (CodeBlock("json", '{"a": 1,}'), "line 1"),
        (CodeBlock("json", "9" * 5000), "a number that is too long"),
        (CodeBlock("json", "[" * 20_000), "it is nested too deeply"),
    ],
)
def test_python_and_json_either_parse_or_say_why_not(block: CodeBlock, problem: str | None) -> None:
    found = parse_problem(block)
    assert found is None if problem is None else problem in str(found)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("SELECT COUNT(*) FROM t WHERE a = 'x' GROUP BY b;", None),
        ("INSERT INTO t VALUES (1); UPDATE t SET a = 2", None),
        ("select `a` from `t` where b = 'it\\'s'", None),
        ("SELECT TOP 5 * FROM [dbo].[t]", None),
        ("select top 10 id, name from t", None),
        ("DO $$ BEGIN RAISE NOTICE 'x'; END $$;", None),
        ("GRANT SELECT ON t TO someone", None),
        ("SELECT COUNT alias.a FROM t", "the part that starts at “.” does not fit, line 1"),
        ("SELECT a FROM t\nWHERE b = (1", "does not fit, line 2"),
        ("SELECT 'a FROM t", "a quote or comment is not closed"),
        ("not found", "it is not a statement"),
        ("SELECT " + "(" * 20_000, "it is nested too deeply"),
    ],
)
def test_sql_either_parses_in_some_dialect_or_says_why_not(
    text: str, problem: str | None, capfd: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sqlglot")
    found = parse_problem(CodeBlock("sql", text))
    assert found is None if problem is None else problem in str(found)
    assert capfd.readouterr().err == ""
    assert not logging.getLogger("sqlglot").disabled


def test_broken_code_in_an_answer_is_shown_with_its_language() -> None:
    rows = conversations(
        [("a", "Use this:\n```python\nfor x in y\n    f(x)\n```"), ("b", "```python\nf(x)\n```"), ("c", "No code.")]
    )
    (finding,) = find(CODE_DOES_NOT_PARSE, rows)
    assert finding.explanation == "The Python in the answer does not parse: expected ':', line 1."
    assert finding.evidence == ("for x in y\n    f(x)",)
    assert finding.locations == ("rows:1",)


def test_prose_among_answers_that_are_code_does_not_parse() -> None:
    answers = [*(f"def f{number}(x):\n    return {number}" for number in range(40)), "I would write a loop."]
    (finding,) = find(CODE_DOES_NOT_PARSE, conversations((str(n), answer) for n, answer in enumerate(answers)))
    assert finding.locations == ("rows:41",)


def test_code_in_plain_texts_is_left_alone() -> None:
    assert find(CODE_DOES_NOT_PARSE, plain_texts(["```python\nfor\n```"])) == []


def test_without_sqlglot_sql_is_not_checked_and_the_check_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sqlglot", None)
    broken = "```sql\nselect from from\n```"
    rows = conversations([("a", broken), ("b", broken), ("c", f"{broken}\n```python\nfor\n```")])
    first, second = find(CODE_DOES_NOT_PARSE, rows)
    assert first.explanation == (
        "This row and 2 others hold SQL that was not checked, because sqlglot is not installed: pip install sqlglot."
    )
    assert second.explanation.startswith("The Python in the answer does not parse")
