"""Strict formats: whether an answer is JSON, fits a schema, has the right fields, or parses as code.

Each is a metric of its own, because they fail for different reasons: an answer can be valid JSON of the wrong shape,
or of the right shape with wrong values. Nothing is executed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from tunewright.data.checks.code_blocks import (
    CodeBlock,
    Language,
    bare_language,
    can_parse_sql,
    fenced_blocks,
    parse_problem,
)
from tunewright.data.checks.multiples import exact_multiple_of
from tunewright.errors import MissingExtraError, Problem, RecipeError
from tunewright.evaluate.canonical import canonical_text
from tunewright.evaluate.json_answers import is_json
from tunewright.evaluate.scorers import AGGREGATES, SCORERS, Scorer
from tunewright.records import Metric

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

FITTING_SHARE = 0.95
"""Answers that must have a form before its metrics are added; the same share as in evaluate/task.py."""
MAX_CHOICES = 20
MIN_ROWS_PER_CHOICE = 5
"""A text field is one of a few choices when there are at most so many, each with so many rows on average."""
MAX_LEVELS = 50
"""An answer that is nested no deeper never exhausts Python's stack (jsonschema takes about eight calls a level)."""

Schema = Mapping[str, object]


def format_scorers(answers: Sequence[str], schema: Schema | None = None) -> tuple[Scorer, ...]:
    """The strict-format metrics that fit the answers: JSON validity, schema validity and fields, or code; else none.

    Args:
        answers: the answers of the training rows; the schema is inferred from them where none is given.
        schema: a JSON Schema of the answers.
    Raises:
        RecipeError: the schema is not a JSON Schema.
        MissingExtraError: jsonschema is not installed.
    """
    if schema is not None or (answers and _share(is_json, answers) >= FITTING_SHARE):
        # Not `schema or`: {} is a schema too, which any JSON fits.
        fitting = infer_schema([answer for answer in answers if is_json(answer)]) if schema is None else schema
        return SCORERS["json_valid"], schema_scorer(fitting), SCORERS["json_fields"]
    if answers and _share(CODE_PARSES.can_judge, answers) >= FITTING_SHARE:
        return (CODE_PARSES,)
    return ()


def schema_scorer(schema: Schema) -> Scorer:
    """A scorer that gives 1 to an answer that is one strict JSON value and fits the schema.

    References inside the schema are followed within it; nothing is loaded from elsewhere.

    Raises:
        RecipeError: the schema is not a JSON Schema.
        MissingExtraError: jsonschema is not installed.
    """
    # As it is, and in the Unicode form in which `judge` hands over answers; their escapes keep the form of the rows.
    validators = [_validator(schema), _validator(json.loads(canonical_text(json.dumps(schema, ensure_ascii=False))))]

    def schema_valid(answer: str, references: Sequence[str]) -> float:
        del references
        return float(is_json(answer) and any(_fits(validator, answer) for validator in validators))

    metric = Metric(
        name="schema_valid",
        title="Fits the schema",
        explanation="Share of answers that are valid JSON with the keys, types and choices that the schema asks for, "
        "whether their values are right or not.",
        higher_is_better=True,
        is_share=True,
    )
    return Scorer(metric, AGGREGATES[metric.name], schema_valid, is_json, "a JSON object or array")


def infer_schema(answers: Sequence[str]) -> dict[str, object]:
    """The JSON Schema of answers that are all valid JSON; every one of them with whole characters fits it.

    Answers with half of a character (an emoji cut in two, written as an escape) are left out, since no file could hold
    their keys and choices.

    Required are the keys that every object of a place has, and other keys than those seen are refused. A text is one
    of a few choices when it repeats that much (MAX_CHOICES, MIN_ROWS_PER_CHOICE).
    """
    values = [json.loads(answer, parse_int=float) for answer in answers]  # as a float: see `_fits`
    return _schema_of([value for value in values if has_whole_characters(value)])


