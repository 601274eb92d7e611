"""Measure the data checks: seconds, memory, how they grow with the rows, and what is found of near-duplicates.

    python benchmarks/data.py                  10,000, 30,000 and 100,000 rows
    python benchmarks/data.py --large          300,000 and 1,000,000 rows too (20 minutes, 5 GB of temporary files)
    python benchmarks/data.py --sizes 10000    only these
    python benchmarks/data.py --sizes 1000000 --add --folder build/rows
                                               beside what was measured before on the same machine; the rows stay

Rows are those of synthetic_rows.py, about 100 words each. Every measurement runs in a process of its own: the code of
`tunewright check` with all default checks, and beside it the obvious alternative, which looks for duplicates alone:

    datasets.load_dataset("json") -> pandas.drop_duplicates -> for each row a datasketch MinHash (128 permutations) of
    its word 5-grams -> datasketch MinHashLSH(threshold=0.8) -> every pair that the index returns

Memory is the peak of the process, without what Python and the imports take. Recall counts the planted pairs with a
Jaccard similarity of at least .8 that stand in one finding; precision the pairs found that have it. Both are counted
with a similarity that uses nothing of what is measured. Writes benchmarks/results/data.json and docs/results.md.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from planted_defects import with_interval
from synthetic_rows import Kind, read_pairs, similarity, write_pairs, write_rows

from tunewright.actions.environment import processor_name

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "data.json"
PAGE = ROOT / "docs" / "results.md"
BEGIN, END = "<!-- begin data checks -->\n", "<!-- end data checks -->\n"
SIZES = (10_000, 30_000, 100_000)
LARGE_SIZES = (300_000, 1_000_000)
THRESHOLD = 0.8
MAX_ALTERNATIVE_ROWS = 100_000
"""The alternative holds everything in memory; beyond this size it is left out."""
NUM_SHOWN_CHECKS = 6

Measurement = dict[str, Any]


def measure_checks(path: Path) -> Measurement:
    """What `tunewright check` computes: all default checks, what they decide, the figures of the report."""
    from tunewright.contracts import SilentProgress
    from tunewright.data import examine, label_counts, length_histograms
    from tunewright.records import DataRecipe

    before, started, busy = _megabytes(), time.perf_counter(), time.process_time()
    examined = examine(DataRecipe(path=str(path)), None, SilentProgress())
    label_counts(examined.rows)
    length_histograms(examined.rows)
    seconds, processor_seconds = time.perf_counter() - started, time.process_time() - busy
    megabytes = _megabytes() - before
    pairs: set[tuple[int, int]] = set()
    for result in examined.results:
        if result.check in ("near_duplicates", "duplicates"):
            for finding in result.findings:
                first, *others = (int(place.rpartition(":")[2]) for place in finding.locations)
                pairs |= {(min(first, other), max(first, other)) for other in others}
    return {
        "seconds": seconds,
        "processor_seconds": processor_seconds,
        "megabytes": megabytes,
        "seconds_of": {result.check: result.seconds for result in examined.results},
        "rows_found": {result.check: result.num_rows for result in examined.results if result.num_rows},
        "pairs": sorted(pairs),
    }


def measure_alternative(path: Path) -> Measurement:
    """Exact and near-duplicates as a tutorial does it; see the top of this file."""
    import datasets
    from datasketch import MinHash, MinHashLSH

    datasets.disable_progress_bars()
    before, started, busy = _megabytes(), time.perf_counter(), time.process_time()
    with tempfile.TemporaryDirectory() as cache:
        loaded = datasets.load_dataset("json", data_files=str(path), split="train", cache_dir=cache)
        frame = loaded.to_pandas()
        frame["text"] = ["\n".join(message["content"] for message in messages) for messages in frame["messages"]]
        frame = frame.drop_duplicates("text")
        index = MinHashLSH(threshold=THRESHOLD, num_perm=128)
        pairs = []
        for row, text in frame["text"].items():
            words = text.lower().split()
            shingles = {" ".join(words[start : start + 5]) for start in range(len(words) - 4)}
            signature = MinHash(num_perm=128)
            signature.update_batch([shingle.encode("utf-8") for shingle in shingles])
            pairs += [(int(other) + 1, int(row) + 1) for other in index.query(signature)]
            index.insert(str(row), signature)
    return {
        "seconds": time.perf_counter() - started,
        "processor_seconds": time.process_time() - busy,
        "megabytes": _megabytes() - before,
        "pairs": sorted(pairs),
    }


MEASURES: dict[str, Callable[[Path], Measurement]] = {"checks": measure_checks, "alternative": measure_alternative}


def _megabytes() -> float:
    """Most memory that this process had so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


