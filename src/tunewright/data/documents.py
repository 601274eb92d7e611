"""Documents to plain text: text, Markdown, HTML, PDF and DOCX, one file or all of a folder.

Markdown stays as it is written. Of the others the text is taken, in reading order; nothing in them is executed,
and nothing they refer to is fetched.
"""

import hashlib
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from tunewright.data.docx_text import docx_text
from tunewright.data.html_text import html_text
from tunewright.data.lines import decode, without_mark
from tunewright.data.markdown import lines_of_markdown
from tunewright.data.passages import passages
from tunewright.data.refusals import ReadLog, RefusedError, excerpt, join_names
from tunewright.errors import DataError, MissingExtraError, Problem

MAX_DOCUMENT_BYTES = 256 * 2**20
"""Of one document, unpacked."""

# What a library meets inside a damaged file surfaces as any of these, not only as its own errors.
_DAMAGED = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Document:
    """One file as text."""

    path: str
    """The folder as the user gave it, and the file's place in it."""
    text: str
    """Paragraphs stand between blank lines."""
    title: str
    """As the document states it, else the name of the file without its suffix."""
    sha256: str
    """Hash of the file's bytes."""

    def passages(self) -> Iterator[str]:
        """The text in parts that are fit to learn from, in order."""
        return passages(self.text.split("\n"))


@dataclass(frozen=True, slots=True)
class _Extracted:
    text: str
    title: str | None = None


def read_documents(folder: Path, log: ReadLog) -> Iterator[Document]:
    """Read every document of a folder and the folders in it, sorted by path.

    Hidden files are left out silently; files of other kinds, documents without text and links to folders, which are
    not followed, are named in the warnings.

    Args:
        folder: an existing folder.
        log: receives what is refused and the warnings; the caller raises from it after the last document.
    Raises:
        DataError: the folder holds no document, or a file cannot be read.
        MissingExtraError: a PDF or DOCX file is met and the extra `documents` is not installed.
    """
    files = _files_in(folder)
    found = [path for path in files if path.suffix.lower() in DOCUMENT_SUFFIXES]
    others = Counter(path.suffix.lower() or "no suffix" for path in files if path not in set(found))
    if not found:
        raise _no_documents(folder, others)
    if others:
        log.warnings.append(f"files that are no documents were left out: {_counted(others)}")
    if links := [path.name for path in sorted(folder.rglob("*")) if path.is_symlink() and path.is_dir()]:
        log.warnings.append(f"links to folders were not followed: {join_names(links)}")
    without_text = []
    for path in found:
        try:
            document = _read_document(path)
        except RefusedError as refused:
            log.refuse(None, refused, str(path))
            continue
        if document.text.strip():
            yield document
        else:
            without_text.append(path.name)
    if without_text:
        log.warnings.append(f"documents without text were left out: {join_names(without_text)}")


def count_documents(folder: Path) -> int:
    """How many documents `read_documents` would read, without opening any."""
    return sum(path.suffix.lower() in DOCUMENT_SUFFIXES for path in _files_in(folder))


def read_document_passages(suffix: str, file: BinaryIO, log: ReadLog) -> Iterator[tuple[int, dict[str, object]]]:
    """Read one document as rows of one field, `text`, numbered from 1.

    Args:
        suffix: one of DOCUMENT_SUFFIXES.
        file: opened for bytes.
        log: receives the refusal of the document.
    """
    try:
        text = _extract(suffix, file.read(MAX_DOCUMENT_BYTES + 1)).text
    except RefusedError as refused:
        log.refuse(None, refused)
        return
    for number, passage in enumerate(passages(text.split("\n")), start=1):
        yield number, {"text": passage}


def _files_in(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file() and not _is_hidden(path, folder)]


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _no_documents(folder: Path, others: Counter[str]) -> DataError:
    found = f"a folder with other files only ({_counted(others)})" if others else "an empty folder"
    fix = f"Name the files of a folder by a pattern, as in {folder}/*.jsonl." if others else "Check the path."
    return DataError(Problem(str(folder), found, f"documents ({', '.join(DOCUMENT_SUFFIXES)})", fix))


