"""`tunewright data`: versions of named data sets, from the first build to the export."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tunewright.cli import options
from tunewright.cli.settings import is_recipe_file, read_rows_recipe, typed_command

if TYPE_CHECKING:
    from tunewright.actions.from_documents import DocumentRowKind

data = typer.Typer(
    no_args_is_help=True,
    help="""Keep versions of a data set: build, refresh, compare, take back, export.

    A version is frozen: its rows, its splits and where they come from. Train on
    one with tunewright tune data:NAME.

    Start here:

    $ tunewright data build tickets.jsonl   make the first version
    $ tunewright data refresh tickets       read the files again
    $ tunewright data log tickets           what was made, and when
    """,
)

RecipeOrData = Annotated[
    str,
    typer.Argument(
        metavar="RECIPE|DATA",
        help="A recipe (.yaml) whose section data says what to read, or your examples as in tune.",
        show_default=False,
    ),
]
NewTest = Annotated[
    bool,
    typer.Option("--new-test", help="Cut a new test split. Results on the old one and the new one cannot be compared."),
]
Format = Annotated[
    Literal["jsonl", "openai", "parquet"],
    typer.Option("--to", help="jsonl reads back as it was; openai holds chat messages only.", show_default=False),
]


@data.command()
def build(
    *,
    source: RecipeOrData,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name of the data set. Default: from the file.")
    ] = None,
    fixes: Annotated[
        Path | None, typer.Option("--fixes", metavar="FILE", help="Carry out a fix list that check --fix has written.")
    ] = None,
    new_test: NewTest = False,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    validation: options.Validation = None,
    test: options.Test = None,
    overrides: options.DataOverrides = None,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Read, check and split rows, and freeze them as a version of a named data set.

    Problems that stop tune stop this too. The test split is frozen when the data
    set is first made: later versions keep its rows, and add rows to the other
    splits only.

    Example:

    $ tunewright data build tickets.jsonl --name tickets
    """
    from tunewright.actions import build_dataset
    from tunewright.cli.screen import Screen
    from tunewright.cli.version_view import print_build

    screen = Screen(json_file)
    given = [f"data.fixes={fixes}"] if fixes else []
    recipe, _ = read_rows_recipe(
        source,
        input_column,
        output_column,
        form,
        (*(overrides or ()), *given),
        validation=validation,
        test=test,
        sections=("data",),
        may_be_recipe=True,
    )
    screen.require_no_input(recipe, source)
    if name is None and is_recipe_file(source):
        name = Path(source).stem
    built = build_dataset(
        recipe, name=name, new_test=new_test, home=home, progress=screen.progress, command=typed_command()
    )
    print_build(screen, built)
    screen.write_json(built.model_dump(mode="json"))


