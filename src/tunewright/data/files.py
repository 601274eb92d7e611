"""The bytes of one named file: on this disk or at a URL, plain or packed by gzip, with the hash of what was read.

A hash is taken of the bytes as they are stored, packed ones included, so `sha256sum` gives the same.
"""

import difflib
import gzip
import hashlib
import io
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlsplit

from tunewright.data.refusals import excerpt
from tunewright.errors import DataError, MissingExtraError, Problem, StoreError
from tunewright.records.text_file import not_a_file

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

PACKED_SUFFIX = ".gz"

# Plain stores of bytes. fsspec knows others that run templates or chain into archives: `reference://`, `zip::`.
URL_SCHEMES = frozenset(
    {"abfs", "abfss", "adl", "az", "file", "ftp", "gcs", "gs", "hdfs", "hf", "http", "https", "memory", "s3", "sftp"}
)

_BUFFER_BYTES = 2**20


def is_url(name: str) -> bool:
    """Whether a name says how it is reached, as in `s3://bucket/rows.jsonl`."""
    return "://" in name


def suffix_of(name: str) -> str:
    """Suffix of a file or URL in lower case, without `.gz` where another one stands before it."""
    path = PurePosixPath(urlsplit(name).path) if is_url(name) else Path(name)
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if len(suffixes) > 1 and suffixes[-1] == PACKED_SUFFIX:
        return suffixes[-2]
    return suffixes[-1] if suffixes else ""


def is_packed(name: str) -> bool:
    """Whether a file or URL is read through gzip."""
    return (urlsplit(name).path if is_url(name) else name).lower().endswith(PACKED_SUFFIX)


class OpenFile:
    """A file while it is read, front to back."""

    def __init__(self, file: BinaryIO, *, packed: bool) -> None:
        self._hashed = _HashedFile(file)
        self._stored = io.BufferedReader(self._hashed, _BUFFER_BYTES)
        self.reader: BinaryIO = io.BufferedReader(gzip.GzipFile(fileobj=self._stored)) if packed else self._stored
        """The bytes to parse, unpacked."""

    @property
    def sha256(self) -> str:
        """Hash of all stored bytes; what has not been read yet is read now."""
        while self.reader.read(_BUFFER_BYTES):
            pass
        return self._hashed.sha256


@contextmanager
def opened(name: str, suffixes: Collection[str]) -> Iterator[OpenFile]:
    """Open a file for reading.

    Args:
        name: a path or URL, as the user gave it.
        suffixes: those that can be read, each in lower case and with its dot.
    Raises:
        DataError: it does not exist, is of another kind, is empty, or breaks off while it is read.
        MissingExtraError: the library for this kind of URL is not installed.
    """
    with _open_url(name, suffixes) if is_url(name) else _open_path(name, suffixes) as file:
        try:
            yield OpenFile(file, packed=is_packed(name))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            found = "a gzip file that is damaged or cut off"
            problem = Problem(name, f"{found} ({error})", "a whole gzip file", "Copy, download or pack it again.")
            raise DataError(problem) from None
        except StoreError:  # of whoever keeps what is read; an OSError too
            raise
        except OSError as error:
            raise _unreadable(name, error, "Check the disk or the connection, and try again.") from None


def _open_path(name: str, suffixes: Collection[str]) -> BinaryIO:
    path = Path(name)
    if path.is_dir():
        raise DataError(Problem(name, "a folder", f"a file ({', '.join(suffixes)})", "Name one file of the folder."))
    if not path.exists():
        raise DataError(Problem(name, "no such file", "a file or a hub dataset id owner/name", near(path)))
    if found := not_a_file(path):
        fix = "Write what it gives into a file first, and give that."
        raise DataError(Problem(name, found, "a file, which has an end", fix))
    _require_suffix(name, suffixes)
    try:
        if path.stat().st_size == 0:
            raise DataError(Problem(name, "an empty file", "rows", "Check the export or download that made it."))
        return path.open("rb", buffering=0)
    except OSError as error:
        raise _unreadable(name, error, "Check its permissions.") from None


@contextmanager
def _open_url(name: str, suffixes: Collection[str]) -> Iterator[BinaryIO]:
    """Open a URL through fsspec; errors of a web connection, at any time, become ours."""
    require_plain_url(name)
    _require_suffix(name, suffixes)
    import fsspec

    fix = "Check the URL and your access."
    web_errors = _web_errors()
    at_opening: tuple[type[Exception], ...] = (OSError, ValueError, *web_errors)
    try:
        file = fsspec.open(name, "rb").open()
    except ImportError as error:
        raise _missing_library(name, error) from None
    except at_opening as error:
        raise _unreadable(name, error, fix) from None
    with file:
        try:
            yield file
        except web_errors as error:
            raise _unreadable(name, error, fix) from None


def require_plain_url(name: str) -> None:
    """Raises: DataError when the URL is of a kind that is not read, or holds a password."""
    scheme = name.partition("://")[0].lower()
    if scheme not in URL_SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in sorted(URL_SCHEMES))
        fix = "Correct the URL, or download the file and give its path."
        raise DataError(Problem(without_password(name), f"a URL of the kind {excerpt(scheme)}", f"one of {known}", fix))
    refuse_password(name, "Set up access as the store's own tools do, by environment variables or a file.")


def refuse_password(url: str, fix: str) -> None:
    """A recipe is kept with every run, and shown; a password in it would be, too.

    Raises:
        DataError: the URL holds a password. The message does not.
    """
    if urlsplit(url).password is not None:
        raise DataError(Problem(without_password(url), "a password in the URL", "a URL without one", fix))


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    head, at, tail = url.rpartition("@")
    return f"{head.partition('://')[0]}://…@{tail}" if at else url


def _web_errors() -> tuple[type[Exception], ...]:
    try:
        from aiohttp import ClientError
    except ImportError:
        return ()
    return (ClientError,)


def _unreadable(name: str, error: Exception, fix: str) -> DataError:
    found = error.strerror if isinstance(error, OSError) and error.strerror else f"{type(error).__name__} {error}"
    return DataError(Problem(name, found.strip(), "a readable file", fix))


def _missing_library(name: str, error: ImportError) -> Exception:
    if name.lower().startswith(("http://", "https://")):
        return MissingExtraError("aiohttp", "remote", "read files at a URL")
    return DataError(Problem(name, excerpt(str(error)), "the library for this kind of URL", "Install it with pip."))


def _require_suffix(name: str, suffixes: Collection[str]) -> None:
    suffix = suffix_of(name)
    if suffix not in suffixes:
        found = f"the suffix {excerpt(suffix)}" if suffix else "no suffix"
        expected = f"one of {', '.join(suffixes)}, also packed as {PACKED_SUFFIX}"
        raise DataError(Problem(name, found, expected, "Convert, decompress or rename the file."))


def near(path: Path) -> str:
    """Advice for a path that does not exist: the closest name beside it."""
    siblings = [sibling.name for sibling in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, siblings, n=1)
    return f"Did you mean {path.parent / close[0]}?" if close else "Check the path."


class _HashedFile(io.RawIOBase):
    """Hashes what is read, so the hash is that of the rows even if the file changes meanwhile."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer).cast("B")
        data = self._file.read(len(view))
        self._digest.update(data)
        view[: len(data)] = data
        return len(data)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()
