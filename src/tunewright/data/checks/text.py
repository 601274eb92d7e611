"""The text itself: wrong encodings and characters that cannot be seen."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from tunewright.data.checks.check import Check, CheckedRow, RowSet, once
from tunewright.data.checks.row_finding import excerpt, longest_first, replaced, row_finding
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Finding, Severity

_LOST = "\ufffd"


def find_mojibake(text: str) -> dict[str, str]:
    """Give the words (or lines) that were decoded with the wrong encoding, and what each should be.

    Raises:
        MissingExtraError: ftfy is not installed and the text is not plain ASCII.
    """
    if text.isascii():
        return {}
    try:
        from ftfy import TextFixerConfig, fix_text
        from ftfy.badness import is_bad
    except ImportError:
        raise MissingExtraError("ftfy", "data", "find text in a wrong encoding") from None
    if not is_bad(text):
        return {}
    # Only the encoding is repaired: quotes, ligatures, widths, entities, line breaks and normal forms stay as written.
    # explain=True, because without it ftfy 6.3 ignores the settings of its encoding steps. Lossy sequences stay: their
    # repair would put U+FFFD into the data.
    config = TextFixerConfig(
        unescape_html=False,
        remove_terminal_escapes=False,
        replace_lossy_sequences=False,
        fix_latin_ligatures=False,
        fix_character_width=False,
        uncurl_quotes=False,
        fix_line_breaks=False,
        fix_surrogates=False,
        remove_control_chars=False,
        normalization=None,
        explain=True,
    )
    edits: dict[str, str] = {}
    for line in text.split("\n"):
        if is_bad(line):
            edits |= _changed_words(line, fix_text(line, config))
    return edits


def _changed_words(line: str, fixed: str) -> dict[str, str]:
    """The words that differ, so that other edits of the line do not stand in each other's way; or the whole line."""
    words, fixed_words = line.split(" "), fixed.split(" ")
    if len(words) != len(fixed_words):
        return {line: fixed}
    return {word: repaired for word, repaired in zip(words, fixed_words, strict=True) if word != repaired}


def _find_mojibake(rows: RowSet, recipe: CheckRecipe) -> Sequence[Finding]:
    del recipe
    return once(rows, _mojibake)


def _mojibake(rows: RowSet) -> Sequence[Finding]:
    findings = []
    for row in rows:
        edits: dict[str, str] = {}
        for text in row.texts:
            edits |= find_mojibake(text)
        if edits:
            explanation = "Characters were read in the wrong encoding and can be restored."
            evidence = excerpt("; ".join(f"{old[:60]} → {new[:60]}" for old, new in edits.items()))
            score = float(len(edits))
            findings.append(row_finding(MOJIBAKE.id, row, explanation, evidence, score, longest_first(edits)))
            continue
        lost = next((text for text in row.texts if _LOST in text), None)
        if lost is not None:
            explanation = "Characters were lost when the text was read in the wrong encoding (�)."
            findings.append(row_finding(MOJIBAKE.id, row, explanation, excerpt(lost, lost.index(_LOST)), 0.5))
    return findings


MOJIBAKE = Check(
    id="mojibake",
    title="Text in a wrong encoding",
    explanation="Text that was written in one encoding and read in another, as in “cafÃ©” for “café” (found and "
    "repaired by ftfy), or that lost characters that way (�). The model would learn to write it.",
    severity=Severity.WARNING,
    action="what can be restored is restored; quotes and everything else stay as written. Lost characters are listed",
    find=_find_mojibake,
)


@cache
def script_of(character: str) -> str | None:
    """Script of a letter, by the first word of its Unicode name: LATIN, CYRILLIC, ARABIC, CJK, HANGUL ..."""
    if character.isascii():
        return "LATIN" if character.isalpha() else None
    if not character.isalpha() and unicodedata.category(character) not in ("Mn", "Mc"):
        return None
    script = unicodedata.name(character, "").split(" ")[0].partition("-")[0]
    return {"HIRAGANA": "CJK", "KATAKANA": "CJK"}.get(script, script) or None


