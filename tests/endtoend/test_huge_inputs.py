"""Files of gigabytes that are one line: refused in words, and memory does not grow with them."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

MAX_GROWTH_BYTES = 600_000_000
"""A document may have 256 MiB, and is put together from its pieces; a line 32."""
TOO_LONG = "found a line of more than 33,554,432 bytes, expected shorter lines. Put one row on each line."

# Reads each file and tells what was said of it, and how much memory more than before was ever in use.
READER = """
import json, resource, sys
from tunewright.data.read import read_rows
from tunewright.errors import DataError
from tunewright.records import DataRecipe
import tunewright.data.row_files, pyarrow.parquet
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
found = []
for path in sys.argv[1:]:
    before = peak()
    try:
        read_rows(path, DataRecipe(path=path), None)
        words = None
    except DataError as error:
        words = str(error)
    found.append([words, peak() - before])
print(json.dumps(found))
"""
WORDS = {
    "rows.jsonl": f"rows.jsonl:1: {TOO_LONG}",
    "rows.csv": f"rows.csv:1 line 1: {TOO_LONG}",
    "rows.json": "rows.json byte 1: found a NUL byte, expected text.",
    "text.txt": f"text.txt:1: {TOO_LONG}",
    "text.md": "text.md: found a document of more than 268,435,456 bytes, expected smaller documents. Cut it into",
    "rows.parquet": "rows.parquet: found ",
    "packed.jsonl.gz": f"packed.jsonl.gz:1: {TOO_LONG}",
}


def told_of(folder: Path, num_bytes: int) -> dict[str, tuple[str | None, int]]:
    for name in WORDS:
        path = folder / name
        if name.endswith(".gz"):
            with gzip.open(path, "wb", compresslevel=1) as file:
                for _ in range(num_bytes // 2**24):
                    file.write(bytes(2**24))
        else:
            path.touch()
            os.truncate(path, num_bytes)  # takes no room on the disk
    command = [sys.executable, "-c", READER, *(str(folder / name) for name in WORDS)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return {name: (words, growth) for name, (words, growth) in zip(WORDS, json.loads(done.stdout), strict=True)}


@pytest.mark.parametrize(
    "num_bytes",
    [2**28 + 2**24, pytest.param(10 * 2**30, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])],
    ids=["a quarter of a gigabyte", "ten gigabytes"],
)
def test_one_line_of_gigabytes_is_refused_in_words_and_in_little_memory(tmp_path: Path, num_bytes: int) -> None:
    for name, (words, growth) in told_of(tmp_path, num_bytes).items():
        assert words is not None, name
        assert WORDS[name] in words
        assert growth < MAX_GROWTH_BYTES, f"{name}: {growth:,} bytes"
