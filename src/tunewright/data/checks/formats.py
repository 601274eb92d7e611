"""Format drift: answers that are nearly all JSON or code, and the ones among them that are not in order."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tunewright.data.checks.answers import AnswerKind, answer_kind, answered, parse_json
from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.code_blocks import (
    CodeBlock,
    Language,
    bare_language,
    can_parse_sql,
    fenced_blocks,
    parse_problem,
)
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.checks.json_shape import JsonShape
from tunewright.data.checks.row_finding import row_finding
from tunewright.data.refusals import RefusedError
from tunewright.records import CheckRecipe, Finding, Severity

_MAX_LISTED_DEVIATIONS = 3
_READ_FIRST = 1e9
_NAMES: dict[Language, str] = {"python": "Python", "sql": "SQL", "json": "JSON"}


def _find_invalid_json(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    if answer_kind(rows) != "json":
        return
    for row in answered(rows):
        try:
            parse_json(row.answer)
        except RefusedError as refused:
            place = f" at {refused.place}" if refused.place else ""
            why = f"{refused.found}{place}, where {refused.expected} is expected"
            explanation = f"Nearly all answers are JSON, but this one is not: {why}."
            yield row_finding(INVALID_JSON.id, row, explanation, excerpt(row.answer))


def _find_drift(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    if answer_kind(rows) != "json":
        return
    shape = JsonShape(value for _, value in _parsed(rows))
    for row, value in _parsed(rows):
        if odd := shape.deviations(value):
            num_more = len(odd) - _MAX_LISTED_DEVIATIONS
            listed = "; ".join(odd[:_MAX_LISTED_DEVIATIONS]) + (f"; and {num_more} more" if num_more > 0 else "")
            explanation = f"The answer differs from the others: {listed}."
            yield row_finding(JSON_DRIFT.id, row, explanation, excerpt(row.answer), len(odd))


def _parsed(rows: RowSet) -> Iterator[tuple[CheckedRow, object]]:
    """The rows whose answer is JSON, with its value; it is parsed anew for each pass, since memory is dearer."""
    for row in answered(rows):
        try:
            yield row, parse_json(row.answer)
        except RefusedError:
            continue  # found by INVALID_JSON


def _find_code(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
    del recipe
    unread: list[CheckedRow] = []
    reads_sql = can_parse_sql()
    for row, blocks in _code(rows, answer_kind(rows)):
        if not reads_sql and any(block.language == "sql" for block in blocks):
            unread.append(row)
            blocks = [block for block in blocks if block.language != "sql"]
        problems = [(block, problem) for block in blocks if (problem := parse_problem(block))]
        if problems:
            block, problem = problems[0]
            explanation = f"The {_NAMES[block.language]} in the answer does not parse: {problem}."
            yield row_finding(CODE_DOES_NOT_PARSE.id, row, explanation, excerpt(block.text), len(problems))
    if unread:
        explanation = (
            f"This row and {len(unread) - 1:,} others hold SQL that was not checked, because sqlglot is not installed: "
            "pip install sqlglot."
        )
        yield row_finding(CODE_DOES_NOT_PARSE.id, unread[0], explanation, excerpt(unread[0].answer), _READ_FIRST)


def _code(rows: RowSet, kind: AnswerKind) -> Iterator[tuple[CheckedRow, list[CodeBlock]]]:
    """The code of each row that has some; where answers are code, one that looks like prose counts as code too."""
    usual = _usual_language(answered(rows)) if kind == "code" else None
    for row in answered(rows):
        blocks = list(fenced_blocks(row.answer))
        if not blocks and usual and "```" not in row.answer:
            blocks = [CodeBlock(bare_language(row.answer) or usual, row.answer)]
        if blocks:
            yield row, blocks


def _usual_language(rows: Iterable[CheckedRow]) -> Language | None:
    languages = Counter(language for row in rows if (language := bare_language(row.answer)))
    return max(languages, key=lambda language: (languages[language], language), default=None)


INVALID_JSON = Check(
    id="invalid_json",
    title="Answers that are not JSON",
    explanation=(
        "When at least 95 % of the answers are one JSON object or array, the others are listed: cut off, with text "
        "around them, with a key twice or with NaN. A program that reads the model's answers fails on them."
    ),
    severity=Severity.BLOCKING,
    action="listed only; training is refused until they are corrected, removed or accepted",
    find=_find_invalid_json,
)

JSON_DRIFT = Check(
    id="json_drift",
    title="JSON answers of another shape",
    explanation=(
        "When the answers are JSON, their common shape is learned from them: keys that at least 95 % have, types, "
        "a fixed order of keys (98 %), and fields with a few fixed texts (98 % are one of at most 20). Answers that "
        "break it teach the model several formats for the same thing."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find_drift,
)

CODE_DOES_NOT_PARSE = Check(
    id="code_does_not_parse",
    title="Code that does not parse",
    explanation=(
        "Python, SQL and JSON in fenced blocks, and whole answers where nearly all are code, are parsed and never run: "
        "Python by the parser of the Python that runs tunewright, SQL by sqlglot if it is installed. "
        "Code of more than 50,000 characters is not looked at. A model learns broken syntax like any other."
    ),
    severity=Severity.WARNING,
    action="listed only",
    find=_find_code,
)
