"""Answer and Score: what a system said about one row, and how good it was."""

from typing import Literal

from pydantic import model_validator

from tunewright.records.base import Record


class Answer(Record):
    """What a system wrote for one prompt, or why it wrote nothing."""

    text: str | None
    finish: Literal["stop", "length", "failed"]
    """stop: the model ended its turn; length: it ran into max_answer_tokens; failed: see reason."""
    reason: str | None = None
    num_prompt_tokens: int = 0
    num_answer_tokens: int = 0
    seconds: float | None = None
    """From when it was sent to the model until the answer was there, further attempts included; None for a row that was
    answered in a batch, whose time is known as a whole."""

    @model_validator(mode="after")
    def _a_failure_has_a_reason(self) -> "Answer":
        if (self.finish == "failed") != (self.text is None) or (self.text is None) != bool(self.reason):
            raise ValueError("a failed answer has a reason and no text; any other has text and no reason")
        return self


class TokenLoss(Record):
    """Cross-entropy of one row's trained tokens under a model."""

    sum_nats: float
    num_tokens: int


class Score(Record):
    """The value of one metric for one test item under one system; `None` means unscored, never zero."""

    example_id: str
    metric: str
    value: float | None
    weight: float = 1.0
    """What the value is averaged with: 1 for an answer, the number of trained tokens for loss."""
    reason: str | None = None
    """Why it is unscored."""
    group: str | None = None
    """Of the item, such as a customer or a document. Values of one group are alike, so intervals are by group."""

    @model_validator(mode="after")
    def _unscored_has_a_reason(self) -> "Score":
        if (self.value is None) != (self.reason is not None):
            raise ValueError("a score has either a value or the reason why it has none")
        return self
