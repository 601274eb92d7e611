"""What a base's folder may ask of the libraries that load it: its own safetensors files, and no code from anywhere.

transformers follows some things in a folder to other places: code, weights and a second configuration that its
configuration names, weights that its index names, and, where an adapter lies in it, the adapter's base. None of these
would be checked here, and most would not be in the hash of the folder.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tunewright.errors import ModelError
from tunewright.records.text_file import not_a_file

CONFIG, INDEX, ADAPTER = "config.json", "model.safetensors.index.json", "adapter_config.json"
PICKLE_SUFFIXES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_WEIGHT_FILE = re.compile(r"[\w-][\w.-]*\.safetensors")
# attn_implementation, _attn_implementation, experts_implementation, ...; a hub id as the value is code to download.
_IMPLEMENTATION = "_implementation"
_OTHER_FILES = {"transformers_weights": "weights", "configuration_files": "configuration"}
"""Fields by which config.json sends transformers to another file, past the checks of the usual one."""
_NO_CODE = "tunewright never executes model code; choose a base whose architecture is part of transformers."


def refuse_unsafe(folder: Path, name: str) -> None:
    """Refuse a base that wants to run code, holds no weights that are safe to read, or points out of its folder.

    Args:
        name: of the base, for the message.
    Raises:
        ModelError: names the file and what is wrong with it.
    """
    if (folder / ADAPTER).is_file():
        raise ModelError(
            f"base {name}: found {ADAPTER}: this is an adapter, which would be put on a base of its own choice. "
            "Expected a whole model. Merge the adapter into its base first, or give that base."
        )
    for path in sorted(folder.iterdir()):
        # A pipe under the name of a file of weights would be read for ever.
        if not path.is_dir() and (found := not_a_file(path)):
            raise ModelError(f"base {name}: found {found} at {path.name}, expected files. Download the model again.")
    if not (folder / CONFIG).is_file():
        raise ModelError(f"base {name}: found no config.json, expected a model in the hub's layout. Check the path.")
    config = _read_json(folder / CONFIG, name)
    _refuse_code(config, name)
    _refuse_detours(config, name)
    if not any(folder.glob("*.safetensors")):
        pickles = sorted(path.name for path in folder.iterdir() if path.suffix in PICKLE_SUFFIXES)
        found = f"only pickled weights ({', '.join(pickles)})" if pickles else "no weights"
        raise ModelError(
            f"base {name}: found {found}, expected *.safetensors. Pickles can run code when they are opened, so "
            "they are never read: use the model's safetensors revision, or convert it in a sandbox."
        )
    if (folder / INDEX).is_file():
        _refuse_other_files(_read_json(folder / INDEX, name), name)


def _read_json(path: Path, name: str) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ModelError(f"base {name}: {path.name} is not JSON ({error}). Download the model again.") from None


def _refuse_code(config: Any, name: str) -> None:
    for key, value in _items(config):
        if key == "auto_map":
            raise ModelError(
                f"base {name}: config.json asks to run code that comes with the model (auto_map). {_NO_CODE}"
            )
        if key.endswith((_IMPLEMENTATION, f"{_IMPLEMENTATION}_internal")):
            for each in value.values() if isinstance(value, dict) else (value,):
                if isinstance(each, str) and "/" in each:
                    asked = f"download and run the code {each!r} ({key})"
                    raise ModelError(f"base {name}: config.json asks to {asked}. {_NO_CODE}")


def _refuse_detours(config: Any, name: str) -> None:
    for key, _ in _items(config):
        if kind := _OTHER_FILES.get(key):
            raise ModelError(
                f"base {name}: config.json names a file of its own for the {kind} ({key}), expected config.json and "
                "model.safetensors or its index alone. Other files may hold pickles, or change without the base's "
                f"hash. Take {key} out of config.json if those files are complete without it, or choose another base."
            )


def _items(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key of a JSON value, at any depth: multimodal models have a configuration inside the configuration."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield from value.items()
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value


def _refuse_other_files(index: Any, name: str) -> None:
    named = index.get("weight_map") if isinstance(index, dict) else None
    if not isinstance(named, dict):
        raise ModelError(f"base {name}: {INDEX} has no weight_map. Download the model again.")
    for file in named.values():
        if not isinstance(file, str) or not _WEIGHT_FILE.fullmatch(file):
            raise ModelError(
                f"base {name}: {INDEX} names {file!r} as a file of weights, expected a *.safetensors file beside it. "
                "Other files may be pickles, or change without the base's hash. Download the model again."
            )