_BREAKS = {"\x0b": "\n", "\x0c": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n"}
# Always out: control characters but tab and line ends, soft hyphen, word joiner and invisible operators, byte order
# mark, deprecated format characters, overrides of the writing direction (used to disguise text), annotations.
_ALWAYS = (
    r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u180e\u2028\u2029\u202d\u202e"
    r"\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb"
)
# Needed where right-to-left text stands beside left-to-right text, noise elsewhere.
_DIRECTION = r"\u061c\u200e\u200f\u202a-\u202c\u2066-\u2069"
_JOINERS = r"\u200b-\u200d"
_TAGS = r"\U000e0000-\U000e007f"
_SUSPECT = re.compile(f"[{_ALWAYS}{_DIRECTION}{_JOINERS}{_TAGS}]")
# "\\frac" and its like in a JSON or Python string without a second backslash became a control character and "rac".
_LATEX_COMMAND = re.compile(
    "\x07(?:lpha|pprox|ngle)|\x08(?:eta|egin|inom|oldsymbol|ullet|oxed|igg?|ar(?![a-z]))"
    "|\x0b(?:ec|ert|dots|arepsilon)|\x0c(?:rac|orall)"
)
_LATEX_LETTERS = {"\x07": "a", "\x08": "b", "\x0b": "v", "\x0c": "f"}
_TERMINAL_COMMAND = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_ALWAYS_CHARACTER = re.compile(f"[{_ALWAYS}]")
_DIRECTION_CHARACTER = re.compile(f"[{_DIRECTION}]")
# Tags spell the region of a flag after a black flag; elsewhere they hide text from the reader.
_HIDDEN_TAGS = re.compile(rf"(?<![\U0001f3f4{_TAGS}])[{_TAGS}]+")
_JOINER_WITH_NEIGHBOURS = re.compile(rf"(?s)([^{_JOINERS}]?)([{_JOINERS}]+)([^{_JOINERS}]?)")

_ZERO_WIDTH_SPACE, _NON_JOINER, _JOINER = "\u200b", "\u200c", "\u200d"
_INDIC_SCRIPTS = frozenset(
    ("DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU", "KANNADA", "MALAYALAM", "SINHALA")
)
_SCRIPTS_WITH_JOINERS = _INDIC_SCRIPTS | {
    "ARABIC",
    "SYRIAC",
    "NKO",
    "MANDAIC",
    "MONGOLIAN",
    "MYANMAR",
    "KHMER",
    "TIBETAN",
}
_SCRIPTS_WITHOUT_SPACES = frozenset(("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN", "JAVANESE", "BALINESE"))


def find_invisible(texts: Sequence[str]) -> dict[str, str]:
    """Give what to replace in the texts of a row, in this order, so that no needless invisible character is left.

    Kept are joiners in emoji and in scripts that spell with them (Persian, Hindi ...), spaces of no width in scripts
    without spaces (Thai ...), direction marks in rows with right-to-left text, and the tags of flags.
    """
    suspects = [text for text in texts if not (text.isascii() and text.isprintable()) and _SUSPECT.search(text)]
    if not suspects:
        return {}
    edits: dict[str, str] = {}
    # The marks themselves count as right-to-left too, so only letters are asked.
    letters = (character for text in texts for character in text if character.isalpha())
    is_right_to_left = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in letters)
    for text in suspects:
        edits |= dict.fromkeys(_TERMINAL_COMMAND.findall(text), "")
        text = _TERMINAL_COMMAND.sub("", text)
        edits |= {old: "\\" + _LATEX_LETTERS[old[0]] + old[1:] for old in _LATEX_COMMAND.findall(text)}
        edits |= dict.fromkeys(_HIDDEN_TAGS.findall(text), "")
        edits |= {character: _BREAKS.get(character, "") for character in _ALWAYS_CHARACTER.findall(text)}
        if not is_right_to_left:
            edits |= dict.fromkeys(_DIRECTION_CHARACTER.findall(text), "")
    # All edits run over every text, and what is a single character in one text begins a command in another.
    others = longest_first(edits)
    joiners: dict[str, str] = {}
    # Joiners are judged by their neighbours, so the others go first, and their replacements run first.
    for text in suspects:
        joiners |= _needless_joiners(replaced(text, others))
    return dict(others + longest_first(joiners))


