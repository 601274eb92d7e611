"""The one form in which texts are compared."""

import unicodedata


def canonical_text(text: str) -> str:
    """A text in Unicode's form NFC, so that `é` is the same whether it is one character or an e with an accent.

    `judge` brings answers and references into it before a scorer sees them, since tokenizers and hosted models do.
    """
    return unicodedata.normalize("NFC", text)
