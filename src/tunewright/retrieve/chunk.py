"""Documents to passages of about MAX_WORDS words: whole sentences, verbatim, under the heading they stand under.

A passage is a slice of its document, so tables, lists and code keep their lines. Neighbours share one sentence, so
that "It costs 5 euros." is found together with what "it" is.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tunewright.data.checks.words import words
from tunewright.data.documents import read_documents
from tunewright.data.from_documents import ID_DIGITS
from tunewright.data.markdown import lines_of_markdown
from tunewright.data.refusals import ReadLog
from tunewright.errors import DataError, Problem
from tunewright.records import Passage, content_hash

MAX_WORDS = 120
"""About 160 tokens of English: five passages and a question fit into 1,024 tokens."""
MAX_SHARED_WORDS = 40
"""A longer last sentence is not repeated in the next passage."""

# A sentence ends at its mark and what closes with it, before a space; in Chinese and Japanese without one. A blank
# line, a list item and a row of a table end one too. "Dr. Smith" is cut in two, which moves no word: the parts of a
# passage are its text from the first to the last of them.
_SENTENCE_END = re.compile(
    r"""[.!?…]+["'”’»)\]]*(?=\s)|[。！？]+[」』”]*|\n(?=\s*\n)|\n(?=\s*(?:[-*+•|]|\d+[.)]\s))|(?<=\|)\n"""
)
_HEADING = re.compile(r"(#{1,6})[ \t](.*)")
_HEADING_END = re.compile(r"(?<![^ \t])#+$")
_LIST_NUMBER = re.compile(r"\s*\d+\.")
_SPACELESS = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class _Span:
    """Where a sentence lies in its section."""

    start: int
    end: int
    num_words: int


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    name: str


def folder_passages(folder: Path, log: ReadLog, max_words: int = MAX_WORDS) -> Iterator[Passage]:
    """Cut every document of a folder, in the order of their paths.

    Args:
        folder: as for data.documents.read_documents. Passages name documents relative to it, so that a folder that
            was moved gives equal passages.
        log: receives refusals and warnings; refusals are raised after the last passage.
        max_words: most words of a passage, at least 1.
    Raises:
        DataError: the folder holds no document or none with text, or a file cannot be read.
        MissingExtraError: a PDF or DOCX file is met and the extra `documents` is not installed.
    """
    has_text = False
    for document in read_documents(folder, log):
        name = Path(document.path).relative_to(folder).as_posix()
        for passage in cut(name, document.title, document.text, max_words):
            has_text = True
            yield passage
    log.raise_if_refused()
    if not has_text:
        fix = "Check the files: scanned pages hold none."
        raise DataError(Problem(str(folder), "documents without text", "text to search in", fix))


def cut(document: str, title: str, text: str, max_words: int = MAX_WORDS) -> Iterator[Passage]:
    """Cut one text. In a document whose name ends in `.md`, headings start new passages and become part of the title.

    A heading with nothing below it is a passage itself.

    Args:
        document, title: of every passage; see records.Passage.
        max_words: most words of a passage, at least 1. A sentence with more of them is cut.
    """
    sections = _markdown_sections(title, text) if document.lower().endswith(".md") else [(title, text)]
    parts = ((heading, part) for heading, section in sections for part in _parts(section, max_words))
    for place, (heading, part) in enumerate(parts, start=1):
        part_id = content_hash([document, heading, part])[:ID_DIGITS]
        yield Passage(id=part_id, document=document, title=heading, text=part, place=place)


def _markdown_sections(title: str, text: str) -> Iterator[tuple[str, str]]:
    headings: list[_Heading] = []
    is_told = True  # of the innermost heading: whether a section is under it
    for heading, section in _split_at_headings(text):
        if heading:
            if not is_told and heading.level <= headings[-1].level:
                yield _under(title, headings[:-1]), headings[-1].name
                is_told = True
            headings = [above for above in headings if above.level < heading.level]
            if heading.name:
                headings.append(heading)
                is_told = False
        if section.strip():
            yield _under(title, headings), section
            is_told = True
    if not is_told:
        yield _under(title, headings[:-1]), headings[-1].name


def _split_at_headings(text: str) -> Iterator[tuple[_Heading | None, str]]:
    """Each heading with what stands below it, up to the next one of any level; first what stands before all."""
    heading: _Heading | None = None
    lines: list[str] = []
    for line, is_code in lines_of_markdown(text):
        found = None if is_code else _HEADING.fullmatch(line)
        if found is None:
            lines.append(line)
            continue
        yield heading, "\n".join(lines)
        lines = []
        heading = _Heading(len(found[1]), _HEADING_END.sub("", found[2].strip()).rstrip())
    yield heading, "\n".join(lines)


def _under(title: str, headings: list[_Heading]) -> str:
    names = [heading.name for heading in headings]
    # The first heading is usually where the title was taken from.
    return " > ".join([title, *(names[1:] if names[:1] == [title] else names)])


def _parts(section: str, max_words: int) -> Iterator[str]:
    part: list[_Span] = []
    for sentence in _sentences(section, max_words):
        if part and _num_words(part) + sentence.num_words > max_words:
            yield section[part[0].start : part[-1].end]
            last = part[-1]
            shares = last.num_words <= MAX_SHARED_WORDS and last.num_words + sentence.num_words <= max_words
            part = [last] if shares and len(part) > 1 else []
        part.append(sentence)
    if part:
        yield section[part[0].start : part[-1].end]


def _num_words(part: list[_Span]) -> int:
    return sum(span.num_words for span in part)


def _sentences(section: str, max_words: int) -> Iterator[_Span]:
    ends = [match.end() for match in _SENTENCE_END.finditer(section) if not _is_list_number(section, match.end())]
    for start, end in pairwise((0, *ends, len(section))):
        raw = section[start:end]
        text = raw.strip()
        if not text:
            continue
        first = start + raw.index(text)
        num_words = len(words(text))
        if num_words <= max_words:
            yield _Span(first, first + len(text), num_words)
        else:
            yield from _cut_sentence(section, first, first + len(text), max_words)


def _is_list_number(section: str, end: int) -> bool:
    """Whether the line holds nothing before `end` but the number of a list item, as in "2. Pay."."""
    line_start = section.rfind("\n", 0, end) + 1
    return _LIST_NUMBER.fullmatch(section, line_start, end) is not None


def _cut_sentence(section: str, start: int, end: int, max_words: int) -> Iterator[_Span]:
    """Cut at spaces. A piece without one, as a Chinese sentence or a long address, is cut by characters."""
    first, last, num_words = start, start, 0
    for match in _SPACELESS.finditer(section, start, end):
        for piece_start, piece_end, num in _pieces(match.group(), match.start(), max_words):
            if num_words and num_words + num > max_words:
                yield _Span(first, last, num_words)
                first, num_words = piece_start, 0
            last, num_words = piece_end, num_words + num
    yield _Span(first, last, num_words)


def _pieces(text: str, offset: int, max_words: int) -> Iterator[tuple[int, int, int]]:
    num = len(words(text))
    if num <= max_words:
        yield offset, offset + len(text), num
        return
    # Every word has a character at least, so no piece of so many characters has more words.
    for start in range(0, len(text), max_words):
        piece = text[start : start + max_words]
        yield offset + start, offset + start + len(piece), len(words(piece))
