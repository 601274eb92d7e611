"""Documents to passages, and a model's replies to question rows, each with its reason when it is refused."""

import json
from pathlib import Path

import pytest

from tunewright.data.answer_log import AnswerLog
from tunewright.data.from_documents import (
    as_lines,
    judge_answer,
    question_prompt,
    read_passages_of,
    text_row,
)
from tunewright.data.sources import read_path
from tunewright.errors import DataError
from tunewright.records import Answer, DataRecipe, Passage, PlainText
from tunewright.store import Files

FEES = Passage(id="5c", document="fees.md", title="Fees of Acme", text="The fee is 12 euros a year.", place=1)
PAIR = {"question": "What is the fee of Acme?", "answer": "The fee is 12 euros a year."}


def reply(*pairs: object, finish: str = "stop") -> Answer:
    return Answer.model_validate({"text": json.dumps({"questions": pairs}), "finish": finish})


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_passages_are_those_that_training_reads(tmp_path: Path) -> None:
    write(tmp_path / "b.md", "# Fees\n\nNone.")
    write(tmp_path / "a" / "long.txt", "x" * 1900 + "\n\n" + "y" * 1900)
    read = read_passages_of(tmp_path)
    assert [(each.document, each.title, each.place) for each in read.passages] == [
        ("a/long.txt", "long", 1),
        ("a/long.txt", "long", 2),
        ("b.md", "Fees", 1),
    ]
    assert [(each.path, each.num_passages) for each in read.documents] == [("a/long.txt", 2), ("b.md", 1)]
    write(tmp_path / "text.jsonl", as_lines([text_row(passage) for passage in read.passages]).decode())
    ((by_file,), (by_folder,)) = (
        read_path(str(path), DataRecipe(path="x"), None) for path in (tmp_path / "text.jsonl", tmp_path)
    )
    assert by_file.source.form == "text"
    assert [example.body for example in by_file.examples] == [example.body for example in by_folder.examples]
    assert by_file.examples[2].body == PlainText(text="# Fees\n\nNone.")


def test_the_id_of_a_passage_stays_when_others_change(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "x" * 1900 + "\n\n" + "y" * 1900)
    before = read_passages_of(tmp_path).passages
    write(tmp_path / "a.txt", "z" * 1900 + "\n\n" + "x" * 1900 + "\n\n" + "y" * 1900)
    after = read_passages_of(tmp_path).passages
    assert [passage.id for passage in after[1:]] == [passage.id for passage in before]


def test_a_text_that_stands_twice_in_a_document_is_one_passage(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "\n\n".join(["x" * 1900, "y" * 1900, "x" * 1900]))
    write(tmp_path / "b.txt", "x" * 1900)
    read = read_passages_of(tmp_path)
    assert [(passage.document, passage.place) for passage in read.passages] == [
        ("a.txt", 1),
        ("a.txt", 2),
        ("b.txt", 1),
    ]
    assert len({passage.id for passage in read.passages}) == 3


def test_folders_without_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone: found no such folder, expected a folder of documents"):
        read_passages_of(tmp_path / "gone")
    write(tmp_path / "a.txt", " \n")
    with pytest.raises(DataError, match="found documents without text, expected at least one with text"):
        read_passages_of(tmp_path)


def test_damaged_documents_are_refused_by_name(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "text")
    (tmp_path / "b.txt").write_bytes(b"\xff")
    with pytest.raises(DataError, match=r"b\.txt byte 1: found 0xff"):
        read_passages_of(tmp_path)


def test_the_prompt_holds_title_and_passage() -> None:
    system, user = question_prompt(FEES)
    assert '{"questions": [{"question": "...", "answer": "..."}]}' in system.content
    assert user.content == "Title: Fees of Acme\n<passage>\nThe fee is 12 euros a year.\n</passage>"


def test_grounded_answers_become_rows_with_their_passage() -> None:
    judged = judge_answer(FEES, reply(PAIR, {"question": " And a month? ", "answer": "One euro."}))
    origin = {"passage_id": "5c", "document": "fees.md", "title": "Fees of Acme"}
    (row,) = judged.questions
    assert row == {"prompt": PAIR["question"], "completion": PAIR["answer"], **origin, "passage": FEES.text}
    (refused,) = judge_answer(FEES, reply({"question": "How much?", "answer": "It is 13 euros."})).refused
    assert refused == {
        "prompt": "How much?",
        "completion": "It is 13 euros.",
        **origin,
        "reason": "numbers that are not in the passage: 13",
    }


def test_names_of_the_title_are_known() -> None:
    assert judge_answer(FEES, reply({"question": "Who takes a fee?", "answer": "Acme."})).questions


def test_text_around_the_json_is_no_harm() -> None:
    text = f"Here you are:\n```json\n{json.dumps({'questions': [PAIR]})}\n```"
    assert len(judge_answer(FEES, Answer(text=text, finish="stop")).questions) == 1
    assert judge_answer(FEES, reply()) == judge_answer(FEES, Answer(text='{"questions": []}', finish="stop"))


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(text=None, finish="failed", reason="HTTP 500"), "no answer: HTTP 500"),
        (Answer(text="I cannot.", finish="stop"), "the reply is not the JSON that was asked for: 'I cannot.'"),
        (
            Answer(text='{"questions": [{"q', finish="length"),
            "and then the end of the text; it was cut off at its longest",
        ),
        (Answer(text='{"q": 1}', finish="stop"), "'{\"q\": 1}', which has no list of questions"),
        (Answer(text="{" * 100, finish="stop"), "values nested more than 64 deep"),
        (reply({"question": "What?"}), "an object without a question and an answer"),
        (reply({"question": "What?", "answer": " "}), "an object without a question and an answer"),
        (reply("What?"), "'What?' without a question and an answer"),
        (reply({"question": "What?", "answer": 3}), "an object without a question and an answer"),
    ],
)
def test_a_reply_that_cannot_be_read_is_one_refused_row(answer: Answer, reason: str) -> None:
    judged = judge_answer(FEES, answer)
    assert judged.questions == ()
    (refused,) = judged.refused
    assert reason in str(refused["reason"])
    assert refused["completion"] == answer.text


def test_the_log_gives_back_what_was_asked_of_the_same_model(tmp_path: Path) -> None:
    path, prompt = tmp_path / "answers.jsonl", question_prompt(FEES)
    log = AnswerLog(path, "small", Files())
    assert log.find("5c", prompt) is None
    log.add("5c", prompt, reply(PAIR))
    for again in (log, AnswerLog(path, "small", Files())):
        assert again.find("5c", prompt) == reply(PAIR)
        assert again.find("5d", prompt) is None
        assert again.find("5c", prompt[1:]) is None
    assert AnswerLog(path, "large", Files()).find("5c", prompt) is None


def test_a_log_cut_at_any_byte_loses_one_answer_at_most(tmp_path: Path) -> None:
    path, prompt = tmp_path / "answers.jsonl", question_prompt(FEES)
    log = AnswerLog(path, "small", Files())
    for passage_id in ("1", "2"):
        log.add(passage_id, prompt, Answer(text="ä", finish="stop"))
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for end in (*range(first + 1, len(whole) - 3, 9), *range(len(whole) - 3, len(whole))):
        path.write_bytes(whole[:end])
        torn = AnswerLog(path, "small", Files())
        assert torn.find("1", prompt) is not None
        is_lost = end < len(whole) - 1
        assert (torn.find("2", prompt) is None) == is_lost == bool(torn.num_unreadable)
        torn.add("3", prompt, Answer(text="new", finish="stop"))
        assert AnswerLog(path, "small", Files()).find("3", prompt) is not None
