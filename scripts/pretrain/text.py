"""The texts that the bundled base reads: openly licensed, as documents, one in a hundred of them never trained on.

The folders lie beside the repository (`../shared/data/text`); each has a SOURCE file with origin and licence.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

TEXT = Path(__file__).parents[3] / "shared" / "data" / "text"
SEPARATOR = "<|endoftext|>"
MAX_CHARACTERS = 20_000
"""A book is cut at blank lines into documents of about this length, so that parts of many books are held out."""
LINES_PER_DOCUMENT = 20
"""Unconnected sentences, one a line, are put together by so many."""
HELD_OUT_ONE_IN = 100


@dataclass(frozen=True)
class Document:
    """One text, or one part of a book."""

    folder: str
    text: str

    @cached_property
    def id(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def is_held_out(self) -> bool:
        """Decided by the hash alone: a text that is added later moves no other one."""
        return int(self.id[:8], 16) % HELD_OUT_ONE_IN == 0


def documents(root: Path = TEXT) -> Iterator[Document]:
    """Every document of every folder, in the order of names. Equal texts come once.

    Raises:
        FileNotFoundError: the folder of texts is not there.
    """
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: no such folder. The texts of the bundled base lie beside the repository.")
    seen: set[str] = set()
    for path in sorted(root.glob("*/*.txt.gz")):
        for text in _split(gzip.decompress(path.read_bytes()).decode()):
            document = Document(path.parent.name, text)
            if document.id not in seen:
                seen.add(document.id)
                yield document


def training_documents(root: Path = TEXT) -> list[Document]:
    """What may be trained on."""
    return [document for document in documents(root) if not document.is_held_out]


def held_out_documents(root: Path = TEXT) -> list[Document]:
    """What measures the result."""
    return [document for document in documents(root) if document.is_held_out]


def _split(content: str) -> Iterator[str]:
    for text in content.split(SEPARATOR):
        if "\n\n" not in text and text.count("\n") > LINES_PER_DOCUMENT and not re.search(r"^\w+: ", text):
            lines = text.strip().split("\n")
            for start in range(0, len(lines), LINES_PER_DOCUMENT):
                yield "\n".join(lines[start : start + LINES_PER_DOCUMENT])
        else:
            yield from _cut(text)


def _cut(text: str) -> Iterator[str]:
    part = ""
    for paragraph in re.split(r"\n{2,}", text.strip()):
        if part and len(part) + len(paragraph) > MAX_CHARACTERS:
            yield part
            part = ""
        part = f"{part}\n\n{paragraph}" if part else paragraph
    if part.strip():
        yield part
