"""Checks of the text itself and of what answers say: what is found, and what only looks wrong."""

import json
import sys
from collections.abc import Sequence

import pytest
from public_files import public_file

from tunewright.data.checks.answer_text import (
    EMPTY_OR_BOILERPLATE_ANSWERS,
    REFUSALS,
    REPETITION,
    TRUNCATED_ANSWERS,
)
from tunewright.data.checks.check import Check, CheckedRow, checked_row
from tunewright.data.checks.text import INVISIBLE_CHARACTERS, MOJIBAKE, find_invisible, find_mojibake
from tunewright.errors import MissingExtraError
from tunewright.records import CheckRecipe, Conversation, Example, Finding, Message, PlainText, Provenance


def rows_of(answers: Sequence[str]) -> tuple[CheckedRow, ...]:
    rows = []
    for number, answer in enumerate(answers, 1):
        messages = (Message(role="user", content=f"Question {number}?"), Message(role="assistant", content=answer))
        provenance = Provenance(source="rows.jsonl", row=number)
        rows.append(checked_row(Example(body=Conversation(messages=messages), provenance=provenance)))
    return tuple(rows)


def find(check: Check, answers: Sequence[str]) -> list[Finding]:
    return list(check.find(rows_of(answers), CheckRecipe()))


def repaired(text: str, edits: Sequence[tuple[str, str]]) -> str:
    for old, new in edits:
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SÃ£o TomÃ©", "São Tomé"),
        ("the Ocean â\x80\x94 in her", "the Ocean — in her"),
        ("donâ€™t worry", "don’t worry"),
        ("fine\nvoilÃ\xa0 le cafÃ©\nfine", "fine\nvoilà le café\nfine"),
        ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚ Ð¼Ð¸Ñ€", "привет мир"),
    ],
)
def test_text_in_a_wrong_encoding_is_restored(text: str, expected: str) -> None:
    (finding,) = find(MOJIBAKE, [text])
    assert repaired(text, finding.edited_text) == expected
    assert find_mojibake(expected) == {}


@pytest.mark.parametrize(
    "text",
    [
        "“Curly” and ‘single’ quotes — dashes… ﬁne ligatures, ＦＵＬＬ　ＷＩＤＴＨ, ½, ², café (decomposed)",
        "&lt;b&gt; &amp; &eacute; stay",
        "línea\r\nsegunda",
        "Ångström, naïve, Größe, çà et là, São Tomé, Łódź, Ça coûte 5 €, £3, ¿qué?, 25 °C, µm",
        "привет мир, ελληνικά, 你好，世界, สวัสดี, नमस्ते, سلام",
        "👩‍👩‍👧‍👦 🏳️‍🌈",
        "plain ASCII",
        "",
    ],
)
def test_right_text_is_never_touched(text: str) -> None:
    assert find_mojibake(text) == {}
    assert find(MOJIBAKE, [text or "x"]) == []


def test_lost_characters_are_listed_and_not_edited() -> None:
    (finding,) = find(MOJIBAKE, ["the na\ufffdve idea"])
    assert finding.edited_text == ()
    assert "were lost" in finding.explanation


def test_mojibake_names_the_missing_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ftfy", None)
    assert find_mojibake("plain") == {}
    with pytest.raises(MissingExtraError, match="ftfy is needed to find text in a wrong encoding"):
        find_mojibake("café")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("zero\u200bwidth", "zerowidth"),
        ("\ufeffstart and \ufeffmiddle", "start and middle"),
        ("soft\u00adhyphen", "softhyphen"),
        ("a\u200d\u200bb\u200cc", "abc"),
        ("access = \u202e'nimda'\u202c", "access = 'nimda'"),
        ("left\u200eto\u200fright", "lefttoright"),
        ("red \x1b[31mtext\x1b[0m", "red text"),
        ("bell\x07 null\x00 delete\x7f", "bell null delete"),
        ("line\u2028line\x85line", "line\nline\nline"),
        ("page\x0cPage", "page\nPage"),
        (r"\(" + "\x0crac{1}{2} + \x08eta + \x07lpha", r"\(\frac{1}{2} + \beta + \alpha"),
        ("hidden" + "".join(chr(0xE0000 + ord(letter)) for letter in "ignore"), "hidden"),
        ("👍\u200d and a\u200d👩", "👍 and a👩"),
        ("\u202e سلام", " سلام"),
    ],
)
def test_needless_invisible_characters_are_removed(text: str, expected: str) -> None:
    assert repaired(text, tuple(find_invisible((text,)).items())) == expected
    assert find_invisible((expected,)) == {}


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧‍👦 👩🏽‍💻 🏳️‍🌈 ❤️‍🔥 🧑‍🤝‍🧑",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "می‌خواهم کتاب‌ها را بخوانم",
        "क्‍ष और श्री‌मान",
        "ഡോ. അവന്‍",
        "ภาษา\u200bไทย",
        "שלום \u200fHTML\u200e!",
        "tabs\tand\r\nline ends\n",
        "plain",
    ],
)
def test_invisible_characters_that_a_script_or_emoji_needs_are_kept(text: str) -> None:
    assert find_invisible((text,)) == {}


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (("page\x0cPage", r"\(" + "\x0crac{1}{2}"), ("page\nPage", r"\(\frac{1}{2}")),
        (("press \x1b", "\x1b[1mbold\x1b[0m"), ("press ", "bold")),
        (("a\U000e0061", "b\U000e0061\U000e0062"), ("a", "b")),
        (("\u200bb", "a\u200b\u200bb"), ("b", "ab")),
    ],
)
def test_what_is_removed_from_one_message_breaks_no_repair_of_another(
    texts: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    for order in (1, -1):
        edits = tuple(find_invisible(texts[::order]).items())
        assert tuple(repaired(text, edits) for text in texts) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Where is the cafÃ©?â€‹ Thanks", "Where is the café? Thanks"),
        ("Itâ€™s ï»¿here", "It’s here"),
        ("the Ocean â\x80\x94 in her", "the Ocean — in her"),
    ],
)
def test_invisible_characters_are_looked_for_in_restored_text(text: str, expected: str) -> None:
    (restored,) = find(MOJIBAKE, [text])
    edits = [edit for finding in (restored, *find(INVISIBLE_CHARACTERS, [text])) for edit in finding.edited_text]
    assert repaired(text, edits) == expected
    assert find_invisible((expected,)) == {}


