"""`tunewright tokens`: rows as the model sees them."""

from typing import Annotated

import typer

from tunewright.cli import options
from tunewright.cli.settings import read_rows_recipe


def tokens(
    *,
    data: options.Data,
    base: options.BaseRunOrArm = None,
    num_rows: Annotated[int, typer.Option("--rows", metavar="N", min=1, help="How many rows.")] = 3,
    max_length: Annotated[
        int | None, typer.Option("--max-length", metavar="N", min=8, help="Pretend the context has N tokens.")
    ] = None,
    max_answer_tokens: Annotated[
        int | None, typer.Option("--max-answer-tokens", metavar="N", min=1, help="Keep N tokens free for the answer.")
    ] = None,
    input_column: options.InputColumn = None,
    output_column: options.OutputColumn = None,
    form: options.Form = None,
    home: options.Home = None,
    json_file: options.JsonFile = None,
) -> None:
    """Show the first rows token by token: what is trained, what is only read, what is cut.

    Look here first when a tuned model answers strangely: the trained part
    should be the answer and its end, and nothing else.

    Example:

    $ tunewright tokens tickets.jsonl --base bundled --rows 1

    $ tunewright tokens tickets.jsonl --base last/few-shot
    """
    from tunewright.actions import show_tokens
    from tunewright.cli.screen import Screen
    from tunewright.cli.token_view import TokenView

    screen = Screen(json_file)
    recipe, _ = read_rows_recipe(data, input_column, output_column, form)
    screen.require_no_input(recipe)
    rows = show_tokens(
        recipe,
        base or "bundled",
        num_rows=num_rows,
        max_length=max_length,
        max_answer_tokens=max_answer_tokens,
        home=home,
        progress=screen.progress,
    )
    view = TokenView(in_colour=screen.has_colour)
    screen.wrapped_by_terminal(view.legend())
    for row in rows:
        screen.wrapped_by_terminal(view.row(row))
    screen.write_json([row.model_dump(mode="json") for row in rows])
