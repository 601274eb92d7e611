"""Marks of citations are not compared, and nothing that a right answer holds is taken for one."""

import pytest

from tunewright.study.citing import scored_text_of, without_citations

FENCED = "```python\ndef f(xs):\n    seen = [0]; return xs[0] + seen[0]\n```"


@pytest.mark.parametrize(
    ("answer", "compared"),
    [
        ("Two euros [1], at once [1, 2].", "Two euros, at once."),
        ("[3] First.", " First."),
        ("an array[12345]", "an array[12345]"),
        ('{"pages": [1]}', '{"pages": [1]}'),
        ("[1]", "[1]"),
        (f"{FENCED}\nIt takes the first [2].", f"{FENCED}\nIt takes the first."),
        ("```python\nreturn xs[0]", "```python\nreturn xs[0]"),
        ("Use `xs[0]` [1].", "Use `xs[0]`."),
        ("def f(xs):\n    return xs[0]", "def f(xs):\n    return xs[0]"),
        ("SELECT a FROM t WHERE b = 2 [1]", "SELECT a FROM t WHERE b = 2"),
    ],
)
def test_marks_of_citations_are_taken_out_but_not_out_of_json_or_code(answer: str, compared: str) -> None:
    assert without_citations(answer, ["a reference"]) == compared


@pytest.mark.parametrize(
    "reference",
    [
        "A transfer costs 2 euros [1].",
        FENCED,
        "x = [0]\nprint(x[0])",
        '```json\n{"ids": [1, 2]}\n```',
        "SELECT tags[1] FROM t",
    ],
)
def test_a_reference_is_compared_as_it_is(reference: str) -> None:
    assert without_citations(reference, ["another reference", reference]) == reference


def test_who_was_shown_no_passages_is_compared_by_all_of_the_answer() -> None:
    for num_passages in (None, 0):
        assert scored_text_of(num_passages)("Two euros [1].", ["Two euros."]) == "Two euros [1]."
    assert scored_text_of(3)("Two euros [1].", ["Two euros."]) == "Two euros."


@pytest.mark.parametrize("num_passages", [None, 3])
def test_thoughts_before_an_answer_are_not_compared(num_passages: int | None) -> None:
    compared = scored_text_of(num_passages)
    assert compared("Passage [1] says it.\n</think>\n\nTwo euros.", ["Two euros."]) == "Two euros."
    assert compared('<think>\n</think>\n{"due": [1]}', ['{"due": [1]}']) == '{"due": [1]}'
