"""The words by which texts are compared."""

import re
import unicodedata

# Chinese and Japanese are written without spaces: each character counts as a word there.
_SPACELESS = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_SPACELESS}]|[^\W_{_SPACELESS}]+")
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
