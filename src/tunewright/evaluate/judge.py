"""The judge: asks a system every test item once and scores what comes back."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from tunewright.contracts import ChatModel, Progress, ScoringModel
from tunewright.data.checks.answers import normal_label
from tunewright.evaluate.aggregate import Aggregate, LabelScore
from tunewright.evaluate.canonical import canonical_text
from tunewright.evaluate.scorers import SCORERS, Scorer
from tunewright.evaluate.task import TestItem
from tunewright.evaluate.thoughts import without_thoughts
from tunewright.evaluate.tool_answers import calls_in
from tunewright.records import Answer, Record, Score, TokenLoss

ScoredText = Callable[[str, Sequence[str]], str]
"""What of an answer is compared, given the answer and the references of its item."""


def whole_answer(answer: str, references: Sequence[str]) -> str:
    """All of an answer but the thoughts before it: the ScoredText of a system that was asked for the answer alone."""
    return without_thoughts(answer, references)


class ArmScores(Record):
    """Everything measured about one arm: one score per metric and item, and the answers behind them."""

    arm: str
    scores: tuple[LabelScore | Score, ...]
    answers: dict[str, Answer]
    """By id of the item's example; empty when no metric needs an answer."""

    def of(self, metric: str) -> tuple[Score, ...]:
        """The scores of one metric, in the order of the items."""
        return tuple(score for score in self.scores if score.metric == metric)


def judge(
    system: ChatModel,
    scoring: ScoringModel | None,
    items: Sequence[TestItem],
    metrics: Sequence[str],
    progress: Progress,
    arm: str,
    scored_text: ScoredText = whole_answer,
) -> ArmScores:
    """Answer and score every item, once.

    What cannot be scored (a failed answer, a loss that is not a number) is an unscored Score with its reason, so
    every metric has exactly one score per item.

    Args:
        system: writes the answers; not asked when `metrics` holds loss metrics only.
        scoring: gives the token probabilities; may be None when `metrics` holds text metrics only.
        metrics: names from SCORERS.
        arm: name of the system in progress bars and in the report.
        scored_text: what of an answer is compared with the references; all of it by default.
    """
    text_scorers = [SCORERS[name] for name in metrics if SCORERS[name].score is not None]
    loss_scorers = [SCORERS[name] for name in metrics if SCORERS[name].score is None]
    answers = _ask(system, items, progress, arm) if text_scorers else {}
    assert scoring is not None or not loss_scorers, f"{arm} has no probabilities to measure a loss with"
    losses = _item_losses(scoring, items, progress, arm) if scoring and loss_scorers else []
    scores = [_answer_score(scorer, item, answers, scored_text) for scorer in text_scorers for item in items]
    scores += [
        _loss_score(scorer, item, loss) for scorer in loss_scorers for item, loss in zip(items, losses, strict=True)
    ]
    return ArmScores(arm=arm, scores=tuple(scores), answers=answers)


def rescore(
    judged: ArmScores, items: Sequence[TestItem], scorers: Sequence[Scorer], scored_text: ScoredText = whole_answer
) -> ArmScores:
    """Add the scores of further scorers to an arm, from the answers that it has given. Nothing is asked again.

    Args:
        scorers: of texts, such as those of evaluate/formats.py and evaluate/house.py; a metric that the arm has
            already been judged by is left as it is.
        scored_text: as in `judge`.
    """
    known = {score.metric for score in judged.scores}
    added = [
        _answer_score(scorer, item, judged.answers, scored_text)
        for scorer in scorers
        if scorer.metric.name not in known
        for item in items
    ]
    return judged.model_copy(update={"scores": (*judged.scores, *added)})


def _ask(system: ChatModel, items: Sequence[TestItem], progress: Progress, arm: str) -> dict[str, Answer]:
    asked = [item for item in items if item.prompt]
    with progress.bar(f"Answers of {arm}", len(asked)) as advance:
        answers = system.answer([item.prompt for item in asked], advance)
    return {item.example.id: answer for item, answer in zip(asked, answers, strict=True)}


def _item_losses(
    scoring: ScoringModel, items: Sequence[TestItem], progress: Progress, arm: str
) -> list[TokenLoss | str]:
    examples = [example for item in items for example in item.examples]
    with progress.bar(f"Loss of {arm}", len(examples)) as advance:
        losses = scoring.token_losses(examples, advance)
    assert len(losses) == len(examples)
    remaining = iter(losses)
    return [_sum([next(remaining) for _ in item.examples]) for item in items]


def _sum(losses: Sequence[TokenLoss | str]) -> TokenLoss | str:
    """Loss over the rows of one item. One row without a loss leaves the item without: arms must cover equal tokens."""
    reasons = [loss for loss in losses if isinstance(loss, str)]
    if reasons:
        return reasons[0] if len(losses) == 1 else f"{len(reasons)} of {len(losses)} rows of this input: {reasons[0]}"
    measured = [loss for loss in losses if isinstance(loss, TokenLoss)]
    return TokenLoss(
        sum_nats=sum(loss.sum_nats for loss in measured), num_tokens=sum(loss.num_tokens for loss in measured)
    )


def _loss_score(scorer: Scorer, item: TestItem, loss: TokenLoss | str) -> Score:
    name = scorer.metric.name
    score_of = partial(Score, example_id=item.example.id, metric=name, group=item.group)
    if isinstance(loss, str):
        return score_of(value=None, reason=loss)
    if loss.num_tokens == 0:
        return score_of(value=None, reason="the row has no trained token")
    value = loss.sum_nats / loss.num_tokens
    if scorer.aggregate is Aggregate.PERPLEXITY:
        value = _exp(value)
    if not math.isfinite(value):
        return score_of(value=None, reason=f"the {name} is {value}")
    return score_of(value=value, weight=loss.num_tokens)


def _exp(value: float) -> float:
    try:
        return math.exp(value)
    except OverflowError:
        return math.inf


def _answer_score(scorer: Scorer, item: TestItem, answers: Mapping[str, Answer], scored_text: ScoredText) -> Score:
    assert scorer.score is not None
    name, example_id = scorer.metric.name, item.example.id
    score_of = partial(Score, example_id=example_id, metric=name, group=item.group)
    answer = answers.get(example_id)
    references = [text for text in map(canonical_text, item.references) if scorer.can_judge(text)]
    if answer is None:
        return score_of(value=None, reason="the row is plain text: there is nothing to answer")
    if answer.text is None:
        return score_of(value=None, reason=answer.reason)
    if not references:
        return score_of(value=None, reason=f"the reference is not {scorer.needs}")
    whole = whole_answer(answer.text, item.references)
    compared = (calls_in(whole) or whole) if item.expects_calls else scored_text(answer.text, item.references)
    text = canonical_text(compared)
    value = scorer.score(text, references)
    if scorer.aggregate is not Aggregate.MACRO_F1:
        return score_of(value=value)
    predicted, label = _label_pair(text, references)
    return LabelScore(
        example_id=example_id, metric=name, value=value, predicted=predicted, label=label, group=item.group
    )


def _label_pair(answer: str, references: Sequence[str]) -> tuple[str, str]:
    """Predicted and true label; any of several true labels counts as the first of them.

    The labels that macro F1 averages over are then those of the references, whatever an arm answers.
    """
    predicted = normal_label(answer)
    labels = [normal_label(reference) for reference in references]
    return labels[0] if predicted in labels else predicted, labels[0]
