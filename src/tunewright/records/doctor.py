"""DoctorCheck: one thing about this machine that training depends on."""

from typing import Literal

from tunewright.records.base import Record


class DoctorCheck(Record):
    """One thing that tunewright needs from this machine."""

    name: str
    status: Literal["ok", "warning", "broken"]
    found: str
    advice: str = ""
    """What to do when the status is not ok."""
