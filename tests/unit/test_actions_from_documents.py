"""`data from-docs`: rows from documents, questions from a real local endpoint, and going on after a stop."""

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer, Reply, Request, Script, chat_server, refused, said

from tunewright.actions import QuestionWriter, make_rows_from_documents
from tunewright.actions.from_documents import DocumentRowKind
from tunewright.contracts import SilentProgress
from tunewright.data import read_rows
from tunewright.errors import InterruptedRunError, ModelError, RecipeError, StoreError
from tunewright.outside.chat_endpoint import ChatEndpoint, EndpointLimits
from tunewright.records import Answer, Conversation, DataRecipe, DocumentRows, Message

FAST = EndpointLimits(timeout_seconds=5, backoff_seconds=0.01, max_attempts=2, num_parallel=1)
NUM_DOCUMENTS = 4


class Listener(SilentProgress):
    """Remembers what was said, and how many requests had been sent by then."""

    def __init__(self, server: ChatServer | None = None) -> None:
        self.said: list[tuple[str, int]] = []
        self._server = server

    def say(self, text: str) -> None:
        self.said.append((text, len(self._server.requests) if self._server else 0))


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    for number in range(NUM_DOCUMENTS):
        (folder / f"plan{number}.md").write_text(f"# Plan {number}\n\nPlan {number} costs {number}0 euros a year.\n")
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def number_in(request: Request) -> str:
    return request.question.split("Plan ")[1][0]


def good(request: Request, _: int = 0) -> Reply:
    number = number_in(request)
    pair = {"question": f"What does plan {number} cost?", "answer": f"Plan {number} costs {number}0 euros a year."}
    return said(json.dumps({"questions": [pair]}))


def make(
    docs: Path, script: Script, *, model: str = "small", kinds: Sequence[DocumentRowKind] = ("questions",)
) -> tuple[DocumentRows, list[Request], Listener]:
    with chat_server(script) as server:
        listener = Listener(server)
        writer = QuestionWriter(server.url, model, limits=FAST)
        rows = make_rows_from_documents(docs, docs.parent / "out", kinds, writer=writer, progress=listener)
        return rows, server.requests, listener


def test_passages_and_texts_need_no_endpoint(docs: Path, tmp_path: Path) -> None:
    (docs / "logo.png").write_bytes(b"x")
    out = tmp_path / "new" / "out"
    rows = make_rows_from_documents(docs, out)
    assert rows.files == (str(out / "passages.jsonl"), str(out / "text.jsonl"))
    assert (rows.num_documents, rows.num_passages) == (NUM_DOCUMENTS, NUM_DOCUMENTS)
    assert rows.warnings == ("files that are no documents were left out: 1 x .png",)
    passage = lines(out / "passages.jsonl")[1]
    assert passage.pop("id")
    text = "# Plan 1\n\nPlan 1 costs 10 euros a year."
    assert passage == {"document": "plan1.md", "title": "Plan 1", "text": text, "place": 1}
    assert lines(out / "text.jsonl")[1] == {"text": text, "document": "plan1.md"}
    assert [each["path"] for each in json.loads((out / "from-docs.json").read_text())] == sorted(
        path.name for path in docs.glob("*.md")
    )
    assert make_rows_from_documents(docs, out, ["text"]).files == (str(out / "text.jsonl"),)


def test_questions_are_rows_to_tune_on_with_the_passage_they_came_from(docs: Path, tmp_path: Path) -> None:
    rows, requests, _ = make(docs, good)
    out = tmp_path / "out"
    assert (rows.num_questions, rows.num_refused, rows.num_unanswered) == (NUM_DOCUMENTS, 0, 0)
    assert len(requests) == NUM_DOCUMENTS
    assert lines(out / "refused.jsonl") == []
    row = lines(out / "questions.jsonl")[2]
    assert (row["document"], row["passage"]) == ("plan2.md", "# Plan 2\n\nPlan 2 costs 20 euros a year.")
    read = read_rows(str(out / "questions.jsonl"), DataRecipe(path="x", group_column="document"), None)
    body = read.examples[2].body
    assert isinstance(body, Conversation)
    assert (body.prompt[-1].content, body.answer) == (row["prompt"], "Plan 2 costs 20 euros a year.")
    assert read.examples[2].provenance.group == "plan2.md"


