"""`tunewright chat`: talk to a model."""

import io
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli import options
from tunewright.errors import Problem, RenderError

if TYPE_CHECKING:
    from tunewright.actions.chatting import Sources

END = "/exit"
MAX_SHOWN_CHARACTERS = 160
"""Of each passage, and of text that was cut out of a message."""


def chat(
    *,
    run: options.ModelOrRun,
    system: Annotated[
        str | None, typer.Option("--system", metavar="TEXT", help="System message put before the conversation.")
    ] = None,
    force: options.Force = False,
    home: options.Home = None,
) -> None:
    """Talk to a tuned model, to an arm of a study, or to a base, in the terminal.

    It remembers what was said. Ctrl-D or /exit ends. Lines can be piped in, too. Arms that read documents show which
    passages they were given, and which of them the answer cites.

    Example:

    $ tunewright chat last

    $ echo 'What does express delivery cost?' | tunewright chat last/retrieval
    """
    from tunewright.actions import chat as open_chat
    from tunewright.cli.screen import Screen

    screen = Screen()
    _require_utf8(system or "", "--system")
    conversation = open_chat(run, system_prompt=system, home=home, progress=screen.progress, force=force)
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
        if conversation.left_out:
            size = f"{len(conversation.left_out):,} characters"
            screen.say(
                f"(too long for the context: {size} were cut out of the middle: {_start(conversation.left_out)})"
            )
        if answer.finish == "length":
            screen.say(f"(cut after {answer.num_answer_tokens} tokens: there is no room for more)")
        elif answer.finish == "failed":
            screen.say(f"(no answer: {answer.reason})")
        for line in _source_lines(conversation.sources):
            screen.say(line)


def _source_lines(sources: "Sources") -> Iterator[str]:
    for number, passage in enumerate(sources.passages, start=1):
        cited = ", cited" if passage in sources.citations.passages else ""
        yield f"[{number}] {passage.document}, passage {passage.place}{cited}: {_start(passage.text)}"
    for number in sources.citations.unknown:
        yield f"[{number}] is cited, but no passage has this number"


def _start(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_SHOWN_CHARACTERS else f"{line[:MAX_SHOWN_CHARACTERS]}..."


def _require_utf8(text: str, where: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        fix = "Convert it, for example with iconv."
        raise RenderError(Problem(where, "bytes that are not UTF-8", "text in UTF-8", fix)) from None


def _messages(*, is_interactive: bool) -> Iterator[str]:
    if isinstance(sys.stdin, io.TextIOWrapper):  # wrong bytes are found line by line
        sys.stdin.reconfigure(errors="surrogateescape")
    for number, line in enumerate(_typed_lines() if is_interactive else sys.stdin, 1):
        message = line.strip()
        _require_utf8(message, "your message" if is_interactive else f"stdin, line {number}")
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
