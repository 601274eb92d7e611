"""Placeholders for personal data and secrets.

A placeholder keeps the length, the kind of each character and the separators, so that a model still learns what such a
value looks like and where it stands, and JSON stays JSON:

    +1 (415) 555-0132           ->  +0 (000) 000-0000
    Ada.Lovelace42@gmail.com    ->  Xxx.Xxxxxxxx00@example.com
    {"card": 4532276644577020}  ->  {"card": 1000000000000000}
"""


def placeholder(value: str) -> str:
    """Replace capitals by X, other letters by x and digits by 0; keep everything else.

    A bare number keeps a leading 1: JSON forbids numbers that start with 0.
    """
    shape = "".join(_placeholder_of(character) for character in value)
    return "1" + shape[1:] if value.isdecimal() else shape


def email_placeholder(address: str) -> str:
    """The placeholder of the part before the @, at example.com, which is reserved for examples (RFC 2606)."""
    name, _, _ = address.rpartition("@")
    return f"{placeholder(name)}@example.com"


def is_placeholder(value: str) -> bool:
    """Whether a value holds no letters but x and no digits but 0, as our own placeholders do."""
    return all(character in "xX01" or not (character.isalpha() or character.isdecimal()) for character in value)


def _placeholder_of(character: str) -> str:
    if character.isdecimal():
        return "0"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return character
