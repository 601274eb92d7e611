import errno
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path

import pytest
from store_samples import RECIPE_ID, FaultyFiles, new_run, new_store, run_record

from tunewright.errors import CorruptError, RunInUseError, StoreError
from tunewright.records import Run, RunStatus, Score
from tunewright.store import Files

ALLOWED = {
    ("running", "running"),
    ("running", "interrupted"),
    ("running", "failed"),
    ("running", "succeeded"),
    ("interrupted", "running"),
    ("failed", "running"),
}
MOVES = [(old, new) for old in RunStatus for new in RunStatus]


def reopen(run):
    return new_store(run.path.parent.parent).run(run.record.id)


def run_with(home, status):
    run = new_run(home)
    if status != RunStatus.RUNNING:
        run.update(status)
    return run


@pytest.mark.parametrize(("old", "new"), [move for move in MOVES if move in ALLOWED])
def test_an_allowed_move_is_saved(tmp_path, old, new):
    run = run_with(tmp_path, old)
    record = run.update(new, error="words" if new == RunStatus.FAILED else None)
    assert reopen(run).record == record == run.record
    assert record.status == new


@pytest.mark.parametrize(("old", "new"), [move for move in MOVES if move not in ALLOWED])
def test_any_other_move_is_refused_and_changes_nothing(tmp_path, old, new):
    run = run_with(tmp_path, old)
    with pytest.raises(StoreError, match=f"a run that has succeeded|a move from {old} to {new}"):
        run.update(new)
    assert reopen(run).record.status == run.record.status == old


def test_a_run_that_succeeded_is_taken_up_again_by_a_move_of_its_own(tmp_path):
    run = new_run(tmp_path)
    run.write_text("report.html", "<p>")
    run.update(RunStatus.SUCCEEDED, outputs=("report.html",))
    record = run.take_up_again()
    assert reopen(run).record == record == run.record
    assert (record.status, record.outputs, record.output_hashes) == (RunStatus.RUNNING, (), {})
    assert run.has("report.html")
    assert run.update(RunStatus.SUCCEEDED, outputs=("report.html",)).outputs == ("report.html",)


def test_a_resumed_run_forgets_its_error(tmp_path):
    run = new_run(tmp_path)
    run.update(RunStatus.FAILED, error="disk full")
    assert run.record.error == "disk full"
    assert run.update(RunStatus.RUNNING).error is None


def test_success_needs_every_output(tmp_path):
    run = new_run(tmp_path)
    run.write_text("report.html", "<p>")
    with pytest.raises(StoreError, match=r"adapter: found nothing, expected an output of the run"):
        run.update(RunStatus.SUCCEEDED, outputs=("report.html", "adapter"))
    assert reopen(run).record.status == "running"
    with run.publish("adapter") as folder:
        (folder / "weights").write_bytes(b"1")
    run.update(RunStatus.SUCCEEDED, outputs=("report.html", "adapter"))
    assert reopen(run).record.outputs == ("report.html", "adapter")


def test_a_failed_save_leaves_the_record_in_memory_as_it_is_on_disk(tmp_path):
    run = new_store(tmp_path, FaultyFiles(1)).run(str(new_run(tmp_path).path))
    with pytest.raises(StoreError, match="input/output"):
        run.update(RunStatus.FAILED)
    assert run.record.status == "running"


def test_metrics_come_back_in_order(tmp_path):
    run = new_run(tmp_path)
    assert run.metrics() == []
    rows = [{"step": 1, "loss": 2.5}, {"step": 2, "loss": 1e-7, "validation_loss": None}]
    for row in rows:
        run.append_metric(row)
    assert reopen(run).metrics() == rows


def test_a_torn_last_line_is_not_a_row_and_truncating_removes_it(tmp_path):
    run = new_run(tmp_path)
    for step in (1, 2):
        run.append_metric({"step": step, "loss": 1.0})
    path = run.path / "metrics.jsonl"
    whole = path.read_bytes()
    second = whole.index(b"\n") + 1
    for length in range(second, len(whole)):
        path.write_bytes(whole[:length])
        assert run.metrics() == [{"step": 1, "loss": 1.0}]
    run.truncate_metrics(after_step=5)
    run.append_metric({"step": 2, "loss": 3.0})
    assert [row["loss"] for row in run.metrics()] == [1.0, 3.0]