def in_own_process(measure: str, path: Path) -> Measurement:
    """Measure in a new Python, and judge the pairs that it found."""
    out = path.with_suffix(f".{measure}.json")
    subprocess.run([sys.executable, __file__, "--measure", measure, str(path), str(out)], check=True)
    measured: Measurement = json.loads(out.read_text(encoding="utf-8"))
    found = {(first, second) for first, second in measured.pop("pairs")}
    planted = [pair for pair in read_pairs(path.with_suffix(".pairs.json")) if pair.similarity >= THRESHOLD]
    measured["num_planted"] = len(planted)
    measured["num_planted_found"] = sum((pair.first, pair.second) in found for pair in planted)
    measured["num_found"] = len(found)
    measured["num_found_right"] = _num_right(path, found)
    return measured


def _num_right(path: Path, pairs: set[tuple[int, int]]) -> int:
    wanted = {line for pair in pairs for line in pair}
    texts = {}
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            if number in wanted:
                texts[number] = "\n".join(message["content"] for message in json.loads(line)["messages"])
    return sum(similarity(texts[first], texts[second]) >= THRESHOLD for first, second in pairs)


def exponent(sizes: Sequence[int], seconds: Sequence[float]) -> float:
    """The slope of seconds over rows, both as logarithms: 1 is linear."""
    return float(np.polyfit(np.log(sizes), np.log(seconds), 1)[0])


def write_page(results: Measurement) -> None:
    """Put the section between its markers, at the end of the page if it is new."""
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2] if found else ""
    before = before if found else f"{before.rstrip()}\n\n"
    PAGE.write_text(before + BEGIN + section(results) + END + after, encoding="utf-8", newline="\n")


def section(results: Measurement) -> str:
    """The measurements in words and tables."""
    runs = results["runs"]
    lines = [
        "## Data checks: speed, memory, near-duplicates",
        "",
        "    python benchmarks/data.py --large",
        "",
        f"{results['machine']}, {results['versions']}, {results['date']}. Rows of about 100 words, made by the "
        "benchmark; every line is a process of its own, one run. Memory is the peak beyond that of the Python that "
        "starts (MB, and kB a row), libraries that checks import included. The alternative looks for exact and "
        "near-duplicates only; how is said at the top of the script. Recall counts planted pairs with a Jaccard "
        "similarity of at least .8, precision the pairs found that have it.",
        "",
        "| rows | answers | what | seconds | of processors | MB | kB a row | near-duplicates: recall [95 %] "
        "| precision [95 %] |",
        "|---:|---|---|---:|---:|---:|---:|---|---|",
        *(_line(run) for run in runs),
        "",
    ]
    of_text = [run for run in runs if (run["kind"], run["measure"]) == ("text", "checks")]
    if len(of_text) > 1:
        sizes = [run["num_rows"] for run in of_text]
        slopes = [exponent(sizes, [run[kind] for run in of_text]) for kind in ("seconds", "processor_seconds")]
        lines += [
            f"Seconds grow with the {slopes[0]:.2f}th power of the rows, from {sizes[0]:,} to {sizes[-1]:,}; those of "
            f"the processors, which other work on the machine lengthens less, with the {slopes[1]:.2f}th.",
            "",
        ]
        before, last = of_text[-2:]
        kilobytes = 1000 * (last["megabytes"] - before["megabytes"]) / (last["num_rows"] - before["num_rows"])
        lines += [f"Beyond {before['num_rows']:,} rows each further row takes {kilobytes:.2f} kB of memory.", ""]
    lines += [f"Seconds of the slowest checks: {_slowest(run)}" for run in of_text[-1:]]
    return "\n".join(lines) + "\n"


