"""Personal values and secrets, made up anew for every row: valid checksums, forms as services give them.

Keys are put together from pieces, so that no scanner of code takes this file for a leak.
"""

import base64
import json
import string
from collections.abc import Callable
from random import Random

_LETTERS_AND_DIGITS = string.ascii_letters + string.digits
_HEX = "123456789abcdef"
_NAMES = ("anna", "bruno", "chen", "dana", "emeka", "farah", "goran", "hanna", "ines", "jonas")
_DOMAINS = ("gmail.com", "mail.net", "uni-bonn.de", "acme.co.uk", "posteo.de", "firma.at", "company.io")


def _digits(random: Random, number: int) -> str:
    return "".join(random.choices(string.digits, k=number))


def _token(random: Random, number: int, alphabet: str = _LETTERS_AND_DIGITS) -> str:
    return "".join(random.choices(alphabet, k=number))


def _email(random: Random) -> str:
    name = random.choice(("{}.{}", "{}_{}7", "{}-{}", "{}{}")).format(*random.sample(_NAMES, 2))
    return f"Write to {name}@{random.choice(_DOMAINS)}, please."


def _international_phone(random: Random) -> str:
    london = f"+44 20 7946 {_digits(random, 4)}"
    berlin = f"+49 30 {_digits(random, 3)}1{_digits(random, 4)}"
    new_york = f"+1 212 555 0{_digits(random, 3)}"
    number = random.choice((london, berlin, new_york))
    return f"You can reach us under {number} all day."


def _national_phone(random: Random) -> str:
    number = random.choice(
        (f"(212) 555-0{_digits(random, 3)}", f"212-555-0{_digits(random, 3)}", f"020 7946 0{_digits(random, 3)}")
    )
    return random.choice((f"Call {number}.", f"My phone number is {number}.", f"Tel.: {number}"))


def _iban(random: Random) -> str:
    """Check digits by ISO 7064 (MOD 97-10)."""
    country, length = random.choice((("DE", 18), ("GB", 18), ("NL", 14), ("AT", 16)))
    rest = _digits(random, length)
    if country in ("GB", "NL"):
        rest = ("BUKB" if country == "GB" else "ABNA") + _digits(random, length - 4)
    as_digits = "".join(str(int(character, 36)) for character in f"{rest}{country}00")
    number = f"{country}{98 - int(as_digits) % 97:02d}{rest}"
    if random.random() < 0.5:
        number = " ".join(number[start : start + 4] for start in range(0, len(number), 4))
    return f"Transfer it to {number} soon."


def _card(random: Random) -> str:
    """The last digit by Luhn's algorithm (ISO/IEC 7812)."""
    prefix, length = random.choice((("4539", 16), ("5412", 16), ("371449", 15)))
    digits = prefix + _digits(random, length - len(prefix) - 1)
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    number = digits + str(-total % 10)
    if length == 16 and random.random() < 0.5:
        number = " ".join(number[start : start + 4] for start in range(0, 16, 4))
    return f"My card is {number}, as before."


def _social_security(random: Random) -> str:
    area = random.choice([number for number in range(1, 900) if number != 666])
    return f"Her number is {area:03d}-{random.randint(1, 99):02d}-{random.randint(1, 9999):04d} on the form."


def _address_of_computer(random: Random) -> str:
    fourth = f"85.{random.randint(0, 255)}.{random.randint(0, 255)}.{random.randint(1, 254)}"
    sixth = f"2a02:{_token(random, 3, _HEX)}:{_token(random, 4, _HEX)}::{random.randint(1, 9)}"
    return f"It came from {random.choice((fourth, sixth))} last night."


PERSONAL: tuple[tuple[str, Callable[[Random], str], float], ...] = (
    ("an e-mail address", _email, 0.95),
    ("an international phone number", _international_phone, 0.95),
    ("a national phone number", _national_phone, 0.9),
    ("an IBAN", _iban, 0.95),
    ("a payment card", _card, 0.95),
    ("a US social security number", _social_security, 0.9),
    ("a public IP address", _address_of_computer, 0.9),
)
"""Name, value in a sentence, and the recall that tests ask for."""


def _aws(random: Random) -> str:
    return "The id is " + "AK" + "IA" + _token(random, 16, string.ascii_uppercase + "234567") + "."


def _github(random: Random) -> str:
    return f"Use {random.choice(('gh' + 'p_', 'gh' + 's_'))}{_token(random, 36)} to log in."


def _gitlab(random: Random) -> str:
    return "The token is " + "gl" + "pat-" + _token(random, 20) + "."


def _slack(random: Random) -> str:
    return "export SLACK=" + "xox" + f"b-{_digits(random, 12)}-{_digits(random, 12)}-{_token(random, 24)}"


def _stripe(random: Random) -> str:
    return "stripe.api_key = '" + "sk_" + "live_" + _token(random, 24) + "'"


def _openai(random: Random) -> str:
    return "Authorization: Bearer " + "sk-" + _token(random, 20) + "T3Blbk" + "FJ" + _token(random, 20)


def _jwt(random: Random) -> str:
    parts = ({"alg": "HS256", "typ": "JWT"}, {"sub": _digits(random, 10), "name": random.choice(_NAMES)})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return f"Cookie: session={'.'.join(encoded)}.{_token(random, 43)}"


def _private_key(random: Random) -> str:
    lines = "\n".join(_token(random, 64) for _ in range(6))
    kind = random.choice(("RSA ", "", "EC "))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{lines}\n-----END {kind}PRIVATE KEY-----"


def _login_in_url(random: Random) -> str:
    return f"postgres://{random.choice(_NAMES)}:{_token(random, 12)}@db.acme.io:5432/orders"


def _password(random: Random) -> str:
    name = random.choice(("password", "db_password", "secret_key", "api_key"))
    return f'{name} = "{_token(random, 14)}"'


SECRETS: tuple[tuple[str, Callable[[Random], str], float], ...] = (
    ("an AWS access key", _aws, 0.8),
    ("a GitHub token", _github, 0.95),
    ("a GitLab token", _gitlab, 0.95),
    ("a Slack token", _slack, 0.95),
    ("a Stripe key", _stripe, 0.9),
    ("an OpenAI key", _openai, 0.95),
    ("a JSON web token", _jwt, 0.95),
    ("a private key", _private_key, 0.95),
    ("a login in a URL", _login_in_url, 0.9),
    ("a password in code", _password, 0.7),
)
"""Name, value in a line, and the recall that tests ask for."""
