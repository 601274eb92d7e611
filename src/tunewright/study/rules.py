"""The rules: which arm to use, from what was measured and what is needed. `decide` puts it into words.

1. *Needs leave arms out.* An arm is no candidate when
   - its headline metric could not be measured;
   - it failed on more than a tenth of the rows that the others answered, as an endpoint that is down does;
   - knowledge changes often and it reads no documents, while another arm of the study does, or it was seen to keep to
     the old answers after the documents were exchanged;
   - a strict format is needed and the whole 95 % interval of its validity lies below STRICT_VALIDITY, and below the
     interval of the most valid arm (so that the most valid arm always stays);
   - its cost per month is above the budget, or unknown while there is a budget.
2. *Candidates are compared with the best of them* by their value. One is
   - as good, when it is worse by at most the margin (2 points of a share, else 2 % of the best value) and either the
     difference is not significant after Holm's correction, or its whole interval lies within the margin;
   - worse, when the difference is significant and it is not as good;
   - undecided otherwise: worse by more than the margin, but that may be chance.
3. *None of these works* when the best candidate, on ten items or more, is above the floor by at most the margin with
   its whole interval, or its whole interval lies below NEAR_ZERO of a share. The floor is what one answer to all inputs
   reaches on the same items. It works when it is better than the floor after Holm's correction over all arms.
4. *The simplest candidate that is as good wins*: zero-shot, prompted, few-shot, retrieval, endpoint, tuned, tuned with
   retrieval. The best candidate is as good as itself, so there is always one.
5. *Too few rows*, when there are fewer than ten items, when no arm could be measured, when neither half of rule 3
   holds, or when an undecided arm would spare work that the winner asks for: training, or documents to keep up to date.
   Arms that differ in their prompt alone need no proof.

Costs decide through the budget only. Break-even is told and never overrides the rules: the set-up that it counts is
machine time, without the hours in which people label rows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto

from tunewright.evaluate.statistics import MIN_ITEMS_FOR_VERDICT, num_rows_to_settle
from tunewright.records import (
    ArmCost,
    ArmFacts,
    ArmKind,
    ArmMetric,
    Choice,
    Difference,
    Estimate,
    JudgeComparison,
    Metric,
    Needs,
    Prices,
    UpdatedArm,
    Verdict,
)
from tunewright.study.contrasts import against
from tunewright.study.cost import arm_cost

MARGIN = 0.02
"""Differences up to this never decide: 0.02 of a share (2 points), or 2 % of the best value of another metric."""
STRICT_VALIDITY = 0.99
"""Share of valid answers that a strict format asks for: one bad answer in a hundred is about what a retry absorbs."""
NEAR_ZERO = 0.05
"""A best arm that is certainly right less often than this is of no use, however bad the others are."""
ROUNDING = 1e-9
"""Two shares that differ by exactly the margin do not differ by more."""

CHOICES: Mapping[ArmKind, Choice] = {
    "zero_shot": Choice.DO_NOT_TUNE,
    "prompted": Choice.PROMPT,
    "few_shot": Choice.FEW_SHOT,
    "retrieval": Choice.RETRIEVE,
    "endpoint": Choice.DO_NOT_TUNE,
    "tuned": Choice.TUNE,
    "tuned_retrieval": Choice.TUNE_AND_RETRIEVE,
}
"""What it means that an arm of this kind wins; the simplest kind first. A hosted model comes after everything that
runs on the user's own machine without training: every request leaves the machine and has a price."""
_SIMPLICITY = {kind: place for place, kind in enumerate(CHOICES)}


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything measured that the rules look at.

    Args:
        arms: facts of every arm.
        metric: the headline metric.
        results: its value by arm; results of other metrics are ignored.
        differences: of every pair of arms under it, with adjusted p-values (`contrasts.pairwise`).
        prices: turn the facts into costs.
        validity: share of answers in the right format by arm, under one metric; empty when it was not measured.
        updated: every arm after the documents were exchanged; empty when they were not.
        floor: what one answer to all inputs reaches under the headline metric; None counts as 0.
        above_floor: every arm minus that one answer, with adjusted p-values (`contrasts.above_floor`).
        judge: whose answers a model prefers; told, and ignored by the rules.
        incomplete: why arms failed on too many rows to be compared, by arm (`contrasts.why_incomplete`).
        num_scored: items with a value of the headline metric, under the arm that has the most.
    """

    arms: Sequence[ArmFacts]
    metric: Metric
    results: Sequence[ArmMetric]
    differences: Sequence[Difference]
    prices: Prices
    validity: Sequence[ArmMetric] = ()
    floor: Estimate | None = None
    above_floor: Sequence[Difference] = ()
    updated: Sequence[UpdatedArm] = ()
    judge: JudgeComparison | None = None
    incomplete: Mapping[str, str] = field(default_factory=dict)
    num_scored: int = 0

    def costs(self, needs: Needs) -> dict[str, ArmCost]:
        """Costs by arm."""
        return {facts.name: arm_cost(facts, self.prices, needs) for facts in self.arms}

    def estimate_of(self, arm: str) -> Estimate | None:
        """Value of the headline metric."""
        own = (result for result in self.results if (result.arm, result.metric) == (arm, self.metric.name))
        return next((result.estimate for result in own), None)

    @property
    def is_floor_enough(self) -> bool:
        """Whether the floor is so high that no arm can be above it by more than the margin."""
        return self.floor is not None and self.metric.is_share and self.floor.low + MARGIN + ROUNDING >= 1

    def gain_of(self, arm: str) -> Difference | None:
        """An arm minus the one answer to all inputs; None where there is no interval of it."""
        own = (change for change in self.above_floor if change.arm == arm and change.estimate is not None)
        return next(own, None)

    @property
    def is_unmeasured(self) -> bool:
        """Whether no arm has a value of the headline metric."""
        return all(self.estimate_of(facts.name) is None for facts in self.arms)

    def why_unmeasured(self, arm: str) -> str:
        """Why there is no value of the headline metric, in brackets; empty where no reason was given."""
        own = (result for result in self.results if (result.arm, result.metric) == (arm, self.metric.name))
        return next((f" ({result.reason})" for result in own if result.reason), "")

    @property
    def num_comparisons(self) -> int:
        """Tests that share the 5 %."""
        return sum(change.metric == self.metric.name and change.p_value is not None for change in self.differences)


class Standing(Enum):
    """How an arm compares with the best one, beyond chance."""

    AS_GOOD = auto()
    WORSE = auto()
    UNDECIDED = auto()


@dataclass(frozen=True, slots=True)
class Ruling:
    """What the rules say, before it is put into words."""

    choice: Choice
    winner: ArmFacts | None
    """None when no arm meets the needs, none works, or none could be measured."""
    best: ArmFacts | None
    """The candidate with the best value."""
    excluded: Mapping[str, str]
    """Reason by arm."""
    to_best: Mapping[str, Difference]
    """Every other candidate minus the best one."""
    standings: Mapping[str, Standing]
    """Of every candidate, the simplest first."""
    floor: Standing | None = None
    """How one answer to all inputs compares with the best candidate; None where the metric or the rows say nothing."""
    blocking: ArmFacts | None = None
    """With too few rows: the simplest arm that may be as good as the winner after all; None when all lack rows, or
    none is known to do better than the floor."""
    rows_needed: int | None = None


def rule(evidence: Evidence, needs: Needs) -> Ruling:
    """Apply the rules of this page to what was measured."""
    excluded = _excluded(evidence, needs)
    candidates = sorted(
        (facts for facts in evidence.arms if facts.name not in excluded), key=lambda facts: _SIMPLICITY[facts.kind]
    )
    if evidence.is_unmeasured:
        # Items that could not be scored do not tell how many more would be.
        needed = MIN_ITEMS_FOR_VERDICT - evidence.num_scored if evidence.num_scored else None
        return Ruling(Choice.TOO_FEW_ROWS, None, None, excluded, {}, {}, rows_needed=needed)
    if not candidates:
        return Ruling(Choice.DO_NOT_TUNE, None, None, excluded, {}, {})
    best = _best(evidence, candidates)
    names = {facts.name for facts in candidates}
    to_best = {
        change.arm: change
        for change in against(evidence.differences, evidence.metric.name, best.name)
        if change.arm in names
    }
    standings = {facts.name: _standing(evidence, facts, best, to_best.get(facts.name)) for facts in candidates}
    floor = _floor_standing(evidence, best)
    if floor is Standing.AS_GOOD:
        return Ruling(Choice.NONE_WORKS, None, best, excluded, to_best, standings, floor)
    winner = next(facts for facts in candidates if standings[facts.name] is Standing.AS_GOOD)
    ruling = Ruling(CHOICES[winner.kind], winner, best, excluded, to_best, standings, floor)
    return _held_back(evidence, candidates, ruling)


def margin_of(metric: Metric, best: Estimate) -> float:
    """Differences up to this do not decide, in the unit of the metric."""
    return MARGIN if metric.is_share else MARGIN * abs(best.value)


def shortfall(metric: Metric, change: Difference) -> tuple[float, float] | None:
    """By how much an arm is worse than the baseline, and at most so by the interval; negative where it is better."""
    found = change.estimate
    if found is None:
        return None
    return (-found.value, -found.low) if metric.higher_is_better else (found.value, found.high)


def missing_rows(evidence: Evidence, ruling: Ruling, arm: str) -> int | None:
    """Test rows that would show whether `arm` is worse than the best candidate; None where the two have no interval."""
    assert ruling.best is not None
    best, change = evidence.estimate_of(ruling.best.name), ruling.to_best.get(arm)
    if best is None or change is None or change.estimate is None:
        return None
    # A loss of 0 has no relative margin, and its difference none to find.
    smallest = margin_of(evidence.metric, best) or MARGIN
    return num_rows_to_settle(change.estimate, smallest, max(1, evidence.num_comparisons))


def _excluded(evidence: Evidence, needs: Needs) -> dict[str, str]:
    """The first reason against each arm that the needs rule out."""
    costs = evidence.costs(needs)
    reasons = {facts.name: _why_excluded(facts, costs[facts.name], evidence, needs) for facts in evidence.arms}
    return {name: reason for name, reason in reasons.items() if reason is not None}


def _why_excluded(facts: ArmFacts, cost: ArmCost, evidence: Evidence, needs: Needs) -> str | None:
    if evidence.estimate_of(facts.name) is None:
        return f"its {evidence.metric.title} could not be measured{evidence.why_unmeasured(facts.name)}"
    if facts.name in evidence.incomplete:
        return evidence.incomplete[facts.name]
    if needs.knowledge_changes == "often":
        if not facts.uses_documents and any(other.uses_documents for other in evidence.arms):
            return "knowledge changes often, and it reads no documents"
        if any(found.arm == facts.name and found.verdict is Verdict.WORSE for found in evidence.updated):
            return "knowledge changes often, and it kept to the old answers when the documents changed"
    if needs.strict_format and (invalid := _invalid(evidence, facts.name)):
        return invalid
    if needs.budget_per_month is not None and (cost.per_month is None or cost.per_month > needs.budget_per_month):
        return f"its cost is not known: {cost.reason}" if cost.reason else "it exceeds the budget"
    return None


def _invalid(evidence: Evidence, arm: str) -> str | None:
    complete = [result for result in evidence.validity if result.arm not in evidence.incomplete]
    found = {result.arm: result.estimate for result in complete if result.estimate is not None}
    if arm not in found:
        return None
    most_valid = max(found.values(), key=lambda estimate: estimate.value)
    own = found[arm]
    if own.high >= min(STRICT_VALIDITY, most_valid.low):
        return None
    return f"the format must be strict, and {own.value:.1%} of its answers are valid [{own.low:.1%}, {own.high:.1%}]"


def _best(evidence: Evidence, candidates: Sequence[ArmFacts]) -> ArmFacts:
    """The candidate with the best value, the simplest of equals."""
    sign = 1.0 if evidence.metric.higher_is_better else -1.0

    def goodness(facts: ArmFacts) -> float:
        found = evidence.estimate_of(facts.name)
        assert found is not None, "arms without a value are no candidates"
        return sign * found.value

    return max(candidates, key=goodness)


def _floor_standing(evidence: Evidence, best: ArmFacts) -> Standing | None:
    """How one answer to all inputs compares with the best arm: where it is as good, no other arm does anything either.

    Drawn from intervals alone: near the floor a value is above it in half of all studies whatever the arm does.
    """
    found, metric = evidence.estimate_of(best.name), evidence.metric
    assert found is not None, "arms without a value are no candidates"
    if not (metric.is_share and metric.higher_is_better) or found.num_independent < MIN_ITEMS_FOR_VERDICT:
        return None
    if found.high < NEAR_ZERO or evidence.is_floor_enough:
        return Standing.AS_GOOD
    gain = evidence.gain_of(best.name)
    if gain is None or gain.estimate is None:
        return Standing.WORSE if found.low > 0 else Standing.UNDECIDED
    if gain.estimate.high <= MARGIN + ROUNDING:
        return Standing.AS_GOOD
    return Standing.WORSE if gain.verdict is Verdict.BETTER else Standing.UNDECIDED


def _rows_to_leave_floor(evidence: Evidence, best: ArmFacts) -> int:
    """Test rows that would show whether the best arm is above the floor, or below NEAR_ZERO: the fewer of the two."""
    found, gain = evidence.estimate_of(best.name), evidence.gain_of(best.name)
    assert found is not None
    gained = gain.estimate if gain and gain.estimate else found
    needed = num_rows_to_settle(gained, MARGIN, max(1, len(evidence.above_floor)))
    if found.value < NEAR_ZERO:
        missing = found.model_copy(update={"value": found.value - NEAR_ZERO})
        needed = min(needed, num_rows_to_settle(missing, ROUNDING, 1))
    return needed


def _standing(evidence: Evidence, facts: ArmFacts, best: ArmFacts, change: Difference | None) -> Standing:
    if facts == best:
        return Standing.AS_GOOD
    gap = shortfall(evidence.metric, change) if change else None
    best_value = evidence.estimate_of(best.name)
    if gap is None or change is None or best_value is None:
        return Standing.UNDECIDED
    margin = margin_of(evidence.metric, best_value)
    is_significant = change.verdict is not Verdict.TOO_FEW_ROWS
    is_within = gap[0] <= margin + ROUNDING
    if is_within and (not is_significant or gap[1] <= margin + ROUNDING):
        return Standing.AS_GOOD
    return Standing.WORSE if is_significant else Standing.UNDECIDED


def _held_back(evidence: Evidence, candidates: Sequence[ArmFacts], ruling: Ruling) -> Ruling:
    """The ruling, or too few rows in its place."""
    assert ruling.winner is not None
    assert ruling.best is not None
    found = evidence.estimate_of(ruling.best.name)
    assert found is not None
    if found.num_rows < MIN_ITEMS_FOR_VERDICT:
        missing = [missing_rows(evidence, ruling, name) or 1 for name in ruling.to_best]
        needed = max([MIN_ITEMS_FOR_VERDICT - found.num_rows, *missing])
        return _too_few(ruling, None, needed)
    if ruling.floor is Standing.UNDECIDED:
        return _too_few(ruling, None, _rows_to_leave_floor(evidence, ruling.best))
    simpler = candidates[: candidates.index(ruling.winner)]
    blocking = [
        facts
        for facts in simpler
        if ruling.standings[facts.name] is Standing.UNDECIDED and _spares_work(facts, ruling.winner)
    ]
    if not blocking:
        return ruling
    known = [rows for facts in blocking if (rows := missing_rows(evidence, ruling, facts.name)) is not None]
    return _too_few(ruling, blocking[0], max(known, default=None))


def _spares_work(arm: ArmFacts, winner: ArmFacts) -> bool:
    return (winner.is_tuned and not arm.is_tuned) or (winner.uses_documents and not arm.uses_documents)


def _too_few(ruling: Ruling, blocking: ArmFacts | None, rows_needed: int | None) -> Ruling:
    return replace(ruling, choice=Choice.TOO_FEW_ROWS, blocking=blocking, rows_needed=rows_needed)
