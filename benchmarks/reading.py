"""Read a file that is larger than memory: seconds and the most memory that reading takes.

    python benchmarks/reading.py [--gigabytes 10] [--folder build]

Rows of about 85 kB in JSON Lines, every one with a number of its own. They are read as `tunewright check` does it: each
is parsed, validated, hashed and written to temporary files, from which the checks take it. That needs as much room on
the disk as the file itself twice over. Writes benchmarks/results/reading.json.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from synthetic_rows import Words

from tunewright.actions.environment import processor_name

RESULTS = Path(__file__).parent / "results" / "reading.json"
NUM_TEXTS = 1_000
WORDS_PER_ROW = 16_000


def write_long_rows(path: Path, num_bytes: int) -> int:
    """Write rows until the file has so many bytes; gives their number."""
    words = Words(np.random.default_rng(0))
    texts = [" ".join(words.draw(WORDS_PER_ROW)) for _ in range(NUM_TEXTS)]
    num_rows = 0
    with path.open("w", encoding="utf-8", newline="\n") as file:
        while file.tell() < num_bytes:
            row = {"prompt": f"Question {num_rows}?", "completion": f"{num_rows} {texts[num_rows % NUM_TEXTS]}"}
            file.write(json.dumps(row) + "\n")
            num_rows += 1
    return num_rows


def measure(path: Path) -> dict[str, float]:
    """Read in this process."""
    from tunewright.data.example_file import ExampleFile
    from tunewright.data.sources import read_sources
    from tunewright.records import DataRecipe

    before, started, busy = _megabytes(), time.perf_counter(), time.process_time()
    (read,) = read_sources(DataRecipe(path=str(path)), None, hold=ExampleFile().extend)
    return {
        "num_rows": len(read.examples),
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - busy,
        "megabytes_before": before,
        "megabytes": _megabytes(),
    }


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def main() -> None:
    """Write the rows, read them in a process of its own, and keep what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=10.0)
    parser.add_argument("--folder", type=Path, help="where the rows stand for the time of the measurement")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments.measure)))
        return
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "rows.jsonl"
        num_rows = write_long_rows(path, round(arguments.gigabytes * 1e9))
        done = subprocess.run(
            [sys.executable, __file__, "--measure", str(path)], check=True, capture_output=True, text=True
        )
        measured = json.loads(done.stdout)
        assert measured["num_rows"] == num_rows
        found = {
            "date": datetime.now(UTC).date().isoformat(),
            "machine": processor_name(),
            "num_bytes": path.stat().st_size,
            **measured,
        }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
