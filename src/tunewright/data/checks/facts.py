"""Facts of a text: the few words that make two otherwise equal texts say different things.

Word overlap cannot tell "ships in 3 days" from "ships in 5 days". These rules can. They are lexical: they see digits,
small numbers in words, negations and names, not meaning.
"""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from difflib import SequenceMatcher

from tunewright.data.checks.words import words


def _listed(*lines: str) -> list[str]:
    """As `words` gives them."""
    return words(" ".join(lines))


_NUMBER = re.compile(
    r"(?:(?<![\w)\]])-(?=\d))?"  # a minus sign, but no hyphen: -5 and not 20-25
    r"(?:\b[^\W\d_]{1,2}-)?"  # the letters of a code: A-4219
    r"(?<![^\W_])[^\W_]*\d[^\W_]*(?:[.,]\d+)*"
)
_THOUSANDS = re.compile(r",(?=\d{3}(?:\D|$))")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_NUMBER_WORDS = {
    word: str(value)
    for word, value in zip(
        _listed(
            "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen",
            "seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety hundred thousand",
        ),
        (*range(21), *range(30, 101, 10), 1000),
        strict=True,
    )
}
# With n't they are negations: "ca" is the beginning of "can't".
_AUXILIARIES = _listed("do does did is are was were has have had ca wo could would should must")
_NEGATIONS = frozenset(
    _listed(
        "no not non none never nothing nobody nowhere neither nor cannot without",
        "nicht nichts nie kein keine keinen keinem keiner",
        "ne pas jamais sans aucun aucune nunca jamás sin mai senza não nem sem",
        "niet geen nooit niets zonder inte ikke ej aldrig aldri ingen ei eivät",
        "nigdy bez není nikdy nincs soha не нет ни ні никогда без δεν μην όχι",
        "değil yok hayır tidak bukan jangan không chưa",
        "لا ليس ليست لم لن نہیں לא אין नहीं न না নয় নেই",
        "不 没 沒 未 無 无 안 못",
        *(f"{verb}nt" for verb in _AUXILIARIES),
    )
)
# Japanese has no spaces, and Korean negates by a stem inside the word.
_NEGATION_INSIDE = re.compile("ない|なかっ|なく|なけれ|ません|않|없|아니|아닙|아닌|아닐")
_NAME = re.compile(r"(?<=[^\s.!?:。！？])[ \t\[({\"'“‘]+([^\W\d_][^\W_]+)")
# Words whose change leaves a question the same question. Not among them: who, when, where, how, to, from, he, she.
_FILLERS = frozenset(
    _listed(
        "a an the this that these those i you it we they me my your its our their is am are was were be been being do",
        "does did done have has had having s t d ll m re ve can could will would shall of in on at as and so then",
        *(f"{verb}n" for verb in _AUXILIARIES),
        "there here what which please just very really too also hi hello hey thanks thank",
    )
)
_SAME_SPELLING_RATIO = 0.8
_MIN_MISSPELT_LETTERS = 4


@dataclass(frozen=True, slots=True)
class Facts:
    """What must agree between two texts that say the same."""

    numbers: tuple[str, ...]
    """Numbers and codes such as `a-4219`, sorted, repeats included; `three` counts as 3, `1,000.0` as 1000."""
    num_negations: int

    @property
    def key(self) -> str:
        """Equal for equal facts."""
        return f"{self.num_negations} {' '.join(self.numbers)}"


def facts(text: str) -> Facts:
    """Read the numbers and negations of a text.

    >>> facts("Order A-4219 has not arrived after three days.")
    Facts(numbers=('3', 'a-4219'), num_negations=1)
    """
    found = words(text)
    numbers = [_NUMBER_WORDS[word] for word in found if word in _NUMBER_WORDS]
    normal = unicodedata.normalize("NFKC", text)
    numbers += [_plain_number(number) for number in _NUMBER.findall(normal)]
    num_negations = sum(map(_negates, found, ["", *found], [*found[1:], ""]))
    if not normal.isascii():
        num_negations += len(_NEGATION_INSIDE.findall(normal))
    return Facts(tuple(sorted(numbers)), num_negations)


