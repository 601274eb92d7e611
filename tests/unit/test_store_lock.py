import errno
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from tunewright.errors import RunInUseError, StoreError
from tunewright.store import Files, lock_folder

HOLDER = """
import sys, datetime, pathlib
from tunewright.store import Files, lock_folder
moment = datetime.datetime(2026, 11, 20, 15, 55, 1, tzinfo=datetime.UTC)
with lock_folder(pathlib.Path(sys.argv[1]), Files(), lambda: moment):
    print("held", flush=True)
    sys.stdin.read()
"""


def clock() -> datetime:
    return datetime(2026, 11, 20, 16, 0, 0, tzinfo=UTC)


def test_a_second_process_is_told_who_holds_the_lock_and_a_kill_releases_it(tmp_path):
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"held\n"
        words = rf"in use by process {holder.pid} since 2026-11-20T15:55:01\+00:00, .*stop that process"
        with pytest.raises(RunInUseError, match=words), lock_folder(tmp_path, Files(), clock):
            pytest.fail("two holders")
        holder.kill()
    assert (tmp_path / "lock").exists()
    with lock_folder(tmp_path, Files(), clock):
        assert f'"pid": {os.getpid()}' in (tmp_path / "lock").read_text()


def test_the_lock_is_free_after_the_block_even_when_it_raised(tmp_path):
    with pytest.raises(ValueError, match="stop"), lock_folder(tmp_path, Files(), clock):
        raise ValueError("stop")
    with lock_folder(tmp_path, Files(), clock):
        pass


def test_a_stale_file_is_no_lock(tmp_path):
    (tmp_path / "lock").write_text('{"pid": 1, "started": "2020-01-01T00:00:00+00:00", "more": "to cut"}')
    with lock_folder(tmp_path, Files(), clock):
        expected = f'{{"pid": {os.getpid()}, "started": "2026-11-20T16:00:00+00:00"}}'
        assert (tmp_path / "lock").read_text() == expected


@pytest.mark.parametrize("content", ["", '{"pid": 1', "[]", "{}"])
def test_a_holder_that_has_not_said_who_it_is_is_another_process(tmp_path, content):
    with lock_folder(tmp_path, Files(), clock):
        (tmp_path / "lock").write_text(content)
        with pytest.raises(RunInUseError, match="in use by another process"), lock_folder(tmp_path, Files(), clock):
            pytest.fail("two holders")


def test_one_of_eight_threads_wins(tmp_path):
    barrier, results = threading.Barrier(8), []

    def compete():
        try:
            with lock_folder(tmp_path, Files(), clock):
                results.append("won")
                barrier.wait(timeout=10)
        except RunInUseError:
            results.append("lost")
            barrier.wait(timeout=10)

    threads = [threading.Thread(target=compete) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == ["lost"] * 7 + ["won"]


COMPETITOR = """
import datetime, pathlib, sys
from tunewright.errors import RunInUseError
from tunewright.store import Files, lock_folder
folder = pathlib.Path(sys.argv[1])
print("ready", flush=True)
for line in sys.stdin:  # a round begins, or the winner of one may let go
    if line == "end\\n":
        continue
    try:
        with lock_folder(folder, Files(), lambda: datetime.datetime.now(datetime.UTC)):
            print("won", flush=True)
            assert sys.stdin.readline() == "end\\n"
    except RunInUseError:
        print("lost", flush=True)
"""


def test_of_eight_processes_exactly_one_wins_a_hundred_times(tmp_path):
    command = [sys.executable, "-c", COMPETITOR, str(tmp_path)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    competitors = [subprocess.Popen(command, **pipes) for _ in range(8)]
    try:
        assert [one.stdout.readline() for one in competitors] == ["ready\n"] * 8
        for _ in range(100):
            for word in ("begin\n", "end\n"):
                for one in competitors:
                    one.stdin.write(word)
                if word == "begin\n":
                    found = [one.stdout.readline() for one in competitors]
                    assert sorted(found) == ["lost\n"] * 7 + ["won\n"]
            # The winner lets go before the next round: its next lock would find its own.
            with lock_folder(tmp_path, Files(), clock, wait=True):
                pass
    finally:
        for one in competitors:
            one.stdin.close()
            one.wait()
            one.stdout.close()


def test_waiting_ends_when_the_holder_is_done(tmp_path):
    order = []

    def wait():
        with lock_folder(tmp_path, Files(), clock, wait=True):
            order.append("second")

    with lock_folder(tmp_path, Files(), clock):
        thread = threading.Thread(target=wait)
        thread.start()
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(StoreError, match="nowhere"), lock_folder(tmp_path / "nowhere", Files(), clock):
        pytest.fail("locked nothing")


def test_a_disk_that_cannot_lock_is_named_and_no_file_stays_open(tmp_path, monkeypatch):
    def refuse(descriptor, operation):
        opened.append(descriptor)
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    opened = []
    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(StoreError, match=r"no locks available.*to lock it"), lock_folder(tmp_path, Files(), clock):
        pytest.fail("locked nothing")
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(opened[0])
