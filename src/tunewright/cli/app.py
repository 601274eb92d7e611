"""The app: its commands in the order of `tunewright --help`, and the exit code of every error."""

import sys
from typing import Annotated

import typer

from tunewright.cli.chat import chat
from tunewright.cli.check import check
from tunewright.cli.data import data
from tunewright.cli.doctor import doctor
from tunewright.cli.evaluate import evaluate
from tunewright.cli.recipe import recipe
from tunewright.cli.runs import runs, show
from tunewright.cli.study import study
from tunewright.cli.tokens import tokens
from tunewright.cli.tune import tune
from tunewright.cli.usage import USAGE_ERROR, usage_problem
from tunewright.errors import (
    InterruptedRunError,
    Problem,
    RecipeError,
    RunInUseError,
    StoreError,
    TunewrightError,
)

EXIT_USER_ERROR = 2
EXIT_RUN_IN_USE = 3
EXIT_INTERRUPTED = 130
MAX_NAME_SHOWN = 200

# Our own errors are shown in one piece below; anything else is a bug and keeps Python's traceback.
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
for _command in (check, tune, study, evaluate, chat, tokens, recipe, runs, show, doctor):
    app.command()(_command)
app.add_typer(data, name="data")


def _print_version(value: bool | None) -> None:
    if value:
        from importlib.metadata import version

        typer.echo(f"tunewright {version('tunewright')}")
        raise typer.Exit


@app.callback()
def tunewright(
    *,
    version: Annotated[
        bool | None, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = None,
) -> None:
    """Fine-tune a pretrained model, and prove that it was worth it.

    Start here:

    $ tunewright check my-rows.jsonl       what is wrong with your rows
    $ tunewright tokens my-rows.jsonl      how a model sees your rows
    $ tunewright tune my-rows.jsonl        train, and compare before and after
    $ tunewright study my-rows.jsonl       is training worth it? run the alternatives
    $ tunewright chat last                 talk to the result
    """
    del version


def main() -> None:
    """Run the command line and end the process with its exit code.

    0: done. 1: `doctor` found something broken, `check` something that stops training, or `study` what --fail-if
    names. 2: the arguments, recipe, data or base are wrong. 3: another process works on the run. 130: stopped by Ctrl-C
    or SIGTERM; what was finished is saved.
    """
    try:
        sys.exit(app(prog_name="tunewright", standalone_mode=False))
    except USAGE_ERROR as error:
        if problem := usage_problem(error):
            _show(RecipeError(problem))
        sys.exit(EXIT_USER_ERROR)
    except TunewrightError as error:
        _show(error)
        sys.exit(exit_code(error))
    except Exception as error:  # noqa: BLE001 - what is not the system's refusal goes on as it is
        _show(in_words(error))
        sys.exit(EXIT_USER_ERROR)


def _show(error: TunewrightError) -> None:
    from tunewright.cli.screen import Screen

    Screen().error(error)


def in_words(error: Exception) -> TunewrightError:
    """What the system refused: memory, a name that is too long, a folder that may not be looked into.

    Raises:
        Exception: `error`, when it is none of these; then it is a bug of ours.
    """
    from traceback import print_exception

    from tunewright.actions.memory_refusal import likely_memory_refusal, memory_refusal

    if refusal := memory_refusal(error):
        return refusal
    if refusal := likely_memory_refusal(error):
        print_exception(error)  # it may be a bug of ours all the same
        return refusal
    if not isinstance(error, OSError) or error.filename is None:
        raise error
    name = str(error.filename)
    where = name if len(name) <= MAX_NAME_SHOWN else f"{name[:MAX_NAME_SHOWN]}…"
    found = (error.strerror or type(error).__name__).lower()
    return StoreError(str(Problem(where, found, "a path that can be opened", "Check the path and its permissions.")))


def exit_code(error: TunewrightError) -> int:
    """What the process ends with when a command raises `error`."""
    if isinstance(error, InterruptedRunError):
        return EXIT_INTERRUPTED
    return EXIT_RUN_IN_USE if isinstance(error, RunInUseError) else EXIT_USER_ERROR
