r"""Final answers: what a worked answer marks as its result, by `####`, `\boxed{}` or the words "final answer"."""

import re

from tunewright.data.checks.facts import facts
from tunewright.data.checks.words import words

_HASHES = re.compile(r"(?<!#)####(?!#)")
# "18" and "18 dollars", but not the "1. Beans" of a heading.
_NUMBER_ALONE = re.compile(r"\W*\d(?:[\d.,/]*\d)?(?:\W*| ?[^\W\d]+\W*)")
_BOXED = r"\boxed{"
_IN_WORDS = re.compile(r"\bfinal answer(?: is)?:?\s*([^\n]+)", re.IGNORECASE)
_AROUND_TEXT = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\{([^{}]*)\}|\\[$%,;! ]")
# In a formula one value has many forms: \frac{3}{4}, 3/4 and 0.75.
_FORMULA = re.compile(r"[\\{}/^]")


def final_answer(answer: str) -> str | None:
    r"""The result that an answer marks, in a form to compare; None without one, and for a formula.

    >>> final_answer("Half of 2,144 is 1,072.\n#### 1,072"), final_answer(r"It is \boxed{\frac{3}{4}}.")
    ('1072', None)
    """
    marked = after_hashes(answer) or _last_boxed(answer) or next(reversed(_IN_WORDS.findall(answer)), "")
    plain = _AROUND_TEXT.sub(r"\1", marked)
    if _FORMULA.search(plain):
        return None
    return " ".join(facts(plain).numbers) or " ".join(words(plain)) or None


def after_hashes(answer: str) -> str | None:
    """What stands behind the last `####`, GSM8K's mark; None without one, and when it is a heading of Markdown.

    Two of three signs tell a mark: it stands alone, in the last line, before a bare number or one with its unit.
    """
    *before, behind = _HASHES.split(answer)
    marked, _, below = behind.strip().partition("\n")
    signs = (len(before) == 1, not below, _NUMBER_ALONE.fullmatch(marked) is not None)
    return marked if before and sum(signs) >= 2 else None


def _last_boxed(answer: str) -> str:
    """Up to the brace that closes the last box, or all that follows; empty without a box."""
    _, box, content = answer.rpartition(_BOXED)
    if not box:
        return ""
    depth = 1
    for position, character in enumerate(content):
        depth += {"{": 1, "}": -1}.get(character, 0)
        if not depth:
            return content[:position]
    return content
