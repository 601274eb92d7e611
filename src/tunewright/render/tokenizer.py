"""The tokenizer of a base model, read from its folder: text to token ids and back, and which tokens steer the model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.errors import ModelError

if TYPE_CHECKING:
    import tokenizers

# A folder without tokenizer.json holds one of these; transformers converts it when it loads.
_VOCABULARY_FILES = ("tokenizer.model", "spiece.model", "tekken.json", "vocab.json", "merges.txt", "vocab.txt")

_PART_OF_A_CHARACTER = "\ufffd"


@dataclass(frozen=True, slots=True, eq=False)
class Tokenizer:
    """Text to token ids and back, and the facts about special tokens.

    Text is encoded as it stands: no bos or eos is added unless the text contains it (see `encode_document`).
    """

    backend: tokenizers.Tokenizer
    special_tokens: dict[str, str]
    """Named tokens as transformers gives them to templates: bos_token, eos_token, ..."""
    special_token_ids: frozenset[int]
    added_tokens: dict[int, str]
    """Tokens that are matched in text before it is split into pieces, special ones among them."""
    eos_token_ids: tuple[int, ...]
    """What ends an answer by the tokenizer, generation_config.json and config.json, in this order."""
    pad_token_id: int | None
    adds_bos: bool
    vocabulary_size: int
    """Rows of the base's embedding: token ids are below it."""
    chat_template: str | None
    vocabulary_sha256: str
    normalizes_added_tokens: bool
    """Whether some added tokens are looked for in the normalized text, where `＜s＞` may have become `<s>`."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a piece of text, without the special tokens that a whole document begins or ends with."""
        return list(self.backend.encode(text, add_special_tokens=False).ids)

    def encode_with_offsets(self, text: str) -> list[tuple[int, tuple[int, int]]]:
        """Token ids, each with the characters [start, end) of the text that it stands for."""
        encoding = self.backend.encode(text, add_special_tokens=False)
        return list(zip(encoding.ids, encoding.offsets, strict=True))

    def apart(self, text: str) -> list[str | int]:
        """The text as pieces of plain text and the ids of added tokens between them."""
        pieces: list[str | int] = []
        done = 0
        for token_id, (start, end) in self.encode_with_offsets(text):
            if token_id in self.added_tokens:
                pieces += [text[done:start], token_id]
                done = end
        return [piece for piece in [*pieces, text[done:]] if piece != ""]

    def encode_document(self, text: str) -> list[int]:
        """Encode a whole document with the special tokens the tokenizer adds by default, such as bos."""
        return list(self.backend.encode(text, add_special_tokens=True).ids)

    def as_searched(self, text: str) -> str:
        """The text in which added tokens are found besides the text itself."""
        normalizer = self.backend.normalizer
        return str(normalizer.normalize_str(text)) if normalizer and self.normalizes_added_tokens else text

    def decode(self, token_ids: Sequence[int]) -> str:
        """Text without special tokens."""
        return str(self.backend.decode(list(token_ids), skip_special_tokens=True))

    def token_text(self, token_id: int) -> str:
        """The token as the vocabulary spells it."""
        return str(self.backend.id_to_token(token_id))

    def piece_texts(self, token_ids: Sequence[int]) -> list[str]:
        """What each token adds to the text; special tokens by name.

        A character made of several tokens stands at the last of them, the others are empty.
        """
        texts: list[str] = []
        # Decoded together with its left neighbour, a token keeps the space that it begins with.
        neighbour: list[int] = []
        pending: list[int] = []
        for token_id in token_ids:
            if token_id in self.special_token_ids or token_id in self.added_tokens:
                texts.append(self.token_text(token_id))
                neighbour, pending = [], []
                continue
            pending.append(token_id)
            before, after = self.decode(neighbour), self.decode(neighbour + pending)
            if after.endswith(_PART_OF_A_CHARACTER):
                texts.append("")
            else:
                texts.append(after[len(before) :])
                neighbour, pending = pending, []
        return texts


