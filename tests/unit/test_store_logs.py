"""Logs of named data sets: lines are only added, and a failing or killed writer leaves the old log or the new one."""

import json
import os
import signal
from pathlib import Path

import pytest
from store_samples import FaultyFiles, dataset, new_store

from tunewright.errors import CorruptError, StoreError
from tunewright.records import DataRecipe, VersionEntry
from tunewright.store import Files, require_name


def entry(number: int, version_id: str = "ab" * 32) -> VersionEntry:
    return VersionEntry(
        number=number,
        action="build",
        version_id=version_id,
        parent_id=None,
        created_at="2026-11-20T12:00:00+00:00",
        read_at="2026-11-20T12:00:00+00:00",
        command="tunewright data build rows.jsonl",
        folder="rows",
        recipe=DataRecipe(path="rows.jsonl"),
        sources=(),
        test_number=1,
    )


def test_lines_are_added_and_the_last_one_is_current(tmp_path: Path) -> None:
    logs = new_store(tmp_path).logs
    assert logs.find("tickets") is None
    assert logs.names() == []
    for number in (1, 2):
        logs.append("tickets", entry(number), f"card {number}")
    log = logs.get("tickets")
    assert [line.number for line in log.entries] == [1, 2]
    assert log.current == entry(2)
    assert logs.names() == ["tickets"]
    assert logs.card_path("tickets", 1).read_text() == "card 1"
    assert logs.now() == "2026-11-20T12:00:00+00:00"


def test_a_reference_is_a_name_or_a_name_with_a_number(tmp_path: Path) -> None:
    logs = new_store(tmp_path).logs
    for number in (1, 2):
        logs.append("tickets", entry(number), "")
    assert logs.entry("tickets") == ("tickets", entry(2))
    assert logs.entry("tickets@1") == ("tickets", entry(1))
    assert logs.entry("abab") is None
    assert logs.entry("a/b") is None
    for number in (0, 3):
        with pytest.raises(StoreError, match=f"tickets@{number}: found the number {number}, expected 1 to 2"):
            logs.entry(f"tickets@{number}")
    with pytest.raises(StoreError, match=r"'ticket': found no data set of that name.*Closest: tickets\."):
        logs.entry("ticket@1")


def test_an_unknown_name_lists_the_closest_or_how_to_make_one(tmp_path: Path) -> None:
    logs = new_store(tmp_path).logs
    with pytest.raises(StoreError, match=r"'x': found no named data set at all.*tunewright data build DATA"):
        logs.get("x")
    logs.append("tickets", entry(1), "")
    with pytest.raises(StoreError, match=r"Closest: tickets\. `tunewright data log` lists them all"):
        logs.get("../tickets")


@pytest.mark.parametrize("name", ["", "a.jsonl", "a/b", "data:a", "a@1", "-a", "é", "a" * 65, "a b"])
def test_a_name_cannot_be_a_file_or_an_id_of_the_hub(name: str) -> None:
    with pytest.raises(StoreError, match=r"--name: found .*, expected letters, digits, - and _"):
        require_name(name)


def test_a_line_that_another_process_has_added_is_not_overwritten(tmp_path: Path) -> None:
    logs = new_store(tmp_path).logs
    logs.append("tickets", entry(1), "first")
    with pytest.raises(StoreError, match=r"found 1 lines, expected 0\. Another process has added one meanwhile"):
        logs.append("tickets", entry(1, "cd" * 32), "second")
    assert logs.get("tickets").current == entry(1)
    assert logs.card_path("tickets", 1).read_text() == "first"


def test_a_damaged_log_is_named(tmp_path: Path) -> None:
    logs = new_store(tmp_path).logs
    logs.append("tickets", entry(1), "")
    (tmp_path / "named" / "tickets" / "log.json").write_text("{")
    with pytest.raises(CorruptError, match=r"log\.json: found something that is not a log"):
        logs.get("tickets")


def test_a_log_with_another_letter_is_refused_and_one_without_a_hash_is_read(tmp_path: Path) -> None:
    logs = new_store(tmp_path).logs
    logs.append("tickets", entry(1), "")
    path = tmp_path / "named" / "tickets" / "log.json"
    saved = json.loads(path.read_text())
    path.write_text(json.dumps({**saved, "name": "rickets"}))
    with pytest.raises(CorruptError, match=r"log\.json: found changed bytes, expected what was saved\. .* by id\."):
        logs.get("tickets")
    del saved["check"]  # as older versions wrote it
    path.write_text(json.dumps(saved))
    assert logs.get("tickets").current == entry(1)


def two_lines(home: Path, files: Files) -> None:
    store = new_store(home, files)
    version, examples = dataset("one?")
    store.put_dataset(version, examples)
    store.logs.append("tickets", entry(2, version.id), "card")


def check(home: Path) -> str:
    """Which log stands there; a line never names a version that is not stored, nor one without its card."""
    store = new_store(home)
    log = store.logs.get("tickets")
    if log.current.number == 1:
        return "old"
    store.get_dataset(log.current.version_id)
    assert store.logs.card_path("tickets", 2).read_text() == "card"
    return "new"


def first_line(home: Path) -> None:
    new_store(home).logs.append("tickets", entry(1), "")


def calls_of(home: Path) -> list[str]:
    first_line(home)
    files = FaultyFiles()
    two_lines(home, files)
    return [call for call, _ in files.calls]


def expected(calls: list[str], number: int) -> str:
    return "new" if "rename" not in calls[number - 1 :] else "old"


def test_a_failing_call_leaves_the_old_log_or_the_new(tmp_path: Path) -> None:
    calls = calls_of(tmp_path / "healthy")
    for number in range(1, len(calls) + 1):
        home = tmp_path / str(number)
        first_line(home)
        with pytest.raises(StoreError, match="input/output error"):
            two_lines(home, FaultyFiles(number))
        assert check(home) == expected(calls, number)
        if check(home) == "old":
            two_lines(home, Files())
        assert check(home) == "new"


class KillingFiles(Files):
    def __init__(self, kill_at: int) -> None:
        self.calls_left = kill_at

    def before(self, call: str, path: Path) -> None:
        self.calls_left -= 1
        if self.calls_left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def test_a_kill_at_any_call_leaves_the_old_log_or_the_new(tmp_path: Path) -> None:
    calls = calls_of(tmp_path / "healthy")
    for number in range(1, len(calls) + 1):
        home = tmp_path / str(number)
        first_line(home)
        child = os.fork()
        if child == 0:
            two_lines(home, KillingFiles(number))
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        assert check(home) == expected(calls, number)
        if check(home) == "old":
            two_lines(home, Files())
        assert check(home) == "new"
        assert not list((home / "named").rglob(".tmp-*")) or expected(calls, number) == "new"
