"""What a judge is asked, how its replies are read, and what wins, ties and losses say."""

from dataclasses import replace

import pytest
from scipy.stats import binomtest
from study_parts import row

from tunewright.evaluate import TestItem as Item
from tunewright.evaluate import test_items as items_of
from tunewright.evaluate.house import HouseRules, StyleRules, Term
from tunewright.evaluate.preference import (
    MAX_REFERENCES,
    Preference,
    compare_preferences,
    derive_question,
    prefer,
    preference_prompts,
    read_reply,
)
from tunewright.evaluate.statistics import sign_test_p_value
from tunewright.records import (
    Answer,
    Conversation,
    EvaluateRecipe,
    Example,
    JudgeComparison,
    Message,
    Provenance,
    ToolCall,
    Verdict,
    format_judge,
)

RECIPE = EvaluateRecipe(num_resamples=400)


def reply(text: str) -> Answer:
    return Answer(text=text, finish="stop")


FAILED = Answer(text=None, finish="failed", reason="HTTP 500")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Verdict: A", "A"),
        ("verdict: b.", "B"),
        ("**Verdict:** **B**", "B"),
        ("Verdict: [[A]]", "A"),
        ('{"verdict": "tie"}', "tie"),
        ("Verdict: Answer B", "B"),
        ("A", "A"),
        ("**b**", "B"),
        ("Tie.", "tie"),
        ("a tie", "tie"),
        ("Verdict: a tie", "tie"),
        ("A says more, B is right.\n\nVerdict: B\n", "B"),
        ("<think>Verdict: A, or rather not.\nVerdict: A</think>\nVerdict: B", "B"),
        ("Verdict: A, or rather not.\nVerdict: A\n</think>\n\n**B**", "B"),
        ("Verdict: A\nVerdict: A", "A"),
        ("Verdict: A\nVerdict: B", None),
        ("Verdict: A or B", None),
        ("Verdict: a better answer is B", None),
        ("A is better", None),
        ("Both are fine.", None),
        ("C", None),
        ("", None),
    ],
)
def test_a_reply_is_read_strictly_in_meaning_and_loosely_in_dress(text: str, found: str | None) -> None:
    assert read_reply(text) == found


@pytest.fixture
def item() -> Item:
    (found,) = items_of([row("What is due?", answer, number) for number, answer in enumerate("wxyz", 1)], None)
    return found


def test_the_two_questions_differ_in_the_order_of_the_answers_alone(item: Item) -> None:
    first, swapped = preference_prompts("It is brief.", item, "the one", "the other")
    assert "<answer_a>\nthe one\n</answer_a>\n\n<answer_b>\nthe other\n</answer_b>" in first.content
    assert "<answer_a>\nthe other\n</answer_a>\n\n<answer_b>\nthe one\n</answer_b>" in swapped.content
    exchanged = first.content.replace("the one", "#").replace("the other", "the one").replace("#", "the other")
    assert exchanged == swapped.content
    assert "better: It is brief." in first.content
    assert "<input>\nuser: What is due?\n</input>" in first.content
    assert first.content.count("<reference>") == MAX_REFERENCES < 4


def test_calls_of_the_conversation_are_shown() -> None:
    call = ToolCall(id="1", name="weather", arguments='{"city": "Oslo"}')
    messages = (
        Message(role="user", content="Is it cold?"),
        Message(role="assistant", content="", tool_calls=(call,), weight=0),
        Message(role="tool", content="-3", tool_call_id="1"),
        Message(role="assistant", content="It is."),
    )
    example = Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=1))
    (item,) = items_of([example], None)
    first, _ = preference_prompts("It is right.", item, "Yes", "No")
    shown = 'user: Is it cold?\n\nassistant: \n[{"arguments":{"city":"Oslo"},"name":"weather"}]\n\ntool: -3'
    assert shown in first.content


def test_several_calls_are_shown_in_the_order_of_their_results() -> None:
    calls = tuple(ToolCall(id=city, name="weather", arguments=f'{{"city": "{city}"}}') for city in ("Rome", "Oslo"))
    results = (
        Message(role="tool", content=content, tool_call_id=id_) for content, id_ in (("20", "Rome"), ("3", "Oslo"))
    )
    messages = (
        Message(role="user", content="Where is it cold?"),
        Message(role="assistant", content="", tool_calls=calls, weight=0),
        *results,
        Message(role="assistant", content="In Oslo."),
    )
    example = Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=1))
    (item,) = items_of([example], None)
    first, _ = preference_prompts("It is right.", item, "Oslo", "Rome")
    assert first.content.index('"Rome"') < first.content.index('"Oslo"') < first.content.index("tool: 20")


@pytest.mark.parametrize(
    ("first", "swapped", "value", "is_agreed"),
    [
        ("A", "B", 1.0, True),
        ("B", "A", 0.0, True),
        ("tie", "tie", 0.5, True),
        ("A", "A", 0.5, False),
        ("B", "B", 0.5, False),
        ("A", "tie", 0.5, False),
        ("tie", "A", 0.5, False),
        ("A", "nonsense", None, None),
        ("nonsense", "tie", None, None),
    ],
)
def test_only_orders_that_agree_decide(first: str, swapped: str, value: float | None, is_agreed: bool | None) -> None:
    found = prefer("row", reply(first), reply(swapped))
    assert (found.value, found.is_agreed) == (value, is_agreed)
    assert (found.reason is None) == (value is not None)


