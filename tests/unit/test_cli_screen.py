"""A terminal that is not UTF-8: results are shown all the same, and JSON stays JSON. It replaces no file of others."""

import io
import json
import sys
from pathlib import Path

import pytest

from tunewright.cli.screen import Screen
from tunewright.errors import StoreError
from tunewright.records import read_recipe

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


@pytest.mark.parametrize("content", ['{"prompt": "Hi"}\n', "question,answer\n", "data:\n  path: x\n", "[1]", "<html>"])
def test_a_json_file_with_other_content_is_left_alone(content: str, tmp_path: Path) -> None:
    path = tmp_path / "rows"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(StoreError, match=r"--json .*rows: found a file with other content, expected a new file, or an"):
        Screen(str(path))


@pytest.mark.parametrize("value", [{"a": 1}, [{"a": 1}], ["a"], {}, []])
def test_a_json_file_that_is_empty_or_an_older_record_is_replaced(value: object, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.touch()
    for _ in range(2):
        Screen(str(path)).write_json(value)
    assert json.loads(path.read_text(encoding="utf-8")) == value
    Screen("/dev/null").write_json(value)


@pytest.mark.parametrize(
    "settings",
    [
        {"path": "{}/rows.json"},
        {"path": "{}/link.json"},
        {"path": "{}/ro*.json"},
        {"path": "else.json", "test_path": "{}/rows.json"},
        {"path": "else.json", "checks": {"benchmarks": ["{}/rows.json"]}},
        {"sources": [{"path": "{}/rows.json"}]},
    ],
)
def test_rows_that_look_like_a_record_are_left_alone_by_the_command_that_reads_them(
    settings: dict[str, object], tmp_path: Path
) -> None:
    path = tmp_path / "rows.json"
    path.write_text(json.dumps([{"prompt": "Hi", "completion": "Hello"}], indent=2), encoding="utf-8")
    (tmp_path / "link.json").symlink_to(path)
    recipe = read_recipe(json.loads(json.dumps({"data": settings}).replace("{}", str(tmp_path))))
    with pytest.raises(
        StoreError, match=r"--json .*rows\.json: found a file that this command reads, expected another"
    ):
        Screen(str(path)).require_no_input(recipe)
    Screen(str(path)).require_no_input(read_recipe({"data": {"path": "else.json"}}), None)
    Screen("-").require_no_input(recipe)
    Screen().require_no_input(recipe)
