"""A base that was edited behind a run's back: one small change of one file, each of another kind."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def _edit(path: Path, change: Callable[[Any], None]) -> None:
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _flip_a_bit_of_the_weights(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-2] ^= 1
    path.write_bytes(content)


def _swap_two_merges(path: Path) -> None:
    def swap(content: Any) -> None:
        merges = content["model"]["merges"]
        merges[0], merges[1] = merges[1], merges[0]

    _edit(path, swap)


def _swap_two_tokens(path: Path) -> None:
    def swap(content: Any) -> None:
        vocabulary = content["model"]["vocab"]
        vocabulary["a"], vocabulary["b"] = vocabulary["b"], vocabulary["a"]

    _edit(path, swap)


def _forget_a_token(path: Path) -> None:
    _edit(path, lambda content: content["model"]["vocab"].pop("a"))


def _put_turns_on_one_line(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8").replace("\n", " "), encoding="utf-8")


def _cut_template(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8")[:-9], encoding="utf-8")


CHANGES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "a bit of the weights": ("model.safetensors", _flip_a_bit_of_the_weights),
    "the order of two merges": ("tokenizer.json", _swap_two_merges),
    "the ids of two tokens": ("tokenizer.json", _swap_two_tokens),
    "a token that merges need": ("tokenizer.json", _forget_a_token),
    "line breaks of the chat template": ("chat_template.jinja", _put_turns_on_one_line),
    "the end of the chat template": ("chat_template.jinja", _cut_template),
}
"""Of a base that `write_tiny_base` wrote. With the last of each file no renderer can be made."""


@contextmanager
def changed(base: Path, change: str) -> Iterator[None]:
    """Inside the block the base has one of CHANGES."""
    name, edit = CHANGES[change]
    path = base / name
    content = path.read_bytes()
    edit(path)
    assert path.read_bytes() != content
    try:
        yield
    finally:
        path.write_bytes(content)
