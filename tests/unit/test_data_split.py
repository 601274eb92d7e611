"""Splits that cannot leak: groups, time, labels, and the frozen test split."""

import string
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from split_rows import Row, question, questions, row, split_of, write_jsonl

from tunewright.data import FrozenTest, PreparedData, prepare
from tunewright.data.checks.run import CHECKS
from tunewright.errors import DataError, RecipeError
from tunewright.records import CheckRecipe, DataRecipe, Split

GROUPING = {"near_duplicates", "contradictions"}
ONLY_GROUPING = CheckRecipe(
    accept=("contradictions",), skip=tuple(check.id for check in CHECKS if check.id not in GROUPING)
)
"""The checks that decide about splits; the others would cost seconds and change nothing here."""


def prepare_rows(folder: Path, rows: Sequence[Row], frozen: FrozenTest | None = None, **more: Any) -> PreparedData:
    recipe = DataRecipe(path=str(write_jsonl(folder / "rows.jsonl", rows)), **{"checks": ONLY_GROUPING, **more})
    return prepare(recipe, frozen_test=frozen)


def frozen_test(data: PreparedData) -> FrozenTest:
    return FrozenTest("tickets@1", data.rows(Split.TEST))


def groups_in(data: PreparedData, split: Split) -> set[str | None]:
    return {example.provenance.group for example in data.rows(split)}


def customers(num_rows: int, num_customers: int) -> list[Row]:
    return [row(number, customer=f"c{number % num_customers}") for number in range(num_rows)]


def test_rows_of_one_group_share_a_split(tmp_path: Path) -> None:
    data = prepare_rows(tmp_path, customers(300, 40), group_column="customer")
    found = [groups_in(data, split) for split in Split]
    assert sum(len(groups) for groups in found) == len(set().union(*found)) == 40
    assert data.notes == ("Rows with the same customer share a split.",)


def test_the_group_of_a_row_is_no_part_of_its_identity(tmp_path: Path) -> None:
    plain = prepare_rows(tmp_path, customers(100, 100))
    grouped = prepare_rows(tmp_path, customers(100, 50), group_column="customer")
    assert set(grouped.examples) == set(plain.examples)
    assert all("customer" not in warning for warning in grouped.version.sources[0].warnings)


def test_a_group_keeps_its_split_when_rows_join_it(tmp_path: Path) -> None:
    before = prepare_rows(tmp_path, customers(300, 60), group_column="customer")
    joined = [row(number, customer="c1") for number in range(300, 303)]
    after = prepare_rows(tmp_path, [*customers(300, 60), *joined], group_column="customer")
    moved = [asked for asked, split in split_of(before).items() if split_of(after)[asked] is not split]
    assert len(moved) <= 10


def test_groups_and_equal_inputs_and_near_duplicates_are_joined(tmp_path: Path) -> None:
    """Two customers who ask the same thing are one unit, whatever else they ask."""
    rows = [
        *(row(number, customer=f"c{number // 3}") for number in range(120)),
        row(500, "yes", customer="c0"),
        row(500, "no", customer="c7"),
    ]
    data = prepare_rows(tmp_path, rows, group_column="customer")
    found = split_of(data)
    assert found["question 0"] is found["question 500"] is found["question 21"]


def test_rows_of_a_group_in_a_test_file_are_taken_out_of_training(tmp_path: Path) -> None:
    test = write_jsonl(tmp_path / "test.jsonl", [row(1000, customer="c3")])
    data = prepare_rows(tmp_path, customers(100, 20), group_column="customer", test_path=str(test))
    (change,) = {(change.action, change.cause) for change in data.version.changes}
    assert change == ("moved", "held-out rows")
    assert data.version.changes[0].reason == f"same customer as {test}:1, which is test data"
    assert len(data.version.changes) == 5
    assert not groups_in(data, Split.TEST) & (groups_in(data, Split.TRAIN) | groups_in(data, Split.VALIDATION))


@pytest.mark.parametrize("answers", [("yes", "no"), ()])
@pytest.mark.parametrize("seed", range(4))
def test_groups_beside_a_giant_fill_both_held_out_splits(tmp_path: Path, seed: int, answers: Sequence[str]) -> None:
    names = ["acme"] * 240 + ["bolt"] * 40 + ["cord"] * 20
    rows = [
        row(number, answers[number % 2] if answers else "", customer=customer) for number, customer in enumerate(names)
    ]
    data = prepare_rows(tmp_path, rows, group_column="customer", split_seed=seed)
    assert groups_in(data, Split.TRAIN) == {"acme"}
    assert groups_in(data, Split.TEST) | groups_in(data, Split.VALIDATION) == {"bolt", "cord"}


