"""Grammar as minimal pairs: two sentences that differ in one place, which makes one of them bad English.

The idea is BLiMP's (Warstadt et al. 2020); sentences, words and paradigms are our own. Pairs begin with the same words,
because a base without a start token cannot tell how probable a first word is.
"""

import random
from collections.abc import Callable

from tunewright.evaluate.retention.item import Item, two_sentences

PAIRS_PER_PARADIGM = 20

_PEOPLE = (
    ("boy", "boys"), ("girl", "girls"), ("teacher", "teachers"), ("farmer", "farmers"), ("doctor", "doctors"),
    ("singer", "singers"), ("driver", "drivers"), ("neighbour", "neighbours"), ("child", "children"),
    ("woman", "women"), ("man", "men"), ("student", "students"),
)  # fmt: skip
_THINGS = (
    ("house", "houses"), ("tree", "trees"), ("table", "tables"), ("car", "cars"), ("book", "books"),
    ("window", "windows"), ("letter", "letters"), ("boat", "boats"), ("picture", "pictures"), ("garden", "gardens"),
    ("bridge", "bridges"), ("cup", "cups"),
)  # fmt: skip
_VERBS = (
    ("walk", "walks"), ("sing", "sings"), ("work", "works"), ("wait", "waits"), ("laugh", "laughs"),
    ("sleep", "sleeps"), ("read", "reads"), ("play", "plays"),
)  # fmt: skip
_SEEING = (
    ("see", "sees", "saw", "seen"), ("take", "takes", "took", "taken"), ("give", "gives", "gave", "given"),
    ("break", "breaks", "broke", "broken"), ("choose", "chooses", "chose", "chosen"),
    ("forget", "forgets", "forgot", "forgotten"), ("draw", "draws", "drew", "drawn"),
)  # fmt: skip
_ADJECTIVES = (
    ("old", "older"), ("tall", "taller"), ("small", "smaller"), ("strong", "stronger"), ("cold", "colder"),
    ("long", "longer"), ("quiet", "quieter"), ("clean", "cleaner"),
)  # fmt: skip
_MASS = ("water", "bread", "milk", "sand", "money", "rain", "snow", "time")
_WITH_AN = ("apple", "orange", "egg", "onion", "island", "umbrella", "engine", "old coat", "answer", "idea")
_WITH_A = ("pear", "lemon", "potato", "carrot", "mountain", "hat", "wheel", "new coat", "question", "plan")
_WOMEN = ("Anna", "Mary", "Julia", "Emma", "Sarah", "Laura", "Alice", "Helen")
_MEN = ("Peter", "John", "Thomas", "David", "Paul", "George", "Henry", "Robert")
_PLACES = ("in the garden", "near the river", "behind the house", "at the station", "in the kitchen", "by the lake")
_DAYS = ("on Monday", "every day", "in the evening", "on Sunday", "after lunch", "in the morning")


def grammar_pairs(seed: int) -> tuple[Item, ...]:
    """Make the pairs of all paradigms, the good sentence first; no pair occurs twice.

    Args:
        seed: changes which words meet; the paradigms stay.
    """
    items = []
    for paradigm in _PARADIGMS:
        chance = random.Random(f"retention grammar {paradigm.__name__} {seed}")  # noqa: S311  (variety, not secrecy)
        pairs: dict[tuple[str, str], None] = {}
        while len(pairs) < PAIRS_PER_PARADIGM:
            pairs[paradigm(chance)] = None
        items += [two_sentences(good, bad) for good, bad in pairs]
    return tuple(items)


_Pair = tuple[str, str]


def _fill(template: str, right: str, wrong: str) -> _Pair:
    """Put the right and the wrong word where the template has an underscore."""
    return template.replace("_", right), template.replace("_", wrong)


def _number(chance: random.Random, forms: tuple[str, str]) -> _Pair:
    """Both forms in a random order: the right one first."""
    return forms if chance.random() < 0.5 else forms[::-1]


def _subject_and_verb(chance: random.Random) -> _Pair:
    verb, is_plural = chance.choice(_VERBS), chance.random() < 0.5
    subject = chance.choice(_PEOPLE)[is_plural]
    right, wrong = verb if is_plural else verb[::-1]
    return _fill(f"The {subject} _ {chance.choice(_PLACES)} {chance.choice(_DAYS)}.", right, wrong)


def _across_a_phrase(chance: random.Random) -> _Pair:
    (right, wrong), (near, far) = _number(chance, ("is", "are")), (chance.choice(_THINGS), chance.choice(_THINGS))
    is_plural = right == "are"
    subject, other = near[is_plural], far[not is_plural]
    return _fill(f"The {subject} near the {other} _ very {chance.choice(_ADJECTIVES)[0]}.", right, wrong)


def _across_a_clause(chance: random.Random) -> _Pair:
    right, wrong = _number(chance, ("was", "were"))
    is_plural = right == "were"
    subject, other = chance.choice(_PEOPLE)[is_plural], chance.choice(_PEOPLE)[not is_plural]
    return _fill(f"The {subject} that the {other} met {chance.choice(_PLACES)} _ tired.", right, wrong)


def _there_is(chance: random.Random) -> _Pair:
    right, wrong = _number(chance, ("is", "are"))
    noun, place = chance.choice(_THINGS), chance.choice(_PLACES)
    counted = f"three {noun[1]}" if right == "are" else f"one {noun[0]}"
    return _fill(f"There _ only {counted} {place}.", right, wrong)


def _this_and_these(chance: random.Random) -> _Pair:
    singular, plural = chance.choice((("this", "these"), ("that", "those")))
    noun, is_plural = chance.choice(_THINGS), chance.random() < 0.5
    right, wrong = (plural, singular) if is_plural else (singular, plural)
    return _fill(f"{chance.choice(_WOMEN + _MEN)} liked _ {noun[is_plural]} very much.", right, wrong)


