"""Personal data: e-mail addresses, phone numbers, account, card and social security numbers, addresses of computers.

Checksums, number plans and reserved ranges come from python-stdnum, phonenumbers and the standard library; the
patterns here only say where to ask. Names and postal addresses need a language model and are not looked for.
`python benchmarks/personal_data.py` measures what is found and what is missed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from ipaddress import IPv6Network, ip_address

from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.phone_numbers import find_phone_numbers
from tunewright.data.checks.redact import email_placeholder, is_placeholder, placeholder
from tunewright.data.checks.row_finding import excerpt, longest_first, row_finding
from tunewright.data.checks.text import with_repaired_texts
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Finding, Severity


class PersonalKind(StrEnum):
    """What a value is, in words for the report."""

    EMAIL = "e-mail address"
    IBAN = "bank account number (IBAN)"
    CARD = "payment card number"
    SOCIAL_SECURITY = "US social security number"
    IP = "IP address"
    PHONE = "phone number"


# How sure a value of this kind is the real thing: a checksum, a form of its own, or digits in a usual grouping.
_CERTAINTY = {
    PersonalKind.IBAN: 1.0,
    PersonalKind.CARD: 1.0,
    PersonalKind.EMAIL: 0.9,
    PersonalKind.SOCIAL_SECURITY: 0.9,
    PersonalKind.PHONE: 0.7,
    PersonalKind.IP: 0.5,
}


@dataclass(frozen=True, slots=True)
class PersonalValue:
    """One value and where it stands in its text."""

    kind: PersonalKind
    start: int
    end: int
    text: str

    @property
    def placeholder(self) -> str:
        """What takes its place when rows are redacted: of the same shape, and nobody's."""
        return email_placeholder(self.text) if self.kind is PersonalKind.EMAIL else placeholder(self.text)


Spans = Iterator[tuple[int, int]]

# Most texts hold no seven digits in a row, and this pattern says so faster than the ones it stands for.
_LONG_NUMBER = re.compile(r"\d(?:[^\w\n]{0,3}\d){6}")
_LONG_NUMBERS = (PersonalKind.IBAN, PersonalKind.CARD, PersonalKind.SOCIAL_SECURITY, PersonalKind.PHONE)


def find_personal_data(text: str) -> tuple[PersonalValue, ...]:
    """Find personal values, in the order of the text and without overlap.

    Reserved values are left out, since they belong to nobody: example.com, private and documentation IP ranges. So are
    our own placeholders.

    Raises:
        MissingExtraError: phonenumbers or python-stdnum is not installed and the text holds a candidate.
    """
    found: list[PersonalValue] = []
    has_long_number = _LONG_NUMBER.search(text) is not None
    for kind, spans in _FINDERS.items():
        if kind in _LONG_NUMBERS and not has_long_number:
            continue
        for start, end in spans(text):
            is_free = not any(start < value.end and value.start < end for value in found)
            if is_free and not is_placeholder(text[start:end]):
                found.append(PersonalValue(kind, start, end, text[start:end]))
    return tuple(sorted(found, key=lambda value: value.start))


# A name, an @ and a domain of which the last part has letters: package@1.2.3 and @decorator.name are no addresses.
# The letter of an escape (\n, \t, \r of JSON as text) is no part of the name behind it.
_EMAIL = re.compile(
    r"(?:(?<=\\[nrt])|(?<![\w.+%-])(?!(?<=\\)[nrt]\w))"
    r"\w[\w.+%'-]{0,63}@(?P<domain>(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})(?![\w-])(?!\.\w)"
)
_RESERVED_DOMAIN = re.compile(
    r"(?:^|\.)(?:example(?:\.(?:com|org|net))?|test|invalid|localhost|your[a-z]+\.com)$", re.IGNORECASE
)
_URL_BEFORE = re.compile(r"://[^\s/]*$")
_LONGEST_LOGIN = 100


def _emails(text: str) -> Spans:
    if "@" not in text:
        return
    for match in _EMAIL.finditer(text):
        # postgres://user:password@db.host.com is a login (see secrets.py), git@github.com an address of code.
        before = text[max(0, match.start() - _LONGEST_LOGIN) : match.start()]
        is_login = match[0].startswith("git@") or _URL_BEFORE.search(before)
        if not is_login and not _RESERVED_DOMAIN.search(match["domain"]):
            yield match.span()


_IBAN = re.compile(r"(?<![A-Za-z0-9])[A-Z]{2}\d{2}(?: ?[A-Z0-9]{1,4}){3,8}(?![A-Za-z0-9])")


def _ibans(text: str) -> Spans:
    for match in _IBAN.finditer(text):
        # Capitals that follow may have been taken for the last group: "GB33 BUKB 2020 1555 5555 55 OR".
        candidate = match[0]
        while candidate and not _is_iban(candidate):
            candidate = candidate.rpartition(" ")[0]
        if candidate:
            yield match.start(), match.start() + len(candidate)


def _is_iban(candidate: str) -> bool:
    try:
        from stdnum import iban
    except ImportError:
        raise MissingExtraError("python-stdnum", "data", "check account and card numbers") from None
    return bool(iban.is_valid(candidate))


