"""Final numbers: the one that an answer ends in or marks, if it is a plain number."""

import re
from decimal import Decimal

from tunewright.data.checks.final_answers import after_hashes

# A minus sign right after a letter or digit is a hyphen or an operator ("10-5"), not a sign.
_SIGN = r"(?:(?<!\w)-)?\$?"
# Digits and what holds them together: 3/4, 10:30, 2024-05-01, 1e5 and 3,5 are one each, and no number to compare.
_NUMBER_RUN = re.compile(rf"{_SIGN}\.?[0-9](?:[0-9.,/:eE^-]*[0-9])?")
_NUMBER = re.compile(rf"{_SIGN}(?:(?:[0-9]{{1,3}}(?:,[0-9]{{3}})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)")
_THOUSANDS_SPACE = re.compile(r"(?<=[0-9])[\u00a0\u2009\u202f](?=[0-9]{3}(?![0-9]))")


def has_number(text: str) -> bool:
    """Whether `final_number` can compare with the text: it ends in a plain number, the only one behind a mark."""
    marked = after_hashes(_with_plain_signs(text))
    return read_final_number(text) is not None and (marked is None or len(_NUMBER_RUN.findall(marked)) == 1)


def read_final_number(text: str) -> Decimal | None:
    """The first number behind `####`, or the last one of the text without that mark; None if it is not a plain one."""
    plain = _with_plain_signs(text)
    marked = after_hashes(plain)
    runs = _NUMBER_RUN.findall(plain if marked is None else marked)
    if not runs:
        return None
    run = runs[-1 if marked is None else 0]
    return Decimal(run.replace(",", "").replace("$", "")) if _NUMBER.fullmatch(run) else None


def _with_plain_signs(text: str) -> str:
    """The minus sign of typesetting as a hyphen, and no space that keeps the digits of a number together."""
    return _THOUSANDS_SPACE.sub("", text.replace("\N{MINUS SIGN}", "-"))
