"""Queries taken apart and executed; what hostile answers are refused."""

from decimal import Decimal
from pathlib import Path

import pytest

from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.sql_query import Condition, SimpleQuery, read_simple_query
from tunewright.evaluate.sql_tables import gives_same_result

REFERENCE = "SELECT max(points) FROM t WHERE team = 'O''Neil' AND wins > 3"


def test_a_query_is_taken_apart() -> None:
    conditions = {Condition("team", "=", "o'neil"), Condition("wins", ">", Decimal(3))}
    assert read_simple_query(REFERENCE) == SimpleQuery("max", "points", "t", frozenset(conditions))
    assert read_simple_query("SELECT a FROM t") == SimpleQuery(None, "a", "t", frozenset())
    assert read_simple_query("SELECT count(*) FROM t") == SimpleQuery("count", "*", "t", frozenset())


@pytest.mark.parametrize(
    "same",
    [
        "select MAX(points) from T where wins > 3.0 and team = 'O''NEIL';",
        'SELECT max( "points" ) FROM t WHERE wins>3 AND [team] = "O\'Neil"',
        "SELECT max(points)\nFROM t\nWHERE wins > 3 AND team == 'o''neil'",
    ],
)
def test_order_case_and_quotes_do_not_count(same: str) -> None:
    assert read_simple_query(same) == read_simple_query(REFERENCE)
    assert SCORERS["sql_conditions"].score is not None
    assert SCORERS["sql_conditions"].score(same, ["SELECT a FROM t", REFERENCE]) == 1.0
    assert gives_same_result(same, REFERENCE)


@pytest.mark.parametrize(
    "other",
    [
        "",
        "no query",
        "SELECT * FROM t",
        "SELECT max(*) FROM t",
        "SELECT a, b FROM t",
        "SELECT a FROM t WHERE b = 1 OR c = 2",
        "SELECT a FROM t WHERE b = 1 ANDc = 2",
        "SELECT a FROM t WHERE b = 1 AND",
        "SELECT a FROM t WHERE b = c",
        "SELECT a FROM t, u",
        "SELECT a FROM t; DROP TABLE t",
        "SELECT a FROM t WHERE " + " " * 100_000 + "!",  # where a careless expression would take hours
        "SELECT a FROM t" + " ; " * 50_000,
    ],
)
def test_what_is_not_a_query_of_one_table_is_not_taken_apart(other: str) -> None:
    assert read_simple_query(other) is None


