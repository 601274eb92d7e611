import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from store_samples import NOON, RECIPE_ID, conversation, dataset, new_store, run_record

from tunewright import store
from tunewright.errors import CorruptError, StoreError
from tunewright.records import DatasetEntry, DatasetVersion, Split
from tunewright.store import Store


def test_home_is_the_argument_then_the_variable_then_the_users_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("TUNEWRIGHT_HOME", raising=False)
    assert Store().home == tmp_path / ".tunewright"
    monkeypatch.setenv("TUNEWRIGHT_HOME", "~/elsewhere")
    assert Store().home == tmp_path / "elsewhere"
    assert Store(Path("given")).home == Path("given")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(
        StoreError, match=r"home .*file: found a file, expected a folder\. Give another .*TUNEWRIGHT_HOME"
    ):
        Store(tmp_path / "file")


def test_a_home_that_cannot_be_written_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    home = tmp_path / "deep" / "home"
    Store(home).require_writable()
    monkeypatch.setattr("os.access", lambda path, mode: path != tmp_path)
    with pytest.raises(StoreError, match=rf"home {home}: found no permission to write in {tmp_path}, expected"):
        Store(home).require_writable()
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_comes_back_as_it_was(tmp_path):
    version, examples = dataset("one?", "two\u2028lines?\r\n", "\x00 and é?")
    new_store(tmp_path).put_dataset(version, examples)
    assert new_store(tmp_path).dataset_folder(version.id) == tmp_path / "datasets" / version.id[:16]
    for name in (version.id, version.id[:16], version.id[:3]):
        found, found_examples = new_store(tmp_path).get_dataset(name)
        assert found == version
        assert found_examples == examples
        assert list(found_examples) == list(examples)


def test_putting_a_dataset_again_changes_nothing(tmp_path):
    version, examples = dataset("one?")
    dataset_hash = new_store(tmp_path).put_dataset(version, examples)
    folder = new_store(tmp_path).dataset_folder(version.id)
    before = {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert new_store(tmp_path).put_dataset(version, examples) == dataset_hash
    assert new_store(tmp_path).num_stored(version.id) == 1
    assert {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir()} == before


def with_groups(version, examples, group):
    """The same rows as those of another file, whose rows have a group."""
    source = version.sources[0].model_copy(update={"name": f"{group}.jsonl", "licence": "MIT"})
    grouped = {
        id_: example.model_copy(update={"provenance": example.provenance.model_copy(update={"group": group})})
        for id_, example in examples.items()
    }
    return version.model_copy(update={"sources": (source,)}), grouped


def test_the_same_rows_with_other_sources_and_groups_are_stored_beside_those_that_are_there(tmp_path):
    first = dataset("one?", "two?")
    version, _ = first
    stored = [first, with_groups(*first, "ann"), with_groups(*first, "bob")]
    home = new_store(tmp_path)
    hashes = [home.put_dataset(*each) for each in stored]
    assert [home.put_dataset(*each) for each in stored] == hashes
    assert [home.get_dataset(version.id, dataset_hash) for dataset_hash in hashes] == stored
    assert home.num_stored(version.id) == 3
    for name in (version.id, version.id[:3]):
        assert home.get_dataset(name) == first


def test_rows_that_were_replaced_by_the_same_with_other_groups_are_refused_until_they_are_put_again(tmp_path):
    first, home = dataset("one?"), new_store(tmp_path)
    version, _ = first
    dataset_hash = home.put_dataset(*first)
    (home.dataset_folder(version.id) / "examples.jsonl").write_bytes(b"")
    home.put_dataset(*with_groups(*first, "ann"))
    with pytest.raises(
        CorruptError, match="found the same rows with other sources, groups or changes than were stored"
    ):
        home.get_dataset(version.id, dataset_hash)
    assert home.put_dataset(*first) == dataset_hash
    assert home.get_dataset(version.id, dataset_hash) == first


def test_rows_whose_first_copy_was_deleted_are_still_found(tmp_path):
    first, home = dataset("one?"), new_store(tmp_path)
    version, _ = first
    home.put_dataset(*first)
    grouped = with_groups(*first, "ann")
    dataset_hash = home.put_dataset(*grouped)
    shutil.rmtree(home.dataset_folder(version.id))
    assert home.get_dataset(version.id) == home.get_dataset(version.id, dataset_hash) == grouped


def test_repeated_ids_are_stored_once_and_unlisted_examples_not_at_all(tmp_path):
    first, other = conversation("one?", "yes"), conversation("two?", "yes")
    entry = DatasetEntry(example_id=first.id, split=Split.TRAIN)
    version = DatasetVersion(entries=(entry, entry), sources=())
    new_store(tmp_path).put_dataset(version, {first.id: first, other.id: other})
    assert new_store(tmp_path).get_dataset(version.id) == (version, {first.id: first})


@pytest.mark.parametrize("name", ["dataset.json", "examples.jsonl"])
def test_a_changed_dataset_is_refused_until_it_is_put_again(tmp_path, name):
    version, examples = dataset("one?")
    new_store(tmp_path).put_dataset(version, examples)
    folder = new_store(tmp_path).dataset_folder(version.id)
    (folder / name).write_bytes((folder / name).read_bytes().replace(b"e", b"a", 1))
    with pytest.raises(CorruptError, match=f"{name}: found changed bytes"):
        new_store(tmp_path).get_dataset(version.id)
    new_store(tmp_path).put_dataset(version, examples)
    assert new_store(tmp_path).get_dataset(version.id) == (version, examples)


def forge(home, old, **content):
    """Publish other content under the id of an existing dataset, with a manifest that fits."""
    folder = home / "datasets" / old.id[:16]
    files = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "MANIFEST.json"}
    files |= {name.replace("_", "."): data for name, data in content.items()}
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    with store.publish_folder(folder, store.Files()) as temporary:
        for name, data in files.items():
            (temporary / name).write_bytes(data)