@pytest.mark.parametrize("seed", range(4))
def test_groups_too_few_for_the_splits_are_refused_with_their_sizes(tmp_path: Path, seed: int) -> None:
    rows = [row(number, customer="acme" if number < 160 else "bolt") for number in range(200)]
    message = r"which leave 0 for training; rows by customer: acme 160, bolt 40, expected at least 50 rows"
    with pytest.raises(DataError, match=message):
        prepare_rows(tmp_path, rows, group_column="customer", split_seed=seed)


def test_rows_without_a_group_stand_alone_and_are_counted(tmp_path: Path) -> None:
    rows = [*customers(60, 20), *(row(number, customer=None) for number in range(100, 130)), row(200)]
    data = prepare_rows(tmp_path, rows, group_column="customer")
    assert data.notes == ("Rows with the same customer share a split. 31 rows have no customer and stand alone.",)
    assert len({split for asked, split in split_of(data).items() if int(asked.split()[1]) >= 100}) > 1


def chat(*turns: tuple[str, str], weight: int = 1) -> Row:
    messages = []
    for asked, answer in turns:
        messages += [{"role": "user", "content": asked}, {"role": "assistant", "content": answer, "weight": weight}]
    messages[-1]["weight"] = 1
    return {"messages": messages}


def chat_turns(number: int) -> tuple[tuple[str, str], tuple[str, str]]:
    return (sentence(number), f"answer {number}"), (sentence(number + 300), f"second answer {number}")


def test_what_an_earlier_turn_of_a_chat_answers_is_asked_in_no_other_split(tmp_path: Path) -> None:
    rows = [chat(*chat_turns(number)[:end]) for number in range(100) for end in (1, 2)]
    data = prepare_rows(tmp_path, rows)
    answered = {earlier for each in data.rows(Split.TRAIN) for earlier in each.earlier_input_ids}
    asked = {each.input_id for split in (Split.TEST, Split.VALIDATION) for each in data.rows(split)}
    assert answered
    assert not answered & asked
    assert [len(data.rows(split)) for split in (Split.TEST, Split.VALIDATION)] == [20, 20]


def test_chats_that_only_begin_alike_are_no_unit(tmp_path: Path) -> None:
    rows = [chat(("Hi", "Hello."), chat_turns(number)[0]) for number in range(100)]
    data = prepare_rows(tmp_path, rows)
    assert [len(data.rows(split)) for split in (Split.TEST, Split.VALIDATION)] == [20, 20]


@pytest.mark.parametrize("seed", range(8))
def test_chats_that_one_short_row_ties_into_one_unit_fill_no_test_split(tmp_path: Path, seed: int) -> None:
    rows = [chat(("Hi", "Hello."), chat_turns(number)[0]) for number in range(200)]
    rows += [chat(("Hi", "Hello."))] + [chat(chat_turns(number)[0]) for number in range(200, 300)]
    data = prepare_rows(tmp_path, rows, split_seed=seed)
    assert [len(data.rows(split)) for split in (Split.TEST, Split.VALIDATION)] == [30, 30]


def test_a_chat_whose_earlier_turn_is_asked_in_a_test_file_is_taken_out(tmp_path: Path) -> None:
    rows = [chat(*chat_turns(number)) for number in range(60)]
    rows += [chat(*chat_turns(70), weight=0), chat(chat_turns(71)[0])]
    tested = [chat(chat_turns(3)[0]), chat(chat_turns(70)[0]), chat(*chat_turns(71))]
    test = write_jsonl(tmp_path / "test.jsonl", tested)
    data = prepare_rows(tmp_path, rows, test_path=str(test))
    assert [change.reason for change in data.version.changes] == [
        f"same input, in an earlier turn, as {test}:1, which is test data",
        f"same input as an earlier turn of {test}:3, which is test data",
    ]
    result = next(result for result in data.results if result.check == "shared_inputs")
    assert [finding.explanation.partition(" has the ")[2] for finding in result.findings] == [
        f"same input, in an earlier turn, as {test}:1, which is test data.",
        f"same input as an earlier turn of {test}:3, which is test data.",
    ]


