"""Local files of public benchmarks, as they are published: BLiMP's sentence pairs, PIQA's pairs of solutions.

Sources: Warstadt et al. 2020, "BLiMP: The Benchmark of Linguistic Minimal Pairs for English"; Bisk et al. 2020, "PIQA:
Reasoning about Physical Commonsense in Natural Language", asked as lm-evaluation-harness does.
"""

from collections.abc import Sequence
from pathlib import Path

from tunewright.data.jsonl import read_jsonl
from tunewright.data.refusals import ReadLog, RefusedError, join_names
from tunewright.errors import DataError, Problem, RecipeError
from tunewright.evaluate.retention.item import Item, Kind, Part, share_metric, two_sentences
from tunewright.records.text_file import not_a_file, read_text_file

_Row = dict[str, object]
_BLIMP_KEYS = ("sentence_good", "sentence_bad")
_PIQA_KEYS = ("goal", "sol1", "sol2")


def read_benchmark(path: Path) -> Part:
    """Read one file as a part of the suite, named after the file.

    The labels of PIQA are read from the file beside it: `valid.jsonl` has them in `valid-labels.lst`.

    Raises:
        DataError: the file cannot be read, a row has neither form, or rows and labels do not fit together.
    """
    rows = _read_rows(path)
    is_piqa = set(_PIQA_KEYS) <= rows[0][1].keys()
    labels = _read_labels(path, len(rows)) if is_piqa else ()
    log = ReadLog(str(path))
    items = []
    for index, (number, row) in enumerate(rows):
        try:
            items.append(_piqa_item(row, labels[index]) if is_piqa else _blimp_item(row))
        except RefusedError as refused:
            log.refuse(number, refused)
    log.raise_if_refused()
    benchmark = "solutions (PIQA)" if is_piqa else "sentences (BLiMP)"
    explanation = f"Share of pairs of {benchmark} in which the right one is the more probable."
    metric = share_metric(path.stem, path.stem.replace("_", " "), explanation)
    # Questions to refuse and questions to answer often take turns.
    return Part(metric, Kind.CHOICE, tuple(items), num_kinds=2)


def _read_rows(path: Path) -> list[tuple[int, _Row]]:
    log = ReadLog(str(path))
    expected = "a readable file of BLiMP or PIQA (.jsonl)"
    if found := not_a_file(path):
        raise DataError(Problem(str(path), found, expected, "Correct retention.files."))
    try:
        with path.open("rb") as file:
            rows = list(read_jsonl(file, log))
    except OSError as error:
        raise DataError(Problem(str(path), type(error).__name__, expected, "Correct retention.files.")) from None
    log.raise_if_refused()
    if not rows:
        raise DataError(Problem(str(path), "no row", "rows of BLiMP or PIQA", "Correct retention.files."))
    return rows


def _read_labels(path: Path, num_rows: int) -> list[int]:
    labels_path = path.with_name(f"{path.stem}-labels.lst")
    expected = "the labels of PIQA, one line for each row"
    try:
        labels = read_text_file(labels_path, str(labels_path), expected, f"Put them beside {path.name}.").split()
    except RecipeError as refused:
        raise DataError(refused.problems) from None
    if len(labels) != num_rows or not set(labels) <= {"0", "1"}:
        found = f"{len(labels)} labels for {num_rows} rows"
        raise DataError(Problem(str(labels_path), found, "0 or 1 for each row", "Take both files from one release."))
    return [int(label) for label in labels]


def _blimp_item(row: _Row) -> Item:
    good, bad = _texts(row, _BLIMP_KEYS)
    return two_sentences(good, bad)


def _piqa_item(row: _Row, label: int) -> Item:
    goal, *solutions = _texts(row, _PIQA_KEYS)
    # Both texts start alike, so the more probable text has the more probable solution.
    texts = [f"Question: {goal}\nAnswer: {solution}" for solution in solutions]
    return two_sentences(texts[label], texts[1 - label])


def _texts(row: _Row, keys: Sequence[str]) -> list[str]:
    texts = [value for key in keys if isinstance(value := row.get(key), str) and value]
    if len(texts) < len(keys):
        expected = f"texts under {', '.join(_BLIMP_KEYS)} (BLiMP) or {', '.join(_PIQA_KEYS)} (PIQA)"
        raise RefusedError("", f"the keys {join_names(row)}", expected, "Convert the file, or leave it out.")
    return texts
