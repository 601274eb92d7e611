"""`tunewright chat`: talk to a model."""

import sys
from collections.abc import Iterator
from typing import Annotated

import typer

from tunewright.cli import options
from tunewright.errors import RenderError

END = "/exit"


def chat(
    *,
    run: options.ModelOrRun,
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="System message put before the conversation.")
    ] = None,
    home: options.Home = None,
) -> None:
    """Talk to a tuned model, or to a base, in the terminal.

    It remembers what was said. Ctrl-D or /exit ends. Lines can be piped in, too.

    Example:

    $ tunewright chat last
    """
    from tunewright.actions import chat as open_chat
    from tunewright.cli.screen import Screen

    screen = Screen()
    conversation = open_chat(run, system_prompt=system, home=home, progress=screen.progress)
    is_interactive = sys.stdin.isatty()
    if is_interactive:
        screen.say(f"Write a message and press Enter. Ctrl-D or {END} ends.")
    for message in _messages(is_interactive=is_interactive):
        num_forgotten = conversation.num_forgotten
        try:
            answer = conversation.say(message, screen.stream)
        except RenderError as error:
            if not is_interactive:
                raise
            screen.error(error)
            continue
        screen.stream("\n")
        if conversation.num_forgotten > num_forgotten:
            screen.say(f"(the {conversation.num_forgotten} oldest messages no longer fit and were left out)")
        if answer.finish == "length":
            screen.say(f"(cut after {answer.num_answer_tokens} tokens: there is no room for more)")
        elif answer.finish == "failed":
            screen.say(f"(no answer: {answer.reason})")


def _messages(*, is_interactive: bool) -> Iterator[str]:
    for line in _typed_lines() if is_interactive else sys.stdin:
        message = line.strip()
        if message == END:
            return
        if message:
            yield message


def _typed_lines() -> Iterator[str]:
    while True:
        try:
            yield input("> ")
        except EOFError:
            return
