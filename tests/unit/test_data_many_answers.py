"""Rows of many answers: what is marked in them can be known from what stands before it."""

import json
import random
import re
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tunewright.data.skills import (
    ANSWER_ABSENT,
    MANY_ANSWERS,
    OpenWords,
    make_item,
    make_many_answers,
    many_answers,
    measured_words,
)
from tunewright.data.skills.few_shot_labels import example_form, labels_of
from tunewright.data.skills.few_shot_texts import EXAMPLE_FORMS, PERSON_NEWS
from tunewright.data.skills.item import Draw
from tunewright.data.skills.layout import Prompt
from tunewright.data.skills.loosen import loosened
from tunewright.data.skills.many_answers import BEGIN, END
from tunewright.data.skills.words import (
    BAD,
    CATEGORIES,
    FOODS,
    GOOD,
    MUSIC,
    categories,
    opinions,
)  # fmt: skip
from tunewright.records import Message

OPEN_WORDS = [f"{start}ock{end}" for start in "bdfhjlmnprst" for end in ("", "s", "et")]
OPEN_KINDS = [[f"{start}ack{end}" for end in ("", "s", "et")] for start in "bdfhjlmnprst"]
OPEN = OpenWords(OPEN_WORDS, OPEN_KINDS)
MARKED = re.compile(f"{BEGIN}(.*?){END}", re.DOTALL)


def rows(kind: str, num: int = 200) -> list[list[Message]]:
    return [make_many_answers(kind, 3, index, OPEN) for index in range(num)]


def text_of(messages: list[Message]) -> str:
    return "\n".join(message.content for message in messages)


def before_and_marked(messages: list[Message]) -> list[tuple[str, str]]:
    """What is marked, each with everything that stands before it, without marks."""
    text = text_of(messages)
    return [(re.sub(f"[{BEGIN}{END}]", "", text[: found.start()]), found[1]) for found in MARKED.finditer(text)]


@pytest.mark.parametrize("kind", MANY_ANSWERS)
def test_the_same_arguments_give_the_same_row_and_an_unknown_kind_is_refused(kind: str) -> None:
    assert rows(kind, 5) == rows(kind, 5)
    assert make_many_answers(kind, 3, 0, OPEN) != make_many_answers(kind, 4, 0, OPEN)
    with pytest.raises(KeyError):
        make_many_answers("few_answers", 3, 0, OPEN)


@pytest.mark.parametrize("kind", MANY_ANSWERS)
def test_marks_come_in_pairs_and_mark_several_answers(kind: str) -> None:
    num_marked = 0
    for messages in rows(kind):
        text = text_of(messages)
        assert re.sub(f"[^{BEGIN}{END}]", "", text) == (BEGIN + END) * len(MARKED.findall(text))
        num_marked += text.count(BEGIN)
    assert num_marked / 200 > 3


@pytest.mark.parametrize("kind", MANY_ANSWERS)
def test_no_row_has_words_that_only_measuring_uses(kind: str) -> None:
    held_out = {*FOODS.held_out, *MUSIC.held_out}
    for messages in rows(kind):
        assert not held_out & set(re.findall(r"[a-z]+", text_of(messages)))


@pytest.mark.parametrize("kind", ["lookups", "said_again", "many_labels"])
def test_what_is_marked_stood_there_before(kind: str) -> None:
    for messages in rows(kind):
        for before, marked in before_and_marked(messages):
            assert marked.lower() in before.lower(), (marked, before)


def test_every_question_is_answered_from_the_passage_or_not_at_all() -> None:
    num_absent = num = 0
    for messages in rows("many_questions"):
        for before, marked in before_and_marked(messages):
            num += 1
            num_absent += marked == ANSWER_ABSENT
            assert marked == ANSWER_ABSENT or marked in before
    assert 0.15 < num_absent / num < 0.25


def test_most_labelled_examples_have_a_form_of_their_own_and_none_has_one_that_measuring_uses() -> None:
    forms = {example_form(Draw(random.Random(seed), "train", OpenWords(OPEN_WORDS))) for seed in range(400)}
    assert len(forms) > 250
    assert not forms & set(EXAMPLE_FORMS.held_out)
    assert all(form.index("{text}") < form.index("{label}") for form in forms)


def test_a_loosened_wording_keeps_its_fields_and_what_answers_repeat_to_the_letter() -> None:
    template = "Please copy the {ordinal} item of the list: {items}. Is it there?"
    wordings = {loosened(template, random.Random(seed), OPEN_WORDS) for seed in range(300)}
    assert len(wordings) > 100
    for wording in wordings:
        assert re.findall(r"\{\w+\}", wording) == ["{ordinal}", "{items}"]
        assert "copy" in wording.lower()
    literal = 'If not, say "The context does not say." {question}'
    assert {loosened(literal, random.Random(seed), OPEN_WORDS) for seed in range(50)} == {literal}


