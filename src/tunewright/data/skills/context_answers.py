"""Answers copied from a passage, in one turn or several, and the fixed answer where the passage has none."""

import re
from collections.abc import Sequence
from itertools import pairwise

from tunewright.data.skills.facts import Fact, ask_about, draw_facts, new_fact, write_passage
from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, ask_question, assistant_turn, user_turn
from tunewright.data.skills.more_questions import more_reverse
from tunewright.data.skills.relations import RELATIONS, RELATIONS_BY_KIND, Relation
from tunewright.records import Message

ANSWER_ABSENT = "The context does not say."

_ABSENT_SHARE = 0.2
_MOST_FACTS = 8
_NUMBERED_SHARE = 0.13
_MOST_PASSAGES = 4
_MARK = re.compile(r"^(?:- |\[\d+\] )", re.MULTILINE)
"""What write_passage puts before a sentence that stands on its own line."""
_SENTENCE_END = re.compile(r"(?<=\.)\s")

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
    "Based on the passages, answer this: {question}",
    "{question} Answer as briefly as you can.",
    "{question} Use nothing but the context.",
    "Look through the documents and reply. {question}",
    "{question} Only the answer, no sentence.",
    "If it is not stated, say so with: The context does not say. {question}",
    "Could you tell me this? {question}",
    "{question} Rely on the source and on nothing else. Do not add anything.",
    "Here is what I want to find out. {question}",
    "{question} Should the passage be silent about it, write: The context does not say.",
    "Quick question: {question}",
    "Check the source, please. {question} A word or two will do.",
    "{question} No explanation, please.",
    "According to the text: {question}",
    "{question} Reply with the exact words of the passage.",
    "I could not find this myself. {question}",
    "Question for you: {question}",
    "Help me with this, please. {question}",
    "{question} Do not use any other knowledge.",
    "{question} (The answer may be missing. In that case say: The context does not say.)",
    "Read carefully and answer. {question}",
    "{question} Thanks!",
    "Going by what is written: {question}",
    "Hi! {question} Just the plain answer, please.",
)


_MORE_LEADS = (
    "", "", "", "", "",
    "Have a look at this one.", "From the page:", "Something I need to know.", "Task:", "To be answered:", "Tell me:",
    "Now, please:", "Just wondering.", "My friend asks this.", "Be exact.", "Be brief.", "Be honest.", "Attention!",
    "Hey there.", "Good evening.", "Dear assistant,", "Excuse me,", "Sorry to bother you.", "One thing is unclear.",
    "Let us see.", "Try this.", "A riddle for you.", "Here goes.", "Now comes the question.", "Question number one.",
    "Consult the notes.", "See what is said there.", "Search what you were given.", "Go through all of it first.",
    "Take the words from above.", "Stay with what is there.", "Trust only what you read.", "Make nothing up.",
    "I am in a hurry.", "This is for my homework.", "My boss wants to know.", "The caller asks:", "The guest asks:",
    "Fill this gap for me.", "We have to find out something.", "Without any comment:", "In one or two words:",
    "As short as possible:", "Only the bare fact:", "In the words of the text:",
)  # fmt: skip
_MORE_TAILS = (
    "", "", "", "", "", "",
    "Be brief.", "Be exact.", "One line.", "A single word is enough.", "Give me the bare fact.", "Nothing else.",
    "No full sentence.", "Leave out everything else.", "Do not explain.", "Do not comment on it.", "Many thanks.",
    "Thank you!", "Thanks in advance.", "Please hurry.", "It is important.", "I forgot.", "I cannot remember.",
    "My memory fails me.", "I did not find it.", "Take it from the text as it stands.", "Quote it as it is written.",
    "Use the spelling of the text.", "Go by the text only.", "Stick to what you were given.", "Make nothing up.",
    "Do not invent anything.", "Never guess.", "Trust the text and not your memory.", "If in doubt, look again.",
    "Otherwise say: The context does not say.", "If nobody says so, answer: The context does not say.",
    "Write The context does not say. if that is missing.", "Say The context does not say. if you do not find it.",
    "(Not there? Then: The context does not say.)", "Or else: The context does not say.",
)  # fmt: skip
"""What stands before and after a question where a base is trained: more requests than can be learned by heart."""


