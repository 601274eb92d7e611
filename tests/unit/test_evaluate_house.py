"""House terms and style on hand-written answers; the reading level against published values."""

import unicodedata
from pathlib import Path

import pytest

from tunewright.errors import RecipeError
from tunewright.evaluate.house import (
    HouseRules,
    StyleRules,
    Term,
    house_scorers,
    read_house_rules,
    reading_grade,
    style_score,
    terminology_score,
)

RULES = HouseRules(
    terms=(
        Term(preferred="customer", forbidden=("client", "end user")),
        Term(preferred="GitHub", forbidden=("Github",)),
        Term(preferred="log", forbidden=("log file",)),
    )
)


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("The customer called.", 1.0),
        ("Customer called.", 1.0),
        ("The client called.", 0.0),
        ("The END\nUSER called.", 0.0),
        ("The customer, a client, called.", 0.0),
        ("Someone called.", 0.0),  # the reference names the customer
        ("The customer wrote on Github.", 0.5),
        ("The customer wrote on github.", 1.0),  # only the listed variant is forbidden
        ("The customer has a log file.", 0.5),  # the longer form hides "log"
        ("The customer has a log.", 1.0),
        ("The customer's clientele has a weblog.", 1.0),  # whole words
        ("The customer blogs, the client logs.", 0.0),
    ],
)
def test_a_term_is_right_in_its_preferred_form_alone(answer: str, value: float) -> None:
    assert terminology_score(answer, ["A customer called."], RULES) == value


@pytest.mark.parametrize(
    ("answer", "value"), [("MÜŞTERİ geldi.", 1.0), ("müşterı geldi.", 1.0), ("CLİENT geldi.", 0.0)]
)
def test_a_dotted_or_dotless_i_of_turkish_is_an_i(answer: str, value: float) -> None:
    rules = HouseRules(terms=(Term(preferred="müşteri", forbidden=("client",)),))
    assert terminology_score(answer, ["müşteri"], rules) == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [
        ("顧客の皆様へ。敬具", 1.0),
        ("客先の皆様へ。敬具", 0.5),
        ("顧客の皆様へ。", 0.5),
        ("このたび顧客様敬具です", 1.0),
        ("我们的客先很满意敬具", 0.5),
    ],
)
def test_terms_are_found_where_no_space_parts_words(answer: str, value: float) -> None:
    rules = HouseRules(terms=(Term(preferred="顧客", forbidden=("客先",)),), required=("敬具",))
    assert terminology_score(answer, ["顧客の皆様へ。敬具"], rules) == value


@pytest.mark.parametrize(
    ("answer", "value"),
    [("ลูกค้าโทรมา", 1.0), ("เราโทรหาผู้ซื้อแล้ว", 0.0), ("APIはSeverityです", 1.0), ("APIsは便利です", 0.0)],
)
def test_a_term_ends_at_letters_of_scripts_without_spaces(answer: str, value: float) -> None:
    thai, latin = Term(preferred="ลูกค้า", forbidden=("ผู้ซื้อ",)), Term(preferred="API", forbidden=("APIs",))
    assert terminology_score(answer, [""], HouseRules(terms=(thai, latin))) == value


def test_an_answer_without_any_term_in_play_is_right() -> None:
    assert terminology_score("Nothing.", ["Nothing."], RULES) == 1.0


def test_required_words_are_always_in_play() -> None:
    rules = HouseRules(required=("Severity", "next step"))
    assert terminology_score("severity: high. Next  step: call.", ["any"], rules) == 1.0
    assert terminology_score("Severity: high.", ["any"], rules) == 0.5


