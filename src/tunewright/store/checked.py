"""JSON that carries a hash of itself, so that a changed letter of an answer is found though it is still JSON.

{"step": 5, "loss": 1.25, "check": "5f0c7d1e2a3b4c5d"}     the hash is of the canonical form of what stands before it
"""

import json
from typing import Any

from tunewright.errors import CorruptError, Problem
from tunewright.records import Record, content_hash

CHECK, NUM_DIGITS = "check", 16


def with_check(value: object) -> object:
    """A record or dictionary with its hash as the last key; any other value, which has no room for one, as it is."""
    content = value.model_dump(mode="json") if isinstance(value, Record) else value
    if not isinstance(content, dict):
        return content
    assert CHECK not in content, content.keys()
    return {**content, CHECK: _hash(content)}


def without_check(value: Any, where: str, fix: str) -> Any:
    """The value as it was given to `with_check`. Values of versions that wrote no hash are not checked.

    Args:
        where, fix: for the message.
    Raises:
        CorruptError: it is not what was saved.
    """
    if not isinstance(value, dict) or CHECK not in value:
        return value
    content = {key: inner for key, inner in value.items() if key != CHECK}
    if value[CHECK] != _hash(content):
        raise CorruptError(str(Problem(where, "changed bytes", "what was saved", fix)))
    return content


def _hash(content: dict[Any, Any]) -> str:
    # As it will be read: keys that are no strings become some.
    return content_hash(json.loads(json.dumps(content, allow_nan=False)))[:NUM_DIGITS]