def test_invisible_characters_are_looked_for_in_the_text_as_it_is_where_it_is_not_restored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = rows_of(["It's ï»¿here", "soft\u00adhyphen"])
    assert len(list(INVISIBLE_CHARACTERS.find(rows, CheckRecipe(skip=("mojibake",))))) == 1
    assert len(list(INVISIBLE_CHARACTERS.find(rows, CheckRecipe()))) == 2
    monkeypatch.setitem(sys.modules, "ftfy", None)
    assert len(list(INVISIBLE_CHARACTERS.find(rows, CheckRecipe()))) == 1


def test_invisible_characters_are_named_in_the_finding() -> None:
    (finding,) = find(INVISIBLE_CHARACTERS, ["fine", "zero\u200bwidth and \x07"])[0:1]
    assert finding.locations == ("rows.jsonl:2",)
    assert "U+0007 control character, U+200B zero width space" in finding.explanation
    assert "zero<U+200B>width" in finding.evidence[0]


PROSE = [f"Sentence number {n} says something else about the matter at hand." for n in range(60)]


@pytest.mark.parametrize(
    "answer",
    ["n/a", "N/A.", "TODO", "Lorem ipsum dolor sit amet", "see above", "...", "—", "[Your answer here]", "null"],
)
def test_placeholder_answers_are_found_among_text(answer: str) -> None:
    (finding,) = find(EMPTY_OR_BOILERPLATE_ANSWERS, [*PROSE, answer])
    assert finding.locations == ("rows.jsonl:61",)
    assert finding.explanation == "The answer is a placeholder."


@pytest.mark.parametrize(
    "answers",
    [
        [*PROSE, "42", "∞", "👍", "No.", "Yes", "See above the door for the number.", "Testing is good."],
        ["n/a", "yes", "no", "none"] * 20,
        [json.dumps({"id": n}) for n in range(40)],
        [*PROSE, *["You're welcome!"] * 20],
        [*PROSE, *["We answer within two working days."] * 4],
    ],
)
def test_short_answers_labels_and_json_are_not_boilerplate(answers: list[str]) -> None:
    assert find(EMPTY_OR_BOILERPLATE_ANSWERS, answers) == []


def test_one_sentence_for_many_inputs_is_one_finding() -> None:
    (finding,) = find(EMPTY_OR_BOILERPLATE_ANSWERS, [*PROSE, *["We answer within two working days."] * 6])
    assert finding.explanation == "6 different inputs have the same answer: “We answer within two working days.”"
    assert finding.locations[0] == "rows.jsonl:61"
    assert finding.evidence[0] == "Question 61?"
    assert len(finding.example_ids) == len(finding.evidence) == 6


@pytest.mark.parametrize(
    "answer",
    [
        "As an AI language model, I do not have opinions.",
        "I'm sorry, but I can't help with that.",
        "I’m sorry, but as an AI I don’t have access to this.",
        "I am sorry, I cannot provide medical advice.",
        "Unfortunately, I am unable to assist with this.",
        "I'm an AI assistant created by somebody.",
        "很抱歉，我无法帮助您预订机票。",
        "作为一个人工智能助手，我没有感情。",
    ],
)
def test_refusals_are_found_at_the_start(answer: str) -> None:
    (finding,) = find(REFUSALS, ["Sure.", answer])
    assert finding.evidence == (answer,)


@pytest.mark.parametrize(
    "answer",
    [
        "I'm sorry to hear that. Please send the order number.",
        "I am sorry, but your parcel was lost; we send another.",
        "He said: as an AI language model, I cannot.",
        "As an airline, we can help.",
        "As an aid to memory, write it down.",
        "I can't wait to see you!",
        "I cannot recommend this book enough.",
        "Sorry for the delay. Here is the answer.",
    ],
)
def test_kind_answers_are_not_refusals(answer: str) -> None:
    assert find(REFUSALS, [answer]) == []


