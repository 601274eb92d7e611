"""The examples of docs/results.md with the code of before the engine and with today's: the same quality, in less time.

    python benchmarks/examples_before.py              # 40 minutes of an otherwise idle machine
    python benchmarks/examples_before.py --only demo  # results of the others stay

Before is the last commit whose batches were padded (2026-11-20), checked out beside this one and run with the same
installed libraries. Both train the bundled base of today on the same rows with the same settings. What came later and
is no part of the engine is off: the watch over general ability, rehearsal, and answers at validations. Results: a block
of docs/results.md and benchmarks/results/examples_before.json.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from results_page import write_block

from tunewright.actions.environment import processor_name

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "examples_before.json"
BEFORE = "a80506ef9ac0abd513c05e6e8d028fd2292be966"
BASE = ROOT / "src" / "tunewright" / "bundled" / "base"
TODAY = ("--set", "retention.enabled=false", "--set", "train.keep_by=loss")
EXAMPLES = {
    "demo": "src/tunewright/bundled/demo/tickets.jsonl --set method.rank=16 --set train.learning_rate=0.004",
    "e2e_nlg": "{datasets}/e2e_nlg/devset.csv --input mr --output ref "
    "--set train.epochs=1 --set method.rank=32 --set train.learning_rate=0.002",
    "clinc150": "{scratch}/train.jsonl --validation {scratch}/validation.jsonl --test {scratch}/test.jsonl "
    "--set evaluate.max_inputs=300 --set train.epochs=0.25 --set method.rank=32 --set train.learning_rate=0.002",
    "gsm8k": "{datasets}/gsm8k/train.jsonl --test {datasets}/gsm8k/test.jsonl --input question --output answer "
    "--set evaluate.max_inputs=100 --set train.epochs=0.25 --set method.rank=32 --set train.learning_rate=0.002",
}
"""Arguments of `tunewright tune`. Where the defaults of the two differ they are set; few steps where it takes long."""
HEADLINE = {"demo": "json_fields", "e2e_nlg": "chrf", "clinc150": "accuracy", "gsm8k": "final_number"}


def run(code: Path, arguments: str, is_today: bool, scratch: Path) -> dict[str, Any]:
    """One training with the code of a checkout: its seconds, memory and quality."""
    record = scratch / "report.json"
    command = [sys.executable, "-m", "tunewright", "tune", *arguments.split(), "--base", str(BASE)]
    command += [*(TODAY if is_today else ()), "--json", str(record), "--home", str(scratch / "home")]
    environment = {**os.environ, "PYTHONPATH": str(code / "src")}
    started = time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - started
    report = json.loads(record.read_text(encoding="utf-8"))
    tuned = {one["metric"]: one["estimate"] for one in report["results"] if one["arm"] == "tuned"}
    training = report["training"]
    return {
        "seconds": seconds,
        "training_seconds": training["seconds"],
        "num_steps": training["num_steps"],
        "peak_memory_bytes": training["peak_memory_bytes"],
        "tuned": {metric: [estimate[key] for key in ("value", "low", "high")] for metric, estimate in tuned.items()},
    }


def write_page(found: dict[str, Any]) -> None:
    """The block of docs/results.md."""
    lines = [
        "## The same examples before the engine\n",
        "The code of the last commit with padded batches (2026-11-20) and today's; same base, rows and settings; "
        "general ability, rehearsal and answers at validations, which came later, are off. "
        "E2E is one epoch, CLINC150 and GSM8K a quarter of one. "
        f"`python benchmarks/examples_before.py`, {found['machine']}, {found['date']}.\n",
        "| example | steps | training before | now | whole command before | now | memory before | now "
        "| quality of the tuned model before | now |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name in EXAMPLES:
        if name not in found:
            continue
        before, now = found[name]["before"], found[name]["now"]
        cells = [name, f"{now['num_steps']:,}"]
        cells += [f"{one['training_seconds']:.0f} s" for one in (before, now)]
        cells += [f"{one['seconds']:.0f} s" for one in (before, now)]
        cells += [f"{one['peak_memory_bytes'] / 1e9:.1f} GB" for one in (before, now)]
        cells += [_quality(one, HEADLINE[name]) for one in (before, now)]
        lines.append(f"| {' | '.join(cells)} |")
    write_block("examples-before", "\n".join(lines) + "\n")


def _quality(found: dict[str, Any], metric: str) -> str:
    value, low, high = (100 * number for number in found["tuned"][metric])
    loss, lowest, highest = found["tuned"]["loss"]
    return f"{metric} {value:.1f} % [{low:.1f}, {high:.1f}], loss {loss:.3g} [{lowest:.3g}, {highest:.3g}]"


def main() -> None:
    """Run the examples, each with both codes in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "data" / "datasets")
    parser.add_argument("--only", nargs="*", choices=EXAMPLES, default=list(EXAMPLES))
    arguments = parser.parse_args()
    found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    with TemporaryDirectory() as folder:
        scratch, old = Path(folder), Path(folder) / "before"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", str(old), BEFORE], check=True, cwd=ROOT)
        try:
            if "clinc150" in arguments.only:
                source = str(arguments.datasets / "clinc150" / "data_full.json")
                converter = str(ROOT / "examples" / "clinc150" / "convert.py")
                subprocess.run([sys.executable, converter, source, str(scratch)], check=True)
            for name in arguments.only:
                words = EXAMPLES[name].format(datasets=arguments.datasets, scratch=scratch)
                before = run(old, words, is_today=False, scratch=scratch)
                found[name] = {"before": before, "now": run(ROOT, words, is_today=True, scratch=scratch)}
                found |= {"machine": processor_name(), "date": time.strftime("%Y-%m-%d")}
                RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
                print(name, found[name], flush=True)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(old)], check=True, cwd=ROOT)
    write_page(found)


if __name__ == "__main__":
    main()
