"""However a run ends, its record says so."""

from pathlib import Path

import pytest
from store_samples import FaultyFiles, new_run, new_store

from tunewright.actions.outcome import recorded_outcome
from tunewright.errors import DivergedError, InterruptedRunError, OutOfMemoryError, StoreError
from tunewright.records import RunStatus


def test_a_block_that_ends_well_leaves_the_record_alone(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    with recorded_outcome(run, "tunewright tune --resume 3f9a"):
        pass
    assert new_store(tmp_path).run("last").record == run.record
    assert run.record.status is RunStatus.RUNNING


def test_ctrl_c_is_an_interruption_with_the_command_that_continues(tmp_path: Path) -> None:
    words = r"^Stopped\. Continue with: tunewright tune --resume 3f9a$"
    with (
        pytest.raises(InterruptedRunError, match=words),
        recorded_outcome(new_run(tmp_path), "tunewright tune --resume 3f9a"),
    ):
        raise KeyboardInterrupt
    record = new_store(tmp_path).run("last").record
    assert (record.status, record.error) == (RunStatus.INTERRUPTED, None)


def test_a_training_that_had_succeeded_and_is_looked_at_again_stays_so_when_it_is_stopped(tmp_path: Path) -> None:
    run = new_run(tmp_path)
    run.update(RunStatus.SUCCEEDED)
    with pytest.raises(InterruptedRunError, match=r"^Stopped\. Continue with: "), recorded_outcome(run, "resume"):
        raise KeyboardInterrupt
    with pytest.raises(ValueError, match="wrong shape"), recorded_outcome(run, "resume"):
        raise ValueError("wrong shape")
    assert new_store(tmp_path).run("last").record.status is RunStatus.SUCCEEDED


def test_an_interruption_keeps_its_own_words(tmp_path: Path) -> None:
    with pytest.raises(InterruptedRunError, match=r"^Stopped after step 3\.$"), recorded_outcome(new_run(tmp_path), ""):
        raise InterruptedRunError("Stopped after step 3.")
    assert new_store(tmp_path).run("last").record.status is RunStatus.INTERRUPTED


@pytest.mark.parametrize(
    "error",
    [
        DivergedError("Step 3: the loss is nan"),
        RuntimeError("out of memory"),
        ValueError("wrong shape"),
        OSError("disk gone"),
        ZeroDivisionError("a bug of ours"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_is_written_into_the_record_and_goes_on(error: Exception, tmp_path: Path) -> None:
    with pytest.raises(type(error), match=str(error)), recorded_outcome(new_run(tmp_path), ""):
        raise error
    record = new_store(tmp_path).run("last").record
    assert (record.status, record.error) == (RunStatus.FAILED, f"{type(error).__name__}: {error}")


def test_memory_that_ran_out_is_told_with_what_to_lower_and_how_to_go_on(tmp_path: Path) -> None:
    words = r"^Memory ran out \(no room.*set a lower train\.max_length.* Continue with: tunewright tune --resume 3f9a$"
    with (
        pytest.raises(OutOfMemoryError, match=words) as told,
        recorded_outcome(new_run(tmp_path), "tunewright tune --resume 3f9a"),
    ):
        raise MemoryError("no room")
    record = new_store(tmp_path).run("last").record
    assert (record.status, record.error) == (RunStatus.FAILED, f"OutOfMemoryError: {told.value}")


def test_a_disk_that_refuses_the_record_too_does_not_hide_the_first_error(tmp_path: Path) -> None:
    files = FaultyFiles(sticky=True)
    run = new_run(tmp_path, files)
    files.fail_at = len(files.calls) + 1
    with pytest.raises(StoreError, match=r"^disk full$"), recorded_outcome(run, ""):
        raise StoreError("disk full")
    assert len(files.calls) >= files.fail_at
    # As after a kill: it can be resumed.
    assert new_store(tmp_path).run("last").record.status is RunStatus.RUNNING