@pytest.mark.parametrize(
    "other",
    [
        "SELECT max(points) FROM t WHERE team = 'O''Neil' AND wins >= 3",
        "SELECT max(points) FROM t WHERE team = 'O''Neil' AND wins > 4",
        "SELECT max(points) FROM t WHERE team = 'O''Neil' AND wins < 3",
        "SELECT max(points) FROM t WHERE team = 'O''Neil'",
        "SELECT max(points) FROM t WHERE wins > 3",
        "SELECT max(points) FROM t",
        "SELECT min(points) FROM t WHERE team = 'O''Neil' AND wins > 3",
        "SELECT points FROM t WHERE team = 'O''Neil' AND wins > 3",
        "SELECT max(wins) FROM t WHERE team = 'O''Neil' AND wins > 3",
        "SELECT max(points) FROM t WHERE team = 'Neil' AND wins > 3",
        "SELECT max(points) FROM t WHERE team LIKE 'O%' AND wins > 3",
        "SELECT max(points) FROM t WHERE team = 'O''Neil' OR wins > 3",
        "SELECT max(points) FROM t WHERE team = 'O''Neil' AND wins > 3 AND year = 1990",
        "SELECT max(points) FROM u WHERE team = 'O''Neil' AND wins > 3",
        "SELECT max(points) FROM t WHERE",
        "",
    ],
)
def test_a_query_that_asks_for_something_else_gives_something_else(other: str) -> None:
    assert not gives_same_result(other, REFERENCE)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("d < '1999-01-01'", "d < '2020-01-01'"),
        ("d < '2019-12-31'", "d < '2020-01-01'"),
        ("d >= '1999-01-01'", "d >= '2020-01-01'"),
        ("d > '2019-06-01'", "d >= '2020-01-01'"),
        ("d BETWEEN '2020-01-01' AND '2020-06-29'", "d >= '2020-01-01' AND d <= '2020-06-30'"),
        ("d < '1995'", "d < '2000'"),
        ("d < 'k'", "d < 'm'"),
        ("d > 7.9", "d > 7.5"),
        ("d >= 7.2", "d >= 7.5"),
        ("d >= 7.6 AND d <= 9.5", "d >= 7.5 AND d <= 9.5"),
        ("d > 7.5", "d > 7"),
        ("d < 99.1", "d < 100"),
        ("d > 2001", "d > 2000"),
        ("d <= -2", "d <= -1"),
    ],
)
@pytest.mark.parametrize("selected", ["a", "count(*)", "sum(a)", "max(a)", "min(a)", "d"])
def test_another_threshold_is_another_query(selected: str, answer: str, reference: str) -> None:
    query = f"SELECT {selected} FROM t WHERE b = 'x' AND "
    assert not gives_same_result(query + answer, query + reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("d > '2019-12-31'", "d >= '2020-01-01'"),
        ("d <= '1999'", "d < '2000'"),
        ("d >= 2005", "d > 2004"),
        ("d >= 2005.0", "d > 2004"),
        ("d >= 7.6", "d > 7.50"),
    ],
)
def test_two_thresholds_with_nothing_between_them_are_the_same(answer: str, reference: str) -> None:
    assert gives_same_result(f"SELECT a FROM t WHERE {answer}", f"SELECT a FROM t WHERE {reference}")


@pytest.mark.parametrize("value", ["0001-01-01", "9999-12-31", "9" * 5000, "", "\U0001f642", "0"])
def test_a_threshold_without_a_neighbour_is_judged_too(value: str) -> None:
    reference = f"SELECT a FROM t WHERE d >= '{value}'"
    assert gives_same_result(reference, reference)


@pytest.mark.parametrize("selected", ["count({}a)", "sum({}a)", "avg({}a)", "{}a"])
def test_values_that_are_selected_once_are_others_where_one_comes_twice(selected: str) -> None:
    once, all_of_them = (f"SELECT {selected.format(word)} FROM t WHERE b = 'x'" for word in ("DISTINCT ", ""))
    assert not gives_same_result(once, all_of_them)
    assert gives_same_result(f"{all_of_them} AND b = 'X'", all_of_them)


@pytest.mark.parametrize("aggregate", ["max", "min", "sum", "avg", "count"])
def test_a_condition_that_is_missing_changes_every_aggregate(aggregate: str) -> None:
    for number in range(40):
        first, second = f"b = 'x{number}'", f"c > {number}"
        reference = f"SELECT {aggregate}(a) FROM t WHERE {first} AND {second}"
        for other in (first, second):
            assert not gives_same_result(f"SELECT {aggregate}(a) FROM t WHERE {other}", reference)


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("SELECT points FROM t WHERE wins BETWEEN 3 AND 5", "SELECT points FROM t WHERE wins >= 3 AND wins <= 5"),
        ("SELECT points FROM t WHERE NOT wins <= 3 ORDER BY points", "SELECT points FROM t WHERE wins > 3"),
        ("SELECT count(*) FROM t WHERE wins = '3'", "SELECT count(wins) FROM t WHERE wins = 3"),
        ("SELECT sum(points) / count(points) FROM t", "SELECT avg(points) FROM t"),
        ("SELECT count(*) FROM t", "SELECT count(*) FROM t"),
        (
            "select order from t where 2nd > 1 AND group='it''s'",
            "SELECT order FROM t WHERE group = 'it''s' AND 2nd > 1",
        ),
        ("SELECT t.a FROM t WHERE t.a <> 'x'", "SELECT a FROM t WHERE a != 'x'"),
        ("SELECT a FROM t WHERE b > 'm'", "SELECT a FROM t WHERE b > 'm'"),
        ("SELECT a FROM t WHERE b > 3 AND b = 'x'", "SELECT a FROM t WHERE b = 'x' AND b > 3"),
        ("SELECT s.a FROM t s WHERE s.b = 'Évry' ORDER BY a", "SELECT a FROM t WHERE b = 'Évry'"),
        ("SELECT a FROM t WHERE upper(b) = 'PARIS'", "SELECT a FROM t WHERE b = 'Paris'"),
        ("SELECT a FROM t WHERE Straße = 'Ä' ORDER BY a", "SELECT a FROM t WHERE Straße = 'Ä'"),
    ],
)
def test_a_query_that_is_written_differently_is_right_by_its_result(answer: str, reference: str) -> None:
    assert gives_same_result(answer, reference)


