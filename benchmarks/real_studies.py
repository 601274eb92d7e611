"""Run `tunewright study` on public data and write what it decides into docs/results.md.

    python benchmarks/real_studies.py [--datasets ../shared/data/datasets] [--only NAME ...]

Each study is cut to a size that takes a few minutes on two cores, so the figures show what the bundled base and
these arms do with little data, and not what the data sets can show. With --only, the sections of the other studies are
kept from the last run (benchmarks/results/real_studies.json).
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from real_study_rows import write_clinc150, write_fairytaleqa, write_gsm8k, write_wikisql
from results_page import write_block

from tunewright.records import Metric, StudyReport, format_amount, format_estimate

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "real_studies.json"
COMMON = (
    *("--set", "few_shot.k=[2]", "--set", "retrieval.k=[2]", "--set", "max_validation_inputs=30"),
    *("--set", "retention.enabled=false"),  # for the time; what tuning costs in general ability is another question
)


@dataclass(frozen=True)
class RealStudy:
    """One study. Files that its command names are written into a scratch folder first."""

    name: str
    title: str
    write: Callable[[Path, Path], None]
    """Given the folder of data sets and the scratch folder."""
    arguments: tuple[str, ...]

    @property
    def command(self) -> tuple[str, ...]:
        """What follows `tunewright study`; a recipe says everything itself."""
        return self.arguments if "--recipe" in self.arguments else (*self.arguments, *COMMON)


ROWS = ("train.jsonl", "--validation", "validation.jsonl", "--test", "test.jsonl", "--base", "bundled")


def _clinc(num_rows: int) -> RealStudy:
    epochs = ("--set", "train.epochs=1") if num_rows > 1000 else ()
    return RealStudy(
        f"clinc150_{num_rows}",
        f"CLINC150: one of 150 intents, {num_rows:,} training rows",
        lambda source, folder: write_clinc150(source, folder, num_rows),
        (*ROWS, "--set", "evaluate.metrics=[exact_match]", *epochs),
    )


CLINC150_ROWS = (200, 1000, 5000, 10_000)
STUDIES = (
    RealStudy(
        "demo",
        "The demo: tickets to file, and questions about a handbook whose prices change",
        lambda source, folder: None,  # its files come with the package
        ("--recipe", "examples/demo/study.yaml"),
    ),
    RealStudy(
        "fairytaleqa",
        "FairytaleQA: questions about stories, with the stories as documents",
        write_fairytaleqa,
        (
            *ROWS,
            "--documents",
            "stories",
            "--set",
            "evaluate.metrics=[token_f1,exact_match]",
            "--set",
            "train.epochs=1",
        ),
    ),
    *map(_clinc, CLINC150_ROWS),
    RealStudy(
        "wikisql",
        "WikiSQL: a question and the columns of a table to SQL",
        write_wikisql,
        (*ROWS, "--set", "evaluate.metrics=[sql_result,sql_conditions,exact_match]"),
    ),
    RealStudy("gsm8k", "GSM8K: school arithmetic in words", write_gsm8k, (*ROWS, "--set", "train.epochs=1")),
)


def run(study: RealStudy, datasets: Path, scratch: Path) -> str:
    """Run one study; returns its section of the page."""
    study.write(datasets, scratch)
    arguments = [str(scratch / word) if (scratch / word).exists() else word for word in study.command]
    record = scratch / "report.json"
    command = [sys.executable, "-m", "tunewright", "study", *arguments, "--json", str(record)]
    subprocess.run([*command, "--home", str(scratch / "home")], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return section(study, StudyReport.model_validate_json(record.read_bytes()))


def section(study: RealStudy, report: StudyReport) -> str:
    """What the page says about one study."""
    seconds = sum(report.seconds.values())
    rows = ", ".join(f"{count:,} {split}" for split, count in report.data.num_rows.items())
    lines = [
        f"### {study.title}\n",
        f"    tunewright study {' '.join(study.command)}\n",
        f"{report.environment.processor}, torch {report.environment.packages['torch']}, {report.created_at[:10]}; "
        f"{seconds:.0f} s for all arms, trainings included. Rows: {rows}; "
        f"{report.data.num_test_inputs:,} test inputs.\n",
        f"| arm | {report.headline.title} | to the best | tokens a request | 1,000 requests |",
        "|---|---|---|---|---|",
        *(_row(report, arm.name) for arm in report.arms),
        f"\n**{report.decision.headline}**\n",
    ]
    if report.constant and report.constant.estimate:
        figure = " ".join(format_estimate(report.constant.estimate, report.headline))
        lines.append(f"One answer to all inputs would reach {figure}.\n")
    lines += [*_by_metric(report), *_by_source(report), *_after_the_change(report)]
    return "\n".join(lines)


def _by_metric(report: StudyReport) -> list[str]:
    """The arms under the other metrics, where there are some."""
    others = [metric for metric in report.metrics if metric.name != report.headline_metric]
    if not others:
        return []

    def value(arm: str, metric: Metric) -> str:
        found = report.result(arm, metric.name).estimate
        return " ".join(format_estimate(found, metric)) if found else "not measured"

    return [
        f"| arm | {' | '.join(metric.title for metric in others)} |",
        f"|---{'|---' * len(others)}|",
        *(f"| {arm.name} | {' | '.join(value(arm.name, metric) for metric in others)} |" for arm in report.arms),
        "",
    ]


def _by_source(report: StudyReport) -> list[str]:
    """The arms on each source of the rows, where there are several."""
    found = [part for part in report.slices if part.slice == "source"]
    sources = list(dict.fromkeys(part.value for part in found))
    if not sources:
        return []
    sizes = {part.value: part.num_items for part in found}
    values = {
        (part.arm, part.value): " ".join(format_estimate(part.estimate, report.headline)) if part.estimate else "none"
        for part in found
    }
    return [
        f"| arm | {' | '.join(f'{source} (n = {sizes[source]})' for source in sources)} |",
        f"|---{'|---' * len(sources)}|",
        *(f"| {arm.name} | {' | '.join(values[arm.name, source] for source in sources)} |" for arm in report.arms),
        "",
    ]


def _after_the_change(report: StudyReport) -> list[str]:
    """Who followed when the documents were exchanged."""
    if not report.updated:
        return []
    return [
        f"After the documents were exchanged, on {report.updated[0].num_items} questions whose answer changed:\n",
        "| arm | new answer | old answer | neither | verdict |",
        "|---|---|---|---|---|",
        *(
            f"| {found.arm} | {found.num_new} | {found.num_old} | {found.num_neither} | {found.outcome} |"
            for found in report.updated
        ),
        "",
    ]


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
## Studies: every way to answer on the same rows

Written by `python benchmarks/real_studies.py`. Each is cut to a size that takes a few minutes on two cores,
with the bundled base (11.5M parameters, one epoch where the command says so), so the figures show what this base does
with little data; the rules of the decision: [the study](study.md#the-decision). What stands out: labels
are worth tuning for, from 20 % with 200 rows to 82 % with 10,000 (25 % by examples); school arithmetic is beyond
this base whatever is done with it (the honest "no" of GSM8K, on 600 problems); with questions about stories the study
says how many more rows would tell whether an arm is above one answer to all inputs; of WikiSQL's queries 8 % select
what they should when they are executed, after 1,000 rows, and none do without training. Figures are those of the
bundled base at the date of each.
"""


