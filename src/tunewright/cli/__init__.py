"""The command line: arguments to recipe to action to text and exit code.

    app          the commands, and what an error becomes
    options      the options that several commands share; settings makes a recipe of them
    screen       results to stdout, the rest to stderr, the record to --json; progress draws the bars
    report, findings, tables, token_view, recipe_view   what results look like

Each command has a file of its name. Records and actions are imported inside the commands, so that asking for help
stays quick and loads no torch.
"""

from tunewright.cli.app import main

__all__ = ["main"]
