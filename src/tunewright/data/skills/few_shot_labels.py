"""Labels that only examples explain: the label names are nonce, the rule behind them is visible in the inputs.

Labels are balanced among the examples, and the asked label is drawn evenly, so guessing the majority gains nothing.
"""

import re
from collections.abc import Callable, Sequence

from tunewright.data.skills.few_shot_texts import (
    EXAMPLE_FORMS,
    INSTRUCTIONS,
    LABEL_LISTS,
    MENTIONS,
    OPINIONS,
    PATTERNS,
    PERSON_NEWS,
)
from tunewright.data.skills.item import Draw, Parted, SkillItem, as_sentence, counted
from tunewright.data.skills.layout import Prompt, answered, system_turn, user_turn
from tunewright.data.skills.words import (
    ANIMALS,
    COLOURS,
    FOODS,
    MATERIALS,
    PLAIN,
    ROOMS,
    categories,
    frequent_word,
    opinions,
)
from tunewright.records import Message

_NUM_EXAMPLES = (1, 2, 4, 8, 16)
MOST_LABELS = 4
_LABEL_WORDS = (PLAIN, PLAIN, COLOURS, ANIMALS, FOODS, MATERIALS, ROOMS)
"""Ordinary words that serve as labels, whatever they mean."""
_OPEN_FRAMES_SHARE = 0.85
_NUM_OPEN_FRAMES = (2, 12)
_OPEN_LABELS_SHARE = 0.2
_BRACKETS = (("[", "]"), ("(", ")"), ("<", ">"), ('"', '"'), ("'", "'"), ("*", "*"), ("`", "`"), ("| ", " |"))
_BETWEEN = (
    " -> ", " => ", ": ", " : ", " ~ ", " | ", " / ", " >> ", " :: ", ", ", "; ", " -- ", " // ", " # ", " & ", " + ",
    " is ", " = ", "\n", "\t", " ... ", " --> ", "\n- ", " <- ", " @ ", " * ", " means ", " goes with ",
)  # fmt: skip
_ASKED = 0
"""The number of the text that is asked about; its deciding word stands in no example."""

TextOf = Callable[[int], str]
"""Writes the input of this number for one label."""


def _word_deck(draw: Draw, words: Sequence[str]) -> TextOf:
    deck = draw.shuffled(words)
    return lambda number: deck[number] if number < len(deck) else draw.choice(deck[_ASKED + 1 :])


def _always(word: str) -> TextOf:
    return lambda _: word


def _frames(draw: Draw, frames: Parted, kind: str) -> Sequence[str]:
    """The frames of one item; where a base is trained, mostly some of its texts' own sentences of this kind.

    They are few, as those of the skill are: the same sentence comes with several labels, so it explains none.
    """
    open_frames = draw.open_words.frames.get(kind)
    if not open_frames or not draw.chance(_OPEN_FRAMES_SHARE):
        return frames.of(draw.part)
    return draw.sample(open_frames, min(len(open_frames), draw.whole(*_NUM_OPEN_FRAMES)))


def _framed(draw: Draw, frames: Sequence[str], word_of: TextOf) -> TextOf:
    return lambda number: draw.choice(frames).format(word=word_of(number))


def _by_category(draw: Draw, num_labels: int) -> list[TextOf]:
    decks = [_word_deck(draw, words) for words in draw.sample(categories(draw), num_labels)]
    if draw.chance(0.4):
        return decks
    frames = _frames(draw, MENTIONS, "things")
    return [_framed(draw, frames, deck) for deck in decks]


def _by_opinion(draw: Draw, _: int) -> list[TextOf]:
    frames = _frames(draw, OPINIONS, "opinions")
    return [_framed(draw, frames, _word_deck(draw, words)) for words in opinions(draw)]


def _by_person(draw: Draw, num_labels: int) -> list[TextOf]:
    """One nonce person for each label: the only rule that can be followed by looking up the same word."""
    frames = _frames(draw, PERSON_NEWS, "people")
    return [_framed(draw, frames, _always(name)) for name in draw.names(num_labels)]


def _by_pattern(draw: Draw, num_labels: int) -> list[TextOf]:
    chosen = draw.sample(tuple(PATTERNS.items()), num_labels)
    return [_framed(draw, _frames(draw, frames, pattern), lambda _: draw.word()) for pattern, frames in chosen]


def _by_shape(draw: Draw, _: int) -> list[TextOf]:
    """Two labels: capitals or small letters, a number or a word, one word or three, a code or a name, and so on."""
    shapes: tuple[tuple[TextOf, TextOf], ...] = (
        (lambda _: draw.word().upper(), lambda _: draw.word()),
        (lambda _: str(draw.whole(2, 9999)), lambda _: draw.word()),
        (lambda _: draw.word(), lambda _: " ".join(draw.words(3))),
        (lambda _: draw.code(), lambda _: draw.name()),
        (lambda _: f"{draw.word()}@{draw.word()}.org", lambda _: f"{draw.word()} {draw.word()}"),
        (lambda _: f"{draw.whole(1, 12)}:{draw.whole(0, 59):02}", lambda _: str(draw.whole(2, 9999))),
        (lambda _: f"{draw.word()}{draw.whole(2, 99)}", lambda _: draw.word()),
    )
    return draw.shuffled(draw.choice(shapes))


_TWO_LABEL_RULES = (_by_category,) * 4 + (_by_person,) * 2 + (_by_opinion,) * 2 + (_by_pattern, _by_shape)
_MANY_LABEL_RULES = (_by_category,) * 4 + (_by_person,) * 2 + (_by_pattern,)

_MORE_CATEGORIES_SHARE = 0.4
"""How often a base's training sorts by the meaning of words beyond that: it is what a small model learns last."""


