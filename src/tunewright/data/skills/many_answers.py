"""Rows with many answers, for training alone: a question about a passage trains five tokens of 150, these a fifth.

What is trained stands between two marks, in whichever turn it is: a list of labelled texts teaches its labels, and a
passage that says again what was said teaches which value belongs to which subject.

A small model that sees one question a passage does not learn to tell subjects apart: it answers with any value of the
right kind. `lookups` teach that first, on pairs that say nothing else (docs/lab-notebook.md, 2026-11-27).
"""

import json
import random
import re
from collections.abc import Callable

from tunewright.data.skills.context_answers import ANSWER_ABSENT, asked_or_absent, context, follow_up, request
from tunewright.data.skills.extraction import MOST_KEYS, draw_record, fields_of, instruction_for, write_record
from tunewright.data.skills.facts import ATTRIBUTE_QUESTIONS, Fact, draw_facts
from tunewright.data.skills.few_shot_labels import (
    MOST_LABELS,
    draw_rule,
    example_form,
    in_prompt,
    instruction_with,
    labels_of,
)
from tunewright.data.skills.item import Draw, OpenWords, as_sentence
from tunewright.data.skills.layout import ask_question, ask_task, assistant_turn, system_turn, user_turn
from tunewright.data.skills.relations import RELATIONS
from tunewright.data.skills.words import frequent_word, open_kinds_apart
from tunewright.records import Message

BEGIN, END = "\ue000", "\ue001"
"""Marks around what is trained: of the private use area, which no text of ours has."""

_NUM_FACTS = (4, 14)
_NUM_REQUESTS = (2, 5)
_MOST_NEAR_KINDS = 4
_NUM_EXAMPLES = (1, 2, 2, 3, 4, 6, 8, 12, 16, 24)


def make_many_answers(
    kind: str,
    seed: int,
    index: int,
    open_words: OpenWords,
) -> list[Message]:
    """Make one row, of training's part. The same arguments give the same row on every machine.

    Args:
        kind: one of MANY_ANSWERS.
        open_words: what may be used besides the skills' own lists; "near_words" needs kinds.
    Raises:
        KeyError: there is no such kind.
    """
    rng = random.Random(f"tunewright many answers {kind} {seed} {index}")  # noqa: S311  (variety, not secrecy)
    return _MAKERS[kind](Draw(rng, "train", open_words))


def without_marks(marked: str) -> tuple[str, list[tuple[int, int]]]:
    """A text without its marks, and the characters [start, end) that stood between them."""
    text, spans = "", []
    for number, piece in enumerate(re.split(f"[{BEGIN}{END}]", marked)):
        if number % 2:
            spans.append((len(text), len(text) + len(piece)))
        text += piece
    return text, spans


def _taught(text: str) -> str:
    return f"{BEGIN}{text}{END}"


_SUBJECT_FIRST = (
    "{s}: {v}", "{s} = {v}", "{s} - {v}", "{s} -> {v}", "{s} {v}", "{s} ({v})", "{s}, {v}", "{s} | {v}", "{s} / {v}",
    "{s} is {v}", "{s} has {v}", "{s} with {v}", "[{s}] {v}", '"{s}" "{v}"',
)  # fmt: skip
_VALUE_FIRST = (
    "{v}: {s}", "{v} - {s}", "{v} for {s}", "{v} of {s}", "{v} belongs to {s}", "{v}, {s}", "{v} is for {s}",
    "{v} ({s})", "{v} <- {s}",
)  # fmt: skip
_ASKS = (
    "{s}?", "{s}", "{s}:", "And {s}?", "What about {s}?", "{s}, please.", "Now {s}.", "{s} ->", "Tell me: {s}",
)  # fmt: skip
_GAPS = ("\n", "\n", ". ", ". ", "; ", ", ", " | ")
_THINGS: tuple[Callable[[Draw], str], ...] = (
    Draw.name,
    Draw.name,
    Draw.name,
    Draw.word,
    lambda draw: f"{draw.name()} {draw.name()}",
    Draw.code,
    lambda draw: f"the {draw.word()}",
    lambda draw: draw.choice(draw.open_words.words),
    lambda draw: draw.choice(draw.open_words.words),
    lambda draw: str(draw.whole(2, 9999)),
)
"""What a pair may be of. Numbers come last: they are values only."""


