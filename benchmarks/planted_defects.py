"""Plant every kind of defect in clean rows and count what the data checks find, and what they report falsely.

    python benchmarks/planted_defects.py [--rows 3000]

Every defect is planted in a data set of its own, so that a find cannot be another defect's. Recall counts plants that
stand together in one finding of the check that is responsible. A false alarm is a row of the clean data sets that a
check reports; it has no defect, but something that looks like one. Writes the tables into docs/data-checks.md.
"""

import argparse
import json
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from typing import Any, get_args

from clean_rows import Kind, Row, clean_rows, question, sentence
from planted import DEFECTS
from planting import DataSet, Defect, planted

from tunewright.contracts import SilentProgress
from tunewright.data import RowsUnderBase, examine
from tunewright.data.checks.run import CHECKS
from tunewright.model.load import context_length
from tunewright.outside.hub import find_base
from tunewright.records import CheckResult, DataRecipe
from tunewright.render import load_renderer
from tunewright.train.defaults import answer_room

PAGE = Path(__file__).parents[1] / "docs" / "data-checks.md"
MAX_MISSES_SHOWN = 3


@dataclass(frozen=True)
class Recall:
    """How much of one defect was found."""

    defect: Defect
    num_planted: int
    missed: tuple[str, ...]
    """What was planted and not found."""

    @property
    def num_found(self) -> int:
        return self.num_planted - len(self.missed)


@dataclass(frozen=True)
class Alarms:
    """What was found where nothing is wrong."""

    num_rows: Counter[Kind]
    num_reported: Counter[str]
    """Rows by check."""


def measure_recall(defect: Defect, num_rows: int, seed: int = 0) -> Recall:
    """Plant one defect and look for it."""
    data = planted(defect, num_rows, seed)
    (result,) = (result for result in run_checks(data, only=defect.check) if result.check == defect.check)
    findings_of: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for places in _places(result):
        for place in places:
            findings_of[place].append(places)
    missed = tuple(
        plant.what
        for plant in data.plants
        if not any(places.issuperset(plant.places) for places in findings_of[plant.places[0]])
    )
    return Recall(defect, len(data.plants), missed)


def measure_alarms(num_rows: int, seed: int = 0) -> Alarms:
    """Run all checks on clean rows of every kind, some of them held out."""
    reported: Counter[str] = Counter()
    looked_at: Counter[Kind] = Counter()
    for kind in get_args(Kind):
        random = Random(f"{kind} {seed}")
        data = DataSet(kind, clean_rows(kind, num_rows, random), held_out=clean_rows(kind, num_rows // 5, random))
        data.benchmark = [f"{question(random)} {sentence(random)}" for _ in range(num_rows // 5)]
        data.protected = [" ".join(sentence(random) for _ in range(8)) for _ in range(num_rows // 5)]
        data.base = kind != "tools"  # the plain template of the bundled base writes no calls
        looked_at[kind] += len(data.rows) + len(data.held_out)
        for result in run_checks(data):
            if result.skipped is None:
                reported[result.check] += len({place for places in _places(result) for place in places})
    return Alarms(looked_at, reported)


def run_checks(data: DataSet, only: str | None = None) -> tuple[CheckResult, ...]:
    """All checks or one of them, through files, as `tunewright check` does it."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recipe: dict[str, Any] = {"path": _write_rows(folder / "rows.jsonl", data.rows)}
        checks: dict[str, Any] = {"skip": [check.id for check in CHECKS if only not in (None, check.id)]}
        if data.held_out:
            recipe["test_path"] = _write_rows(folder / "held_out.jsonl", data.held_out)
        for setting, texts in (("benchmarks", data.benchmark), ("protected", data.protected)):
            if texts:
                (folder / f"{setting}.txt").write_text("\n".join(texts), encoding="utf-8")
                checks[setting] = [str(folder / f"{setting}.txt")]
        if data.reference:
            (folder / "reference.txt").write_text("\n".join(data.reference), encoding="utf-8")
            checks["reference"] = str(folder / "reference.txt")
        whole = DataRecipe.model_validate({**recipe, "checks": checks})
        return examine(whole, None, SilentProgress(), base=_bundled_base() if data.base else None).results


@cache
def _bundled_base() -> RowsUnderBase:
    folder = find_base("bundled").folder
    return RowsUnderBase("bundled", load_renderer(folder), context_length(folder), answer_room, drops_unusable=False)


def _write_rows(path: Path, rows: Sequence[Row]) -> str:
    lines = (json.dumps(row.written or {"prompt": row.given, "completion": row.answer}) for row in rows)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8", newline="\n")
    return str(path)


def _places(result: CheckResult) -> list[frozenset[str]]:
    """`rows:12` for every row of every finding."""
    return [
        frozenset(
            f"{Path(name).stem}:{line}" for name, _, line in (place.rpartition(":") for place in finding.locations)
        )
        for finding in result.findings
    ]


def recall_table(recalls: Iterable[Recall]) -> str:
    """One line per defect."""
    lines = [
        "| check | planted | n | found | recall [95 %] | examples of what was missed |",
        "|---|---|---:|---:|---|---|",
    ]
    for recall in recalls:
        shown = ", ".join(f"`{_cell(missed)}`" for missed in list(dict.fromkeys(recall.missed))[:MAX_MISSES_SHOWN])
        share = with_interval(recall.num_found, recall.num_planted)
        defect = recall.defect
        lines.append(
            f"| `{defect.check}` | {defect.name} | {recall.num_planted} | {recall.num_found} | {share} | {shown} |"
        )
    return "\n".join(lines) + "\n"


def alarm_text(alarms: Alarms) -> str:
    """One sentence for all checks that reported nothing, one line for every other."""
    total = alarms.num_rows.total()
    silent = sum(not number for number in alarms.num_reported.values())
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in alarms.num_rows.items())
    lines = [f"On {total:,} clean rows ({kinds}), {silent} checks report none: {with_interval(0, total, digits=3)}."]
    for check, number in sorted(alarms.num_reported.items()):
        if number:
            lines.append(f"- `{check}` reports {number}: {with_interval(number, total, digits=2)}")
    return "\n".join(lines) + "\n"


def with_interval(number: int, total: int, digits: int = 1) -> str:
    """A share with its 95 % interval after Wilson (1927)."""
    from scipy.stats import binomtest

    interval = binomtest(number, total).proportion_ci(method="wilson")
    return f"{number / total:.{digits}%} [{100 * interval.low:.{digits}f}, {100 * interval.high:.{digits}f}]"


def _cell(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|").replace("\n", " ")


def update_page(recalls: Sequence[Recall], alarms: Alarms) -> None:
    """Replace what stands between the markers of the page."""
    begin, end = "<!-- begin planted defects -->\n", "<!-- end planted defects -->"
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(begin)
    if not found:
        raise SystemExit(f"{PAGE}: no line {begin.strip()}")
    after = rest.partition(end)[2]
    PAGE.write_text(
        f"{before}{begin}{alarm_text(alarms)}\n{recall_table(recalls)}{end}{after}", encoding="utf-8", newline="\n"
    )


def main() -> None:
    """Measure everything and bring the page up to date."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3000, help="rows of each data set (default: %(default)s)")
    num_rows: int = parser.parse_args().rows
    recalls = []
    for defect in DEFECTS:
        recalls.append(measure_recall(defect, num_rows))
        print(recall_table(recalls[-1:]).splitlines()[-1], flush=True)
    alarms = measure_alarms(num_rows)
    print(alarm_text(alarms))
    update_page(recalls, alarms)
    print(f"-> {PAGE}")


if __name__ == "__main__":
    main()
