"""Of queries of WikiSQL that are changed in one part, none selects what it did (docs/how-it-works.md)."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from public_files import public_file
from real_study_rows import write_wikisql

from tunewright.evaluate.sql_query import AGGREGATES, Literal, SimpleQuery, read_simple_query
from tunewright.evaluate.sql_tables import can_be_executed, gives_same_result


def changed(query: SimpleQuery) -> Iterator[tuple[str, str]]:
    """A name and the text of every query that differs in one part."""
    for condition in query.conditions:
        others = query.conditions - {condition}
        yield "condition left out", replace(query, conditions=others).sql
        for literal in other_literals(condition.value):
            yield "literal", replace(query, conditions=others | {replace(condition, value=literal)}).sql
        for operator in {"=", "<", ">"} - {condition.operator}:
            yield "comparison", replace(query, conditions=others | {replace(condition, operator=operator)}).sql
    for aggregate in {*AGGREGATES, None} - {query.aggregate}:
        if query.column != "*":
            yield "aggregate", replace(query, aggregate=aggregate).sql
    if query.aggregate not in ("min", "max") and query.column != "*":
        head = f"{query.aggregate}(" if query.aggregate else "SELECT "
        yield "distinct", query.sql.replace(head, f"{head}DISTINCT ", 1)


def other_literals(literal: Literal) -> list[Literal]:
    """Near and far, at as many decimals and at one more."""
    if isinstance(literal, Decimal):
        return [literal + Decimal(step) for step in ("-40", "-1", "-0.5", "-0.1", "0.1", "0.5", "1", "40")]
    return [f"{literal}x", literal[:-1], f"a{literal}"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_query_that_is_changed_in_one_part_selects_something_else(tmp_path: Path) -> None:
    write_wikisql(public_file("datasets"), tmp_path)
    lines = (tmp_path / "train.jsonl").read_text(encoding="utf-8").splitlines()
    asked, same = Counter[str](), Counter[str]()
    for line in lines:
        text = json.loads(line)["completion"]
        query = read_simple_query(text)
        assert query is not None
        assert can_be_executed(text)
        for part, other in changed(query):
            asked[part] += 1
            same[part] += gives_same_result(other, text)
    assert same.total() == 0, same
    assert asked.total() == 17_839, asked
