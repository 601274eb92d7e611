"""JSON that carries a hash of itself, so that a changed letter of an answer is found though it is still JSON.

{"step": 5, "loss": 1.25, "check": "5f0c7d1e2a3b4c5d"}     the hash is of the canonical form of what stands before it
"""

import json
from typing import Any, TypeVar

from pydantic import ValidationError

from tunewright.errors import CorruptError, Problem
from tunewright.records import Record, content_hash

AnyRecord = TypeVar("AnyRecord", bound=Record)

CHECK, NUM_DIGITS = "check", 16
UNNAMED = "unnamed"
"""Key for a value that is no dictionary, and so has no room for a hash."""


def with_check(value: object) -> dict[Any, Any]:
    """A record or dictionary with its hash as the last key; any other value likewise, under the key UNNAMED."""
    content = value.model_dump(mode="json") if isinstance(value, Record) else value
    if not isinstance(content, dict):
        content = {UNNAMED: content}
    assert CHECK not in content, content.keys()
    return {**content, CHECK: _hash(content)}


def without_check(value: Any, where: str, fix: str) -> Any:
    """The value as it was given to `with_check`. Values of versions that wrote no hash are not checked.

    Args:
        where, fix: for the message.
    Raises:
        CorruptError: it is not what was saved.
    """
    if not isinstance(value, dict) or not value:
        return value
    # The hash stands last. Under another key, too, it is one: a bit of the key has changed.
    *before, (key, found) = value.items()
    content, is_hash = dict(before), found == _hash(dict(before))
    if key != CHECK and not is_hash and CHECK not in value:
        return value
    if key != CHECK or not is_hash:
        raise CorruptError(str(Problem(where, "changed bytes", "what was saved", fix)))
    return content[UNNAMED] if content.keys() == {UNNAMED} else content


def parse_record(kind: type[AnyRecord], fields: Any, where: str, version: str) -> AnyRecord:
    """A record from what was saved of it.

    Args:
        fields: parsed JSON.
        where: the file, for the message.
        version: of tunewright, that wrote it.
    Raises:
        CorruptError: the fields are not those of this version's record.
    """
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        at = ".".join(map(str, first["loc"])) or "the whole"
        found = f"at {at}: {first['msg'].lower()}"
        fix = f"It was edited, or belongs to another version: tunewright {version} wrote it, which can read it."
        raise CorruptError(str(Problem(where, found, f"a {kind.__name__} as this version saves it", fix))) from None


def _hash(content: dict[Any, Any]) -> str:
    # As it will be read: keys that are no strings become some.
    return content_hash(json.loads(json.dumps(content, allow_nan=False)))[:NUM_DIGITS]
