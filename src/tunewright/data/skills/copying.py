"""Copying: a whole text, a list, one item of a list, or what stands between marks."""

from tunewright.data.skills.facts import new_fact
from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, ask_task
from tunewright.data.skills.relations import RELATIONS
from tunewright.data.skills.words import PLAIN, any_words

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")
_LONGEST_LIST = len(_ORDINALS)
_MARKS = (("[", "]"), ("(", ")"), ("<", ">"), ("{", "}"), ('"', '"'), ("*", "*"), ("<<", ">>"), ("##", "##"))

_COPY = Parted(
    "Repeat the text.",
    "Copy this word for word.",
    "Say it again, exactly.",
    "Write the text once more.",
    "Copy the text.",
    "Output exactly what you are given.",
    "Repeat after me.",
    "Give the text back unchanged.",
    "Write this down as it is.",
    "Type the same again.",
    "Echo the input.",
    "Reproduce it letter by letter.",
    "Please repeat this exactly.",
    "Return the input as it is.",
    "Copy everything below or above, without any change.",
    "Write exactly the same text, please.",
    "Print the text.",
    "Could you say that again, word for word?",
    "Your answer should be the text itself.",
    "Give me the same words in the same order.",
    "TASK: copy.",
    "Output the text unchanged.",
    "Do not alter anything. Just repeat it.",
    "Transcribe this without a change.",
    "Quote the text in full.",
    "I need an exact copy of this.",
    "Restate it in the very same words.",
    "Answer with what you are given and nothing more.",
    "Mirror the input.",
    "Write the input out in full.",
    "What does the text say? Repeat all of it.",
    "Duplicate the text.",
)
_COPY_LIST = Parted(
    "Repeat the list.",
    "Copy the list as it is.",
    "Write all items again, in the same order.",
    "Give the whole list back.",
    "Say the list again.",
    "List the same items.",
    "Copy all the items.",
    "Write the list once more.",
    "Return the list unchanged.",
    "Please repeat every item, in order.",
    "Output the list exactly as given.",
    "Give me the same list, from its beginning to its end.",
    "Duplicate the list.",
    "Print all the items.",
    "Could you write this list again for me?",
    "I need the complete list, without any change.",
    "TASK: copy the list.",
    "Echo the items.",
    "What is on the list? Repeat all of it.",
    "Transcribe the list as it stands.",
    "Keep the list as it is and write it down.",
    "Answer with the whole list.",
    "Reproduce the list.",
    "Do not change the list; just say it again.",
)
_COPY_ITEM = Parted(
    "Copy the {ordinal} item.",
    "What is the {ordinal} item?",
    "Which item is {ordinal} in the list?",
    "Name the item in {ordinal} place.",
    "Write only the {ordinal} item.",
    "Give me the {ordinal} one.",
    "Pick the {ordinal} item of the list.",
    "Say just the {ordinal} word of it.",
    "Answer with the {ordinal} item.",
    "Tell me the {ordinal} item.",
    "Return the {ordinal} item.",
    "Repeat no more than the {ordinal} item.",
    "Output the {ordinal} entry.",
    "Find the {ordinal} item and write it.",
    "{ordinal} item?",
    "Please tell me which item is the {ordinal} one.",
    "What stands in {ordinal} place?",
    "Read the list and return its {ordinal} entry.",
    "I want the {ordinal} item, nothing else.",
    "From this list, select the {ordinal} item.",
    "Extract the {ordinal} item.",
    "Which is the {ordinal} entry?",
    "Could you give me the {ordinal} item of this list?",
    "The {ordinal} item, please.",
    "Show the {ordinal} item only.",
    "Look at the list. What does it have in {ordinal} position?",
    "Say which item comes {ordinal}.",
    "Out of all these items, write down the {ordinal}.",
    "Ignore the others and copy the {ordinal} item.",
    "TASK: copy the {ordinal} item",
    "Quote the {ordinal} entry of the list.",
    "Go to the {ordinal} item and repeat it.",
)
_COPY_MARKED = Parted(
    "Copy what stands between {left} and {right}.",
    "Write the text between {left} and {right}.",
    "What is between {left} and {right}?",
    "Which words are enclosed by {left} and {right}?",
    "Give only what {left} and {right} enclose.",
    "Find the part between {left} and {right}.",
    "Return the words between {left} and {right}.",
    "Show what lies inside {left} and {right}.",
    "Extract the text between {left} and {right}.",
    "Output the part enclosed in {left} and {right}.",
    "Please copy the words that {left} and {right} surround.",
    "There is a part that starts at {left} and ends at {right}. Write that part without the marks.",
    "What do {left} and {right} enclose?",
    "Read out what is inside {left} {right}.",
    "Between {left} and {right} there are some words. Which are they?",
    "I need just the piece between {left} and {right}.",
    "Copy everything after {left} and before {right}.",
    "Get the marked part: it stands between {left} and {right}.",
    "Quote the words inside {left} and {right}.",
    "Leave out all that is not between {left} and {right}.",
    "Only the words between {left} and {right}, please.",
    "Could you tell me what {left} and {right} have between them?",
    "The answer is between {left} and {right}. Copy it.",
    "Look for {left} and {right} and write down what they hold.",
)