ALL_ROWS = "SELECT a FROM t"


@pytest.mark.parametrize(
    "hostile",
    [
        "ATTACH DATABASE '{file}' AS other",
        "PRAGMA table_info(t)",
        "SELECT * FROM pragma_table_info('t')",
        "SELECT name FROM sqlite_master",
        "DROP TABLE t",
        "DELETE FROM t",
        "INSERT INTO t VALUES ('x')",
        "UPDATE t SET a = 'x'",
        "CREATE TABLE u (b)",
        "VACUUM INTO '{file}'",
        "BEGIN",
        "SELECT a FROM t; SELECT a FROM t",
        "SELECT load_extension('{file}')",
        "SELECT writefile('{file}', a) FROM t",
        "SELECT randomblob(2000000000)",
        "SELECT printf('%2000000000d', 1)",
        "SELECT a FROM t WHERE a = zeroblob(2000000000)",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
        "SELECT count(*) FROM t, t b, t c, t d, t e, t f, t g, t h, t i, t j, t k, t l",
        "SELECT a FROM t WHERE a = '\0'",
        "SELECT a FROM t WHERE a = '\ud800'",
        "SELECT a FROM t /* " + " " * 200_000 + " */",
        "SELECT " + "(" * 5000 + "a" + ")" * 5000 + " FROM t",
        "SELECT CAST(x'ff' AS TEXT) FROM t",
    ],
)
def test_a_hostile_answer_is_wrong_and_harms_nothing(hostile: str, tmp_path: Path) -> None:
    file = f"{tmp_path}/made-by-an-answer"
    assert not gives_same_result(hostile.replace("{file}", file), ALL_ROWS)
    assert not list(tmp_path.iterdir())
    assert gives_same_result(ALL_ROWS, ALL_ROWS)


def test_only_a_reference_that_can_be_taken_apart_is_judged() -> None:
    for name in ("sql_result", "sql_conditions"):
        assert SCORERS[name].can_judge(REFERENCE)
        assert not SCORERS[name].can_judge("SELECT a FROM t JOIN u")


@pytest.mark.parametrize(
    "reference",
    [
        "SELECT name FROM sqlite_master WHERE type = 'table'",
        "SELECT a FROM t WHERE b = '\0'",
        "SELECT a FROM t WHERE b = '" + "x" * 200_000 + "'",
    ],
    ids=["reserved name", "null character", "too long"],
)
def test_a_reference_that_sqlite_refuses_is_not_judged_by_results(reference: str) -> None:
    assert not SCORERS["sql_result"].can_judge(reference)
    assert SCORERS["sql_conditions"].can_judge(reference)


def test_the_reference_that_fits_counts() -> None:
    score = SCORERS["sql_result"].score
    assert score is not None
    assert score("SELECT a FROM t", ["SELECT b FROM t", ALL_ROWS]) == 1.0
    assert score("SELECT c FROM t", ["SELECT b FROM t", ALL_ROWS]) == 0.0
