r"""Placeholders for personal data and secrets.

A placeholder keeps the length, the kind of each character and the separators, so that a model still learns what such a
value looks like and where it stands, and JSON stays JSON:

    +1 (415) 555-0132           ->  +0 (000) 000-0000
    Ada.Lovelace42@gmail.com    ->  Xxx.Xxxxxxxx00@example.com
    {"card": 4532276644577020}  ->  {"card": 1000000000000000}
    {"key": "MIIEvQ\nIBADAN"}   ->  {"key": "XXXXxX\nXXXXXX"}
"""

import re

_PIECE = re.compile(r"(?P<slashes>\\+)(?:u(?P<code>[0-9a-fA-F]{4})|.)|.", re.DOTALL)
"""A character, or its escape in JSON and code; JSON inside JSON doubles the backslash."""


def placeholder(value: str) -> str:
    r"""Replace capitals by X, other letters by x and digits by 0; keep everything else.

    Escapes such as \n stay as well, and \u0416 becomes \u0058. A bare number keeps a leading 1: JSON forbids numbers
    that start with 0.
    """
    shape = _PIECE.sub(_placeholder_of_piece, value)
    return "1" + shape[1:] if value.isdecimal() else shape


def email_placeholder(address: str) -> str:
    """The placeholder of the part before the @, at example.com, which is reserved for examples (RFC 2606)."""
    name, _, _ = address.rpartition("@")
    return f"{placeholder(name)}@example.com"


def is_placeholder(value: str) -> bool:
    """Whether a value holds no letters but x and no digits but 0, as our own placeholders do."""
    return all(character in "xX01" or not (character.isalpha() or character.isdecimal()) for character in _plain(value))


def _plain(value: str) -> str:
    """The value without escapes of single letters, and the characters that codes stand for."""
    return _PIECE.sub(lambda piece: _character(piece) or "", value)


def _character(piece: re.Match[str]) -> str | None:
    """What a piece stands for, None if it is an escape that has to stay."""
    if piece["code"]:
        return chr(int(piece["code"], 16))
    return None if piece["slashes"] else piece[0]


def _placeholder_of_piece(piece: re.Match[str]) -> str:
    character = _character(piece)
    if character is None:
        return piece[0]
    if piece["code"] is None:
        return _placeholder_of(character)
    return f"{piece['slashes']}u{ord(_placeholder_of(character)):04x}"


def _placeholder_of(character: str) -> str:
    if character.isdecimal():
        return "0"
    if character.isalpha():
        return "X" if character.isupper() else "x"
    return character