def test_truncating_forgets_only_later_steps(tmp_path):
    run = new_run(tmp_path)
    for step in (1, 2, 2, 3, 4):
        run.append_metric({"step": step, "loss": step / 3})
    before = run.metrics()
    run.truncate_metrics(after_step=2)
    assert run.metrics() == before[:3]


@pytest.mark.parametrize("line", ["{", "3", '{"loss": 1.0}', '{"step": null}'])
def test_a_damaged_line_in_the_middle_is_named(tmp_path, line):
    run = new_run(tmp_path)
    (run.path / "metrics.jsonl").write_text(f'{{"step": 1}}\n{line}\n{{"step": 2}}\n')
    with pytest.raises(CorruptError, match=r"metrics\.jsonl:2: found a line that is not a metric row"):
        run.metrics()


def test_a_loss_that_is_not_a_number_is_not_appended(tmp_path):
    run = new_run(tmp_path)
    with pytest.raises(ValueError, match="JSON compliant"):
        run.append_metric({"step": 1, "loss": float("nan")})
    assert run.metrics() == []


def test_json_and_text_are_read_back(tmp_path):
    run = new_run(tmp_path)
    run.write_json("recipe.json", {"a": [1, None]})
    assert run.read_json("recipe.json") == {"a": [1, None]}
    assert Run.model_validate(run.read_json("run.json")) == run.record
    assert run.write_text("report.html", "é").read_text(encoding="utf-8") == "é"


def test_missing_and_damaged_json_are_named(tmp_path):
    run = new_run(tmp_path)
    with pytest.raises(StoreError, match=r"report\.json: found no such file"):
        run.read_json("report.json")
    (run.path / "report.json").write_text("{")
    with pytest.raises(CorruptError, match=r"report\.json: found text that is not JSON"):
        run.read_json("report.json")


def add_checkpoint(run, step, content=b"1"):
    with run.publish(f"checkpoints/step-{step:08d}") as folder:
        (folder / "state").write_bytes(content)
    return run.path / "checkpoints" / f"step-{step:08d}"


def test_checkpoints_come_newest_first_and_corrupt_ones_are_skipped_with_the_reason(tmp_path):
    run = new_run(tmp_path)
    assert run.checkpoints().intact == ()
    paths = [add_checkpoint(run, step) for step in (5, 10, 123456789)]
    (run.path / "checkpoints" / "step-notes").mkdir()
    (run.path / "checkpoints" / ".tmp-step-00000020-00").mkdir()
    assert run.checkpoints().intact == tuple(reversed(paths))
    (paths[1] / "state").write_bytes(b"2")
    found = run.checkpoints()
    assert found.intact == (paths[2], paths[0])
    assert list(found.corrupt) == [paths[1]]
    assert "step-00000010/state: found changed bytes" in found.corrupt[paths[1]]


def test_a_checkpoint_that_the_disk_does_not_give_is_not_taken_for_corrupt(tmp_path, monkeypatch):
    run = new_run(tmp_path)
    add_checkpoint(run, 5)

    def fail(path, *arguments, **options):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", fail)
        with pytest.raises(StoreError, match=r"MANIFEST\.json: found input/output error, expected to read it"):
            run.checkpoints()
    assert len(run.checkpoints().intact) == 1


def test_a_corrupt_checkpoint_can_be_made_again_and_an_intact_one_cannot(tmp_path):
    run = new_run(tmp_path)
    path = add_checkpoint(run, 5)
    (path / "state").write_bytes(b"")
    assert not run.is_published("checkpoints/step-00000005")
    add_checkpoint(run, 5, b"again")
    assert run.is_published("checkpoints/step-00000005")
    assert (run.published("checkpoints/step-00000005") / "state").read_bytes() == b"again"
    with pytest.raises(StoreError, match="something there already"):
        add_checkpoint(run, 5, b"other")
    assert [child.name for child in path.parent.iterdir()] == ["step-00000005"]


