"""Which rows the checks see, and the figures about them."""

import json
from collections.abc import Sequence
from pathlib import Path

from tunewright.contracts import SilentProgress
from tunewright.data import examine, label_counts, length_histograms
from tunewright.data.checks.check import CheckedRow, RowSet, checked_row
from tunewright.data.examine import ExaminedData
from tunewright.records import Conversation, DataRecipe, Example, Message, PlainText, Provenance, Split

Pairs = Sequence[tuple[str, str]]


def write(path: Path, pairs: Pairs) -> str:
    path.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in pairs), encoding="utf-8")
    return str(path)


def look(folder: Path, rows: Pairs, test: Pairs | None = None) -> ExaminedData:
    test_path = write(folder / "test.jsonl", test) if test else None
    recipe = DataRecipe(path=write(folder / "rows.jsonl", rows), test_path=test_path)
    return examine(recipe, None, SilentProgress())


def seen(examined: ExaminedData) -> list[tuple[str, Split | None]]:
    return [(row.input, row.split) for row in examined.rows]


def test_checks_see_each_row_once_and_a_single_file_has_no_split_yet(tmp_path: Path) -> None:
    examined = look(tmp_path, [("q1", "a"), ("q2", "a"), ("q1", "a")])
    assert seen(examined) == [("q1", None), ("q2", None)]
    assert examined.results[0].check == "duplicates"
    assert examined.results[0].num_rows == 1
    assert len(examined.files[Split.TRAIN]) == 3


def test_of_a_row_in_two_files_the_held_out_copy_is_seen(tmp_path: Path) -> None:
    examined = look(tmp_path, [("q1", "a"), ("q2", "a")], [("q2", "a"), ("q3", "a")])
    assert seen(examined) == [("q1", Split.TRAIN), ("q2", Split.TEST), ("q3", Split.TEST)]
    assert [source.name.rpartition("/")[2] for source in examined.sources] == ["rows.jsonl", "test.jsonl"]


def row(question: str, answer: str) -> CheckedRow:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    body = Conversation(messages=messages)
    return checked_row(Example(body=body, provenance=Provenance(source="rows", row=1)))


def test_lengths_are_counted_in_words_and_every_row_is_in_a_bin() -> None:
    rows: RowSet = (*(row("word " * (number % 10 + 1), "a") for number in range(200)), row("w " * 5000, "b c"))
    asked, answered = length_histograms(rows)
    assert (asked.part, asked.median, asked.longest) == ("input", 6, 5000)
    assert asked.bin_edges == tuple(float(edge) for edge in range(1, 12))
    assert asked.counts == (*[20] * 9, 21)
    assert (answered.part, answered.counts, answered.longest) == ("answer", (201,), 2)


def test_texts_have_a_length_of_their_own() -> None:
    text = Example(body=PlainText(text="one two three"), provenance=Provenance(source="t.txt", row=1))
    (histogram,) = length_histograms((checked_row(text),))
    assert (histogram.part, histogram.longest, histogram.bin_edges) == ("text", 3, (3.0, 4.0))
    assert label_counts((checked_row(text),)) == ((), 0)


def test_labels_are_counted_up_to_case_and_the_most_frequent_come_first() -> None:
    rows = [row(f"q{number}", answer) for number, answer in enumerate(["no", "Yes", "yes", "No", "yes", "maybe"] * 5)]
    labels, num_labels = label_counts(tuple(rows))
    assert [(found.label, found.num_rows) for found in labels] == [("yes", 15), ("no", 10), ("maybe", 5)]
    assert num_labels == 3
    times = {each.id: 3 if number % 6 == 5 else 1 for number, each in enumerate(rows)}
    assert [found.num_rows for found in label_counts(tuple(rows), times)[0]] == [15, 15, 10]
    assert label_counts(tuple(row("q", f"answer {number}") for number in range(30))) == ((), 0)


def test_a_cut_answer_of_a_log_is_dropped_with_its_reason_also_from_disk(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    asked = [{"role": "user", "content": "2 + 2"}]
    ends = {"Four, of course.": "stop", "Four, of": "length"}
    lines = [
        {"messages": asked, "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": reason}]}
        for text, reason in ends.items()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    examined = examine(DataRecipe(path=str(path)), None, SilentProgress())
    (change,) = examined.changes
    assert (change.action, change.location, change.cause) == ("dropped", f"{path}:2", "truncated_answers")
    assert change.reason.endswith("at the limit of tokens (finish_reason length)")
    assert len(examined.files[Split.TRAIN]) == 1
