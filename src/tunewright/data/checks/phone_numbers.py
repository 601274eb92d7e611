"""Phone numbers in running text.

libphonenumber says which digits can be a phone number; alone it would also take part numbers, dates and sums. So the
evidence asked for depends on how the number is written:

    +44 20 7946 0958, 001-420-335-7509    an international prefix: the length must be possible for its country
    call me at 041-412-293, (555) 010 x12 a word such as "phone" or an extension beside it: a possible length is enough
    (212) 555-0132, 020 7946 0958         neither: a valid number, grouped exactly as its country writes it, and
                                          with an area code in brackets or after a 0, or in the American 3-3-4
    2125550132, 6000-2000                 nothing of all this: never taken for a phone number
"""

import re
from collections.abc import Iterator

from tunewright.errors import MissingExtraError

_SEPARATORS = r"[ \u00a0().\-\u2010-\u2013/]{0,3}"
_EXTENSION = r"(?:[ ,]{0,2}(?:x|ext\.?|extension)[ .:]{0,2}\d{1,7})"
# 7 to 15 digits (E.164, with up to four for a dialling prefix such as 0011), not glued to what stands before or after.
_CANDIDATE = re.compile(
    rf"(?<![\w.,$€£¥#=<>*×^+\-/])(?P<number>(?:\+|\(\+?)?\d(?:{_SEPARATORS}\d){{6,18}})"
    rf"(?P<extension>{_EXTENSION})?(?!\w|%|[.,:/\-]\d|-\w)",
    re.IGNORECASE,
)
_MAX_DIGITS = 17
_CONNECTION = r"(?:\s+(?:me|us|him|her|them|back|number|no|nr|line|is|at|on|to|via|directly|the|my|our|your))*"
_CUE_BEFORE = re.compile(
    rf"(?:\b(?:tele)?phone|\btel|\bcall|\bmobile|\bcell|\bfax|\bwhatsapp|\bdial|\bsms|\bring|\breach|\bdesk|\boffice)"
    rf"(?:[_ ]?(?:number|no|nr))?{_CONNECTION}[\s.:\"'=(#]*$",
    re.IGNORECASE,
)
_CUE_AFTER = re.compile(r"\s+\(?(?:mobile|fax|cell|office|phone|desk|home)\)?\s*$", re.IGNORECASE | re.MULTILINE)
_CUE_CHARACTERS = 48
_INTERNATIONAL = re.compile(r"\(?\+|00\d")
_NATIONAL = re.compile(r"[(0]|[2-9]\d\d([-. ])[2-9]\d\d\1\d{4}(?!\d)")
_MIN_NATIONAL_DIGITS = 9
_DECIMAL = re.compile(r"\d+\.\d+")
_DATE = re.compile(r"\(?(?:(?:19|20)\d\d([-./ ])\d{1,2}\1\d{1,2}|\d{1,2}([-./ ])\d{1,2}\2(?:19|20)\d\d)(?!\d)")

# Countries whose national way of writing is recognised without a cue.
_NATIONAL_REGIONS: tuple[str, ...] = ("US", "GB", "DE", "FR", "ES", "IT", "NL", "AU", "IN", "BR", "JP")
# Lengths are loosest in Germany (4 to 15 digits), so these two stand for the whole world where there is a cue.
_CUED_REGIONS: tuple[str, ...] = ("US", "DE")


def find_phone_numbers(text: str) -> Iterator[tuple[int, int]]:
    """Give start and end of every phone number, in order.

    Raises:
        MissingExtraError: phonenumbers is not installed.
    """
    for candidate in _CANDIDATE.finditer(text):
        number = candidate["number"]
        num_digits = sum(character.isdigit() for character in number)
        is_something_else = num_digits > _MAX_DIGITS or _DATE.match(number) or _DECIMAL.fullmatch(number)
        if not is_something_else and _is_phone_number(candidate, num_digits, text):
            yield candidate.span()


def _is_phone_number(candidate: re.Match[str], num_digits: int, text: str) -> bool:
    try:
        from phonenumbers import Leniency, PhoneNumberMatcher
    except ImportError:
        raise MissingExtraError("phonenumbers", "data", "find phone numbers") from None
    number = candidate["number"]
    has_groups = not number.lstrip("+").isdecimal()
    if (has_groups and _INTERNATIONAL.match(number)) or _has_cue(candidate, text):
        leniency, regions = Leniency.POSSIBLE, _CUED_REGIONS
    elif number.startswith("+"):
        leniency, regions = Leniency.VALID, _CUED_REGIONS
    elif has_groups and num_digits >= _MIN_NATIONAL_DIGITS and _NATIONAL.match(number):
        leniency, regions = Leniency.EXACT_GROUPING, _NATIONAL_REGIONS
    else:
        return False
    return any(PhoneNumberMatcher(candidate[0], region, leniency).has_next() for region in regions)


def _has_cue(candidate: re.Match[str], text: str) -> bool:
    if candidate["extension"]:
        return True
    start, end = candidate.span()
    before = text[max(0, start - _CUE_CHARACTERS) : start]
    return bool(_CUE_BEFORE.search(before) or _CUE_AFTER.match(text, end))