def test_ids_are_recomputed_even_when_the_manifest_fits(tmp_path):
    version, examples = dataset("one?")
    other, other_examples = dataset("two?")
    home = new_store(tmp_path)
    home.put_dataset(version, examples)
    home.put_dataset(other, other_examples)
    other_folder = home.dataset_folder(other.id)
    forge(tmp_path, version, examples_jsonl=(other_folder / "examples.jsonl").read_bytes())
    with pytest.raises(CorruptError, match="other examples than the version lists"):
        home.get_dataset(version.id)
    forge(tmp_path, version, dataset_json=(other_folder / "dataset.json").read_bytes())
    with pytest.raises(CorruptError, match=f"found the version {other.id[:16]}"):
        home.get_dataset(version.id)
    forge(tmp_path, version, examples_jsonl=b"{}\n")
    with pytest.raises(CorruptError, match="a record that does not parse"):
        home.get_dataset(version.id)


def test_an_unknown_or_ambiguous_dataset_is_named(tmp_path):
    home = new_store(tmp_path)
    with pytest.raises(StoreError, match=r"'abc': found no dataset version at all.*tunewright data build DATA"):
        home.get_dataset("abc")
    home.put_dataset(*dataset("question?"))
    with pytest.raises(
        StoreError, match=r"'xyz': found no dataset version of that name, expected the name .*1 is stored\..*data log"
    ):
        home.get_dataset("xyz")
    more = [dataset(f"question {number}?") for number in range(17)]
    for version, examples in more:
        home.put_dataset(version, examples)
    ids = [version.id[:16] for version, _ in more]
    first = next(id_[0] for id_ in ids if sum(other[0] == id_[0] for other in ids) > 1)
    with pytest.raises(StoreError, match=f"'{first}': found .* that start so: {first}.*Give more of the id"):
        home.get_dataset(first)
    with pytest.raises(StoreError, match="found no dataset version of that name"):
        home.get_dataset(ids[0] + "f" * 48)
    with pytest.raises(StoreError, match="found no dataset version of that name"):
        home.get_dataset("")


def test_a_run_is_named_by_the_time_in_utc_and_the_recipe(tmp_path):
    east = NOON.astimezone(timezone(timedelta(hours=9)))
    run = new_store(tmp_path, clock=lambda: east).create_run(RECIPE_ID, run_record)
    assert run.record == run_record("20261120-120000-3fa2", "2026-11-20T12:00:00.000+00:00")
    assert run.path == tmp_path / "runs" / "20261120-120000-3fa2"


def test_a_run_folder_is_never_used_twice(tmp_path):
    home = new_store(tmp_path)
    ids = [home.create_run(RECIPE_ID, run_record).record.id for _ in range(2)]
    assert ids == ["20261120-120000-3fa2", "20261120-120000-3fa2-t0ken"]
    with pytest.raises(StoreError, match="something there already"):
        home.create_run(RECIPE_ID, run_record)
    assert {run.id for run in home.runs()} == set(ids)


def three_runs(home):
    times = iter(NOON + timedelta(days=days) for days in (1, 0, 2))
    stores = [new_store(home, clock=lambda moment=moment: moment) for moment in times]
    return [each.create_run(RECIPE_ID, run_record).record for each in stores]