def _negates(word: str, before: str, after: str) -> bool:
    if word == "t":  # what words() leaves of n't
        return before.endswith("n")
    return word in _NEGATIONS and not (word == "no" and after[:1].isdigit())  # No. 5 is a number


def names(text: str) -> frozenset[str]:
    """Words with a capital letter inside a sentence, as `words` gives them. The first of a sentence is never a name."""
    return frozenset(words(word)[0] for word in _NAME.findall(text) if word[0].isupper())


def names_conflict(left: str, right: str, *, forgive_spelling: bool) -> tuple[str, str] | None:
    """The names that each text has and the other does not mention, when both have one.

    A name only one text has is an omission. A name that the other text writes in lower case is no conflict.

    Args:
        left: one text.
        right: the other.
        forgive_spelling: whether names with 80 % of their letters in common (`Burger King`, `Burgerking`) are the same.
    """
    if (left_names := names(left)) == (right_names := names(right)):
        return None
    left_only = " ".join(sorted(left_names.difference(words(right))))
    right_only = " ".join(sorted(right_names.difference(words(left))))
    if not left_only or not right_only:
        return None
    joined = left_only.replace(" ", ""), right_only.replace(" ", "")
    if forgive_spelling and SequenceMatcher(None, *joined, autojunk=False).ratio() >= _SAME_SPELLING_RATIO:
        return None
    return left_only, right_only


def numbers_conflict(left: Facts, right: Facts) -> tuple[str, str] | None:
    """The numbers that each text has and the other has not, when both have one.

    Letters glued to the digits on one side only (`5out of 5`, `E30` for £30) make no other number.
    """
    left_only = sorted((Counter(left.numbers) - Counter(right.numbers)).elements())
    right_only = sorted((Counter(right.numbers) - Counter(left.numbers)).elements())
    if not left_only or not right_only:
        return None
    same_digits = sorted(map(_digits, left_only)) == sorted(map(_digits, right_only))
    if same_digits and (all(map(_is_bare, left_only)) or all(map(_is_bare, right_only))):
        return None
    return ", ".join(left_only), ", ".join(right_only)


def content_words(text: str) -> Counter[str]:
    """Words that carry meaning: no articles, auxiliaries, negations or numbers."""
    return _with_content(Counter(words(text)))


def same_content(left: str, right: str) -> bool:
    """Whether two texts have the same content words, up to misspellings; order does not count.

    A misspelling is a word of at least four letters with the same first letter and 80 % of the letters in common, so
    that `increase` and `decrease` stay different words.
    """
    left_words, right_words = Counter(words(left)), Counter(words(right))
    left_only, right_only = _with_content(left_words - right_words), _with_content(right_words - left_words)
    return left_only.total() == right_only.total() and all(
        any(_is_misspelling(word, other) for other in right_only) for word in left_only
    )


def _with_content(counts: Counter[str]) -> Counter[str]:
    return Counter(
        {word: count for word, count in counts.items() if word not in _NO_CONTENT and not any(map(str.isdigit, word))}
    )


def _is_misspelling(left: str, right: str) -> bool:
    return (
        min(len(left), len(right)) >= _MIN_MISSPELT_LETTERS
        and left[0] == right[0]
        and SequenceMatcher(None, left, right, autojunk=False).ratio() >= _SAME_SPELLING_RATIO
    )


def _digits(number: str) -> str:
    return "".join(filter(str.isdigit, number))


def _is_bare(number: str) -> bool:
    return not any(map(str.isalpha, number))


def _plain_number(number: str) -> str:
    """1,000 and 1000.0 are the same number."""
    plain = _THOUSANDS.sub("", number.casefold())
    return plain.rstrip("0").rstrip(".") if _DECIMAL.fullmatch(plain) else plain


_NO_CONTENT = _FILLERS | _NEGATIONS | _NUMBER_WORDS.keys()