def _lookups(draw: Draw) -> list[Message]:
    """Pairs, all in one form that says nothing, and a turn for each that asks for its other half."""
    num = draw.whole(2, 12) if draw.chance(0.6) else draw.whole(2, 4)
    subject_of, value_of = draw.choice(_THINGS[:-1]), draw.choice(_THINGS)
    pairs: dict[str, str] = {}
    while len(pairs) < num:
        pairs[subject_of(draw)] = value_of(draw)
    forms, gap = _pair_forms(draw), draw.choice(_GAPS)
    stated = gap.join(draw.choice(forms).format(s=s, v=v) for s, v in draw.shuffled(list(pairs.items())))
    asks = [draw.choice(_ASKS) if draw.chance(0.5) else _among_words(draw, "{s}") + draw.choice(("", "?", "?", "."))]
    if draw.chance(0.3):
        asks += [draw.choice(_ASKS), _among_words(draw, "{s}") + "?"]
    if len(set(pairs.values())) == num and draw.chance(0.2):
        pairs = {value: subject for subject, value in pairs.items()}
    order = draw.shuffled(list(pairs.items()))
    if draw.chance(0.3):
        order += draw.shuffled(order)
    questions = [draw.choice(asks).format(s=known) for known, _ in order]
    if draw.chance(0.25):
        messages = [system_turn(stated), user_turn(questions[0])]
    else:
        messages = [user_turn(stated + draw.choice(("\n\n", "\n", "\n---\n")) + questions[0])]
    messages.append(assistant_turn(_taught(order[0][1])))
    for question, (_, wanted) in zip(questions[1:], order[1:], strict=True):
        messages += [user_turn(question), assistant_turn(_taught(wanted))]
    return messages


def _pair_forms(draw: Draw) -> list[str]:
    """One way to write a pair, or three. The value comes first half of the time: that is learned later and slower."""
    is_subject_first = draw.chance(0.5)
    if draw.chance(0.5):
        return [draw.choice(_SUBJECT_FIRST if is_subject_first else _VALUE_FIRST)]
    slots = ("{s}", "{v}") if is_subject_first else ("{v}", "{s}")
    return [_among_words(draw, *slots) for _ in range(1 if draw.chance(0.6) else 3)]


def _among_words(draw: Draw, *slots: str) -> str:
    """Write slots with up to two words of no meaning before, between and behind them."""
    parts: list[str] = []
    for slot in (*slots, ""):
        parts += [frequent_word(draw) for _ in range(draw.whole(0, 2))] + [slot]
    return " ".join(part for part in parts if part)


def _many_questions(draw: Draw) -> list[Message]:
    """A passage and a question for each of its facts, in turns."""
    facts = draw_facts(draw, draw.whole(*_NUM_FACTS), draw.choice(RELATIONS))
    passage, is_plain = context(draw, facts), draw.chance(0.6)
    messages: list[Message] = []
    for fact in draw.shuffled(facts):
        question, answer = asked_or_absent(draw, fact, facts)
        if not messages:
            messages += ask_question(draw, passage, request(draw, question))
        else:
            messages.append(user_turn(question) if is_plain else follow_up(draw, question))
        messages.append(assistant_turn(_taught(answer)))
    return messages


_HAVINGS = (
    "The {a} of {s} is {v}.", "{s} has {v} as a {a}.", "{v} is the {a} of {s}.", "As a {a}, {s} has {v}.",
    "{s} ({a}: {v})", "{s}: {a} {v}", "For {s}, the {a} is {v}.", "{s} was given {v} for a {a}.", "{s}, {a}, {v}",
    "{s} has the {a} {v}.", "Everyone calls {v} the {a} of {s}.", "{s} took {v} for the {a}.", "{a} of {s}: {v}",
    "{v} serves {s} as a {a}.", "With {v}, {s} has a good {a}.", "What {s} calls a {a} is {v}.", "{s} - {a}: {v}",
    "There is {v}, a {a} for {s}.", "The {a} that belongs to {s} is {v}.", "{s} would take no {a} but {v}.",
)  # fmt: skip
"""Statements that somebody or something has a value for any noun."""