def test_a_run_is_found_by_id_by_prefix_as_last_and_by_path(tmp_path, monkeypatch):
    middle, oldest, newest = three_runs(tmp_path)
    home = new_store(tmp_path)
    assert home.run(middle.id).record == middle
    assert home.run("20261120").record == oldest
    assert home.run("last").record == newest
    assert home.run(str(tmp_path / "runs" / oldest.id)).record == oldest
    monkeypatch.chdir(tmp_path / "runs")
    assert home.run(f"./{oldest.id}").record == oldest


def test_of_two_runs_in_one_second_the_later_is_the_last(tmp_path):
    for milliseconds, recipe_id in ((1, "f" * 64), (2, "0" * 64)):
        moment = NOON + timedelta(milliseconds=milliseconds)
        newest = new_store(tmp_path, clock=lambda moment=moment: moment).create_run(recipe_id, run_record).record
    assert new_store(tmp_path).run("last").record == newest


def test_a_wrong_run_name_lists_the_closest(tmp_path):
    middle, _, _ = three_runs(tmp_path)
    home = new_store(tmp_path)
    with pytest.raises(StoreError, match=rf"no run of that name.*Closest: {middle.id}.*tunewright runs"):
        home.run(middle.id[:-1] + "9")
    with pytest.raises(StoreError, match=r"found 3 that start so: .*Give more of the id"):
        home.run("2026")
    with pytest.raises(StoreError, match=r"3 are stored.*tunewright runs"):
        home.run("")


def test_without_runs_there_is_no_last(tmp_path):
    with pytest.raises(StoreError, match=r"'last': found no run at all.* Make one with: tunewright tune DATA"):
        new_store(tmp_path).run("last")
    assert new_store(tmp_path).runs() == []


def test_runs_are_listed_newest_first_without_foreign_folders(tmp_path):
    middle, oldest, newest = three_runs(tmp_path)
    (tmp_path / "runs" / "notes").mkdir()
    (tmp_path / "runs" / ".tmp-run-00").mkdir()
    (tmp_path / "runs" / "damaged").mkdir()
    (tmp_path / "runs" / "damaged" / "run.json").write_text("{")
    assert new_store(tmp_path).runs() == [newest, middle, oldest]
    with pytest.raises(CorruptError, match="damaged"):
        new_store(tmp_path).run("damaged")
    assert {name: str(error) for name, error in new_store(tmp_path).unreadable_runs().items()} == {
        "damaged": f"{tmp_path}/runs/damaged/run.json: found something that is not a run's record, "
        "expected what was saved. It was damaged or edited. Put it back from a copy, or start a new run."
    }


def test_no_older_run_takes_the_place_of_a_newest_one_that_cannot_be_read(tmp_path):
    middle, oldest, newest = three_runs(tmp_path)
    home = new_store(tmp_path)
    (tmp_path / "runs" / oldest.id / "run.json").write_text("{")
    assert home.run("last").record == newest  # the damaged one is older
    (tmp_path / "runs" / newest.id / "run.json").write_text("{")
    with pytest.raises(CorruptError, match=rf"'last': found a run that cannot be read \({tmp_path}/runs/{newest.id}/"):
        home.run("last")
    with pytest.raises(CorruptError, match=rf"Give the id of a run, or move {tmp_path}/runs/{newest.id} away"):
        home.newest_run(lambda run: run.kind == "tune")
    assert home.run(middle.id).record == middle


def test_the_newest_run_is_the_newest_of_those_that_are_meant(tmp_path):
    middle, oldest, _ = three_runs(tmp_path)
    home = new_store(tmp_path)
    assert home.newest_run(lambda run: run.id in (middle.id, oldest.id)) == middle
    assert home.newest_run(lambda run: False) is None


def test_adding_collects_what_killed_writers_left(tmp_path):
    for kind in ("runs", "datasets"):
        (tmp_path / kind / ".tmp-old-00").mkdir(parents=True)
    new_store(tmp_path).create_run(RECIPE_ID, run_record)
    new_store(tmp_path).put_dataset(*dataset("one?"))
    assert not list(tmp_path.rglob(".tmp-*"))


def test_eight_writers_of_one_dataset_make_one_folder(tmp_path):
    version, examples = dataset("one?")
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: new_store(tmp_path).put_dataset(version, examples), range(8)))
    assert len(folders) == 1
    assert new_store(tmp_path).get_dataset(version.id) == (version, examples)
    assert not list(tmp_path.rglob(".tmp-*"))


def test_public_names_are_sorted_and_exist():
    assert store.__all__ == sorted(store.__all__)
    assert all(hasattr(store, name) for name in store.__all__)


def test_importing_the_store_loads_no_torch():
    script = "import sys, tunewright.store; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
