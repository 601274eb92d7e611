"""`tunewright study`: the alternatives to tuning, and tuning, on the same rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from tunewright.cli import options
from tunewright.cli.settings import Settings, typed_command
from tunewright.errors import Problem, RecipeError

if TYPE_CHECKING:
    from tunewright.actions import StudyJob
    from tunewright.records import Gate


Documents = Annotated[
    str | None,
    typer.Option("--documents", metavar="DIR", help="Documents to retrieve from: adds the two retrieval arms."),
]
UpdatedDocuments = Annotated[
    str | None,
    typer.Option(
        "--updated-documents",
        metavar="DIR",
        help="The documents after a change: they replace --documents after training, and every arm is asked again.",
    ),
]
UpdatedAnswers = Annotated[
    str | None,
    typer.Option(
        "--updated-answers",
        metavar="FILE",
        help="Rows whose answer the change makes another: inputs of your data with the answer that is right now.",
    ),
]
Prompts = Annotated[
    list[str] | None,
    typer.Option(
        "--prompt",
        metavar="FILE",
        help="A system prompt to try, beside those made from your rows. May be repeated; the best is kept.",
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(
        "--endpoint",
        metavar="URL",
        help="A hosted model as a further arm: an OpenAI-compatible address such as http://localhost:8000/v1. "
        "Inputs and examples are sent there.",
    ),
]
Model = Annotated[str | None, typer.Option("--model", metavar="NAME", help="The hosted model's name.")]
KeyVariable = Annotated[
    str | None, typer.Option("--key-variable", metavar="ENV", help="Environment variable that holds its key.")
]
StudyOverrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting, as in --set needs.requests_per_day=5000. May be repeated; docs/study.md and "
        "`tunewright recipe` list them all.",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        "--resume",
        metavar="RUN",
        help="Continue a study that was stopped, or ask again what endpoint or judge failed to answer. "
        "Takes no other settings.",
    ),
]
FailIf = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if",
        metavar="FINDING",
        help="End with exit code 1 on worse-than-prompt (tuned is worse than prompted or few-shot), not-better (no "
        "tuned arm is better than every arm without training), none-works (no arm beats one answer to all inputs), "
        "too-few-rows, or forgets (a tuned arm lost general ability beyond its limits, or nobody measured it). May "
        "be repeated.",
    ),
]


def study(
    *,
    data: options.OptionalData = None,
    base: options.Base = None,
    documents: Documents = None,
    updated_documents: UpdatedDocuments = None,
    updated_answers: UpdatedAnswers = None,
    prompts: Prompts = None,
    endpoint: Endpoint = None,
    model: Model = None,
    key_variable: KeyVariable = None,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    method: options.MethodKind = None,
    validation: options.Validation = None,
    test: options.Test = None,
    recipe_file: options.RecipeFile = None,
    overrides: StudyOverrides = None,
    resume: Resume = None,
    fail_if: FailIf = None,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Find out whether tuning is worth it: run the alternatives on the same rows.

    Your rows are asked of the base alone, with a system prompt, with similar
    training rows as examples, with passages of your documents, and after
    training, with and without passages. Prompts and numbers of examples are
    chosen on validation rows; the test rows are answered once by every arm. The
    end is a decision with its reasons: quality, cost, and how sure that is.

    Ctrl-C keeps every answer; the command that continues is printed. The work is
    done by a process of its own, which starts again where it was if it dies.

    Example:

    $ tunewright study tickets.jsonl --documents handbook --prompt house-rules.txt
    """
    from tunewright.actions import supervise
    from tunewright.cli.screen import Screen

    settings = Settings.among(locals())
    alternatives = _alternatives(
        documents=documents,
        updated={"documents": updated_documents, "answers": updated_answers},
        prompts=prompts,
        endpoint={"url": endpoint, "model": model, "key_variable": key_variable},
    )
    gates = _gates(fail_if or ())
    job = _job(settings, alternatives, resume, home).model_copy(update={"json_file": json_file, "gates": gates})
    screen = Screen(json_file)
    screen.require_no_input(job.recipe, recipe_file)
    if code := supervise(job, screen.progress):
        raise typer.Exit(code)


def _job(settings: Settings, alternatives: dict[str, Any], resume: str | None, home: Path | None) -> "StudyJob":
    from tunewright.actions import StudyJob, run_to_resume
    from tunewright.records import read_study_recipe

    if resume is not None:
        settings.refuse_beside("--resume", given=[_OPTION_OF[name] for name in alternatives])
        return StudyJob.model_validate(run_to_resume(resume, home))
    fields = {**settings.fields("study"), **alternatives}
    recipe = read_study_recipe(fields, settings.recipe_file, settings.overrides)
    return StudyJob(recipe=recipe, home=home, command=typed_command())


_OPTION_OF = {
    "documents": "--documents",
    "updated": "--updated-documents",
    "prompts": "--prompt",
    "endpoint": "--endpoint",
}


def _alternatives(**given: str | list[str] | dict[str, str | None] | None) -> dict[str, Any]:
    """The settings of a study that `tune` does not have, as far as they were given."""
    found = {
        name: {key: part for key, part in value.items() if part is not None} if isinstance(value, dict) else value
        for name, value in given.items()
    }
    return {name: value for name, value in found.items() if value not in (None, {}, [])}


def _gates(names: Sequence[str]) -> "tuple[Gate, ...]":
    """Raises: RecipeError when a name is not one of a gate."""
    from tunewright.records import Gate

    gates: tuple[Gate, ...] = get_args(Gate)
    unknown = [name for name in names if name not in gates]
    if unknown:
        raise RecipeError(Problem("--fail-if", repr(unknown[0]), f"one of {', '.join(gates)}", "Correct the name."))
    return tuple(gate for gate in gates if gate in names)
