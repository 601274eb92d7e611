"""Whether an answer says only what a passage says, by words: what is not in the passage was made up or guessed.

    passage: "Parcels are shipped within 3 days. Acme charges no fee."
    grounded:   "Acme charges no fee."        "Within three days."
    ungrounded: "Acme charges 5 euros."       5 is not in the passage
                "Anna ships the parcels."     Anna is not in the passage
                "A fee applies to returns."   3 of 3 words must be found, and one of them is

The rules are lexical: they see words, numbers, names and negations, not meaning. An answer that puts the words of the
passage together in another sense passes, and a true answer in other words is refused. On FairytaleQA, .88 of the human
answers that stand in the text pass, and .07 of those answers when put beside another section of the same story.
Endings are taken off as in English; in other languages more answers are refused.
"""

import re
from collections.abc import Set

from tunewright.data.checks.facts import content_words, facts, names
from tunewright.data.checks.words import words

MIN_SHARE_FOUND = 0.8
"""Share of the distinct content words of an answer that must be in the passage."""

# Words that join what is said. Who an answer speaks of may be a pronoun in the passage, or the other way round.
_CONNECTIVES = frozenset(
    " ".join(
        (
            "about according after all although among another any around as back because been before between both",
            "but by during each either every few first for from get got he her here him himself herself how if in",
            "into itself just like made make many me more most much next off once only onto or other our out over",
            "own same she since some someone such than their them themselves through to together too under until",
            "up upon us want wanted when where whether while who whom whose why with within yes yet",
        )
    ).split()
)
_SUFFIXES = ("ies", "ing", "ed", "es", "s", "e", "y")
_MIN_STEM = 3
_DOUBLED = re.compile(r"([b-df-hj-np-tv-z])\1$")
# The pronoun: in "one euro" and "twenty-one" it is a number.
_ONE = re.compile(
    r"\b(?:(?:this|that|the|each|every|any|some|no|which|another|only) one|one (?:of|another)|one['’]s)\b",
    re.IGNORECASE,
)
_FIRST_WORD = re.compile(r"(?:^|[.!?:]\s+)[\"'“‘(]*([^\W\d_][^\W_]+)")


def why_ungrounded(answer: str, passage: str, question: str = "") -> str | None:
    """Say what of an answer is not in the passage; None when it is grounded.

    Numbers and names must all be there, those of the question too; of the content words MIN_SHARE_FOUND must be, in
    any inflection. An answer with a negation needs a passage with one.

    Args:
        answer: what is judged.
        passage: all that may be relied on, such as a title and the text below it.
        question: what is answered.
    """
    wanted = set(content_words(answer)) - _CONNECTIVES
    numbers = _numbers(answer)
    if not wanted and not numbers:
        return "the answer has no content words, so nothing ties it to the passage"
    if missing := (numbers | _numbers(question)) - _numbers(passage):
        return f"numbers that are not in the passage: {_listed(missing)}"
    known = set(words(passage))
    stems = {_stem(word) for word in known}
    opening = {word for word in _opening_names(answer) if word in wanted and _stem(word) not in stems}
    if unknown := ((names(answer) | names(question)) - known) | opening:
        return f"names that are not in the passage: {_listed(unknown)}"
    if facts(answer).num_negations and not facts(passage).num_negations:
        return "the answer denies something, and the passage does not"
    missing = {word for word in wanted if _stem(word) not in stems}
    if len(wanted) - len(missing) < MIN_SHARE_FOUND * len(wanted):
        found = f"{len(wanted) - len(missing)} of {len(wanted)} content words are in the passage"
        return f"{found}, needs {MIN_SHARE_FOUND:.0%}; missing: {_listed(missing)}"
    return None


def _numbers(text: str) -> set[str]:
    return set(facts(_ONE.sub(" ", text)).numbers)


def _opening_names(text: str) -> set[str]:
    """Capitalised first words of sentences, which may be names."""
    return {words(word)[0] for word in _FIRST_WORD.findall(text) if word[0].isupper()}


def _stem(word: str) -> str:
    """A word without its English ending: `policies` and `policy`, `shipped` and `ships` have the same stem."""
    for suffix in _SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= _MIN_STEM:
            stem = word.removesuffix(suffix)
            return _DOUBLED.sub(r"\1", stem) if suffix in ("ing", "ed") else stem
    return word


def _listed(found: Set[str]) -> str:
    return ", ".join(sorted(found))
