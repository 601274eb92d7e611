"""The system prompts that are put together from training rows."""

import json

from study_parts import row

from tunewright.study.instructions import assemble_instructions

TICKETS = [
    row(
        f"ticket {number}",
        json.dumps({"queue": ("billing", "delivery")[number % 2], "order": f"A-{number}", "version": 1}),
    )
    for number in range(8)
]


def test_labels_are_listed_once_each_as_they_are_written() -> None:
    rows = [row(f"q{number}", answer) for number, answer in enumerate(["Spam", "spam ", "ham", "Ham", "Spam"])]
    form, _ = assemble_instructions(rows, "accuracy")
    assert form.text == "Answer with exactly one of these labels and nothing else: Spam, ham."


def test_keys_of_json_are_listed_with_all_values_or_with_examples() -> None:
    form, _ = assemble_instructions(TICKETS, "json_fields")
    assert form.text.splitlines()[1:] == [
        '- "queue": one of "billing", "delivery"',
        '- "order": for example "A-0" or "A-1"',
        '- "version": always 1',
    ]
    assert "one JSON object" in form.text


def test_the_length_and_the_lines_of_free_text_are_stated() -> None:
    short = [row(f"q{number}", "one two three") for number in range(9)] + [row("last", "w " * 50)]
    form, _ = assemble_instructions(short, "chrf")
    assert form.text.startswith("Answer on one line, in about 3 words and rarely more than 3.")
    lines = [row(f"q{number}", "first\nsecond") for number in range(5)]
    assert assemble_instructions(lines, "chrf")[0].text.startswith("Answer on several lines")


def test_a_final_number_is_asked_for_after_its_mark() -> None:
    form, _ = assemble_instructions([row("2 + 2", "It is four. #### 4")], "final_number")
    assert "#### followed by the final number" in form.text


def test_the_second_candidate_adds_the_shortest_rows_with_different_answers() -> None:
    rows = [row("a long question", "yes"), row("short", "yes"), row("other", "no"), row("more", "maybe")]
    form, examples = assemble_instructions(rows, "accuracy")
    assert examples.text.startswith(form.text)
    assert examples.text.count("Input: ") == 3
    assert "Input: short\nAnswer: yes" in examples.text
    assert "a long question" not in examples.text


def test_rows_with_lists_or_broken_json_among_them_do_not_matter() -> None:
    form, _ = assemble_instructions([*TICKETS, row("x", "[1, 2]"), row("y", "{broken")], "json_fields")
    assert '"queue"' in form.text


def test_half_of_a_character_in_json_is_shown_as_its_escape() -> None:
    rows = [row(f"q{number}", f'{{"customer": "caf\\ud83d {number}", "city": "Orléans"}}') for number in range(4)]
    for instruction in assemble_instructions(rows, "json_fields"):
        assert instruction.text.encode()
        assert '- "customer": for example "caf\\ud83d 0" or "caf\\ud83d 1"' in instruction.text
        assert '- "city": always "Orléans"' in instruction.text


def test_an_integer_that_python_cannot_read_leaves_its_row_out() -> None:
    form, _ = assemble_instructions([*TICKETS, row("x", f'{{"order": 1{"0" * 5000}}}')], "json_fields")
    assert '- "order": for example "A-0" or "A-1"' in form.text
