"""Publishing: a folder or file appears complete under its name, or not at all.

The order is what makes it safe against a kill or a power loss at any point: write under a temporary name, hash,
fsync every file, fsync the folders, rename, fsync the parent. Before the rename nobody looks; after it every byte
is on the disk. Checked by tests that fail, and that kill the process, at each of these calls in turn.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pydantic import ValidationError

from tunewright.errors import CorruptError, Problem, StoreError
from tunewright.records import Record, canonical_json
from tunewright.store.files import TEMPORARY_PREFIX, Files

MANIFEST = "MANIFEST.json"


class PublishedFile(Record):
    """What a file must be when it is read again."""

    num_bytes: int
    sha256: str


class Manifest(Record):
    """What a published folder holds, by name relative to it."""

    files: dict[str, PublishedFile]


@contextmanager
def publish_folder(target: Path, files: Files, needed_bytes: int = 0) -> Iterator[Path]:
    """Give a temporary folder to fill; when the block ends well, it appears as `target` with a manifest.

    When the block raises, or the disk refuses, the temporary is removed and `target` is as it was.

    Args:
        target: must not exist; a published folder never changes. Parents are made.
        needed_bytes: what is about to be written. Fewer free bytes are refused before the block starts.
    Raises:
        StoreError: `target` exists, or the disk is full or failing.
    """
    with appear(target, files, needed_bytes) as folder:
        yield folder
        manifest = Manifest(files={_relative(path, folder): _hashed(path, files) for path in _files_in(folder)})
        files.write(folder / MANIFEST, canonical_json(manifest.model_dump()).encode())


@contextmanager
def appear(target: Path, files: Files, needed_bytes: int = 0) -> Iterator[Path]:
    """publish_folder without the manifest, for folders that go on changing, such as a run's."""
    if files.exists(target):
        raise StoreError(
            str(Problem(str(target), "something there already", "a free name", "Move it away, or choose another name."))
        )
    files.require_free(target, needed_bytes)
    files.make_folders(target.parent)
    temporary = files.temporary_sibling(target)
    try:
        files.make_folder(temporary)
        with _refusals_of_others(temporary, files):
            yield temporary
        for path in _files_in(temporary):
            files.fsync_file(path)
        for folder in _folders_in(temporary):
            files.fsync_folder(folder)
        files.rename(temporary, target)
    except BaseException:
        _try_to_remove(temporary, files)
        raise
    files.fsync_folder(target.parent)


def read_published(target: Path, files: Files) -> dict[str, str]:
    """Check every byte of a published folder against its manifest.

    Returns:
        SHA-256 of each file by its name relative to `target`, without the manifest.
    Raises:
        CorruptError: a file is missing, unknown, of another length or changed; names the file.
    """
    manifest = _read_manifest(target, files)
    present = {_relative(path, target): path for path in _files_in(target)}
    del present[MANIFEST]
    for name, expected in manifest.files.items():
        if name not in present:
            raise _corrupt(target / name, "no such file", "one that the manifest lists")
        if present[name].is_symlink():
            raise _corrupt(target / name, "a link", "the file itself")
        num_bytes = present[name].stat().st_size
        if num_bytes != expected.num_bytes:
            raise _corrupt(target / name, f"{num_bytes} bytes", f"{expected.num_bytes} bytes")
        if files.hash_file(present[name]) != expected.sha256:
            raise _corrupt(target / name, "changed bytes", f"SHA-256 {expected.sha256[:12]}...")
    for name in sorted(present.keys() - manifest.files.keys()):
        raise _corrupt(target / name, "a file that was not published", "only the files of the manifest")
    return {name: file.sha256 for name, file in manifest.files.items()}


def withdraw_if_corrupt(target: Path, files: Files) -> bool:
    """Whether an intact published folder stands there. A corrupt one is removed, so that it can be made again.

    Raises:
        StoreError: something stands there that publish_folder did not make; it is left alone.
    """
    if not files.exists(target):
        return False
    if not files.exists(target / MANIFEST):
        raise StoreError(
            str(Problem(str(target), f"a path without {MANIFEST}", "a published folder or nothing", "Move it away."))
        )
    try:
        read_published(target, files)
    except CorruptError:
        withdraw(target, files)
        return False
    return True


def withdraw(target: Path, files: Files) -> None:
    """Remove a published folder. It disappears in one step; no reader finds half of it."""
    temporary = files.temporary_sibling(target)
    files.rename(target, temporary)
    files.remove_tree(temporary)


def write_record(path: Path, value: object, files: Files) -> None:
    """Replace a JSON file in one step: a reader finds the old one or the new one.

    Args:
        value: a record, or anything JSON can hold. NaN and infinity are refused with ValueError.
    """
    content = value.model_dump(mode="json") if isinstance(value, Record) else value
    write_bytes(path, (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode(), files)


def write_bytes(path: Path, data: bytes, files: Files) -> None:
    """Replace a file in one step, durably."""
    temporary = files.temporary_sibling(path)
    try:
        files.write(temporary, data)
        files.rename(temporary, path)
    except BaseException:
        _try_to_remove(temporary, files)
        raise
    files.fsync_folder(path.parent)


def collect_leftovers(folder: Path, files: Files) -> int:
    """Remove what killed writers left under temporary names.

    Call it while holding the lock that writers of the folder take: then every leftover belongs to a dead one.

    Returns:
        How many were removed.
    """
    leftovers = sorted(folder.glob(f"{TEMPORARY_PREFIX}*"))
    for leftover in leftovers:
        files.remove_tree(leftover)
    return len(leftovers)


@contextmanager
def _refusals_of_others(folder: Path, files: Files) -> Iterator[None]:
    """What the caller and its libraries write does not pass through Files; a refusal must read the same for them.

    A failed write names no file: then it is the folder that is named.
    """
    try:
        yield
    except OSError as error:
        named = error.filename2 or error.filename
        path = Path(named) if isinstance(named, str) else folder
        with files.refusals("write" if path.is_relative_to(folder) else "read", path):
            raise


def _try_to_remove(temporary: Path, files: Files) -> None:
    # A disk that refused the write may refuse this too; the first error is the one to tell. collect_leftovers
    # removes the rest later.
    with suppress(StoreError):
        if files.exists(temporary):
            files.remove_tree(temporary)


def _read_manifest(target: Path, files: Files) -> Manifest:
    path = target / MANIFEST
    if not files.exists(path):
        raise _corrupt(path, "no such file", "the manifest of a published folder")
    try:
        return Manifest.model_validate_json(files.read(path))
    except ValidationError:
        raise _corrupt(path, "a damaged manifest", "names, sizes and hashes") from None


def _hashed(path: Path, files: Files) -> PublishedFile:
    assert path.is_file(), path
    assert not path.is_symlink(), path
    return PublishedFile(num_bytes=path.stat().st_size, sha256=files.hash_file(path))


def _files_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())


def _folders_in(folder: Path) -> list[Path]:
    """Deepest first: a folder is synced after the folders inside it."""
    return [
        *sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True),
        folder,
    ]


def _relative(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _corrupt(path: Path, found: str, expected: str) -> CorruptError:
    return CorruptError(
        str(Problem(str(path), found, expected, "It was damaged or edited after it was saved. Make it again."))
    )
