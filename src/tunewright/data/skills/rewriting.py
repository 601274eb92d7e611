"""Rewriting by a stated rule: letter case, order, replaced, removed, added or joined words."""

from collections.abc import Callable

from tunewright.data.skills.copying import draw_list, draw_text, write_list
from tunewright.data.skills.facts import new_fact
from tunewright.data.skills.item import Draw, Parted, SkillItem
from tunewright.data.skills.layout import answered, ask_task
from tunewright.data.skills.relations import RELATIONS_BY_KIND

_LONGEST_LIST = 6

_UPPER = Parted(
    "Write the text in capital letters.",
    "Make it upper case.",
    "Turn all letters into capitals.",
    "Put everything in capitals.",
    "Change the text to upper case.",
    "Use capital letters only.",
    "Rewrite this in upper case.",
    "Write it all in big letters.",
    "Convert the text to upper case.",
    "Capitalise every letter.",
    "All caps, please.",
    "Please give me this text in capitals.",
    "Could you write this in upper-case letters?",
    "Every letter should be a capital. Change nothing else.",
    "Upper-case the text.",
    "Return the same text, but with capital letters throughout.",
    "TASK: upper case.",
    "Shout it: use capitals for every letter.",
    "Transform the input to upper case and output the result.",
    "No small letters, please. Rewrite the text in capitals.",
    "Output the text in uppercase.",
    "I would like this text in capital letters.",
    "How does the text look in capital letters?",
    "Type this with the caps lock on.",
)
_LOWER = Parted(
    "Write the text in small letters.",
    "Make it lower case.",
    "Turn all letters into small ones.",
    "Put everything in lower case.",
    "Change the text to lower case.",
    "Use small letters only.",
    "Rewrite this in small letters.",
    "Write it all without capitals.",
    "Convert the text to lower case.",
    "Lower-case every letter.",
    "Small letters only, please.",
    "Please give me this text without capital letters.",
    "Could you write this in lower-case letters?",
    "No letter may be a capital. Change nothing else.",
    "Lower-case the text.",
    "Return the same text, but with small letters throughout.",
    "TASK: lower case.",
    "Make every capital a small letter.",
    "Transform the input to lower case and output the result.",
    "Get rid of the capitals: each of them becomes a small letter.",
    "Output the text in lowercase.",
    "I would like this text in small letters.",
    "How does the text look in lower case?",
    "Type this without the shift key, all in small letters.",
)
_REVERSE = Parted(
    "Reverse the order of the list.",
    "Write the list from the last item to the first.",
    "Turn the list around.",
    "Say the items backwards.",
    "Give the items in reverse order.",
    "Start with the last item and end with the first.",
    "List the items in the opposite order.",
    "Put the last item first and so on.",
    "Reverse the items.",
    "Please turn the order of these items round.",
    "List them back to front.",
    "Read the list from its end to its beginning and write down the items.",
    "From end to start, write all the items.",
    "Backwards, please: the final item leads and the opening one closes.",
    "Flip the list.",
    "Return the items in reversed order, separated by commas.",
    "Invert the order of the list.",
    "Could you give me the list the other way round?",
    "TASK: reverse the list.",
    "Write the same items, but begin at the end.",
    "What is the list when read backwards?",
    "Output the list in reverse.",
    "I need these items in the opposite order.",
    "Keep all the items and reverse their order.",
)
_REPLACE = Parted(
    "Replace {old} by {new}.",
    "Write {new} instead of {old}.",
    "Change {old} to {new}.",
    "Put {new} where {old} stands.",
    "Rewrite the text with {new} in place of {old}.",
    "Everywhere it says {old}, write {new}.",
    "Exchange {old} for {new}.",
    "The name {old} is wrong; it should be {new}. Correct it.",
    "Substitute {new} for {old}.",
    "{old} is now called {new}. Update the text.",
    "Swap the name {old} for {new}.",
    "Please rewrite this so that it says {new} and not {old}.",
    "Find {old} and replace it with {new}.",
    "Let {new} take the place of {old}.",
    "Rename {old} to {new}.",
    "Give me the text again, but with {new} as the name where it now says {old}.",
    "replace: {old} -> {new}",
    "Every {old} becomes {new}. Leave the rest as it is.",
    "Could you change the name {old} into {new}?",
    "We made a mistake with {old}: the right name is {new}. Write the text with the right name.",
    "The text should be about {new}, not about {old}. Change only the name.",
    "Use the name {new} in place of {old}.",
    "Correct the text: {new} for {old}.",
    "Copy the text, but wherever you meet {old} write {new}.",
)
_PREFIX = Parted(
    "Put {mark} before the text.",
    "Write the text after {mark}",
    "Begin the text with {mark}",
    "Let the text follow {mark}",
    "Add {mark} at the start.",
    "Start with {mark} and then write the text.",
    "Add {mark} in front of the text.",
    "First write {mark} and then copy what is given.",
    "Prefix the text with {mark}",
    "Put {mark} at the beginning.",
    "Please set {mark} before what is given.",
    "The text should open with {mark} and go on unchanged.",
    "Write {mark} and, after a space, the text.",
    "Insert {mark} before the text.",
    "Give the text back with {mark} in front.",
    "Make {mark} the opening of the text and keep all the rest.",
    "Label the text with {mark} at its start.",
    "Could you put {mark} ahead of the text?",
    "prefix: {mark}",
    "Output {mark} followed by the input.",
    "Lead with {mark} and repeat the text.",
    "Return the text, preceded by {mark}",
    "I want to see {mark} and then the whole text.",
    "Place {mark} at the front and leave the text as it is.",
)
_JOIN = Parted(
    "Join the words with commas.",
    "Put commas between the words.",
    "Separate the words by commas.",
    "Make a line with commas of these words.",
    "Write the words with commas between them.",
    "Turn the words into a comma-separated list.",
    "List the words, separated by commas.",
    "Set a comma after each word but the last.",
    "Write these words as one line with commas.",
    "Comma-separate the words.",
    "Please list the words with a comma between each two.",
    "Make this a list with commas: all the words, one after the other.",
    "Use commas to separate the words.",
    "Write word after word, with a comma after each but the final one.",
    "Return the words, joined by a comma and a space.",
    "Every word, then a comma, then the next word.",
    "Convert this to a comma-separated line.",
    "Could you put these words on one line, with commas?",
    "TASK: join with commas.",
    "Keep the order of the words and part them with commas.",
    "Between each word and the next there should be a comma.",
    "Output all the words, split by commas.",
    "I need the words in one row with commas between them.",
    "Rewrite this row of words with commas in it.",
)
_REMOVE = Parted(
    "Remove {word} from the list.",
    "Leave out {word}.",
    "Delete {word}.",
    "Write the list without {word}.",
    "Take {word} out of the list.",
    "Drop {word} and keep the others.",
    "Cross out {word}.",
    "All items except {word}, please.",
    "Omit {word}.",
    "Strike {word} from the list.",
    "Please remove {word} and list what is left.",
    "Copy the list, but skip {word} when you come to it.",
    "Everything but {word}.",
    "We no longer need {word}. Write the list again without it.",
    "Give me the other items, not {word}.",
    "What remains of the list once {word} is gone?",
    "Return the list minus {word}.",
    "Could you drop {word} from this list?",
    "remove: {word}",
    "Keep every item other than {word}.",
    "Exclude {word}.",
    "Filter out {word}.",
    "I do not want {word}. List the others.",
    "The entry {word} is a mistake; delete it and write down the others.",
)