def draw_rule(draw: Draw, num_labels: int) -> list[TextOf]:
    """Choose what decides the label: who writes the texts of each."""
    if draw.open_words.words and draw.chance(_MORE_CATEGORIES_SHARE):
        return _by_category(draw, num_labels)
    return draw.choice(_TWO_LABEL_RULES if num_labels == 2 else _MANY_LABEL_RULES)(draw, num_labels)


def labels_of(draw: Draw, num: int, texts: Sequence[str]) -> list[str]:
    """Make labels: nonce words, names, codes, two-word names or ordinary words that stand in none of the texts."""
    used = set(re.findall(r"\w+", " ".join(texts).lower()))
    if draw.open_words.words and draw.chance(_OPEN_LABELS_SHARE):
        # So many that enough are left without those of the texts.
        drawn = draw.sample(draw.open_words.words, min(len(draw.open_words.words), num + len(used)))
        free = [word for word in drawn if word not in used]
        return [word.capitalize() for word in free[:num]] if draw.chance(0.3) else free[:num]
    form = draw.rng.random()
    if form < 0.15:
        free = [word for word in draw.choice(_LABEL_WORDS).of(draw.part) if word not in used]
        if len(free) >= num:
            return draw.sample(free, num)
    if form < 0.3:
        return [f"{draw.name()} {draw.name()}" for _ in range(num)]
    make = draw.choice((draw.word, draw.word, draw.name, draw.code))
    return [make() for _ in range(num)]


def instruction_with(draw: Draw, labels: list[str], *, must_list: bool) -> str:
    """Write an instruction, with the list of labels now and then, or where nothing else names them all."""
    parts = [draw.wording(INSTRUCTIONS)]
    if must_list or draw.chance(0.3):
        parts.append(draw.phrase(LABEL_LISTS, labels=", ".join(draw.shuffled(labels))))
    return " ".join(parts)


def make_few_shot_labels(draw: Draw) -> SkillItem:
    """Show 1, 2, 4, 8 or 16 labelled examples and ask for the label of one more input."""
    num_examples = draw.choice(_NUM_EXAMPLES)
    num_labels = draw.whole(2, max(2, min(MOST_LABELS, num_examples)))
    text_of = draw_rule(draw, num_labels)
    asked = draw.whole(0, num_labels - 1)
    asked_text = text_of[asked](_ASKED)
    first = draw.whole(0, num_labels - 1)
    classes = draw.shuffled([(first + number) % num_labels for number in range(num_examples)])
    texts = [text_of[label](number) for number, label in enumerate(classes, 1)]
    labels = labels_of(draw, num_labels, [*texts, asked_text])
    examples = [(text, labels[label]) for text, label in zip(texts, classes, strict=True)]
    # With one example the other label can be known only from the list.
    instruction = instruction_with(draw, labels, must_list=num_examples < num_labels)
    if draw.chance(0.15):
        prompt = _as_turns(instruction, examples, asked_text)
    else:
        form = example_form(draw)
        prompt = in_prompt(draw, instruction, examples, asked_text, form, must_instruct=num_examples < num_labels)
    return answered("few_shot_labels", prompt, labels[asked], counted(num_examples, "example"))


def example_form(draw: Draw) -> str:
    """How one example is written: a form of the skill's or, where a base is trained, mostly one that is made up."""
    if not draw.open_words.words or draw.chance(0.3):
        return draw.pick(EXAMPLE_FORMS)
    before, behind = draw.choice(_BRACKETS), draw.choice(_BRACKETS)
    text = "{text}".join(before) if draw.chance(0.25) else "{text}"
    label = "{label}".join(behind) if draw.chance(0.25) else "{label}"
    if draw.chance(0.4):
        form = text + draw.choice(_BETWEEN) + label
    else:
        of_text, of_label = _head(draw), _head(draw)
        if draw.chance(0.6):
            of_text, of_label = as_sentence(of_text), as_sentence(of_label)
        form = of_text + text + draw.choice(("\n", "\n", " ", ", ", "; ", " | ")) + of_label + label
    return example_form(draw) if form in EXAMPLE_FORMS.held_out else form


def _head(draw: Draw) -> str:
    """Make up what stands before a text or a label, such as `Input: `."""
    return frequent_word(draw) + draw.choice((": ", " = ", " - ", "\n", ") "))


def in_prompt(
    draw: Draw, instruction: str, examples: list[tuple[str, str]], asked_text: str, form: str, *, must_instruct: bool
) -> Prompt:
    """Lay out the examples and the text that is asked about, in the form of an example without its label."""
    separator = "\n\n" if "\n" in form and draw.chance(0.5) else "\n"
    shown = separator.join(form.format(text=text, label=label) for text, label in examples)
    # What a form puts after the label, such as a bracket, is not for the model to write.
    asked = form.partition("{label}")[0].format(text=asked_text).rstrip()
    place = draw.rng.random()
    if place < 0.2:
        return system_turn(f"{instruction}\n\n{shown}"), user_turn(asked if draw.chance(0.5) else asked_text)
    if place < 0.3:
        return system_turn(instruction), user_turn(f"{shown}{separator}{asked}")
    if place < 0.45 and not must_instruct:
        return (user_turn(f"{shown}{separator}{asked}"),)
    return (user_turn(f"{instruction}\n\n{shown}{separator}{asked}"),)


def _as_turns(instruction: str, examples: list[tuple[str, str]], asked_text: str) -> Prompt:
    """Examples as earlier turns. They are read only: nobody could know their labels."""
    turns = [system_turn(instruction)]
    for text, label in examples:
        turns += [user_turn(text), Message(role="assistant", content=label, weight=0)]
    return (*turns, user_turn(asked_text))
