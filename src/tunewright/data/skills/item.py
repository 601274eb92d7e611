"""What every skill shares: the item, options split between the parts, and the random choices of one item."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from tunewright.data.skills.loosen import loosened
from tunewright.data.skills.names import is_held_out, random_code, random_word
from tunewright.records import Message

Part = Literal["train", "held_out"]

_RESERVE_EVERY = 4
"""One option in four is kept for held-out items: enough left to learn from, enough to measure on."""

_Option = TypeVar("_Option")


@dataclass(frozen=True, slots=True)
class SkillItem:
    """One task and its answer: the messages of a conversation that ends with the wanted assistant turn."""

    skill: str
    messages: tuple[Message, ...]
    variant: str
    """The kind within the skill, for figures by kind: `answer_absent`, `4_examples`, `3_keys`."""


class Parted:
    """Words or templates of which every fourth is used by held-out items alone, and the others by training alone."""

    __slots__ = ("held_out", "train")

    def __init__(self, *options: str) -> None:
        assert len(options) >= _RESERVE_EVERY, options
        assert len(set(options)) == len(options), options
        reserved = options[_RESERVE_EVERY - 1 :: _RESERVE_EVERY]
        self.held_out = reserved
        self.train = tuple(option for option in options if option not in reserved)

    @classmethod
    def of_words(cls, words: str) -> "Parted":
        """Take words that stand in one text with spaces between them."""
        return cls(*words.split())

    @classmethod
    def reserving(cls, train: Sequence[str], held_out: Sequence[str]) -> "Parted":
        """Take options whose part is given: what bases were trained with stays with training."""
        chosen = object.__new__(cls)
        chosen.train, chosen.held_out = tuple(train), tuple(held_out)
        return chosen

    def only(self, keep: Callable[[str], bool]) -> "Parted":
        """Take some of the options; each stays in its part."""
        return Parted.reserving(tuple(filter(keep, self.train)), tuple(filter(keep, self.held_out)))

    def of(self, part: Part) -> tuple[str, ...]:
        """The options of one part, in the order in which they were written."""
        return self.train if part == "train" else self.held_out


@dataclass(frozen=True, slots=True)
class OpenWords:
    """What training may use where it shall meet more than the skills list, so that no list is learned by heart."""

    words: Sequence[str] = ()
    """They may stand for any other; frequent ones first."""
    kinds: Sequence[Sequence[str]] = ()
    """Groups of words that texts use alike."""
    frames: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Sentences with a slot `{word}`, by the kind of the word."""


@dataclass(slots=True)
class Draw:
    """The random choices of one item. Names, words and templates come only from the item's part.

    No nonce word is given twice within one item.
    """

    rng: random.Random
    part: Part
    open_words: OpenWords = field(default_factory=OpenWords)
    known_words: bool = False
    """Whether texts are sorted by words that training sorts, too, though all else of the item is held out."""
    _given: set[str] = field(default_factory=set)

    def chance(self, probability: float) -> bool:
        """Tell whether something of this probability, from 0 to 1, happens."""
        return self.rng.random() < probability

    def whole(self, low: int, high: int) -> int:
        """Draw a whole number from low to high, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def choice(self, options: Sequence[_Option]) -> _Option:
        """Draw one option, whatever the part."""
        return options[int(self.rng.random() * len(options))]

    def sample(self, options: Sequence[_Option], num: int) -> list[_Option]:
        """Draw num different options, in a random order, whatever the part."""
        return self.rng.sample(options, num)

    def shuffled(self, options: Sequence[_Option]) -> list[_Option]:
        """Give all options in a random order."""
        return self.rng.sample(options, len(options))

    def pick(self, options: Parted) -> str:
        """Draw one of the options of the item's part."""
        return self.choice(options.of(self.part))

    def picks(self, options: Parted, num: int) -> list[str]:
        """Draw num different options. A held-out quarter of 30 words has 7."""
        return self.rng.sample(options.of(self.part), num)

    def wording(self, templates: Parted, more: Sequence[str] = ()) -> str:
        """Draw a template of the item's part; where there are open words, of `more` too, loosened most of the time."""
        if not self.open_words.words:
            return self.pick(templates)
        template = self.choice(more) if more and self.chance(0.6) else self.pick(templates)
        return loosened(template, self.rng, self.open_words.words) if self.chance(0.7) else template

    def phrase(self, templates: Parted, **fields: object) -> str:
        """Draw a wording and fill it in."""
        return self.wording(templates).format(**fields)

    def word(self, ending: str = "") -> str:
        """Make a nonce word in lower case, new within this item. The part is decided with the ending on."""
        while True:
            word = random_word(self.rng) + ending
            if is_held_out(word) == (self.part == "held_out") and word not in self._given:
                self._given.add(word)
                return word

    def words(self, num: int) -> list[str]:
        """Make num nonce words; see `word`."""
        return [self.word() for _ in range(num)]

    def name(self) -> str:
        """Make a nonce name with a capital letter, new within this item."""
        return self.word().capitalize()

    def names(self, num: int) -> list[str]:
        """Make num nonce names; see `name`."""
        return [self.name() for _ in range(num)]

    def code(self) -> str:
        """Make a code of capitals and digits, such as KT-4071, new within this item."""
        while True:
            code = random_code(self.rng)
            if is_held_out(code) == (self.part == "held_out") and code not in self._given:
                self._given.add(code)
                return code


def as_sentence(text: str) -> str:
    """Make the first letter a capital and leave the others as they are."""
    return text[0].upper() + text[1:]


def counted(num: int, noun: str) -> str:
    """Name a variant by a number: `1_key`, `3_keys`."""
    return f"{num}_{noun}" if num == 1 else f"{num}_{noun}s"