_Rewrite = tuple[str, str, str]
"""The instruction, the text to work on, and the text wanted."""


def _upper(draw: Draw) -> _Rewrite:
    text = draw_text(draw)
    return draw.wording(_UPPER), text, text.upper()


def _lower(draw: Draw) -> _Rewrite:
    text = draw_text(draw)
    return draw.wording(_LOWER), text if draw.chance(0.5) else text.upper(), text.lower()


def _reverse(draw: Draw) -> _Rewrite:
    items = draw_list(draw, draw.whole(2, _LONGEST_LIST))
    return draw.wording(_REVERSE), write_list(draw, items), ", ".join(reversed(items))


def _replace(draw: Draw) -> _Rewrite:
    old, new = draw.names(2)
    facts = [
        new_fact(draw, relation, old)
        for relation in draw.sample(RELATIONS_BY_KIND[draw.choice(("person", "place"))], draw.whole(1, 3))
    ]
    text = " ".join(fact.stated(draw) for fact in facts)
    return draw.phrase(_REPLACE, old=old, new=new), text, text.replace(old, new)


def _prefix(draw: Draw) -> _Rewrite:
    text, mark = draw_text(draw), f"{draw.name()}:"
    return draw.phrase(_PREFIX, mark=mark), text, f"{mark} {text}"


def _join(draw: Draw) -> _Rewrite:
    items = draw_list(draw, draw.whole(2, _LONGEST_LIST))
    return draw.wording(_JOIN), draw.choice((" ", "\n", " / ")).join(items), ", ".join(items)


def _remove(draw: Draw) -> _Rewrite:
    items = draw_list(draw, draw.whole(2, _LONGEST_LIST))
    removed = draw.choice(items)
    wanted = ", ".join(item for item in items if item != removed)
    return draw.phrase(_REMOVE, word=removed), write_list(draw, items), wanted


_REWRITES: dict[str, Callable[[Draw], _Rewrite]] = {
    "upper_case": _upper,
    "lower_case": _lower,
    "reverse": _reverse,
    "replace": _replace,
    "prefix": _prefix,
    "join": _join,
    "remove": _remove,
}


def make_rewriting(draw: Draw) -> SkillItem:
    """Ask for the input changed by one rule. Lists come back on one line with commas."""
    variant = draw.choice(tuple(_REWRITES))
    instruction, text, wanted = _REWRITES[variant](draw)
    return answered("rewriting", ask_task(draw, text, instruction), wanted, variant)
