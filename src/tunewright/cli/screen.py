"""Screen: results go to stdout, what happens on the way to stderr, and the record to where `--json` says.

Everything printed may be data that others wrote, so markup is off for both streams, and control characters, which
could move the cursor or retitle the window, are shown as symbols.
"""

import codecs
import io
import json
import os
import re
import sys
from fnmatch import fnmatch
from pathlib import Path

from pydantic import BaseModel
from rich.console import Console, RenderableType
from rich.text import Text

from tunewright.cli.progress import RichProgress
from tunewright.cli.visible import visible
from tunewright.errors import InterruptedRunError, Problem, StoreError, TunewrightError

STDOUT = "-"
_RECORD_START = re.compile(rb"[\[{]\r?\n  |\[\]|{}")
"""Of what `write_json` writes."""


class Screen:
    """What one command prints.

    Args:
        json_file: the file for the record; `-` sends it to stdout and everything else to stderr.
    Raises:
        StoreError: the JSON file is a folder, its folder does not exist, or it exists and is no record that an earlier
            command has written. Said now, not after minutes of training.
    """

    def __init__(self, json_file: str | None = None) -> None:
        self._json_file = json_file
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):  # a terminal without UTF-8 shows what it cannot write as \u2192
                stream.reconfigure(errors="backslashreplace")
        self._stderr = Console(stderr=True, markup=False, emoji=False, highlight=False)
        stdout = Console(markup=False, emoji=False, highlight=False)
        self.console = self._stderr if json_file == STDOUT else stdout
        """For results that people read."""
        self.progress = RichProgress(self._stderr)
        if json_file is None or json_file == STDOUT:
            return
        path = Path(json_file)
        if path.is_dir() or not path.parent.is_dir():
            found = "a folder" if path.is_dir() else "no such folder"
            fix = "Make the folder, or give another file."
            raise StoreError(str(Problem(f"--json {json_file}", found, "a file in a folder that exists", fix)))
        if not _is_replaceable(path):
            found, expected = "a file with other content", "a new file, or an older record, which is replaced"
            raise StoreError(str(Problem(f"--json {json_file}", found, expected, "Give another name.")))

    def require_no_input(self, *read: object) -> None:
        """Keep the JSON file from replacing what the command reads, which may look like a record.

        Args:
            read: recipes, and paths of files.
        Raises:
            StoreError: one of them is, or names, the JSON file.
        """
        path = Path(self._json_file or STDOUT)
        if self._json_file not in (None, STDOUT) and path.is_file() and any(_names(each, path) for each in read):
            found, expected = "a file that this command reads", "another file"
            raise StoreError(str(Problem(f"--json {path}", found, expected, "Give another name.")))

    def show(self, result: RenderableType) -> None:
        """Print a table or other layout, fitted to the width of the terminal."""
        self.console.print(result)

    def line(self, text: str, style: str = "") -> None:
        """Print text without breaking its lines, so that paths and commands can be copied."""
        self.console.print(Text(visible(text), style), soft_wrap=True)

    def wrapped_by_terminal(self, text: Text) -> None:
        """Print styled text as it is, spaces at the ends of lines included."""
        self.console.print(text, soft_wrap=True)

    @property
    def has_colour(self) -> bool:
        """Whether results may be told apart by colour: a terminal that has them, and no NO_COLOR."""
        return self.console.color_system is not None and not self.console.no_color

    def say(self, text: str) -> None:
        """Print a remark that is not part of the result."""
        self.progress.say(text)

    def stream(self, text: str) -> None:
        """Print a piece of text right away, with nothing after it."""
        # Not through the console, which lays out whole lines: pieces begin and end with spaces that count.
        self.console.file.write(visible(text))
        self.console.file.flush()

    def error(self, error: TunewrightError) -> None:
        """Print what went wrong. Stopping on request is no error."""
        message = Text(visible(str(error)))
        if not isinstance(error, InterruptedRunError):
            message = Text.assemble(("error: ", "bold red"), message)
        self._stderr.print(message, soft_wrap=True)

    def write_json(self, value: object) -> None:
        """Write a JSON value to where `--json` says, if it was given.

        Raises:
            StoreError: the file cannot be written.
        """
        if self._json_file is None:
            return
        to_stdout = self._json_file == STDOUT
        # Where stdout is not UTF-8, what it cannot write would become Python's escapes, such as \xe9: no JSON.
        is_ascii = to_stdout and codecs.lookup(sys.stdout.encoding or "utf-8").name != "utf-8"
        text = json.dumps(value, ensure_ascii=is_ascii, indent=2, allow_nan=False) + "\n"
        if to_stdout:
            sys.stdout.write(text)
            return
        try:
            Path(self._json_file).write_text(text, encoding="utf-8")
        except OSError as error:
            fix = "Make room, or give another file."
            raise StoreError(
                str(Problem(f"--json {self._json_file}", error.strerror or str(error), "a file to write to", fix))
            ) from error


def _is_replaceable(path: Path) -> bool:
    """Whether nothing is lost: no file yet, a device or pipe, an empty file, or a record."""
    if not path.is_file():
        return True
    with path.open("rb") as file:
        start = file.read(8)
    return not start or _RECORD_START.match(start) is not None


def _names(setting: object, file: Path) -> bool:
    """Whether a path, or a setting somewhere in a recipe, is that of a file or a pattern that the file fits."""
    match setting:
        case BaseModel():
            return _names(setting.model_dump(mode="json"), file)
        case dict():
            return any(_names(each, file) for each in setting.values())
        case list():
            return any(_names(each, file) for each in setting)
        case str() | Path():
            is_same = os.path.exists(setting) and file.samefile(setting)  # noqa: PTH110 - a Path refuses long texts
            return is_same or fnmatch(str(file.absolute()), str(Path(setting).absolute()))
    return False
