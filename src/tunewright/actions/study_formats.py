"""The strict-format table of a study: which format the answers have, and every arm measured by it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tunewright.actions.preparing import Preparation
from tunewright.actions.study_arms import StudiedArm
from tunewright.errors import MissingExtraError, Problem, RecipeError
from tunewright.evaluate.formats import format_scorers, infer_schema, json_style, schema_scorer
from tunewright.evaluate.json_answers import is_json
from tunewright.model.constrain import AnswerGrammar, JsonStyle
from tunewright.records import Conversation, Split, StrictFormats, content_hash
from tunewright.records.text_file import read_text_file
from tunewright.store import RunFolder
from tunewright.study.bench import Bench
from tunewright.study.strict_formats import Constraint, FormatTest

SCHEMA_FILE = "answer-schema.json"
"""The user's schema as it was when the study started."""


def read_answer_schema(path: str) -> dict[str, Any]:
    """Read a JSON Schema of the answers.

    Raises:
        RecipeError: the file cannot be read, or holds no JSON Schema.
        MissingExtraError: jsonschema is not installed.
    """
    where, fix = f"answer_schema: {path}", "Give a file that holds a JSON Schema."
    text = read_text_file(Path(path), where, "a readable JSON file", fix)
    try:
        schema = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RecipeError(Problem(where, type(error).__name__, "a readable JSON file", fix)) from None
    if not isinstance(schema, dict):
        raise RecipeError(Problem(where, f"a {type(schema).__name__}", "a JSON object", fix))
    schema_scorer(schema)
    return schema


def measure_formats(
    run: RunFolder, preparation: Preparation, bench: Bench, arms: Sequence[StudiedArm]
) -> StrictFormats | None:
    """Measure validity, fit and fields of every arm, with and without constrained decoding.

    Test inputs whose right answer calls functions are left out, as such rows are where the format is read.

    Returns:
        None when the training answers have no strict format and no schema was given. What is missing for the
        measurement, such as an extra, stands in the note.
    """
    given = run.read_json(SCHEMA_FILE) if run.has(SCHEMA_FILE) else None
    rows = preparation.data.rows(Split.TRAIN)
    answers = [row.body.answer for row in rows if isinstance(row.body, Conversation) and not row.body.ends_in_calls]
    try:
        scorers = format_scorers(answers, given)
    except MissingExtraError as error:
        return StrictFormats(json_schema=given, is_inferred=False, metrics=(), arms=(), note=str(error))
    if not scorers:
        return None
    written = [answer for answer in answers if is_json(answer)]
    is_code = given is None and scorers[0].metric.name == "code_parses"
    schema = None if is_code else infer_schema(written) if given is None else given
    constraint, note = _constraint(schema, json_style(written), preparation)
    items = tuple(item for item in bench.test if not item.expects_calls)
    test = FormatTest(replace(bench, test=items), scorers, constraint)
    found = [
        scores
        for arm in (arms if items else ())
        for scores in test.measure(arm.scores, arm.option, is_local=arm.described.facts.kind != "endpoint")
    ]
    return StrictFormats(
        json_schema=schema,
        is_inferred=schema is not None and given is None,
        metrics=tuple(scorer.metric for scorer in scorers),
        arms=tuple(found),
        note=" ".join(filter(None, [note, _left_out(len(bench.test) - len(items))])) or None,
    )


def _left_out(num_items: int) -> str | None:
    if not num_items:
        return None
    noun = "input is" if num_items == 1 else "inputs are"
    return f"{num_items:,} test {noun} left out, since a right answer calls functions."


def _constraint(
    schema: dict[str, Any] | None, style: tuple[str, str], preparation: Preparation
) -> tuple[Constraint | None, str | None]:
    """What keeps answers to the schema, or why nothing does."""
    if schema is None:
        return None, "Only JSON answers can be constrained."
    try:
        grammar = AnswerGrammar(schema, preparation.renderer, JsonStyle(*style))
    except (MissingExtraError, RecipeError) as error:
        return None, f"No arm was asked under constraint: {error}"
    identity = content_hash([schema, style])
    return Constraint(identity, grammar.accepts, lambda model: model.constrained(grammar)), None
