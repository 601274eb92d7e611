"""Grounding: answers whose words, numbers and names are in the passage pass, and no others."""

import csv
from collections.abc import Iterator

import pytest
from public_files import public_file

from tunewright.data.grounding import why_ungrounded

PASSAGE = (
    "Shipping policies\nAcme ships parcels from Oslo within 3 days. Orders above 1,000 euros are insured. "
    "Customers who wait longer than twenty days may cancel. Item A-4219 is not returned."
)


@pytest.mark.parametrize(
    "answer",
    [
        "Acme ships parcels within 3 days.",
        "Within three days.",
        "The parcel is shipped from Oslo.",
        "The policy: ordering above 1000.0 euro is insured.",
        "A customer who waited longer than 20 days can cancel.",
        "Item A-4219 cannot be returned.",
        "Three days, according to this one.",
        "OSLO",
        "3",
    ],
)
def test_answers_in_the_words_of_the_passage_are_grounded(answer: str) -> None:
    assert why_ungrounded(answer, PASSAGE) is None


@pytest.mark.parametrize(
    "text", ["Merkez yıllardır İstanbul'da bulunur.", "İzmir büyük bir şehirdir.", "该公司使用 Netflix公司 的服务。"]
)
def test_a_sentence_with_names_of_other_scripts_is_grounded_in_itself(text: str) -> None:
    assert why_ungrounded(text, text) is None


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("Acme ships parcels within 5 days.", "numbers that are not in the passage: 5"),
        ("Orders above 1,000.50 euros are insured.", "numbers that are not in the passage: 1000.5"),
        ("Item A-4218 is not returned.", "numbers that are not in the passage: a-4218"),
        ("Within thirteen days of twenty-one.", "numbers that are not in the passage: 1, 13"),
        ("The parcels are shipped from Bergen.", "names that are not in the passage: bergen"),
        ("Bergen ships parcels within 3 days from Oslo.", "names that are not in the passage: bergen"),
        ("One day.", "numbers that are not in the passage: 1"),
        ("Yes. No.", "the answer has no content words, so nothing ties it to the passage"),
        (
            "The warehouse dispatches parcels quickly.",
            "1 of 4 content words are in the passage, needs 80%; missing: dispatches, quickly, warehouse",
        ),
    ],
)
def test_what_is_not_in_the_passage_is_said(answer: str, reason: str) -> None:
    assert why_ungrounded(answer, PASSAGE) == reason


def test_four_of_five_words_are_enough_and_three_of_four_are_not() -> None:
    assert why_ungrounded("fast parcels orders customers item", PASSAGE) is None
    assert str(why_ungrounded("fast parcels orders customers", PASSAGE)).startswith("3 of 4 content words")


def test_a_denial_needs_a_passage_that_denies() -> None:
    assert why_ungrounded("Fees are not charged.", "Fees are charged.") == (
        "the answer denies something, and the passage does not"
    )
    assert why_ungrounded("Fees are not charged.", "No fees are charged.") is None


def test_numbers_and_names_of_the_question_count_too() -> None:
    assert why_ungrounded("3 days", PASSAGE, "How soon does Acme ship?") is None
    assert why_ungrounded("3 days", PASSAGE, "How soon does Apex ship?") == "names that are not in the passage: apex"
    assert why_ungrounded("3 days", PASSAGE, "What holds below 50 euros?") == "numbers that are not in the passage: 50"


def test_words_that_differ_in_more_than_an_ending_differ() -> None:
    assert why_ungrounded("employee", "The employer pays.") is not None
    assert why_ungrounded("decrease", "Prices increase.") is not None


def stories(num_stories: int) -> Iterator[tuple[str, str, str, list[str]]]:
    """(question, answer, its section, the other sections) of questions whose answer stands in one section."""
    published = public_file("datasets/fairytaleqa/data-by-train-split")
    for path in sorted((published / "questions" / "test").glob("*.csv"))[:num_stories]:
        story = published / "section-stories" / "test" / path.name.replace("-questions", "-story")
        with story.open(encoding="utf-8", newline="") as file:
            sections = {row["section"]: row["text"] for row in csv.DictReader(file)}
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                own = row["cor_section"]
                if row["ex-or-im1"] == "explicit" and own in sections:
                    others = [text for section, text in sections.items() if section != own]
                    yield row["question"], row["answer1"], sections[own], others


def test_answers_of_people_pass_beside_their_section_and_rarely_beside_another() -> None:
    rows = list(stories(6))
    assert len(rows) > 100
    own = sum(why_ungrounded(answer, section, question) is None for question, answer, section, _ in rows)
    beside = [why_ungrounded(answer, others[0]) is None for _, answer, _, others in rows]
    assert own / len(rows) > 0.8
    assert sum(beside) / len(beside) < 0.1
