"""Documents cut into passages, and what was made of them or found among them."""

from typing import Annotated

from pydantic import Field

from tunewright.records.base import Record


class DocumentSummary(Record):
    """A document that passages were taken from."""

    path: str
    """Below the folder, with forward slashes."""
    title: str
    sha256: str
    """Of its bytes."""
    num_passages: int


class Passage(Record):
    """A few paragraphs of a document: what is searched for, learned from or asked about."""

    id: str
    """Hash of document and text, and of the headings above it: it stays when other passages of the document change."""
    document: str
    """Path of the document below its folder."""
    title: str
    text: str
    place: int
    """Its number in the document, from 1."""


class DocumentRows(Record):
    """What `data from-docs` wrote."""

    files: tuple[str, ...]
    num_documents: int
    num_passages: int
    num_questions: int = 0
    """Question and answer rows that are grounded in their passage."""
    num_refused: int = 0
    """Rows and whole answers that are not usable; each is in refused.jsonl with the reason."""
    num_unanswered: int = 0
    """Passages for which no answer came; the next call asks again."""
    warnings: tuple[str, ...] = ()


class Hit(Record):
    """A passage that a search found, and where it stood in each of the two rankings."""

    passage: Passage
    score: Annotated[float, Field(gt=0)]
    """After reciprocal rank fusion. It orders the hits of one query; it is no probability."""
    keyword_rank: Annotated[int, Field(ge=1)] | None
    """From 1; None where the passage shares no word with the query or too many others fit better."""
    vector_rank: Annotated[int, Field(ge=1)] | None


class Citations(Record):
    """Which of the passages it was given an answer refers to."""

    passages: tuple[Passage, ...]
    """In the order of their first mention."""
    unknown: tuple[int, ...]
    """Numbers that no passage had: the answer made them up."""
