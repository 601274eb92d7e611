"""Vectors from a sentence-transformers model in a local folder: safetensors only, no code but the library's own."""

import json
from collections.abc import Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Self

from tunewright.errors import MissingExtraError, ModelError, Problem
from tunewright.records import canonical_json, content_hash
from tunewright.store import Files

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from sentence_transformers import SentenceTransformer

CARD = "embedder.json"
"""What kind of embedder lies in a folder, and where the rest of it is."""
SENTENCE_WEIGHT = 1.0
PICKLE_PATTERNS = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.ckpt")
HASHED_SUFFIXES = (".json", ".safetensors", ".txt", ".model")
_NO_CODE = "Code that comes with a model is never run; choose a model in safetensors without code of its own."


class SentenceEmbedder:
    """A sentence-transformers model in a local folder. Its code is the library's own; nothing is fetched.

    Args:
        folder: in the hub's layout, with modules.json.
    Raises:
        ModelError: the folder is no such model, holds pickled weights, or wants to run code of its own.
        MissingExtraError: sentence-transformers is not installed.
    """

    weight = SENTENCE_WEIGHT

    def __init__(self, folder: Path) -> None:
        _refuse_unsafe(folder)
        self._folder = folder.resolve()
        self._sha256 = _hash_folder(folder)
        self.identity = content_hash(["sentence-transformers", self._sha256, SENTENCE_WEIGHT])
        self._model = _load_sentence_transformer(folder)
        size = self._model.get_sentence_embedding_dimension()
        assert size is not None, folder
        self.num_dimensions: int = size

    def save(self, folder: Path, files: Files) -> None:
        """Write where the model lies and its hash; the model itself is not copied."""
        card = {"kind": "sentence-transformers", "folder": str(self._folder), "sha256": self._sha256}
        files.write(folder / CARD, canonical_json(card).encode())

    @classmethod
    def load(cls, folder: Path, expected_sha256: str) -> Self:
        """Read the model again.

        Raises:
            ModelError: it is gone, or not the one the index was made with.
        """
        embedder = cls(folder)
        if embedder._sha256 != expected_sha256:
            found, expected = embedder._sha256[:12], expected_sha256[:12]
            raise _model_error(folder, f"a model with hash {found}", f"hash {expected}", "Build the index again.")
        return embedder

    def encode(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """As Embedder."""
        import numpy as np

        if not texts:
            return np.zeros((0, self.num_dimensions), dtype=np.float32)
        vectors = self._model.encode(
            list(texts), convert_to_numpy=True, normalize_embeddings=True, show_progress_bar=False
        )
        return np.asarray(vectors, dtype=np.float32)


def _refuse_unsafe(folder: Path) -> None:
    modules = folder / "modules.json"
    if not modules.is_file():
        raise _model_error(folder, "no modules.json", "a sentence-transformers model", "Check the path.")
    try:
        types = [str(module["type"]) for module in json.loads(modules.read_bytes())]
    except (ValueError, TypeError, KeyError):
        raise _model_error(modules, "no list of modules", "one", "Download the model again.") from None
    for kind in types:
        if not kind.startswith("sentence_transformers."):
            raise _model_error(modules, f"the module {kind}", "modules of sentence_transformers", _NO_CODE)
    pickles = sorted(path for pattern in PICKLE_PATTERNS for path in folder.rglob(pattern))
    unsafe = [path for path in pickles if not any(path.parent.glob("*.safetensors"))]
    if unsafe:
        raise _model_error(unsafe[0], "pickled weights", "*.safetensors beside them", _NO_CODE)


def _model_error(where: Path, found: str, expected: str, fix: str) -> ModelError:
    return ModelError(str(Problem(str(where), found, expected, fix)))


def _hash_folder(folder: Path) -> str:
    total = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.suffix in HASHED_SUFFIXES):
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        total.update(f"{path.relative_to(folder).as_posix()}\0{digest}\n".encode())
    return total.hexdigest()


def _load_sentence_transformer(folder: Path) -> "SentenceTransformer":
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        raise MissingExtraError("sentence-transformers", "embeddings", "search passages by meaning") from None
    return SentenceTransformer(
        str(folder), trust_remote_code=False, local_files_only=True, model_kwargs={"use_safetensors": True}
    )
