"""StudyReport: every way to answer on the same rows, what each costs, and what follows."""

from typing import Any, Literal

from tunewright.records.base import Record
from tunewright.records.decision import ArmCost, ArmFacts, BreakEven, Decision
from tunewright.records.passages import Passage
from tunewright.records.recipe import Derived
from tunewright.records.report import AnswerRow, DataSummary
from tunewright.records.result import ArmMetric, Difference, Estimate, Metric, SliceResult, Verdict
from tunewright.records.run import BaseModelRef, Environment
from tunewright.records.training import TrainingSummary

Gate = Literal["worse-than-prompt", "not-better", "none-works", "too-few-rows", "forgets"]
"""A finding on which `tunewright study --fail-if` ends with 1: a tuned arm is worse than prompted or few-shot; no tuned
arm is better than every arm without training; no arm does better than one answer to all inputs; more test rows are
needed to decide."""


class Candidate(Record):
    """One setting of an arm that was tried on validation rows."""

    setting: str
    validation: Estimate | None
    """Value of the headline metric; None when hardly any row could be scored."""
    is_chosen: bool
    num_cut: int = 0
    """Validation inputs with which it does not fit the context: the middle of the prompt was cut out."""


class StudyArm(Record):
    """One way to answer, as it was measured."""

    name: str
    identity: str
    """Hash of everything that decides its answers."""
    explanation: str
    """What it does, in one sentence."""
    facts: ArmFacts
    system_prompt: str | None = None
    num_examples: int | None = None
    """Training rows shown before each row; None where the arm shows none."""
    num_passages: int | None = None
    candidates: tuple[Candidate, ...] = ()
    training: TrainingSummary | None = None
    run: str | None = None
    """Name of the run that holds its weights, which `chat` and `evaluate` take."""
    num_failed: int = 0
    """Test rows that it did not answer."""


class ConstantAnswer(Record):
    """What is reached without reading the inputs: one answer to all. An arm that does no better does nothing."""

    text: str
    """The training answer that does best when it is given to every validation row."""
    estimate: Estimate | None
    """Value of the headline metric on the test rows; None where hardly any could be scored."""


class UpdatedArm(Record):
    """One arm after the documents were exchanged, on the inputs whose right answer changed with them."""

    arm: str
    reads_documents: bool
    before: Estimate | None
    """Headline metric against the old answers, with the old documents."""
    after: Estimate | None
    """Headline metric against the new answers, with the new documents."""
    share_new: Estimate | None
    """Share of answers that are nearer to the new answer than to the old one."""
    num_new: int
    num_old: int
    """Answers nearer to the new and to the old one; the others are as near to both."""
    num_items: int
    verdict: Verdict
    """better: it follows the change; worse: it keeps to what was right."""

    @property
    def num_neither(self) -> int:
        """Answers as near to both, or none at all."""
        return self.num_items - self.num_new - self.num_old

    @property
    def outcome(self) -> str:
        """The verdict in the words of this comparison."""
        words = {Verdict.BETTER: "follows", Verdict.WORSE: "keeps the old", Verdict.TOO_FEW_ROWS: "cannot be told"}
        return words[self.verdict]

    @property
    def told(self) -> str:
        """In a few words."""
        return f"{self.outcome} ({self.num_new} new, {self.num_old} old, {self.num_neither} neither)"


class StudyRow(AnswerRow):
    """A test row with the answers of all arms."""

    group: Literal["best", "worst", "disagreement"]
    """Why it is shown: all arms did well, all did badly, or they differ most."""
    passages: dict[str, tuple[Passage, ...]]
    """What arms with retrieval were given, by arm."""


class FormatScores(Record):
    """How well the answers of one arm keep the format."""

    arm: str
    is_constrained: bool
    """Whether tokens that would leave the format were forbidden (an answer that keeps it anyway is the same)."""
    results: tuple[ArmMetric, ...]
    num_answers: int
    num_truncated: int
    """Answers that ran into the limit of their length: no constraint can close them."""
    num_written_again: int = 0
    """Answers that the constraint changed."""


class StrictFormats(Record):
    """JSON answers: validity, fit and fields of every arm, with and without constrained decoding."""

    json_schema: dict[str, Any] | None
    """None where answers are code."""
    is_inferred: bool
    """From the training answers; else the user's."""
    metrics: tuple[Metric, ...]
    arms: tuple[FormatScores, ...]
    note: str | None
    """Why no arm was asked under constraint, and how many test inputs were left out; None where neither is so."""


