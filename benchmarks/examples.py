"""Run the documented examples and write docs/results.md from what they report.

    python benchmarks/examples.py [--datasets ../shared/data/datasets] [--only NAME ...]

Each example is the command a user would type, in a process of its own. With --only, the sections of the other examples
are kept from the last run (benchmarks/results/examples.json).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tunewright.records import Difference, Report, format_estimate

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "examples.json"
PAGE = ROOT / "docs" / "results.md"
DEMO = "src/tunewright/bundled/demo/tickets.jsonl"


@dataclass(frozen=True)
class Example:
    """One command. Words that name a file of `files` are replaced by where that file lies."""

    name: str
    title: str
    arguments: tuple[str, ...]
    files: dict[str, str]
    """Name in the command: path under the folder of data sets."""
    note: str = ""
    """What stands below the figures."""


EXAMPLES = (
    Example(
        "demo",
        "Support tickets to house JSON (the demo)",
        (DEMO, "--base", "bundled"),
        {},
        "With the bases bundled before, exact match was 97 % [90, 99] (until 2026-11-29), 88 % [78, 93] (8M "
        "parameters, 13M tokens) and 96 % [88, 99] (mini-base-v0, on which the defaults were chosen).",
    ),
    Example(
        "e2e_nlg",
        "E2E NLG: facts about a restaurant to a sentence",
        ("devset.csv", "--input", "mr", "--output", "ref", "--base", "bundled"),
        {"devset.csv": "e2e_nlg/devset.csv"},
        "It costs 0.9 points [-0.4, 2.3] of general ability. With the base bundled until 2026-11-29 chrF was 67.8 % "
        "[65.2, 70.3] at 3.1 points [1.1, 5.3], and 69.6 % [67.2, 72.3] without rehearsal; with mini-base-v0 67.3 % "
        "[65.1, 69.4].",
    ),
    Example(
        "clinc150",
        "CLINC150: a sentence to one of 150 intents",
        (
            *("train.jsonl", "--validation", "validation.jsonl", "--test", "test.jsonl", "--base", "bundled"),
            *("--set", "evaluate.max_inputs=1000"),
        ),
        {},
        "The adapter is kept at 0.8 of its strength: at full strength it loses 6.2 points [3.5, 9.3] of grammar, which "
        "is beyond the limits. With the base bundled on 2026-11-26, without limits or rehearsal, accuracy was 88.3 % "
        "[86.3, 90.3]; with the default learning rate of before, 0.004, it ended at 2.9 % [1.9, 4.0] ([lab "
        "notebook](lab-notebook.md)).",
    ),
    Example(
        "gsm8k",
        "GSM8K: school arithmetic in words",
        (
            *("train.jsonl", "--test", "test.jsonl", "--input", "question", "--output", "answer", "--base", "bundled"),
            *("--set", "evaluate.max_inputs=300", "--set", "train.epochs=0.5"),
        ),
        {"train.jsonl": "gsm8k/train.jsonl", "test.jsonl": "gsm8k/test.jsonl"},
        "The adapter is kept at 0.8 of its strength: at full strength it copies and follows instructions 11 points [5, "
        "18] worse, which is beyond the limits. With the base bundled on 2026-11-26, without limits or rehearsal, it "
        "ended at 1.7 % [0.7, 3.8] with a chrF of 20.0 % [18.9, 21.0]; with mini-base-v0 (padded batches) after 737 s "
        "at 2.0 % [0.9, 4.3] with 19.0 % [18.0, 20.0].",
    ),
)


def run(example: Example, datasets: Path, scratch: Path) -> str:
    """Run one example; returns its section of the page."""
    files = {name: str(datasets / path) for name, path in example.files.items()}
    if example.name == "clinc150":
        source = str(datasets / "clinc150" / "data_full.json")
        converter = str(ROOT / "examples" / "clinc150" / "convert.py")
        subprocess.run([sys.executable, converter, source, str(scratch)], check=True)
        files = {f"{split}.jsonl": str(scratch / f"{split}.jsonl") for split in ("train", "validation", "test")}
    record = scratch / "report.json"
    arguments = [files.get(word, word) for word in example.arguments]
    command = [sys.executable, "-m", "tunewright", "tune", *arguments, "--json", str(record)]
    started = time.monotonic()
    subprocess.run([*command, "--home", str(scratch / "home")], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    report = Report.model_validate_json(record.read_bytes())
    return _section(example, report, time.monotonic() - started)


def write_page(sections: dict[str, str]) -> None:
    """Write docs/results.md."""
    known = [
        sections[example.name] + (f"\n{example.note}\n" if example.note else "")
        for example in EXAMPLES
        if example.name in sections
    ]
    # Sections between markers belong to other benchmarks.
    others = re.findall(r"<!-- begin .*?<!-- end [^>]*-->\n", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    PAGE.write_text("\n".join([INTRODUCTION, *known, *others]), encoding="utf-8")


INTRODUCTION = """\
# Measured results

