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
)

_Rewrite = tuple[str, str, str]
"""The instruction, the text to work on, and the text wanted."""


def _upper(draw: Draw) -> _Rewrite:
    text = draw_text(draw)
    return draw.pick(_UPPER), text, text.upper()


def _lower(draw: Draw) -> _Rewrite:
    text = draw_text(draw)
    return draw.pick(_LOWER), text if draw.chance(0.5) else text.upper(), text.lower()


def _reverse(draw: Draw) -> _Rewrite:
    items = draw_list(draw, draw.whole(2, _LONGEST_LIST))
    return draw.pick(_REVERSE), write_list(draw, items), ", ".join(reversed(items))


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
    return draw.pick(_JOIN), draw.choice((" ", "\n", " / ")).join(items), ", ".join(items)


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
