"""The decision in words: what to do, the facts behind it, and what would have to be different for another answer."""

from collections.abc import Iterator

from tunewright.records import (
    ArmFacts,
    Choice,
    Decision,
    Difference,
    Estimate,
    Needs,
    format_amount,
    format_break_even,
    format_estimate,
    format_judge,
    format_p_value,
    format_rate,
)
from tunewright.study.cost import DAYS_PER_MONTH, break_even
from tunewright.study.rules import (
    MARGIN,
    STRICT_VALIDITY,
    Evidence,
    Ruling,
    Standing,
    margin_of,
    missing_rows,
    rule,
    shortfall,
)


def decide(evidence: Evidence, needs: Needs) -> Decision:
    """Say which arm to use and why, by the rules of study/rules.py.

    Args:
        evidence: facts, headline results and pairwise differences of all arms, prices, and the validity of formats.
        needs: what the user stated; the decision says where another need would change it.
    """
    ruling = rule(evidence, needs)
    explained = _Explained(evidence, needs, ruling)
    chosen = ruling.winner
    if ruling.choice is Choice.TOO_FEW_ROWS:
        chosen = ruling.blocking or explained.simplest
    return Decision(
        choice=ruling.choice,
        arm=chosen.name if chosen else None,
        headline=explained.headline(),
        reasons=tuple(explained.reasons()),
        what_would_change_it=tuple(explained.what_would_change_it()),
        rows_needed=ruling.rows_needed,
    )