# In one piece, or grouped 4-4-4-4 (most) or 4-6-5 (American Express).
_CARD = re.compile(r"(?<![\w.-])(?:\d{15,16}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}|\d{4}([ -])\d{6}\2\d{5})(?![\w-]|[.,]\d)")
# Number ranges of Visa, Mastercard, American Express, Diners and Discover, JCB, UnionPay, by length (ISO/IEC 7812).
_ISSUED = re.compile(r"3[47]\d{13}|(?:4|5[1-5]|2[2-7]|30[0-59]|3[689]|35|6011|64[4-9]|65|62)\d+")


def _cards(text: str) -> Spans:
    for match in _CARD.finditer(text):
        digits = re.sub(r"\D", "", match[0])
        has_known_length = len(digits) == (15 if digits.startswith(("34", "37")) else 16)
        if has_known_length and _ISSUED.fullmatch(digits) and _passes_luhn(digits):
            yield match.span()


def _passes_luhn(digits: str) -> bool:
    try:
        from stdnum import luhn
    except ImportError:
        raise MissingExtraError("python-stdnum", "data", "check account and card numbers") from None
    return bool(luhn.is_valid(digits))


_SOCIAL_SECURITY = re.compile(r"(?<![\w.-])\d{3}-\d{2}-\d{4}(?![\w-]|\.\d)")


def _social_security_numbers(text: str) -> Spans:
    for match in _SOCIAL_SECURITY.finditer(text):
        try:
            from stdnum.us import ssn
        except ImportError:
            raise MissingExtraError("python-stdnum", "data", "check social security numbers") from None
        if ssn.is_valid(match[0]):
            yield match.span()


_IPV4 = re.compile(r"(?<![\w.-])(?<![A-Za-z]/)(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
_FOUR_PARTS = re.compile(r"\d\.\d{1,3}\.\d{1,3}\.\d")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::|:?[0-9A-Fa-f]{1,4}){0,7}(?![\w:])")
_VERSION_BEFORE = re.compile(r"(?:version|release|build|firmware|driver|section|chapter|rev)\W{0,3}$", re.IGNORECASE)
_LONGEST_VERSION_WORD = 16
# Four small parts (8.8.8.8, 1.2.3.4) are a public resolver, a version or a section far more often than a person.
_SMALLEST_LARGEST_PART = 32
_GLOBAL_UNICAST = IPv6Network("2000::/3")


def _ip_addresses(text: str) -> Spans:
    if _FOUR_PARTS.search(text):
        for match in _IPV4.finditer(text):
            before = text[max(0, match.start() - _LONGEST_VERSION_WORD) : match.start()]
            is_large = max(int(part) for part in match[0].split(".")) >= _SMALLEST_LARGEST_PART
            if is_large and not _VERSION_BEFORE.search(before) and _is_public(match[0]):
                yield match.span()
    if text.count(":") >= 3:
        for match in _IPV6.finditer(text):
            if _is_public(match[0]):
                yield match.span()


def _is_public(candidate: str) -> bool:
    try:
        address = ip_address(candidate)
    except ValueError:
        return False
    return address.is_global and not address.is_multicast and (address.version == 4 or address in _GLOBAL_UNICAST)


# The first finder keeps the characters it claims, so the ones with a checksum come before the vague ones.
_FINDERS: dict[PersonalKind, Callable[[str], Spans]] = {
    PersonalKind.EMAIL: _emails,
    PersonalKind.IBAN: _ibans,
    PersonalKind.CARD: _cards,
    PersonalKind.SOCIAL_SECURITY: _social_security_numbers,
    PersonalKind.IP: _ip_addresses,
    PersonalKind.PHONE: find_phone_numbers,
}


_TEXTS_REMEMBERED = 256


def _find(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    find_once = lru_cache(_TEXTS_REMEMBERED)(find_personal_data)  # system messages repeat in every row
    for row, texts in with_repaired_texts(rows, recipe):
        found = [(text, value) for text in texts for value in find_once(text)]
        if not found:
            continue
        values = {value.text: value for _, value in found}
        kinds = Counter(value.kind for value in values.values())
        named = ", ".join(f"{number} × {kind}" if number > 1 else f"1 {kind}" for kind, number in kinds.items())
        edits = {value.text: value.placeholder for value in values.values()} if recipe.redact else {}
        text, first = found[0]
        yield row_finding(
            PERSONAL_DATA.id,
            row,
            f"The row holds personal data: {named}.",
            excerpt(text, first.start),
            sum(_CERTAINTY[value.kind] for value in values.values()),
            longest_first(edits),
        )


PERSONAL_DATA = Check(
    id="personal_data",
    title="Personal data",
    explanation="E-mail addresses, phone numbers, IBANs, payment cards (both with a valid checksum), US social "
    "security numbers and public IP addresses. A model can repeat what it was trained on to anybody who asks. "
    "Reserved values such as example.com are left out; names and postal addresses are not looked for.",
    severity=Severity.WARNING,
    action="listed only; with data.checks.redact each value is replaced by a placeholder of the same shape",
    find=_find,
)
