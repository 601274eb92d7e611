"""Rows in another script or another language than the rest."""

import errno
import os
import sys
from collections.abc import Sequence

import pytest
from check_rows import chat_rows

from tunewright.data.checks import languages
from tunewright.data.checks.languages import LANGUAGE_MIX
from tunewright.errors import MissingExtraError, StoreError
from tunewright.records import CheckRecipe, Finding

PLACES = ("bridge", "mill", "harbour", "market", "forest", "tower")
ENGLISH = [
    f"The old {PLACES[n % 6]} is open on {n + 1} days of the month, and you can walk to it from the station in an hour."
    for n in range(60)
]
GERMAN = [
    f"Das alte Haus am Fluss hat an {n + 1} Tagen geöffnet, und man kann vom Bahnhof aus in einer Stunde hingehen."
    for n in range(60)
]


def find(answers: Sequence[str]) -> list[Finding]:
    pairs = [(f"Question {number}?", answer) for number, answer in enumerate(answers, 1)]
    return list(LANGUAGE_MIX.find(chat_rows(pairs, source="rows.jsonl"), CheckRecipe()))


def test_a_row_in_another_script_is_listed() -> None:
    answers = [f"The answer number {n} is written in English." for n in range(30)]
    (finding,) = find([*answers, "Этот ответ написан на русском языке."])
    assert finding.locations == ("rows.jsonl:31",)
    assert finding.explanation == "The answer is in Cyrillic script, but 96.8% of the answers are in Latin."


@pytest.mark.parametrize(
    "answers",
    [
        ["The answer is in English."] * 15 + ["Этот ответ написан по-русски."] * 15,
        ["这个答案是用中文写的，而且它的长度足够让我们检查。"] * 30
        + ["用 sorted() 函数:\nsorted(values, key=len, reverse=True)"],
        ["The answer is in English."] * 30 + ["Москва"],
        ["ひらがなとカタカナと漢字を使って書かれた文章です。"] * 30
        + ["全部漢字表記文章東京都千代田区永田町一丁目内閣府本府庁舎"],
        ["The answer is in English."] * 5 + ["Этот ответ написан на русском языке."],
    ],
)
def test_mixed_data_code_short_answers_and_few_rows_are_no_language_mix(answers: list[str]) -> None:
    assert find(answers) == []


@pytest.mark.parametrize(
    ("answer", "language"),
    [
        ("Die Lieferung kommt am Montag, und Sie müssen nichts weiter tun.", "German"),
        ("Vous pouvez annuler votre commande avant demain soir sans payer de frais.", "French"),
        ("Puede cambiar la fecha de entrega en su cuenta hasta mañana por la tarde.", "Spanish"),
        ("Il pacco arriva lunedì mattina e non deve fare altro che aspettare a casa.", "Italian"),
        ("U kunt de bestelling tot morgenavond wijzigen zonder dat het iets kost.", "Dutch"),
        ("Możesz zmienić termin dostawy do jutra wieczorem bez żadnych opłat.", "Polish"),
    ],
)
def test_a_row_in_another_language_of_the_same_script_is_listed(answer: str, language: str) -> None:
    (finding,) = find([*ENGLISH, answer])
    assert finding.locations == ("rows.jsonl:61",)
    assert finding.explanation == f"The answer is in {language}, but most answers are in English."


def test_the_rows_that_tell_the_usual_language_come_from_the_whole_set() -> None:
    german = [
        f"Die Lieferung Nummer {number} kommt am Montag, und Sie müssen nichts weiter tun." for number in range(90)
    ]
    english = [
        f"Parcel number {number} arrives on Monday, and there is nothing more for you to do." for number in range(200)
    ]
    assert find([*english, *german]) == [], "a third of the answers is a mix, wherever they stand"


def test_a_row_in_another_script_is_listed_once() -> None:
    (finding,) = find([*ENGLISH, "Этот ответ написан на русском языке, и он длиннее шести слов, чтобы его узнали."])
    assert finding.explanation.startswith("The answer is in Cyrillic script")


def test_english_is_the_odd_one_among_german_answers() -> None:
    (finding,) = find([*GERMAN, "You can change the day of delivery in your account until tomorrow."])
    assert finding.explanation == "The answer is in English, but most answers are in German."


@pytest.mark.parametrize(
    "answers",
    [
        ENGLISH[:30] + GERMAN[:30],
        [*ENGLISH, "Bridge closed, mill open, harbour busy, market quiet, forest dark."],
        [*ENGLISH, "def total(values):\n    return sum(value for value in values if value is not None)"],
        [*ENGLISH, '{"name": "Müller", "city": "Zürich", "street": "Bahnhofstrasse", "zip": 8001, "country": "CH"}'],
        [*ENGLISH, "Merci beaucoup"],
        [*ENGLISH[:10], *GERMAN[:1]],
    ],
)
def test_even_mixes_terse_english_code_json_and_short_answers_are_left_alone(answers: list[str]) -> None:
    assert find(answers) == []


def _by_first_word(text: str) -> str | None:
    return {"Here": "en", "Hier": "de"}.get(text.split()[0])


ENGLISH_TOLD = [f"Here are the {n} things of which we spoke at length." for n in range(20)]
NOT_TOLD = [f"Total{n} = value one + value two + value three" for n in range(5)]
GERMAN_TOLD = ["Hier sind jene Dinge, von denen gesprochen worden war."]


@pytest.mark.parametrize(
    ("answers", "is_found"),
    [
        # 20 of the 21 that can be told are English: 95 %, and it was 77 % of all 26.
        (ENGLISH_TOLD + NOT_TOLD + GERMAN_TOLD, True),
        # 20 of 23 is 87 %, whatever the others are.
        (ENGLISH_TOLD + NOT_TOLD + GERMAN_TOLD * 3, False),
        # 11 that can be told are too few, however many cannot.
        (ENGLISH_TOLD[:10] + NOT_TOLD * 6 + GERMAN_TOLD, False),
    ],
)
def test_answers_whose_language_cannot_be_told_count_neither_for_nor_against_a_mix(
    answers: list[str], is_found: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(languages, "_language", _by_first_word)
    assert [finding.explanation for finding in find(answers)] == is_found * [
        "The answer is in German, but most answers are in English "
        "(of 26 sampled answers, 5 in a language that cannot be told)."
    ]


def test_without_the_library_the_check_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    languages._identifier.cache_clear()
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(MissingExtraError, match="py3langid"):
        find(ENGLISH)


def test_a_full_folder_for_temporary_files_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("py3langid")

    def is_full(*arguments: object, **settings: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    languages._identifier.cache_clear()
    monkeypatch.setattr("py3langid.langid.LanguageIdentifier.from_model_file", is_full)
    with pytest.raises(StoreError, match=r"No space left on device, expected room .*model of languages\..*TMPDIR"):
        find(ENGLISH)
