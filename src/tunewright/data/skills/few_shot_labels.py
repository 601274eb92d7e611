"""Labels that only examples explain: the label names are nonce, the rule behind them is visible in the inputs.

Labels are balanced among the examples, and the asked label is drawn evenly, so guessing the majority gains nothing.
"""

from collections.abc import Callable, Sequence

from tunewright.data.skills.item import Draw, Parted, SkillItem, counted
from tunewright.data.skills.layout import Prompt, answered, system_turn, user_turn
from tunewright.data.skills.words import BAD, CATEGORIES, GOOD
from tunewright.records import Message

_NUM_EXAMPLES = (1, 2, 4, 8, 16)
_MOST_LABELS = 4
_ASKED = 0
"""The number of the text that is asked about; its deciding word stands in no example."""

TextOf = Callable[[int], str]
"""Writes the input of this number for one label."""

_MENTIONS = (
    "We talked about the {word}.",
    "There was a picture of the {word} on the wall.",
    "I have been thinking about the {word}.",
    "The first page is about the {word}.",
    "She wrote a song about the {word}.",
    "Please tell me about the {word}.",
    "My brother asked about the {word}.",
    "The next word on the list was {word}.",
    "He could not spell the word {word}.",
    "They made a film about the {word}.",
)
_OPINIONS = (
    "The dinner was {word}.",
    "Such {word} weather!",
    "We had {word} days at the lake.",
    "The new film is {word}.",
    "I found the book {word}.",
    "They run {word} hotels.",
    "The service here is {word}.",
    "My room looked {word}.",
    "The music sounded {word}.",
    "These are {word} ideas.",
)
_PERSON_NEWS = (
    "{word} went to the market.",
    "I met {word} this morning.",
    "Have you met {word}?",
    "The letter is from {word}.",
    "{word} has lost a coin.",
    "We are waiting for {word}.",
    "Nobody knows where {word} is.",
    "Ask {word} about the key.",
)
_PATTERNS = (
    ("Where is the {word}?", "Who has seen the {word}?", "Why did you bring the {word}?", "Is this your {word}?"),
    ("The {word} is here.", "I can see the {word}.", "We found the {word}.", "Someone took the {word}."),
    ("Bring me the {word}.", "Look at the {word}.", "Please hide the {word}.", "Draw the {word}."),
    ("What a big {word}!", "How I love the {word}!", "Oh no, the {word}!", "Hurray for the {word}!"),
)  # fmt: skip


def _word_deck(draw: Draw, words: Parted) -> TextOf:
    deck = draw.shuffled(words.of(draw.part))
    return lambda number: deck[number] if number < len(deck) else draw.choice(deck[_ASKED + 1 :])


def _always(word: str) -> TextOf:
    return lambda _: word


def _framed(draw: Draw, frames: Sequence[str], word_of: TextOf) -> TextOf:
    return lambda number: draw.choice(frames).format(word=word_of(number))


def _by_category(draw: Draw, num_labels: int) -> list[TextOf]:
    decks = [_word_deck(draw, words) for words in draw.sample(CATEGORIES, num_labels)]
    return decks if draw.chance(0.4) else [_framed(draw, _MENTIONS, deck) for deck in decks]


def _by_opinion(draw: Draw, _: int) -> list[TextOf]:
    return [_framed(draw, _OPINIONS, _word_deck(draw, words)) for words in (GOOD, BAD)]


def _by_person(draw: Draw, num_labels: int) -> list[TextOf]:
    """One nonce person for each label: the only rule that can be followed by looking up the same word."""
    return [_framed(draw, _PERSON_NEWS, _always(name)) for name in draw.names(num_labels)]


def _by_pattern(draw: Draw, num_labels: int) -> list[TextOf]:
    return [_framed(draw, pattern, lambda _: draw.word()) for pattern in draw.sample(_PATTERNS, num_labels)]


def _by_shape(draw: Draw, _: int) -> list[TextOf]:
    """Two labels: capitals or small letters, a number or a word, one word or three."""
    shapes: tuple[tuple[TextOf, TextOf], ...] = (
        (lambda _: draw.word().upper(), lambda _: draw.word()),
        (lambda _: str(draw.whole(2, 9999)), lambda _: draw.word()),
        (lambda _: draw.word(), lambda _: " ".join(draw.words(3))),
    )
    return draw.shuffled(draw.choice(shapes))