def test_inputs_that_differ_in_white_space_or_case_share_a_split(tmp_path: Path) -> None:
    rows = [row(number) for number in range(100)]
    others = [row(number, "another", prompt=f" Question\t{number}\n") for number in range(100)]
    no_checks = CheckRecipe(skip=tuple(check.id for check in CHECKS))
    found = split_of(prepare_rows(tmp_path, [*rows, *others], checks=no_checks))
    assert all(found[f"question {number}"] is found[f" Question\t{number}\n"] for number in range(100))


def test_a_loosely_equal_input_of_a_test_file_is_taken_out_and_named(tmp_path: Path) -> None:
    forms = [f"{sentence(1)} ", sentence(2).upper(), sentence(3), sentence(4).replace("w", "\uff57")]
    rows = [row(number, prompt=sentence(number)) for number in range(60)]
    test = write_jsonl(tmp_path / "test.jsonl", [row(n, prompt=form) for n, form in enumerate(forms, start=1)])
    skip = tuple(check.id for check in CHECKS if check.id not in GROUPING | {"leakage"})
    data = prepare_rows(tmp_path, rows, test_path=str(test), checks=CheckRecipe(skip=skip))
    loosely = "same input, but for white space or case, as"
    assert [change.reason for change in data.version.changes] == [
        f"{loosely} {test}:1, which is test data",
        f"{loosely} {test}:2, which is test data",
        f"same row as {test}:3, which is test data",
        f"{loosely} {test}:4, which is test data",
    ]
    result = next(result for result in data.results if result.check == "shared_inputs")
    assert result.num_rows == 3


def test_the_identity_of_a_row_keeps_white_space_and_case(tmp_path: Path) -> None:
    rows = [*(row(number) for number in range(60)), row(0, "another", prompt="Question 0")]
    data = prepare_rows(tmp_path, rows)
    assert len(data.examples) == 61
    assert len({example.loose_input_id for example in data.examples.values()}) == 60


def write_documents(folder: Path, num_documents: int) -> str:
    """Documents of three passages each, no two alike."""
    folder.mkdir()
    for number in range(num_documents):
        paragraphs = [f"{letter}{number} " * 400 for letter in "xyz"]
        (folder / f"{number}.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    return str(folder)


def test_passages_of_one_document_share_a_split(tmp_path: Path) -> None:
    data = prepare(DataRecipe(path=write_documents(tmp_path / "docs", 40), checks=ONLY_GROUPING))
    found = [groups_in(data, split) for split in Split]
    assert sum(len(groups) for groups in found) == len(set().union(*found)) == 40
    assert [len(data.rows(split)) for split in (Split.TEST, Split.VALIDATION)] == [21, 21]
    assert data.notes == ("Passages of one document share a split.",)


def test_the_split_of_a_document_does_not_depend_on_how_its_folder_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = prepare(DataRecipe(path=write_documents(tmp_path / "docs", 40), checks=ONLY_GROUPING))
    monkeypatch.chdir(tmp_path)
    assert prepare(DataRecipe(path="docs", checks=ONLY_GROUPING)).version.id == here.version.id


def test_passages_of_a_test_folder_take_their_document_out_of_training(tmp_path: Path) -> None:
    path = write_documents(tmp_path / "docs", 40)
    held_out = write_documents(tmp_path / "held-out", 10)
    for file in Path(held_out).iterdir():  # the same ten documents, with another first passage
        file.write_text(file.read_text().replace(f"x{file.stem} ", f"new{file.stem} "))
    data = prepare(DataRecipe(path=path, test_path=held_out, checks=ONLY_GROUPING))
    assert len(data.rows(Split.TEST)) == 30
    moved = [change for change in data.version.changes if change.reason.startswith("same document as ")]
    assert [Path(change.location).name for change in moved] == [f"{number}.txt:1" for number in range(10)]


def test_few_documents_are_split_by_passage_and_this_is_said(tmp_path: Path) -> None:
    folder = write_documents(tmp_path / "docs", 9)
    paragraphs = [f"p{number} " * 500 for number in range(40)]
    (tmp_path / "docs" / "0.txt").write_text("\n\n".join(paragraphs), encoding="utf-8")
    data = prepare(DataRecipe(path=folder, checks=ONLY_GROUPING))
    assert set().union(*(groups_in(data, split) for split in Split)) == {None}
    assert data.version.sources[0].warnings == (
        "fewer than 10 documents: passages of one document may lie in several splits",
    )
    assert data.notes == ()


def test_documents_too_few_to_split_as_a_whole_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"equal inputs and rows with one document share a split"):
        prepare(DataRecipe(path=write_documents(tmp_path / "docs", 14), checks=ONLY_GROUPING))


