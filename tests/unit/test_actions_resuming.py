"""How long each stage of a run took, over all sittings. Runs that cannot be resumed stand in test_actions_tuning.py."""

from pathlib import Path

import pytest
from store_samples import FaultyFiles, new_run

from tunewright.actions.resuming import seconds_of, timed
from tunewright.errors import DivergedError


@pytest.mark.parametrize("ending", [KeyboardInterrupt, DivergedError])
def test_a_stage_that_was_stopped_counts_with_the_time_until_then(
    ending: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = new_run(tmp_path)
    times = iter([0.0, 9.0, 100.0, 103.0])
    monkeypatch.setattr("tunewright.actions.resuming.time.monotonic", lambda: next(times))
    with pytest.raises(ending), timed(run, "train"):
        raise ending
    assert seconds_of(run) == {"train": 9.0}
    with timed(run, "train"):
        pass
    assert seconds_of(run) == {"train": 12.0}


def test_a_disk_that_refuses_the_time_of_a_stage_does_not_hide_what_ended_it(tmp_path: Path) -> None:
    files = FaultyFiles(sticky=True)
    run = new_run(tmp_path, files)
    files.fail_at = len(files.calls) + 1
    with pytest.raises(DivergedError, match=r"^not a number$"), timed(run, "train"):
        raise DivergedError("not a number")
    assert len(files.calls) >= files.fail_at
    assert seconds_of(run) == {}
