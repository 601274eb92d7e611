"""Code inside answers: where it stands, which language it is in, and whether it parses. It is never executed."""

import ast
import json
import logging
import re
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Literal, NamedTuple

Language = Literal["python", "sql", "json"]

MAX_CODE_CHARACTERS = 50_000
"""Longer code is not parsed: it would cost seconds, and is data more often than a program."""

_LANGUAGES: dict[str, Language] = {
    **dict.fromkeys(("python", "py", "python3"), "python"),
    **dict.fromkeys(("sql", "mysql", "postgresql", "postgres", "sqlite", "tsql", "bigquery"), "sql"),
    "json": "json",
}
_FENCE = re.compile(r"(`{3,})[ \t]*([^`\s]*)[^`]*")
_PYTHON_START = re.compile(
    r"(?:\s*#[^\n]*\n)*\s*"
    r"(?:(?:async[ ]+)?def[ ]+\w+[ ]*\(|class[ ]+\w+[ ]*[:(]|from[ ]+[\w.]+[ ]+import\b|@\w"
    r"|import[ ]+[\w.]+(?:[ ]+as[ ]+\w+)?[ ]*(?:[,;\n]|$))"
)
_SQL_START = re.compile(
    r"(?:\s*--[^\n]*\n)*\s*"
    r"(?:select\b.*\bfrom\b|insert\s+into\b|update\b.*\bset\b|delete\s+from\b|(?:drop|alter)\s+table\b"
    r"|create\s+(?:or\s+replace\s+)?(?:temp\w*\s+|unique\s+)?(?:table|view|index)\b"
    r"|with\s+(?:recursive\s+)?\w+\s+as\s*\()",
    re.IGNORECASE | re.DOTALL,
)
# sqlglot's own dialect reads nearly all SQL. Others are tried where a text has what only they understand.
_DIALECTS = {
    "mysql": re.compile(r"[`\\#]"),
    "tsql": re.compile(r"[\[@]|\btop\b", re.IGNORECASE),
    "postgres": re.compile(r"[$%@]"),
}


class CodeBlock(NamedTuple):
    """Code between ``` fences, or a whole answer that is code."""

    language: Language
    text: str


def fenced_blocks(answer: str, unnamed: Language | None = None) -> Iterator[CodeBlock]:
    """The closed ``` blocks of a text that name Python, SQL or JSON as their language, dedented.

    Python sessions with a `>>>` prompt are left out: they are not programs.

    Args:
        answer: the text.
        unnamed: what a block without a language is taken for; None leaves it out.
    """
    if "```" not in answer:
        return
    fence, name = "", ""
    lines: list[str] = []
    for line in answer.split("\n"):
        stripped = line.strip()
        if not fence:
            if opening := _FENCE.fullmatch(stripped):
                fence, name = opening[1], opening[2].lower()
                lines = []
        elif stripped.startswith(fence) and not stripped.strip("`"):
            text = textwrap.dedent("\n".join(lines))
            language = _LANGUAGES.get(name) if name else unnamed
            if language and not text.startswith(">>>"):
                yield CodeBlock(language, text)
            fence = ""
        else:
            lines.append(line)


def code_language(answer: str) -> str | None:
    """The language of an answer that is code as a whole: one fenced block, or a start as of Python or SQL."""
    stripped = answer.strip()
    if stripped.startswith("```"):
        opening = _FENCE.fullmatch(stripped.partition("\n")[0])
        is_one_block = opening is not None and stripped.endswith(opening[1]) and stripped.count(opening[1]) == 2
        return (opening[2].lower() or "code") if opening and is_one_block else None
    return bare_language(stripped)


def bare_language(answer: str) -> Language | None:
    """The language that an answer without fences starts like."""
    if _PYTHON_START.match(answer):
        return "python"
    return "sql" if _SQL_START.match(answer) else None


def can_parse_sql() -> bool:
    """Whether sqlglot is installed."""
    return find_spec("sqlglot") is not None


def parse_problem(block: CodeBlock) -> str | None:
    """Why the code does not parse, in words that complete "it does not parse: ..."; None when it does.

    SQL needs sqlglot: ask `can_parse_sql` first.
    """
    if len(block.text) > MAX_CODE_CHARACTERS:
        return None
    try:
        if block.language == "python":
            return _python_problem(block.text)
        return _sql_problem(block.text) if block.language == "sql" else _json_problem(block.text)
    except RecursionError:
        return "it is nested too deeply"


def _python_problem(text: str) -> str | None:
    before, null, _ = text.partition("\0")
    if null:  # Python before 3.11.4 names no line
        line = before.count("\n") + 1
        return f"source code cannot contain null bytes, line {line}"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd escapes such as "\d" are warnings, and parse
        try:
            ast.parse(text)
        except SyntaxError as error:
            return f"{error.msg}, line {error.lineno or 1}"
        except (MemoryError, ValueError):  # thousands of nested operators; half of a character
            return "it is nested too deeply, or holds characters that no program has"
    return None


def _json_problem(text: str) -> str | None:
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        return f"{error.msg}, line {error.lineno}"
    except ValueError:  # a number of more than 4,300 digits
        return "it holds a number that is too long"
    return None


def _sql_problem(text: str) -> str | None:
    problem = _dialect_problem(text, None)
    for dialect, mark in _DIALECTS.items():
        if problem is None:
            return None
        if mark.search(text) and _dialect_problem(text, dialect) is None:
            return None
    return problem


def _dialect_problem(text: str, dialect: str | None) -> str | None:
    import sqlglot
    from sqlglot import errors, expressions

    try:
        with _silent("sqlglot"):
            statements = sqlglot.parse(text, read=dialect)
    except errors.ParseError as error:
        first = error.errors[0] if error.errors else {}
        return f"the part that starts at “{first.get('highlight', '')}” does not fit, line {first.get('line', 1)}"
    except errors.SqlglotError:
        return "a quote or comment is not closed"
    # sqlglot reads the words "not found" as a column with another name.
    is_fragment = any(isinstance(statement, expressions.Condition | expressions.Alias) for statement in statements)
    return "it is not a statement" if is_fragment else None


@contextmanager
def _silent(logger_name: str) -> Iterator[None]:
    # sqlglot warns on stderr about every statement that it passes on unread, such as GRANT.
    logger = logging.getLogger(logger_name)
    was_disabled = logger.disabled
    logger.disabled = True
    try:
        yield
    finally:
        logger.disabled = was_disabled
