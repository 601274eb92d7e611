"""What a relation is, and the values that relations of several kinds share."""

from collections.abc import Callable
from dataclasses import dataclass

from tunewright.data.skills.item import Draw, Parted

Value = str | int
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def a_date(draw: Draw) -> str:
    """Make a date, with or without its year."""
    day, month = draw.whole(1, 28), draw.choice(_MONTHS)
    return f"{day} {month} {draw.whole(1900, 2029)}" if draw.chance(0.5) else f"{month} {day}"


def a_time(draw: Draw) -> str:
    """Make a time of day."""
    return f"{draw.whole(1, 12)}:{draw.whole(0, 59):02}"


def full_name(draw: Draw) -> str:
    """Make the name of a person, now and then with a second name."""
    return f"{draw.name()} {draw.name()}" if draw.chance(0.3) else draw.name()


def an_email(draw: Draw) -> str:
    """Make an email address."""
    return f"{draw.word()}@{draw.word()}.org"


@dataclass(frozen=True, slots=True, eq=False)
class Relation:
    """One thing that can be said about a kind of subject: {s} is the subject and {v} the value."""

    subject_kind: str
    attribute: str
    """What the value is to its subject, for questions such as `What is the price of the blorp?`"""
    key: str
    """The JSON key, unique within the kind of subject."""
    value: Callable[[Draw], Value]
    statements: tuple[str, ...]
    questions: Parted
    reverse: Parted | None = None
    """Questions for the subject by its value, where values are nonce and so belong to one subject."""


def lines(text: str) -> tuple[str, ...]:
    """Take the templates that stand in one text, each on a line of its own."""
    return tuple(line.strip() for line in text.strip().splitlines())


def bank(text: str) -> Parted:
    """Take a bank of templates that stand each on a line of its own."""
    return Parted(*lines(text))
