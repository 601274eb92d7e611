"""`tunewright tune`: the main job."""

import shlex
import sys
from typing import Annotated

import typer

from tunewright.cli import options
from tunewright.cli.settings import Settings


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
    bake: Annotated[
        str | None,
        typer.Option(
            "--bake",
            metavar="PROMPT_FILE",
            help="Train the model to answer without this system prompt as it does with it, and prove that it does.",
        ),
    ] = None,
    tasks: Annotated[
        str | None,
        typer.Option(
            "--retention",
            metavar="TASK,...",
            help="Tasks of lm-evaluation-harness, as in hellaswag,arc_easy, run on the base and on the tuned model.",
        ),
    ] = None,
    recipe_file: options.RecipeFile = None,
    overrides: options.Overrides = None,
    resume: Annotated[
        str | None,
        typer.Option("--resume", metavar="RUN", help="Continue a run that was stopped. Takes no other settings."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            "--processes",
            metavar="N",
            min=1,
            help="Train with so many processes, one for each GPU. Also beside --resume.",
        ),
    ] = None,
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
    from tunewright.actions import TuneJob, supervise
    from tunewright.actions.processes import num_processes, refuse_under_torchrun
    from tunewright.cli.screen import Screen

    if processes is not None:
        refuse_under_torchrun(processes)

    settings = Settings(
        data=data,
        base=base,
        input_column=input_column,
        output_column=output_column,
        form=form,
        method=method,
        validation=validation,
        test=test,
        bake=bake,
        tasks=tasks,
        recipe_file=recipe_file,
        overrides=tuple(overrides or ()),
    )
    if resume is not None:
        settings.refuse_beside("--resume")
        job = TuneJob(resume=resume, home=home, json_file=json_file, num_processes=processes or 1)
    else:
        command = shlex.join(["tunewright", *sys.argv[1:]])
        job = TuneJob(
            recipe=settings.recipe(), home=home, json_file=json_file, command=command, num_processes=processes or 1
        )
    if num_processes() > 1:
        from tunewright.cli.worker import main_of_torchrun

        code = main_of_torchrun(job)
    else:
        code = supervise(job, Screen(json_file).progress)
    if code:
        raise typer.Exit(code)
