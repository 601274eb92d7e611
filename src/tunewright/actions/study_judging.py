"""The judge of a study: what it is asked when nothing was said, what is sent, and whom it prefers."""

from collections.abc import Generator, Sequence
from dataclasses import replace

from tunewright.actions.endpoint_key import endpoint_key
from tunewright.actions.preparing import Preparation
from tunewright.actions.resuming import timed
from tunewright.actions.study_arms import StudiedArm
from tunewright.contracts import Progress
from tunewright.errors import RecipeError
from tunewright.evaluate.preference import derive_question
from tunewright.evaluate.scorers import SCORERS
from tunewright.evaluate.task import TestItem
from tunewright.outside.chat_endpoint import ChatEndpoint
from tunewright.records import Answer, Derived, JudgeComparison, JudgeRecipe, StudyRecipe, settled
from tunewright.store import RunFolder
from tunewright.study.bench import Bench
from tunewright.study.citing import scored_text_of
from tunewright.study.compare import arm_result
from tunewright.study.contrasts import why_incomplete
from tunewright.study.judging import AskEach, Judge, Side, compared_arms

MAX_ITEMS = 50
"""Pairs in which a preference of 70 to 30, ties aside, is found in about four of five studies (exact sign test)."""


def settle_judge(recipe: StudyRecipe, preparation: Preparation) -> tuple[StudyRecipe, Preparation]:
    """Fill in what the recipe leaves open about the judge, and say so beside the other derived settings.

    Raises:
        RecipeError: the address cannot be an endpoint, or the key is not there.
    """
    judge = recipe.judge
    if judge is None:
        return recipe, preparation
    open_judge(judge)
    derived = []
    if judge.question is None:
        question = derive_question(preparation.headline_metric, preparation.house)
        judge = judge.model_copy(update={"question": question.text})
        derived.append(Derived(setting="judge.question", value=question.text, reason=question.reason))
    if judge.max_items is None:
        judge = judge.model_copy(update={"max_items": MAX_ITEMS})
        reason = "finds a preference of 70 to 30 in about four of five studies, for at most 100 requests"
        derived.append(Derived(setting="judge.max_items", value=MAX_ITEMS, reason=reason))
    preparation = replace(preparation, derived=(*preparation.derived, *derived))
    return recipe.model_copy(update={"judge": judge}), preparation


def open_judge(judge: JudgeRecipe) -> ChatEndpoint:
    """Raises: RecipeError when the address cannot be an endpoint, or the key is not there."""
    key = endpoint_key(judge.key_variable, "judge.key_variable")
    return ChatEndpoint(judge.url, judge.model, key, setting="judge.url")


def announce_judge(recipe: StudyRecipe, progress: Progress) -> None:
    """Say what will be sent where."""
    if judge := recipe.judge:
        progress.say(
            f"Sends up to {settled(judge.max_items):,} test inputs with references and the answers of two arms, each "
            f"twice, to the judge {judge.model} at {judge.url}."
        )
        if not open_judge(judge).is_private:
            progress.say("The judge's address is not https: answers and key can be read on the way.")


def compare_with_judge(
    run: RunFolder, recipe: StudyRecipe, bench: Bench, arms: Sequence[StudiedArm]
) -> JudgeComparison | None:
    """Let the judge compare the best tuned arm with the best of the others; None where no judge was asked for.

    A judge that cannot be asked costs the study nothing: the comparison then says why it is empty.
    """
    if recipe.judge is None:
        return None
    metric = SCORERS[bench.headline].metric
    results = [arm_result(arm.scores, metric, recipe.evaluate) for arm in arms]
    tuned = [arm.described.name for arm in arms if arm.described.facts.is_tuned]
    names = compared_arms(metric, results, tuned, why_incomplete([arm.scores for arm in arms], metric.name))
    by_name = {arm.described.name: arm for arm in arms}
    items = bench.test[: settled(recipe.judge.max_items)]
    arm, baseline = (_side(by_name[name], items) for name in names)
    with timed(run, "ask the judge"):
        ask_each, notes = _asking(recipe.judge)
        judge = Judge(recipe.judge.model, ask_each, bench.log, bench.progress)
        found = judge.compare(settled(recipe.judge.question), items, arm, baseline, recipe.evaluate)
    is_own = recipe.endpoint is not None and recipe.endpoint.model == recipe.judge.model
    if is_own and any(by_name[name].described.facts.kind == "endpoint" for name in names):
        notes.append("The judge is the model of an arm that it judges.")
    return found.model_copy(update={"note": " ".join([*filter(None, [found.note]), *notes]) or None})


def _side(arm: StudiedArm, items: Sequence[TestItem]) -> Side:
    compared = scored_text_of(arm.option.num_passages)
    shown: dict[str, str | None] = {}
    for item in items:
        answer = arm.scores.answers.get(item.example.id)
        text = answer.text if answer else None
        shown[item.example.id] = None if text is None else compared(text, item.references)
    return Side(arm.described.name, shown)


def _asking(judge: JudgeRecipe) -> tuple[AskEach, list[str]]:
    """What asks the judge, and what will have to be known about its replies."""
    try:
        endpoint = open_judge(judge)
    except RecipeError as error:  # the key was there when the study started
        reason = str(error)
        return lambda prompts: _refused(reason), []
    return endpoint.answer_each, endpoint.notes


def _refused(reason: str) -> Generator[tuple[int, Answer], None, None]:
    yield 0, Answer(text=None, finish="failed", reason=reason)