@pytest.mark.parametrize("setting", ["group_column", "time_column"])
def test_a_column_that_no_row_has_is_refused_with_the_closest(tmp_path: Path, setting: str) -> None:
    with pytest.raises(DataError, match=r"rows\.jsonl: found no column 'custmer'.*Did you mean customer\?"):
        prepare_rows(tmp_path, customers(60, 20), **{setting: "custmer"})


def test_a_group_that_is_no_value_is_refused_by_row(tmp_path: Path) -> None:
    rows = [*customers(60, 20), row(99, customer=["c1"])]
    with pytest.raises(DataError, match=r"rows\.jsonl:61 customer: found a list, expected a text, a number or a time"):
        prepare_rows(tmp_path, rows, group_column="customer")


@pytest.mark.parametrize(
    "time",
    [
        lambda number: number,
        lambda number: f"2026-01-{number // 24 + 1:02}T{number % 24:02}:30:00Z",
        lambda number: f"{2000 + number}-06-30",
        lambda number: str(number / 2),
    ],
    ids=["numbers", "times", "dates", "numbers as text"],
)
def test_the_newest_rows_are_the_test_and_the_next_newest_the_validation_split(tmp_path: Path, time: Any) -> None:
    rows = [row(number, made=time(number)) for number in range(200)]
    data = prepare_rows(tmp_path, rows[::-1], time_column="made")
    assert questions(data, Split.TEST) == {f"question {number}" for number in range(180, 200)}
    assert questions(data, Split.VALIDATION) == {f"question {number}" for number in range(160, 180)}
    assert data.notes == ("The newest rows by made are held out: test, validation.",)


def test_times_with_and_without_a_zone_are_put_in_one_order(tmp_path: Path) -> None:
    rows = [row(number, made=f"2026-01-01T00:{number // 2:02}:00") for number in range(100)]
    rows += [row(100, made="2026-01-01T02:30:00+02:00"), row(101, made="2026-01-01")]
    data = prepare_rows(tmp_path, rows, time_column="made")
    found = split_of(data)
    assert found["question 100"] is not Split.TRAIN  # 00:30 in UTC, of 00:00 to 00:49
    assert found["question 101"] is Split.TRAIN


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (None, r"rows\.jsonl:61 made: found nothing, expected a number\. Correct the row, or remove data\.time_column"),
        ("yesterday", r"rows\.jsonl:61 made: found 'yesterday', expected a number"),
        ("2026-01-01", r"rows\.jsonl:61 made: found '2026-01-01', expected a number, as in the rows before"),
        ("inf", r"rows\.jsonl:61 made: found 'inf', expected a number"),
    ],
)
def test_a_time_that_cannot_be_read_is_refused_by_file_and_row(tmp_path: Path, made: str | None, message: str) -> None:
    rows = [*(row(number, made=number) for number in range(60)), row(99, made=made)]
    with pytest.raises(DataError, match=message):
        prepare_rows(tmp_path, rows, time_column="made")


def labelled(num_rows: int) -> list[Row]:
    """70 % yes, 20 % no, 10 % unsure, sorted by label."""
    return [
        row(number, "yes" if number < 0.7 * num_rows else "no" if number < 0.9 * num_rows else "unsure")
        for number in range(num_rows)
    ]


def shares(data: PreparedData, split: Split) -> dict[str, int]:
    return dict(Counter(example.body.answer for example in data.rows(split)))  # type: ignore[union-attr]


def test_each_split_has_the_same_share_of_every_label_by_default(tmp_path: Path) -> None:
    data = prepare_rows(tmp_path, labelled(500))
    assert shares(data, Split.TEST) == shares(data, Split.VALIDATION) == {"yes": 35, "no": 10, "unsure": 5}
    assert data.notes == ("The answers are labels: each split has the same share of every label, in whole rows.",)


