"""House style and terms: whether answers use the words and keep the form that an organisation wants.

The rules stand in one YAML file:

    terms:
      - preferred: customer
        forbidden: [client, patron]
    required: [Severity]
    style:
      max_words: 60
      max_grade: 9
      layout: plain
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from tunewright.data.checks.words import SPACELESS, SPACELESS_MARKED
from tunewright.errors import Problem, RecipeError
from tunewright.evaluate.canonical import canonical_text
from tunewright.evaluate.scorers import AGGREGATES, Scorer
from tunewright.records import Metric, Record
from tunewright.records.text_file import read_yaml_file

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
Count = Annotated[int, Field(ge=1)]


class Term(Record):
    """One thing and what it is called. Forms are whole words; other forms, such as plurals, are written out.

    In scripts without spaces between words (Chinese, Japanese, Thai ...) a form is found inside longer words, too.
    """

    preferred: Text
    """Case does not count unless a forbidden variant differs by case alone."""
    forbidden: tuple[Text, ...] = ()

    @model_validator(mode="after")
    def _forms_differ(self) -> "Term":
        if self.preferred in self.forbidden:
            raise ValueError(f"{self.preferred!r} is both preferred and forbidden")
        return self


class StyleRules(Record):
    """Rules for the form of an answer; each one that is set counts the same."""

    min_words: Count | None = None
    max_words: Count | None = None
    max_sentence_words: Count | None = None
    """Most words of any one sentence."""
    max_grade: float | None = None
    """Highest reading level as a US school grade; see `reading_grade`. English only."""
    layout: Literal["plain", "bullets"] | None = None
    """plain: no list, heading or table in Markdown. bullets: every line is a list item."""
    opening: Text | None = None
    """Text that every answer begins with."""
    closing: Text | None = None
    """Text that every answer ends with."""


class HouseRules(Record):
    """What a house file says."""

    terms: tuple[Term, ...] = ()
    required: tuple[Text, ...] = ()
    """Frameworks, labels or phrases that every answer must hold."""
    style: StyleRules = StyleRules()


def read_house_rules(path: Path) -> HouseRules:
    """Read a house file.

    Raises:
        RecipeError: it cannot be read, is not YAML, has unknown keys, or states no rule.
    """
    loaded = read_yaml_file(path)
    try:
        rules = HouseRules.model_validate(loaded)
    except ValidationError as error:
        raise RecipeError(list(_problems(error, path))) from None
    if not house_scorers(rules):
        raise RecipeError(
            Problem(str(path), "no rule", "terms, required or style", "Add one, or leave the file out of the recipe.")
        )
    return rules


def _problems(error: ValidationError, path: Path) -> Iterator[Problem]:
    for detail in error.errors():
        place = ".".join(str(part) for part in detail["loc"]) or "(top level)"
        found = repr(detail["input"])[:80]
        yield Problem(f"{path}: {place}", found, detail["msg"], "See docs/study.md for an example.")


def house_scorers(rules: HouseRules) -> tuple[Scorer, ...]:
    """A terminology scorer where terms or required words are stated, and a style scorer where a style is."""
    rules = _canonical(rules)
    scorers = []
    if rules.terms or rules.required:
        metric = _metric(
            "terminology",
            "Terminology",
            "Share of the glossary's terms in play that an answer gets right, averaged over rows: the preferred form "
            "and no forbidden variant of every term in a reference or in the answer, and every required word. 1 where "
            "no term is in play.",
        )

        def terminology(answer: str, references: Sequence[str]) -> float:
            return terminology_score(answer, references, rules)

        scorers.append(Scorer(metric, AGGREGATES[metric.name], terminology))
    if stated := rules.style.model_dump(exclude_none=True):
        listed = ", ".join(f"{name} {value}" for name, value in stated.items())
        metric = _metric(
            "style", "House style", f"Share of the style rules that an answer keeps, averaged over rows: {listed}."
        )

        def style(answer: str, references: Sequence[str]) -> float:
            del references
            return style_score(answer, rules.style)

        scorers.append(Scorer(metric, AGGREGATES[metric.name], style))
    return tuple(scorers)


def _canonical(rules: HouseRules) -> HouseRules:
    """The rules in the Unicode form in which `judge` hands over answers."""

    def each(texts: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(canonical_text, texts))

    terms = tuple(
        term.model_copy(update={"preferred": canonical_text(term.preferred), "forbidden": each(term.forbidden)})
        for term in rules.terms
    )
    # A block of YAML ends in a line break; answers are compared without white space around them, too.
    opening, closing = (text and canonical_text(text).strip() for text in (rules.style.opening, rules.style.closing))
    style = rules.style.model_copy(update={"opening": opening, "closing": closing})
    return rules.model_copy(update={"terms": terms, "required": each(rules.required), "style": style})


def _metric(name: str, title: str, explanation: str) -> Metric:
    return Metric(name=name, title=title, explanation=explanation, higher_is_better=True, is_share=True)


def terminology_score(answer: str, references: Sequence[str], rules: HouseRules) -> float:
    """Share of the terms in play that the answer gets right; 1 when none is.

    A term is in play when a reference has its preferred form, or the answer has any form of it. It is right when the
    answer has the preferred form and no forbidden variant. A required word is always in play.
    """
    verdicts = []
    for term in rules.terms:
        written = _forms(term, answer)
        if written or any(term.preferred in _forms(term, reference) for reference in references):
            verdicts.append(written == {term.preferred})
    verdicts += [_phrase(word).search(answer) is not None for word in rules.required]
    return sum(verdicts) / len(verdicts) if verdicts else 1.0


def _forms(term: Term, text: str) -> set[str]:
    """The forms of a term that occur in a text; a longer form hides the shorter one inside it."""
    forms = sorted((term.preferred, *term.forbidden), key=len, reverse=True)
    return {_meant(term, match.group()) for match in _phrase(*forms).finditer(text)}


def _meant(term: Term, written: str) -> str:
    """The form that was written, exactly if one is, else up to case, the preferred one first."""
    one_line = " ".join(written.split())
    forms = (term.preferred, *term.forbidden)
    if one_line in forms:
        return one_line
    # By the same pattern as found it: to re, unlike to casefold, "İ" is an i.
    return next(form for form in forms if _phrase(form).fullmatch(written))


@lru_cache(maxsize=1024)
def _phrase(*forms: str) -> re.Pattern[str]:
    """Any of the forms as whole words, with any white space between them."""
    return re.compile("|".join(map(_whole, forms)), re.IGNORECASE)


# Letters of scripts without spaces stand next to other words.
_SPACELESS = re.compile(rf"[{SPACELESS}{SPACELESS_MARKED}]")
_SPACED = rf"[^\W{SPACELESS}{SPACELESS_MARKED}]"


def _whole(form: str) -> str:
    words = form.split()
    before = "" if _SPACELESS.match(words[0][0]) else f"(?<!{_SPACED})"
    after = "" if _SPACELESS.match(words[-1][-1]) else f"(?!{_SPACED})"
    return before + r"\s+".join(map(re.escape, words)) + after


_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_SENTENCE_END = re.compile(r"[.!?]+(?:\s|$)|\n+")
_LIST_ITEM = re.compile(r"\s*(?:[-*+•]|[0-9]+[.)])\s")
_MARKDOWN = re.compile(r"\s*(?:#{1,6}\s|\|)")
_VOWELS = re.compile(r"[aeiouy]+")


def style_score(answer: str, rules: StyleRules) -> float:
    """Share of the stated rules that the answer keeps; an answer without a word keeps none."""
    words = _WORD.findall(answer)
    if not words:
        return 0.0
    kept = list(_kept(answer.strip(), len(words), rules))
    return sum(kept) / len(kept) if kept else 1.0


def _kept(answer: str, num_words: int, rules: StyleRules) -> Iterator[bool]:
    lines = [line for line in answer.splitlines() if line.strip()]
    if rules.min_words is not None:
        yield num_words >= rules.min_words
    if rules.max_words is not None:
        yield num_words <= rules.max_words
    if rules.max_sentence_words is not None:
        yield max(len(_WORD.findall(sentence)) for sentence in _sentences(answer)) <= rules.max_sentence_words
    if rules.max_grade is not None:
        yield reading_grade(answer) <= rules.max_grade
    if rules.layout == "plain":
        yield not any(_LIST_ITEM.match(line) or _MARKDOWN.match(line) for line in lines)
    if rules.layout == "bullets":
        yield all(_LIST_ITEM.match(line) for line in lines)
    if rules.opening is not None:
        yield answer.startswith(rules.opening)
    if rules.closing is not None:
        yield answer.endswith(rules.closing)


def reading_grade(text: str) -> float:
    """Flesch-Kincaid grade: 0.39 words per sentence + 11.8 syllables per word - 15.59. English only.

    Syllables are groups of vowels, without a silent e at the end; at least one a word. Needs a word.

    Source: Kincaid et al. 1975, "Derivation of New Readability Formulas for Navy Enlisted Personnel".
    """
    words = _WORD.findall(text)
    num_syllables = sum(map(_num_syllables, words))
    return 0.39 * len(words) / len(_sentences(text)) + 11.8 * num_syllables / len(words) - 15.59


def _sentences(text: str) -> list[str]:
    return [sentence for sentence in _SENTENCE_END.split(text) if _WORD.search(sentence)]


def _num_syllables(word: str) -> int:
    lowered = word.lower()
    is_silent = lowered.endswith("e") and not lowered.endswith("le")
    return max(1, len(_VOWELS.findall(lowered)) - is_silent)
