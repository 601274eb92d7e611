"""`tunewright evaluate`: measure one model."""

from tunewright.cli import options
from tunewright.cli.settings import read_rows_recipe, typed_command


def evaluate(
    *,
    model: options.ModelOrRun,
    data: options.Data,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    overrides: options.EvaluateOverrides = None,
    force: options.Force = False,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Measure a model, or an arm of a study, on rows that it was not trained on.

    All rows are used.

    Example:

    $ tunewright evaluate last new-tickets.csv --input question --output answer
    """
    from tunewright.actions import evaluate as measure
    from tunewright.actions import run_folder
    from tunewright.cli.report import print_report
    from tunewright.cli.screen import Screen

    screen = Screen(json_file)
    rows, recipe = read_rows_recipe(data, input_column, output_column, form, tuple(overrides or ()))
    screen.require_no_input(rows, recipe)
    report = measure(model, rows, recipe, home=home, progress=screen.progress, command=typed_command(), force=force)
    print_report(screen, report, run_folder(report.run_id, home))
    screen.write_json(report.model_dump(mode="json"))
