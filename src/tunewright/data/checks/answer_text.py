"""Answers that teach nothing or the wrong thing: placeholders, refusals, answers cut short or repeating themselves."""

import re
import unicodedata
from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from tunewright.data.checks.answers import answer_kind, answered, is_json
from tunewright.data.checks.check import Check, CheckedRow, RowSet
from tunewright.data.checks.row_finding import excerpt, row_finding
from tunewright.records import CheckRecipe, Finding, Severity

_PLACEHOLDER = re.compile(
    r"n/?a|todo|tbd|tba|fixme|null|none|nan|undefined|placeholder|test|asdf+|xxx+|lorem ipsum\b.*|"
    r"(?:as |see |same as )(?:above|below)|(?:\[|<)?(?:your |insert |the )?(?:answer|response|output|text)"
    r"(?: goes)?(?: here)?(?:\]|>)?",
    re.IGNORECASE | re.DOTALL,
)
_LONGEST_PLACEHOLDER = 40
_MIN_SAME_ANSWERS = 5
_MIN_SAME_SHARE = 0.001
_MIN_SENTENCE_WORDS = 4


def _find_empty(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    if answer_kind(rows) != "text":
        return
    min_rows, repeated = _repeated_answers(rows)
    rows_of: defaultdict[str, list[CheckedRow]] = defaultdict(list)
    for row in answered(rows):
        answer = row.answer.strip()
        if hash(answer) in repeated or _is_placeholder(answer):
            rows_of[answer].append(row)
    for answer, group in rows_of.items():
        if _is_placeholder(answer):
            for row in group:
                yield row_finding(
                    EMPTY_OR_BOILERPLATE_ANSWERS.id, row, "The answer is a placeholder.", excerpt(row.answer), 2.0
                )
        elif len(group) >= min_rows and _is_boilerplate(answer, group):
            yield _boilerplate(answer, group)


def _repeated_answers(rows: RowSet) -> tuple[float, Collection[int]]:
    """How often a sentence must be the answer, and the hashes of the answers that are so often."""
    hashes = array("q", (hash(row.answer.strip()) for row in answered(rows)))
    min_rows = max(_MIN_SAME_ANSWERS, _MIN_SAME_SHARE * len(hashes))
    distinct, counts = np.unique(np.array(hashes), return_counts=True)
    return min_rows, frozenset(distinct[counts >= min_rows].tolist())


def _is_placeholder(answer: str) -> bool:
    if len(answer) <= _LONGEST_PLACEHOLDER and _PLACEHOLDER.fullmatch(answer.strip(" .!?…-")):
        return True
    if answer.lower().startswith("lorem ipsum"):
        return True
    return not any(character.isalnum() or unicodedata.category(character)[0] in "SM" for character in answer)


def _is_boilerplate(answer: str, group: Sequence[CheckedRow]) -> bool:
    if is_json(answer):
        return False
    is_sentence = len(answer.split()) >= _MIN_SENTENCE_WORDS or (not answer.isascii() and len(answer) >= 10)
    return is_sentence and len({row.input_id for row in group}) >= _MIN_SAME_ANSWERS


def _boilerplate(answer: str, group: Sequence[CheckedRow]) -> Finding:
    return Finding(
        check=EMPTY_OR_BOILERPLATE_ANSWERS.id,
        example_ids=tuple(row.id for row in group),
        locations=tuple(row.location for row in group),
        explanation=f"{len(group)} different inputs have the same answer: “{excerpt(answer)}”",
        evidence=tuple(excerpt(row.input) for row in group),
        score=1.0,
    )


EMPTY_OR_BOILERPLATE_ANSWERS = Check(
    id="empty_or_boilerplate_answers",
    title="Empty or boilerplate answers",
    explanation="Answers that say nothing (“n/a”, “TODO”, “see above”, punctuation alone) and sentences that answer at "
    f"least {_MIN_SAME_ANSWERS} inputs (and 0.1 % of the rows) word for word. The model would learn to give them "
    "everywhere. Labels and JSON are left alone.",
    severity=Severity.WARNING,
    action="listed only",
    find=_find_empty,
)

_I_AM_SORRY = r"(?:i['’]?m|i am) (?:really |very |so )?sorry"
_SORRY = rf"(?:(?:unfortunately|sorry|i apologi[sz]e|my apologies|{_I_AM_SORRY})[,.!]? (?:but )?)"
_AS_AN_AI = r"as an? (?:ai|artificial intelligence|(?:large )?language model|virtual assistant)\b"
_I_AM_AN_AI = r"i(?:['’]?m| am) (?:just |only |merely )?an? (?:ai|artificial intelligence|(?:large )?language model)\b"
_I_CANNOT = r"i (?:can['’]?t|cannot|can not|won['’]?t|will not|am unable to|am not able to|must decline)"
_I_AM_UNABLE = r"i['’]?m (?:unable|not able) to"
_HELP = (
    r" (?:\w+ly )?(?:help|assist|comply|provide|fulfil|answer|generate|create|write|discuss|engage|participate|support)"
)
_REFUSAL = re.compile(
    rf"{_SORRY}?(?:{_AS_AN_AI}|{_I_AM_AN_AI}|(?:{_I_CANNOT}|{_I_AM_UNABLE}){_HELP})"
    rf"|{_SORRY}(?:{_I_CANNOT}|{_I_AM_UNABLE})\b"
    r"|(?:(?:很)?抱歉|对不起)[，,]?(?:但)?(?:是)?我(?:无法|不能)|作为(?:一个|一名|一款)?(?:AI|人工智能|语言模型)",
    re.IGNORECASE,
)
_OPENING_CHARACTERS = 160


def _find_refusals(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    for row in answered(rows):
        if _REFUSAL.match(row.answer.lstrip(' \n"“')[:_OPENING_CHARACTERS]):
            yield row_finding(
                REFUSALS.id, row, "The answer begins by refusing or by speaking as an AI.", excerpt(row.answer)
            )


REFUSALS = Check(
    id="refusals",
    title="Refusals",
    explanation="Answers that begin like “As an AI language model” or “I'm sorry, but I can't” (English and Chinese). "
    "They mostly come from the model that wrote the rows, and a tuned model then refuses what it could do.",
    severity=Severity.WARNING,
    action="listed only",
    find=_find_refusals,
)

_MIN_PROSE_WORDS = 8
_MIN_PROSE_ROWS = 20
_MIN_ENDED_SHARE = 0.9
# A full stop left out is not a text cut short, unless hardly any answer leaves it out.
_MIN_ENDED_SHARE_FOR_WORDS = 0.98
_LIST_OR_CODE_LINE = re.compile(r"\s*(?:[-*•+>|#]|\d{1,3}[.)]|\S*(?:[=;{}()]|://)|(?:\s{4}|\t))")
# Words after which a sentence goes on.
_UNFINISHED = re.compile(
    r"a|an|and|as|at|because|but|by|for|from|if|in|into|is|of|on|or|our|than|that|the|their|to|was|were|which|who|with|your",
    re.IGNORECASE,
)


def _prose(rows: RowSet) -> Iterator[tuple[CheckedRow, str]]:
    """The rows that answer in prose, with the last line of the answer."""
    for row in answered(rows):
        if line := _prose_ending(row.answer):
            yield row, line


def _prose_ending(answer: str) -> str | None:
    """The last line of a free-text answer; None for labels, JSON, code and answers that end in a list or a heading."""
    if answer.count(" ") + 1 < _MIN_PROSE_WORDS or is_json(answer) or "```" in answer[-8:]:
        return None
    line = answer.rstrip().rpartition("\n")[2]
    if line.count(" ") + 1 < _MIN_PROSE_WORDS or _LIST_OR_CODE_LINE.match(line):
        return None
    return line


def _ends(line: str) -> bool:
    """Whether a line ends as finished text may: with punctuation, a symbol, a number, or a name such as #tag or .af."""
    return line[-1] not in ",-–—:(" and not line.split()[-1].isalpha()


_CUT_BY = {
    "length": "at the limit of tokens (finish_reason length)",
    "content_filter": "by its content filter (finish_reason content_filter)",
}


def _find_truncated(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    for row in rows:
        if row.cut_short_by is not None:
            explanation = f"The service cut the answer off {_CUT_BY[row.cut_short_by]}."
            shown = excerpt(row.answer, len(row.answer))
            yield row_finding(TRUNCATED_ANSWERS.id, row, explanation, shown, 3.0, drops=True)
    yield from _find_unfinished(rows)


def _find_unfinished(rows: RowSet) -> Iterable[Finding]:
    num_prose = num_ended = 0
    for _, line in _prose(rows):
        num_prose += 1
        num_ended += _ends(line)
    if num_prose < _MIN_PROSE_ROWS:
        return
    share = num_ended / num_prose
    if share < _MIN_ENDED_SHARE:
        return
    for row, line in _prose(rows):
        if _ends(line) or row.cut_short_by is not None:
            continue
        last_word = line.split()[-1]
        is_open = not line[-1].isalpha() or _UNFINISHED.fullmatch(last_word)
        if not is_open and share < _MIN_ENDED_SHARE_FOR_WORDS:
            continue
        yield row_finding(
            TRUNCATED_ANSWERS.id,
            row,
            f"The answer stops at “{last_word[-40:]}”, but {share:.1%} of the answers end a sentence.",
            excerpt(row.answer, len(row.answer)),
            2.0 if is_open else 1.0,
        )


TRUNCATED_ANSWERS = Check(
    id="truncated_answers",
    title="Answers that stop short",
    explanation="Answers of chat logs whose `finish_reason` is `length` or `content_filter`; and free-text answers "
    "that stop at a comma or a word such as “and” (where at least 90 % of the answers end a sentence), or at any word "
    "(where at least 98 % do). They were often cut by a length limit, and the model would learn to stop there.",
    severity=Severity.WARNING,
    action="dropped where the log says that the answer was cut off, else listed only",
    find=_find_truncated,
)

_MIN_REPEATS = 8
_MIN_REPEATED_SHARE = 0.5
_LONGEST_PHRASE = 200
# Places where a repetition is looked for. One that fills half of the answer covers about half of them.
_PLACES = 16
_PROBE = 4
_BETWEEN_PHRASES = " \n.,;:!?、，。！？"


def _find_repetition(rows: RowSet, recipe: CheckRecipe) -> Iterable[Finding]:
    del recipe
    for row in rows:
        if phrase := _repeated_phrase(row.answer):
            number = row.answer.count(phrase)
            explanation = f"The answer repeats “{excerpt(phrase.strip())}” {number} times."
            yield row_finding(REPETITION.id, row, explanation, excerpt(row.answer), float(number))


def _repeated_phrase(answer: str) -> str | None:
    """A phrase of at most _LONGEST_PHRASE characters, with a letter in it: rules of dashes repeat for good reasons."""
    for place in range(0, len(answer), max(1, len(answer) // _PLACES)):
        probe = answer[place : place + _PROBE]
        end = place
        while (end := answer.find(probe, end + 1, place + _LONGEST_PHRASE + _PROBE)) > place:
            if not answer.startswith(answer[place:end] * _MIN_REPEATS, place):
                continue
            if any(map(str.isalpha, answer[place:end])):
                phrase = _from_its_start(answer, place, end - place)
                if answer.count(phrase) * len(phrase) >= _MIN_REPEATED_SHARE * len(answer):
                    return phrase
            break  # what repeats here at a longer distance is this phrase, several times
    return None


def _from_its_start(answer: str, place: int, length: int) -> str:
    """The phrase that repeats every `length` characters around a place, beginning where the repetition begins."""
    while place > 0 and answer[place - 1] == answer[place - 1 + length]:
        place -= 1
    while answer[place] in _BETWEEN_PHRASES:
        place += 1
    return answer[place : place + length]


REPETITION = Check(
    id="repetition",
    title="Answers that repeat themselves",
    explanation=f"Answers of which at least half is one phrase, {_MIN_REPEATS} times or more in a row. A model that "
    "learns from them may never stop.",
    severity=Severity.WARNING,
    action="listed only",
    find=_find_repetition,
)
