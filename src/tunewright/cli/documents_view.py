"""Rows from documents on the screen, and the options that say who writes questions."""

from typing import TYPE_CHECKING

from tunewright.cli.screen import Screen
from tunewright.errors import Problem, RecipeError
from tunewright.records import DocumentRows

if TYPE_CHECKING:
    from tunewright.actions import QuestionWriter


def question_writer(endpoint: str | None, model: str | None, key_variable: str | None) -> "QuestionWriter | None":
    """The model that writes questions, if one is named.

    Raises:
        RecipeError: only a part of it is named.
    """
    from tunewright.actions import QuestionWriter

    if endpoint is None and model is None and key_variable is None:
        return None
    if endpoint is None or model is None:
        missing = "--model" if endpoint is not None else "--endpoint"
        fix = "As in: --endpoint http://localhost:8000/v1 --model NAME."
        raise RecipeError(Problem(missing, "nothing", "both an endpoint and a model", fix))
    return QuestionWriter(endpoint, model, key_variable)


def print_document_rows(screen: Screen, rows: DocumentRows) -> None:
    """Print what was made, what was refused, and what was left out."""
    screen.line(f"{rows.num_passages:,} passages of {rows.num_documents:,} documents", "bold")
    for warning in rows.warnings:
        screen.line(f"warning: {warning}")
    if any(file.endswith("questions.jsonl") for file in rows.files):
        screen.line(f"{rows.num_questions:,} questions with grounded answers, {rows.num_refused:,} refused")
    if rows.num_unanswered:
        screen.line(f"{rows.num_unanswered:,} passages without an answer; run the command again to ask for them")
    for file in rows.files:
        screen.line(f"Wrote {file}")