def request(draw: Draw, question: str) -> str:
    """Ask, half of the time with a word on how to answer."""
    if draw.chance(0.5):
        return question
    if draw.open_words.words and draw.chance(0.5):
        return f"{draw.choice(_MORE_LEADS)} {question} {draw.choice(_MORE_TAILS)}".strip()
    return draw.phrase(_REQUESTS, question=question)


def context(draw: Draw, facts: list[Fact]) -> str:
    """State the facts in one passage or, now and then, in two to four numbered ones, as a retrieval prompt has them."""
    text = write_passage(draw, facts)
    sentences = _SENTENCE_END.split(_MARK.sub("", text))
    if len(sentences) == 1 or not draw.chance(_NUMBERED_SHARE):
        return text
    num = draw.whole(2, min(_MOST_PASSAGES, len(sentences)))
    starts = [0, *sorted(draw.sample(range(1, len(sentences)), num - 1)), len(sentences)]
    with_titles, gap = draw.chance(0.3), draw.choice(("\n", "\n\n"))
    passages: list[str] = []
    for number, (start, end) in enumerate(pairwise(starts), 1):
        head = f"[{number}] {draw.name()}\n" if with_titles else f"[{number}] "
        passages.append(head + " ".join(sentences[start:end]))
    return gap.join(passages)


def asked_or_absent(draw: Draw, fact: Fact, facts: Sequence[Fact]) -> tuple[str, str]:
    """Ask for a fact or, one time in five, for the same of a subject that the passage does not name.

    Where a base is trained, half of the latter ask for something else of a subject that it names.
    """
    if not draw.chance(_ABSENT_SHARE):
        return _asked(draw, fact)
    stated = {other.relation for other in facts if other.subject == fact.subject}
    others = [other for other in RELATIONS_BY_KIND[fact.relation.subject_kind] if other not in stated]
    if draw.open_words.words and draw.chance(0.5) and others:
        return ask_about(draw, draw.choice(others), fact.subject), ANSWER_ABSENT
    return ask_about(draw, fact.relation, new_fact(draw, fact.relation).subject), ANSWER_ABSENT


def _asked(draw: Draw, fact: Fact) -> tuple[str, str]:
    """A question that a fact answers, and the answer."""
    if fact.relation.reverse and draw.chance(0.3):
        return draw.wording(fact.relation.reverse, more_reverse(fact.relation)).format(v=fact.value), fact.short_subject
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
    prompt = ask_question(draw, context(draw, facts), request(draw, question))
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
    "Great, thank you. {question}",
    "Now this one: {question}",
    "Let me ask something else. {question}",
    "Following up: {question}",
    "And: {question}",
    "Got it. {question}",
    "Very well. {question}",
    "Here comes another question. {question}",
    "Can you also answer this? {question}",
    "Fine. Then: {question}",
    "Next one, please. {question}",
    "Same text, new question: {question}",
    "Also: {question}",
    "I see. {question}",
    "Perfect. {question}",
    "While we are at it: {question}",
    "Another thing I wonder about: {question}",
    "Still about the same text: {question}",
    "Understood. {question}",
    "That helps. Now a different question: {question}",
    "Moving on. {question}",
    "Please also tell me: {question}",
    "Sure. {question}",
    "Let us go on. {question}",
)


def follow_up(draw: Draw, question: str) -> Message:
    """Ask one more question about the same context."""
    return user_turn(question if draw.chance(0.5) else draw.phrase(_FOLLOW_UPS, question=question))


def make_multi_turn(draw: Draw) -> SkillItem:
    """Two or three questions about one context; every answer is trained."""
    num_turns = draw.whole(2, 3)
    facts = draw_facts(draw, draw.whole(num_turns, _MOST_FACTS), draw.choice(RELATIONS))
    passage = context(draw, facts)
    messages: list[Message] = []
    for fact in draw.sample(facts, num_turns):
        question, answer = asked_or_absent(draw, fact, facts)
        if not messages:
            messages.extend(ask_question(draw, passage, request(draw, question)))
        else:
            messages.append(follow_up(draw, question))
        messages.append(assistant_turn(answer))
    return SkillItem(skill="multi_turn", messages=tuple(messages), variant=f"{num_turns}_turns")
