"""What is wrong with a file, collected so that all of it is reported at once."""

from collections.abc import Iterable

from tunewright.errors import MAX_LISTED_PROBLEMS, DataError, Problem

MAX_EXCERPT = 80
"""Most characters of the user's text that a message repeats."""
_MAX_LISTED_FAILED = 3


class RefusedError(Exception):
    """One thing that cannot be accepted; its reader knows the place inside the row, its caller the row.

    Args:
        place: field or byte inside the row, as in `messages[1].role`; empty for the row as a whole.
        found, expected, fix: as in errors.Problem.
    """

    def __init__(self, place: str, found: str, expected: str, fix: str) -> None:
        super().__init__(f"{place}: found {found}, expected {expected}. {fix}")
        self.place = place
        self.found = found
        self.expected = expected
        self.fix = fix

    def at(self, location: str) -> Problem:
        """The same with the file and row, as in `rows.jsonl:7 messages[1].role`."""
        return Problem(f"{location} {self.place}".rstrip(), self.found, self.expected, self.fix)


class FailedRequestError(RefusedError):
    """A log line without an answer because its request failed. Such lines are usual: the others are read."""


class Unreadable:
    """Rows that could not be read and do not keep the others from being looked at, as `check` wants it."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        """The first of each file, at most MAX_LISTED_PROBLEMS."""
        self.num_rows = 0


class ReadLog:
    """Refusals and warnings met while one file is read.

    Args:
        name: the file or hub dataset id, as the user gave it.
        unreadable: takes the rows that are refused; None where one bad row refuses the whole file.
    """

    def __init__(self, name: str, unreadable: Unreadable | None = None) -> None:
        self.name = name
        self.warnings: list[str] = []
        self._problems: list[Problem] = []
        self._num_more = 0
        self._failed: list[str] = []
        self._num_failed = 0
        self._unreadable = unreadable
        self._is_whole = True

    def refuse(
        self, row: int | None, refused: RefusedError, file: str | None = None, *, hides_others: bool = False
    ) -> None:
        """Note what is wrong with a row (its line in JSON Lines), or with the whole file if `row` is None.

        Args:
            row: counted from 1.
            refused: what is wrong.
            file: the file, where the log is that of a whole folder.
            hides_others: the rows that follow could not be found any more.
        """
        self._is_whole = self._is_whole and row is not None and not hides_others
        if len(self._problems) == MAX_LISTED_PROBLEMS:
            self._num_more += 1
            return
        name = file or self.name
        self._problems.append(refused.at(name if row is None else f"{name}:{row}"))

    def leave_out(self, row: int, failed: FailedRequestError) -> None:
        """Note a line that is passed over with a warning, because its request failed."""
        self._num_failed += 1
        if len(self._failed) < _MAX_LISTED_FAILED:
            self._failed.append(f"{self.name}:{row} ({failed.found})")

    def raise_if_refused(self) -> None:
        """Raises: DataError with everything that was refused, in the order of the file."""
        if self._problems:
            raise DataError(self._problems, self._num_more)

    def end(self, num_read: int) -> None:
        """Say that the whole file was read. Single rows that were refused may be let pass, if others were read.

        Raises:
            DataError: with everything that was refused, in the order of the file; or every line is a failed request.
        """
        if self._num_failed:
            self._end_failed(num_read)
        if self._unreadable is None or not num_read or not self._is_whole:
            self.raise_if_refused()
            return
        self._unreadable.problems += self._problems
        self._unreadable.num_rows += len(self._problems) + self._num_more

    def _end_failed(self, num_read: int) -> None:
        more = self._num_failed - len(self._failed)
        lines = ", ".join(self._failed) + (f" and {more:,} more" if more else "")
        if not num_read and not self._problems:
            fix = "Check that this is the log you meant."
            raise DataError(Problem(self.name, f"requests that failed alone: {lines}", "at least one answer", fix))
        what = (
            "1 request that failed was" if self._num_failed == 1 else f"{self._num_failed:,} requests that failed were"
        )
        self.warnings.append(f"{what} left out: {lines}")


def excerpt(text: str) -> str:
    """Quote the start of a text in a form that any terminal can show."""
    # Cut before quoting, so that a line of 32 MB is not escaped as a whole.
    quoted = repr(text[:MAX_EXCERPT])
    is_cut = len(text) > MAX_EXCERPT or len(quoted) > MAX_EXCERPT
    return quoted[: MAX_EXCERPT - 1] + "…" if is_cut else quoted


def describe(value: object) -> str:
    """Name a value in the words of JSON."""
    if isinstance(value, str):
        return excerpt(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, dict):
        return "an object"
    return f"a value of type {type(value).__name__}"


def join_names(names: Iterable[str]) -> str:
    """List field names for a message; long lists are cut."""
    listed = ", ".join(names)
    return listed if len(listed) <= 2 * MAX_EXCERPT else listed[: 2 * MAX_EXCERPT] + "…"
