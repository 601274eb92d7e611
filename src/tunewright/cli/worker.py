"""The process that `tune` and `study` start for their work: `python -m tunewright.cli.worker FOLDER`."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from tunewright.actions.handover import (
    EXIT_LOST,
    EXIT_OUT_OF_MEMORY,
    Job,
    StudyJob,
    TuneJob,
    WorkerFolder,
    home_option,
)
from tunewright.actions.launching import end_with_launcher
from tunewright.actions.processes import follow, is_first, joined
from tunewright.actions.working import WatchedProgress, at_work
from tunewright.cli.app import EXIT_INTERRUPTED, exit_code, in_words
from tunewright.cli.progress import RichProgress
from tunewright.cli.report import print_report
from tunewright.cli.screen import Screen
from tunewright.errors import InterruptedRunError, ProcessLostError, ProcessOutOfMemoryError, TunewrightError
from tunewright.records import Report, RunStatus, StudyReport


def main(folder: Path) -> int:
    """Carry out the job of a supervisor's folder; returns the exit code of the command."""
    handover = WorkerFolder(folder)
    try:
        return _work(handover, handover.job())
    finally:
        handover.end()


def _work(handover: WorkerFolder, job: Job) -> int:
    screen = Screen(job.json_file)
    if job.num_processes > 1:
        handover.join(os.getpid())
    if not is_first():
        return follow_first(screen)
    try:
        with at_work(handover, screen.progress) as (progress, heart), joined():
            return carry_out(job, screen, progress, heart.run_is)
    except TunewrightError as error:
        return told(error, screen)
    except Exception as error:  # noqa: BLE001 - what is not the system's refusal goes on as it is
        return told(in_words(error), screen)
    except KeyboardInterrupt:
        pulse = handover.pulse()
        run_id = (pulse and pulse.run_id) or job.resume
        then = f"Stopped. Continue with: {job.command_to_continue(run_id)}" if run_id else "Stopped."
        screen.error(InterruptedRunError(then))
        return EXIT_INTERRUPTED


def main_of_torchrun(job: TuneJob) -> int:
    """Carry out a job as one of several processes that the user's own torchrun started, without a supervisor."""
    screen = Screen(job.json_file)
    if not is_first():
        return follow_first(screen)
    try:
        with joined():
            return carry_out(job, screen, screen.progress)
    except TunewrightError as error:
        return told(error, screen)


def follow_first(screen: Screen) -> int:
    """Do what the first process says; returns the exit code of this one."""
    end_with_launcher()
    try:
        with joined():
            follow()
    except ProcessLostError:  # said by whoever died, or by torchrun
        return EXIT_LOST
    except TunewrightError as error:
        return told(error, screen)
    return 0


def told(error: TunewrightError, screen: Screen) -> int:
    """Show an error; returns the exit code of the process."""
    screen.error(error)
    if isinstance(error, ProcessOutOfMemoryError):
        return EXIT_OUT_OF_MEMORY
    return EXIT_LOST if isinstance(error, ProcessLostError) else exit_code(error)


def carry_out(
    job: Job,
    screen: Screen,
    progress: WatchedProgress | RichProgress,
    on_run: Callable[[str], None] | None = None,
) -> int:
    """Do the job or what is left of it, and print what came out; returns the exit code."""
    if isinstance(job, StudyJob):
        return _study(job, screen, progress, on_run)
    from tunewright.actions import resume, run_folder, tune

    if job.recipe is not None:
        report = tune(job.recipe, home=job.home, progress=progress, command=job.command, on_run=on_run)
    else:
        assert job.resume is not None
        report = _finished(job, job.resume, Report) or resume(job.resume, home=job.home, progress=progress)
    print_report(screen, report, run_folder(job.resume or report.run_id, job.home))
    screen.line(f"Talk to it: tunewright chat {report.run_id}{home_option(job.home)}")
    screen.write_json(report.model_dump(mode="json"))
    return 0


def _study(
    job: StudyJob,
    screen: Screen,
    progress: WatchedProgress | RichProgress,
    on_run: Callable[[str], None] | None,
) -> int:
    from tunewright.actions import resume_study, run_folder, study, why_gates_fail
    from tunewright.cli.study_view import print_study

    if job.recipe is not None:
        report = study(job.recipe, home=job.home, progress=progress, command=job.command, on_run=on_run)
    else:
        assert job.resume is not None
        report = _finished(job, job.resume, StudyReport) or resume_study(job.resume, home=job.home, progress=progress)
    print_study(screen, report, run_folder(job.resume or report.run_id, job.home))
    screen.write_json(report.model_dump(mode="json"))
    failures = why_gates_fail(report, job.gates)
    for failure in failures:
        screen.say(f"--fail-if: {failure}")
    return 1 if failures else 0


ReportKind = TypeVar("ReportKind", Report, StudyReport)


def _finished(job: Job, run: str, kind: type[ReportKind]) -> ReportKind | None:
    """The report of a run that had succeeded when its worker died."""
    from tunewright.actions import show_run

    if not job.is_restart:
        return None
    record, report = show_run(run, job.home)
    return report if record.status is RunStatus.SUCCEEDED and isinstance(report, kind) else None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
