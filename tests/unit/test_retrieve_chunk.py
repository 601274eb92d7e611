"""Documents to passages: sizes, shared sentences, headings, and that every passage is a slice of its text."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.checks.words import words
from tunewright.data.refusals import ReadLog
from tunewright.errors import DataError
from tunewright.retrieve.chunk import MAX_WORDS, _sentences, cut, folder_passages
from tunewright.retrieve.hybrid import distinct


def texts(text: str, max_words: int = MAX_WORDS, document: str = "a.txt") -> list[str]:
    return [passage.text for passage in cut(document, "A", text, max_words)]


def test_a_short_text_is_one_passage():
    assert texts("  One fee. Another fee.\n") == ["One fee. Another fee."]
    assert texts(" \n\n ") == []


def test_neighbours_share_their_sentence():
    text = "It is a loan. It costs five euros. You pay monthly. The end comes soon."
    assert texts(text, max_words=8) == [
        "It is a loan. It costs five euros.",
        "It costs five euros. You pay monthly.",
        "You pay monthly. The end comes soon.",
    ]


def test_a_long_last_sentence_is_not_repeated():
    long = " ".join(["word"] * 41) + "."
    assert texts(f"Start. {long} Then five more words follow.", max_words=45) == [
        f"Start. {long}",
        "Then five more words follow.",
    ]


def test_a_sentence_alone_in_its_passage_is_not_repeated_either():
    # Otherwise the passage would stand whole inside the next one.
    assert texts("One two three. Four five six. Seven eight nine.", max_words=6) == [
        "One two three. Four five six.",
        "Four five six. Seven eight nine.",
    ]
    assert texts("One two three four. Five six. Seven eight nine.", max_words=5) == [
        "One two three four.",
        "Five six. Seven eight nine.",
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Is it? Yes! So… on.", ["Is it?", "Yes!", "So…", "on."]),
        ('He said "no." Then left.', ['He said "no."', "Then left."]),
        ("Pay 3.50 euros. Now.", ["Pay 3.50 euros.", "Now."]),
        ("これは本です。高い！", ["これは本です。", "高い！"]),
        ("Fees\n\nNone.", ["Fees", "None."]),
        ("- one\n- two\n2. three", ["- one", "- two", "2. three"]),
        ("It costs 5. Pay it.", ["It costs 5.", "Pay it."]),
        ("| a | b |\n| 1 | 2 |", ["| a | b |", "| 1 | 2 |"]),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text, parts):
    assert [text[span.start : span.end] for span in _sentences(text, MAX_WORDS)] == parts


def test_a_sentence_above_the_limit_is_cut_at_spaces_and_one_without_spaces_by_characters():
    assert texts("one two three four five", max_words=2) == ["one two", "three four", "five"]
    assert texts("東京支店は休み", max_words=3) == ["東京支", "店は休", "み"]


def test_lines_of_tables_and_code_stay():
    table = "| fee | 2 |\n| tax | 1 |"
    assert texts(f"{table}\n\n```\nx = 1\n\n    y = 2\n```") == [f"{table}\n\n```\nx = 1\n\n    y = 2\n```"]


def test_headings_of_markdown_are_the_title_and_start_passages():
    text = "# Handbook\nHello.\n## Fees\nTwo euros.\n### Abroad\nTwelve.\n## Hours ##\nAlways.\n```\n# no heading\n```"
    passages = list(cut("a.md", "Handbook", text))
    assert [(passage.title, passage.text) for passage in passages] == [
        ("Handbook", "Hello."),
        ("Handbook > Fees", "Two euros."),
        ("Handbook > Fees > Abroad", "Twelve."),
        ("Handbook > Hours", "Always.\n```\n# no heading\n```"),
    ]
    assert [passage.place for passage in passages] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# C#", "C#"),
        ("## F# and C# ##  ", "F# and C#"),
        ("# Fees#", "Fees#"),
        ("#\tFees\t#", "Fees"),
        ("# Ticket #", "Ticket"),
        ("# Ticket #1", "Ticket #1"),
    ],
)
def test_a_number_sign_that_belongs_to_the_last_word_of_a_heading_stays(line, heading):
    assert [passage.title for passage in cut("a.md", "A", f"{line}\nText.")] == [f"A > {heading}"]


def test_a_heading_of_number_signs_alone_has_no_name():
    assert [passage.title for passage in cut("a.md", "A", "## Fees\nOne.\n# ##\nTwo.")] == ["A > Fees", "A"]


@pytest.mark.timeout(20)
def test_a_heading_with_many_spaces_or_signs_is_read_in_time():
    many = 100_000
    for line in (f"# a{' ' * many}b", f"# {'# ' * many}b", f"# {'#' * many}b"):
        list(cut("a.md", "A", line))


def test_a_heading_with_nothing_below_it_is_a_passage():
    text = "# FAQ\n\n## By phone? Call 555-1234.\n\n## Fees\n\nTwo euros.\n\n"
    text += "## Hours\n### Monday: 9 to 17\n### Sunday: none"
    assert [(passage.title, passage.text) for passage in cut("a.md", "FAQ", text)] == [
        ("FAQ", "By phone? Call 555-1234."),
        ("FAQ > Fees", "Two euros."),
        ("FAQ > Hours", "Monday: 9 to 17"),
        ("FAQ > Hours", "Sunday: none"),
    ]


@pytest.mark.parametrize("text", ["# Only a title", "# Only a title\n# ##\n", "\n# Only a title\n## \n"])
def test_a_document_of_headings_alone_is_read(tmp_path, text):
    (tmp_path / "a.md").write_text(text, encoding="utf-8")
    (passage,) = folder_passages(tmp_path, ReadLog("documents"))
    assert (passage.title, passage.text) == ("Only a title", "Only a title")


@given(st.lists(st.sampled_from(["# ", "## ", "### ", "# #\n", "a\n", "b. ", "c\n\n", "d#\n", "```\n"]), max_size=20))
def test_no_word_of_a_markdown_text_is_lost(pieces):
    # Each word its own, so that one does not stand for another.
    text = "".join(f"{place}{piece}" if piece[0].isalpha() else piece for place, piece in enumerate(pieces))
    found = " ".join(f"{passage.title} {passage.text}" for passage in cut("x.md", "X", text))
    assert set(words(found)) >= set(words(text))


@pytest.mark.parametrize(
    ("code", "is_open"),
    [
        ("```\n# no\n```", False),
        ("````md\n```\n# no\n```\n# no\n````", False),  # a longer fence holds shorter ones
        ("```\n# no\n```js\n# no\n```", False),  # words behind it: no end
        ("~~~\n# no\n```\n# no\n~~~", False),
        ("```inline```", False),
        ("```\n# no", True),
    ],
)
def test_a_number_sign_in_a_code_block_is_no_heading(code, is_open):
    passages = list(cut("a.md", "Handbook", f"{code}\n# Fees\nTwo euros."))
    expected = [("Handbook", f"{code}\n# Fees\nTwo euros.")]
    if not is_open:
        expected = [("Handbook", code), ("Handbook > Fees", "Two euros.")]
    assert [(passage.title, passage.text) for passage in passages] == expected


def test_the_suffix_of_markdown_may_be_in_capitals():
    assert [passage.title for passage in cut("README.MD", "Handbook", "## Fees\nTwo euros.")] == ["Handbook > Fees"]


def test_a_number_sign_in_another_kind_of_document_is_text():
    assert texts("# not a heading\nText.") == ["# not a heading\nText."]


def test_a_fence_ends_with_its_own_mark():
    text = "~~~\n```\n# code\n~~~\n# Real\nText."
    assert [passage.title for passage in cut("a.md", "A", text)] == ["A", "A > Real"]


@given(st.text(alphabet="ab .!?\n#|-。月é`", max_size=200), st.integers(1, 12))
def test_passages_are_slices_that_hold_every_word_and_stay_within_the_limit(text, max_words):
    parts = texts(text, max_words)
    assert all(part in text and part.strip() == part and part for part in parts)
    assert all(len(words(part)) <= max_words for part in parts)
    position = 0
    for part in parts:
        # Each begins at the latest where the one before ended, but for space: nothing is lost between them.
        latest = len(text) - len(text[position:].lstrip())
        start = text.rfind(part, 0, latest + len(part))
        assert start >= 0, part
        position = max(position, start + len(part))
    assert not text[position:].strip()


def test_a_moved_folder_gives_equal_passages(tmp_path: Path):
    for name in ("here", "there"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "fees.md").write_text("# Fees\nTwo euros.", encoding="utf-8")
    log = ReadLog("documents")
    here, there = (list(folder_passages(tmp_path / name, log)) for name in ("here", "there"))
    assert here == there
    assert [(passage.document, passage.title, passage.text) for passage in here] == [
        ("sub/fees.md", "Fees", "Two euros.")
    ]


def test_a_folder_without_documents_is_refused(tmp_path):
    with pytest.raises(DataError, match="an empty folder"):
        list(folder_passages(tmp_path, ReadLog("documents")))


def test_documents_without_text_are_refused_once_all_are_read(tmp_path):
    (tmp_path / "blank.txt").write_text("  \n", encoding="utf-8")
    with pytest.raises(DataError, match="found documents without text, expected text to search in"):
        list(folder_passages(tmp_path, ReadLog("documents")))


def test_equal_texts_under_different_headings_are_different_passages():
    text = "# Basic plan\nWithin three days.\n# Gold plan\nWithin three days."
    titles = sorted(passage.title for passage in distinct(cut("a.md", "Plans", text)))
    assert titles == ["Plans > Basic plan", "Plans > Gold plan"]


def test_the_id_is_that_of_document_headings_and_text():
    first, same, other = (next(cut(name, "T", text)) for name, text in (("a", "x."), ("a", "x."), ("a", "y.")))
    assert first.id == same.id != other.id
    assert next(cut("b", "T", "x.")).id != first.id
    assert next(cut("a", "U", "x.")).id != first.id
