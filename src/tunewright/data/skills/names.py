"""Nonce words: pronounceable, and never seen by training when they are held out.

A checksum of the word itself decides its part, so the two sets of words are disjoint without a list of either.
"""

import random
from zlib import crc32

_ONSETS = "b br d dr f fl g gl gr h j k kl kr l m n p pl pr r s sk sl sm sn sp st t th tr tw v w y z zh"
_MIDDLE_ONSETS = "b d f g j k l m n p r s t v w z ld mb nt nk rt sk st"
_VOWELS = "a e i o u"
_LONG_VOWELS = "ai au ee oo"
_CODAS = ("", "", "", "k", "l", "m", "n", "r", "s", "t", "x", "sh", "nt", "rk")
_OPENINGS = tuple(onset + vowel for onset in _ONSETS.split() for vowel in f"{_VOWELS} {_LONG_VOWELS}".split())
_MIDDLES = tuple(onset + vowel for onset in "bdfgklmnprstvz" for vowel in _VOWELS.split())
_CLOSINGS = tuple(
    onset + vowel + coda for onset in _MIDDLE_ONSETS.split() for vowel in _VOWELS.split() for coda in _CODAS
)
_THREE_SYLLABLES = 0.3
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


def is_held_out(word: str) -> bool:
    """Tell whether training never uses this word. Capital letters do not matter; about a quarter of words are."""
    return crc32(word.lower().encode()) % 4 == 0


def random_word(rng: random.Random) -> str:
    """Make a lower-case word of two or three syllables that starts with a consonant, so that `a` fits before it."""
    chance = rng.random
    middle = _MIDDLES[int(chance() * len(_MIDDLES))] if chance() < _THREE_SYLLABLES else ""
    return _OPENINGS[int(chance() * len(_OPENINGS))] + middle + _CLOSINGS[int(chance() * len(_CLOSINGS))]


def random_code(rng: random.Random) -> str:
    """Make a code of one or two capitals and two to four digits: KT-4071, B52."""
    chance = rng.random
    letters = "".join(_CODE_LETTERS[int(chance() * len(_CODE_LETTERS))] for _ in range(1 + int(chance() * 2)))
    digits = "".join(str(int(chance() * 10)) for _ in range(2 + int(chance() * 3)))
    return f"{letters}-{digits}" if chance() < 0.5 else letters + digits
