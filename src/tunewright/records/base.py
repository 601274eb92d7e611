"""What every record shares: frozen, no unknown keys, one canonical JSON, one hash."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Fraction = Annotated[float, Field(ge=0.0, le=1.0)]


class Record(BaseModel):
    """A frozen, typed value. It is the object in memory, the file on disk and, later, the server's reply."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


class Settings(Record):
    """A record that people write: the line under a field explains it in help, pages and JSON schema.

    Reading those lines takes a third of the time that records take to import, so the others do without.
    """

    model_config = ConfigDict(use_attribute_docstrings=True)


def canonical_json(value: Any) -> str:
    """Write JSON in the one way that is hashed: keys sorted, no spaces, text unescaped, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def content_hash(value: Any) -> str:
    """Hash a JSON-like value by its canonical form. Returns 64 hexadecimal digits (SHA-256)."""
    return hashlib.sha256(canonical_json(value).encode("utf-8")).hexdigest()