def _learning_curve(sections: dict[str, str]) -> list[str]:
    """CLINC150 by training rows, an arm in each line, from the tables of its studies."""
    values: dict[str, dict[int, str]] = {}
    for num_rows in CLINC150_ROWS:
        for line in sections.get(f"clinc150_{num_rows}", "").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if line.startswith("| ") and cells[0] != "arm":
                values.setdefault(cells[0], {})[num_rows] = cells[1]
    if not values:
        return []
    found = sorted({num_rows for row in values.values() for num_rows in row})
    return [
        "### CLINC150: the learning curve\n\nExact match by the number of training rows:\n",
        f"| arm | {' | '.join(f'{num_rows:,}' for num_rows in found)} |",
        f"|---{'|---' * len(found)}|",
        *(f"| {arm} | {' | '.join(row.get(num_rows, '') for num_rows in found)} |" for arm, row in values.items()),
        "",
    ]


def write_page(sections: dict[str, str]) -> None:
    """Write the sections between the markers of docs/results.md; the other sections belong to other benchmarks."""
    known = [sections[study.name] for study in STUDIES if study.name in sections]
    write_block("real studies", "\n".join([INTRODUCTION, *_learning_curve(sections), *known]))


def main() -> None:
    """Run the studies and write their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=Path, default=ROOT.parent / "shared" / "data" / "datasets")
    parser.add_argument("--report", nargs=2, metavar=("NAME", "FILE"), help="a report.json that is there already")
    parser.add_argument("--only", nargs="*", choices=[study.name for study in STUDIES])
    arguments = parser.parse_args()
    sections = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    by_name = {study.name: study for study in STUDIES}
    if arguments.report:
        name, file = arguments.report
        sections[name] = section(by_name[name], StudyReport.model_validate_json(Path(file).read_bytes()))
    for study in by_name.values() if not arguments.report else ():
        if arguments.only and study.name not in arguments.only:
            continue
        scratch = Path(tempfile.mkdtemp())
        try:
            sections[study.name] = run(study, arguments.datasets.resolve(), scratch)
        finally:
            shutil.rmtree(scratch)
        RESULTS.write_text(json.dumps(sections, indent=1) + "\n", encoding="utf-8")
    RESULTS.write_text(json.dumps(sections, indent=1) + "\n", encoding="utf-8")
    write_page(sections)


if __name__ == "__main__":
    main()
