"""Runs that strace strikes at a system call: killed there, or given an error instead of the call.

    python tests/struck_runs.py FOLDER < plan.json > outcomes.json

Other tests of faults strike where our own file layer calls the system. Here it is the system's own calls, so those of
safetensors, PEFT, transformers and Python are among them. Struck are the calls that change the disk while the last
checkpoint and the result are published: a traced run tells their numbers, each later run is struck at one of them,
and its own trace shows whether it was that one. A process that imported everything forks the runs.
"""

import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from killed_runs import ForkedWorker, fingerprint, fork

from tunewright.actions import resume, tune
from tunewright.errors import TunewrightError
from tunewright.records import RunStatus, TuneRecipe
from tunewright.store import Store

CHANGING = (
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "copy_file_range", "sendfile", "splice",
    "fsync", "fdatasync", "sync_file_range", "syncfs", "msync", "truncate", "ftruncate", "fallocate",
    "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat", "unlink", "unlinkat",
    "mkdir", "mkdirat", "rmdir", "mknod", "mknodat", "creat", "open", "openat", "openat2",
    "chmod", "fchmod", "fchmodat", "chown", "fchown", "fchownat", "utimensat", "setxattr", "fsetxattr",
)  # fmt: skip
OPENING = ("open", "openat", "openat2")
SYNCING = ("fsync", "fdatasync")
NUM_TRIES = 3
SAME_FOR_ALL_RUNS = (
    (r"\) += .*", ")"),
    (r"AT_FDCWD<[^>]*>, ", ""),
    (r" => \[[0-9]+\]", ""),  # how far sendfile came
    (r"(\[[0-9]+\])(, [0-9]+| <unfinished \.\.\.>)\)", r"\1)"),  # its count, to which strace does not come in a kill
    (r"\b[0-9]+<", "<"),  # descriptors
    (r'""\.\.\., [0-9]+', "bytes"),  # their number: durations are among what is written
    (r"/[0-9]{8}-[0-9]{6}-[0-9a-f]{4}\b", "/RUN"),
    (r"/\.tmp-([^/\">]*)-[0-9a-f]{8}\b", r"/.tmp-\1"),
    (r"/\.tmp\w{6}\b", "/.tmp"),  # of safetensors
)


@dataclass(frozen=True)
class Call:
    name: str
    number: int
    """Which call of that name, from 1, as `when` of strace counts."""
    text: str
    """As strace shows it."""

    def told(self, home: Path) -> str:
        """What it is, whatever the run: `NAME:NUMBER TEXT`."""
        return f"{self.name}:{self.number} {same_for_all_runs(self.text, home)}"

    @property
    def file(self) -> str:
        """That a descriptor stands for; empty for calls that take none."""
        found = re.search(r"\b[0-9]+<([^>]*)>", self.text)
        return found[1] if found else ""


def same_for_all_runs(text: str, home: Path) -> str:
    text = text.replace(str(home), "")
    for pattern, replacement in SAME_FOR_ALL_RUNS:
        text = re.sub(pattern, replacement, text)
    return text


def changes_disk(call: Call, home: Path) -> bool:
    return str(home) in call.text and (call.name not in OPENING or "O_CREAT" in call.text or "O_TRUNC" in call.text)


def calls_in(log: Path) -> Iterator[Call]:
    counts: Counter[str] = Counter()
    for line in log.read_text(encoding="utf-8").splitlines():
        if found := re.match(r"(\w+)\(", line):
            counts[found[1]] += 1
            yield Call(found[1], counts[found[1]], line)


@dataclass
class Traced:
    """A life that strace looked at."""

    code: int
    calls: list[Call]
    """That change the home."""


def live(work: Callable[[], int]) -> int:
    return fork(work).wait()


