"""Queries executed on small tables that are made for the reference, in which every one of its conditions matters.

Answers of a model are run here, so SQLite is given a database in memory with nothing in it but the table, may only
read that table and call a few plain functions, and is stopped after so many steps.

A table has the columns of the reference. Some rows meet all of its conditions, some miss exactly one (a threshold by
the threshold itself), and some are arbitrary, so that a query with another condition, aggregate or column gives another
result. An answer that names a column which the reference does not have fails.

Further tables have two rows, right on the two sides of a threshold, so that another threshold gives another result.
Numbers are as fine there as in the two queries: `> 4` and `>= 5` are the same, but not `> 4` and `>= 4.5`.
"""

import random
import re
import sqlite3
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

from tunewright.evaluate.sql_query import (
    AGGREGATES,
    OPERATORS,
    Condition,
    Literal,
    SimpleQuery,
    quoted,
    read_simple_query,
)

NUM_TABLES = 5
"""A wrong query must give the right result on all of them by chance to count as right."""
NUM_MATCHING, NUM_MISSING_ONE, NUM_ARBITRARY = 3, 2, 4
"""Rows that meet all conditions, that miss each one of them, and that are arbitrary; the last two are even."""
MAX_STEPS = 200_000
"""Of SQLite's virtual machine: some milliseconds; a query of such a table takes a few hundred."""
MAX_RESULT_ROWS = 1000
MAX_BYTES = 100_000
"""Of a query, and of any value that it makes."""
MAX_DECIMALS = 9
"""Of values beside a threshold; results are compared by as many digits."""
_DECIMALS = re.compile(r"\.(\d+)")

Row = tuple[Literal, ...]
Result = Counter[tuple[object, ...]]


def gives_same_result(answer: str, reference: str) -> bool:
    """Whether two queries, executed, give the same rows; their order does not count, nor the case of texts."""
    query, given = read_simple_query(reference), read_simple_query(answer)
    assert query is not None, "only such references are scored"
    text = given.sql if given else _folded(answer)
    tables = [*(_table(query, seed) for seed in range(NUM_TABLES)), *_threshold_tables(query, _num_decimals(answer))]
    return all(_run(rows, query, text) == _wanted(query, rows) for rows in tables)


def can_be_executed(reference: str) -> bool:
    """Whether a text is a query of one table that can be made: SQLite keeps some names and sizes for itself."""
    query = read_simple_query(reference)
    return query is not None and _wanted(query, _table(query, 0)) is not None


@lru_cache(maxsize=4096)
def _wanted(query: SimpleQuery, rows: Sequence[Row]) -> Result | None:
    return _run(rows, query, query.sql)


def _folded(answer: str) -> str:
    """Letters beyond ASCII as the table has them: SQLite ignores the case of the others only."""
    return "".join(character if character.isascii() else character.casefold() for character in answer)


# The table


@lru_cache(maxsize=4096)
def _table(query: SimpleQuery, seed: int) -> tuple[Row, ...]:
    chance = random.Random(f"sql table {seed} {query.columns} {query.table}")  # noqa: S311  (variety, not secrecy)
    by_column = {name: [each for each in _in_order(query) if each.column == name] for name in query.columns}
    pools = {name: _pool(conditions) for name, conditions in by_column.items()}
    missed: list[Condition | None] = [None] * NUM_MATCHING
    missed += [condition for condition in _in_order(query) for _ in range(NUM_MISSING_ONE)]
    num_rows = len(missed) + NUM_ARBITRARY
    has_twins = seed % 2 == 1
    free = {name: _free_values(chance, num_rows, _is_number(query, name), has_twins) for name in query.columns}

    def draw(row: int, name: str) -> Literal:
        if not by_column[name]:
            return free[name][row]
        if row >= len(missed):
            return chance.choice(pools[name])
        fitting = _fitting(pools[name], by_column[name], missed[row])
        return fitting[(seed + row) % len(fitting)]  # in turns: every near miss is in some table

    rows = [tuple(draw(row, name) for name in query.columns) for row in range(num_rows)]
    chance.shuffle(rows)
    return tuple(rows)


