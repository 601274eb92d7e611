"""Files of a few lines that people write for a command: recipes, prompts, rules, schemas.

They are read whole, so what has no end is refused before it is opened: a pipe waits until somebody writes into it, a
device may give bytes for ever. So are values that aliases of YAML multiply: ten of ten of ten are soon a billion.
"""

import stat
from pathlib import Path
from typing import Any

import yaml

from tunewright.errors import Problem, RecipeError

MAX_TEXT_BYTES = 2**20
MAX_VALUES, MAX_DEPTH = 100_000, 64

_TOO_DEEP = f"values inside each other more than {MAX_DEPTH} deep"


def not_a_file(path: Path) -> str | None:
    """What stands in the place of a file, for a message; None where it is one, or where nothing is."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):  # ValueError: a NUL byte in the name
        return None
    if stat.S_ISREG(mode):
        return None
    return "a folder" if stat.S_ISDIR(mode) else "a pipe, socket or device"


def read_text_file(path: Path, where: str, expected: str, fix: str) -> str:
    """All of a file in UTF-8, without a byte order mark, its lines ended as Python does.

    Args:
        where, expected, fix: for the message, as in errors.Problem.
    Raises:
        RecipeError: there is no such file, or it cannot be read, or it is too large to have been written by hand.
    """
    found = not_a_file(path)
    if found is None:
        try:
            with path.open("rb") as file:
                data = file.read(MAX_TEXT_BYTES + 1)
            if len(data) > MAX_TEXT_BYTES:
                found = f"more than {MAX_TEXT_BYTES:,} bytes"
            elif b"\0" in data:
                found = f"a NUL byte (byte {data.index(0) + 1})"
            else:
                return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError as error:
            found = f"bytes that are not UTF-8 (byte {error.start + 1})"
        except FileNotFoundError:
            found = "no such file"
        except (OSError, ValueError) as error:
            found = (getattr(error, "strerror", None) or str(error)).lower()
    raise RecipeError(Problem(where, found, expected, fix))


class DistinctKeys(yaml.SafeLoader):
    """Refuses a key that stands twice in one mapping, of which YAML's own loader silently takes the last."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """A mapping as it was written: `<<` puts the keys of others beside its own only later."""
        node = super().compose_mapping_node(anchor)
        places: dict[tuple[str, str], int] = {}
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag == "tag:yaml.org,2002:merge":
                continue
            if line := places.get((key.tag, key.value)):
                said = f"`{key.value}` for the second time, after line {line}"
                raise yaml.constructor.ConstructorError(problem=said, problem_mark=key.start_mark)
            places[key.tag, key.value] = key.start_mark.line + 1
        return node


def read_yaml_file(path: Path) -> Any:
    """The value of a YAML file; None where it is empty.

    Raises:
        RecipeError: it cannot be read, is no YAML, or is too large, also by aliases.
    """
    text = read_text_file(path, str(path), "a readable YAML file in UTF-8", "Check the path and the file.")
    try:
        value = yaml.load(text, Loader=DistinctKeys)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else str(path)
        said = getattr(error, "problem", None)
        found = f"text that is not YAML ({said})" if said else "text that is not YAML"
        fix = "Check this line and the one above: the spaces before it, colons and quotes."
        raise RecipeError(Problem(place, found, "a YAML mapping", fix)) from None
    except ValueError as error:  # a date with a 13th month, a number of 5,000 digits
        found, fix = f"a value that cannot be ({error})", "Put quotes around it, or correct it."
        raise RecipeError(Problem(str(path), found, "dates and numbers that exist", fix)) from None
    except RecursionError:
        raise _too_much(path, _TOO_DEEP) from None
    _require_few_values(value, path)
    return value


def _require_few_values(value: Any, path: Path) -> None:
    waiting, num_values = [(value, 0)], 0
    while waiting:
        inner, depth = waiting.pop()
        num_values += 1
        if num_values > MAX_VALUES:
            raise _too_much(path, f"more than {MAX_VALUES:,} values")
        if depth > MAX_DEPTH:
            raise _too_much(path, _TOO_DEEP)
        parts = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
        waiting += [(part, depth + 1) for part in parts]


def _too_much(path: Path, found: str) -> RecipeError:
    return RecipeError(Problem(str(path), found, "a few settings", "Write them out, without aliases (& and *)."))