def test_only_where_there_are_open_words_wordings_are_loosened() -> None:
    plain = {Draw(random.Random(seed), "train").wording(EXAMPLE_FORMS) for seed in range(200)}
    assert plain <= set(EXAMPLE_FORMS.train)
    loose = {Draw(random.Random(seed), "train", OpenWords(OPEN_WORDS)).wording(EXAMPLE_FORMS) for seed in range(200)}
    assert not loose <= set(EXAMPLE_FORMS.train)


def test_only_where_there_are_open_words_texts_are_sorted_by_many_more_kinds() -> None:
    training = Draw(random.Random(1), "train", OpenWords(OPEN_WORDS))
    chosen = {tuple(map(tuple, categories(training))) for _ in range(30)}
    wide = sorted(chosen, key=len)[-1]
    assert len(chosen) == 2
    assert len(wide) > 5 * len(CATEGORIES)
    words = [word for kind in (*wide, *opinions(training)) for word in kind]
    assert not measured_words() & {word.lower() for word in words}
    assert len(words) == len({word.lower() for word in words})
    kind_of = {word: number for number, kind in enumerate(wide) for word in kind}
    for listed_word, more in {
        "cow": "calf",
        "cheese": "pork",
        "drum": "cornet",
        "oak": "fir",
        "nose": "kidney",
    }.items():
        assert kind_of[listed_word] == kind_of[more]
    for part in ("train", "held_out"):
        assert list(categories(Draw(random.Random(1), part))) == [bank.of(part) for bank in CATEGORIES]
        assert opinions(Draw(random.Random(1), part)) == (GOOD.of(part), BAD.of(part))


def test_where_there_are_open_frames_most_texts_stand_in_one_of_their_kind() -> None:
    open_frames = {"people": ["{word} sat down."], "opinions": ["It was {word} to us."], "question": ["Is the {word}?"]}
    items = [
        make_item("few_shot_labels", 3, index, "train", OpenWords(OPEN_WORDS, frames=open_frames))
        for index in range(400)
    ]
    prompts = "\n".join(message.content for item in items for message in item.messages)
    num_people = sum(
        len(re.findall(re.escape(frame).replace(r"\{word\}", r"\w+"), prompts)) for frame in PERSON_NEWS.train
    )
    num_open = len(re.findall(r"\w+ sat down\.", prompts))
    assert 0.75 < num_open / (num_open + num_people) < 0.95
    assert re.search(r"It was \w+ to us\.", prompts)
    assert re.search(r"Is the \w+\?", prompts)


def test_the_open_frames_of_one_item_are_few_and_come_with_several_labels() -> None:
    frames = {"people": [f"{{word}} saw {number} of them." for number in range(3_000)]}
    items = [
        make_item("few_shot_labels", 3, index, "train", OpenWords(OPEN_WORDS, frames=frames)) for index in range(600)
    ]
    found = [re.findall(r"saw (\d+) of them", text_of(list(item.messages))) for item in items]
    by_person = [numbers for numbers in found if len(numbers) == 17]
    assert len(by_person) > 5
    assert all(len(set(numbers)) <= 12 for numbers in by_person)
    assert len({number for numbers in by_person for number in numbers}) > 30


def test_where_there_are_open_words_they_are_labels_too_but_none_that_stands_in_a_text() -> None:
    texts = [f"The {word} is here." for word in OPEN_WORDS[:20]]
    drawn = [labels_of(Draw(random.Random(seed), "train", OpenWords(OPEN_WORDS)), 3, texts) for seed in range(400)]
    of_open_words = [labels for labels in drawn if {label.lower() for label in labels} & set(OPEN_WORDS)]
    assert 0.1 < len(of_open_words) / len(drawn) < 0.3
    for labels in of_open_words:
        assert len({label.lower() for label in labels} - set(OPEN_WORDS[:20])) == 3


@dataclass
class LaidOut:
    """What a row of labels is laid out from."""

    instruction: str
    labels: list[str]
    is_taught: list[bool]
    answer: str


def laid_out_labels(monkeypatch: pytest.MonkeyPatch, num: int) -> list[LaidOut]:
    found: list[LaidOut] = []
    real = many_answers.in_prompt

    def noting(
        draw: Draw, instruction: str, examples: list[tuple[str, str]], asked: str, form: str, *, must_instruct: bool
    ) -> Prompt:
        labels = [re.sub(f"[{BEGIN}{END}]", "", label) for _, label in examples]
        is_taught = [BEGIN in label for _, label in examples]
        found.append(LaidOut(instruction if must_instruct else "", labels, is_taught, ""))
        return real(draw, instruction, examples, asked, form, must_instruct=must_instruct)

    monkeypatch.setattr(many_answers, "in_prompt", noting)
    for index in range(num):
        num_before = len(found)
        messages = make_many_answers("many_labels", 3, index, OPEN)
        if len(found) > num_before:
            found[-1].answer = before_and_marked(messages)[-1][1]
    return found