def test_a_failed_reply_gives_its_reason() -> None:
    assert prefer("row", reply("A"), FAILED) == Preference("row", None, None, ("A",), "HTTP 500", is_failed=True)


def compared(*groups: tuple[int, Preference]) -> JudgeComparison:
    found = [each for number, each in groups for _ in range(number)]
    rows = [Preference(str(place), e.value, e.is_agreed, e.replies, e.reason) for place, e in enumerate(found)]
    return compare_preferences(rows, "large", "It is right.", ("tuned", "prompted"), RECIPE)


WIN = Preference("", 1.0, is_agreed=True, replies=("A", "B"))
LOSS = Preference("", 0.0, is_agreed=True, replies=("B", "A"))
TIE = Preference("", 0.5, is_agreed=True, replies=("tie", "tie"))
BIASED = Preference("", 0.5, is_agreed=False, replies=("A", "A"))
EQUAL = Preference("", 0.5)
UNSCORED = Preference("", None, replies=("A",), reason="HTTP 500")


def test_counts_rates_and_the_sign_test_by_hand() -> None:
    found = compared((9, WIN), (1, LOSS), (2, TIE), (4, BIASED), (4, EQUAL), (3, UNSCORED))
    counts = (found.num_wins, found.num_ties, found.num_losses, found.num_unscored, found.num_equal)
    assert counts == (9, 10, 1, 3, 4)
    assert found.num_scored == 20
    assert found.win_rate is not None
    assert found.win_rate.value == pytest.approx((9 + 5) / 20)
    assert (found.win_rate.num_rows, found.win_rate.num_unscored) == (20, 3)
    assert found.agreement is not None
    assert found.agreement.value == pytest.approx(12 / 16)
    assert found.agreement.num_rows == 16, "pairs that were asked"
    assert found.p_value == pytest.approx(2 * (1 + 10) / 2**10)  # none or one head of ten, and the mirror of it
    assert found.verdict is Verdict.BETTER
    # 9 + 1 of the decided pairs and 8 of the biased ones say A, and so do the unscored ones' readable replies.
    assert (found.num_first, found.num_second) == (10 + 8 + 3, 10)
    assert found.note == "Unscored, most often: HTTP 500."


def test_pairs_of_few_groups_are_not_judged_one_by_one() -> None:
    each = [WIN] * 15 + [LOSS] * 3
    rows = [replace(one, example_id=str(place), group=f"customer {place // 6}") for place, one in enumerate(each)]
    found = compare_preferences(rows, "large", "It is right.", ("tuned", "prompted"), RECIPE)
    assert found.win_rate is not None
    assert found.win_rate.num_groups == 3
    # Wins minus losses of the groups are 1, 1 and 0: t = (2/3) / (1/3) = 2 with 2 degrees of freedom, p = 0.18.
    assert found.p_value == pytest.approx(0.18, abs=0.03)
    assert found.verdict is Verdict.TOO_FEW_ROWS
    assert "bootstrap of groups p 0." in format_judge(found)


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (5, 0), (6, 0), (0, 6), (17, 9), (30, 12)])
def test_the_sign_test_is_that_of_scipy_and_decides_alone(wins: int, losses: int) -> None:
    found = compared((wins, WIN), (losses, LOSS), (2, TIE))
    expected = binomtest(wins, wins + losses, 0.5).pvalue if wins + losses else 1.0
    assert found.p_value == pytest.approx(expected)
    assert sign_test_p_value(wins, losses) == found.p_value
    certain = Verdict.BETTER if wins > losses else Verdict.WORSE
    assert found.verdict is (certain if expected < 0.05 else Verdict.TOO_FEW_ROWS)


def test_a_judge_that_always_names_the_first_has_shown_nothing() -> None:
    found = compared((20, BIASED))
    assert (found.num_ties, found.num_first, found.num_second, found.p_value) == (20, 40, 0, 1.0)
    assert found.agreement is not None
    assert (found.agreement.value, found.agreement.interval) == (0.0, "wilson")
    assert found.win_rate is not None
    assert found.win_rate.value == 0.5
    assert found.win_rate.low < 0.5 < found.win_rate.high, "twenty pairs do not show that every pair is a tie"


def test_without_a_scored_pair_there_is_no_figure() -> None:
    found = compared((5, UNSCORED))
    assert (found.win_rate, found.agreement, found.p_value, found.num_unscored) == (None, None, None, 5)
    assert found.verdict is Verdict.TOO_FEW_ROWS


@pytest.mark.parametrize(
    ("headline", "words"),
    [
        ("accuracy", "right label"),
        ("macro_f1", "right label"),
        ("json_fields", "valid JSON"),
        ("sql_result", "selects what was asked for"),
        ("final_number", "final number"),
        ("chrf", "right and complete"),
    ],
)
def test_the_question_follows_the_kind_of_answers(headline: str, words: str) -> None:
    question = derive_question(headline, None)
    assert words in question.text
    assert question.reason == f"answers are compared by {headline}"


def test_the_question_follows_the_rules_of_the_house_where_there_are_any() -> None:
    rules = HouseRules(
        terms=(Term(preferred="customer", forbidden=("client", "patron")), Term(preferred="parcel")),
        required=("Severity",),
        style=StyleRules(max_words=60),
    )
    question = derive_question("chrf", rules)
    listed = 'say "customer", not "client" or "patron"; say "parcel"; it holds "Severity"; max words: 60.'
    assert question.text.endswith(listed)
    assert question.reason == "evaluate.house"
