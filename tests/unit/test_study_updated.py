"""Who follows a change of the documents: scripted arms that read them, and some that do not."""

from collections.abc import Callable, Sequence

import pytest
from study_parts import KeywordIndex, Scripted, passage, row

from tunewright.contracts import SilentProgress
from tunewright.evaluate import ArmScores, judge
from tunewright.evaluate import TestItem as Item
from tunewright.evaluate import test_items as items_of
from tunewright.evaluate.scorers import SCORERS
from tunewright.records import Difference, EvaluateRecipe, Example, UpdatedArm, Verdict
from tunewright.study.arms import Retrieval, ZeroShot
from tunewright.study.options import Option
from tunewright.study.updated import measure_update, pair_with_old, with_corrected_verdicts, with_index

NUM = 12
OLD_ROWS = [row(f"fee {number}", f"old {number}") for number in range(NUM)]
NEW_ROWS = [row(f"fee {number}", f"new {number}") for number in range(NUM)]
OLD, NEW = (
    KeywordIndex([passage(f"fee {number} is {age} {number}") for number in range(NUM)]) for age in ("old", "new")
)


def reading(text: str) -> str:
    """Answers with the two words behind "is" in the first passage."""
    return " ".join(text.split(" is ")[1].split()[:2]) if " is " in text else "nothing"


def arm(model: Scripted, *, reads: bool) -> Option:
    ground = ZeroShot(model, "model", lambda _: True)
    return Option("as it is", Retrieval(ground, OLD, 1) if reads else ground)


def asked(option: Option, items: Sequence[Item]) -> ArmScores:
    return judge(option.arm, None, items, ("exact_match",), SilentProgress(), "arm")


def measured(option: Option, new: list[Example] = NEW_ROWS) -> UpdatedArm:
    pairs, _ = pair_with_old(items_of(new, None), OLD_ROWS)
    metric = SCORERS["exact_match"].metric
    return measure_update("arm", option, NEW, pairs, asked, metric, EvaluateRecipe(num_resamples=100))[0]


def test_an_arm_that_reads_follows_the_new_documents() -> None:
    found = measured(arm(Scripted(reading), reads=True))
    assert (found.reads_documents, found.num_new, found.num_old) == (True, NUM, 0)
    assert found.before is not None
    assert found.after is not None
    assert (found.before.value, found.after.value) == (1.0, 1.0)
    assert found.verdict is Verdict.BETTER
    assert found.told == "follows (12 new, 0 old, 0 neither)"


def test_a_changed_answer_has_the_group_of_the_row_that_it_changes() -> None:
    old = [
        each.model_copy(update={"provenance": each.provenance.model_copy(update={"group": f"page {place // 4}"})})
        for place, each in enumerate(OLD_ROWS)
    ]
    pairs, _ = pair_with_old(items_of(NEW_ROWS, None), old)
    assert [item.group for item in pairs.new] == [f"page {place // 4}" for place in range(NUM)]
    metric = SCORERS["exact_match"].metric
    option = arm(Scripted(reading), reads=True)
    found, difference = measure_update("arm", option, NEW, pairs, asked, metric, EvaluateRecipe(num_resamples=100))
    assert found.share_new is not None
    assert found.share_new.num_groups == 3
    assert difference.test == "paired bootstrap of groups"


def test_an_arm_that_knows_the_old_answers_keeps_them() -> None:
    known = Scripted(lambda question: question.replace("fee", "old"))
    found = measured(arm(known, reads=False))
    assert (found.reads_documents, found.num_new, found.num_old) == (False, 0, NUM)
    assert found.verdict is Verdict.WORSE
    assert found.told == "keeps the old (0 new, 12 old, 0 neither)"


def test_an_arm_that_is_always_wrong_does_neither() -> None:
    found = measured(arm(Scripted(lambda _: "I cannot say"), reads=False))
    assert found.verdict is Verdict.TOO_FEW_ROWS
    assert found.told == "cannot be told (0 new, 0 old, 12 neither)"


def test_answers_that_failed_are_neither_and_unscored() -> None:
    found = measured(arm(Scripted(lambda _: None), reads=False))
    assert found.share_new is None
    assert (found.num_new, found.num_old, found.num_items) == (0, 0, NUM)


def test_inputs_that_the_data_does_not_have_or_whose_answer_is_the_old_one_are_left_out() -> None:
    new = [row("fee 1", "new 1"), row("fee 2", "old 2"), row("unheard of", "new")]
    pairs, others = pair_with_old(items_of(new, None), OLD_ROWS)
    assert [item.references for item in pairs.old] == [("old 1",)]
    assert [item.references for item in pairs.new] == [("new 1",)]
    assert [item.references for item in others] == [("old 2",), ("new",)]


def test_only_an_arm_that_reads_documents_gets_the_new_ones() -> None:
    plain, reads = arm(Scripted(), reads=False), arm(Scripted(), reads=True)
    assert with_index(plain, NEW) is plain
    swapped = with_index(reads, NEW).arm
    assert isinstance(swapped, Retrieval)
    assert swapped.index is NEW
    assert swapped.identity != reads.arm.identity


def test_an_answer_counts_as_the_one_that_it_is_nearer_to() -> None:
    metric = SCORERS["token_f1"].metric
    pairs, _ = pair_with_old(items_of([row("fee 1", "it is seven euros")], None), [row("fee 1", "it is five euros")])
    option = arm(Scripted(lambda _: "the fee is seven"), reads=False)

    def by_words(option: Option, items: Sequence[Item]) -> ArmScores:
        return judge(option.arm, None, items, ("token_f1",), SilentProgress(), "arm")

    found, _ = measure_update("arm", option, NEW, pairs, by_words, metric, EvaluateRecipe(num_resamples=100))
    assert (found.num_new, found.num_old) == (1, 0)


def test_verdicts_are_corrected_for_the_number_of_arms() -> None:
    metric = SCORERS["exact_match"].metric
    pairs, _ = pair_with_old(items_of(NEW_ROWS, None), OLD_ROWS)

    def six_follow(question: str) -> str:
        number = int(question.split()[-1])
        return f"new {number}" if number < 6 else "I cannot say"

    def measured_alone(answer: Callable[[str], str]) -> tuple[UpdatedArm, Difference]:
        option = arm(Scripted(answer), reads=False)
        return measure_update("arm", option, NEW, pairs, asked, metric, EvaluateRecipe(num_resamples=100))

    followed = measured_alone(six_follow)
    # Six gained, none lost: p = 2 x 0.5^6 = 0.031 alone, 0.0625 as the smaller of two.
    assert followed[1].p_value == pytest.approx(0.03125)
    assert followed[0].verdict is Verdict.BETTER
    other = measured_alone(lambda _: "I cannot say")
    alone, both = with_corrected_verdicts([followed]), with_corrected_verdicts([followed, other])
    assert [found.verdict for found in alone] == [Verdict.BETTER]
    assert [found.verdict for found in both] == [Verdict.TOO_FEW_ROWS] * 2
