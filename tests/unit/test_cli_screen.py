"""A terminal that is not UTF-8: results are shown all the same, and JSON stays JSON."""

import io
import json
import sys

import pytest

from tunewright.cli.screen import Screen
from tunewright.errors import StoreError

WORDS = "café → 😀"


def write_to(monkeypatch: pytest.MonkeyPatch, encoding: str) -> tuple[io.BytesIO, io.BytesIO]:
    """What is written to stdout and stderr from now on."""
    written = io.BytesIO(), io.BytesIO()
    for name, stream in zip(("stdout", "stderr"), written, strict=True):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(stream, encoding=encoding, write_through=True))
    return written


@pytest.mark.parametrize(
    ("encoding", "shown"),
    [("ascii", r"caf\xe9 \u2192 \U0001f600"), ("latin-1", r"café \u2192 \U0001f600"), ("utf-8", WORDS)],
)
def test_what_a_terminal_cannot_write_is_shown_by_its_number(
    monkeypatch: pytest.MonkeyPatch, encoding: str, shown: str
) -> None:
    stdout, stderr = write_to(monkeypatch, encoding)
    screen = Screen()
    screen.line(WORDS)
    screen.stream(WORDS)
    screen.say(WORDS)
    screen.error(StoreError(WORDS))
    assert stdout.getvalue().decode(encoding) == f"{shown}\n{shown}"
    assert stderr.getvalue().decode(encoding) == f"{shown}\nerror: {shown}\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_on_stdout_is_json_in_any_encoding(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    stdout, _ = write_to(monkeypatch, encoding)
    Screen("-").write_json({"words": WORDS})
    assert json.loads(stdout.getvalue().decode("utf-8")) == {"words": WORDS}
