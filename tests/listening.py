"""A Progress that remembers what was said."""

from tunewright.contracts import SilentProgress


class Listening(SilentProgress):
    """Keeps every line and shows no bar."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        """Remember the line."""
        self.lines.append(text)