@pytest.mark.parametrize(
    ("rules", "answer", "value"),
    [
        (StyleRules(max_words=3), "One two three.", 1.0),
        (StyleRules(max_words=3), "One two three four.", 0.0),
        (StyleRules(min_words=2), "One.", 0.0),
        (StyleRules(max_sentence_words=2), "One two. Three four! Five.", 1.0),
        (StyleRules(max_sentence_words=2), "One two. Three four five.", 0.0),
        (StyleRules(max_grade=5), "The cat sat on the mat.", 1.0),
        (StyleRules(max_grade=5), "Organisational considerations necessitate reconsideration.", 0.0),
        (StyleRules(layout="plain"), "One line.\nAnd 1. more - here.", 1.0),
        (StyleRules(layout="plain"), "Some text:\n- an item", 0.0),
        (StyleRules(layout="plain"), "## Heading\ntext", 0.0),
        (StyleRules(layout="plain"), "| a | b |", 0.0),
        (StyleRules(layout="bullets"), "- one\n\n2. two", 1.0),
        (StyleRules(layout="bullets"), "- one\ntwo", 0.0),
        (StyleRules(opening="Hello", closing="Regards"), "Hello you.\nRegards\n", 1.0),
        (StyleRules(opening="Hello", closing="Regards"), "Hello you.", 0.5),
        (StyleRules(max_words=3, min_words=1), "", 0.0),
        (StyleRules(), "anything", 1.0),
    ],
)
def test_style_is_the_share_of_the_stated_rules_that_are_kept(rules: StyleRules, answer: str, value: float) -> None:
    assert style_score(answer, rules) == value


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        ("The cat sat on the mat.", -1.45),
        ("The Australian platypus is seemingly a hybrid of a mammal and reptilian creature.", 11.26),
        ("Go. Stop.", 0.39 + 11.8 - 15.59),
        ("one simple table", 0.39 * 3 + 11.8 * 5 / 3 - 15.59),  # one, sim-ple, ta-ble
    ],
)
def test_the_reading_level_is_the_flesch_kincaid_grade(text: str, grade: float) -> None:
    assert reading_grade(text) == pytest.approx(grade, abs=0.01)


def test_a_house_file_gives_the_scorers_that_it_states(tmp_path: Path) -> None:
    path = tmp_path / "house.yaml"
    path.write_text(
        "terms:\n  - preferred: customer\n    forbidden: [client]\nstyle:\n  max_words: 3\n", encoding="utf-8"
    )
    terminology, style = house_scorers(read_house_rules(path))
    assert (terminology.metric.name, style.metric.name) == ("terminology", "style")
    assert style.metric.explanation.endswith("averaged over rows: max_words 3.")
    assert terminology.score is not None
    assert style.score is not None
    assert terminology.score("our client", ["our customer"]) == 0.0
    assert style.score("our client", ["our customer"]) == 1.0
    path.write_text("required: [Severity]\n", encoding="utf-8")
    assert [scorer.metric.name for scorer in house_scorers(read_house_rules(path))] == ["terminology"]


def test_rules_are_kept_in_either_unicode_form() -> None:
    decomposed = unicodedata.normalize("NFD", "Café")
    rules = HouseRules(
        terms=(Term(preferred=decomposed, forbidden=("bar",)),),
        required=(decomposed,),
        style=StyleRules(opening=decomposed, closing=decomposed),
    )
    for scorer in house_scorers(rules):
        assert scorer.score is not None
        assert scorer.score("Café", ["Café"]) == 1.0  # as `judge` hands it over


def test_the_line_break_behind_a_block_of_yaml_is_no_part_of_a_closing(tmp_path: Path) -> None:
    path = tmp_path / "house.yaml"
    path.write_text("style:\n  closing: |\n    Kind regards,\n    Your team\n", encoding="utf-8")
    (style,) = house_scorers(read_house_rules(path))
    assert style.score is not None
    assert style.score("It is mended.\n\nKind regards,\nYour team\n", [""]) == 1.0
    assert style.score("It is mended.\n\nYour team", [""]) == 0.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("terms: [{preferred: a, forbidden: [a]}]", "'a' is both preferred and forbidden"),
        ("terms: [{preferred: ' '}]", r"house\.yaml: terms\.0\.preferred: found ' '"),
        ("style: {max_wrods: 3}", r"style\.max_wrods: found 3, expected Extra inputs"),
        ("- a", r"house\.yaml: \(top level\): found \['a'\]"),
        ("a: [", "found text that is not YAML"),
        ("terms: []", "found no rule, expected terms, required or style"),
    ],
)
def test_a_house_file_that_says_nothing_usable_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "house.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        read_house_rules(path)


def test_a_house_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="found no such file, expected a readable YAML file"):
        read_house_rules(tmp_path / "none.yaml")


def test_the_example_of_the_docs_is_a_house_file(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "study.md").read_text(encoding="utf-8")
    path = tmp_path / "house.yaml"
    path.write_text("terms:" + page.split("```\nterms:")[1].split("```")[0], encoding="utf-8")
    assert set(read_house_rules(path).style.model_dump()) == set(StyleRules.model_fields)
    assert None not in read_house_rules(path).style.model_dump().values()
