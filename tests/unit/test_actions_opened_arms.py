"""Names of arms, and conversations with them: what stays in the prompt and what gives way."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from store_samples import RECIPE_ID, new_store, run_record
from study_parts import KeywordIndex, Scripted, passage, row
from tiny_base import write_tiny_base

from tunewright.actions.answering import open_model
from tunewright.actions.chatting import Chat, require_room
from tunewright.actions.kept_arms import find_arm, keep_arm, kept_arm, kept_arms, list_arms
from tunewright.actions.opened_arms import LoadedArm
from tunewright.errors import RenderError, StoreError
from tunewright.records import Message, RunKind, RunStatus
from tunewright.store import RunFolder, Store
from tunewright.study.arms import Arm, FewShot, Prompted, Retrieval, ZeroShot
from tunewright.study.options import Option
from tunewright.study.similar_examples import ExamplePool

POOL = ExamplePool([row("red apples", "fruit"), row("blue whales", "animal"), row("red foxes", "animal")])


def bottom(model: Scripted, most_messages: int = 99) -> ZeroShot:
    def fits(messages: Sequence[Message]) -> bool:
        return len(messages) <= most_messages

    return ZeroShot(model, "model", fits)


def make_run(home: Path, kind: RunKind = "study") -> RunFolder:
    return new_store(home).create_run(
        RECIPE_ID, lambda run_id, at: run_record(run_id, at).model_copy(update={"kind": kind})
    )


def told(messages: Sequence[Message]) -> list[str]:
    return [message.content for message in messages]


# Conversations


def test_the_system_prompt_comes_first_and_earlier_turns_are_kept() -> None:
    model = Scripted()
    ground = bottom(model)
    conversation = Chat(LoadedArm(Prompted(ground, "Be brief."), ground))
    pieces: list[str] = []
    conversation.say("one", pieces.append)
    conversation.say("two", pieces.append)
    assert pieces == ["answer to one", "answer to two"]
    assert told(model.asked[-1]) == ["Be brief.", "one", "answer to one", "two"]
    assert conversation.sources.passages == ()


def test_each_question_has_its_own_examples_before_the_earlier_turns() -> None:
    model = Scripted()
    ground = bottom(model)
    conversation = Chat(LoadedArm(FewShot(Prompted(ground, "P"), POOL, 1), ground), "My own words.")
    for text in ("foxes", "whales"):
        conversation.say(text, lambda _: None)
    assert told(model.asked[0]) == ["P\n\nMy own words.", "red foxes", "animal", "foxes"]
    earlier = ["foxes", "answer to foxes"]
    assert told(model.asked[1]) == ["P\n\nMy own words.", "blue whales", "animal", *earlier, "whales"]


@pytest.mark.parametrize("shows", ["examples", "passages"])
def test_the_oldest_turns_are_forgotten_before_an_example_or_a_passage(shows: str) -> None:
    model = Scripted()
    ground = bottom(model, most_messages=5 if shows == "examples" else 3)
    index = KeywordIndex([passage("red is warm")])
    arm: Arm = FewShot(ground, POOL, 1) if shows == "examples" else Retrieval(ground, index, 1)
    conversation = Chat(LoadedArm(arm, ground))
    for text in ("red one", "red two", "red three"):
        conversation.say(text, lambda _: None)
    assert conversation.num_forgotten == 2
    last = told(model.asked[-1])
    assert last[-3:-1] == ["red two", model_answer(model)]
    assert last[-1].endswith("red three")
    assert (last[0] == "red apples") if shows == "examples" else ("red is warm" in last[-1])


def model_answer(model: Scripted) -> str:
    """What it said to the second question."""
    return f"answer to {model.asked[1][-1].content}"


def test_passages_of_the_newest_question_are_told_with_what_the_answer_cites() -> None:
    ground = bottom(Scripted(lambda question: "Warm [1] or so [7]." if "is warm" in question else "No idea."))
    index = KeywordIndex([passage("red is warm"), passage("blue is cold")])
    conversation = Chat(LoadedArm(Retrieval(ground, index, 2), ground))
    conversation.say("red sky", lambda _: None)
    assert conversation.sources.passages == (passage("red is warm"),)
    assert conversation.sources.citations.passages == (passage("red is warm"),)
    assert conversation.sources.citations.unknown == (7,)
    conversation.say("blue sky", lambda _: None)
    assert conversation.sources.passages == (passage("blue is cold"),)
    assert not any(conversation.sources.citations.passages)


def test_an_arm_whose_own_prompt_is_cut_tells_what_is_left_out_and_takes_a_prompt_of_the_user(tmp_path: Path) -> None:
    model = open_model(str(write_tiny_base(tmp_path / "base")), tmp_path).load("float32", rows_per_batch=1)
    ground = ZeroShot(model, "model", model.fits)
    long = "Answer in English. " * 40
    arm = LoadedArm(Prompted(ground, long), ground)
    require_room(arm, "Be brief.")
    conversation = Chat(arm, "Be brief.")
    conversation.say("Who?", lambda _: None)
    assert conversation.left_out
    assert conversation.left_out in long
    with pytest.raises(RenderError, match="--system: found 760 characters"):
        require_room(LoadedArm(ground, ground), long)


def test_of_a_hosted_model_it_is_not_known_what_fits() -> None:
    ground = bottom(Scripted())
    assert LoadedArm(ground, ground).left_out([Message(role="user", content="word " * 9999)]) == ""


# Names


def test_an_arm_is_kept_with_all_that_its_study_holds_nowhere_else(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    ground = bottom(Scripted())
    index = KeywordIndex([passage("red is warm")])
    prompted = Option("p", Prompted(ground, "P"), system_prompt="P")
    keep_arm(run, "retrieval", Option("r", Retrieval(prompted.arm, index, 2), system_prompt="P", num_passages=2))
    keep_arm(run, "prompted", prompted)
    keep_arm(run, "tuned_retrieval", Option("t", Retrieval(ground, index, 2), num_passages=2))
    assert [arm.slug for arm in kept_arms(run)] == ["prompted", "retrieval", "tuned-retrieval"]
    assert list_arms(str(run.path)) == kept_arms(run)
    kept = kept_arm(run, "retrieval")
    assert (kept.system_prompt, kept.num_passages, kept.num_examples) == ("P", 2, None)
    assert kept.told == "a system prompt and 2 passages"
    assert (kept.index, kept.weights) == (f"indexes/{index.identity}", None)
    assert kept_arm(run, "tuned-retrieval").weights == "tuned-retrieval"


def test_an_arm_is_named_by_its_study_and_its_kind(tmp_path: Path) -> None:
    study, newer = make_run(tmp_path), make_run(tmp_path, "tune")
    store = Store(tmp_path)
    keep_arm(study, "few_shot", Option("f", FewShot(bottom(Scripted()), POOL, 1), num_examples=1))
    for name in (study.record.id, str(study.path), "last"):
        found = find_arm(f"{name}/few-shot", store)
        assert found is not None
        assert (found[0].record.id, found[1]) == (study.record.id, "few-shot")
    for name in ("last", study.record.id, f"{newer.record.id}/few-shot", "owner/few-shot", "owner/model", "bundled"):
        assert find_arm(name, store) is None


def test_an_arm_that_is_not_there_is_refused_with_the_closest(tmp_path: Path) -> None:
    study = make_run(tmp_path)
    store = Store(tmp_path)
    with pytest.raises(
        StoreError, match=r"no such arm so far: the study is running, expected an arm that has answered"
    ):
        kept_arm(study, "few-shot")
    keep_arm(study, "few_shot", Option("f", FewShot(bottom(Scripted()), POOL, 1), num_examples=1))
    study.update(RunStatus.SUCCEEDED)
    with pytest.raises(
        StoreError, match=r"/fewshot: found no such arm, expected one of its arms: few-shot\. Closest: \S+"
    ):
        find_arm("last/fewshot", store)
    with pytest.raises(StoreError, match=r"/xyz: found no such arm, .*\. See them with: tunewright show "):
        find_arm("last/xyz", store)
    with pytest.raises(StoreError, match="found no run of that name"):
        find_arm("20200101-000000-aaaa/few-shot", store)
