"""Run `tunewright study` on public data and write what it decides into docs/results.md.

    python benchmarks/real_studies.py [--datasets ../shared/data/datasets] [--only NAME ...]

Each study is cut to a size that takes less than ten minutes on two cores, so the figures show what the bundled base and
these arms do with little data, and not what the data sets can show. With --only, the sections of the other studies are
kept from the last run (benchmarks/results/real_studies.json).
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from real_study_rows import write_clinc150, write_fairytaleqa, write_gsm8k, write_wikisql

from tunewright.records import StudyReport, format_amount, format_estimate

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "real_studies.json"
PAGE = ROOT / "docs" / "results.md"
BEGIN, END = "<!-- begin real studies -->\n", "<!-- end real studies -->\n"
COMMON = ("--set", "few_shot.k=[2]", "--set", "retrieval.k=[2]", "--set", "max_validation_inputs=30")


@dataclass(frozen=True)
class RealStudy:
    """One study. Files that its command names are written into a scratch folder first."""

    name: str
    title: str
    write: Callable[[Path, Path], None]
    """Given the folder of data sets and the scratch folder."""
    arguments: tuple[str, ...]


ROWS = ("train.jsonl", "--validation", "validation.jsonl", "--test", "test.jsonl", "--base", "bundled")


def _clinc(num_rows: int) -> RealStudy:
    return RealStudy(
        f"clinc150_{num_rows}",
        f"CLINC150: one of 150 intents, {num_rows:,} training rows",
        lambda source, folder: write_clinc150(source, folder, num_rows),
        (*ROWS, "--set", "evaluate.max_inputs=150"),
    )


STUDIES = (
    RealStudy(
        "fairytaleqa",
        "FairytaleQA: questions about stories, with the stories as documents",
        write_fairytaleqa,
        (*ROWS, "--documents", "stories", "--set", "evaluate.metrics=[token_f1,exact_match]"),
    ),
    *map(_clinc, (200, 1000, 5000)),
    RealStudy(
        "wikisql",
        "WikiSQL: a question and the columns of a table to SQL",
        write_wikisql,
        (*ROWS, "--set", "evaluate.metrics=[exact_match,code_parses,chrf]"),
    ),
    RealStudy("gsm8k", "GSM8K: school arithmetic in words", write_gsm8k, ROWS),
)


def run(study: RealStudy, datasets: Path, scratch: Path) -> str:
    """Run one study; returns its section of the page."""
    study.write(datasets, scratch)
    arguments = [str(scratch / word) if (scratch / word).exists() else word for word in (*study.arguments, *COMMON)]
    record = scratch / "report.json"
    command = [sys.executable, "-m", "tunewright", "study", *arguments, "--json", str(record)]
    started = time.monotonic()
    subprocess.run([*command, "--home", str(scratch / "home")], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    report = StudyReport.model_validate_json(record.read_bytes())
    return _section(study, report, time.monotonic() - started)


def _section(study: RealStudy, report: StudyReport, seconds: float) -> str:
    rows = report.data.num_rows
    lines = [
        f"### {study.title}\n",
        f"    tunewright study {' '.join((*study.arguments, *COMMON))}\n",
        f"{report.environment.processor}, torch {report.environment.packages['torch']}, {datetime.now(UTC):%Y-%m-%d}; "
        f"{seconds:.0f} s in all. Rows: {', '.join(f'{count:,} {split}' for split, count in rows.items())}; "
        f"{report.data.num_test_inputs:,} test inputs.\n",
        f"| arm | {report.headline.title} | to the best | tokens a request | 1,000 requests |",
        "|---|---|---|---|---|",
        *(_row(report, arm.name) for arm in report.arms),
        f"\n**{report.decision.headline}**\n",
    ]
    if report.constant and report.constant.estimate:
        figure = " ".join(format_estimate(report.constant.estimate, report.headline))
        lines.append(f"One answer to all inputs would reach {figure}.\n")
    return "\n".join(lines)


def _row(report: StudyReport, name: str) -> str:
    found = report.result(name, report.headline_metric).estimate
    value = " ".join(format_estimate(found, report.headline)) if found else "not measured"
    change = report.difference(name, report.best)
    figure = "the best"
    if change and change.estimate:
        figure = " ".join(format_estimate(change.estimate, report.headline, is_difference=True))
    facts = next(arm.facts for arm in report.arms if arm.name == name)
    tokens = f"{facts.prompt_tokens:,.0f} + {facts.answer_tokens:,.0f}"
    cost = format_amount(report.cost(name).per_thousand_requests, report.currency)
    return f"| {name} | {value} | {figure} | {tokens} | {cost} |"


INTRODUCTION = """\
## Studies on public data

Written by `python benchmarks/real_studies.py`. Each is cut to a size that takes less than ten minutes on two cores,
with the bundled base; the rules of the decision: [the study](study.md#the-decision).
"""


def write_page(sections: dict[str, str]) -> None:
    """Write the sections between the markers of docs/results.md; the other sections belong to other benchmarks."""
    known = [sections[study.name] for study in STUDIES if study.name in sections]
    block = BEGIN + "\n".join([INTRODUCTION, *known]) + END
    page = PAGE.read_text(encoding="utf-8")
    if BEGIN in page:
        page = re.sub(f"{BEGIN}.*?{END}", lambda _: block, page, flags=re.DOTALL)
    else:
        page = f"{page.rstrip()}\n\n{block}"
    PAGE.write_text(page, encoding="utf-8")


def main() -> None:
    """Run the studies and write their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "data" / "datasets")
    parser.add_argument("--only", nargs="*", choices=[study.name for study in STUDIES])
    arguments = parser.parse_args()
    sections = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    for study in STUDIES:
        if arguments.only and study.name not in arguments.only:
            continue
        scratch = Path(tempfile.mkdtemp())
        try:
            sections[study.name] = run(study, arguments.datasets.resolve(), scratch)
        finally:
            shutil.rmtree(scratch)
        RESULTS.write_text(json.dumps(sections, indent=1) + "\n", encoding="utf-8")
        write_page(sections)


if __name__ == "__main__":
    main()
