"""`tunewright doctor`: is this machine fit to train?"""

import typer

from tunewright.cli import options

EXIT_BROKEN = 1
_STYLES = {"ok": "green", "warning": "yellow", "broken": "bold red"}


def doctor(*, home: options.Home = None, json_file: options.JsonFile = None) -> None:
    """Check this machine: packages, processor, memory, disk, and one step of training.

    Ends with exit code 1 when something is broken.

    Example:

    $ tunewright doctor
    """
    from rich.table import Table
    from rich.text import Text

    from tunewright.actions import doctor as examine
    from tunewright.cli.screen import Screen
    from tunewright.cli.visible import visible

    screen = Screen(json_file)
    screen.say("Checking this machine; the training step takes some seconds.")
    checks = examine(home)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for check in checks:
        advice = f"\n{check.advice}" if check.advice else ""
        table.add_row(Text(check.status, _STYLES[check.status]), visible(check.name), visible(check.found + advice))
    screen.show(table)
    screen.write_json([check.model_dump(mode="json") for check in checks])
    if any(check.status == "broken" for check in checks):
        raise typer.Exit(EXIT_BROKEN)
