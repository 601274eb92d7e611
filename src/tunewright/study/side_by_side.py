"""Test rows worth reading: those that all arms answer well, those that none does, and those on which they differ."""

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Literal

from tunewright.evaluate.judge import ArmScores
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.task import TestItem
from tunewright.records import Message, Passage, StudyRow
from tunewright.study.compare import last_question

NUM_ROWS_OF_A_KIND = 5

FindPassages = Callable[[Sequence[Message]], tuple[Passage, ...]]
"""Gives the passages that an arm with retrieval shows beside a prompt."""


def telling_rows(
    arms: Sequence[ArmScores],
    items: Sequence[TestItem],
    headline: str,
    passages_of: Mapping[str, FindPassages],
) -> tuple[StudyRow, ...]:
    """Choose rows by the headline metric; no row twice, ties in the order of the items.

    Disagreements come first in the choice, because they tell the arms apart, and last in the result.

    Args:
        arms: judged on `items`.
        passages_of: by name of each arm with retrieval.
    """
    sign = 1.0 if SCORERS[headline].metric.higher_is_better else -1.0
    values_of = {arm.arm: {score.example_id: score.value for score in arm.of(headline)} for arm in arms}
    item_of = {item.example.id: item for item in items if item.prompt}
    goodness = {
        key: known
        for key in item_of
        if (known := [sign * value for values in values_of.values() if (value := values.get(key)) is not None])
    }
    mean = {key: fmean(known) for key, known in goodness.items()}
    spread = {key: max(known) - min(known) for key, known in goodness.items()}
    orders: dict[Literal["best", "worst", "disagreement"], list[str]] = {
        "disagreement": [key for key in sorted(spread, key=lambda key: -spread[key]) if spread[key] > 0],
        "best": sorted(mean, key=lambda key: -mean[key]),
        "worst": sorted(mean, key=mean.__getitem__),
    }
    group_of: dict[str, Literal["best", "worst", "disagreement"]] = {}
    for group, order in orders.items():
        group_of |= dict.fromkeys([key for key in order if key not in group_of][:NUM_ROWS_OF_A_KIND], group)
    return tuple(
        StudyRow(
            example_id=key,
            location=str(item_of[key].example.provenance),
            prompt=last_question(item_of[key].prompt),
            references=item_of[key].references,
            answers={arm.arm: arm.answers[key] for arm in arms},
            values={arm: values.get(key) for arm, values in values_of.items()},
            group=group,
            passages={arm: find(item_of[key].prompt) for arm, find in passages_of.items()},
        )
        for group in ("best", "worst", "disagreement")
        for key, its_group in group_of.items()
        if its_group == group
    )
