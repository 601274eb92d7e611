"""Rows of public data sets, cut to the size of a short study (real_studies.py). Equal files give equal rows."""

import bz2
import csv
import json
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

Row = dict[str, str]

STORIES = {"train": 40, "val": 8, "test": 14}
"""Stories of FairytaleQA by split."""
QUESTIONS_PER_STORY = 8
GSM8K_ROWS = {"train": 300, "validation": 30, "test": 600}
WIKISQL_ROWS = {"train": 1000, "dev": 60, "test": 150}


def write_fairytaleqa(datasets: Path, folder: Path) -> None:
    """Questions with their first answer, and every story that a question is about as a document."""
    source = datasets / "fairytaleqa" / "data-by-train-split"
    (folder / "stories").mkdir()
    for split, number in STORIES.items():
        rows: list[Row] = []
        questions = sorted((source / "questions" / split).glob("*-questions.csv"))
        for path in _drawn(questions, number, split):
            story = path.name.removesuffix("-questions.csv")
            sections = _read_csv(source / "section-stories" / split / f"{story}-story.csv")
            text = "\n\n".join(row["text"].strip() for row in sections)
            (folder / "stories" / f"{story}.txt").write_text(text, encoding="utf-8")
            title = story.replace("-", " ")
            rows += [
                {"prompt": f"{row['question']} (story: {title})", "completion": row["answer1"]}
                for row in _read_csv(path)[:QUESTIONS_PER_STORY]
                if row["answer1"].strip()
            ]
        _write(folder, {"val": "validation"}.get(split, split), rows)


def write_clinc150(datasets: Path, folder: Path, num_rows: int) -> None:
    """Sentences with their intent; the same validation and test rows for every number of training rows."""
    splits: dict[str, list[list[str]]] = json.loads(
        (datasets / "clinc150" / "data_full.json").read_text(encoding="utf-8")
    )
    for split, name, number in (("train", "train", num_rows), ("val", "validation", 300), ("test", "test", 600)):
        drawn = _drawn(splits[split], number, split)
        _write(folder, name, [{"prompt": text, "completion": label} for text, label in drawn])


def write_wikisql(datasets: Path, folder: Path) -> None:
    """Questions with the columns that the queries of their table use, and a query with its conditions in order.

    The rows have queries and no tables: `sql_result` makes tables for each reference. It names its conditions in the
    order of their columns, so that one set of conditions has one spelling to learn.
    """
    with bz2.open(datasets / "wikisql" / "wikisql.json.bz2", "rt", encoding="utf-8") as file:
        queries: list[dict[str, Any]] = json.load(file)
    columns: dict[str, set[str]] = {}
    for query in queries:
        for sentence in query["sentences"]:
            columns.setdefault(sentence["table-id"], set()).update(_columns(query["sql"][0]))
    rows: dict[str, list[Row]] = {split: [] for split in WIKISQL_ROWS}
    for query in queries:
        sentence = query["sentences"][0]
        prompt = f"{sentence['original'].strip()}\nColumns: {', '.join(sorted(columns[sentence['table-id']]))}"
        sql = _sql(query["sql"][0], sentence["variables"])
        if sql is not None:
            rows[sentence["question-split"]].append({"prompt": prompt, "completion": sql})
    for split, number in WIKISQL_ROWS.items():
        distinct = list({row["prompt"]: row for row in rows[split]}.values())
        _write(folder, {"dev": "validation"}.get(split, split), _drawn(distinct, number, split))


def write_gsm8k(datasets: Path, folder: Path) -> None:
    """Problems with their worked solution."""
    rows = {split: _read_jsonl(datasets / "gsm8k" / f"{split}.jsonl") for split in ("train", "test")}
    train = _drawn(rows["train"], GSM8K_ROWS["train"] + GSM8K_ROWS["validation"], "train")
    parts = {
        "train": train[: GSM8K_ROWS["train"]],
        "validation": train[GSM8K_ROWS["train"] :],
        "test": _drawn(rows["test"], GSM8K_ROWS["test"], "test"),
    }
    for split, part in parts.items():
        _write(folder, split, [{"prompt": row["question"], "completion": row["answer"]} for row in part])


def _columns(sql: str) -> set[str]:
    return {_column(name) for name in re.findall(r"TABLEalias0\.(\S+?)_FIELD", sql)}


def _column(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_").lower()


def _sql(sql: str, variables: dict[str, str]) -> str | None:
    """A query of one table in plain SQL: SELECT max(a) FROM t WHERE b = 'x' AND c > 3; None for an irregular one."""
    selected, _, conditions = sql.rstrip("; ").partition(" WHERE ")
    match = re.fullmatch(r"SELECT (?:(\w+) )?TABLEalias0\.(\S+?)_FIELD FROM TABLE AS TABLEalias0", selected.strip())
    if match is None or not _column(match[2]):
        return None
    column = f"{match[1].lower()}({_column(match[2])})" if match[1] else _column(match[2])
    found = []
    for condition in conditions.split(" AND ") if conditions else ():
        part = re.fullmatch(r'(?:TABLEalias0\.)?(\S+?)_FIELD (=|<|>) "?(\w+)"?', condition.strip())
        if part is None or not _column(part[1]):
            return None
        value = variables.get(part[3], part[3])
        quoted = value if re.fullmatch(r"-?\d+(\.\d+)?", value) else "'" + value.replace("'", "''") + "'"
        found.append(f"{_column(part[1])} {part[2]} {quoted}")
    return f"SELECT {column} FROM t" + (f" WHERE {' AND '.join(sorted(found))}" if found else "")


def _drawn(items: Sequence[Any], number: int, seed: str) -> list[Any]:
    return random.Random(f"real studies {seed}").sample(list(items), min(number, len(items)))


def _read_csv(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _read_jsonl(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _write(folder: Path, split: str, rows: Iterable[Row]) -> None:
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (folder / f"{split}.jsonl").write_text(text, encoding="utf-8")