def test_rare_labels_are_held_out_in_turn_and_it_is_said_how_many_are_not(tmp_path: Path) -> None:
    data = prepare_rows(tmp_path, [row(number, f"label {number % 50:02d}") for number in range(250)])
    tested, validated = set(shares(data, Split.TEST)), set(shares(data, Split.VALIDATION))
    assert (len(tested), len(validated), len(tested | validated)) == (25, 25, 50)
    assert data.notes[1:] == (
        "25 of 50 labels are too rare for a test row.",
        "25 of 50 labels are too rare for a validation row.",
    )


@pytest.mark.parametrize("seed", range(6))
def test_one_large_group_becomes_no_held_out_split_of_labels(tmp_path: Path, seed: int) -> None:
    rows = [{**row, "customer": f"c{number // 3}"} for number, row in enumerate(labelled(600))]
    rows[300:] = [{**row, "customer": "Acme"} for row in rows[300:]]
    data = prepare_rows(tmp_path, rows, group_column="customer", split_seed=seed)
    assert all(60 <= len(data.rows(split)) <= 63 for split in (Split.VALIDATION, Split.TEST))
    assert "Acme" in groups_in(data, Split.TRAIN)


def test_labels_can_be_left_to_chance(tmp_path: Path) -> None:
    data = prepare_rows(tmp_path, labelled(500), stratify=False)
    assert data.notes == ()
    assert len(data.rows(Split.TEST)) == 50


def test_free_text_is_not_stratified_and_asking_for_it_is_an_error(tmp_path: Path) -> None:
    rows = [row(number) for number in range(60)]
    assert prepare_rows(tmp_path, rows).notes == ()
    with pytest.raises(RecipeError, match=r"data\.stratify: found true, expected answers that are labels"):
        prepare_rows(tmp_path, rows, stratify=True)


def test_settings_that_have_no_effect_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"data\.stratify: found true, beside data\.time_column"):
        prepare_rows(tmp_path, labelled(100), stratify=True, time_column="made")
    files = {name: str(write_jsonl(tmp_path / name, [row(900)])) for name in ("test_path", "validation_path")}
    with pytest.raises(RecipeError, match=r"data\.time_column: found 'made', expected no such setting"):
        prepare_rows(tmp_path, labelled(100), time_column="made", **files)


def test_a_stratified_row_that_is_added_moves_few_others(tmp_path: Path) -> None:
    before = split_of(prepare_rows(tmp_path, labelled(400)))
    after = split_of(prepare_rows(tmp_path, [*labelled(400), row(999, "unsure")]))
    assert sum(after[asked] is not split for asked, split in before.items()) <= 6


def test_a_frozen_test_split_keeps_its_rows_and_gets_no_others(tmp_path: Path) -> None:
    rows = [row(number) for number in range(300)]
    first = prepare_rows(tmp_path, rows)
    later = prepare_rows(tmp_path, [*(row(number) for number in range(1000, 1400)), *rows], frozen_test(first))
    assert questions(later, Split.TEST) == questions(first, Split.TEST)
    assert len(later.rows(Split.VALIDATION)) == 70
    (note,) = later.notes
    assert "that of tickets@1" in note
    assert "30 of 30 rows are the same" in note


def test_the_same_rows_give_the_same_version_with_and_without_a_frozen_test_split(tmp_path: Path) -> None:
    for rows, more in (
        ([row(number) for number in range(437)], {}),
        *((labelled(num_rows), {}) for num_rows in (215, 222, 251)),
        (customers(437, 50), {"group_column": "customer"}),
        ([row(number, made=number) for number in range(437)], {"time_column": "made"}),
    ):
        first = prepare_rows(tmp_path, rows, **more)
        assert prepare_rows(tmp_path, rows, frozen_test(first), **more).version.id == first.version.id


def test_a_row_nearly_the_same_as_a_frozen_test_row_never_enters_training(tmp_path: Path) -> None:
    rows = [row(number, sentence(number + 300), prompt=sentence(number)) for number in range(100)]
    first = prepare_rows(tmp_path, rows)
    tested = sorted(questions(first, Split.TEST))
    # A longer answer would be the one to keep, if the other row were not frozen.
    near = [{"prompt": f"{asked} please", "completion": f"{first_answer(first, asked)} indeed"} for asked in tested[:5]]
    near += [{"prompt": f"{asked} please", "completion": first_answer(first, asked)} for asked in tested[5:10]]
    later = prepare_rows(tmp_path, [*near, *rows], frozen_test(first))
    assert questions(later, Split.TEST) == set(tested)
    assert not {str(each["prompt"]) for each in near} & set(split_of(later))


