"""Bases and data sets by name: bundled with the package, a local folder, or the Hugging Face hub."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from tunewright.errors import DataError, ModelError, Problem
from tunewright.outside.model_folder import refuse_unsafe
from tunewright.records import BaseModelRef

# What a base consists of. Nothing else is downloaded or hashed; pickled weights are never touched.
MODEL_FILE_PATTERNS = ("*.safetensors", "*.json", "*.jinja", "*.model", "vocab.txt", "merges.txt")
# A connection that breaks while a file comes in raises the HTTP library's own error. Which library that is has changed
# before; the hub's client imports its base class, HTTPError, but does not declare it as a public name.
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")


@dataclass(frozen=True, slots=True)
class FoundBase:
    """A base model on this disk: where it lies and exactly which one it is."""

    folder: Path
    ref: BaseModelRef


def find_base(name: str) -> FoundBase:
    """Bring a base model to this disk and say exactly which one it is.

    Args:
        name: `bundled`, a folder in the hub's layout, or a hub id with optional `@revision`.
    Raises:
        ModelError: nothing is there, the hub cannot be reached, or the folder holds no safetensors weights,
            wants to run code, or points out of itself.
    """
    if name == "bundled":
        folder = Path(str(files("tunewright") / "bundled" / "base"))
        return _checked(folder, name, "bundled")
    if Path(name).is_dir():
        # By its full path, so that a run finds its base again from any folder.
        return _checked(Path(name), str(Path(name).resolve()), "folder")
    hub_id, _, revision = name.partition("@")
    if not HUB_ID.fullmatch(hub_id):
        raise ModelError(
            f"base: found {name!r}, which is no folder here. Expected `bundled`, a folder with config.json and "
            "*.safetensors, or a hub id such as owner/name@revision. Check the path."
        )
    return _checked(_download(hub_id, revision or None), name, "hub")


def find_again(ref: BaseModelRef) -> FoundBase:
    """Bring back the base of an earlier run: of a hub id the revision it had then, whatever is the newest now.

    The caller compares `ref.sha256`: a folder may have changed.

    Raises:
        ModelError: as `find_base`.
    """
    if ref.origin != "hub":
        return find_base(ref.name)
    found = find_base(f"{ref.name.partition('@')[0]}@{ref.revision}")
    return replace(found, ref=found.ref.model_copy(update={"name": ref.name}))


def load_hub_dataset(name: str) -> Iterator[dict[str, Any]]:
    """Stream the rows of a hub dataset's train split (`owner/name`, optionally `@revision`).

    Raises:
        DataError: the hub cannot be reached, or it has no such dataset or split.
    """
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    hub_id, _, revision = name.partition("@")
    try:
        rows = load_dataset(hub_id, revision=revision or None, split="train", trust_remote_code=False)
    except (DatasetsError, HTTPError, OSError, ValueError) as error:
        raise DataError(
            Problem(
                name,
                f"{type(error).__name__}: {_first_line(error)}",
                "a hub dataset with a train split",
                "Check the id and the network, or download its files and give their path.",
            )
        ) from None
    yield from rows


def _checked(folder: Path, name: str, origin: Any) -> FoundBase:
    refuse_unsafe(folder, name)
    digest = hash_model_folder(folder)
    # A hub snapshot lies in .../snapshots/<commit>; a plain folder has no revision but its content.
    revision = folder.name if origin == "hub" else f"sha256:{digest}"
    return FoundBase(folder, BaseModelRef(name=name, origin=origin, revision=revision, sha256=digest))


def hash_model_folder(folder: Path) -> str:
    """SHA-256 over the names and bytes of the files that make up a model, in name order."""
    total = sha256()
    names = sorted({path.name for pattern in MODEL_FILE_PATTERNS for path in folder.glob(pattern)})
    for name in names:
        with (folder / name).open("rb") as file:
            total.update(f"{name}\0{file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()


def _download(hub_id: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    try:
        return Path(snapshot_download(hub_id, revision=revision, allow_patterns=list(MODEL_FILE_PATTERNS)))
    except (HTTPError, OSError, ValueError) as error:
        raise ModelError(
            f"base {hub_id}{f'@{revision}' if revision else ''}: {type(error).__name__}: "
            f"{_first_line(error)}. Check the id and the network, or give a local folder."
        ) from None


def _first_line(error: Exception) -> str:
    """Errors of a broken connection are often empty, those of the hub long."""
    return str(error).partition("\n")[0][:200]
