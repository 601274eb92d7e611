"""Whatever bytes a file holds: its rows are read, or a DataError says where, what and how to correct it."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from broken_files import contents_of
from fuzz_reader import SEEDS, SUFFIXES, require_rows_or_words
from hypothesis import HealthCheck, given, settings

FUZZ_READER = Path(__file__).parents[2] / "benchmarks" / "fuzz_reader.py"
MANY_CASES = 100_000


def fuzz(suffix: str, num_cases: int, *, same_every_time: bool) -> int:
    """Read drawn files; gives how many of them had rows that could be read."""
    num_good = 0
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"rows{suffix}"

        # The property measures the time of the reader itself.
        @settings(
            max_examples=num_cases,
            deadline=None,
            derandomize=same_every_time,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(contents_of(suffix))
        def read(contents: bytes) -> None:
            nonlocal num_good
            path.write_bytes(contents)
            num_good += require_rows_or_words(path) > 0

        read()
    return num_good


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_file_is_read_or_refused_in_words(suffix: str) -> None:
    num_good = fuzz(suffix, 100, same_every_time=True)
    assert num_good > 0, "no file was good enough to be read, so only refusals were tried"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_hundred_thousand_files_are_read_or_refused_in_words(suffix: str) -> None:
    fuzz(suffix, MANY_CASES // len(SUFFIXES) + 1, same_every_time=False)


@pytest.mark.slow
def test_a_minute_of_guided_fuzzing_finds_nothing() -> None:
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed: pip install atheris")
    done = subprocess.run([sys.executable, str(FUZZ_READER), "--seconds", "60"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.parametrize(("suffix", "contents"), SEEDS)
def test_the_seeds_of_guided_fuzzing_keep_the_promise(suffix: str, contents: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"rows{suffix}"
    path.write_bytes(contents)
    require_rows_or_words(path)


def test_a_reader_that_breaks_the_promise_would_be_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tunewright import data
    from tunewright.errors import DataError, Problem

    def careless(*_: object) -> None:
        raise DataError(Problem("some file", "something", "something else", "Correct it."))

    monkeypatch.setattr(data, "read_rows", careless)
    (tmp_path / "rows.jsonl").write_bytes(b"{}")
    with pytest.raises(AssertionError, match="some file"):
        require_rows_or_words(tmp_path / "rows.jsonl")
