"""System prompts for the prompted arm: the user's own, and some that are put together from the training rows.

An assembled prompt says what a person would say who has read the rows: which labels there are, which keys a JSON answer
has and what stands in them, or how long an answer is. It never quotes a validation or test row.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from tunewright.data.checks.answers import normal_label
from tunewright.evaluate.formats import has_whole_characters
from tunewright.evaluate.json_answers import is_json
from tunewright.records import Conversation, Example

MAX_LISTED_VALUES = 12
"""A key of JSON answers with at most so many different values has them all listed; of the others two are shown."""
NUM_SHOWN_VALUES = 2
MAX_SHOWN_CHARACTERS = 60
NUM_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Instruction:
    """A candidate for the system prompt, and what the report calls it."""

    name: str
    text: str
    num_rows: int = 0
    """Labelled rows that it was made from."""


def assemble_instructions(rows: Sequence[Example], headline: str) -> tuple[Instruction, ...]:
    """Write system prompts for rows like these: one that states the answers' form, one that also shows examples.

    Args:
        rows: of the training split.
        headline: the metric that fits the answers, from `choose_metrics`; it tells their form.
    """
    bodies = [row.body for row in rows if isinstance(row.body, Conversation)]
    form = _form([body.answer for body in bodies], headline)
    examples = "\n\n".join(
        f"Input: {_question(body)}\nAnswer: {body.answer}" for body in _different(bodies, NUM_EXAMPLES)
    )
    return (
        Instruction("assembled: the form of the answers", form, len(rows)),
        Instruction("assembled: the form and fixed examples", f"{form}\n\nExamples:\n\n{examples}", len(rows)),
    )


def _form(answers: Sequence[str], headline: str) -> str:
    if headline in ("accuracy", "macro_f1"):
        return _labels(answers)
    objects = [value for answer in answers if is_json(answer) and isinstance(value := _read(answer), dict)]
    if 2 * len(objects) > len(answers):
        return _json_keys(objects)
    if headline == "final_number":
        return (
            "Work out the answer step by step. End with a line that holds #### followed by the final number alone.\n"
            + _length(answers)
        )
    return _length(answers)


def _read(answer: str) -> object:
    """The value of valid JSON; None where Python cannot read it: an integer of more than 4,300 digits."""
    try:
        value: object = json.loads(answer)
    except ValueError:
        return None
    return value


def _labels(answers: Sequence[str]) -> str:
    spelling: dict[str, str] = {}
    for answer in answers:
        spelling.setdefault(normal_label(answer), answer.strip())
    listed = ", ".join(sorted(spelling.values()))
    return f"Answer with exactly one of these labels and nothing else: {listed}."


def _json_keys(objects: Sequence[dict[str, Any]]) -> str:
    keys = list(dict.fromkeys(key for value in objects for key in value))
    lines = [f"- {json.dumps(key)}: {_values([value[key] for value in objects if key in value])}" for key in keys]
    heading = "Answer with one JSON object on one line and nothing else, without code fences. Its keys, in this order:"
    return "\n".join([heading, *lines])


def _values(values: Sequence[object]) -> str:
    counted = Counter(json.dumps(value, ensure_ascii=not has_whole_characters(value)) for value in values)
    common = [text for text, _ in counted.most_common()]
    if len(common) <= min(MAX_LISTED_VALUES, max(1, len(values) // 2)):
        return "one of " + ", ".join(sorted(common)) if len(common) > 1 else f"always {common[0]}"
    return "for example " + " or ".join(_short(text) for text in common[:NUM_SHOWN_VALUES])


def _length(answers: Sequence[str]) -> str:
    lengths = sorted(len(answer.split()) for answer in answers)
    most = lengths[int(0.9 * (len(lengths) - 1))]
    has_lines = sum("\n" in answer.strip() for answer in answers) > len(answers) / 2
    style = "several lines" if has_lines else "one line"
    usual = f"Answer on {style}, in about {median(lengths):.0f} words and rarely more than {most}."
    return f"{usual} Give the answer alone: no greeting, no explanation, no repetition of the question."


def _different(bodies: Sequence[Conversation], number: int) -> list[Conversation]:
    """The first rows with different answers, shorter rows before longer ones: they cost less of the context."""
    chosen: dict[str, Conversation] = {}
    for body in sorted(bodies, key=lambda body: len(_question(body)) + len(body.answer)):
        if len(chosen) < number:
            chosen.setdefault(body.answer, body)
    return list(chosen.values())


def _question(body: Conversation) -> str:
    return "\n".join(message.content for message in body.prompt if message.role == "user")


def _short(text: str) -> str:
    return text if len(text) <= MAX_SHOWN_CHARACTERS else text[: MAX_SHOWN_CHARACTERS - 3] + "..."
