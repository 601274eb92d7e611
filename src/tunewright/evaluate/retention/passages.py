"""Answers from a passage, refusals, copying and stated formats: each a choice between two answers to one prompt.

Names and values are the nonce words that no training row of data/skills has, so an answer can only come from the
passage. The wrong answer comes from the same passage too, so that neither is the more usual text.
"""

import random
from collections.abc import Callable

from tunewright.data.skills import ANSWER_ABSENT
from tunewright.data.skills.copying import draw_list
from tunewright.data.skills.facts import Fact, ask_about, draw_facts, new_fact
from tunewright.data.skills.item import Draw
from tunewright.data.skills.layout import ask_question, ask_task
from tunewright.data.skills.relations import RELATIONS
from tunewright.evaluate.retention.item import Item, two_answers

_NUM_FACTS = 2
"""Few, so that a run of the suite stays short."""
_ABSENT_NOTE = f"If the text does not tell, say: {ANSWER_ABSENT}"
_ORDINALS = ("first", "second", "third", "fourth")


def context_items(seed: int, num: int) -> tuple[Item, ...]:
    """Ask for one fact of a passage; the wrong answer is the value of another."""
    return tuple(_context_item(_draw("context", seed, index)) for index in range(num))


def refusal_items(seed: int, num: int) -> tuple[Item, ...]:
    """Ask for a fact that the passage has in every second item; else the right answer is that it is not there.

    A model that always refuses is right in half of them.
    """
    return tuple(_refusal_item(_draw("refusal", seed, index), is_absent=index % 2 == 0) for index in range(num))


def instruction_items(seed: int, num: int) -> tuple[Item, ...]:
    """Ask for an exact copy, an item of a list, or a stated format; the wrong answer is nearly right."""
    return tuple(_INSTRUCTIONS[index % len(_INSTRUCTIONS)](_draw("instruction", seed, index)) for index in range(num))


def _draw(part: str, seed: int, index: int) -> Draw:
    rng = random.Random(f"retention {part} {seed} {index}")  # noqa: S311  (variety, not secrecy)
    return Draw(rng, "held_out")


def _facts(draw: Draw) -> list[Fact]:
    """Facts whose values all differ; the first one is asked for."""
    while True:
        facts = draw_facts(draw, _NUM_FACTS, draw.choice(RELATIONS))
        if len({str(fact.value) for fact in facts}) == len(facts):
            return facts


def _passage(draw: Draw, facts: list[Fact]) -> str:
    return " ".join(fact.stated(draw) for fact in draw.shuffled(facts))


def _context_item(draw: Draw) -> Item:
    facts = _facts(draw)
    asked, other = facts
    prompt = ask_question(draw, _passage(draw, facts), ask_about(draw, asked.relation, asked.subject))
    return two_answers(prompt, str(asked.value), str(other.value))


def _refusal_item(draw: Draw, *, is_absent: bool) -> Item:
    facts = _facts(draw)
    relation, value = facts[0].relation, str(facts[0].value)
    subject = new_fact(draw, relation).subject if is_absent else facts[0].subject
    prompt = ask_question(draw, _passage(draw, facts), f"{ask_about(draw, relation, subject)} {_ABSENT_NOTE}")
    return two_answers(prompt, *((ANSWER_ABSENT, value) if is_absent else (value, ANSWER_ABSENT)))


def _copy_list(draw: Draw) -> Item:
    items = draw_list(draw, draw.whole(3, 5))
    place = draw.whole(0, len(items) - 2)
    swapped = [*items[:place], items[place + 1], items[place], *items[place + 2 :]]
    return two_answers(ask_task(draw, ", ".join(items), "Copy the list exactly."), ", ".join(items), ", ".join(swapped))


def _copy_text(draw: Draw) -> Item:
    relation = draw.choice(RELATIONS)
    fact = new_fact(draw, relation)
    other = next(one for one in iter(lambda: new_fact(draw, relation), None) if one.value != fact.value)
    statement = draw.choice(relation.statements)
    right, wrong = (statement.format(s=fact.subject, v=value) for value in (fact.value, other.value))
    return two_answers(ask_task(draw, right, "Repeat the text word for word."), right, wrong)


def _item_of_list(draw: Draw) -> Item:
    items = draw_list(draw, len(_ORDINALS))
    right, wrong = draw.sample(range(len(items)), 2)
    prompt = ask_task(draw, ", ".join(items), f"Write only the {_ORDINALS[right]} item of the list.")
    return two_answers(prompt, items[right], items[wrong])


def _formatted(draw: Draw, rule: str, apply: Callable[[str], str]) -> Item:
    fact = new_fact(draw, draw.choice(RELATIONS))
    question, value = ask_about(draw, fact.relation, fact.subject), str(fact.value)
    return two_answers(ask_question(draw, fact.stated(draw), f"{question} {rule}"), apply(value), value)


def _in_brackets(draw: Draw) -> Item:
    return _formatted(draw, "Put the answer in square brackets, as in [answer].", lambda value: f"[{value}]")


def _with_label(draw: Draw) -> Item:
    return _formatted(draw, 'Begin your reply with "Answer:".', lambda value: f"Answer: {value}")


def _as_lines(draw: Draw) -> Item:
    items = draw_list(draw, 3)
    prompt = ask_task(draw, ", ".join(items), "Write each item on a line of its own that starts with a dash.")
    return two_answers(prompt, "\n".join(f"- {item}" for item in items), ", ".join(items))


_INSTRUCTIONS: tuple[Callable[[Draw], Item], ...] = (
    _copy_list, _copy_text, _item_of_list, _in_brackets, _with_label, _as_lines,
)  # fmt: skip
NUM_INSTRUCTIONS = len(_INSTRUCTIONS)
"""Kinds of instruction, which take turns."""
