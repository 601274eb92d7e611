"""Text of unknown origin, made safe for a terminal."""

_SHOWN_AS_THEY_ARE = "\n\t"
_DELETE = 0x7F
# U+2400 and up hold a symbol for each of the 32 control characters: escape becomes the symbol "ESC".
_SYMBOLS = {code: chr(0x2400 + code) for code in range(0x20) if chr(code) not in _SHOWN_AS_THEY_ARE}
_SYMBOLS |= {_DELETE: "\u2421"}
# The second set of control characters has no symbols; some terminals obey it.
_SYMBOLS |= dict.fromkeys(range(0x80, 0xA0), "\ufffd")


def visible(text: str) -> str:
    """Replace control characters, except new line and tab, by symbols: data must not steer the terminal."""
    return text.translate(_SYMBOLS)
