"""Whether two arms are equally good, which is more than that no difference was found."""

from collections.abc import Sequence

import numpy as np

from tunewright.evaluate.aggregate import Aggregate
from tunewright.evaluate.groups import groups_of
from tunewright.evaluate.scorers import AGGREGATES
from tunewright.evaluate.statistics import MIN_ITEMS_FOR_VERDICT, scored_in_both
from tunewright.evaluate.wilson import square_and_add, widened
from tunewright.records import Difference, Estimate, Metric, Score


def cautious(
    change: Difference, metric: Metric, arm_scores: Sequence[Score], baseline_scores: Sequence[Score]
) -> Difference:
    """A difference of these scores with an interval that is wide enough where few answers are ruined.

    Resampling knows only the losses that were seen. Where one answer in ten is ruined and the others stay as they were,
    30 rows often show one such answer or two, and the interval of a mean then leaves out what is true in up to a third
    of studies instead of 2.5 %. So the interval of a mean share reaches as far as that of Wilson for what was gained
    and lost, and as far as inputs of a kind that was not seen could move it.

    Args:
        change: of `statistics.difference`.
    """
    found = change.estimate
    if found is None or not metric.is_share or AGGREGATES[metric.name] is not Aggregate.MEAN:
        return change
    pairs = scored_in_both(arm_scores, baseline_scores)
    groups = groups_of([score for score, _ in pairs])
    after, before = np.array([[score.value, baseline.value] for score, baseline in pairs], dtype=np.float64).T
    seen = square_and_add(np.maximum(after - before, 0.0), np.maximum(before - after, 0.0), groups)
    mean = float(before.mean())
    unseen = widened(found.value, -mean, 1.0 - mean, groups, len(pairs))
    ends = {
        "low": max(-1.0, min(found.low, seen.low, unseen.low)),
        "high": min(1.0, max(found.high, seen.high, unseen.high)),
    }
    return change.model_copy(update={"estimate": found.model_copy(update={**ends, "interval": "wilson"})})


def equivalence(change: Estimate | None, margin: float, *, higher_is_better: bool) -> str:
    """Whether a paired difference is shown to be no larger than the margin.

    The whole 95 % interval within plus and minus the margin is what two one-sided tests at 2.5 % each ask for (TOST;
    Schuirmann 1987), so that quality that differs by the margin or more is called equal in at most 2.5 % of studies.

    Args:
        change: of `cautious`.
    """
    if change is None or change.num_independent < MIN_ITEMS_FOR_VERDICT:
        return "not shown"
    low, high = (change.low, change.high) if higher_is_better else (-change.high, -change.low)
    if high < -margin:
        return "worse"
    if low <= -margin:
        return "not shown"
    return "equal" if high < margin else "no worse"
