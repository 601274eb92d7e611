"""Thoughts of reasoning models: what they write before the answer is no part of it."""

from collections.abc import Sequence

_END = "</think>"


def without_thoughts(text: str, references: Sequence[str] = ()) -> str:
    """What follows the last `</think>`; all of the text where a reference has that mark, so that thoughts are wanted.

    The mark counts alone, since many chat templates put `<think>` at the end of the prompt.

    >>> without_thoughts("It asks about a bill.\\n</think>\\n\\nbilling", ["billing"])
    'billing'
    """
    _, mark, answer = text.rpartition(_END)
    return answer.lstrip() if mark and not any(_END in reference for reference in references) else text
