"""Knowledge that changed: who gives the answers that are right now, after the documents were exchanged.

Each answer is compared with the one that was right and the one that is right. It counts as new, old or neither by
which of the two it is nearer to, under the headline metric; so one measure serves labels, JSON and free text.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from tunewright.contracts import PassageIndex
from tunewright.evaluate import ArmScores, TestItem, test_items
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import difference, estimate
from tunewright.records import Difference, EvaluateRecipe, Example, Metric, Score, UpdatedArm
from tunewright.study.arms import Retrieval
from tunewright.study.contrasts import corrected
from tunewright.study.options import Option

_RIGHT_OR_WRONG = SCORERS["accuracy"].metric
"""Its statistics: a share of rows, and McNemar's test (or one by groups) between two shares of the same rows."""


@dataclass(frozen=True, slots=True)
class UpdatedItems:
    """The same inputs twice: with the answers that were right, and with those that are right now."""

    old: tuple[TestItem, ...]
    new: tuple[TestItem, ...]


def pair_with_old(new: Sequence[TestItem], rows: Sequence[Example]) -> tuple[UpdatedItems, tuple[TestItem, ...]]:
    """Find the answers that the data has for the inputs whose answer changed.

    Args:
        new: inputs with the answers that are right now.
        rows: of the data, all splits.
    Returns:
        The pairs, and the inputs that no row of the data has, or whose answer is there already.
    """
    item_of = {item.example.input_id: item for item in test_items(rows, None)}
    old, changed, others = [], [], []
    for item in new:
        known = item_of.get(item.example.input_id)
        if known is None or not known.references or set(item.references) & set(known.references):
            others.append(item)
            continue
        changed.append(replace(item, group=known.group))
        old.append(replace(item, references=known.references, group=known.group))
    return UpdatedItems(tuple(old), tuple(changed)), tuple(others)


def with_index(option: Option, index: PassageIndex) -> Option:
    """The option as it is after the documents were exchanged; one that reads none is the same as before."""
    if not isinstance(option.arm, Retrieval):
        return option
    return replace(option, arm=replace(option.arm, index=index))


Judge = Callable[[Option, Sequence[TestItem]], ArmScores]
"""Asks an option the items and scores its answers under the headline metric."""


def measure_update(
    arm: str, option: Option, index: PassageIndex, items: UpdatedItems, judge: Judge, metric: Metric,
    recipe: EvaluateRecipe,
) -> tuple[UpdatedArm, Difference]:  # fmt: skip
    """Ask one arm before and after the exchange.

    Args:
        option: as the arm was measured, with the old documents.
        index: of the new documents.
        metric: the headline metric.
    Returns:
        The arm with the verdict it has alone, and the difference of new and old answers that the verdict is on.
    """
    swapped = with_index(option, index)
    before = judge(option, items.old).of(metric.name)
    as_new, as_old = (judge(swapped, side).of(metric.name) for side in (items.new, items.old))
    is_new, is_old = _nearer(as_new, as_old, metric), _nearer(as_old, as_new, metric)
    sampling = (recipe.num_resamples, recipe.seed)
    change = difference(_RIGHT_OR_WRONG, "new answers", "old answers", is_new, is_old, *sampling)
    found = UpdatedArm(
        arm=arm,
        reads_documents=isinstance(option.arm, Retrieval),
        before=estimate(metric, before, *sampling),
        after=estimate(metric, as_new, *sampling),
        share_new=estimate(_RIGHT_OR_WRONG, is_new, *sampling),
        num_new=_count(is_new),
        num_old=_count(is_old),
        num_items=len(items.new),
        verdict=change.verdict,
    )
    return found, change


def with_corrected_verdicts(measured: Sequence[tuple[UpdatedArm, Difference]]) -> tuple[UpdatedArm, ...]:
    """The arms of a study with the verdicts that survive Holm's correction over them: several were tried."""
    changes = corrected([change for _, change in measured])
    return tuple(
        arm.model_copy(update={"verdict": change.verdict}) for (arm, _), change in zip(measured, changes, strict=True)
    )


def _nearer(scores: Sequence[Score], others: Sequence[Score], metric: Metric) -> list[Score]:
    """1 for each item whose answer scores better here than there, 0 for each other; unscored ones stay unscored."""
    sign = 1.0 if metric.higher_is_better else -1.0
    other_of: Mapping[str, Score] = {score.example_id: score for score in others}
    found = []
    for score in scores:
        other = other_of[score.example_id]
        value, reason = None, score.reason or other.reason
        if score.value is not None and other.value is not None:
            value = float(sign * score.value > sign * other.value)
        found.append(
            Score(example_id=score.example_id, metric="accuracy", value=value, reason=reason, group=score.group)
        )
    return found


def _count(scores: Sequence[Score]) -> int:
    return sum(score.value == 1.0 for score in scores)