@data.command()
def refresh(
    *,
    name: options.DatasetName,
    new_test: NewTest = False,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Read the files of a data set again; make a new version if rows have changed.

    Example:

    $ tunewright data refresh tickets
    """
    from tunewright.actions import refresh_dataset
    from tunewright.cli.screen import Screen
    from tunewright.cli.version_view import print_build

    screen = Screen(json_file)
    built = refresh_dataset(name, new_test=new_test, home=home, progress=screen.progress, command=typed_command())
    print_build(screen, built)
    screen.write_json(built.model_dump(mode="json"))


@data.command()
def diff(
    *,
    older: options.OlderVersion,
    newer: options.NewerVersion,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Compare two versions: rows new, gone and changed, for each source.

    Changed means: the same input with another answer.

    Example:

    $ tunewright data diff tickets@1 tickets@2
    """
    from tunewright.actions import diff_datasets
    from tunewright.cli.screen import Screen
    from tunewright.cli.version_view import print_difference

    screen = Screen(json_file)
    found = diff_datasets(older, newer, home)
    print_difference(screen, found)
    screen.write_json(found.model_dump(mode="json"))


@data.command()
def show(
    *,
    version: options.DatasetVersionName,
    card: Annotated[bool, typer.Option("--card", help="Print the card, DATASET.md, instead.")] = False,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Show a version: sources, splits, what was done to the rows, the first rows.

    Example:

    $ tunewright data show tickets
    """
    from tunewright.actions import dataset_card, show_dataset
    from tunewright.cli.screen import Screen
    from tunewright.cli.version_view import print_version

    screen = Screen(json_file)
    found = show_dataset(version, home)
    if card:
        screen.line(dataset_card(version, home).rstrip("\n"))
    else:
        print_version(screen, found)
    screen.write_json(found.model_dump(mode="json"))


@data.command()
def log(
    *,
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="A named data set. Default: all.")] = None,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """List the versions of a data set, newest first; or all data sets.

    Example:

    $ tunewright data log tickets
    """
    from tunewright.actions import dataset_log, list_datasets
    from tunewright.cli.screen import Screen
    from tunewright.cli.version_view import print_log, print_names

    screen = Screen(json_file)
    if name is None:
        logs = list_datasets(home)
        print_names(screen, logs)
        screen.write_json([found.model_dump(mode="json") for found in logs])
        return
    found = dataset_log(name, home)
    print_log(screen, found)
    screen.write_json(found.model_dump(mode="json"))


@data.command()
def back(
    *,
    name: options.DatasetName,
    version: Annotated[
        str,
        typer.Argument(metavar="VERSION", help="Its number in the log, or the start of its id.", show_default=False),
    ],
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Make an older version the current one again. Nothing is deleted.

    Example:

    $ tunewright data back tickets 1
    """
    from tunewright.actions import take_back
    from tunewright.cli.screen import Screen
    from tunewright.cli.version_view import print_build

    screen = Screen(json_file)
    taken = take_back(name, version, home=home, command=typed_command())
    print_build(screen, taken)
    screen.write_json(taken.model_dump(mode="json"))


@data.command()
def export(
    *,
    version: options.DatasetVersionName,
    to: Format,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The new folder to write.", show_default=False)],
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Write a version into a new folder: one file for each split, and its card.

    Example:

    $ tunewright data export tickets --to jsonl --out tickets-export
    """
    from tunewright.actions import export_dataset
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    files, num_copies = export_dataset(version, to, out, home)
    for file in files:
        screen.line(f"Wrote {file}")
    if num_copies:
        again = "When they are read again, --set data.keep_duplicates=true keeps them."
        screen.say(f"{num_copies:,} training rows are copies of others. {again}")
    screen.write_json({"files": [str(file) for file in files]})


@data.command(name="from-docs")
def from_docs(
    *,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="A folder of documents (.txt, .md, .html, .pdf, .docx), in folders of any depth.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FOLDER", help="Where the rows go: new, or of an earlier call.", show_default=False
        ),
    ],
    passages: Annotated[bool, typer.Option("--passages", help="Make passages.jsonl, to be searched.")] = False,
    text: Annotated[bool, typer.Option("--text", help="Make text.jsonl, for continued pre-training.")] = False,
    questions: Annotated[
        bool, typer.Option("--questions", help="Make questions.jsonl with a model: questions and grounded answers.")
    ] = False,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", metavar="URL", help="Chat endpoint that writes them, as http://localhost:8000/v1."),
    ] = None,
    model: Annotated[str | None, typer.Option("--model", metavar="NAME", help="Its model.")] = None,
    key_variable: Annotated[
        str | None, typer.Option("--key-variable", metavar="ENV", help="Environment variable that holds its key.")
    ] = None,
    json_file: options.JsonFile = None,
) -> None:
    """Make rows from documents: passages, texts, or questions with answers.

    Without options it makes passages and texts, and sends nothing. With
    --questions every passage goes to the endpoint. Answers that are not in the
    passage are refused and listed in refused.jsonl. Call it again to continue.

    Example:

    $ tunewright data from-docs manuals --out manuals-rows
    """
    from tunewright.actions import make_rows_from_documents
    from tunewright.cli.documents_view import print_document_rows, question_writer
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    asked: dict[DocumentRowKind, bool] = {"passages": passages, "text": text, "questions": questions}
    kinds: list[DocumentRowKind] = [kind for kind, is_asked in asked.items() if is_asked] or ["passages", "text"]
    writer = question_writer(endpoint, model, key_variable)
    rows = make_rows_from_documents(folder, out, kinds, writer=writer, progress=screen.progress)
    print_document_rows(screen, rows)
    screen.write_json(rows.model_dump(mode="json"))
