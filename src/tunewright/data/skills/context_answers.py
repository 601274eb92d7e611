"""Answers copied from a passage, in one turn or several, and the fixed answer where the passage has none."""

from tunewright.data.skills.facts import Fact, ask_about, draw_facts, new_fact, write_passage
from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, ask_question, assistant_turn, user_turn
from tunewright.data.skills.relations import RELATIONS, RELATIONS_BY_KIND, Relation
from tunewright.records import Message

ANSWER_ABSENT = "The context does not say."

_ABSENT_SHARE = 0.2
_MOST_FACTS = 8

_REQUESTS = Parted(
    "{question} Answer from the context.",
    "{question} Keep it short.",
    "Use only the text. {question}",
    "Reply with the answer alone. {question}",
    "{question} If the text has no answer, say: The context does not say.",
    "Answer in a few words. {question}",
    "Find the answer in the text. {question}",
    "{question} Where nothing is written about it, reply: The context does not say.",
    "Do not guess. {question}",
    "{question} Copy the answer from the text.",
    "Please answer this: {question}",
    "{question} Take your answer from what is written.",
    'If you cannot find it, write "The context does not say." {question}',
    "Short answer, please. {question}",
    "I have a question. {question}",
    "Tell me just the fact. {question}",
)


def _request(draw: Draw, question: str) -> str:
    return question if draw.chance(0.5) else draw.phrase(_REQUESTS, question=question)


def _asked(draw: Draw, fact: Fact) -> tuple[str, str]:
    """A question that a fact answers, and the answer."""
    if fact.relation.reverse and draw.chance(0.3):
        return draw.phrase(fact.relation.reverse, v=fact.value), fact.short_subject
    return ask_about(draw, fact.relation, fact.subject), str(fact.value)


def _without_answer(draw: Draw, num: int, relation: Relation) -> tuple[list[Fact], str]:
    """Facts and a question none of them answers: the subject is new, or has only other relations."""
    if draw.chance(0.5):
        return draw_facts(draw, num, relation), ask_about(draw, relation, new_fact(draw, relation).subject)
    others = [other for other in RELATIONS_BY_KIND[relation.subject_kind] if other is not relation]
    known = new_fact(draw, draw.choice(others))
    facts = [*draw_facts(draw, num - 1, relation), known] if num > 1 else [known]
    return facts, ask_about(draw, relation, known.subject)


def make_context_answer(draw: Draw) -> SkillItem:
    """Ask for one fact of a passage; one time in five the passage does not have it."""
    relation, num = draw.choice(RELATIONS), draw.whole(1, _MOST_FACTS)
    if draw.chance(_ABSENT_SHARE):
        facts, question = _without_answer(draw, num, relation)
        answer, variant = ANSWER_ABSENT, "answer_absent"
    else:
        facts = draw_facts(draw, num, relation)
        question, answer = _asked(draw, facts[0])
        variant = "answer_in_context"
    prompt = ask_question(draw, write_passage(draw, facts), _request(draw, question))
    return answered("context_answer", prompt, answer, variant)


_FOLLOW_UPS = Parted(
    "And this: {question}",
    "Next question: {question}",
    "Thanks. {question}",
    "One more thing. {question}",
    "Now tell me: {question}",
    "I also want to know: {question}",
    "Good. {question}",
    "Another one: {question}",
    "Next: {question}",
    "And then: {question}",
    "Okay. {question}",
    "All right, what about this? {question}",
)


def make_multi_turn(draw: Draw) -> SkillItem:
    """Two or three questions about one context; every answer is trained."""
    num_turns = draw.whole(2, 3)
    facts = draw_facts(draw, draw.whole(num_turns, _MOST_FACTS), draw.choice(RELATIONS))
    passage = write_passage(draw, facts)
    messages: list[Message] = []
    for fact in draw.sample(facts, num_turns):
        if draw.chance(_ABSENT_SHARE):
            absent = new_fact(draw, fact.relation)
            question, answer = ask_about(draw, absent.relation, absent.subject), ANSWER_ABSENT
        else:
            question, answer = _asked(draw, fact)
        if not messages:
            messages.extend(ask_question(draw, passage, _request(draw, question)))
        else:
            follow_up = question if draw.chance(0.5) else draw.phrase(_FOLLOW_UPS, question=question)
            messages.append(user_turn(follow_up))
        messages.append(assistant_turn(answer))
    return SkillItem(skill="multi_turn", messages=tuple(messages), variant=f"{num_turns}_turns")
