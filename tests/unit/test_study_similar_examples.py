"""Which training rows few-shot prompting shows: by similarity, never the row itself, never rows with tools."""

import pytest
from study_parts import row, said

from tunewright.records import Conversation, Example, Message, PlainText, Provenance
from tunewright.study.similar_examples import ExamplePool


def questions(pool: ExamplePool, question: str, k: int) -> list[str]:
    (found,) = pool.nearest([[said("user", question)]], k)
    return [turns[0].content for turns in found]


def test_the_order_is_that_of_scikit_learns_tf_idf() -> None:
    feature_extraction = pytest.importorskip("sklearn.feature_extraction.text")
    texts = ["the red fox", "the blue whale whale", "a red red apple", "the whale and the fox", "nothing in common"]
    queries = ["red fox", "the whale", "apple whale fox", "red red red"]
    vectorizer = feature_extraction.TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True)
    similarities = vectorizer.fit_transform(texts)
    pool = ExamplePool([row(text, "x") for text in texts])
    for query in queries:
        values = (vectorizer.transform([query]) @ similarities.T).toarray()[0]
        expected = [texts[i] for i in sorted(range(len(texts)), key=lambda i: (-round(values[i], 12), i))]
        assert questions(pool, query, len(texts)) == expected, query


def test_a_row_with_the_same_input_is_left_out_and_k_is_kept() -> None:
    pool = ExamplePool([row("red fox", "a"), row("red apple", "b"), row("red", "c")])
    assert questions(pool, "red fox", 2) == ["red", "red apple"]


def test_repeated_inputs_are_one_example_with_the_first_answer() -> None:
    pool = ExamplePool([row("q", "first"), row("q", "second"), row("r", "third")])
    assert len(pool) == 2
    (found,) = pool.nearest([[said("user", "q r")]], 5)
    assert {turns[-1].content for turns in found} == {"first", "third"}


def test_rows_without_a_common_word_come_in_the_order_of_the_rows() -> None:
    pool = ExamplePool([row("b", "1"), row("a", "2"), row("c", "3")])
    assert questions(pool, "zzz", 2) == ["b", "a"]


def test_system_messages_and_rows_with_tools_are_left_out() -> None:
    provenance = Provenance(source="rows.jsonl", row=1)
    own_system = (said("system", "S"), said("user", "q"), said("assistant", "a"))
    declared = (Message(role="user", content="t", tools="[{}]"), said("assistant", "b"))
    rows = [Example(body=Conversation(messages=messages), provenance=provenance) for messages in (own_system, declared)]
    pool = ExamplePool([*rows, Example(body=PlainText(text="plain"), provenance=provenance)])
    assert pool.nearest([[said("user", "x")]], 9) == [[(said("user", "q"), said("assistant", "a"))]]


def test_an_empty_pool_finds_nothing() -> None:
    assert ExamplePool([]).nearest([[said("user", "x")], [said("user", "y")]], 2) == [[], []]


def test_the_identity_is_that_of_the_rows_in_their_order() -> None:
    rows = [row("a", "1"), row("b", "2")]
    assert ExamplePool(rows).identity == ExamplePool(rows).identity
    assert ExamplePool(rows).identity != ExamplePool(rows[::-1]).identity
