"""What each arm gives the model, message by message; what fits; and what its identity covers."""

from collections.abc import Sequence

from study_parts import KeywordIndex, Scripted, ask, passage, row, said

from tunewright.records import Message
from tunewright.study.arms import FewShot, Prompted, Retrieval, ZeroShot
from tunewright.study.similar_examples import ExamplePool

POOL = ExamplePool([row("red apples", "fruit"), row("blue whales", "animal"), row("red foxes", "animal")])


def zero_shot(model: Scripted, longest: int = 10_000) -> ZeroShot:
    """Takes prompts of at most so many characters."""
    return ZeroShot(model, "model", lambda messages: sum(len(message.content) for message in messages) <= longest)


def test_zero_shot_gives_the_row_as_it_is() -> None:
    model = Scripted()
    ask(zero_shot(model), [said("user", "a question")])
    assert model.asked == [(said("user", "a question"),)]


def test_a_prompt_stands_before_the_row_and_before_the_rows_own_system_message() -> None:
    model = Scripted()
    arm = Prompted(zero_shot(model), "Be brief.")
    ask(arm, [said("user", "q")], [said("system", "You are a clerk."), said("user", "q")])
    assert model.asked == [
        (said("system", "Be brief."), said("user", "q")),
        (said("system", "Be brief.\n\nYou are a clerk."), said("user", "q")),
    ]


def test_a_model_without_system_messages_is_given_the_prompt_in_the_first_message_of_the_user() -> None:
    model = Scripted()
    arm = FewShot(Prompted(zero_shot(model), "Be brief.", in_user_turn=True), POOL, 1)
    ask(arm, [said("user", "red fox foxes")])
    assert model.asked == [
        (said("user", "Be brief.\n\nred foxes"), said("assistant", "animal"), said("user", "red fox foxes"))
    ]
    assert arm.inner.identity != Prompted(zero_shot(model), "Be brief.").identity


def test_examples_are_earlier_turns_with_the_most_similar_one_last() -> None:
    model = Scripted()
    ask(FewShot(Prompted(zero_shot(model), "P"), POOL, 2), [said("user", "red foxes and whales")])
    assert model.asked == [
        (
            said("system", "P"),
            said("user", "blue whales"),
            said("assistant", "animal"),
            said("user", "red foxes"),
            said("assistant", "animal"),
            said("user", "red foxes and whales"),
        )
    ]


def test_examples_follow_the_rows_own_system_message() -> None:
    model = Scripted()
    ask(FewShot(zero_shot(model), POOL, 1), [said("system", "S"), said("user", "red fox foxes")])
    assert [message.role for message in model.asked[0]] == ["system", "user", "assistant", "user"]


def test_declared_tools_stay_on_the_first_message() -> None:
    model = Scripted()
    question = Message(role="user", content="red", tools="[{}]")
    ask(Prompted(FewShot(zero_shot(model), POOL, 1), "P"), [question])
    assert [message.tools for message in model.asked[0]] == ["[{}]", None, None, None]


def test_a_row_is_never_its_own_example() -> None:
    model = Scripted()
    ask(FewShot(zero_shot(model), POOL, 3), [said("user", "red apples")])
    assert [message.content for message in model.asked[0]] == [
        "blue whales", "animal", "red foxes", "animal", "red apples",
    ]  # fmt: skip


def test_the_least_similar_examples_give_way_where_the_context_is_short() -> None:
    question = [said("user", "red foxes!")]
    for longest, num_examples in ((57, 3), (56, 2), (40, 2), (39, 1), (25, 1), (24, 0)):
        model = Scripted()
        ask(FewShot(zero_shot(model, longest), POOL, 3), question)
        assert len(model.asked[0]) == 2 * num_examples + 1, longest


