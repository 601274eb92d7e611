"""The retention suite: what a base can do before it is tuned, so that training can be stopped from taking it away.

Everything is scored by token probabilities, so that a run of the whole suite costs seconds and draws no random number.

    item         an item, a part of the suite, and the three ways in which an item is scored
    grammar      minimal pairs: two sentences of which one is bad English
    passages     answers from a passage, refusals where it has none, copying and stated formats
    bias         questions that differ only in a name or a gender term
    benchmarks   local files of BLiMP and PIQA
    suite        the parts put together, with their version and hash
    measure      a suite as token sequences; scores; drops against the base with their intervals
"""

from tunewright.evaluate.retention.measure import RenderedSuite, RetentionScores, compare_retention, render_suite
from tunewright.evaluate.retention.suite import SUITE_VERSION, RetentionSuite, make_suite

# Plain order, as in every package here; ruff would put constants first.
__all__ = [  # noqa: RUF022
    "RenderedSuite",
    "RetentionScores",
    "RetentionSuite",
    "SUITE_VERSION",
    "compare_retention",
    "make_suite",
    "render_suite",
]
