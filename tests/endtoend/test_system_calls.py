"""Each system call that publishes a checkpoint and the result is struck by strace; the run ends in the same bytes.

What libraries write is struck too. The calls before and after are our own file layer's, whose tests strike them there:
test_killed_runs.py and test_faulty_disk.py.
"""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from killed_runs import carry_out
from small_job import FEW, small_recipe, write_rows
from struck_runs import strace
from tiny_base import write_tiny_base

from tunewright.records import Full, Lora

SCRIPT = Path(__file__).parents[1] / "struck_runs.py"
BY_LIBRARIES = (
    'renameat("/runs/RUN/checkpoints/.tmp-step-00000004/.tmp", '
    '"/runs/RUN/checkpoints/.tmp-step-00000004/weights.safetensors")',
    "write(</runs/RUN/.tmp-artifact/.tmp>, bytes)",
)
WITH_ANOTHER_WAY = ("mkdir:", "sendfile:")
"""Calls whose errors hide nothing: the folder stands already, or Python copies the file by reading and writing."""
WHAT_TO_DO = r"Check the disk, then|Free some space|make room on the disk, or check it"


@pytest.fixture(scope="module", autouse=True)
def _strace_works():
    if shutil.which("strace") is None:
        pytest.skip("needs strace, which is not installed")
    with subprocess.Popen(["sleep", "60"]) as sleeper:
        try:
            with strace(sleeper.pid, "-o", os.devnull):
                sleeper.kill()
        except PermissionError as error:
            sleeper.kill()
            pytest.skip(f"needs to trace a process, which is not permitted here: {error}")


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    inputs = write_rows(folder / "rows.jsonl", num_rows=60), write_tiny_base(folder / "base")
    # No checkpoint by the clock: the numbers of the calls would change.
    return small_recipe(*inputs, *FEW, "train.seconds_between_checkpoints=100000")


@dataclass(frozen=True)
class Outcome:
    """A run that was struck at one call, and how it ended (see struck_runs.py)."""

    planned: str
    struck: list[str]
    lives: list[int]
    words: str
    words_of_end: str
    synced_again: list[str]
    differing: list[str]

    def names_its_path(self):
        """The file of the call, or its folder where a library does not tell which file it was."""
        named, struck = (re.findall(r'/runs/RUN[^\s:,">]*', text) for text in (self.words, self.planned))
        return bool(near(named) & near(struck))


def near(names):
    """These paths and their folders, but nothing is near because it is in the folder of the run."""
    paths = [Path(name.rstrip(".")) for name in names]
    return {*paths, *(path.parent for path in paths)} - {Path("/runs/RUN")}


def strike_every_call(recipe, fault, folder):
    plan = {"recipe": json.loads(recipe.model_dump_json()), "fault": fault}
    outcomes = [Outcome(**outcome) for outcome in carry_out(SCRIPT, plan, folder)]
    require_none([outcome for outcome in outcomes if outcome.struck != [outcome.planned]], outcomes)
    require_none([outcome for outcome in outcomes if outcome.differing or outcome.lives[-1] != 0], outcomes)
    calls = [outcome.planned.partition(" ")[2] for outcome in outcomes]
    assert set(BY_LIBRARIES) <= set(calls)
    assert len(calls) > 60
    return outcomes


def require_none(wrong, outcomes):
    assert not wrong, f"{len(wrong)} of {len(outcomes)}: {wrong[:3]}"


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("method", [Lora(dropout=0.1), Full()], ids=["LoRA", "full tuning"])
def test_a_kill_at_every_system_call_of_publishing_ends_in_the_bytes_of_an_undisturbed_run(recipe, tmp_path, method):
    outcomes = strike_every_call(recipe.model_copy(update={"method": method}), "signal=SIGKILL", tmp_path)
    assert {outcome.lives[0] for outcome in outcomes} == {-9}


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("error", "method", "words"),
    [
        ("EIO", Lora(dropout=0.1), "input/output error"),
        ("ENOSPC", Lora(dropout=0.1), "disk full|no space left"),
        ("EIO", Full(), "input/output error"),
        ("ENOSPC", Full(), "disk full|no space left"),
    ],
    ids=["an I/O error of LoRA", "a full disk of LoRA", "an I/O error of full tuning", "a full disk of full tuning"],
)
def test_a_system_call_of_publishing_that_fails_is_told_in_words_and_the_run_resumes_to_the_same_bytes(
    recipe, tmp_path, error, method, words
):
    outcomes = strike_every_call(recipe.model_copy(update={"method": method}), f"error={error}", tmp_path)
    ended = [outcome for outcome in outcomes if outcome.lives[0] == 0]
    require_none([one for one in ended if one.words or not one.planned.startswith(WITH_ANOTHER_WAY)], outcomes)
    told = [outcome for outcome in outcomes if outcome not in ended]
    require_none([one for one in told if one.lives[0] == 1], outcomes)  # a traceback
    require_none([one for one in told if not re.search(words, one.words.lower())], outcomes)
    require_none([one for one in told if not one.names_its_path()], outcomes)
    require_none([one for one in told if not re.search(WHAT_TO_DO, one.words)], outcomes)
    # What failed is noted in the run's record, whose folder is synced after that.
    require_none([one for one in told if one.synced_again and "fsync(</runs/RUN>)" not in one.planned], outcomes)
    assert sum(one.planned.startswith("fsync:") for one in told) > 15