def _needless_joiners(text: str) -> dict[str, str]:
    edits: dict[str, str] = {}
    position = 0
    while match := _JOINER_WITH_NEIGHBOURS.search(text, position):
        before, joiners, after = match.groups()
        kept = "".join(joiner for joiner in joiners if _is_needed(joiner, before, after))
        if kept != joiners:
            edits[match[0]] = before + kept + after
        position = match.start(3)  # the neighbour after may be the neighbour before of the next one
    return edits


def _is_needed(joiner: str, before: str, after: str) -> bool:
    scripts = {script_of(before) if before else None, script_of(after) if after else None}
    if joiner == _ZERO_WIDTH_SPACE:
        return bool(scripts & _SCRIPTS_WITHOUT_SPACES)
    if scripts & _SCRIPTS_WITH_JOINERS:
        return True
    return joiner == _JOINER and _is_emoji(before) and _is_emoji(after)


def _is_emoji(character: str) -> bool:
    """Also the variation selector and the skin tones, after which a joiner stands in families and professions."""
    return character == "\ufe0f" or (character != "" and unicodedata.category(character) in ("So", "Sk"))


def _find_invisible(rows: RowSet, recipe: CheckRecipe) -> Sequence[Finding]:
    return once(rows, _invisible, MOJIBAKE.id not in recipe.skip)


def _invisible(rows: RowSet, is_mojibake_repaired: bool) -> Sequence[Finding]:
    # Read in the wrong encoding, such a character is several that can be seen.
    repairs = _known_mojibake(rows) if is_mojibake_repaired else ()
    return [
        _invisible_finding(row, texts, edits)
        for row, texts in _with_edited_texts(rows, repairs)
        if (edits := find_invisible(texts))
    ]


def _invisible_finding(row: CheckedRow, texts: Sequence[str], edits: Mapping[str, str]) -> Finding:
    names = sorted({_name(character) for old in edits for character in _SUSPECT.findall(old)})
    text, where = next((text, text.index(old)) for old in edits for text in texts if old in text)
    return row_finding(
        INVISIBLE_CHARACTERS.id,
        row,
        f"The text holds characters that nobody can see: {', '.join(names)}.",
        excerpt(_with_codes(text[max(0, where - 60) : where + 60])),
        float(sum(text.count(old) for old in edits for text in texts)),
        tuple(edits.items()),
    )


def _with_codes(text: str) -> str:
    return _SUSPECT.sub(lambda match: f"<U+{ord(match[0]):04X}>", text)


def _name(character: str) -> str:
    code = f"U+{ord(character):04X}"
    return f"{code} {unicodedata.name(character, 'control character').lower()}"


INVISIBLE_CHARACTERS = Check(
    id="invisible_characters",
    title="Invisible characters",
    explanation="Control characters, byte order marks inside text, spaces of no width, marks that turn the writing "
    "direction, and tags. They make equal words different tokens, and can hide text from whoever reviews the rows. "
    "Those that emoji, flags, right-to-left text and scripts such as Devanagari, Arabic and Thai need are kept.",
    severity=Severity.WARNING,
    action="removed; page and line separators become line breaks, LaTeX commands that lost their backslash get it back",
    find=_find_invisible,
)


def with_repaired_texts(rows: RowSet, recipe: CheckRecipe) -> Iterator[tuple[CheckedRow, Sequence[str]]]:
    """Every row with its texts as they are trained on: after the repairs of this file.

    A repair that the recipe leaves out, or that lacks its library, is left out here too.
    """
    repairs = [] if MOJIBAKE.id in recipe.skip else [*_known_mojibake(rows)]
    if INVISIBLE_CHARACTERS.id not in recipe.skip:
        repairs += _find_invisible(rows, recipe)
    return _with_edited_texts(rows, repairs)


def _known_mojibake(rows: RowSet) -> Sequence[Finding]:
    try:
        return once(rows, _mojibake)
    except MissingExtraError:
        return ()


def _with_edited_texts(rows: RowSet, repairs: Iterable[Finding]) -> Iterator[tuple[CheckedRow, Sequence[str]]]:
    edits: dict[str, tuple[tuple[str, str], ...]] = {}
    for repair in repairs:
        for example_id in repair.example_ids:
            edits[example_id] = edits.get(example_id, ()) + repair.edited_text
    for row in rows:
        found = edits.get(row.id)
        yield row, [replaced(text, found) for text in row.texts] if found else row.texts