def _near_words(draw: Draw) -> list[Message]:
    """A passage that says what subjects have, and questions that ask for it by words near those that it uses."""
    kinds = open_kinds_apart(draw, draw.whole(2, _MOST_NEAR_KINDS))
    value_of = [draw.choice(_THINGS) for _ in kinds]
    subjects = [draw.choice(_THINGS[:-1])(draw) for _ in range(draw.whole(2, 6))]
    pairs = draw.shuffled([(number, subject) for number in range(len(kinds)) for subject in dict.fromkeys(subjects)])
    stated = {(number, subject): value_of[number](draw) for number, subject in pairs[: max(2, len(pairs) * 3 // 5)]}
    sentences = [
        as_sentence(draw.choice(_HAVINGS).format(a=draw.choice(kinds[number]), s=subject, v=value))
        for (number, subject), value in stated.items()
    ]
    gap = draw.choice((" ", " ", "\n", "\n- "))
    passage = gap.lstrip() + gap.join(sentences)
    absent = pairs[len(stated) :][: max(1, len(stated) // 4)]
    asked = draw.shuffled([*stated.items(), *((pair, ANSWER_ABSENT) for pair in absent)])
    messages: list[Message] = []
    for (number, subject), answer in asked:
        question = as_sentence(draw.phrase(ATTRIBUTE_QUESTIONS, attribute=draw.choice(kinds[number]), s=subject))
        messages += [follow_up(draw, question)] if messages else ask_question(draw, passage, request(draw, question))
        messages.append(assistant_turn(_taught(answer)))
    return messages


def _said_again(draw: Draw) -> list[Message]:
    """A passage four to seven times, in other words and another order: what comes second of a fact is known."""
    facts = draw_facts(draw, draw.whole(*_NUM_FACTS), draw.choice(RELATIONS))
    said = [" ".join(fact.stated(draw) for fact in draw.shuffled(facts))]
    num_again = draw.whole(3, 6)
    said += [" ".join(_stated_again(draw, fact) for fact in draw.shuffled(facts)) for _ in range(num_again)]
    return [user_turn(draw.choice(("\n\n", "\n", " ")).join(said))]


def _stated_again(draw: Draw, fact: Fact) -> str:
    """Write a sentence of which the later part is trained, unless it is a subject that shares its value with others."""
    template = draw.choice(fact.relation.statements)
    subject, value = fact.subject, str(fact.value)
    if template.index("{s}") < template.index("{v}"):
        value = _taught(value)
    elif fact.relation.reverse:
        subject = _taught(subject)
    return as_sentence(template.format(s=subject, v=value))


def _many_records(draw: Draw) -> list[Message]:
    """A text, and two to five requests for JSON with different keys of it."""
    facts = draw_record(draw, MOST_KEYS)
    text = write_record(draw, facts)
    messages: list[Message] = []
    for _ in range(draw.whole(*_NUM_REQUESTS)):
        fields = fields_of(draw, facts, draw.whole(1, MOST_KEYS))
        instruction = instruction_for(draw, fields)
        messages += [user_turn(instruction)] if messages else ask_task(draw, text, instruction)
        messages.append(assistant_turn(_taught(json.dumps(fields))))
    return messages


def _many_labels(draw: Draw) -> list[Message]:
    """Labelled texts, every label trained that can be known: it stood there before, or is the only one left of a list.

    Without the second, what follows one example would always be its label again.
    """
    num_examples = draw.choice(_NUM_EXAMPLES)
    num_labels = draw.whole(2, max(2, min(MOST_LABELS, num_examples)))
    text_of = draw_rule(draw, num_labels)
    classes = [draw.whole(0, num_labels - 1) for _ in range(num_examples)]
    is_one_left = len(set(classes)) == num_labels - 1
    asked = draw.whole(0, num_labels - 1) if is_one_left else draw.choice(classes)
    asked_text, *texts = [text_of[label](number) for number, label in enumerate([asked, *classes])]
    labels = labels_of(draw, num_labels, [*texts, asked_text])
    must_list = asked not in classes or draw.chance(0.4)
    instruction = instruction_with(draw, labels, must_list=must_list)

    def is_known(number: int) -> bool:
        before = set(classes[:number])
        return classes[number] in before or (must_list and len(before | {classes[number]}) == num_labels)

    examples = [
        (text, _taught(labels[label]) if is_known(number) else labels[label])
        for number, (text, label) in enumerate(zip(texts, classes, strict=True))
    ]
    answer = assistant_turn(_taught(labels[asked]))
    if draw.chance(0.2):
        turns = [system_turn(instruction)]
        for text, label in examples:
            turns += [user_turn(text), assistant_turn(label)]
        return [*turns, user_turn(asked_text), answer]
    return [*in_prompt(draw, instruction, examples, asked_text, example_form(draw), must_instruct=must_list), answer]


_MAKERS: dict[str, Callable[[Draw], list[Message]]] = {
    "lookups": _lookups,
    "many_questions": _many_questions,
    "near_words": _near_words,
    "said_again": _said_again,
    "many_records": _many_records,
    "many_labels": _many_labels,
}
MANY_ANSWERS: tuple[str, ...] = tuple(_MAKERS)
