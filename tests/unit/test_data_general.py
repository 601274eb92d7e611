"""General rows are general, and none of them is measured with."""

from tunewright.data.general import general_rows
from tunewright.data.skills import SKILLS
from tunewright.evaluate.retention import make_suite
from tunewright.records import Conversation, PlainText, RetentionRecipe


def measured_texts() -> set[str]:
    """Every text and every message of the retention suite."""
    suite = make_suite(RetentionRecipe())
    writings = [writing for part in suite.parts for item in part.items for writing in item]
    texts = {writing.text for writing in writings if isinstance(writing, PlainText)}
    return texts | {
        message.content for writing in writings if isinstance(writing, Conversation) for message in writing.messages
    }


def test_no_row_of_rehearsal_is_in_the_retention_suite() -> None:
    measured = measured_texts()
    for row in general_rows():
        body = row.body
        if isinstance(body, PlainText):
            assert body.text not in measured
            continue
        assert isinstance(body, Conversation)
        # Short answers, also those of earlier turns, are equal by nature; what is asked must not be.
        asked = {message.content for message in body.prompt if message.role != "assistant"}
        assert not asked & measured


def test_sentences_of_the_texts_are_not_measured_either() -> None:
    measured = " ".join(measured_texts())
    for row in general_rows():
        if isinstance(row.body, PlainText):
            sentences = [part for part in row.body.text.split(". ") if len(part) > 20]
            assert not [part for part in sentences if part in measured]


def test_there_are_texts_and_tasks_of_every_skill() -> None:
    texts = [row for row in general_rows() if isinstance(row.body, PlainText)]
    assert len(texts) == 70
    assert len(general_rows()) == 270
    assert len(SKILLS) == 10
    assert len({row.id for row in general_rows()}) == 270
    assert all(len(row.body.text.split()) > 15 for row in texts if isinstance(row.body, PlainText))
