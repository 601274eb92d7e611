"""Look for defects that are known to be in public files, and count them a second time without the library.

    python benchmarks/real_files.py [--data ../shared/data]

Every line of the table is one defect of one file: where it is by a few lines of plain Python over the raw rows, and
where `tunewright check` finds it. Nothing of what is measured is used for the count. Personal data is counted by the
spans that Microsoft's presidio sample comes with. Writes the tables into docs/results.md.
"""

import argparse
import json
import re
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from personal_data import SAMPLE, alarm_table, measure_recall, recall_table
from plain_counts import (
    Places,
    Row,
    answering,
    copies,
    holding,
    is_misread,
    later_copies,
    numbered,
    texts_of,
    with_odd_calls,
)

from tunewright.contracts import SilentProgress
from tunewright.data import Unreadable, examine
from tunewright.data.checks.run import CHECKS
from tunewright.records import CheckRecipe, CheckResult, DataRecipe

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
PAGE = ROOT / "docs" / "results.md"
BEGIN, END = "<!-- begin real files -->\n", "<!-- end real files -->\n"
CLINC150 = "datasets/clinc150/data_full.json"
TOY = "dirty/openai_cookbook_toy/toy_chat_fine_tuning.jsonl"
DEMOS = "dirty/llamafactory_demo"
SHAREGPT = "dirty/fastchat_sharegpt/data/dummy_conversation.json"
SPLITS = {"train": "train", "validation": "val", "test": "test"}


@dataclass(frozen=True)
class Known:
    """One defect of one file, counted twice."""

    file: str
    what: str
    check: str
    there: Places
    """By plain Python."""
    found: Places
    may_find_more: bool = False
    """Whether the check looks for more than the plain count does."""

    @property
    def missed(self) -> Places:
        return self.there - self.found

    @property
    def more(self) -> Places:
        return self.found - self.there


def look(recipe: DataRecipe, wanted: Iterable[str]) -> Mapping[str, CheckResult]:
    """What `tunewright check` finds, by check. Those that are not wanted are left out to save time."""
    kept = set(wanted)
    skip = tuple(check.id for check in CHECKS if check.id not in kept)
    recipe = recipe.model_copy(update={"checks": CheckRecipe(skip=skip)})
    results = examine(recipe, None, SilentProgress(), unreadable=Unreadable()).results
    return {result.check: result for result in results}


def places(result: CheckResult, *, in_files: bool = False) -> Places:
    """All rows of all findings, `train:12` where there are several files."""
    found = set()
    for finding in result.findings:
        for place in finding.locations:
            path, _, row = place.rpartition(":")
            found.add(f"{Path(path).stem}:{row.split()[0]}" if in_files else row.split()[0])
    return frozenset(found)


def clinc150(data: Path) -> list[Known]:
    """Sentences of its training split that stand in another split too."""
    splits: dict[str, list[list[str]]] = json.loads((data / CLINC150).read_text(encoding="utf-8"))
    found = _look_at_splits(splits)
    rows = [
        (f"{split}:{number}", split, text, label)
        for split, of_file in SPLITS.items()
        for number, (text, label) in enumerate(splits[of_file], start=1)
    ]
    of_row, of_text, of_words = defaultdict(set), defaultdict(set), defaultdict(set)
    for row in rows:
        of_row[row[2:]].add(row)
        of_text[row[2]].add(row)
        of_words[" ".join(re.findall("[a-z0-9]+", row[2])), row[3]].add(row)

    def spread(groups: Iterable[set[tuple[str, str, str, str]]]) -> Places:
        """The rows of groups that stand in several splits."""
        return frozenset(row[0] for group in groups if len({row[1] for row in group}) > 1 for row in group)

    several = [group for group in of_text.values() if len({row[3] for row in group}) > 1]
    same_words = [group for group in of_words.values() if len({row[2] for row in group}) > 1]
    with_two_intents = frozenset(row[0] for group in several for row in group)
    leaking = _in_train(spread(same_words)) - spread(of_text.values())
    leakage = "training sentence with the words and the intent of a held-out one"
    return [
        Known(
            "CLINC150", "sentence and intent in two splits", "duplicates", spread(of_row.values()), found["duplicates"]
        ),
        Known(
            "CLINC150",
            "sentence in two splits with two intents",
            "shared_inputs",
            spread(several),
            found["shared_inputs"],
        ),
        Known(
            "CLINC150", "sentence with two intents", "contradictions", with_two_intents, found["contradictions"], True
        ),
        Known("CLINC150", leakage, "leakage", leaking, _in_train(found["leakage"]), True),
    ]


