"""What says how good a checkpoint is at the task, and how many answers that takes: derived, with the reason.

Answers cost time at every validation. How much is told from lengths, not by the clock: a recipe keeps the same
checkpoint on a slow and on a fast machine.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.errors import Problem, RecipeError
from tunewright.records import Derived, TrainRecipe
from tunewright.train.schedule import make_plan

MOST_ANSWERS, FEWEST_ANSWERS = 64, 20
"""At a validation. Fewer tell checkpoints apart worse than the loss of the same rows does."""
SHARE_OF_TRAINING = 0.1
"""Most time that answers may take, as a share of that of the steps."""
COST_OF_WRITING = 1.5
"""Of a token of an answer, in trained tokens. Three trainings of the bundled base had 1.1 to 1.5, prompts included (one
thread, docs/lab-notebook.md, 2026-11-26)."""
COST_OF_WRITING_ON_GPU = 30.0
"""The same where a pass takes as long for one token as for hundreds. An estimate, not measured."""
COST_OF_READING = 1 / 3
"""Of a prompt's token: there is no gradient."""


@dataclass(frozen=True, slots=True)
class AnsweringFacts:
    """What the choice depends on."""

    headline: str
    """The leading metric."""
    is_loss: bool
    """Whether that is a loss, so that there is nothing to answer."""
    num_train_sequences: int
    """What the training rows become; steps count them."""
    train_tokens: Sequence[int]
    """Of each training row, with its answer."""
    validation_tokens: Sequence[tuple[int, int]]
    """Of each distinct validation input: prompt and answer."""
    is_on_gpu: bool


def derive_keep_by(recipe: TrainRecipe, facts: AnsweringFacts) -> tuple[TrainRecipe, tuple[Derived, ...]]:
    """Fill in `keep_by` and `validation_answers`. What the user set stays.

    Args:
        recipe: with every other setting filled in.
    Raises:
        RecipeError: answers are to decide where the task has none, or a number of them is set where the loss decides.
    """
    if recipe.keep_by == "metric" and facts.is_loss:
        found, fix = f"metric, which is {facts.headline}", "Leave it out, or name another metric first."
        raise RecipeError(Problem("train.keep_by", found, "a leading metric of what is written", fix))
    if recipe.validation_answers is not None and (recipe.keep_by == "loss" or facts.is_loss):
        why = "train.keep_by=loss" if recipe.keep_by == "loss" else f"{facts.headline} as the leading metric"
        found, expected = f"{recipe.validation_answers} with {why}", "no number where the validation loss decides"
        raise RecipeError(Problem("train.validation_answers", found, expected, "Remove it, or let a metric decide."))
    derived: list[Derived] = []
    most, share = _affordable(recipe, facts)
    if recipe.keep_by is None:
        keep_by, reason = _choose(recipe, facts, most, share)
        derived.append(Derived(setting="train.keep_by", value=keep_by, reason=reason))
        recipe = recipe.model_copy(update={"keep_by": keep_by})
    if recipe.keep_by == "metric" and recipe.validation_answers is None:
        num = min(MOST_ANSWERS, max(most, FEWEST_ANSWERS), len(facts.validation_tokens))
        reason = f"about {share * num:.0%} of the time of the steps, at most {MOST_ANSWERS}"
        derived.append(Derived(setting="train.validation_answers", value=num, reason=reason))
        recipe = recipe.model_copy(update={"validation_answers": num})
    return recipe, tuple(derived)


def _affordable(recipe: TrainRecipe, facts: AnsweringFacts) -> tuple[int, float]:
    """How many answers fit into the share, and the share that one takes."""
    assert recipe.rows_per_step is not None
    plan = make_plan(recipe, -(-facts.num_train_sequences // recipe.rows_per_step))
    trained = sum(facts.train_tokens) * plan.num_steps / plan.steps_per_epoch
    writing = COST_OF_WRITING_ON_GPU if facts.is_on_gpu else COST_OF_WRITING
    costs = [COST_OF_READING * prompt + writing * answer for prompt, answer in facts.validation_tokens]
    if not costs or not trained:
        return 0, 0.0
    share = len(plan.validate_after) * sum(costs) / len(costs) / trained
    return int(SHARE_OF_TRAINING / share), share


def _choose(recipe: TrainRecipe, facts: AnsweringFacts, most: int, share: float) -> tuple[str, str]:
    if facts.is_loss:
        return "loss", f"the leading metric is {facts.headline}"
    if recipe.validation_answers is not None:
        return "metric", "train.validation_answers is set"
    if len(facts.validation_tokens) < FEWEST_ANSWERS:
        return "loss", f"fewer than {FEWEST_ANSWERS} validation inputs cannot tell checkpoints apart by their answers"
    if most < FEWEST_ANSWERS:
        few = f"{FEWEST_ANSWERS} answers at every validation would take about {share * FEWEST_ANSWERS:.0%} of the time"
        return "loss", f"{few} of the steps, more than {SHARE_OF_TRAINING:.0%}"
    return "metric", f"{facts.headline} is what counts in the end, and answers take at most {SHARE_OF_TRAINING:.0%}"