@pytest.mark.parametrize(
    "answer",
    [
        "The three main reasons for the decline of the empire were the",
        "It is a coffee shop near the river, which has been rated low,",
        "The birds were most common in the forests at high elevati",
    ],
)
def test_answers_cut_short_are_found(answer: str) -> None:
    (finding,) = find(TRUNCATED_ANSWERS, [*PROSE, answer])
    assert finding.locations == ("rows.jsonl:61",)
    assert finding.evidence[0].endswith(answer[-20:])


def test_a_missing_full_stop_counts_only_where_hardly_any_answer_lacks_it() -> None:
    open_answers = [f"This is answer number {n} and it has no full stop" for n in range(3)]
    cut = "This answer ends in the middle of a sentence because the"
    (finding,) = find(TRUNCATED_ANSWERS, [*PROSE, *open_answers, cut])
    assert finding.locations == ("rows.jsonl:64",)
    assert find(TRUNCATED_ANSWERS, [*PROSE, *open_answers * 10, cut]) == []


def test_what_a_log_says_to_be_cut_off_is_dropped_however_it_ends() -> None:
    rows = []
    for number, reason in enumerate((None, "length", "content_filter"), 1):
        messages = (Message(role="user", content=f"{number}?"), Message(role="assistant", content="Done."))
        provenance = Provenance(source="log.jsonl", row=number, cut_short_by=reason)
        rows.append(checked_row(Example(body=Conversation(messages=messages), provenance=provenance)))
    long, filtered = TRUNCATED_ANSWERS.find(rows, CheckRecipe())
    assert isinstance(long, Finding)
    assert isinstance(filtered, Finding)
    assert (long.locations, long.drop) == (("log.jsonl:2",), (rows[1].id,))
    assert long.explanation == "The service cut the answer off at the limit of tokens (finish_reason length)."
    assert (filtered.locations, filtered.drop) == (("log.jsonl:3",), (rows[2].id,))
    assert "by its content filter (finish_reason content_filter)" in filtered.explanation


@pytest.mark.parametrize(
    "answer",
    [
        "She said to all of them that they should come “tomorrow at noon”",
        "Here is the code that you asked me to write:\n```python\nprint(1)\n```",
        "The parts of the machine that you need to order are:\n- one very long screw of the second size",
        "The total number of apples that they have together is 42",
        "The top level domain of the country in question is .af",
        "a label without a stop",
        '{"text": "The three main reasons for the decline of the empire were the"}',
    ],
)
def test_quotes_lists_code_numbers_and_labels_are_not_cut_short(answer: str) -> None:
    assert find(TRUNCATED_ANSWERS, [*PROSE, answer]) == []


def test_the_toy_file_repeats_a_banana_two_thousand_times() -> None:
    toy = public_file("dirty/openai_cookbook_toy/toy_chat_fine_tuning.jsonl")
    chats = [json.loads(line)["messages"] for line in toy.read_text(encoding="utf-8").splitlines()]
    answers = [chat[-1]["content"] for chat in chats]
    (finding,) = find(REPETITION, [answer for answer in answers if answer])
    assert finding.explanation == "The answer repeats “Eat a banana!” 2000 times."


@pytest.mark.parametrize(
    ("answer", "phrase"),
    [
        ("Sure. " + "I love you. " * 12, "I love you."),
        ("好的。" + "我爱你，" * 30, "我爱你，"),
        ("the end\n" * 40, "the end"),
    ],
)
def test_repeated_phrases_are_found_in_any_language(answer: str, phrase: str) -> None:
    (finding,) = find(REPETITION, [answer])
    assert f"“{phrase}”" in finding.explanation


@pytest.mark.parametrize(
    "answer",
    [
        "| --- " * 40 + "|\n" + "a table with a few words in it, and more",
        "Row, row, row your boat gently down the stream. Row, row, row your boat gently down the stream.",
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        "\n".join(f"{n}. item number {n} of the list" for n in range(100)),
        json.dumps([{"id": n, "ok": True} for n in range(200)]),
        "ha ha ha ha",
    ],
)
def test_tables_refrains_lists_and_records_do_not_repeat_themselves(answer: str) -> None:
    assert find(REPETITION, [answer]) == []


def test_plain_text_is_checked_for_characters_but_has_no_answers() -> None:
    provenance = Provenance(source="text.txt", row=1)
    row = checked_row(Example(body=PlainText(text="As an AI language model\u200b, n/a, SÃ£o"), provenance=provenance))
    assert len(list(MOJIBAKE.find((row,), CheckRecipe()))) == 1
    assert len(list(INVISIBLE_CHARACTERS.find((row,), CheckRecipe()))) == 1
    for check in (REFUSALS, EMPTY_OR_BOILERPLATE_ANSWERS, TRUNCATED_ANSWERS):
        assert list(check.find((row,), CheckRecipe())) == []
