"""Splits, duplicates and leaks: which row goes where, and that the version says why."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from public_files import public_file

from tunewright.data import PreparedData, drop_rows, prepare
from tunewright.data.checks import run
from tunewright.data.checks.check import Check, RowSet
from tunewright.errors import DataError, RecipeError
from tunewright.records import CheckRecipe, Conversation, DataRecipe, Example, Finding, Severity, Split

ACCEPT_CONTRADICTIONS = CheckRecipe(accept=("contradictions",))
"""For rows that ask one thing several times, which is all that splitting looks at."""
Pairs = Sequence[tuple[str, str]]


def numbered(num_rows: int, start: int = 0) -> Pairs:
    return [(f"q{n}", f"a{n}") for n in range(start, start + num_rows)]


def write(folder: Path, name: str, pairs: Pairs) -> str:
    lines = [json.dumps({"prompt": question, "completion": answer}) for question, answer in pairs]
    (folder / name).write_text("\n".join(lines), encoding="utf-8")
    return str(folder / name)


def prepare_pairs(
    folder: Path, pairs: Pairs, files: Mapping[str, Pairs] | None = None, **settings: Any
) -> PreparedData:
    """Prepare rows of rows.jsonl, with held-out files by the name of their setting."""
    paths = {setting: write(folder, f"{setting}.jsonl", held_out) for setting, held_out in (files or {}).items()}
    return prepare(DataRecipe(path=write(folder, "rows.jsonl", pairs), **paths, **settings))


def pair(example: Example) -> tuple[str, str]:
    assert isinstance(example.body, Conversation)
    return example.body.prompt[-1].content, example.body.answer


def pairs_of(data: PreparedData, split: Split) -> list[tuple[str, str]]:
    return [pair(example) for example in data.rows(split)]


def sizes(data: PreparedData) -> tuple[int, ...]:
    """Number of training, validation and test rows."""
    return tuple(len(data.rows(split)) for split in Split)


def changes(data: PreparedData) -> list[tuple[str, str, str]]:
    return [
        (change.action, Path(change.location).name, change.reason.replace(str(Path(change.location).parent) + "/", ""))
        for change in data.version.changes
    ]


@pytest.mark.parametrize(
    ("num_rows", "settings", "expected"),
    [
        (50, {}, (10, 20, 20)),
        (200, {}, (160, 20, 20)),
        (1000, {}, (800, 100, 100)),
        (1000, {"test_fraction": 0.3, "validation_fraction": 0.0}, (680, 20, 300)),
    ],
)
def test_a_tenth_and_at_least_20_rows_are_held_out(
    tmp_path: Path, num_rows: int, settings: dict[str, Any], expected: tuple[int, int, int]
) -> None:
    assert sizes(prepare_pairs(tmp_path, numbered(num_rows), **settings)) == expected


def test_every_row_is_in_one_split_and_training_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    pairs = numbered(300)
    data = prepare_pairs(tmp_path, pairs)
    assert sorted(pairs) == sorted(found for split in Split for found in pairs_of(data, split))
    train = set(pairs_of(data, Split.TRAIN))
    assert pairs_of(data, Split.TRAIN) == [pair for pair in pairs if pair in train]
    assert pairs_of(data, Split.TEST) != sorted(pairs_of(data, Split.TEST), key=pairs.index)


def test_rows_with_one_input_stay_in_one_split(tmp_path: Path) -> None:
    data = prepare_pairs(tmp_path, [(f"q{n % 60}", f"a{n}") for n in range(300)], checks=ACCEPT_CONTRADICTIONS)
    inputs = {split: {example.input_id for example in data.rows(split)} for split in Split}
    assert sum(len(ids) for ids in inputs.values()) == 60
    assert sizes(data) == (240, 30, 30)


def test_the_split_is_the_same_every_time_and_changes_with_the_seed(tmp_path: Path) -> None:
    pairs = numbered(300)
    first = prepare_pairs(tmp_path, pairs)
    assert prepare_pairs(tmp_path, pairs).version == first.version
    other = prepare_pairs(tmp_path, pairs, split_seed=1)
    assert set(pairs_of(other, Split.TEST)) != set(pairs_of(first, Split.TEST))


def test_the_split_does_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    forward = prepare_pairs(tmp_path, numbered(300))
    backward = prepare_pairs(tmp_path, numbered(300)[::-1])
    assert pairs_of(forward, Split.TEST) == pairs_of(backward, Split.TEST)


def test_added_rows_move_few_others(tmp_path: Path) -> None:
    before = prepare_pairs(tmp_path, numbered(500))
    after = prepare_pairs(tmp_path, numbered(550))
    split_after = {entry.example_id: entry.split for entry in after.version.entries}
    moved = [entry for entry in before.version.entries if split_after[entry.example_id] != entry.split]
    assert len(moved) <= 15


def test_duplicates_are_dropped_and_the_first_is_kept(tmp_path: Path) -> None:
    data = prepare_pairs(tmp_path, [*numbered(60), ("q3", "a3"), ("q3", "a3"), ("q4", "other")])
    assert sum(sizes(data)) == 61
    assert changes(data) == [
        ("dropped", "rows.jsonl:61", "same as rows.jsonl:4"),
        ("dropped", "rows.jsonl:62", "same as rows.jsonl:4"),
    ]


def test_kept_duplicates_are_trained_on_again_but_never_scored_twice(tmp_path: Path) -> None:
    pairs = [*numbered(100), *numbered(100)]
    data = prepare_pairs(tmp_path, pairs, keep_duplicates=True)
    assert sizes(data) == (120, 20, 20)
    assert {change.action for change in data.version.changes} == {"dropped"}
    assert len(data.version.changes) == 40
    assert len(data.examples) == 100


def test_training_rows_that_are_in_a_held_out_file_are_moved_out(tmp_path: Path) -> None:
    data = prepare_pairs(
        tmp_path,
        [*numbered(30), ("q100", "a100"), ("q100", "other"), ("q100", "second")],
        {"test_path": [("q100", "a100"), ("q100", "second")], "validation_path": [("q200", "a"), ("q100", "third")]},
    )
    assert sizes(data) == (30, 1, 2)
    assert changes(data) == [
        (
            "moved",
            "validation_path.jsonl:2",
            "same input, with another answer, as test_path.jsonl:1, which is test data",
        ),
        ("moved", "rows.jsonl:31", "same row as test_path.jsonl:1, which is test data"),
        ("moved", "rows.jsonl:32", "same input, with another answer, as test_path.jsonl:1, which is test data"),
        ("moved", "rows.jsonl:33", "same row as test_path.jsonl:2, which is test data"),
    ]


def test_only_the_missing_split_is_cut_when_one_file_is_given(tmp_path: Path) -> None:
    data = prepare_pairs(tmp_path, numbered(100), {"test_path": numbered(7, start=200)})
    assert sizes(data) == (80, 20, 7)
    assert [source.num_rows for source in data.version.sources] == [100, 7]


def test_duplicates_inside_a_held_out_file_are_dropped(tmp_path: Path) -> None:
    data = prepare_pairs(tmp_path, numbered(100), {"validation_path": [("x", "y"), ("x", "y")]}, keep_duplicates=True)
    assert sizes(data) == (80, 1, 20)
    assert changes(data) == [("dropped", "validation_path.jsonl:2", "same as validation_path.jsonl:1")]


@pytest.mark.parametrize(
    ("pairs", "files", "message"),
    [
        (
            numbered(9),
            {},
            r"rows\.jsonl: found 9 rows with 9 distinct inputs, which leave 0 for training, expected at least 50 rows "
            r"\(10 to train on, 20 for test, 20 for validation; .*--validation and --test",
        ),
        (numbered(49), {}, r"found 49 rows with 49 distinct inputs, which leave 9 for training"),
        ([("q", f"a{n}") for n in range(99)], {}, r"found 99 rows with 1 distinct inputs, which leave 0"),
        (
            [("q", "a")] * 60,
            {},
            r"leave 0 for training \(59 dropped as duplicates, 0 moved out as inputs of held-out files\)",
        ),
        (numbered(9), {"test_path": numbered(1, 90), "validation_path": numbered(1, 80)}, r"expected at least 10 rows"),
        (numbered(29), {"test_path": numbered(1, 90)}, r"leave 9 .* at least 30 rows \(10 to train on, 20 for valid"),
        (numbered(12), {"test_path": numbered(12)}, r"0 dropped as duplicates, 12 moved out"),
        (
            numbered(40),
            {"test_path": [("x", "y")], "validation_path": [("x", "z")]},
            r"validation_path\.jsonl: found only rows whose input is test data too",
        ),
    ],
)
def test_too_few_rows_are_refused_with_the_number_needed(
    tmp_path: Path, pairs: Pairs, files: Mapping[str, Pairs], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        prepare_pairs(tmp_path, pairs, files, checks=ACCEPT_CONTRADICTIONS)


def test_dropping_rows_makes_a_new_version_that_names_them(tmp_path: Path) -> None:
    data = prepare_pairs(tmp_path, [*numbered(60), ("q60", "x"), ("q60", "x")])
    gone = data.rows(Split.TRAIN)[0]
    assert data.version.id  # cached on the old version
    smaller = drop_rows(data, {gone.id: "the answer is longer than the context"})
    assert smaller.version.id != data.version.id
    assert gone.id not in smaller.examples
    assert smaller.rows(Split.TRAIN) == data.rows(Split.TRAIN)[1:]
    assert smaller.version.sources == data.version.sources
    assert smaller.version.changes[:-1] == data.version.changes
    change = smaller.version.changes[-1]
    assert (change.action, change.example_id, change.location, change.reason) == (
        "dropped",
        gone.id,
        str(gone.provenance),
        "the answer is longer than the context",
    )


@pytest.mark.parametrize(
    ("split", "num_kept", "message"),
    [
        (Split.TRAIN, 9, r"^train split: found 9 usable rows \(11 left out in all splits\), expected at least 10\."),
        (Split.VALIDATION, 0, r"^validation split: found 0 usable rows .*The first is .*rows\.jsonl:\d+: too long"),
        (Split.TEST, 0, r"^test split: found 0 usable rows"),
    ],
)
def test_dropping_too_many_rows_is_refused(tmp_path: Path, split: Split, num_kept: int, message: str) -> None:
    data = prepare_pairs(tmp_path, numbered(60))
    with pytest.raises(DataError, match=message):
        drop_rows(data, {example.id: "too long" for example in data.rows(split)[num_kept:]})


def test_a_share_of_a_split_that_has_a_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError, match=r"data\.test_fraction: found 0\.3, beside data\.test_path, expected one of them"
    ):
        prepare_pairs(tmp_path, numbered(100), {"test_path": numbered(7, start=200)}, test_fraction=0.3)


def test_a_blocking_check_that_found_rows_refuses_the_data_and_says_how_to_go_on(tmp_path: Path) -> None:
    pairs = [*labelled(100), ("which colour is number 3", "b"), ("which colour is number 5", "a")]
    with pytest.raises(DataError) as refused:
        prepare_pairs(tmp_path, pairs)
    message = str(refused.value).replace(str(tmp_path), "")
    assert message.startswith("/rows.jsonl: contradictions: found 4 rows (")
    assert "/rows.jsonl:4, /rows.jsonl:101, /rows.jsonl:6, ...)" in message
    assert "`tunewright check /rows.jsonl`" in message
    assert message.endswith("--set 'data.checks.accept=[contradictions]'.")


def test_an_accepted_check_lets_the_data_through_and_its_rows_share_a_split(tmp_path: Path) -> None:
    pairs = [*labelled(100), ("which colour is number 3", "b"), ("which colour is number 5", "a")]
    data = prepare_pairs(tmp_path, pairs, checks=ACCEPT_CONTRADICTIONS)
    assert sum(sizes(data)) == 102
    (result,) = [result for result in data.results if result.check == "contradictions"]
    assert (result.severity, result.num_rows) == (Severity.ACCEPTED, 4)


def test_rows_that_checks_drop_and_edit_become_changes_with_their_reason(tmp_path: Path) -> None:
    pairs = [*labelled(100), ("where is the cafÃ© on the market square of the town", "a")]
    data = prepare_pairs(tmp_path, pairs)
    (change,) = data.version.changes
    assert (change.action, Path(change.location).name) == ("edited", "rows.jsonl:101")
    assert change.reason.startswith("mojibake: ")
    assert pair(data.examples[change.example_id]) == ("where is the café on the market square of the town", "a")


def test_a_secret_that_an_invisible_character_hides_refuses_the_data_and_is_redacted_after_the_repair(
    tmp_path: Path,
) -> None:
    token = "ghp_" + "a1B2c3D4e5F6" * 3
    hidden = f"a key: {token[:20]}\u200b{token[20:]} of ada.love\u200blace@gmail.com cafÃ©"
    pairs = [*numbered(100), ("which key opens the vault of the shop", hidden)]
    with pytest.raises(DataError, match=r"secrets: found 1 rows \(.*rows\.jsonl:101\)"):
        prepare_pairs(tmp_path, pairs)
    data = prepare_pairs(tmp_path, pairs, checks=CheckRecipe(redact=True))
    (change,) = [change for change in data.version.changes if change.action == "edited"]
    assert pair(data.examples[change.example_id])[1] == (
        "a key: xxx_" + "x0X0x0X0x0X0" * 3 + " of xxx.xxxxxxxx@example.com café"
    )


def test_inputs_of_one_group_land_in_one_split(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(run, "CHECKS", (pairs_up("near_duplicates"),))
    data = prepare_pairs(tmp_path, numbered(300))
    split_of = {pair(example)[0]: split for split in Split for example in data.rows(split)}
    assert all(split_of[f"q{number}"] == split_of[f"q{number + 1}"] for number in range(0, 300, 2))
    assert sizes(data) == (240, 30, 30)


def pairs_up(check_id: str) -> Check:
    """A check that finds that every two neighbours belong together."""

    def find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            yield Finding(
                check=check_id, example_ids=(first.id, second.id), locations=("", ""), explanation="They are alike."
            )

    return Check(check_id, "Alike", "", Severity.WARNING, "", find)


def labelled(num_rows: int) -> list[tuple[str, str]]:
    return [(f"which colour is number {number}", "abc"[number % 3]) for number in range(num_rows)]


def test_the_results_of_the_checks_are_no_part_of_the_version_and_outlive_dropped_rows(tmp_path: Path) -> None:
    data = prepare_pairs(tmp_path, numbered(60))
    assert {result.check for result in data.results} >= {"duplicates", "near_duplicates", "contradictions"}
    unchecked = prepare_pairs(tmp_path, numbered(60), checks=CheckRecipe(skip=("near_duplicates",)))
    assert unchecked.version.id == data.version.id
    assert drop_rows(data, {data.rows(Split.TEST)[0].id: "too long"}).results == data.results


def test_a_hub_dataset_is_prepared_through_the_given_function() -> None:
    rows = {
        "owner/rows": [{"prompt": question, "completion": answer} for question, answer in numbered(50)],
        "owner/test": [{"prompt": "x", "completion": "y"}],
    }
    data = prepare(DataRecipe(path="owner/rows", test_path="owner/test"), rows.__getitem__)
    assert sizes(data) == (30, 20, 1)
    assert [source.name for source in data.version.sources] == ["owner/rows", "owner/test"]


def test_e2e_meaning_representations_are_never_in_two_splits() -> None:
    path = public_file("datasets/e2e_nlg/devset.csv")
    # Its references say "British" and "English" of the same restaurant, and some differ in a word or two.
    checks = CheckRecipe(skip=("contradictions", "near_duplicates"))
    data = prepare(DataRecipe(path=str(path), input="mr", output="ref", checks=checks))
    inputs = [{pair(example)[0] for example in data.rows(split)} for split in Split]
    assert sum(len(names) for names in inputs) == len(set().union(*inputs)) == 547
    assert sum(sizes(data)) == 4521
    assert len(data.version.changes) == 4672 - 4521
    assert all(450 <= size <= 470 for size in sizes(data)[1:])
