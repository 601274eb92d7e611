"""Placeholders: what nobody filled in, and the code and the formulas that only look like it."""

import pytest
from check_rows import chat_rows

from tunewright.data.checks.placeholders import UNFILLED_PLACEHOLDERS
from tunewright.records import CheckRecipe, Finding


def find(given: str, answer: str = "Yes.") -> list[Finding]:
    return [
        found
        for found in UNFILLED_PLACEHOLDERS.find(chat_rows([(given, answer)]), CheckRecipe())
        if isinstance(found, Finding)
    ]


@pytest.mark.parametrize(
    ("answer", "placeholder", "what"),
    [
        ("Hello! I am {{name}}, made by {{author}}.", "{{name}}", "a variable of a template"),
        ("Dear {{ customer.first_name }},", "{{ customer.first_name }}", "a variable of a template"),
        ("我是 {{name}}。", "{{name}}", "a variable of a template"),
        ("<image>Who is he?", "<image>", "the place of something"),
        ("What is said here?\n<audio>", "<audio>", "the place of something"),
    ],
)
def test_what_was_never_filled_in_is_found_and_named(answer: str, placeholder: str, what: str) -> None:
    for found in (find("Who?", answer), find(answer)):
        (finding,) = found
        assert finding.explanation.startswith(f"The text contains {placeholder}, {what}")
        assert placeholder in finding.evidence[0]
        assert finding.drop == ()


@pytest.mark.parametrize(
    "answer",
    [
        "Write `{{ name }}` where the name goes.",
        "```jinja\nHello {{ name }}\n```",
        "```\nHello {{ name }}",
        "<Text style={{ fontWeight: 'bold' }}>",
        "image: ghcr.io/${{ github.repository }}",
        r"\mathbf{{x}} and a^{{n}} and \frac{{a}}{{b}}",
        "Each word in double curly braces ( '{{ ... }}' ).",
        "A set of sets is {{1}, {2}}, and {{}} holds the empty set.",
        "The <video> tag shows a film, the <img> tag an image.",
        "If 1 < 2 then <image> is no tag.",
    ],
)
def test_code_and_formulas_are_left_alone(answer: str) -> None:
    assert find("How?", answer) == []
