"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

_KINDS = (
    "a .jsonl, .json, .csv, .tsv, .parquet or .txt file (also as .gz), a pattern such as 'logs/*.jsonl', a folder of "
    "documents, a URL, or a hub dataset id"
)

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help=f"Your examples: {_KINDS}.",
        show_default=False,
    ),
]
DataOrRecipe = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help=f"Your examples: {_KINDS}; or a recipe file (.yaml) that names them.",
        show_default=False,
    ),
]
_VERSION = "A stored version: NAME for the current one, NAME@2 for the second, or the start of an id."
DatasetVersionName = Annotated[str, typer.Argument(metavar="VERSION", help=_VERSION, show_default=False)]
OlderVersion = Annotated[str, typer.Argument(metavar="OLDER", help=_VERSION, show_default=False)]
NewerVersion = Annotated[
    str, typer.Argument(metavar="NEWER", help="The version to compare it with, named likewise.", show_default=False)
]
DatasetName = Annotated[str, typer.Argument(metavar="NAME", help="A named data set.", show_default=False)]
OptionalData = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help=f"Your examples: {_KINDS}. May stand in the recipe file instead.",
    ),
]
Base = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="MODEL",
        help="The pretrained model to start from: bundled (the default), a folder, or a hub id such as "
        "owner/name@revision.",
    ),
]
BaseRunOrArm = Annotated[
    str | None,
    typer.Option(
        "--base",
        metavar="MODEL",
        help="By whose tokens: a model (bundled is the default, a folder, a hub id), a run, or an arm of a study "
        "(STUDY/few-shot), with what it puts before a row.",
    ),
]
InputColumn = Annotated[
    str | None,
    typer.Option("--input", metavar="COLUMN", help="Column that holds what the model is given (needed for tables)."),
]
OutputColumn = Annotated[
    str | None,
    typer.Option("--output", metavar="COLUMN", help="Column that holds what the model should write."),
]
Form = Annotated[
    str | None,
    typer.Option(
        "--form",
        metavar="FORM",
        help="Shape of the rows: messages, prompt_completion, alpaca, sharegpt, chat_log, preference, text or columns. "
        "Default: detected.",
    ),
]
MethodKind = Annotated[
    str | None,
    typer.Option(
        "--method",
        metavar="lora|full",
        help="lora (the default) trains a small addition to the model; full trains every weight.",
    ),
]
RecipeFile = Annotated[
    Path | None,
    typer.Option("--recipe", metavar="FILE", help="Settings from a YAML file; options given here win over it."),
]
Overrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting, as in --set train.epochs=2. May be repeated; `tunewright recipe` lists them all.",
    ),
]
DataOverrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help=r"Any other setting of data, as in --set 'data.checks.skip=\[lengths]'. May be repeated; `tunewright "
        "recipe` lists them all.",
    ),
]
"""The bracket is escaped: help texts are rich markup, where `[lengths]` would be an unknown style and vanish."""
EvaluateOverrides = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="Any other setting of data or evaluate, as in --set evaluate.max_inputs=100. May be repeated; `tunewright "
        "recipe` lists them all.",
    ),
]
Validation = Annotated[
    str | None,
    typer.Option("--validation", metavar="FILE", help="Rows that choose the best checkpoint. Default: 10 % of DATA."),
]
Test = Annotated[
    str | None,
    typer.Option("--test", metavar="FILE", help="Rows that judge the result, never trained on. Default: 10 % of DATA."),
]
Home = Annotated[
    Path | None,
    typer.Option("--home", metavar="DIR", help="Where runs are kept. Default: $TUNEWRIGHT_HOME, else ~/.tunewright."),
]
JsonFile = Annotated[
    str | None,
    typer.Option("--json", metavar="FILE", help="Also write the result as JSON. With - only JSON goes to stdout."),
]
RunName = Annotated[
    str,
    typer.Argument(metavar="RUN", help="A run: its id, the start of its id, its folder, or last.", show_default=False),
]
Force = Annotated[
    bool,
    typer.Option(
        "--force",
        help="Answer with the base as it is now, although the run's model was made for another one. Screen and report "
        "say so.",
    ),
]
ModelOrRun = Annotated[
    str,
    typer.Argument(
        metavar="MODEL_OR_RUN",
        help="A run (its id, the start of its id, its folder, or last), an arm of a study (STUDY/few-shot) or a model "
        "(bundled, a folder, a hub id).",
        show_default=False,
    ),
]