Written by `python benchmarks/examples.py` (part of `make bench`) from the reports of the commands shown. Every figure
is on held-out rows, base and tuned on the same ones; brackets hold 95 % intervals; n counts distinct inputs. How they
are computed: [how it works](how-it-works.md). Where the data comes from: the README of each example under `examples/`.

One run and one seed each. The defaults were chosen on validation rows of some of this data; that, and the conditions
of each run: [lab notebook](lab-notebook.md).
"""


def _section(example: Example, report: Report, seconds: float) -> str:
    assert report.training
    lines = [
        f"## {example.title}\n",
        f"    tunewright tune {' '.join(example.arguments)}\n",
        f"{report.environment.processor}, torch {report.environment.packages['torch']}, {datetime.now(UTC):%Y-%m-%d}; "
        f"{seconds:.0f} s in all, {report.training.seconds:.0f} s of them training "
        f"({report.training.num_steps} of {report.training.num_planned_steps} steps, the best after "
        f"{report.training.best_step}), {report.training.peak_memory_bytes / 1e9:.1f} GB of memory. "
        f"Rows: {', '.join(f'{count:,} {split}' for split, count in report.data.num_rows.items())}.\n",
        "| metric | n | base | tuned | difference | verdict |",
        "|---|---|---|---|---|---|",
        *_rows(report),
        f"\n{report.summary}\n",
    ]
    return "\n".join(lines)


def _rows(report: Report) -> list[str]:
    estimates = {(result.metric, result.arm): result.estimate for result in report.results}
    differences: dict[str, Difference] = {difference.metric: difference for difference in report.differences}
    rows = []
    for metric in report.metrics:
        base, tuned = (estimates[metric.name, arm] for arm in report.arms)
        difference = differences[metric.name]
        num_rows = base.num_rows if base else 0
        figures = [(base, False), (tuned, False), (difference.estimate, True)]
        cells = [
            " ".join(format_estimate(figure, metric, is_difference=is_difference)) if figure else "unscored"
            for figure, is_difference in figures
        ]
        title = metric.title if metric.higher_is_better else f"{metric.title} (lower is better)"
        rows.append(f"| {title} | {num_rows:,} | {' | '.join(cells)} | {difference.verdict} |")
    return rows


def main() -> None:
    """Run the examples and write their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "data" / "datasets")
    parser.add_argument("--only", nargs="*", choices=[example.name for example in EXAMPLES])
    arguments = parser.parse_args()
    sections = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for example in EXAMPLES:
        if arguments.only and example.name not in arguments.only:
            continue
        if example.name != "demo" and not arguments.datasets.is_dir():
            print(f"{example.name}: no folder {arguments.datasets}, kept as it was", file=sys.stderr)
            continue
        scratch = Path(tempfile.mkdtemp())
        try:
            sections[example.name] = run(example, arguments.datasets.resolve(), scratch)
        finally:
            shutil.rmtree(scratch)
        RESULTS.write_text(json.dumps(sections, indent=1) + "\n", encoding="utf-8")
        write_page(sections)


if __name__ == "__main__":
    main()
