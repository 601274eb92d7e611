"""The words by which texts are compared."""

import re
import unicodedata
from itertools import groupby


def _combining_marks() -> str:
    """Vowel signs and accents, as ranges of a character class. `\\w` has none of them.

    The selectors of a glyph's variant, and all marks from U+20000 on are such, say nothing.
    """
    marks = [
        code
        for code in range(0x300, 0x20000)
        if unicodedata.category(chr(code)) in ("Mn", "Mc") and "VARIATION SELECTOR" not in unicodedata.name(chr(code))
    ]
    runs = [[code for _, code in run] for _, run in groupby(enumerate(marks), lambda item: item[1] - item[0])]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in runs)


_MARKS = _combining_marks()
# Chinese and Japanese are written without spaces: each character counts as a word there.
SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
# So are Thai, Lao, Burmese and Khmer: there it is each letter with its marks.
SPACELESS_MARKED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_LETTER = rf"[^\W_{SPACELESS}{SPACELESS_MARKED}]"
_WORD = re.compile(rf"{_LETTER}+(?:[{_MARKS}]+{_LETTER}*)*|[{SPACELESS}]|(?=[{SPACELESS_MARKED}])[^\W_][{_MARKS}]*")
_ASCII_WORD = re.compile(r"[^\W_]+", re.ASCII)


def words(text: str) -> list[str]:
    """Give the words by which texts are compared: NFKC, case folded, without punctuation.

    >>> words("Don't pay £1,000!")
    ['don', 't', 'pay', '1', '000']
    """
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    folded = unicodedata.normalize("NFKC", text).casefold()
    # The capital of Turkish folds to an i and a dot that is no letter, which would cut the word in two.
    return _WORD.findall(folded.replace("i\u0307", "i"))