def has_whole_characters(value: object) -> bool:
    """Whether a JSON value can be written without escapes: `"\\ud83d"` alone, half of an emoji, cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


JSON_STYLES = ((", ", ": "), (",", ":"))
"""What stands between items and after keys: as Python writes JSON, and as most other programs do."""


def json_style(answers: Sequence[str]) -> tuple[str, str]:
    """Which of JSON_STYLES most of the answers, all of them valid JSON, are written in; the first if none is."""

    def num_written(style: tuple[str, str]) -> int:
        return sum(_is_written(each, style) for each in answers)

    return max(JSON_STYLES, key=num_written)


def _is_written(answer: str, style: tuple[str, str]) -> bool:
    try:
        return json.dumps(json.loads(answer), ensure_ascii=False, separators=style) == answer
    except ValueError:  # Python reads no integer of more than 4,300 digits
        return False


def _schema_of(values: Sequence[object]) -> dict[str, object]:
    objects = [value for value in values if isinstance(value, dict)]
    lists = [value for value in values if isinstance(value, list)]
    texts = [value for value in values if isinstance(value, str)]
    types = sorted({_type_of(value) for value in values})
    schema: dict[str, object] = {"type": types[0] if len(types) == 1 else types} if types else {}
    if objects:
        keys = dict.fromkeys(key for value in objects for key in value)
        schema["properties"] = {key: _schema_of([value[key] for value in objects if key in value]) for key in keys}
        schema["required"] = [key for key in keys if all(key in value for value in objects)]
        schema["additionalProperties"] = False
    if items := [item for value in lists for item in value]:
        schema["items"] = _schema_of(items)
    choices = sorted(set(texts))
    is_closed = len(choices) <= MAX_CHOICES and len(texts) >= MIN_ROWS_PER_CHOICE * len(choices)
    if types == ["string"] and is_closed:
        schema["enum"] = choices
    return schema


def _type_of(value: object) -> str:
    # bool before int: in Python True is an int. Whole numbers are numbers: 2 and 2.5 stand in one field.
    for kind, name in ((bool, "boolean"), (int, "number"), (float, "number"), (str, "string"), (list, "array")):
        if isinstance(value, kind):
            return name
    return "null" if value is None else "object"


def _validator(schema: Schema) -> "Draft202012Validator":
    try:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import extend
        from referencing import Registry
    except ImportError:
        raise MissingExtraError("jsonschema", "data", "judge answers against a JSON Schema") from None
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        place = "/".join(str(part) for part in error.absolute_path) or "(top level)"
        raise RecipeError(
            Problem(f"schema: {place}", error.message[:120], "a JSON Schema (draft 2020-12)", "Correct the schema.")
        ) from None
    # Without its draft, for which jsonschema would leave `exact` behind a reference to the whole schema.
    named = {key: part for key, part in schema.items() if key != "$schema"}
    exact = extend(Draft202012Validator, {"multipleOf": exact_multiple_of})
    # An empty registry: jsonschema would otherwise load schemas that this one names by URL.
    return exact(named, registry=Registry())


def _fits(validator: "Draft202012Validator", answer: str) -> bool:
    from referencing.exceptions import Unresolvable

    # As a float, since Python refuses to read an integer of thousands of digits; 2.0 is an integer to JSON Schema.
    value = json.loads(answer, parse_int=float)
    try:
        return bool(validator.is_valid(value))
    except RecursionError:
        if _num_levels(value) > MAX_LEVELS:  # a schema of any depth, and an answer deeper than Python can follow
            return False
        raise RecipeError(
            Problem("schema: $ref", "a part that only refers back to itself", "an end", "Say what the part is.")
        ) from None
    except Unresolvable as error:
        raise RecipeError(
            Problem("schema: $ref", repr(error.ref), "a part of the schema itself", "Copy it under $defs.")
        ) from None


def _num_levels(value: object) -> int:
    """How deep lists and objects are nested, by a loop: the value may be deeper than Python can follow."""
    num_levels, inside = 0, [value]
    while nested := [one for one in inside if isinstance(one, dict | list)]:
        inside = [each for one in nested for each in (one.values() if isinstance(one, dict) else one)]
        num_levels += 1
    return num_levels


def code_parses(answer: str, references: Sequence[str]) -> float:
    """1 when the answer is a program in the language of the reference, with or without ``` fences around it.

    Fences without a language count where none names that of the reference. Python is parsed by the running Python,
    SQL by sqlglot. Whether the program does the right thing is not judged.
    """
    return float(any(_parses(answer, block.language) for block in map(_code, references) if block))


def _parses(answer: str, language: Language) -> bool:
    named = [block for block in fenced_blocks(answer) if block.language == language]
    unnamed = [block for block in fenced_blocks(answer, unnamed=language) if block.language == language]
    blocks = named or unnamed or [CodeBlock(language, answer)]
    return all(block.text.strip() and parse_problem(block) is None for block in blocks)


def _code(text: str) -> CodeBlock | None:
    """A reference as code that can be parsed here, or None."""
    fenced = [block for block in fenced_blocks(text) if block.language != "json"]
    language = bare_language(text.strip())
    block = fenced[0] if fenced else CodeBlock(language, text) if language else None
    return None if block is None or (block.language == "sql" and not can_parse_sql()) else block


def _is_code(reference: str) -> bool:
    return _code(reference) is not None


def _share(has_form: Callable[[str], bool], answers: Sequence[str]) -> float:
    return sum(map(has_form, answers)) / len(answers)


CODE_PARSES = Scorer(
    Metric(
        name="code_parses",
        title="Code parses",
        explanation="Share of answers that parse as a program in the language of the reference (Python or SQL); the "
        "program is not run.",
        higher_is_better=True,
        is_share=True,
    ),
    AGGREGATES["code_parses"],
    code_parses,
    _is_code,
    "code that can be parsed here: Python, or SQL where sqlglot is installed",
)
