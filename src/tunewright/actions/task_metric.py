"""The task's own metric during training: answers to a sample of the validation rows, scored as test rows are.

A validation loss says how probable right answers are; what is judged in the end is what the model writes. The two part
where training goes on to learn rows by heart: the loss rises, and answers may still get better.
"""

import random
from collections.abc import Sequence

from tunewright.actions.preparing import Preparation
from tunewright.contracts import Progress, SilentProgress
from tunewright.evaluate import TestItem, judge, test_items
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.statistics import estimate
from tunewright.model.language_model import LanguageModel
from tunewright.model.out_of_memory import is_out_of_memory, shortage
from tunewright.records import Estimate, Split, settled
from tunewright.train.job import TaskMetric


def open_task_metric(preparation: Preparation, model: LanguageModel, progress: Progress) -> TaskMetric | None:
    """The leading metric, to be measured at validations; None where the validation loss decides alone.

    Args:
        model: that is trained; it is measured as it stands.
    """
    recipe, headline = preparation.recipe, preparation.headline_metric
    if recipe.train.keep_by != "metric":
        return None
    items = sample_items(preparation, settled(recipe.train.validation_answers))

    def measure() -> Estimate | None:
        """The metric of the model as it stands; None where memory is too short for its answers."""
        try:
            scores = judge(model, None, items, (headline,), SilentProgress(), "validation").of(headline)
        except (MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            progress.say(
                "There is too little memory to answer validation rows while training, so this checkpoint is compared "
                f"by its validation loss ({shortage(error)}). --set train.keep_by=loss does so from the start."
            )
            return None
        return estimate(metric, scores, recipe.evaluate.num_resamples, recipe.evaluate.seed)

    metric = SCORERS[headline].metric
    assert metric.higher_is_better, f"{headline} is a loss"
    return TaskMetric(metric, measure)


def sample_items(preparation: Preparation, num: int) -> Sequence[TestItem]:
    """At most so many distinct inputs of the validation rows, in their order; the seed of the training chooses."""
    items = [item for item in test_items(preparation.data.rows(Split.VALIDATION), None) if item.prompt]
    chance = random.Random(f"tunewright validation answers {preparation.recipe.train.seed}")  # noqa: S311  (variety)
    return [items[place] for place in sorted(chance.sample(range(len(items)), min(num, len(items))))]
