"""Artifact: trained weights and what they may be used with."""

from typing import Literal

from tunewright.records.base import Record
from tunewright.records.run import BaseModelRef


class Artifact(Record):
    """Description of an adapter folder (PEFT's file format) or of a fully tuned model folder (hub's layout).

    The folder's MANIFEST.json holds the SHA-256 of every file.
    """

    kind: Literal["adapter", "model"]
    base: BaseModelRef
    renderer_hash: str
    """The artifact refuses to load under another renderer: its prompts would be other tokens."""
    max_length: int
    """Context length in tokens that prompts were fitted to."""
    max_answer_tokens: int
    """Room that was kept free for the answer."""
    parent_run: str