def live_traced(work: Callable[[], int], folder: Path, home: Path, injection: str | None = None) -> Traced:
    """One life under strace, from its first call on.

    Args:
        folder: for the logs, one for each thread: strace counts the calls of each by themselves.
        injection: as in "write:error=EIO:when=3". Only the main thread is looked at then, or strace would strike the
            git that a run asks for the revision, too, which leaves a lock in the checkout.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    attached, attach = os.pipe()

    def wait_and_work() -> int:
        os.close(attach)
        os.read(attached, 1)
        return work()

    child = fork(wait_and_work)
    os.close(attached)
    inject = ["-e", f"inject={injection}"] if injection else ["--follow-forks"]
    names = ",".join(f"?{name}" for name in CHANGING)  # a processor need not have all
    with strace(
        child.pid, "--output-separately", "-y", "-s", "0", "-o", str(folder / "log"), "-e", f"trace={names}", *inject
    ):
        os.close(attach)
        code = child.wait()
    return Traced(code, changing_calls(folder, home, child))


@contextmanager
def strace(pid: int, *options: str) -> Iterator[None]:
    """Look at a process that must end within the block.

    Raises:
        PermissionError: with strace's words, where the system does not allow it.
    """
    command = ["strace", *options, "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        words = process.stderr.readline()
        if not words.endswith(" attached\n"):
            raise PermissionError(words.strip())
        yield


def changing_calls(folder: Path, home: Path, child: ForkedWorker) -> list[Call]:
    main = folder / f"log.{child.pid}"
    for log in folder.iterdir():
        # Numbers would mean nothing if threads took turns.
        assert log == main or not any(changes_disk(call, home) for call in calls_in(log)), log.read_text()
    return [call for call in calls_in(main) if changes_disk(call, home)]


def of_publishing(calls: list[Call]) -> list[Call]:
    """From the first call of the last checkpoint to the sync after the rename of the result."""
    last_step = max(step for call in calls for step in re.findall(r"step-[0-9]+", call.text))
    of_checkpoint = [number for number, call in enumerate(calls) if last_step in call.text]
    of_result = [number for number, call in enumerate(calls) if "artifact" in call.text]
    return calls[of_checkpoint[0] - 1 : of_result[-1] + 2]


def in_words(work: Callable[[], object], path: Path) -> Callable[[], int]:
    """Work that leaves what it would tell the user in a file, and ends with 1 where that is a traceback."""

    def carry_out() -> int:
        try:
            work()
        except TunewrightError as error:
            path.write_text(str(error), encoding="utf-8")
            return 2
        except Exception:  # noqa: BLE001  (told, as Python would)
            path.write_text(traceback.format_exc(), encoding="utf-8")
            return 1
        return 0

    return carry_out


def end(recipe: TuneRecipe, home: Path) -> None:
    """What a user does after a run that did not end: resume it, or begin again where there is none."""
    if not Store(home).runs():
        tune(recipe, home=home)
    elif Store(home).run("last").record.status is not RunStatus.SUCCEEDED:
        resume("last", home=home)


@dataclass(frozen=True)
class Struck:
    """Runs of one recipe in one folder."""

    recipe: TuneRecipe
    folder: Path

    def straight(self) -> dict[str, str]:
        """The findings of an undisturbed run, whose modules are imported for all that follow."""
        home, told = self.folder / "straight", self.folder / "modules"

        def work() -> int:
            tune(self.recipe, home=home)
            told.write_text("\n".join(sys.modules), encoding="utf-8")
            return 0

        assert live(work) == 0
        for name in told.read_text(encoding="utf-8").splitlines():
            with suppress(ImportError):  # names that are no modules
                importlib.import_module(name)
        return fingerprint(home)

    def calls(self) -> list[str]:
        """Of an undisturbed run, in order."""
        home = self.folder / "traced"
        traced = live_traced(lambda: tune(self.recipe, home=home) and 0, self.folder / "trace", home)
        assert traced.code == 0, traced.code
        return [call.told(home) for call in of_publishing(traced.calls)]

    def strike(self, planned: str, fault: str) -> dict[str, object]:
        """Strike one call of a run, then let it end; again where it was another one.

        Python lists a folder of modules again when anything has changed in it: then numbers of `openat` move.
        """
        for _ in range(NUM_TRIES):
            outcome = self.strike_once(planned, fault)
            if outcome["struck"] == [planned]:
                break
        return outcome

    def strike_once(self, planned: str, fault: str) -> dict[str, object]:
        home, words, words_of_end = (self.folder / name for name in ("home", "words", "words-of-end"))
        for path in (words, words_of_end):
            path.write_text("", encoding="utf-8")
        name, number = planned.partition(" ")[0].split(":")
        work = in_words(lambda: tune(self.recipe, home=home), words)
        life = live_traced(work, self.folder / "trace", home, f"{name}:{fault}:when={number}")
        code = live(in_words(lambda: end(self.recipe, home), words_of_end))
        outcome = {
            "planned": planned,
            "struck": [call.told(home) for call in struck(life)],
            "lives": [life.code, code],
            "synced_again": [call.told(home) for call in synced_again(life)],
            "words": same_for_all_runs(words.read_text(encoding="utf-8"), home),
            "words_of_end": words_of_end.read_text(encoding="utf-8"),
            "found": fingerprint(home) if code == 0 else {},
        }
        shutil.rmtree(home)
        return outcome


def struck(life: Traced) -> list[Call]:
    """The calls that failed, or the last one of a life that was killed."""
    return life.calls[-1:] if life.code < 0 else [call for call in life.calls if call.text.endswith("(INJECTED)")]


def synced_again(life: Traced) -> list[Call]:
    """Later syncs of a file whose sync failed."""
    first = struck(life)[:1]
    later = life.calls[life.calls.index(first[0]) + 1 :] if first and first[0].name in SYNCING else []
    return [call for call in later if call.name in SYNCING and call.file == first[0].file]


def main(folder: Path) -> None:
    """Carry out a plan: {"recipe", "fault"}, a fault being one of strace's, such as `signal=SIGKILL`."""
    plan = json.load(sys.stdin)
    runs = Struck(TuneRecipe.model_validate(plan["recipe"]), folder)
    expected = runs.straight()
    outcomes = []
    for call in runs.calls():
        outcome = runs.strike(call, plan["fault"])
        found = outcome.pop("found")
        assert isinstance(found, dict)
        outcomes.append(
            {**outcome, "differing": sorted(name for name in expected if found.get(name) != expected[name])}
        )
    json.dump(outcomes, sys.stdout)


if __name__ == "__main__":
    import peft  # noqa: F401
    import torch
    import transformers  # noqa: F401

    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    main(Path(sys.argv[1]))