def _in_order(query: SimpleQuery) -> list[Condition]:
    return sorted(query.conditions, key=lambda each: (each.column, each.operator, str(each.value)))


def _is_number(query: SimpleQuery, name: str) -> bool:
    literals = [each.value for each in query.conditions if each.column == name]
    is_computed = name == query.column and query.aggregate not in (None, "count")
    return all(isinstance(value, Decimal) for value in literals) if literals else is_computed


def _pool(conditions: Sequence[Condition]) -> list[Literal]:
    """Values at, below and above every literal, and between them; texts that are like it and unlike it."""
    values = [each.value for each in conditions]
    if all(isinstance(value, Decimal) for value in values):
        numbers = sorted({value for value in values if isinstance(value, Decimal)})
        steps = [Decimal(step) for step in ("-10", "-1", "0", "1", "7")]
        between = [(low + high) / 2 for low, high in pairwise(numbers)]
        return list(dict.fromkeys([*(number + step for number in numbers for step in steps), *between]))
    texts = [str(value) for value in values]
    return list(dict.fromkeys(each for text in texts for each in (text, f"{text}0", f"0{text}", f"not {text}", "zzz")))


def _fitting(pool: Sequence[Literal], conditions: Sequence[Condition], missed: Condition | None) -> Sequence[Literal]:
    """Values that meet all conditions but the missed one; those that at least miss it where there are none."""
    exact = [value for value in pool if all(_holds(each, value) == (each != missed) for each in conditions)]
    return exact or [value for value in pool if missed and not _holds(missed, value)] or pool


def _holds(condition: Condition, value: Literal) -> bool:
    # A column that is compared with texts holds texts, and SQLite turns a number beside it into one.
    return OPERATORS[condition.operator](value, condition.value if isinstance(value, Decimal) else str(condition.value))


def _free_values(chance: random.Random, num: int, is_number: bool, has_twins: bool) -> list[Literal]:
    """So many different values, of a column without a condition; of twins two rows that meet all conditions have one.

    Of the two rows that miss a condition one lies above all rows that meet them all and one below, for max and min.
    """
    numbers = sorted(chance.sample(range(10, 1000), num))
    num_below = (num - NUM_MATCHING) // 2
    below, above = numbers[:num_below], numbers[num_below + NUM_MATCHING :]
    chance.shuffle(below)
    chance.shuffle(above)
    sides = [number for pair in zip(below, above, strict=True) for number in pair]
    matching = numbers[num_below : num_below + NUM_MATCHING]
    if has_twins:  # so that DISTINCT changes what is selected
        matching[0] = matching[1]
    numbers = [*matching, *sides]
    return [Decimal(number) if is_number else f"value {number}" for number in numbers]


# Thresholds


@lru_cache(maxsize=4096)
def _threshold_tables(query: SimpleQuery, num_decimals: int) -> tuple[tuple[Row, ...], ...]:
    """For each threshold, two tables of two rows: one just meets all conditions, the other just misses the threshold.

    In a column without a condition the second table has the values of the two rows exchanged, for max and min.
    """
    place = {name: position for position, name in enumerate(query.columns)}
    rows = [row for row in _table(query, 0) if all(_holds(each, row[place[each.column]]) for each in query.conditions)]
    if len(rows) < NUM_MATCHING:  # conditions that exclude each other
        return ()
    tables: list[tuple[Row, ...]] = []
    for threshold in _in_order(query):
        here = place[threshold.column]
        sides = _sides(threshold, _is_number(query, threshold.column), num_decimals)
        tables += [
            tuple((*row[:here], value, *row[here + 1 :]) for row, value in zip(pair, sides, strict=True))
            for pair in (rows[:2], rows[1::-1])
            if sides
        ]
    return tuple(tables)