def test_publishing_never_removes_what_it_did_not_make(tmp_path):
    run = new_run(tmp_path)
    (run.path / "adapter").mkdir()
    (run.path / "adapter" / "notes").write_text("mine")
    with pytest.raises(StoreError, match=r"found a path without MANIFEST\.json"), run.publish("adapter"):
        pytest.fail("the block ran")
    assert (run.path / "adapter" / "notes").read_text() == "mine"


def test_metric_rows_are_on_the_disk_before_a_checkpoint_that_follows_them(tmp_path):
    files = FaultyFiles()
    run = new_run(tmp_path, files)
    run.append_metric({"step": 1})
    files.calls.clear()
    add_checkpoint(run, 1)
    assert files.calls.index(("fsync", "metrics.jsonl")) < files.calls.index(("rename", "step-00000001"))


def test_an_old_checkpoint_can_be_removed(tmp_path):
    run = new_run(tmp_path)
    path = add_checkpoint(run, 5)
    run.remove_published("checkpoints/step-00000005")
    assert list(path.parent.iterdir()) == []


def test_a_removal_that_fails_half_way_leaves_nothing_under_the_name(tmp_path):
    files = FaultyFiles()
    run = new_run(tmp_path, files)
    path = add_checkpoint(run, 5)
    files.fail_at = len(files.calls) + 2
    with pytest.raises(StoreError, match="input/output error"):
        run.remove_published("checkpoints/step-00000005")
    assert files.calls[-1][0] == "remove"
    assert not path.exists()
    with run.lock():
        assert list(path.parent.iterdir()) == []


def test_a_run_has_what_was_saved_under_a_name_and_nothing_else(tmp_path):
    run = new_run(tmp_path)
    assert not run.has("scores-base.json")
    run.write_json("scores-base.json", [])
    assert run.has("scores-base.json")
    assert not run.has("checkpoints/step-00000005")
    add_checkpoint(run, 5)
    assert run.has("checkpoints/step-00000005")


def test_a_missing_folder_is_not_published(tmp_path):
    run = new_run(tmp_path)
    assert not run.is_published("adapter")
    with pytest.raises(CorruptError, match="adapter"):
        run.published("adapter")


def test_the_lock_excludes_collects_leftovers_and_reads_the_record_again(tmp_path):
    first = new_run(tmp_path)
    second = reopen(first)
    (first.path / ".tmp-adapter-00").mkdir()
    (first.path / "checkpoints").mkdir()
    (first.path / "checkpoints" / ".tmp-step-00").mkdir()
    with first.lock():
        assert not list(first.path.rglob(".tmp-*"))
        with pytest.raises(RunInUseError, match="in use by process"), second.lock():
            pytest.fail("two writers")
        first.update(RunStatus.SUCCEEDED)
    assert second.record.status == "running"
    with second.lock(), pytest.raises(StoreError, match="a run that has succeeded"):
        second.update(RunStatus.RUNNING)


def test_a_damaged_run_record_is_named(tmp_path):
    run = new_run(tmp_path)
    fields = json.loads((run.path / "run.json").read_text())
    fields["status"] = "asleep"
    (run.path / "run.json").write_text(json.dumps(fields))
    with pytest.raises(CorruptError, match=r"run\.json: found changed bytes"):
        reopen(run)
    del fields["check"]
    (run.path / "run.json").write_text(json.dumps(fields))
    with pytest.raises(CorruptError, match=r"run\.json: found something that is not a run's record"):
        reopen(run)