class JudgeComparison(Record):
    """Answers of two arms to the same test inputs, compared by a model that was shown each pair in both orders."""

    judge: str
    """Name of the model."""
    question: str
    """What makes one answer better than another, as the judge was told."""
    arm: str
    baseline: str
    num_wins: int
    """Pairs in which both orders prefer the answer of `arm`."""
    num_ties: int
    """Pairs in which both orders say tie, or say different things; and pairs of equal answers, which are not asked."""
    num_losses: int
    num_unscored: int
    """Pairs without an answer, or without a readable reply in both orders."""
    num_failed: int = 0
    """Of those, pairs to which the judge gave no reply: it failed, or was given up."""
    num_equal: int
    """Ties because the two answers are the same text."""
    num_first: int
    num_second: int
    """Replies that prefer the answer shown first, and the one shown second: about as many where position is nothing."""
    win_rate: Estimate | None
    """Share of pairs won, ties counting half; None where hardly any pair was scored."""
    agreement: Estimate | None
    """Share of the pairs that were asked in which both orders say the same; None where hardly any was."""
    p_value: float | None
    """Of the exact sign test of wins against losses, or of the bootstrap of groups; None where no pair was scored."""
    verdict: Verdict
    note: str | None = None
    """What went wrong, or must be known beside the figures."""

    @property
    def num_scored(self) -> int:
        """Pairs with an outcome."""
        return self.num_wins + self.num_ties + self.num_losses

    @property
    def caveat(self) -> str:
        """What no count of preferences can take away."""
        return (
            "Model judges prefer the answer shown first, longer answers, and those of their own family (Zheng et al. "
            "2023, arXiv:2306.05685). Each pair was shown in both orders, so position alone cannot win; length and "
            "family can. The metrics decide."
        )


class StudyReport(Record):
    """Result of `study`."""

    run_id: str
    title: str
    created_at: str
    command: str
    decision: Decision
    arms: tuple[StudyArm, ...]
    metrics: tuple[Metric, ...]
    headline_metric: str
    results: tuple[ArmMetric, ...]
    """Metric by metric, the arms in their order within each."""
    differences: tuple[Difference, ...]
    """Each later arm minus each earlier one, paired, with Holm's correction over the pairs of a metric."""
    constant: ConstantAnswer | None = None
    """The floor under all arms; None without training answers."""
    updated: tuple[UpdatedArm, ...] = ()
    """Every arm after the documents were exchanged; empty where no update was given."""
    best: str | None
    """The arm with the best value of the headline metric."""
    cheapest: str | None
    """The arm whose requests cost least; None when no price is known."""
    slices: tuple[SliceResult, ...]
    """The headline metric by label, source and other properties of the rows; not corrected for their number."""
    costs: tuple[ArmCost, ...]
    break_even: BreakEven | None
    """None without a tuned arm or without one that prompts."""
    answers: tuple[StudyRow, ...]
    strict_formats: StrictFormats | None = None
    """None where the answers have no strict format."""
    judge: JudgeComparison | None = None
    """None where no judge was asked for."""
    data: DataSummary
    base: BaseModelRef
    recipe: dict[str, Any]
    derived: tuple[Derived, ...]
    environment: Environment
    seconds: dict[str, float]
    """Wall time by stage."""

    @property
    def headline(self) -> Metric:
        """The metric that leads the report."""
        return next(metric for metric in self.metrics if metric.name == self.headline_metric)

    @property
    def currency(self) -> str:
        """Of all amounts of money."""
        return str(self.recipe["prices"]["currency"])

    @property
    def num_to_ask_again(self) -> int:
        """Answers of a hosted model and verdicts of the judge that failed: what was wrong there may have passed."""
        hosted = sum(arm.num_failed for arm in self.arms if arm.facts.kind == "endpoint")
        return hosted + (self.judge.num_failed if self.judge else 0)

    def result(self, arm: str, metric: str) -> ArmMetric:
        """One metric of one arm."""
        return next(result for result in self.results if (result.arm, result.metric) == (arm, metric))

    def cost(self, arm: str) -> ArmCost:
        """What one arm costs."""
        return next(cost for cost in self.costs if cost.arm == arm)

    def difference(self, arm: str, baseline: str | None) -> Difference | None:
        """`arm` minus `baseline` under the headline metric; None for an arm and itself, or where there is no baseline.

        Stored is each pair once, so this may be one of them turned round.
        """
        for change in self.differences:
            if change.metric == self.headline_metric and {change.arm, change.baseline} == {arm, baseline}:
                return change if change.arm == arm else change.reversed
        return None