class _Explained:
    """One ruling, sentence by sentence."""

    def __init__(self, evidence: Evidence, needs: Needs, ruling: Ruling) -> None:
        self.evidence = evidence
        self.needs = needs
        self.ruling = ruling
        self.costs = evidence.costs(needs)
        self.facts_of = {facts.name: facts for facts in evidence.arms}

    @property
    def simplest(self) -> ArmFacts | None:
        """The simplest candidate."""
        return next((self.facts_of[name] for name in self.ruling.standings), None)

    def headline(self) -> str:
        """The decision in one sentence."""
        winner = self.ruling.winner
        if self.ruling.choice is Choice.NONE_WORKS:
            return self._one_answer_is_enough() or f"None of these works: {self._nothing_reached()}."
        if self.ruling.choice is Choice.TOO_FEW_ROWS:
            return self._too_few_rows(winner) if winner else self._nothing_measured()
        if winner is None:
            return "Don't fine-tune yet: no arm meets the stated needs."
        if winner.kind == "endpoint":
            return f"Don't fine-tune: the hosted model ({winner.name}) does as well as any arm that meets the needs."
        opening = {
            Choice.DO_NOT_TUNE: "Don't fine-tune: the model as it is",
            Choice.PROMPT: "Don't fine-tune: a prompt",
            Choice.FEW_SHOT: "Don't fine-tune: a prompt with examples",
            Choice.RETRIEVE: "Don't fine-tune, retrieve: passages of the documents in the prompt",
            Choice.TUNE: "Fine-tune",
            Choice.TUNE_AND_RETRIEVE: "Both, fine-tune and retrieve",
        }[self.ruling.choice]
        if winner.is_tuned:
            return f"{opening}: no simpler arm that meets the needs is as good as {winner.name}."
        return f"{opening} ({winner.name}) does as well as any arm that meets the needs."

    def _one_answer_is_enough(self) -> str | None:
        """What is said where the floor is so high that no arm could be above it by more than the margin."""
        floor, metric = self.evidence.floor, self.evidence.metric
        if floor is None or not self.evidence.is_floor_enough:
            return None
        figure = " ".join(format_estimate(floor, metric))
        return (
            f"None of these is needed: one answer to all inputs reaches {figure} of {metric.title}, and no arm could "
            f"be better by more than {100 * MARGIN:g} points."
        )

    def _nothing_reached(self) -> str:
        """Why the best arm is of no use."""
        best, floor = self.ruling.best, self.evidence.floor
        assert best is not None
        found = self.evidence.estimate_of(best.name)
        assert found is not None
        figure = " ".join(format_estimate(found, self.evidence.metric))
        text = f"the best arm ({best.name}) reaches {figure} of {self.evidence.metric.title}"
        gain = self.evidence.gain_of(best.name)
        if gain is None or not floor or floor.value == 0:
            return text
        of_floor = " ".join(format_estimate(floor, self.evidence.metric))
        return f"{text}, and one answer to all inputs {of_floor}; the difference is {self._change(gain)}"

    def _nothing_measured(self) -> str:
        """What is said where no arm has a value: rows are too few, or none of them could be scored."""
        rows, first = self.ruling.rows_needed, self.evidence.arms[0].name
        if rows is not None:
            return f"Too few test rows to tell the arms apart: about {rows:,} more would settle it."
        why = self.evidence.why_unmeasured(first)
        return f"Nothing could be measured: no arm has a value of {self.evidence.metric.title}{why}."

    def _too_few_rows(self, winner: ArmFacts) -> str:
        rows = self.ruling.rows_needed
        settle = "more test rows would settle it" if rows is None else f"about {rows:,} more would settle it"
        if self.ruling.floor is Standing.UNDECIDED and self.ruling.best is not None:
            question = f"{self.ruling.best.name} is better than one answer to all inputs"
            return f"Too few test rows to tell whether {question}: {settle}."
        if self.ruling.blocking is None:
            return f"Too few test rows to tell the arms apart: {settle}."
        return f"Too few test rows to tell whether {winner.name} is better than {self.ruling.blocking.name}: {settle}."

    def reasons(self) -> Iterator[str]:
        """What was measured for and against it, the winner's value first; each a sentence."""
        winner, best = self.ruling.winner, self.ruling.best
        if best is not None and winner is None:
            yield from (reason for name in self.ruling.standings for reason in self._value(self.facts_of[name]))
            yield from self._floor()
        if winner is not None and best is not None:
            yield from self._value(winner)
            if best != winner:
                yield from self._value(best)
            yield from self._floor()
            yield from (
                self._comparison(name, standing)
                for name, standing in self.ruling.standings.items()
                if name != best.name
            )
            yield self._money(winner)
        yield from (f"{name} was left out: {reason}." for name, reason in self.ruling.excluded.items())
        yield from self._needs()
        yield from self._followed()
        if self.evidence.judge is not None:
            yield f"{format_judge(self.evidence.judge)} It decides nothing."
        yield from self._earned_back()

    def _value(self, facts: ArmFacts) -> Iterator[str]:
        found = self.evidence.estimate_of(facts.name)
        if found is not None:
            figure = " ".join(format_estimate(found, self.evidence.metric))
            yield f"{self.evidence.metric.title} of {facts.name} is {figure} on {found.num_rows} test inputs."

    def _floor(self) -> Iterator[str]:
        floor, best = self.evidence.floor, self.ruling.best
        if floor is None:
            return
        figure = " ".join(format_estimate(floor, self.evidence.metric))
        reached = f"One answer to all inputs, without reading them, would reach {figure}"
        gain = self.evidence.gain_of(best.name) if best else None
        if best is None or gain is None or self.ruling.floor is None:
            yield f"{reached}."
            return
        compared = {
            Standing.AS_GOOD: f"{best.name} is of no use beside that",
            Standing.WORSE: f"{best.name} is better",
            Standing.UNDECIDED: f"{best.name} may be better, or that may be chance",
        }[self.ruling.floor]
        yield f"{reached}; {compared}: {self._change(gain)}."

    def _comparison(self, name: str, standing: Standing) -> str:
        best, change = self.ruling.best, self.ruling.to_best.get(name)
        assert best is not None
        if change is None or change.estimate is None:
            return f"{name} cannot be compared with {best.name}: hardly any input was scored under both."
        figure = self._change(change)
        return {
            Standing.AS_GOOD: f"{name} is as good as {best.name} as far as this can tell: {figure}.",
            Standing.WORSE: f"{name} is worse than {best.name}: {figure}.",
            Standing.UNDECIDED: f"{name} may be worse than {best.name}, or that may be chance: {figure}.",
        }[standing]

    def _change(self, change: Difference) -> str:
        assert change.estimate is not None
        figure = " ".join(format_estimate(change.estimate, self.evidence.metric, is_difference=True))
        p_value = change.p_value if change.adjusted_p_value is None else change.adjusted_p_value
        if p_value is None:
            return figure
        written = format_p_value(p_value)
        sign = "" if written.startswith("<") else "= "
        return f"{figure}, p {sign}{written}" + (" after Holm" if change.adjusted_p_value is not None else "")

    def _money(self, facts: ArmFacts) -> str:
        cost = self.costs[facts.name]
        if cost.per_thousand_requests is None or cost.per_month is None:
            return f"The cost of {facts.name} is not known: {cost.reason}."
        return (
            f"A thousand requests to {facts.name} cost {self._amount(cost.per_thousand_requests)}, "
            f"{self._amount(cost.per_month)} a month at {format_rate(self.needs.requests_per_day)} requests a day; "
            f"its set-up cost {self._amount(cost.set_up)} of machine time and {facts.rows_needed:,} labelled rows."
        )

    def _amount(self, amount: float) -> str:
        return format_amount(amount, self.evidence.prices.currency)

    def _needs(self) -> Iterator[str]:
        has_documents = any(facts.uses_documents for facts in self.evidence.arms)
        if self.needs.knowledge_changes == "often" and not has_documents:
            yield "Knowledge changes often, but no documents were given, so no arm can follow it."
        winner = self.ruling.winner
        if self.needs.knowledge_changes == "rarely" and winner is not None and not winner.uses_documents:
            again = "training it again" if winner.is_tuned else "a new prompt or model"
            yield f"Knowledge changes rarely: {winner.name} reads no documents, so each change asks for {again}."
        if self.needs.strict_format:
            yield from self._strict_format()

    def _followed(self) -> Iterator[str]:
        """What was seen when the documents were exchanged."""
        if self.evidence.updated:
            told = "; ".join(f"{found.arm} {found.told}" for found in self.evidence.updated)
            yield f"On {self.evidence.updated[0].num_items:,} changed answers, with the new documents: {told}."

    def _strict_format(self) -> Iterator[str]:
        values = [result.estimate.value for result in self.evidence.validity if result.estimate is not None]
        if not values:
            yield "A strict format is needed, but no metric of this study tells valid from invalid answers."
        elif max(values) < STRICT_VALIDITY:
            yield f"No arm writes {STRICT_VALIDITY:.0%} valid answers: a strict format also needs constrained decoding."

    def _earned_back(self) -> Iterator[str]:
        """Break-even of a tuned winner against the best arm without training; the other way round it is a condition."""
        winner, untuned = self.ruling.winner, self._best_untuned()
        if winner is None or not winner.is_tuned or untuned is None:
            return
        found = break_even(self.costs[winner.name], self.costs[untuned.name], self.needs)
        if found.outcome != "unknown":
            yield format_break_even(found)

    def _best_untuned(self) -> ArmFacts | None:
        sign = 1.0 if self.evidence.metric.higher_is_better else -1.0
        measured = [
            (sign * found.value, facts)
            for facts in self.evidence.arms
            if not facts.is_tuned
            and facts.name not in self.evidence.incomplete
            and (found := self.evidence.estimate_of(facts.name)) is not None
        ]
        return max(measured, key=lambda pair: pair[0])[1] if measured else None

    def what_would_change_it(self) -> Iterator[str]:
        yield from self._more_rows()
        if self.ruling.choice is Choice.NONE_WORKS or self.ruling.floor is Standing.UNDECIDED:
            yield from self._other_means()
        yield from self._other_needs()
        yield from self._budget()
        yield from self._cheaper_tuned()

    def _other_means(self) -> Iterator[str]:
        """What may work where nothing that was tried does; the tuned arms say whether rows or the base fall short."""
        if self._one_answer_is_enough():
            yield "Test rows that want different answers: where one fits nearly all of them, no arm can show anything."
            return
        yield "A larger base: --base with a model that can do more than this one before any training."
        tuned = [facts for facts in self.evidence.arms if facts.is_tuned]
        if tuned:
            yield f"More training rows, or cleaner ones: {tuned[0].name} was made from {tuned[0].rows_needed:,}."
        if not any(facts.kind == "endpoint" for facts in self.evidence.arms):
            yield (
                "A hosted model as one more arm (--endpoint URL --model NAME): if it fails as well, the inputs may not "
                "hold what the answers ask for."
            )
        yield (
            f"Another headline metric (--set 'evaluate.metrics=[...]'), if {self.evidence.metric.title} asks for more "
            "than is needed: read the answers side by side."
        )

    def _more_rows(self) -> Iterator[str]:
        """What the rows could not rule out about the winner."""
        winner, best = self.ruling.winner, self.ruling.best
        if self.ruling.floor is Standing.UNDECIDED:
            yield "More test rows, to see whether any of these works."
            return
        if self.ruling.choice is Choice.TOO_FEW_ROWS and (winner is not None or self.ruling.rows_needed is not None):
            yield "More test rows; rows for training do not help to tell the arms apart."
            return
        if winner is None or best is None:
            return
        change, found = self.ruling.to_best.get(winner.name), self.evidence.estimate_of(best.name)
        at_most = shortfall(self.evidence.metric, change) if change else None
        if at_most is None or found is None or at_most[1] <= margin_of(self.evidence.metric, found):
            return
        rows = missing_rows(self.evidence, self.ruling, winner.name)
        yield (
            f"{best.name} may be better by up to {self._size(at_most[1], found)}; about {rows:,} more test rows would "
            f"show a difference of {self._size(max(at_most[0], margin_of(self.evidence.metric, found)), found)}."
        )

    def _size(self, amount: float, like: Estimate) -> str:
        scaled = like.model_copy(update={"value": amount})
        return format_estimate(scaled, self.evidence.metric, is_difference=True)[0].removeprefix("+")

    def _other_needs(self) -> Iterator[str]:
        """The rules applied again with one need changed at a time."""
        changed: list[tuple[str, dict[str, object]]] = []
        if self.needs.knowledge_changes == "often":
            changed.append(("If knowledge did not change often", {"knowledge_changes": "rarely"}))
        else:
            changed.append(("If knowledge changed often", {"knowledge_changes": "often"}))
        is_strict = self.needs.strict_format
        changed.append(
            (f"If the format {'need not' if is_strict else 'had to'} be strict", {"strict_format": not is_strict})
        )
        if self.needs.budget_per_month is not None:
            changed.append(("Without the budget", {"budget_per_month": None}))
        for condition, update in changed:
            other = rule(self.evidence, self.needs.model_copy(update=update))
            if other.winner is not None and (other.choice, other.winner) != (self.ruling.choice, self.ruling.winner):
                yield f"{condition}: {other.choice} ({other.winner.name})."

    def _budget(self) -> Iterator[str]:
        budget, winner = self.needs.budget_per_month, self.ruling.winner
        per_request = self.costs[winner.name].per_request if winner else None
        if budget is not None and winner is not None and per_request:
            limit = format_rate(budget / (per_request * DAYS_PER_MONTH))
            yield f"Above {limit} requests a day {winner.name} costs more than {self._amount(budget)} a month."

    def _cheaper_tuned(self) -> Iterator[str]:
        winner = self.ruling.winner
        if winner is None or winner.is_tuned:
            return
        for name, standing in self.ruling.standings.items():
            if standing is not Standing.AS_GOOD or not self.facts_of[name].is_tuned:
                continue
            found = break_even(self.costs[name], self.costs[winner.name], self.needs)
            if found.outcome in ("after some requests", "from the first"):
                yield f"Money alone speaks for {name}, which is as good: {format_break_even(found)}"
