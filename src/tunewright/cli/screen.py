"""Screen: results go to stdout, what happens on the way to stderr, and the record to where `--json` says.

Everything printed may be data that others wrote, so markup is off for both streams, and control characters, which
could move the cursor or retitle the window, are shown as symbols.
"""

import codecs
import io
import json
import sys
from pathlib import Path

from rich.console import Console, RenderableType
from rich.text import Text

from tunewright.cli.progress import RichProgress
from tunewright.cli.visible import visible
from tunewright.errors import InterruptedRunError, Problem, StoreError, TunewrightError

STDOUT = "-"


class Screen:
    """What one command prints.

    Args:
        json_file: the file for the record; `-` sends it to stdout and everything else to stderr.
    Raises:
        StoreError: the JSON file is a folder, or its folder does not exist. Said now, not after minutes of training.
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
