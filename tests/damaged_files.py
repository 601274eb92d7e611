"""One file of a folder is damaged: a bit flipped, the end cut off, everything gone; in every test run alike."""

import random
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewright.errors import TunewrightError

DAMAGES = ("a bit", "half gone", "a bit of the end", "all gone", "another bit", "last byte gone", "a bit of the start")
FOUR_PARTS = re.compile(r"found .+, expected .+\. \S.+\.")


def files_of(home: Path) -> list[Path]:
    """Every file; those named `lock` hold nothing."""
    return sorted(path for path in home.rglob("*") if path.is_file() and path.name != "lock")


def damaged(content: bytes, damage: str, name: str) -> bytes:
    """The bytes after one of DAMAGES; the name draws the place of a bit."""
    kept = {"all gone": 0, "half gone": len(content) // 2, "last byte gone": len(content) - 1}
    if damage in kept:
        return content[: kept[damage]]
    places = {"a bit of the start": range(len(content))[:16], "a bit of the end": range(len(content))[-16:]}
    chance = random.Random(f"{damage} {name}")
    flipped = bytearray(content)
    flipped[chance.choice(places.get(damage, range(len(content))))] ^= 1 << chance.randrange(8)
    return bytes(flipped)


def bits_and_ends(content: bytes, name: str, num_bits: int = 200, num_ends: int = 50) -> Iterator[tuple[str, bytes]]:
    """The bytes with each of many bits flipped, and without each of many ends; with words for each. The name draws."""
    chance = random.Random(name)
    for bit in chance.sample(range(8 * len(content)), num_bits):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield f"{name}: bit {bit} flipped", bytes(flipped)
    for length in chance.sample(range(len(content)), num_ends):
        yield f"{name}: cut to {length} bytes", content[:length]


@contextmanager
def damage_of(path: Path, damage: str) -> Iterator[None]:
    """Inside the block the file is damaged."""
    content = path.read_bytes()
    path.write_bytes(damaged(content, damage, path.name))
    try:
        yield
    finally:
        path.write_bytes(content)


def require_words_or_the_same(path: Path, damage: str, act: Callable[[], object], expected: object) -> None:
    """Reading what is damaged gives an error that names the file, or its folder, in four parts; or changes nothing."""
    case = f"{path} ({damage})"
    try:
        found = act()
    except TunewrightError as error:
        words = str(error)
        assert path.name in words or str(path.parent) in words, f"{case}: {words}"
        assert FOUR_PARTS.search(words), f"{case}: {words}"
    else:
        assert found == expected, case
