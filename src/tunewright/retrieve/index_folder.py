"""The folder of an index: named by its identity, published whole or not at all, checked byte by byte when opened."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal

from tunewright.errors import CorruptError, Problem
from tunewright.records import Record
from tunewright.retrieve.embed import Embedder, load_embedder
from tunewright.store import Files, publish_folder, read_published, withdraw_if_corrupt, write_record

CARD = "index.json"
EMBEDDER = "embedder"

IndexKind = Literal["lancedb", "qdrant"]


class IndexCard(Record):
    """What an index is."""

    kind: IndexKind
    identity: str
    num_passages: int


def publish_index(
    parent: Path, card: IndexCard, embedder: Embedder, files: Files, fill: Callable[[Path], None]
) -> Path:
    """Make the folder of an index, unless an intact one of the same identity stands there.

    Args:
        parent: where indexes lie; the folder is named by the identity.
        fill: writes what the kind needs into a temporary folder; when it raises, nothing is left.
    Returns:
        The folder.
    Raises:
        StoreError: the disk is full or failing.
    """
    target = parent / card.identity
    if not withdraw_if_corrupt(target, files):
        with publish_folder(target, files) as folder:
            write_record(folder / CARD, card, files)
            files.make_folder(folder / EMBEDDER)
            embedder.save(folder / EMBEDDER, files)
            fill(folder)
    return target


def open_index_folder(folder: Path, kind: IndexKind, files: Files) -> tuple[IndexCard, Embedder]:
    """Check and read the folder of an index.

    Raises:
        CorruptError: it is no index of this kind, or a file is missing or changed.
        ModelError: the sentence-transformers model it was made with is gone or was changed.
        MissingExtraError: a library it needs is not installed.
    """
    hashes = read_published(folder, files)
    card = IndexCard.model_validate_json(files.read(folder / CARD)) if CARD in hashes else None
    if card is None or card.kind != kind:
        found = f"an index of {card.kind}" if card else f"no {CARD}"
        raise CorruptError(str(Problem(str(folder), found, f"an index of {kind}", "Build the index again.")))
    return card, load_embedder(folder / EMBEDDER)