def _counted(suffixes: Counter[str]) -> str:
    return join_names(f"{count:,} x {suffix}" for suffix, count in sorted(suffixes.items()))


def _read_document(path: Path) -> Document:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_DOCUMENT_BYTES + 1)
    except OSError as error:
        found = error.strerror or "an error"
        raise DataError(Problem(str(path), found, "a readable file", "Check its permissions.")) from None
    extracted = _extract(path.suffix.lower(), data)
    title = " ".join((extracted.title or "").split()) or path.stem
    return Document(str(path), extracted.text, title, hashlib.sha256(data).hexdigest())


def _extract(suffix: str, data: bytes) -> _Extracted:
    if len(data) > MAX_DOCUMENT_BYTES:
        raise _too_large()
    return _EXTRACTORS[suffix](data)


def _too_large() -> RefusedError:
    return RefusedError(
        "", f"a document of more than {MAX_DOCUMENT_BYTES:,} bytes", "smaller documents", "Cut it into several files."
    )


def _decoded(data: bytes) -> str:
    # The warning about a byte order mark concerns tables and JSON, where it could be part of a name.
    return decode(without_mark(data, ReadLog(""))).replace("\r\n", "\n").replace("\r", "\n")


def _extract_plain(data: bytes) -> _Extracted:
    return _Extracted(_decoded(data))


def _extract_markdown(data: bytes) -> _Extracted:
    text = _decoded(data)
    lines = (line for line, is_code in lines_of_markdown(text) if not is_code)
    headings = (line.removeprefix("# ") for line in lines if line.startswith("# "))
    return _Extracted(text, next(headings, None))


def _extract_html(data: bytes) -> _Extracted:
    return _Extracted(*html_text(_decoded(data)))


def _extract_pdf(data: bytes) -> _Extracted:
    try:
        from pypdf import PdfReader
        from pypdf.errors import DependencyError, PyPdfError
    except ImportError:
        raise MissingExtraError("pypdf", "documents", "read PDF files") from None
    try:
        reader = PdfReader(io.BytesIO(data))
        text = "\n\n".join(page.extract_text() for page in reader.pages)
        title = reader.metadata.title if reader.metadata else None
    except DependencyError as error:
        fix = (
            "Install what is missing (pip install 'tunewright[documents]' brings cryptography), or save the file anew."
        )
        raise _unsound("PDF", error, fix) from None
    except (PyPdfError, *_DAMAGED) as error:
        raise _unsound("PDF", error, "Open it and save it again, without a password.") from None
    return _Extracted(text, title)


def _extract_docx(data: bytes) -> _Extracted:
    try:
        import docx
        from docx.opc.exceptions import OpcError
    except ImportError:
        raise MissingExtraError("python-docx", "documents", "read DOCX files") from None
    try:
        _require_small_parts(data)
        document = docx.Document(io.BytesIO(data))
        return _Extracted(docx_text(document), document.core_properties.title)
    except (OpcError, zipfile.BadZipFile, zlib.error, EOFError, OSError, SyntaxError, *_DAMAGED) as error:
        raise _unsound("DOCX", error, "Open it and save it again as .docx, without a password.") from None


def _require_small_parts(data: bytes) -> None:
    """A zip file of a megabyte can hold a gigabyte of zeros."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(part.file_size for part in archive.infolist()) > MAX_DOCUMENT_BYTES:
            raise _too_large()


def _unsound(kind: str, error: Exception, fix: str) -> RefusedError:
    found = f"{type(error).__name__}: {excerpt(str(error))}"
    return RefusedError("", found, f"a sound {kind} file", fix)


_EXTRACTORS: dict[str, Callable[[bytes], _Extracted]] = {
    ".txt": _extract_plain,
    ".md": _extract_markdown,
    ".html": _extract_html,
    ".htm": _extract_html,
    ".pdf": _extract_pdf,
    ".docx": _extract_docx,
}

DOCUMENT_SUFFIXES = tuple(_EXTRACTORS)
