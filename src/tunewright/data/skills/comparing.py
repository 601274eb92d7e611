"""Comparing: which of two or three nonce people or places has more or less of a stated quantity."""

from dataclasses import dataclass

from tunewright.data.skills.item import Draw, Parted, SkillItem, as_sentence
from tunewright.data.skills.layout import answered, ask_question


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is compared: the statement, its range, and the words for more and less of it, for two and for three."""

    statements: tuple[str, ...]
    low: int
    high: int
    more: tuple[str, str]
    less: tuple[str, str]


QUANTITIES = (
    Quantity(("{s} is {v} metres tall.", "The height of {s} is {v} metres."), 2, 99,
             ("taller", "tallest"), ("shorter", "shortest")),
    Quantity(("{s} weighs {v} kilos.", "The weight of {s} is {v} kilos."), 2, 99,
             ("heavier", "heaviest"), ("lighter", "lightest")),
    Quantity(("{s} is {v} years old.", "The age of {s} is {v}."), 2, 99,
             ("older", "oldest"), ("younger", "youngest")),
    Quantity(("{s} costs {v} coins.", "The price of {s} is {v} coins."), 2, 999,
             ("more expensive", "most expensive"), ("cheaper", "cheapest")),
    Quantity(("{s} runs {v} kilometres in an hour.", "The speed of {s} is {v}."), 2, 60,
             ("faster", "fastest"), ("slower", "slowest")),
    Quantity(("{s} has {v} coins.", "In the purse of {s} there are {v} coins."), 2, 999,
             ("richer", "richest"), ("poorer", "poorest")),
    Quantity(("{s} is {v} kilometres from here.", "The way to {s} is {v} kilometres."), 2, 300,
             ("farther away", "farthest away"), ("closer", "closest")),
    Quantity(("{s} was built in {v}.", "The year when {s} was built is {v}."), 1100, 1999,
             ("newer", "newest"), ("more ancient", "most ancient")),
    Quantity(("{s} opens at {v} o'clock.", "The doors of {s} open at {v}."), 5, 12,
             ("later", "latest"), ("earlier", "earliest")),
    Quantity(("{s} is {v} metres deep.", "The depth of {s} is {v} metres."), 2, 99,
             ("deeper", "deepest"), ("shallower", "shallowest")),
    Quantity(("{s} is {v} metres wide.", "The width of {s} is {v} metres."), 2, 99,
             ("wider", "widest"), ("narrower", "narrowest")),
)  # fmt: skip

_QUESTIONS = Parted(
    "Which is {degree}, {options}?",
    "Which one is {degree}?",
    "Name the one that is {degree}.",
    "{options}: which of them is {degree}?",
    "Tell me which is {degree}: {options}.",
    "What is {degree}, {options}?",
    "{degree}: {options}?",
    "Of {options}, name the {degree} one.",
    "Compare them. Which is {degree}?",
    "Choose the {degree} one: {options}.",
    "Is {options} {degree}?",
    "Decide which is {degree}: {options}.",
    "Find the {degree} one.",
    "Say which is {degree}.",
    "Which name belongs to the {degree} one?",
    "Who or what is {degree}?",
    "Please tell me which one is {degree}.",
    "Which of these is {degree}: {options}?",
    "The {degree} one is called what?",
    "Say who or what is {degree}: {options}.",
    "{options}: compare them. Which is {degree}?",
    "I want to know which is {degree}.",
    "Give the name of the {degree} one.",
    "Look at the numbers and say which is {degree}.",
    "{options}? Pick the one that is {degree}.",
    "Can you find out which one is {degree}?",
    "Answer with one name: which is {degree}?",
    "What is the name of the one that is {degree}?",
    "Take your pick: which is {degree}, {options}?",
    "Name whichever is {degree}.",
    "Going by the text, which is {degree}?",
    "Is it {options} that is {degree}?",
    "Write down the {degree} one.",
    "Which would you call {degree}?",
    "{degree}: which one?",
    "Only one of them is {degree}. Which?",
    "Choose {options}: which is {degree}?",
    "Select the {degree} one.",
    "{options}? I am looking for the {degree} one.",
    "Use the facts to decide which one is {degree}.",
)


def make_comparing(draw: Draw) -> SkillItem:
    """State one quantity of each and ask for the most or the least. No two are equal."""
    quantity = draw.choice(QUANTITIES)
    num = draw.whole(2, 3)
    names = draw.names(num)
    values = draw.sample(range(quantity.low, quantity.high + 1), num)
    facts = [
        as_sentence(draw.choice(quantity.statements).format(s=name, v=value))
        for name, value in zip(names, values, strict=True)
    ]
    wants_more = draw.chance(0.5)
    degree = (quantity.more if wants_more else quantity.less)[num - 2]
    answer = names[values.index(max(values) if wants_more else min(values))]
    *others, last = draw.shuffled(names)
    question = as_sentence(draw.phrase(_QUESTIONS, degree=degree, options=f"{', '.join(others)} or {last}"))
    context = " ".join(draw.shuffled(facts))
    return answered("comparing", ask_question(draw, context, question), answer, f"{num}_things")