def _look_at_splits(splits: Mapping[str, list[list[str]]]) -> Mapping[str, Places]:
    """What `tunewright check` finds in the three splits together, by check."""
    with tempfile.TemporaryDirectory() as name:
        paths = {}
        for split, of_file in SPLITS.items():
            paths[split] = str(Path(name) / f"{split}.jsonl")
            lines = [json.dumps({"prompt": text, "completion": label}) + "\n" for text, label in splits[of_file]]
            Path(paths[split]).write_text("".join(lines), encoding="utf-8")
        recipe = DataRecipe(path=paths["train"], validation_path=paths["validation"], test_path=paths["test"])
        results = look(recipe, ("contradictions", "leakage"))
    return {check: places(result, in_files=True) for check, result in results.items()}


def _in_train(found: Places) -> Places:
    return frozenset(place for place in found if place.startswith("train:"))


def toy_chat(data: Path) -> list[Known]:
    """The three of its five rows that OpenAI's notebook is there to point out."""
    rows = [json.loads(line) for line in (data / TOY).read_text(encoding="utf-8").splitlines()]
    results = look(DataRecipe(path=str(data / TOY)), ("missing_system_message", "repetition"))

    def roles(row: Row) -> list[str]:
        return [message["role"] for message in row["messages"]]

    def repeats(row: Row) -> bool:
        return bool(re.match(r"(.{5,40}?)\1{100}", row["messages"][-1]["content"]))

    return [
        Known(
            "OpenAI toy chat",
            "no user message",
            "unreadable_rows",
            numbered(rows, lambda row: "user" not in roles(row)),
            places(results["unreadable_rows"]),
        ),
        Known(
            "OpenAI toy chat",
            "no system message",
            "missing_system_message",
            numbered(rows, lambda row: "system" not in roles(row)),
            places(results["missing_system_message"]),
        ),
        Known(
            "OpenAI toy chat",
            "an answer in a loop",
            "repetition",
            numbered(rows, repeats),
            places(results["repetition"]),
        ),
    ]


def demo_files(data: Path) -> list[Known]:
    """LLaMA-Factory's demo rows, taken from several public data sets."""
    known = []
    for name, defects in DEMO_DEFECTS.items():
        path = data / DEMOS / name
        text = path.read_text(encoding="utf-8")
        rows = [json.loads(line) for line in text.splitlines()] if name.endswith("l") else json.loads(text)
        results = look(DataRecipe(path=str(path)), (check for _, check, _, _ in defects))
        later = later_copies(rows)
        for what, check, count, may_find_more in defects:
            # Of equal rows all are duplicates, and other checks see the first.
            there = count(rows) if check == "duplicates" else count(rows) - later
            known.append(Known(name, what, check, there, places(results[check]), may_find_more))
    return known


def sharegpt(data: Path) -> list[Known]:
    """FastChat's sample of ShareGPT's format: plain ASCII throughout, so that nothing may be found in its encoding."""
    rows = json.loads((data / SHAREGPT).read_text(encoding="utf-8"))
    results = look(DataRecipe(path=str(data / SHAREGPT)), ("mojibake", "invisible_characters"))
    odd = numbered(rows, lambda row: any(not text.isascii() for text in texts_of(row)))
    return [
        Known("ShareGPT sample", "a character beyond ASCII", check, odd, places(results[check]))
        for check in ("mojibake", "invisible_characters")
    ]