def test_a_label_is_taught_where_it_stood_before_or_is_the_only_one_left_of_a_list(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    num_left = 0
    for row in laid_out_labels(monkeypatch, 400):
        for number, (label, is_taught) in enumerate(zip(row.labels, row.is_taught, strict=True)):
            if label in row.labels[:number]:
                assert is_taught
            elif is_taught:
                assert label in row.instruction
                num_left += 1
        assert row.answer in row.labels or row.answer in row.instruction
    assert num_left > 20


def test_the_text_behind_one_example_is_as_often_of_another_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_answers, "_NUM_EXAMPLES", (1,))
    found = laid_out_labels(monkeypatch, 400)
    assert 0.4 < sum(row.answer == row.labels[0] for row in found) / len(found) < 0.6


def test_where_there_are_open_kinds_half_of_the_sorting_is_by_some_that_share_no_word() -> None:
    overlapping = [*OPEN_KINDS, OPEN_KINDS[0][:2] + OPEN_KINDS[1][:2]]
    draws = [categories(Draw(random.Random(seed), "train", OpenWords(OPEN_WORDS, overlapping))) for seed in range(400)]
    by_open_kinds = [kinds for kinds in draws if kinds[0] in overlapping]
    assert 0.4 < len(by_open_kinds) / len(draws) < 0.6
    for kinds in by_open_kinds:
        words = [word for kind in kinds for word in kind]
        assert len(kinds) == 4
        assert len(words) == len(set(words))


def test_what_is_asked_by_a_near_word_is_what_was_said_of_the_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_answers, "_HAVINGS", ("<{s}~{a}~{v}>",))
    kind_of = {word: number for number, kind in enumerate(OPEN_KINDS) for word in kind}
    num_asked = num_by_the_same_word = 0
    for messages in rows("near_words"):
        said = re.findall("<(.*?)~(.*?)~(.*?)>", messages[0].content)
        value_of = {(subject, kind_of[word]): value for subject, word, value in said}
        subjects = {re.escape(subject) for subject, _, _ in said}
        # What was made up to stand before a question may name anything: the last one named is meant.
        names = re.compile(rf"(?<![\w-])(?:{'|'.join(subjects)})(?![\w-])", re.IGNORECASE)
        for question, answer in pairwise(messages[1:]):
            if question.role != "user" or not (named := names.findall(question.content)):
                continue
            (subject,) = {subject for subject, _, _ in said if subject.lower() == named[-1].lower()}
            word = [word for word in re.findall("[a-z]+", question.content.lower()) if word in kind_of][-1]
            assert answer.content.strip(BEGIN + END) == value_of.get((subject, kind_of[word]), ANSWER_ABSENT)
            num_asked += 1
            num_by_the_same_word += (subject, word) in {(subject, word) for subject, word, _ in said}
    assert num_asked > 500
    assert 0.2 < num_by_the_same_word / num_asked < 0.5


def test_records_are_json_of_the_asked_keys() -> None:
    for messages in rows("many_records"):
        requests = [message.content for message in messages if message.role != "assistant"]
        answers = [
            json.loads(message.content.strip(BEGIN + END)) for message in messages if message.role == "assistant"
        ]
        assert 2 <= len(answers) <= 5
        for request, answer in zip(requests[-len(answers) + 1 :], answers[1:], strict=True):
            assert all(key in request for key in answer)


@pytest.mark.parametrize(("open_words", "least", "most"), [(OPEN, 0.3, 0.5), (None, 0.0, 0.0)])
def test_words_that_ask_for_nothing_stand_behind_keys_only_where_there_are_open_words(open_words, least, most) -> None:
    num_listed, num_followed = 0, 0
    for index in range(600):
        item = make_item("json_extraction", 3, index, "train", open_words)
        prompt = "\n".join(message.content for message in item.messages[:-1])
        keys = " | ".join(json.loads(item.messages[-1].content))
        if " | " in keys and keys in prompt:
            behind = re.match(r"(?:,| -)? [a-z ]+|", prompt[prompt.index(keys) + len(keys) :]).group()
            num_listed += 1
            num_followed += any(word in behind.split() for word in OPEN_WORDS)
    assert num_listed > 50
    assert least <= num_followed / num_listed <= most