def _line(run: Measurement) -> str:
    what = "all default checks" if run["measure"] == "checks" else "the alternative"
    recall = with_interval(run["num_planted_found"], run["num_planted"])
    precision = with_interval(run["num_found_right"], run["num_found"]) if run["num_found"] else "nothing found"
    kilobytes = 1000 * run["megabytes"] / run["num_rows"]
    return (
        f"| {run['num_rows']:,} | {run['kind']} | {what} | {run['seconds']:,.1f} | {run['processor_seconds']:,.1f} "
        f"| {run['megabytes']:,.0f} "
        f"| {kilobytes:.1f} | {recall} | {precision} |"
    )


def _slowest(run: Measurement) -> str:
    slowest = sorted(run["seconds_of"].items(), key=lambda item: -item[1])[:NUM_SHOWN_CHECKS]
    named = ", ".join(f"`{check}` {seconds:.1f}" for check, seconds in slowest)
    return f"{named} ({run['num_rows']:,} rows, {run['kind']})."


def planned(sizes: Sequence[int]) -> list[tuple[Kind, int, str]]:
    """Text at all sizes, and the other kinds and the alternative where they say most."""
    largest_usual = max((size for size in sizes if size <= MAX_ALTERNATIVE_ROWS), default=0)
    plan: list[tuple[Kind, int, str]] = [("text", size, "checks") for size in sizes]
    if largest_usual:
        plan += [("labels", largest_usual, "checks"), ("json", largest_usual, "checks")]
    plan += [("text", size, "alternative") for size in sizes if size <= MAX_ALTERNATIVE_ROWS]
    return plan


def make_rows(sizes: Sequence[int], folder: Path) -> None:
    """Write the rows of the plan that are not there yet."""
    for kind, size, _ in planned(sizes):
        path = folder / f"{kind}-{size}.jsonl"
        if not path.exists():
            write_pairs(path.with_suffix(".pairs.json"), write_rows(path, size, kind))


def run_all(sizes: Sequence[int], folder: Path) -> Measurement:
    """Carry out the plan, printing each line as it comes."""
    make_rows(sizes, folder)
    runs = []
    for kind, size, measure in planned(sizes):
        path = folder / f"{kind}-{size}.jsonl"
        runs.append({"kind": kind, "num_rows": size, "measure": measure, **in_own_process(measure, path)})
        print(_line(runs[-1]), flush=True)
    named = ("datasketch", "scikit-learn", "pydantic", "numpy", "datasets")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": processor_name(),
        "versions": ", ".join(f"{name} {version(name)}" for name in named),
        "runs": runs,
    }


def added(new: Measurement, old: Measurement) -> Measurement:
    """The new measurements, and the old ones of other rows, in the order of a plan of all sizes.

    Raises:
        SystemExit: they are of another machine or of other versions, and cannot stand in one table.
    """
    for field in ("machine", "versions"):
        if new[field] != old[field]:
            raise SystemExit(f"{field}: {new[field]}, but {RESULTS.name} has {old[field]}. Measure all sizes again.")
    runs = {(run["kind"], run["num_rows"], run["measure"]): run for run in (*old["runs"], *new["runs"])}
    in_order = sorted(runs, key=lambda run: (run[2] != "checks", run[0] != "text", run[0], run[1]))
    return {**new, "runs": [runs[key] for key in in_order]}


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES))
    parser.add_argument(
        "--large", action="store_true", help=f"also {' and '.join(f'{size:,}' for size in LARGE_SIZES)}"
    )
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "ROWS", "OUT"), help=argparse.SUPPRESS)
    parser.add_argument("--dry", action="store_true", help="print only, write neither results nor page")
    parser.add_argument("--add", action="store_true", help="keep the results of other sizes")
    parser.add_argument("--folder", type=Path, help="keep the rows here, and take those that are there")
    parser.add_argument("--only-rows", action="store_true", help="make the rows in --folder and measure nothing")
    arguments = parser.parse_args()
    if arguments.measure:
        what, rows, out = arguments.measure
        Path(out).write_text(json.dumps(MEASURES[what](Path(rows))), encoding="utf-8")
        return
    sizes = sorted({*arguments.sizes, *(LARGE_SIZES if arguments.large else ())})
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if arguments.only_rows:
            make_rows(sizes, folder)
            return
        results = run_all(sizes, folder)
    if arguments.add and RESULTS.exists():
        results = added(results, json.loads(RESULTS.read_text(encoding="utf-8")))
    if arguments.dry:
        print(section(results))
        return
    RESULTS.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    write_page(results)


if __name__ == "__main__":
    main()
