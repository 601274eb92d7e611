"""Decision: what the user needs, what each way to answer costs, and what follows from the measured arms."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, model_validator

from tunewright.records.base import Record, Settings

Amount = Annotated[float, Field(ge=0.0)]
Money = Annotated[float, Field(ge=0.0, le=1e9)]
"""Bounded, as are requests: a product of huge numbers is none that can be shown."""

ArmKind = Literal["zero_shot", "prompted", "few_shot", "retrieval", "tuned", "tuned_retrieval", "endpoint"]


class Needs(Settings):
    """What the answers are needed for, as far as scores cannot tell."""

    knowledge_changes: Literal["never", "rarely", "often"] = "never"
    """How often the facts behind the answers change: `never`, `rarely` (less than once a month) or `often`. Often
    leaves only arms that read documents when they answer, if documents were given."""
    strict_format: bool = False
    """Whether an answer in another format (invalid JSON, code that does not parse) is of no use at all."""
    requests_per_day: Annotated[float, Field(ge=0.001, le=1e9)] = 1000.0
    """Requests that will be answered a day; turns the cost of a request into cost by month and days to break-even."""
    budget_per_month: Money | None = None
    """Most that answering may cost a month, in the currency of the prices. Default: no limit."""


class Prices(Settings):
    """What machine time and hosted tokens cost."""

    machine_per_hour: Money = 0.10
    """Price of an hour of the machine that answers and trains, paid while it works. Default: about the on-demand
    price in USD of a cloud machine with two cores, the least that tunewright is made for."""
    per_million_prompt_tokens: Money | None = None
    """Price of a million prompt tokens of a hosted model. No default, since hosted prices differ more than
    hundredfold: without it the cost of a hosted arm is unknown, not zero."""
    per_million_answer_tokens: Money | None = None
    """Price of a million answer tokens of a hosted model. No default, as above."""
    currency: Annotated[str, Field(min_length=1)] = "USD"
    """Name of the currency of all prices and of the budget; only shown."""


class ArmFacts(Record):
    """What was counted and timed about one arm, besides its scores."""

    name: str
    kind: ArmKind
    prompt_tokens: Amount
    """Mean tokens given to the model per request: question, system prompt, examples and passages."""
    answer_tokens: Amount
    """Mean tokens written per request."""
    machine_seconds: Amount
    """Mean machine time per request; of a batch, its wall time shared by its requests. Of an endpoint, the mean time
    from sending a request to its answer, which costs nothing here."""
    seconds_p50: Amount
    """Median time a user waits for an answer: a whole batch of a local model, a single request of an endpoint."""
    seconds_p95: Amount
    """Time within which 95 % of the answers are there."""
    set_up_seconds: Amount = 0.0
    """Machine time before the first answer: training, trying prompts, building the index."""
    rows_needed: Annotated[int, Field(ge=0)] = 0
    """Labelled rows that the arm was made from: examples in the prompt, or training and validation rows."""
    uses_documents: bool = False
    """Whether it reads documents when it answers, so that a changed document changes the answer."""
    is_tuned: bool = False
    """Whether weights were trained for it."""
    has_answered: bool = True
    """Whether any request was answered; without an answer there are no tokens to count."""

    @model_validator(mode="after")
    def _flags_fit_the_kind(self) -> "ArmFacts":
        if self.kind == "endpoint":  # what a hosted model does inside is up to its owner
            return self
        expected = (self.kind in ("tuned", "tuned_retrieval"), self.kind in ("retrieval", "tuned_retrieval"))
        if (self.is_tuned, self.uses_documents) != expected:
            raise ValueError(f"{self.kind} means is_tuned={expected[0]} and uses_documents={expected[1]}")
        return self


class ArmCost(Record):
    """What one arm costs, in the currency of the prices. Labelling rows is not in it: nobody can measure that here."""

    arm: str
    per_request: Amount | None
    """None when it is not known, as without a price; `reason` then says why."""
    per_thousand_requests: Amount | None
    per_month: Amount | None
    """Of answering `requests_per_day` requests a day, set-up not included."""
    set_up: Amount
    """Machine time of the set-up, once."""
    reason: str | None = None

    @model_validator(mode="after")
    def _an_unknown_cost_has_a_reason(self) -> "ArmCost":
        if (self.per_request is None) != (self.reason is not None):
            raise ValueError("a cost is either known or has the reason why it is not")
        return self


class CostPoint(Record):
    """Total cost of two arms after some requests, set-up included."""

    num_requests: int
    prompted: float
    tuned: float


class BreakEven(Record):
    """After how many requests the tuned arm has cost less than the prompted one."""

    tuned: str
    prompted: str
    """Names of the two arms."""
    outcome: Literal["after some requests", "up to some requests", "from the first", "the same", "never", "unknown"]
    """up to some requests: the tuned arm has the cheaper set-up and the dearer requests. never: a request of the tuned
    arm costs no less, so its set-up is never earned back. unknown: the cost of an arm is; `reason` then says why."""
    num_requests: int | None
    """The first number of requests at which the tuned arm is cheaper, or the last one up to which it is; None when the
    two cost the same, when never or unknown."""
    days: float | None
    """The same in days at `requests_per_day`."""
    curve: tuple[CostPoint, ...]
    """For the chart; empty when unknown."""
    reason: str | None = None
    """Why the outcome is unknown, with the arm whose cost is; None too in reports of versions that did not note it."""


class Choice(StrEnum):
    """What a study advises."""

    DO_NOT_TUNE = "do not tune"
    PROMPT = "prompt"
    FEW_SHOT = "few-shot"
    RETRIEVE = "retrieve"
    TUNE = "tune"
    TUNE_AND_RETRIEVE = "tune and retrieve"
    NONE_WORKS = "none of these"
    TOO_FEW_ROWS = "too few rows"


class Decision(Record):
    """What to do, why, and what would have to be different for another answer."""

    choice: Choice
    arm: str | None
    """The arm that was chosen; with too few rows the one to use until then; None when no arm meets the needs, none
    works, or none could be measured."""
    headline: str
    """One sentence."""
    reasons: tuple[str, ...]
    """Measured facts and needs behind it, most important first; every excluded arm is named."""
    what_would_change_it: tuple[str, ...]
    rows_needed: int | None = None
    """About how many test rows more would settle it; only with too few rows, and where some could be scored."""
