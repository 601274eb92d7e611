"""A suite as token sequences, its scores under a model, and how far they fell since the base."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from tunewright.contracts import Advance
from tunewright.errors import RenderError
from tunewright.evaluate.retention.item import Kind, Writing
from tunewright.evaluate.retention.suite import OVERALL, RetentionSuite
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.records import (
    Estimate,
    EvaluateRecipe,
    Example,
    PlainText,
    Provenance,
    Record,
    RetentionPart,
    RetentionRecipe,
    RetentionResult,
    Score,
)
from tunewright.render import Renderer, TokenSequence

_STATISTIC = {kind: SCORERS["loss" if kind is Kind.LOSS else "accuracy"].metric for kind in Kind}
"""What turns the scores of a part into its value: a mean over tokens, or a share."""


class SequenceModel(Protocol):
    """A model that tells how probable token sequences are."""

    def sequence_losses(self, sequences: Sequence[TokenSequence], advance: Advance) -> list[float]:
        """Loss of each sequence's trained tokens in nats, in order."""


class RetentionScores(Record):
    """One score for each item, by part."""

    scores: dict[str, tuple[Score, ...]]


@dataclass(frozen=True, slots=True)
class _RenderedItem:
    id: str
    sequences: tuple[TokenSequence, ...]
    reason: str | None
    """Why the item cannot be scored; it then has no sequence."""


@dataclass(frozen=True, slots=True)
class RenderedSuite:
    """A suite in the tokens of one base, made once for a whole run."""

    suite: RetentionSuite
    items: tuple[tuple[_RenderedItem, ...], ...]
    """By part, in its order."""

    @property
    def num_tokens(self) -> int:
        """Tokens that one measurement reads."""
        return sum(len(sequence.token_ids) for sequence in self._sequences())

    def measure(self, model: SequenceModel, advance: Advance) -> RetentionScores:
        """Score every item. Draws no random number, so training goes on as if nothing had been measured."""
        losses = iter(model.sequence_losses(self._sequences(), advance))
        scores = {
            part.name: tuple(_score(part.kind, item, [next(losses) for _ in item.sequences]) for item in items)
            for part, items in zip(self.suite.parts, self.items, strict=True)
        }
        return RetentionScores(scores=scores)

    def _sequences(self) -> list[TokenSequence]:
        return [sequence for items in self.items for item in items for sequence in item.sequences]


def render_suite(suite: RetentionSuite, renderer: Renderer, max_length: int) -> RenderedSuite:
    """Turn every item into tokens. An item that does not fit is kept and unscored.

    Args:
        renderer: of the base; its limits, which follow the user's rows, are not used.
        max_length: most tokens of a sequence.
    """
    fitted = renderer.fitted(max_length, max_answer_tokens=max_length // 2)
    return RenderedSuite(
        suite,
        tuple(
            tuple(_render_item(fitted, f"{part.name}/{index}", item) for index, item in enumerate(part.items))
            for part in suite.parts
        ),
    )


def _render_item(renderer: Renderer, item_id: str, item: Sequence[Writing]) -> _RenderedItem:
    sequences: list[TokenSequence] = []
    for writing in item:
        example = Example(body=writing, provenance=Provenance(source=item_id, row=1))
        try:
            rendered = renderer.render(example)
        except RenderError as error:
            return _RenderedItem(item_id, (), str(error))
        if len(rendered) != 1 or rendered[0].cut:
            return _RenderedItem(item_id, (), f"longer than the {renderer.max_length} tokens of the context")
        sequences.append(_without_end(rendered[0]) if isinstance(writing, PlainText) else rendered[0])
    return _RenderedItem(item_id, tuple(sequences), None)


def _without_end(sequence: TokenSequence) -> TokenSequence:
    """A text without the token that ends a document: bases differ in whether they have ever seen it behind a text."""
    if len(sequence.token_ids) <= 2:  # two are needed for one to be predicted
        return sequence
    return replace(sequence, token_ids=sequence.token_ids[:-1], loss_weights=sequence.loss_weights[:-1])


def _score(kind: Kind, item: _RenderedItem, losses: Sequence[float]) -> Score:
    name = item.id.rpartition("/")[0]
    reason = item.reason
    if not reason and not all(loss < float("inf") for loss in losses):  # NaN is not less either
        reason = f"the losses are {', '.join(f'{loss:.3g}' for loss in losses)}"
    if reason:
        return Score(example_id=item.id, metric=name, value=None, reason=reason)
    if kind is Kind.LOSS:
        num_tokens = item.sequences[0].num_trained_tokens
        return Score(example_id=item.id, metric=name, value=losses[0] / num_tokens, weight=num_tokens)
    if kind is Kind.CHOICE:
        return Score(example_id=item.id, metric=name, value=float(losses[0] < losses[1]))
    first_yes, first_no, second_yes, second_no = losses
    return Score(example_id=item.id, metric=name, value=float((first_yes < first_no) != (second_yes < second_no)))


def compare_retention(
    suite: RetentionSuite,
    base: RetentionScores,
    now: RetentionScores,
    recipe: RetentionRecipe,
    statistics: EvaluateRecipe,
) -> RetentionResult:
    """Give the value of every part with its interval, and its drop since the base on the same items.

    The drop of a share is base minus now. The drop of general text is the rise of its loss as a share of the base's
    loss, whose own uncertainty does not count.

    Args:
        base, now: scores of this suite.
        recipe: how far a part may fall.
        statistics: number of resamples and seed of the intervals.
    """
    lines = [
        _compare(part.name, part.kind, base.scores[part.name], now.scores[part.name], recipe, statistics)
        for part in suite.parts
    ]
    choices = [part.name for part in suite.parts if part.kind is Kind.CHOICE]
    base_choices, choices_now = (
        tuple(score for name in choices for score in found.scores[name]) for found in (base, now)
    )
    overall = _compare(OVERALL.name, Kind.CHOICE, base_choices, choices_now, recipe, statistics)
    return RetentionResult(parts=(overall, *lines))


def _compare(
    name: str,
    kind: Kind,
    base: Sequence[Score],
    now: Sequence[Score],
    recipe: RetentionRecipe,
    statistics: EvaluateRecipe,
) -> RetentionPart:
    metric = _STATISTIC[kind]
    sampling = (statistics.num_resamples, statistics.seed)
    # A rising loss or a rising rate of changed answers is the drop; a falling share of right answers is.
    arms = (base, now) if kind is Kind.CHOICE else (now, base)
    drop = difference(metric, "", "", *arms, *sampling).estimate
    if drop is not None and kind is Kind.LOSS:
        drop = _relative(drop, base, now)
    limits = {Kind.LOSS: recipe.max_loss_increase, Kind.CHOICE: recipe.max_drop, Kind.TWINS: None}
    return RetentionPart(part=name, estimate=estimate(metric, now, *sampling), drop=drop, limit=limits[kind])


def _relative(rise: Estimate, base: Sequence[Score], now: Sequence[Score]) -> Estimate:
    """The rise as a share of the base's loss over the items that both scored."""
    scored = {score.example_id for score in now if score.value is not None}
    common = [score for score in base if score.value is not None and score.example_id in scored]
    loss = sum((score.value or 0.0) * score.weight for score in common) / sum(score.weight for score in common)
    scaled = {end: getattr(rise, end) / loss for end in ("value", "low", "high")}
    return rise.model_copy(update=scaled)
