"""Rows in another language than the rest: by the script of the answer, and by its words where scripts are equal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from string import ascii_letters
from typing import TYPE_CHECKING

from tunewright.data.checks.check import Check, CheckedRow, RowSet, SomeRows
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.data.checks.text import script_of
from tunewright.data.checks.words import words
from tunewright.data.spill import no_room_for_temporary_files
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Finding, Severity

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_CHARACTERS_LOOKED_AT = 500
_ASCII_LETTERS = ascii_letters.encode("ascii")
_MIN_LETTERS = 20
_MIN_DOMINANT_SHARE = 0.9
_MAX_SHARE_IN_ODD_ROW = 0.05
_MIN_ROWS = 20

_MIN_WORDS = 6
"""Fewer do not say in which language they are."""
_NUM_SAMPLED = 200
"""Answers, evenly over the rows, from which the language of most and its frequent words are taken."""
_CHARACTERS_COUNTED = 200
"""Of each answer; enough to see that frequent words are missing."""
_FREQUENT_SHARE = 0.05
"""Of the sampled answers: words that stand in so many are frequent."""
_MAX_FREQUENT_SHARE = 0.2
"""Of an answer's words. Frequent ones are a third to a half of most texts, in any language."""
_MIN_CONFIDENCE = 0.9
_NAMES = {
    "af": "Afrikaans", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "en": "English",
    "es": "Spanish", "et": "Estonian", "fi": "Finnish", "fr": "French", "hr": "Croatian", "hu": "Hungarian",
    "id": "Indonesian", "it": "Italian", "lt": "Lithuanian", "lv": "Latvian", "ms": "Malay", "nl": "Dutch",
    "no": "Norwegian", "nb": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sl": "Slovenian", "sq": "Albanian", "sr": "Serbian", "sv": "Swedish", "sw": "Swahili",
    "tl": "Tagalog", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
}  # fmt: skip


def _letters_by_script(text: str) -> Counter[str]:
    head = text[:_CHARACTERS_LOOKED_AT]
    if head.isascii():
        raw = head.encode("ascii")
        return Counter(LATIN=len(raw) - len(raw.translate(None, _ASCII_LETTERS)))
    counts: Counter[str] = Counter()
    for character, number in Counter(head).items():
        if script := script_of(character):
            counts[script] += number
    return counts


def _find_language_mix(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    by_script = _in_another_script(rows)
    yield from by_script
    yield from _in_another_language(rows, {location for finding in by_script for location in finding.locations})


def _in_another_script(rows: RowSet) -> list[Finding]:
    num_of_script = Counter(_most(counts) for _, counts in _lettered(rows))
    num_rows = num_of_script.total()
    if num_rows < _MIN_ROWS:
        return []
    dominant, _ = num_of_script.most_common(1)[0]
    odd = []
    for row, counts in _lettered(rows):
        # Code and names bring Latin letters into every script, so a row is odd only without the dominant script.
        if counts[dominant] < _MAX_SHARE_IN_ODD_ROW * counts.total():
            odd.append((row, _title(_most(counts))))
            if 1 - len(odd) / num_rows < _MIN_DOMINANT_SHARE:
                return []
    share = 1 - len(odd) / num_rows
    return [
        _finding(row, f"The answer is in {found} script, but {share:.1%} of the answers are in {_title(dominant)}.")
        for row, found in odd
    ]


def _lettered(rows: RowSet) -> Iterator[tuple[CheckedRow, Counter[str]]]:
    """The rows whose answer has enough letters to say which script it is in, and their number by script."""
    for row in rows:
        counts = _letters_by_script(row.answer)
        if counts.total() >= _MIN_LETTERS:
            yield row, counts


def _most(counts: Counter[str]) -> str:
    return min(counts, key=lambda script: (-counts[script], script))


def _title(script: str) -> str:
    return "Chinese or Japanese" if script == "CJK" else script.capitalize()


def _in_another_language(rows: RowSet, known: set[str]) -> Iterator[Finding]:
    """Rows whose script is that of the others and whose language is not.

    A model of languages looks at a sample and at the few answers that lack the sample's frequent words; at all rows
    it would take longer than most other checks together.

    Args:
        known: places of rows that were found already.
    """
    sample = [text for text in _sampled_answers(rows) if len(words(text)) >= _MIN_WORDS]
    if len(sample) < _MIN_ROWS:
        return
    languages = [_language(text) for text in sample]
    # Answers whose language cannot be told, such as code and lists of names, speak neither for a mix nor against one.
    told = Counter(language for language in languages if language is not None)
    if told.total() < _MIN_ROWS:
        return
    dominant, number = told.most_common(1)[0]
    if number < _MIN_DOMINANT_SHARE * told.total():
        return
    most = f"most answers are in {_named(dominant)}{_unknown(len(sample) - told.total(), len(sample))}"
    typical = [text for text, language in zip(sample, languages, strict=True) if language == dominant]
    counts = Counter(word for text in typical for word in set(words(text)))
    frequent = {word for word, number in counts.items() if number >= _FREQUENT_SHARE * len(typical)}
    for row in rows:
        found = words(row.answer[:_CHARACTERS_COUNTED])
        if len(found) < _MIN_WORDS or sum(word in frequent for word in found) > _MAX_FREQUENT_SHARE * len(found):
            continue
        language = _language(row.answer[:_CHARACTERS_LOOKED_AT])
        if language is not None and language != dominant and row.location not in known:
            yield _finding(row, f"The answer is in {_named(language)}, but {most}.")


def _sampled_answers(rows: RowSet) -> Sequence[str]:
    num_sampled = min(len(rows), _NUM_SAMPLED)
    positions = [number * len(rows) // num_sampled for number in range(num_sampled)]
    return [row.answer[:_CHARACTERS_LOOKED_AT] for row in SomeRows(rows, positions)]


def _language(text: str) -> str | None:
    """ISO 639 code of the language, where the model is sure of it."""
    language, _ = _identifier().classify(text)
    return None if language == "und" else str(language)


@cache
def _identifier() -> "LanguageIdentifier":
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise MissingExtraError("py3langid", "data", "tell languages apart") from None
    try:
        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=_MIN_CONFIDENCE)
    except OSError as error:  # it is unpacked into the folder for temporary files
        raise no_room_for_temporary_files(error, "to unpack the model of languages") from error


def _named(language: str) -> str:
    return _NAMES.get(language, f"the language `{language}`")


def _unknown(number: int, num_sampled: int) -> str:
    return f" (of {num_sampled} sampled answers, {number} in a language that cannot be told)" if number else ""


def _finding(row: CheckedRow, explanation: str) -> Finding:
    return row_finding(LANGUAGE_MIX.id, row, explanation, excerpt(row.answer))


LANGUAGE_MIX = Check(
    id="language_mix",
    title="Answers in another language",
    explanation="Answers without the script (Latin, Cyrillic, Chinese ...) that at least 90 % of the answers use, and "
    "answers of at least 6 words in another language than at least 90 % of those of 200 sampled answers whose language "
    "can be told (py3langid, confidence .9, asked about answers in which at most a fifth of the words are among those "
    "that a twentieth of the sample has). Such rows often came from another source. A data set that mixes languages "
    "more evenly, as for translation, is left alone.",
    severity=Severity.NOTE,
    action="listed only",
    find=_find_language_mix,
)