def test_what_is_sent_and_where_is_said_before_anything_is_sent(docs: Path) -> None:
    _, requests, listener = make(docs, good)
    (said_first, num_sent), warned = listener.said[0], listener.said[1:]
    num_characters = sum(len(message["content"]) for request in requests for message in request.body["messages"])
    assert num_sent == 0
    assert said_first.startswith(
        f"Sends 4 passages with instructions ({num_characters:,} characters) to the model small"
    )
    assert said_first.endswith("/v1/chat/completions, without a key.")
    assert warned == []


def test_an_ungrounded_answer_is_refused_with_the_reason(docs: Path, tmp_path: Path) -> None:
    def script(request: Request, _: int) -> Reply:
        answer = f"Plan {number_in(request)} costs 10 euros a year."
        return said(json.dumps({"questions": [{"question": "What does it cost?", "answer": answer}]}))

    rows, _, _ = make(docs, script)
    assert (rows.num_questions, rows.num_refused) == (1, 3)
    assert [row["document"] for row in lines(tmp_path / "out" / "questions.jsonl")] == ["plan1.md"]
    assert [row["reason"] for row in lines(tmp_path / "out" / "refused.jsonl")] == [
        "numbers that are not in the passage: 10"
    ] * 3


def test_rows_that_are_made_are_not_asked_for_again(docs: Path, tmp_path: Path) -> None:
    make(docs, good)
    before = (tmp_path / "out" / "questions.jsonl").read_bytes()
    (docs / "plan9.md").write_text("# Plan 9\n\nPlan 9 costs 90 euros a year.\n")
    (docs / "plan0.md").unlink()
    rows, requests, listener = make(docs, good)
    assert [number_in(request) for request in requests] == ["9"]
    assert listener.said[0][0] == "3 answers are in answers.jsonl already and are not asked for again."
    assert rows.num_questions == 4
    assert before != (tmp_path / "out" / "questions.jsonl").read_bytes()
    _, requests, _ = make(docs, good)
    assert requests == []
    _, requests, _ = make(docs, good, model="large")
    assert len(requests) == 4


def test_a_passage_without_an_answer_is_listed_and_asked_for_again(docs: Path, tmp_path: Path) -> None:
    rows, _, _ = make(docs, lambda request, _: refused(500, "down") if number_in(request) == "2" else good(request))
    assert (rows.num_questions, rows.num_refused, rows.num_unanswered) == (3, 0, 1)
    (row,) = lines(tmp_path / "out" / "refused.jsonl")
    assert (row["document"], row["prompt"], row["reason"]) == (
        "plan2.md",
        None,
        "no answer: HTTP 500: down (2 attempts)",
    )
    rows, requests, _ = make(docs, good)
    assert [number_in(request) for request in requests] == ["2"]
    assert (rows.num_questions, rows.num_unanswered) == (4, 0)


