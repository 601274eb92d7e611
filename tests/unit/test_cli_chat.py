"""chat: lines in, answers out, in a terminal and in a pipe."""

import io
import sys
from collections.abc import Callable

import pytest
from cli_fixture import Shell

from tunewright.actions.chatting import NO_SOURCES, Sources
from tunewright.errors import Problem, RenderError
from tunewright.records import Answer, Citations, Passage

REFUSAL = RenderError(Problem("message", "a control token", "plain text", "Remove it."))


class Parrot:
    """Repeats what it is told, in two pieces."""

    def __init__(self, finish: str = "stop") -> None:
        self.heard: list[str] = []
        self.num_forgotten = 0
        self.left_out = ""
        self.sources = NO_SOURCES
        self._finish = finish

    def say(self, text: str, on_text: Callable[[str], None]) -> Answer:
        if text == "<bad>":
            raise REFUSAL
        self.heard.append(text)
        self.num_forgotten = max(0, 2 * len(self.heard) - 4)
        if self._finish == "failed":
            return Answer.model_validate({"text": None, "finish": "failed", "reason": "no room"})
        on_text("you said ")
        on_text(text)
        return Answer.model_validate({"text": text, "finish": self._finish, "num_answer_tokens": 7})


class Typed(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def pipe(shell: Shell, text: str, *, typed: bool = False) -> None:
    shell.monkeypatch.setattr(sys, "stdin", Typed(text) if typed else io.StringIO(text))


def test_piped_lines_are_answered_one_by_one_with_only_answers_on_stdout(shell: Shell) -> None:
    parrot = Parrot()
    opened = shell.fake("chat", parrot)
    pipe(shell, "hello\n\n  [red]hi\x1b  \n")
    outcome = shell.run("chat", "last", "--system", "Be kind.")
    assert outcome.code == 0
    assert outcome.stdout == "you said hello\nyou said [red]hi␛\n"
    assert opened.arguments == ("last",)
    assert opened.options["system_prompt"] == "Be kind."


def test_exit_ends_the_conversation(shell: Shell) -> None:
    parrot = Parrot()
    shell.fake("chat", parrot)
    pipe(shell, "hello\n/exit\nmore\n")
    assert shell.run("chat", "last").code == 0
    assert parrot.heard == ["hello"]


def test_a_bad_message_in_a_pipe_is_an_error(shell: Shell) -> None:
    shell.fake("chat", Parrot())
    pipe(shell, "<bad>\nhello\n")
    outcome = shell.run("chat", "last")
    assert outcome.code == 2
    assert outcome.stderr == f"error: {REFUSAL}\n"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_bytes_that_are_no_utf8_are_refused_by_line(shell: Shell, encoding: str) -> None:
    shell.fake("chat", Parrot())
    shell.monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"hello\ncaf\xe9\n"), encoding=encoding))
    outcome = shell.run("chat", "last")
    assert (outcome.code, outcome.stdout) == (2, "you said hello\n")
    assert "stdin, line 2: found bytes that are not UTF-8, expected text in UTF-8." in outcome.stderr
    outcome = shell.run("chat", "last", "--system", "caf\udce9")
    assert outcome.code == 2
    assert "--system: found bytes that are not UTF-8" in outcome.stderr


def test_a_bad_message_typed_is_explained_and_the_conversation_goes_on(shell: Shell) -> None:
    parrot = Parrot()
    shell.fake("chat", parrot)
    pipe(shell, "<bad>\nhello\n", typed=True)
    outcome = shell.run("chat", "last")
    assert outcome.code == 0
    assert "found a control token" in outcome.stderr
    assert "Ctrl-D or /exit ends" in outcome.stderr
    assert parrot.heard == ["hello"]


@pytest.mark.parametrize(
    ("finish", "remark"),
    [("length", "(cut after 7 tokens: there is no room for more)"), ("failed", "(no answer: no room)")],
)
def test_an_answer_that_did_not_end_well_says_so(shell: Shell, finish: str, remark: str) -> None:
    shell.fake("chat", Parrot(finish))
    pipe(shell, "hello\n")
    assert remark in shell.run("chat", "last").stderr


def test_forgotten_turns_are_told(shell: Shell) -> None:
    shell.fake("chat", Parrot())
    pipe(shell, "one\ntwo\nthree\n")
    outcome = shell.run("chat", "last")
    assert "the 2 oldest messages no longer fit and were left out" in " ".join(outcome.stderr.split())


def test_what_was_cut_out_of_a_message_is_told_with_its_length_and_its_start(shell: Shell) -> None:
    parrot = Parrot()
    parrot.left_out = "and\n so " * 200
    shell.fake("chat", parrot)
    pipe(shell, "hello\n")
    outcome = shell.run("chat", "last")
    assert outcome.stdout == "you said hello\n"
    words = " ".join(outcome.stderr.split())
    assert "(too long for the context: 1,600 characters were cut out of the middle: and so and so " in words
    assert words.count("and so") == 23
    assert words.endswith("...)")


def test_passages_are_shown_beside_the_answer_with_those_that_it_cites(shell: Shell) -> None:
    parrot = Parrot()
    texts = ("Foxes are\n\nred.", "Whales are blue. " * 20)
    passages = tuple(
        Passage(id=str(place), document=f"doc{place}.md", title="doc", text=text, place=place)
        for place, text in enumerate(texts, start=1)
    )
    parrot.sources = Sources(passages, Citations(passages=passages[:1], unknown=(5,)))
    shell.fake("chat", parrot)
    pipe(shell, "hello\n")
    outcome = shell.run("chat", "last/retrieval")
    assert outcome.stdout == "you said hello\n"
    words = " ".join(outcome.stderr.split())
    assert "[1] doc1.md, passage 1, cited: Foxes are red." in words
    assert "[2] doc2.md, passage 2: Whales are blue." in words
    assert "Whales ... [5] is cited, but no passage has this number" in words
