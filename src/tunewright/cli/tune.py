"""`tunewright tune`: the main job."""

from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli import options
from tunewright.cli.settings import Settings, typed_command

if TYPE_CHECKING:
    from tunewright.actions import TuneJob

Bake = Annotated[
    str | None,
    typer.Option(
        "--bake",
        metavar="PROMPT_FILE",
        help="Train the model to answer without this system prompt as it does with it, and prove that it does.",
    ),
]
Tasks = Annotated[
    str | None,
    typer.Option(
        "--retention",
        metavar="TASK,...",
        help="Public tests of general ability (tasks of lm-evaluation-harness), as in hellaswag,arc_easy, run on the "
        "base and on the tuned model.",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="RUN",
        help="Continue a run that was stopped. Beside it only --processes, --home and --json.",
    ),
]
Processes = Annotated[
    int | None,
    typer.Option(
        "--processes",
        metavar="N",
        min=1,
        help="Train with so many processes, one for each GPU. Also beside --resume.",
    ),
]


def tune(
    *,
    data: options.OptionalData = None,
    base: options.Base = None,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    method: options.MethodKind = None,
    validation: options.Validation = None,
    test: options.Test = None,
    bake: Bake = None,
    tasks: Tasks = None,
    recipe_file: options.RecipeFile = None,
    overrides: options.Overrides = None,
    resume: Resume = None,
    processes: Processes = None,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Train a model on your examples, and compare it with the model it came from.

    Part of the rows is kept apart. Both models answer it, and the table at the
    end says what training changed, and whether there were enough rows to tell.
    Ctrl-C saves; the command that continues is printed. The work is done by a
    process of its own, which starts again from its last checkpoint if it dies.

    Example:

    $ tunewright tune tickets.csv --input question --output answer
    """
    from tunewright.actions import TuneJob, run_to_resume
    from tunewright.actions.processes import refuse_under_torchrun
    from tunewright.cli.screen import Screen

    if processes is not None:
        refuse_under_torchrun(processes)
    settings = Settings.among(locals())
    job = TuneJob(home=home, json_file=json_file, num_processes=processes or 1)
    if resume is not None:
        settings.refuse_beside("--resume")
        job = job.model_copy(update=run_to_resume(resume, home))
    else:
        job = job.model_copy(update={"recipe": settings.recipe(), "command": typed_command()})
    Screen(json_file).require_no_input(job.recipe, recipe_file)
    if code := _carry_out(job):
        raise typer.Exit(code)


def _carry_out(job: "TuneJob") -> int:
    """In a process of its own; or here, where the user's torchrun has started several. Returns the exit code."""
    from tunewright.actions import supervise
    from tunewright.actions.processes import num_processes
    from tunewright.cli.screen import Screen

    if num_processes() > 1:
        from tunewright.cli.worker import main_of_torchrun

        return main_of_torchrun(job)
    return supervise(job, Screen(job.json_file).progress)