_TWO_LABEL_RULES = (_by_category,) * 4 + (_by_person,) * 2 + (_by_opinion,) * 2 + (_by_pattern, _by_shape)
_MANY_LABEL_RULES = (_by_category,) * 4 + (_by_person,) * 2 + (_by_pattern,)

_EXAMPLE_FORMS = Parted(
    "{text} -> {label}",
    "{text} => {label}",
    "Input: {text}\nLabel: {label}",
    "Text: {text}\nClass: {label}",
    "Q: {text}\nA: {label}",
    "{text} | {label}",
    "Sentence: {text}\nGroup: {label}",
    "{text} = {label}",
    '"{text}" is {label}',
    "- {text} : {label}",
    "Text: {text} Label: {label}",
    "Case: {text} Result: {label}",
    "<{text}> {label}",
    "In: {text}\nOut: {label}",
    "Input: {text} Output: {label}",
    "[{text}] {label}",
)
_INSTRUCTIONS = Parted(
    "Give the label of the last one, as in the examples.",
    "Look at the examples and label the last input.",
    "Each text has a label. Which label comes last?",
    "Sort the last text into its group, like those before it.",
    "Continue with the right label.",
    "Learn the labels from the examples and use them.",
    "Follow the examples. Answer with the label alone.",
    "Study these cases, then decide the last.",
    "Here are labelled examples. Label the new one.",
    "Classify like this.",
    "Use the same labels as in the examples.",
    "Choose the label that fits, as shown.",
    "Write only the label.",
    "What is the missing label?",
    "Label the text in the way of the examples.",
    "Find out what the labels mean, then complete the list.",
)
_LABEL_LISTS = Parted(
    "Labels: {labels}.", "The labels are {labels}.", "Choose from {labels}.", "Possible answers: {labels}.",
    "There are these labels: {labels}.", "Answer with one of {labels}.", "Use one of these labels: {labels}.",
    "The only labels are {labels}.",
)  # fmt: skip


def _labels(draw: Draw, num: int) -> list[str]:
    make = draw.choice((draw.word, draw.word, draw.name, draw.code))
    return [make() for _ in range(num)]


def _instruction(draw: Draw, labels: list[str], *, must_list: bool) -> str:
    parts = [draw.pick(_INSTRUCTIONS)]
    if must_list or draw.chance(0.3):
        parts.append(draw.phrase(_LABEL_LISTS, labels=", ".join(draw.shuffled(labels))))
    return " ".join(parts)


def make_few_shot_labels(draw: Draw) -> SkillItem:
    """Show 1, 2, 4, 8 or 16 labelled examples and ask for the label of one more input."""
    num_examples = draw.choice(_NUM_EXAMPLES)
    num_labels = draw.whole(2, max(2, min(_MOST_LABELS, num_examples)))
    text_of = draw.choice(_TWO_LABEL_RULES if num_labels == 2 else _MANY_LABEL_RULES)(draw, num_labels)
    labels = _labels(draw, num_labels)
    asked = draw.whole(0, num_labels - 1)
    asked_text = text_of[asked](_ASKED)
    first = draw.whole(0, num_labels - 1)
    classes = draw.shuffled([(first + number) % num_labels for number in range(num_examples)])
    examples = [(text_of[label](number), labels[label]) for number, label in enumerate(classes, 1)]
    # With one example the other label can be known only from the list.
    instruction = _instruction(draw, labels, must_list=num_examples < num_labels)
    if draw.chance(0.15):
        prompt = _as_turns(instruction, examples, asked_text)
    else:
        prompt = _in_prompt(draw, instruction, examples, asked_text, must_instruct=num_examples < num_labels)
    return answered("few_shot_labels", prompt, labels[asked], counted(num_examples, "example"))


def _in_prompt(
    draw: Draw, instruction: str, examples: list[tuple[str, str]], asked_text: str, *, must_instruct: bool
) -> Prompt:
    form = draw.pick(_EXAMPLE_FORMS)
    separator = "\n\n" if "\n" in form and draw.chance(0.5) else "\n"
    shown = separator.join(form.format(text=text, label=label) for text, label in examples)
    asked = form.format(text=asked_text, label="").rstrip(" ")
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