def test_a_stop_in_the_middle_keeps_what_came_and_the_next_call_goes_on(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ChatEndpoint.answer_each

    def stopped(self: ChatEndpoint, prompts: Sequence[Sequence[Message]]) -> Generator[tuple[int, Answer], None, None]:
        for count, answer in enumerate(whole(self, prompts)):
            if count == 2:
                raise KeyboardInterrupt
            yield answer

    with monkeypatch.context() as patch:
        patch.setattr(ChatEndpoint, "answer_each", stopped)
        with pytest.raises(InterruptedRunError, match=r"^Stopped\. 2 of 4 answers are kept; run the command again"):
            make(docs, good)
    assert len(lines(tmp_path / "out" / "answers.jsonl")) == 2
    assert not (tmp_path / "out" / "questions.jsonl").exists()

    log = tmp_path / "out" / "answers.jsonl"
    log.write_bytes(log.read_bytes()[:-5])  # a kill in the middle of a line
    rows, requests, listener = make(docs, good)
    assert len(requests) == 3
    assert listener.said[0][0] == "Damaged lines of answers.jsonl, left out: 1."
    assert rows.num_questions == 4


def test_an_endpoint_that_fails_for_ever_is_given_up_and_answers_stay(docs: Path, tmp_path: Path) -> None:
    for number in range(4, 30):
        (docs / f"plan{number}.md").write_text(f"# Plan {number}\n\nText.\n")
    with pytest.raises(ModelError, match=r"found 10 failed requests in a row, the last with: HTTP 401: Bad key.*Check"):
        make(docs, lambda request, number: good(request) if number == 1 else refused(401, "Bad key"))
    assert len(lines(tmp_path / "out" / "answers.jsonl")) == 1


def test_the_key_comes_from_the_variable_and_is_nowhere_else(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret")
    with chat_server(
        lambda request, _: refused(400, "no sk-secret") if number_in(request) == "1" else good(request)
    ) as server:
        listener = Listener(server)
        writer = QuestionWriter(server.url, "small", "MY_KEY", FAST)
        make_rows_from_documents(docs, tmp_path / "out", ["questions"], writer=writer, progress=listener)
        assert {request.headers["Authorization"] for request in server.requests} == {"Bearer sk-secret"}
    assert "with the key in MY_KEY" in listener.said[0][0]
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert b"secret" not in written
    assert all("secret" not in text for text, _ in listener.said)


def test_an_open_line_to_another_machine_is_warned_of(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> Generator[tuple[int, Answer], None, None]:
        yield from ((row, Answer(text='{"questions": []}', finish="stop")) for row in range(NUM_DOCUMENTS))

    monkeypatch.setattr(ChatEndpoint, "answer_each", silent)
    listener = Listener()
    writer = QuestionWriter("http://192.0.2.1/v1", "small")
    make_rows_from_documents(docs, tmp_path / "out", ["questions"], writer=writer, progress=listener)
    assert listener.said[1][0] == "The address is not https: passages and key can be read on the way."


@pytest.mark.parametrize(
    ("kinds", "writer", "message"),
    [
        (["questions"], None, "--questions: found no endpoint, expected the model that writes them"),
        (
            ["text"],
            QuestionWriter("http://h/v1", "m"),
            "--endpoint: found 'http://h/v1', expected none without --questions",
        ),
        (["questions"], QuestionWriter("http://h/v1", "m", "NO_KEY"), "--key-variable NO_KEY: found no such variable"),
    ],
)
def test_settings_that_cannot_work_are_refused_before_anything_is_made(
    docs: Path, kinds: Sequence[DocumentRowKind], writer: QuestionWriter | None, message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        make_rows_from_documents(docs, docs.parent / "out", kinds, writer=writer)
    assert not (docs.parent / "out").exists()


def test_a_folder_with_other_files_is_left_alone(docs: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "text.jsonl").write_text("mine")
    with pytest.raises(StoreError, match=r"out: found other files \(text\.jsonl\), expected a new folder"):
        make_rows_from_documents(docs, tmp_path / "out")
    assert (tmp_path / "out" / "text.jsonl").read_text() == "mine"


@pytest.mark.parametrize("record", [None, "damaged"])
def test_rows_of_documents_that_have_changed_since_are_named(docs: Path, tmp_path: Path, record: str | None) -> None:
    out = tmp_path / "out"
    make_rows_from_documents(docs, out)
    assert make_rows_from_documents(docs, out, ["passages"]).warnings == ()
    if record:
        (out / "from-docs.json").write_text(record)
    else:
        (docs / "plan1.md").write_text("# Plan 1\n\nIt is free.\n")
    assert make_rows_from_documents(docs, out, ["passages"]).warnings == (
        "text.jsonl was made before the documents changed; make it again with --text",
    )
