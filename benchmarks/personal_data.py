"""Measure what the check for personal data finds and what it raises falsely, as Markdown.

    python benchmarks/personal_data.py [--data ../shared/data]

Recall is measured on the synthetic sample of presidio-research (generated_small.json), where the place of every value
is known. A value counts as found when it is found whole. False alarms are counted on data without personal values.
"""

import argparse
import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path

from tunewright.data.checks.check import checked_row
from tunewright.data.checks.personal import PersonalKind, find_personal_data
from tunewright.data.checks.secrets import find_secrets
from tunewright.data.read import read_rows
from tunewright.records import DataRecipe

ROOT = Path(__file__).parents[1]
SAMPLE = "dirty/presidio_pii/generated_small.json"
LOOKED_FOR = {
    "CREDIT_CARD": PersonalKind.CARD,
    "EMAIL_ADDRESS": PersonalKind.EMAIL,
    "IBAN_CODE": PersonalKind.IBAN,
    "IP_ADDRESS": PersonalKind.IP,
    "PHONE_NUMBER": PersonalKind.PHONE,
    "US_SSN": PersonalKind.SOCIAL_SECURITY,
}
CLEAN = (
    DataRecipe(path="datasets/gsm8k/train.jsonl", input="question", output="answer"),
    DataRecipe(path="datasets/gsm8k/test.jsonl", input="question", output="answer"),
    DataRecipe(path="datasets/e2e_nlg/devset.csv", input="mr", output="ref"),
)
DEMO = DataRecipe(path=str(ROOT / "src/tunewright/bundled/demo/tickets.jsonl"))


@dataclass(frozen=True)
class Recall:
    """What was found of each presidio entity type."""

    num_planted: Counter[str]
    missed: dict[str, list[str]]
    """Values not found, by entity type."""
    alarms: list[str]
    """Values found where the sample has none of a type that is looked for."""


def measure_recall(sample: Path) -> Recall:
    """Look for every planted value of the sample."""
    num_planted: Counter[str] = Counter()
    missed: defaultdict[str, list[str]] = defaultdict(list)
    alarms = []
    for item in json.loads(sample.read_text(encoding="utf-8")):
        found = {(value.start, value.end, value.kind) for value in find_personal_data(item["full_text"])}
        for span in item["spans"]:
            kind = span["entity_type"]
            num_planted[kind] += 1
            place = (span["start_position"], span["end_position"], LOOKED_FOR.get(kind))
            if place not in found:
                missed[kind].append(span["entity_value"])
            found.discard(place)
        alarms += [item["full_text"][start:end] for start, end, _ in sorted(found)]
    return Recall(num_planted, missed, alarms)


def recall_table(recall: Recall) -> str:
    """One line per entity type, with the values that were missed."""
    lines = ["| entity type | planted | found | recall | missed |", "|---|---:|---:|---:|---|"]
    for kind in sorted(recall.num_planted, key=lambda kind: (kind not in LOOKED_FOR, kind)):
        planted, missed = recall.num_planted[kind], recall.missed.get(kind, [])
        if kind in LOOKED_FOR:
            num_found = planted - len(missed)
            shown = ", ".join(f"`{value}`" for value in missed) or "none"
            lines.append(f"| {kind} | {planted} | {num_found} | {num_found / planted:.0%} | {shown} |")
        else:
            lines.append(f"| {kind} | {planted} | | not looked for | |")
    shown = ", ".join(f"`{value}`" for value in recall.alarms) or "none"
    return "\n".join([*lines, "", f"Found beside the planted values: {shown}."])


def alarm_table(data: Path) -> str:
    """One line per file in which nothing should be found."""
    lines = [
        "| data without personal values | rows | rows with personal data | rows with secrets |",
        "|---|---:|---:|---:|",
    ]
    for recipe in (*CLEAN, DEMO):
        rows = [checked_row(example) for example in read_rows(str(data / recipe.path), recipe, None).examples]
        num_personal = sum(any(map(find_personal_data, row.texts)) for row in rows)
        num_secret = sum(any(map(find_secrets, row.texts)) for row in rows)
        lines.append(f"| {'/'.join(Path(recipe.path).parts[-2:])} | {len(rows)} | {num_personal} | {num_secret} |")
    return "\n".join(lines)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data: Path = parser.parse_args().data
    print(recall_table(measure_recall(data / SAMPLE)))
    print()
    print(alarm_table(data))


if __name__ == "__main__":
    main()
