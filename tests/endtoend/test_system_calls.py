"""Each system call that publishes a checkpoint and the result is struck by strace; the run ends in the same bytes.

What libraries write is struck too. The calls before and after are our own file layer's, whose tests strike them there:
test_killed_runs.py and test_faulty_disk.py.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from killed_runs import carry_out
from small_job import FEW, small_recipe, write_rows
from struck_runs import strace
from tiny_base import write_tiny_base

SCRIPT = Path(__file__).parents[1] / "struck_runs.py"
BY_LIBRARIES = (
    'renameat("/runs/RUN/checkpoints/.tmp-step-00000004/.tmp", '
    '"/runs/RUN/checkpoints/.tmp-step-00000004/weights.safetensors")',
    "write(</runs/RUN/.tmp-artifact/.tmp>, bytes)",
)


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


def strike_every_call(recipe, fault, folder):
    outcomes = carry_out(SCRIPT, {"recipe": json.loads(recipe.model_dump_json()), "fault": fault}, folder)
    missed = [outcome for outcome in outcomes if outcome["struck"] != [outcome["planned"]]]
    assert not missed, f"{len(missed)} of {len(outcomes)}: {missed[:3]}"
    wrong = [outcome for outcome in outcomes if outcome["differing"] or outcome["lives"][-1] != 0]
    assert not wrong, f"{len(wrong)} of {len(outcomes)}: {wrong[:3]}"
    calls = [outcome["planned"].partition(" ")[2] for outcome in outcomes]
    assert set(BY_LIBRARIES) <= set(calls)
    assert len(calls) > 60
    return outcomes


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_kill_at_every_system_call_of_publishing_ends_in_the_bytes_of_an_undisturbed_run(recipe, tmp_path):
    outcomes = strike_every_call(recipe, "signal=SIGKILL", tmp_path)
    assert {outcome["lives"][0] for outcome in outcomes} == {-9}
