"""`tunewright runs` and `tunewright show`: what was done before."""

import shlex
from typing import TYPE_CHECKING

from tunewright.cli import options

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from rich.table import Table

    from tunewright.records import KeptArm, Run


def runs(*, home: options.Home = None, json_file: options.JsonFile = None) -> None:
    """List all runs, newest first; those whose record is damaged are named after them.

    Example:

    $ tunewright runs
    """
    from tunewright.actions import list_runs, unreadable_runs
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    found, unreadable = list_runs(home), unreadable_runs(home)
    if found:
        screen.show(_run_table(found))
    for problem in unreadable:
        screen.say(f"A run is not listed, since it cannot be read: {problem}")
    if not found and not unreadable:
        screen.line("No runs yet. Make one with: tunewright tune DATA")
    screen.write_json([run.model_dump(mode="json") for run in found])


def show(*, run: options.RunName, home: options.Home = None, json_file: options.JsonFile = None) -> None:
    """Show a run: what it was made of, its result, and where its report lies.

    Example:

    $ tunewright show last
    """
    from tunewright.actions import list_arms, run_folder, show_run
    from tunewright.cli.report import print_report
    from tunewright.cli.screen import Screen
    from tunewright.cli.study_view import print_study
    from tunewright.records import Report, StudyReport

    screen = Screen(json_file)
    record, report = show_run(run, home)
    folder = run_folder(run, home)  # by the name given: the run may lie outside the home
    for name, value in _facts(record, home):
        screen.line(f"{name:<10}{value}")
    screen.line(f"{'folder':<10}{folder}")
    arms = list_arms(run, home) if record.kind == "study" else ()
    for place, line in enumerate(_arm_lines(arms, run if "/" in run else record.id, home)):
        screen.line(f"{'' if place else 'arms':<10}{line}")
    if isinstance(report, StudyReport):
        print_study(screen, report, folder)
    elif isinstance(report, Report):
        print_report(screen, report, folder)
    screen.write_json(
        {
            "run": record.model_dump(mode="json"),
            "report": report.model_dump(mode="json") if report else None,
            **({"arms": [arm.model_dump(mode="json") for arm in arms]} if record.kind == "study" else {}),
        }
    )


def _arm_lines(arms: "Sequence[KeptArm]", study: str, home: "Path | None") -> "Iterator[str]":
    """What opens each arm of a study, and what it puts before a message."""
    from tunewright.actions.handover import home_option

    for arm in arms:
        given = f"  ({arm.told})" if arm.told else ""
        yield f"tunewright chat {shlex.quote(f'{study}/{arm.slug}')}{home_option(home)}{given}"


def _run_table(found: "list[Run]") -> "Table":
    from rich.table import Table

    from tunewright.cli.visible import visible

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("run", "kind", "status", "made (UTC)"):
        table.add_column(heading, no_wrap=True)
    table.add_column("base", overflow="fold")
    for run in found:
        made = run.created_at[:16].replace("T", " ")
        table.add_row(run.id, run.kind, run.status, made, visible(run.base.name))
    return table


def _facts(run: "Run", home: "Path | None") -> list[tuple[str, str]]:
    from tunewright.actions.handover import home_option
    from tunewright.records import RunStatus

    facts = [
        ("run", run.id),
        ("kind", run.kind),
        ("status", run.status.value),
        ("made", run.created_at),
        ("base", f"{run.base.name} @ {run.base.revision}"),
        ("dataset", run.dataset_id),
        ("machine", f"{run.environment.processor}, {run.environment.threads}"),
        ("command", run.command),
    ]
    facts += [("forced", change.told) for change in run.forced]
    if run.error:
        facts.append(("error", run.error))
    if run.kind in ("tune", "study") and run.status is not RunStatus.SUCCEEDED:
        num_processes = run.environment.num_processes
        together = f" --processes {num_processes}" if num_processes > 1 else ""
        facts.append(("continue", f"tunewright {run.kind} --resume {run.id}{together}{home_option(home)}"))
    return facts