def sentence(number: int) -> str:
    """Words that occur in no other sentence, without a digit: rows that differ in a number are not alike."""
    letters = string.ascii_lowercase
    return " ".join(f"w{letters[number // 26]}{letters[number % 26]}{letters[place]}" for place in range(26))


def first_answer(data: PreparedData, asked: str) -> str:
    return next(example.body.answer for example in data.examples.values() if question(example) == asked)  # type: ignore[union-attr]


def test_another_answer_to_a_frozen_question_stays_out_and_a_corrected_one_takes_its_place(tmp_path: Path) -> None:
    rows = [row(number) for number in range(100)]
    first = prepare_rows(tmp_path, rows)
    asked, corrected, gone = (int(each.split()[1]) for each in sorted(questions(first, Split.TEST))[:3])
    changed = [row(number, "right now" if number == corrected else "") for number in range(100) if number != gone]
    later = prepare_rows(tmp_path, [*changed, row(asked, "another")], frozen_test(first))
    answers = {question(example): example.body.answer for example in later.rows(Split.TEST)}  # type: ignore[union-attr]
    assert answers[f"question {asked}"] == f"answer {asked}"
    assert answers[f"question {corrected}"] == "right now"
    assert len(answers) == 19
    assert [change.reason.partition(",")[0] for change in later.version.changes] == ["same input"]
    assert "18 of 20 rows are the same, 1 have a corrected answer, 1 inputs are no longer" in later.notes[0]


def test_a_frozen_test_split_that_is_lost_is_refused(tmp_path: Path) -> None:
    first = prepare_rows(tmp_path, [row(number) for number in range(60)])
    with pytest.raises(DataError, match=r"test split of tickets@1: found none of its 20 rows.*add --new-test"):
        prepare_rows(tmp_path, [row(number) for number in range(100, 160)], frozen_test(first))


def test_a_test_file_with_rows_that_were_not_frozen_is_refused(tmp_path: Path) -> None:
    rows = [row(number) for number in range(60)]
    test = write_jsonl(tmp_path / "test.jsonl", [row(number) for number in range(100, 105)])
    first = prepare_rows(tmp_path, rows, test_path=str(test))
    assert prepare_rows(tmp_path, rows, frozen_test(first), test_path=str(test)).version.id == first.version.id
    write_jsonl(test, [row(number) for number in range(100, 107)])
    with pytest.raises(DataError, match=r"test\.jsonl: found 2 rows that are not in the test split of tickets@1, such"):
        prepare_rows(tmp_path, rows, frozen_test(first), test_path=str(test))


GENERATED = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(("yes", "no", "maybe")), st.sampled_from("abcdefghijklmnop")),
    min_size=90,
    max_size=140,
)


@given(GENERATED, GENERATED)
@settings(max_examples=15, deadline=None)
def test_whatever_the_rows_nothing_is_shared_and_no_test_row_moves(
    some: list[tuple[int, str, str]], more: list[tuple[int, str, str]]
) -> None:
    def rows_of(generated: list[tuple[int, str, str]], start: int) -> list[Row]:
        return [
            row(start + number, answer, customer=f"{customer}{number // 4}{start}")
            for number, answer, customer in generated
        ]

    with TemporaryDirectory() as folder:
        common: dict[str, Any] = {"group_column": "customer"}
        first_rows = [*rows_of(some, 0), *(row(number, "yes", customer=f"z{number}") for number in range(500, 580))]
        first = prepare_rows(Path(folder), first_rows, **common)
        later = prepare_rows(Path(folder), [*rows_of(more, 1000), *first_rows], frozen_test(first), **common)
    for data in (first, later):
        ids = [{example.id for example in data.rows(split)} for split in Split]
        inputs = [{example.input_id for example in data.rows(split)} for split in Split]
        groups = [groups_in(data, split) for split in Split]
        for parts in (ids, inputs, groups):
            assert sum(len(part) for part in parts) == len(set().union(*parts))  # type: ignore[arg-type]
    assert {example.id for example in later.rows(Split.TEST)} == {example.id for example in first.rows(Split.TEST)}
