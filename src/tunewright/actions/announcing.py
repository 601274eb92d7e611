"""What every verb that reads rows tells about them."""

from collections.abc import Iterable

from tunewright.contracts import Progress
from tunewright.records import Source


def announce_sources(sources: Iterable[Source], progress: Progress) -> None:
    """Tell how many rows were read of each source, in which form, and what was left out or repaired on the way."""
    for source in sources:
        progress.say(f"Read {count_rows(source.num_rows)} of {source.name} as {source.form}.")
        for warning in source.warnings:
            progress.say(f"  {warning}")


def count_rows(number: int) -> str:
    """`1 row` or `2,000 rows`."""
    return "1 row" if number == 1 else f"{number:,} rows"
