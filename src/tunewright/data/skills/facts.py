"""Facts about nonce subjects, the passages that state them and the questions that ask for them."""

from dataclasses import dataclass

from tunewright.data.skills.item import Draw, Parted, as_sentence
from tunewright.data.skills.more_questions import more_questions
from tunewright.data.skills.relations import RELATIONS, Relation, Value, full_name


def _new_subject(draw: Draw, kind: str) -> str:
    if kind == "person":
        return full_name(draw)
    if kind == "place":
        return draw.name()
    if kind == "event":
        return f"the {draw.name()} {draw.choice(('meeting', 'party', 'concert', 'race', 'market', 'play'))}"
    if kind == "order":
        return f"order {draw.code()}"
    return f"the {draw.word()}"


@dataclass(frozen=True, slots=True)
class Fact:
    """A relation, said of one subject."""

    relation: Relation
    subject: str
    value: Value

    @property
    def short_subject(self) -> str:
        """The subject as an answer: an order by its number alone."""
        return self.subject.removeprefix("order ")

    def stated(self, draw: Draw) -> str:
        """Write the fact as a sentence."""
        return as_sentence(draw.choice(self.relation.statements).format(s=self.subject, v=self.value))


ATTRIBUTE_QUESTIONS = Parted(
    "what is the {attribute} of {s}?",
    "give the {attribute} of {s}.",
    "tell me the {attribute} of {s}.",
    "state the {attribute} of {s}.",
    "{attribute} of {s}?",
    "find the {attribute} of {s}.",
    "what does the text give as the {attribute} of {s}?",
    "please look up the {attribute} of {s}.",
    "for {s}, what is the {attribute}?",
    "I need the {attribute} of {s}.",
    "{s}: {attribute}?",
    "which {attribute} belongs to {s}?",
    "can you tell me the {attribute} of {s}?",
    "I would like to know the {attribute} of {s}.",
    "do you know the {attribute} of {s}?",
    "according to the text, what {attribute} does {s} have?",
    "name the {attribute} of {s}.",
    "what is given as the {attribute} of {s}?",
    "what {attribute} does {s} have?",
    "may I ask what the {attribute} of {s} is?",
    "the {attribute} of {s} is what?",
    "write down the {attribute} of {s}.",
    "what do we learn about the {attribute} of {s}?",
    "as for {s}, which {attribute} is mentioned?",
    "answer with the {attribute} of {s}.",
    "what does it say about the {attribute} of {s}?",
    "could you find out the {attribute} of {s} for me?",
    "somebody wants to hear the {attribute} of {s}.",
)


def ask_about(draw: Draw, relation: Relation, subject: str) -> str:
    """Write a question for the value of a relation."""
    if draw.chance(0.3):
        return as_sentence(draw.phrase(ATTRIBUTE_QUESTIONS, attribute=relation.attribute, s=subject))
    return draw.wording(relation.questions, more_questions(relation)).format(s=subject)


def new_fact(draw: Draw, relation: Relation, subject: str | None = None) -> Fact:
    """Make a fact with a new value, about the given subject or a new one."""
    return Fact(relation, subject or _new_subject(draw, relation.subject_kind), relation.value(draw))


def draw_facts(draw: Draw, num: int, relation: Relation) -> list[Fact]:
    """Make num facts. The first is about the relation; others may be too, about other subjects, as distractors.

    No subject has two values of one relation, and the relation is never stated of a subject that only others name.
    """
    facts = [new_fact(draw, relation) for _ in range(draw.whole(1, num))]
    stated = {(fact.relation, fact.subject) for fact in facts}
    while len(facts) < num:
        other = draw.choice(RELATIONS)
        known = [fact.subject for fact in facts if fact.relation.subject_kind == other.subject_kind]
        subject = draw.choice(known) if known and draw.chance(0.7) else None
        if other is relation or (other, subject) in stated:
            continue
        facts.append(new_fact(draw, other, subject))
        stated.add((other, facts[-1].subject))
    return facts


def write_passage(draw: Draw, facts: list[Fact]) -> str:
    """State the facts in a random order, with sentences between them that say nothing about any subject."""
    sentences = [fact.stated(draw) for fact in draw.shuffled(facts)]
    if draw.chance(0.5):
        num_fillers = draw.whole(1, 3) if draw.chance(0.85) else draw.whole(4, _MOST_FILLERS)
        for filler in draw.sample(_FILLERS, num_fillers):
            sentences.insert(draw.whole(0, len(sentences)), filler)
    form = draw.rng.random()
    if form < 0.75:
        return " ".join(sentences)
    if form < 0.83:
        return "\n".join(sentences)
    if form < 0.91:
        return "\n".join(f"- {sentence}" for sentence in sentences)
    return "\n".join(f"[{number}] {sentence}" for number, sentence in enumerate(sentences, 1))


_MOST_FILLERS = 30
"""In one passage, so that it stays well within a context."""

_FILLERS = (
    "It was a quiet morning.",
    "Nobody was in a hurry.",
    "The birds were singing outside.",
    "Everyone had a good time that day.",
    "This has been so for many years.",
    "Some people find this strange.",
    "There is more to tell about it.",
    "The sun came out in the afternoon.",
    "Most visitors know about it.",
    "It was written down in a small book.",
    "Later that day it began to rain.",
    "The old people still talk about it.",
    "That was all there was to see.",
    "A dog barked somewhere down the road.",
    "The road was long and full of stones.",
    "No one knows why.",
    "There was a light wind from the west.",
    "It took a while to find this out.",
    "The children laughed and ran home.",
    "In the evening the lamps were lit.",
    "All of this happened a long time ago.",
    "You can read about it in the newspaper.",
    "The door was left open as always.",
    "It is the same every week.",
    "The tea was still warm.",
    "People often ask about this.",
    "After that there was nothing left to do.",
    "The grass was wet and the sky was clear.",
    "A few minutes passed in silence.",
    "It did not seem important then.",
    "The clock on the wall had stopped.",
    "Somebody was whistling in the next street.",
    "There had been snow the week before.",
    "What happened next is not recorded.",
    "Not all of this can be proved.",
    "Early in the day the streets are empty.",
    "Two old friends sat on a bench and talked.",
    "The windows were open because of the heat.",
    "At noon the bells rang.",
    "Others tell the story in a different way.",
    "Perhaps there will be news tomorrow.",
    "A cat slept on the warm stones.",
    "Such things happen more often than one thinks.",
    "The lights went out for a short time.",
    "Some time later the rain stopped.",
    "Leaves were falling from the trees.",
    "Nothing else was said that evening.",
    "Here the first page ends.",
    "The air smelled of fresh grass.",
    "Only a few people remember it now.",
    "A long letter was read aloud.",
    "By then it was almost dark.",
    "The rest is easy to guess.",
    "Far away a train could be heard.",
    "Many questions are still open.",
    "Then everybody went to bed.",
    "The moon was large and bright that night.",
    "It is good to keep this in mind.",
    "The summer had been long and dry.",
    "Whether this matters is hard to say.",
)
