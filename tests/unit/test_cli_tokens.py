"""Token rows in colour and without: states, borders and text are all there."""

import io
import json

import pytest
from cli_fixture import Shell
from rich.console import Console

from tunewright.cli.progress import RichProgress
from tunewright.cli.token_view import TokenView
from tunewright.records import DataRecipe, TokenPiece, TokenRow

ROW = TokenRow(
    location="rows.jsonl:1",
    pieces=(
        TokenPiece(text="<|user|>", token_id=1, state="context"),
        TokenPiece(text=" long [b] prompt", token_id=None, state="cut"),
        TokenPiece(text="Hi\n", token_id=2, state="context"),
        TokenPiece(text="[red]", token_id=3, state="trained"),
        TokenPiece(text=" you", token_id=4, state="trained"),
        TokenPiece(text="\x1b[2J", token_id=5, state="trained"),
    ),
    num_tokens=5,
    num_trained_tokens=3,
)
REFUSED = TokenRow(
    location="rows.jsonl:2", pieces=(), num_tokens=0, num_trained_tokens=0, problem="rows.jsonl:2: answer too long"
)


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def draw(row: TokenRow, *, in_colour: bool) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=200, force_terminal=in_colour, color_system="standard" if in_colour else None)
    console.print(TokenView(in_colour=in_colour).row(row), soft_wrap=True)
    return stream.getvalue()


def test_without_colours_marks_show_what_is_trained_and_cut() -> None:
    assert draw(ROW, in_colour=False) == (
        "\nrows.jsonl:1: 5 tokens, 3 trained\n<|user|>│[- long [b] prompt-]│Hi↵\n│{+[red]│ you│␛[2J+}\n"
    )


def test_in_colour_trained_is_green_context_dim_and_cut_struck_out() -> None:
    text = draw(ROW, in_colour=True)
    assert "\x1b[1;32m[red]\x1b[0m" in text
    assert "\x1b[2m<|user|>\x1b[0m" in text
    assert "\x1b[9;31m long [b] prompt\x1b[0m" in text
    assert "{+" not in text
    assert text.count("│") == 5


def test_a_row_that_cannot_be_rendered_gives_its_reason() -> None:
    assert draw(REFUSED, in_colour=False) == "\nrows.jsonl:2: answer too long\n"


@pytest.mark.parametrize("in_colour", [True, False])
def test_the_legend_explains_every_state(*, in_colour: bool) -> None:
    legend = TokenView(in_colour=in_colour).legend().plain
    assert [word for word in ("trained", "context", "cut", "border") if word not in legend] == []


def test_the_command_prints_legend_and_rows_in_plain_text_to_a_pipe(shell: Shell) -> None:
    show_tokens = shell.fake("show_tokens", (ROW, REFUSED))
    outcome = shell.run("tokens", "rows.jsonl", "--rows", "2", "--max-length", "64", "--max-answer-tokens", "16")
    assert show_tokens.arguments == (DataRecipe(path="rows.jsonl"), "bundled")
    progress = show_tokens.options.pop("progress")
    assert isinstance(progress, RichProgress)
    assert show_tokens.options == {"num_rows": 2, "max_length": 64, "max_answer_tokens": 16, "home": None}
    assert "{+trained+}: the model learns to write it" in outcome.stdout
    assert "{+[red]│ you" in outcome.stdout
    assert "\x1b" not in outcome.stdout


def test_the_json_record_holds_the_token_rows(shell: Shell) -> None:
    shell.fake("show_tokens", (ROW,))
    outcome = shell.run("tokens", "rows.jsonl", "--base", "bundled", "--json", "-")
    assert [TokenRow.model_validate(row) for row in json.loads(outcome.stdout)] == [ROW]