def _many_and_much(chance: random.Random) -> _Pair:
    if chance.random() < 0.5:
        return _fill(f"We did not find _ {chance.choice(_MASS)} {chance.choice(_PLACES)}.", "much", "many")
    return _fill(f"We did not find _ {chance.choice(_THINGS)[1]} {chance.choice(_PLACES)}.", "many", "much")


def _a_and_an(chance: random.Random) -> _Pair:
    is_vowel = chance.random() < 0.5
    noun, (right, wrong) = chance.choice(_WITH_AN if is_vowel else _WITH_A), ("an", "a") if is_vowel else ("a", "an")
    return _fill(f"{chance.choice(_WOMEN + _MEN)} saw _ {noun} {chance.choice(_PLACES)}.", right, wrong)


def _numeral(chance: random.Random) -> _Pair:
    singular, plural = chance.choice(_THINGS + _PEOPLE)
    number = chance.choice(("two", "three", "five", "seven", "ten"))
    return _fill(f"We saw {number} _ {chance.choice(_PLACES)}.", plural, singular)


def _reflexive_gender(chance: random.Random) -> _Pair:
    is_woman = chance.random() < 0.5
    right, wrong = ("herself", "himself") if is_woman else ("himself", "herself")
    verb = chance.choice(("hurt", "helped", "washed", "taught", "saw"))
    return _fill(f"{chance.choice(_WOMEN if is_woman else _MEN)} {verb} _ {chance.choice(_DAYS)}.", right, wrong)


def _reflexive_number(chance: random.Random) -> _Pair:
    verb = chance.choice(("hurt", "helped", "washed", "taught", "saw"))
    wrong = chance.choice(("himself", "herself"))
    return _fill(f"The {chance.choice(_PEOPLE)[1]} {verb} _ {chance.choice(_DAYS)}.", "themselves", wrong)


def _pronoun_case(chance: random.Random) -> _Pair:
    right, wrong = chance.choice((("him", "he"), ("her", "she"), ("them", "they"), ("us", "we"), ("me", "I")))
    verb = chance.choice(("saw", "helped", "called", "asked", "met"))
    return _fill(f"The {chance.choice(_PEOPLE)[0]} {verb} _ {chance.choice(_DAYS)}.", right, wrong)


def _negative_polarity(chance: random.Random) -> _Pair:
    participle, noun = chance.choice(_SEEING)[3], chance.choice(_THINGS)[0]
    return _fill(f"In this town _ has ever {participle} a {noun}.", "nobody", chance.choice(("somebody", "everybody")))


def _negated_any(chance: random.Random) -> _Pair:
    subject = chance.choice(_WOMEN + _MEN)
    return _fill(f"{subject} did _ see any {chance.choice(_THINGS)[1]} {chance.choice(_PLACES)}.", "not", "often")


def _participle(chance: random.Random) -> _Pair:
    base, _, past, participle = chance.choice(_SEEING)
    wrong = chance.choice((base, past))
    return _fill(f"The {chance.choice(_PEOPLE)[0]} has _ the {chance.choice(_THINGS)[0]}.", participle, wrong)


def _after_modal(chance: random.Random) -> _Pair:
    base, third, past, _ = chance.choice(_SEEING)
    modal = chance.choice(("can", "will", "must", "should"))
    subject, wrong = chance.choice(_PEOPLE)[0], chance.choice((third, past))
    return _fill(f"The {subject} {modal} _ the {chance.choice(_THINGS)[0]}.", base, wrong)


def _after_to(chance: random.Random) -> _Pair:
    base, third, past, _ = chance.choice(_SEEING)
    wants = chance.choice(("wants to", "tried to", "hopes to", "decided to"))
    subject, wrong = chance.choice(_PEOPLE)[0], chance.choice((third, past))
    return _fill(f"The {subject} {wants} _ the {chance.choice(_THINGS)[0]}.", base, wrong)


def _negation_with_do(chance: random.Random) -> _Pair:
    base, third = chance.choice(_VERBS)
    return _fill(f"The {chance.choice(_PEOPLE)[0]} does not _ {chance.choice(_PLACES)}.", base, third)


def _question_order(chance: random.Random) -> _Pair:
    subject, verb = f"the {chance.choice(_PEOPLE)[0]}", chance.choice(_SEEING)[0]
    word = chance.choice(("Where", "When", "Why", "How"))
    rest = f"{verb} the {chance.choice(_THINGS)[0]}?"
    return f"{word} did {subject} {rest}", f"{word} {subject} did {rest}"


def _adjective_order(chance: random.Random) -> _Pair:
    adjective, noun = chance.choice(_ADJECTIVES)[0], chance.choice(_THINGS)[0]
    return _fill(f"{chance.choice(_WOMEN + _MEN)} saw the _ again.", f"{adjective} {noun}", f"{noun} {adjective}")


def _comparative(chance: random.Random) -> _Pair:
    adjective, comparative = chance.choice(_ADJECTIVES)
    wrong = chance.choice((adjective, f"more {comparative}"))
    return _fill(f"The {chance.choice(_THINGS)[0]} is _ than the {chance.choice(_THINGS)[0]}.", comparative, wrong)


_PARADIGMS: tuple[Callable[[random.Random], _Pair], ...] = (
    _subject_and_verb, _across_a_phrase, _across_a_clause, _there_is,
    _this_and_these, _many_and_much, _a_and_an, _numeral,
    _reflexive_gender, _reflexive_number, _pronoun_case, _negative_polarity, _negated_any,
    _participle, _after_modal, _after_to, _negation_with_do, _question_order, _adjective_order, _comparative,
)  # fmt: skip