def test_what_outer_arms_add_counts_for_what_fits() -> None:
    question = [said("user", "red foxes!")]
    model = Scripted()
    ask(FewShot(Prompted(zero_shot(model, 43), "12345"), POOL, 3), question)
    assert len(model.asked[0]) == 4, "the system prompt and one example"
    assert not Prompted(zero_shot(Scripted(), 14), "12345").fits(question)
    assert Prompted(zero_shot(Scripted(), 15), "12345").fits(question)
    assert FewShot(zero_shot(Scripted(), 10), POOL, 3).fits(question), "without any example"


def test_passages_stand_before_the_question_as_many_as_fit() -> None:
    index = KeywordIndex([passage("Foxes are red."), passage("Whales are blue."), passage("Red foxes hunt.")])
    question = (said("user", "What are red foxes?"),)
    longest = 10_000
    for texts in (["Foxes are red.", "Red foxes hunt."], ["Foxes are red."], []):
        model = Scripted()
        arm = Retrieval(zero_shot(model, longest), index, 2)
        ask(arm, question)
        assert [hit.passage.text for hit in arm.hits(question)] == texts
        given = model.asked[0][0].content
        assert [text for text in ("Foxes are red.", "Red foxes hunt.") if text in given] == texts
        assert given.endswith("What are red foxes?")
        longest = len(given) - 1


def test_what_is_searched_for_is_the_last_thing_the_user_said() -> None:
    index = KeywordIndex([passage("Whales are blue.")])
    prompt = [said("system", "S"), said("user", "foxes"), said("assistant", "ok"), said("user", "whales")]
    ask(Retrieval(zero_shot(Scripted()), index, 1), prompt)
    assert index.queries == ["whales"]


def test_the_identity_covers_everything_that_decides_the_answers() -> None:
    def arms(model: str, text: str, k: int, pool: Sequence[str]) -> list[str]:
        base = ZeroShot(Scripted(), model, lambda _: True)
        examples = ExamplePool([row(question, "a") for question in pool])
        index = KeywordIndex([passage(question) for question in pool])
        prompted = Prompted(base, text)
        return [arm.identity for arm in (base, prompted, FewShot(prompted, examples, k), Retrieval(prompted, index, k))]

    first = arms("m", "p", 1, ("x", "y"))
    assert first == arms("m", "p", 1, ("x", "y"))
    assert len(set(first)) == 4
    assert set(first).isdisjoint(arms("n", "p", 1, ("x", "y")))
    assert [a == b for a, b in zip(first, arms("m", "q", 1, ("x", "y")), strict=True)] == [True, False, False, False]
    assert [a == b for a, b in zip(first, arms("m", "p", 2, ("x", "y")), strict=True)] == [True, True, False, False]
    assert [a == b for a, b in zip(first, arms("m", "p", 1, ("x", "z")), strict=True)] == [True, True, False, False]


# What the model is given, told before it is asked


def test_what_is_given_is_what_the_model_is_then_asked() -> None:
    model = Scripted()
    index = KeywordIndex([passage("red is warm"), passage("blue is cold")])
    examples, passages = FewShot(Prompted(zero_shot(model), "P"), POOL, 2), Retrieval(zero_shot(model), index, 1)
    question = [said("user", "red foxes")]
    for arm in (zero_shot(model), Prompted(zero_shot(model), "P"), examples, passages):
        ask(arm, question)
        assert arm.given(question).messages == model.asked[-1]
    assert examples.given(question).num_examples == 2
    assert [hit.passage.text for hit in passages.given(question).hits] == ["red is warm"]


def test_in_a_chat_examples_are_chosen_by_the_newest_question() -> None:
    talk = [said("user", "red apples red apples"), said("assistant", "fruit"), said("user", "whales")]
    by_all = FewShot(zero_shot(Scripted()), POOL, 1)
    by_newest = FewShot(zero_shot(Scripted()), POOL, 1, newest_only=True)
    assert by_all.given(talk).messages[0].content == "red apples"
    assert by_newest.given(talk).messages == (said("user", "blue whales"), said("assistant", "animal"), *talk)
    assert by_all.identity != by_newest.identity
    assert by_all.given(talk[-1:]) == by_newest.given(talk[-1:])
