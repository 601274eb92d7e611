"""A query of one table, taken apart: what is selected, and under which conditions that all have to hold.

This is the form of WikiSQL (Zhong et al. 2017, arXiv:1709.00103): `SELECT max(a) FROM t WHERE b = 'x' AND c > 3`.
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Literal = str | Decimal
"""A text, case-folded, or a number."""

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
    "<>": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ONE_SPELLING = {"==": "=", "<>": "!="}
AGGREGATES = ("count", "min", "max", "sum", "avg")


@dataclass(frozen=True, slots=True)
class Condition:
    """A comparison of a column, by its case-folded name, with a literal."""

    column: str
    operator: str
    value: Literal


@dataclass(frozen=True, slots=True)
class SimpleQuery:
    """Two queries are equal when they ask for the same, however they are spelled."""

    aggregate: str | None
    column: str
    """`*` where rows are counted."""
    table: str
    conditions: frozenset[Condition]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those that the table must have, sorted."""
        return tuple(sorted({self.column, *(each.column for each in self.conditions)} - {"*"}))

    @property
    def sql(self) -> str:
        """The query with every name in quotes, so that a column may be called `order` or `2nd`."""
        selected = "*" if self.column == "*" else quoted(self.column)
        selected = f"{self.aggregate}({selected})" if self.aggregate else selected
        found = sorted(f"{quoted(each.column)} {each.operator} {_spelled(each.value)}" for each in self.conditions)
        where = f" WHERE {' AND '.join(found)}" if found else ""
        return f"SELECT {selected} FROM {quoted(self.table)}{where}"  # noqa: S608  (quoted)


_NAME = r'(?:\w+|"[^"]+"|`[^`]+`|\[[^\]]+\])'
_QUERY = re.compile(
    rf"SELECT\s+(?:(?P<aggregate>{'|'.join(AGGREGATES)})\s*\(\s*(?P<inside>{_NAME}|\*)\s*\)|(?P<column>{_NAME}))"
    rf"\s+FROM\s+(?P<table>{_NAME})(?:\s+WHERE\s+(?P<conditions>.*))?",
    re.IGNORECASE | re.DOTALL,
)
_VALUE = r"""'(?:[^']|'')*'|"[^"]*"|[-+]?(?:\d+(?:\.\d*)?|\.\d+)"""
_CONDITION = re.compile(rf"\s*(?P<column>{_NAME})\s*(?P<operator><=|>=|<>|!=|==|=|<|>)\s*(?P<value>{_VALUE})\s*")
_AND = re.compile(r"AND\b", re.IGNORECASE)


def read_simple_query(text: str) -> SimpleQuery | None:
    """Take a query apart; None where it is of another form.

    >>> query = read_simple_query("select Team from t where Wins > 3 and car = 'Audi'")
    >>> query == read_simple_query('SELECT team FROM t WHERE car="AUDI" AND wins > 3.0;')
    True
    """
    match = _QUERY.fullmatch(text.strip().removesuffix(";").rstrip())
    if match is None:
        return None
    conditions = _conditions(match["conditions"])
    aggregate = match["aggregate"]
    column = _name(match["inside"] or match["column"])
    if conditions is None or (column == "*" and (aggregate or "").lower() != "count"):
        return None
    return SimpleQuery(aggregate and aggregate.lower(), column, _name(match["table"]), conditions)


def quoted(name: str) -> str:
    """A name as SQL always takes it."""
    return '"' + name.replace('"', '""') + '"'


def _spelled(value: Literal) -> str:
    return str(value) if isinstance(value, Decimal) else "'" + value.replace("'", "''") + "'"


def _conditions(text: str | None) -> frozenset[Condition] | None:
    found: set[Condition] = set()
    place = 0
    while text is not None:
        match = _CONDITION.match(text, place)
        if match is None:
            return None
        spelled = _ONE_SPELLING.get(match["operator"], match["operator"])
        found.add(Condition(_name(match["column"]), spelled, _literal(match["value"])))
        if match.end() == len(text):
            break
        following = _AND.match(text, match.end())
        if following is None:
            return None
        place = following.end()
    return frozenset(found)


def _name(text: str) -> str:
    return (text[1:-1] if text[0] in '"`[' else text).casefold()


def _literal(text: str) -> Literal:
    if text[0] == "'":
        return text[1:-1].replace("''", "'").casefold()
    return text[1:-1].casefold() if text[0] == '"' else Decimal(text)