def draw_list(draw: Draw, num: int) -> list[str]:
    """Make a list of num different items of one sort: plain words, nonce words, names or codes."""
    sort = draw.rng.random()
    if sort < 0.35:
        return any_words(draw, PLAIN, num)
    if sort < 0.65:
        return draw.words(num)
    return draw.names(num) if sort < 0.85 else [draw.code() for _ in range(num)]


def write_list(draw: Draw, items: list[str]) -> str:
    """Write items on one line, or one on each line."""
    form = draw.rng.random()
    if form < 0.6:
        return ", ".join(items)
    if form < 0.7:
        return "; ".join(items)
    if form < 0.8:
        return "\n".join(items)
    if form < 0.9:
        return "\n".join(f"- {item}" for item in items)
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))


def draw_text(draw: Draw) -> str:
    """Make one to four sentences, or some words without meaning."""
    if draw.chance(0.3):
        return " ".join(draw_list(draw, draw.whole(2, _LONGEST_LIST)))
    return " ".join(new_fact(draw, draw.choice(RELATIONS)).stated(draw) for _ in range(draw.whole(1, 4)))


def make_copying(draw: Draw) -> SkillItem:
    """Ask for a part of the input, or all of it, unchanged."""
    kind = draw.rng.random()
    if kind < 0.35:
        context = answer = draw_text(draw)
        if draw.chance(0.4):
            context = f'"{answer}"'
        instruction, variant = draw.wording(_COPY), "text"
    elif kind < 0.5:
        context = answer = write_list(draw, draw_list(draw, draw.whole(2, _LONGEST_LIST)))
        instruction, variant = draw.wording(_COPY_LIST), "list"
    elif kind < 0.8:
        items = draw_list(draw, draw.whole(2, _LONGEST_LIST))
        place, variant = (-1, "last_item") if draw.chance(0.3) else (draw.whole(0, len(items) - 1), "numbered_item")
        ordinal = "last" if place == -1 else _ORDINALS[place]
        context, answer = write_list(draw, items), items[place]
        instruction = draw.phrase(_COPY_ITEM, ordinal=ordinal)
    else:
        left, right = draw.choice(_MARKS)
        answer, variant = " ".join(draw_list(draw, draw.whole(1, 4))), "between_marks"
        before, after = (" ".join(draw_list(draw, draw.whole(1, 5))) for _ in range(2))
        context = f"{before} {left}{answer}{right} {after}"
        instruction = draw.phrase(_COPY_MARKED, left=left, right=right)
    return answered("copying", ask_task(draw, context, instruction), answer, variant)