@pytest.mark.parametrize("bit", range(0, 8 * 60, 7))
def test_no_bit_of_a_record_or_of_a_kept_line_can_change_unnoticed(tmp_path, bit):
    run = new_run(tmp_path)
    value = {"loss": 1.5, "text": "ü", 3: [None, True], "inner": {"a": 1e-7}}
    scores = run.write_json("scores.json", value)
    run.append_json("answers.jsonl", value)
    run.update(RunStatus.INTERRUPTED)
    for path, read in (
        (scores, lambda: run.read_json("scores.json")),
        (run.path / "answers.jsonl", lambda: run.recover_json_lines("answers.jsonl")[0]),
        (run.path / "run.json", lambda: reopen(run).record.model_dump(mode="json")),
    ):
        original = path.read_bytes()
        whole = read()
        flipped = bytearray(original)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        # A blank that became another one, or a changed end of line, changes nothing that is read.
        with suppress(StoreError, IndexError):
            assert read() == whole


def test_what_a_run_was_made_with_cannot_change_unnoticed(tmp_path):
    run = new_store(tmp_path).create_run(RECIPE_ID, run_record, {"prompts.json": [["a", "b"]], "headline.json": "f1"})
    run.require_unchanged()
    (run.path / "prompts.json").write_text('[["a", "c"]]')
    with pytest.raises(CorruptError, match=r"prompts\.json: found other bytes than those of the start, expected what"):
        run.require_unchanged()
    (run.path / "prompts.json").unlink()
    with pytest.raises(CorruptError, match=r"prompts\.json: found no such file"):
        run.require_unchanged()


def test_what_a_run_was_made_with_is_checked_whenever_it_is_read(tmp_path):
    run = new_store(tmp_path).create_run(RECIPE_ID, run_record, {"headline.json": "f1"})
    assert run.read_json("headline.json") == "f1"
    (run.path / "headline.json").write_text('"f2"')
    with pytest.raises(CorruptError, match=r"headline\.json: found other bytes than those that were saved"):
        run.read_json("headline.json")


def test_the_report_of_a_finished_run_cannot_change_unnoticed(tmp_path):
    run = new_run(tmp_path)
    run.write_json("report.json", {"loss": 1.5})
    run.update(RunStatus.SUCCEEDED, outputs=("report.json",))
    assert reopen(run).read_json("report.json") == {"loss": 1.5}
    (run.path / "report.json").write_text('{"loss": 1.6}')
    with pytest.raises(CorruptError, match=r"report\.json: found other bytes than those that were saved, .* a copy"):
        reopen(run).read_json("report.json")


def test_values_without_room_for_a_hash_cannot_change_unnoticed_either(tmp_path):
    run = new_run(tmp_path)
    for value in (12.5, None, ["a", {"b": 1}], "text"):
        path = run.write_json("value.json", value)
        assert run.read_json("value.json") == value
    path.write_text(path.read_text().replace("check", "cheek"))
    with pytest.raises(CorruptError, match=r"value\.json: found changed bytes"):
        run.read_json("value.json")
    path.write_text(path.read_text().replace("cheek", "check").replace("text", "test"))
    with pytest.raises(CorruptError, match=r"value\.json: found changed bytes"):
        run.read_json("value.json")


def test_a_record_of_another_version_is_named_with_its_version(tmp_path):
    run = new_run(tmp_path)
    run.write_json("scores.json", {"metric": "f1", "hue": "red"})
    with pytest.raises(CorruptError, match=r"scores\.json: found at .*, expected a Score .* 0\.1\.0 wrote it"):
        run.read_record("scores.json", Score)


def test_nesting_without_end_is_no_json(tmp_path):
    run = new_run(tmp_path)
    deep = "[" * 100_000
    for name in ("scores.json", "run.json", "metrics.jsonl", "lines.jsonl"):
        (run.path / name).write_text(deep + "\n")
    with pytest.raises(CorruptError, match=r"scores\.json: found text that is not JSON"):
        run.read_json("scores.json")
    with pytest.raises(CorruptError, match=r"metrics\.jsonl:1: found a line that is not a metric row"):
        run.metrics()
    with pytest.raises(CorruptError, match=r"lines\.jsonl:1: found a line that is not JSON"):
        run.recover_json_lines("lines.jsonl")
    with pytest.raises(CorruptError, match=r"run\.json: found something that is not a run's record"):
        reopen(run)


