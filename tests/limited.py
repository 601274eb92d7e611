"""A limit on address space (RLIMIT_AS, `ulimit -v`), as a process sees its own."""

import resource

import pytest


def limit_address_space(monkeypatch: pytest.MonkeyPatch, num_bytes: int) -> None:
    """Let this process believe in one. Nothing is limited."""
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (num_bytes, num_bytes))
