"""Bytes on disk: what is written is read back, and a full disk says what to do."""

import tempfile
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.spill import Spill
from tunewright.errors import StoreError


@given(st.lists(st.binary(max_size=20)))
def test_what_is_written_can_be_read_anywhere_at_any_time(pieces: list[bytes]) -> None:
    spill = Spill()
    written = b""
    for piece in pieces:
        spill.append(piece)
        written += piece
        middle = len(written) // 2
        assert spill.read(middle, 7) == written[middle : middle + 7]
    assert (spill.num_bytes, spill.read(0, len(written) + 1)) == (len(written), written)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("size", [10, 10**6], ids=["when it is read", "when it is written"])
def test_a_full_disk_says_where_and_what_to_do(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", partial(open, "/dev/full", "r+b"))
    spill = Spill()

    def write_and_read() -> None:
        spill.append(b"x" * size)
        spill.read(0, 1)

    with pytest.raises(StoreError, match=r"No space left on device, expected room for temporary files.*TMPDIR"):
        write_and_read()