def _sides(condition: Condition, is_number: bool, num_decimals: int) -> tuple[Literal, ...]:
    """The values nearest to a threshold that meet and miss it; empty for `=` and where one of them is not known."""
    near = _near(condition.value, num_decimals)
    values = near if is_number else [str(value) for value in near]
    meeting = [value for value in values if _holds(condition, value)]
    missing = [value for value in values if not _holds(condition, value)]
    is_threshold = condition.operator not in ("=", "!=")
    return (meeting[0], missing[0]) if is_threshold and meeting and missing else ()


def _near(value: Literal, num_decimals: int) -> list[Literal]:
    """A threshold and the values right below and above it.

    They are a unit of the last digit away from a number, at so many decimals or its own; a day from a date such as
    2020-01-31; and one from a whole number in quotes.
    """
    if isinstance(value, Decimal):
        unit = Decimal(1).scaleb(-max(num_decimals, _num_decimals(f"{value:f}")))
        return [value, value - unit, value + unit]
    try:
        if value.isdecimal():
            return [value, *(str(int(value) + step).zfill(len(value)) for step in (-1, 1))]
        return [value, *(str(date.fromisoformat(value) + timedelta(days=step)) for step in (-1, 1))]
    except (ValueError, OverflowError):  # no date, the first or last of all dates, thousands of digits
        last = value[-1:]
        below = [f"{value[:-1]}{chr(ord(last) - 1)}zzz"] if "!" < last <= "~" else []
        return [value, *below, f"{value}0"]


def _num_decimals(text: str) -> int:
    """Of the number that has most of them; zeros at the end do not count."""
    return min(MAX_DECIMALS, max((len(each.rstrip("0")) for each in _DECIMALS.findall(text)), default=0))


# Running


def _run(rows: Sequence[Row], query: SimpleQuery, text: str) -> Result | None:
    """What a query selects from the table; None where it is refused, fails, or takes too long."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        _fill(connection, rows, query)
        _confine(connection, query.table)
        found = connection.execute(text).fetchmany(MAX_RESULT_ROWS)
    except (sqlite3.Error, sqlite3.Warning, ValueError, MemoryError):  # ValueError: a null character, half a surrogate
        return None
    finally:
        connection.close()
    return Counter(tuple(map(_comparable, row)) for row in found)


def _fill(connection: sqlite3.Connection, rows: Sequence[Row], query: SimpleQuery) -> None:
    kinds = {name: "REAL" if _is_number(query, name) else "TEXT COLLATE NOCASE" for name in query.columns}
    # Rows can be counted without naming any column.
    columns = [f"{quoted(name)} {kind}" for name, kind in kinds.items()] or ["anything TEXT"]
    connection.execute(f"CREATE TABLE {quoted(query.table)} ({', '.join(columns)})")
    marks = ", ".join("?" * len(columns))
    values = [[float(value) if isinstance(value, Decimal) else value for value in row] or [""] for row in rows]
    connection.executemany(f"INSERT INTO {quoted(query.table)} VALUES ({marks})", values)  # noqa: S608  (quoted)


def _confine(connection: sqlite3.Connection, table: str) -> None:
    """From now on: reading this table with plain functions, in so many steps."""
    functions = {*AGGREGATES, "total", "abs", "lower", "upper", "length", "round", "coalesce", "ifnull", "like"}

    def authorize(action: int, first: str | None, second: str | None, *where: object) -> int:
        del where
        is_allowed = action == sqlite3.SQLITE_SELECT or (
            action == sqlite3.SQLITE_READ and (first or "").casefold() == table
        )
        if action == sqlite3.SQLITE_FUNCTION:
            is_allowed = (second or "").lower() in functions
        return sqlite3.SQLITE_OK if is_allowed else sqlite3.SQLITE_DENY

    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_BYTES)
    connection.setlimit(sqlite3.SQLITE_LIMIT_SQL_LENGTH, MAX_BYTES)
    connection.set_authorizer(authorize)
    connection.set_progress_handler(lambda: 1, MAX_STEPS)


def _comparable(value: object) -> object:
    """Case and the last digits of a mean do not count."""
    if isinstance(value, int | float):
        return float(f"{value:.9g}")
    return value.casefold() if isinstance(value, str) else value