def test_the_hash_of_a_curve_is_of_the_rows_up_to_a_step(tmp_path):
    run = new_run(tmp_path)
    empty = run.metrics_hash(5)
    for step in (1, 2, 2, 3):
        run.append_metric({"step": step, "loss": step / 3})
    before = run.metrics_hash(2)
    run.append_metric({"step": 4})
    assert run.metrics_hash(2) == before
    assert len({empty, before, run.metrics_hash(3), run.metrics_hash(4)}) == 4
    run.truncate_metrics(2)
    assert run.metrics_hash(9) == before


def test_files_of_versions_that_kept_no_hashes_are_read(tmp_path):
    run = new_run(tmp_path)
    (run.path / "frozen.json").unlink()
    (run.path / "scores.json").write_text('{"a": 1}')
    run.require_unchanged()
    assert run.read_json("scores.json") == {"a": 1}


def test_space_for_a_checkpoint_is_checked_first(tmp_path):
    run = new_run(tmp_path)
    with pytest.raises(StoreError, match=r"^disk full"), run.publish("checkpoints/step-00000001", needed_bytes=10**15):
        pytest.fail("the block ran")
    assert Files().exists(run.path / "run.json")


def test_json_lines_come_back_in_order_and_a_torn_last_one_is_taken_off(tmp_path):
    run = new_run(tmp_path)
    assert run.recover_json_lines("lines.jsonl") == []
    for value in ({"a": "ü"}, [1], "text"):
        run.append_json("lines.jsonl", value)
    path = run.path / "lines.jsonl"
    path.write_bytes(path.read_bytes() + b'{"torn')
    assert run.recover_json_lines("lines.jsonl") == [{"a": "ü"}, [1], "text"]
    run.append_json("lines.jsonl", 4)
    assert run.recover_json_lines("lines.jsonl")[-1] == 4


def test_a_json_line_that_was_damaged_is_named(tmp_path):
    run = new_run(tmp_path)
    (run.path / "lines.jsonl").write_bytes(b"1\n{broken\n2\n")
    with pytest.raises(CorruptError, match=r"lines\.jsonl:2: found a line that is not JSON"):
        run.recover_json_lines("lines.jsonl")


def test_a_run_inside_another_is_made_once_and_found_by_its_name(tmp_path):
    run = new_run(tmp_path)
    nested = run.nested("tuned", "ab" * 32)
    assert nested.record.id == f"{run.record.id}/tuned"
    assert (nested.record.kind, nested.record.dataset_id) == ("tune", "ab" * 32)
    assert run.nested("again", run.record.dataset_id).record.dataset_hash == run.record.dataset_hash == "3" * 64
    assert nested.record.dataset_hash is None
    shutil.rmtree(run.path / "again")
    nested.update(RunStatus.FAILED, error="words")
    assert run.nested("tuned", "ab" * 32).record.status is RunStatus.FAILED
    assert [found.path for found in run.nested_runs()] == [nested.path]
    found = new_store(tmp_path).run(f"{run.record.id}/tuned")
    assert found.record == nested.record
    assert [record.id for record in new_store(tmp_path).runs()] == [run.record.id]


def test_the_hash_of_a_published_folder_is_that_of_its_files(tmp_path):
    run = new_run(tmp_path)
    for name, text in (("one", "same"), ("two", "same"), ("three", "other")):
        with run.publish(name) as folder:
            (folder / "file.txt").write_text(text)
    assert run.published_hash("one") == run.published_hash("two") != run.published_hash("three")
    (run.path / "one" / "file.txt").write_text("SAME")
    with pytest.raises(CorruptError):
        run.published_hash("one")


def test_a_run_knows_the_home_it_lies_in(tmp_path, monkeypatch):
    run = new_run(tmp_path / "home")
    assert run.home == tmp_path / "home"
    monkeypatch.chdir(run.path.parent)
    assert new_store(tmp_path / "other").run(run.record.id).home == tmp_path / "home"
    shutil.move(run.path, tmp_path / "moved")
    assert new_store(tmp_path / "other").run(str(tmp_path / "moved")).home is None