Defects = tuple[tuple[str, str, Callable[[Sequence[Row]], Places], bool], ...]
_COPIES: Defects = (("the same row twice", "duplicates", copies, False),)
_LOST: Defects = (("characters lost (U+FFFD)", "mojibake", holding("\ufffd"), True),)
_AI = ("an answer that begins with “As an AI”", "refusals", answering(r"As an AI\b"), True)
DEMO_DEFECTS: Mapping[str, Defects] = {
    "alpaca_en_demo.json": (*_COPIES, _AI),
    "alpaca_zh_demo.json": _COPIES,
    "c4_demo.jsonl": (
        *_LOST,
        ("a soft hyphen or a space of no width", "invisible_characters", holding("\u00ad", "\u200b", "\ufeff"), False),
    ),
    "dpo_en_demo.json": (
        *_COPIES,
        ("UTF-8 read as Windows-1252", "mojibake", lambda rows: numbered(rows, is_misread), True),
    ),
    "dpo_zh_demo.json": (*_COPIES, *_LOST),
    "glaive_toolcall_en_demo.json": (
        *_COPIES,
        ("a call that does not fit its declaration", "tool_calls", with_odd_calls, False),
    ),
    "glaive_toolcall_zh_demo.json": (
        *_COPIES,
        ("a call that does not fit its declaration", "tool_calls", with_odd_calls, False),
    ),
    "identity.json": (("{{name}} or {{author}} not filled in", "unfilled_placeholders", holding("{{"), False),),
    "kto_en_demo.json": (("UTF-8 read as Windows-1252", "mojibake", lambda rows: numbered(rows, is_misread), True),),
    "mllm_demo.json": (("a picture that is not there", "unfilled_placeholders", holding("<image>"), False),),
}


def all_known(data: Path) -> list[Known]:
    """Every defect of every file."""
    return [*clinc150(data), *toy_chat(data), *demo_files(data), *sharegpt(data)]


def table(known: Iterable[Known]) -> str:
    """One line per defect."""
    lines = [
        "| file | what is there | rows | found | missed | `check` | found beside |",
        "|---|---|---:|---:|---|---|---:|",
    ]
    for each in known:
        missed = ", ".join(sorted(each.missed)) or "none"
        found = len(each.there & each.found)
        what = each.what.replace("{{", "`{{").replace("}}", "}}`")
        lines.append(
            f"| {each.file} | {what} | {len(each.there)} | {found} | {missed} | `{each.check}` | {len(each.more)} |"
        )
    return "\n".join(lines)


def section(data: Path) -> str:
    """All tables, with what they mean."""
    return "\n".join(
        [
            "## Data checks: what is known to be in public files",
            "",
            "    python benchmarks/real_files.py",
            "",
            f"{datetime.now(UTC).date().isoformat()}. Rows counted by plain Python over the raw files (in the "
            "script), beside the rows that `tunewright check` finds. Where a check looks for more than the plain "
            "count, it finds more of the kind, such as refusals in other words. Of equal rows the first counts. "
            "FastChat's ShareGPT sample is plain ASCII: its encodings are in order, and nothing is reported.",
            "",
            table(all_known(data)),
            "",
            "Personal data of Microsoft's presidio sample (`generated_small.json`), by entity type. A value counts as "
            "found when it is found whole. Types that need a language model, such as names, are not looked for.",
            "",
            recall_table(measure_recall(data / SAMPLE)),
            "",
            "What is reported where no personal data is:",
            "",
            alarm_table(data),
            "",
        ]
    )


def write_page(text: str) -> None:
    """Put the section between its markers, at the end of the page if it is new."""
    before, found, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2] if found else ""
    before = before if found else f"{before.rstrip()}\n\n"
    PAGE.write_text(before + BEGIN + text + END + after, encoding="utf-8", newline="\n")


def main() -> None:
    """Print and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--dry", action="store_true", help="print only")
    arguments = parser.parse_args()
    text = section(arguments.data)
    print(text)
    if not arguments.dry:
        write_page(text)


if __name__ == "__main__":
    main()