def read_tokenizer(folder: Path) -> Tokenizer:
    """Read the tokenizer of a model folder. Nothing is downloaded and no code of the folder is run.

    Args:
        folder: a base model in the hub's layout; tokenizer.json or files that transformers converts to it.
    Raises:
        ModelError: files are missing or unreadable, the tokenizer is a slow one, it has no end-of-sequence token, or
            it has more tokens than the model.
    """
    config = _read_json(folder / "config.json")
    loaded = _load(folder)
    backend = _backend(loaded, folder)
    backend.no_truncation()
    backend.no_padding()
    largest_id = max(backend.get_vocab(with_added_tokens=True).values())
    vocabulary_size = _vocabulary_size(config, default=largest_id + 1)
    if largest_id >= vocabulary_size:
        raise ModelError(
            f"{folder.name}: the tokenizer has token ids up to {largest_id}, but the model's vocabulary has "
            f"{vocabulary_size} rows (vocab_size in config.json). Use the tokenizer that belongs to this model."
        )
    # Classes of transformers name tokens that a vocabulary lacks, and configurations ids of other vocabularies.
    ids = {name: backend.token_to_id(token) for name, token in loaded.special_tokens_map.items()}
    special_tokens = {name: loaded.special_tokens_map[name] for name, id_ in ids.items() if id_ is not None}
    eos_token_ids = tuple(i for i in _eos_token_ids(folder, config, ids.get("eos_token")) if backend.id_to_token(i))
    if not eos_token_ids:
        raise ModelError(
            f"{folder.name}: no end-of-sequence token in tokenizer_config.json, generation_config.json or config.json, "
            "so an answer could never end. Set eos_token in tokenizer_config.json."
        )
    added = backend.get_added_tokens_decoder()
    return Tokenizer(
        backend=backend,
        special_tokens=special_tokens,
        special_token_ids=frozenset(_special_token_ids(loaded, backend)),
        added_tokens={token_id: token.content for token_id, token in added.items()},
        eos_token_ids=eos_token_ids,
        pad_token_id=ids.get("pad_token"),
        adds_bos=ids.get("bos_token") is not None and backend.encode("a").ids[:1] == [ids["bos_token"]],
        vocabulary_size=vocabulary_size,
        chat_template=_chat_template(loaded.chat_template, folder),
        vocabulary_sha256=_vocabulary_sha256(folder),
        normalizes_added_tokens=any(token.normalized for token in added.values()),
    )


def _load(folder: Path) -> Any:
    tokenizer_file = folder / "tokenizer.json"
    if tokenizer_file.exists():
        _read_json(tokenizer_file)

    from transformers import AutoTokenizer

    loaded = _load_as(AutoTokenizer, folder)
    if not loaded.is_fast:
        raise ModelError(
            f"{folder.name}: its tokenizer ({type(loaded).__name__}) has no fast form. "
            "Add a tokenizer.json to the folder."
        )
    return loaded


def _load_as(kind: Any, folder: Path) -> Any:
    try:
        return kind.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # noqa: BLE001 - the Rust tokenizers raise a bare Exception for a bad file
        raise ModelError(
            f"{folder.name}: the tokenizer cannot be loaded ({str(error)[:300]}). "
            "The folder needs tokenizer.json and tokenizer_config.json."
        ) from None


def _backend(loaded: Any, folder: Path) -> Any:
    """The tokenizer as tokenizer.json describes it, if there is one."""
    from transformers import PreTrainedTokenizerFast

    # Of that file a class such as GPT2Tokenizer takes the vocabulary alone, and splits and normalizes text its own way
    # (transformers 5.23, https://github.com/huggingface/transformers/issues/45920): SmolLM2 would get other tokens.
    if type(loaded) is not PreTrainedTokenizerFast and (folder / "tokenizer.json").exists():
        loaded = _load_as(PreTrainedTokenizerFast, folder)
    return loaded.backend_tokenizer


def _special_token_ids(loaded: Any, backend: Any) -> Iterator[int]:
    yield from (id_ for id_, token in backend.get_added_tokens_decoder().items() if token.special)
    yield from (id_ for token in loaded.all_special_tokens if (id_ := backend.token_to_id(token)) is not None)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path.parent.name}/{path.name} cannot be read ({type(error).__name__}: {str(error)[:200]}). "
            "Take the model's files again from where they came."
        ) from None
    if not isinstance(value, dict):
        raise ModelError(f"{path.parent.name}/{path.name} holds a {type(value).__name__}, not a JSON object.")
    return value


def _vocabulary_size(config: dict[str, Any], default: int) -> int:
    text_config = config.get("text_config")
    nested = text_config.get("vocab_size") if isinstance(text_config, dict) else None
    size = config.get("vocab_size", nested)
    return size if isinstance(size, int) else default


def _eos_token_ids(folder: Path, config: dict[str, Any], named: int | None) -> tuple[int, ...]:
    generation_file = folder / "generation_config.json"
    generation = _read_json(generation_file) if generation_file.exists() else {}
    found: list[int] = []
    for value in (named, generation.get("eos_token_id"), config.get("eos_token_id")):
        found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, int)]
    return tuple(dict.fromkeys(found))


def _chat_template(template: str | dict[str, str] | None, folder: Path) -> str | None:
    if not isinstance(template, dict):
        return template
    if "default" not in template:
        names = ", ".join(sorted(template))
        raise ModelError(f"{folder.name}: has chat templates named {names}, but none named default.")
    return template["default"]


def _vocabulary_sha256(folder: Path) -> str:
    tokenizer_file = folder / "tokenizer.json"
    files = [tokenizer_file] if tokenizer_file.exists() else [folder / name for name in _VOCABULARY_FILES]
    digest = hashlib.sha256()
    for file in files:
        if file.exists():
            digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
