"""What is known to be in public files is found there; benchmarks/real_files.py counts it again by plain Python."""

from collections.abc import Callable
from pathlib import Path

import plain_counts
import pytest
import real_files
from public_files import public_file
from real_files import CLINC150, DATA, DEMO_DEFECTS, DEMOS, SHAREGPT, TOY, Known


@pytest.mark.parametrize(
    ("look", "files", "num_rows"),
    [
        # The numbers of rows were counted when this was written: a count that finds nothing would prove nothing.
        (real_files.clinc150, (CLINC150,), [2, 8, 8, 29]),
        (real_files.toy_chat, (TOY,), [1, 1, 1]),
        (
            real_files.demo_files,
            tuple(f"{DEMOS}/{name}" for name in DEMO_DEFECTS),
            [27, 16, 16, 4, 4, 10, 1, 22, 6, 68, 1, 80, 6, 85, 2, 6],
        ),
        (real_files.sharegpt, (SHAREGPT,), [0, 0]),
    ],
    ids=["CLINC150", "OpenAI toy chat", "LLaMA-Factory demo files", "ShareGPT sample"],
)
def test_what_is_known_to_be_there_is_found(
    look: Callable[[Path], list[Known]], files: tuple[str, ...], num_rows: list[int]
) -> None:
    for name in files:
        public_file(name)
    known = look(DATA)
    assert [len(each.there) for each in known] == num_rows
    assert [(each.file, each.what, each.missed) for each in known if each.missed] == []
    assert [(each.file, each.what, each.more) for each in known if each.more and not each.may_find_more] == []


def test_copies_are_counted_by_equal_rows() -> None:
    rows = [{"a": 1, "b": 2}, {"a": 2}, {"b": 2, "a": 1}, {"a": 2}, {"a": 2}, {"a": 3}]
    assert plain_counts.copies(rows) == {"1", "2", "3", "4", "5"}
    assert plain_counts.later_copies(rows) == {"3", "4", "5"}


def test_the_table_lists_what_was_missed() -> None:
    known = Known("file", "{{name}}", "refusals", frozenset("123"), frozenset("234"))
    assert real_files.table([known]).splitlines()[-1] == "| file | `{{name}}` | 3 | 2 | 1 | `refusals` | 1 |"


def test_the_section_replaces_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "results.md"
    page.write_text("# Results\n", encoding="utf-8")
    monkeypatch.setattr(real_files, "PAGE", page)
    for text in ("old\n", "new\n"):
        real_files.write_page(text)
    assert page.read_text(encoding="utf-8") == f"# Results\n\n{real_files.BEGIN}new\n{real_files.END}"
