"""Where the borders between splits run."""

import dataclasses
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.cut import SplitOf, Unit, cut_around_giants, cut_by_label, cut_in_order, quotas, seeded_hash
from tunewright.records import Split

LABELLED = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 4)), min_size=20, max_size=80)


def units(sizes: list[tuple[str, int]]) -> list[Unit]:
    return [
        Unit((1, str(number)), seeded_hash(0, str(number)), num_rows, label, 0.0)
        for number, (label, num_rows) in enumerate(sizes)
    ]


def rows_in(split_of: dict[tuple[int, str], Split], all_units: list[Unit], split: Split) -> int:
    return sum(unit.num_rows for unit in all_units if split_of.get(unit.name) is split)


def test_quotas_are_hamiltons() -> None:
    # By hand: a tenth of 47, 16, 15.8, 12, 6.1, 3.1 has the wholes 4 1 1 1 0 0 and the remainders
    # .7 .6 .58 .2 .61 .31, of which the three largest get one more.
    sizes = {"a": 4700, "b": 1600, "c": 1580, "d": 1200, "e": 610, "f": 310}
    assert quotas(sizes, 10) == {"a": 5, "b": 2, "c": 1, "d": 1, "e": 1, "f": 0}


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 500), min_size=1, max_size=20), st.integers(0, 600))
@settings(max_examples=50, deadline=None)
def test_quotas_add_up_and_are_within_one_of_the_exact_share(sizes: dict[str, int], num_wanted: int) -> None:
    total = sum(sizes.values())
    found = quotas(sizes, num_wanted)
    assert sum(found.values()) == min(num_wanted, total)
    for label, quota in found.items():
        assert abs(quota - min(num_wanted, total) * sizes[label] / total) < 1


@given(LABELLED)
@settings(max_examples=50, deadline=None)
def test_each_split_gets_at_least_the_rows_wanted(sizes: list[tuple[str, int]]) -> None:
    found = units(sizes)
    wanted = {Split.TEST: 8, Split.VALIDATION: 5}
    for split_of in (cut_by_label(found, wanted), cut_in_order(found, wanted)):
        assert rows_in(split_of, found, Split.TEST) >= 8
        assert rows_in(split_of, found, Split.VALIDATION) >= 5


def test_single_rows_are_shared_out_exactly() -> None:
    found = units([("a", 1)] * 60 + [("b", 1)] * 30 + [("c", 1)] * 10)
    split_of = cut_by_label(found, {Split.TEST: 10, Split.VALIDATION: 20})
    for split, expected in ((Split.TEST, (6, 3, 1)), (Split.VALIDATION, (12, 6, 2))):
        held_out = [unit.label for unit in found if split_of.get(unit.name) is split]
        assert tuple(held_out.count(label) for label in "abc") == expected


def test_large_units_fill_a_split_in_the_order_of_their_hashes() -> None:
    found = units([("a", 40), ("b", 40), ("c", 40)])
    split_of = cut_by_label(found, {Split.TEST: 5})
    first = min(found, key=lambda unit: unit.order)
    assert split_of == {first.name: Split.TEST}


def test_a_giant_stays_in_training_and_counts_for_the_shares_of_labels() -> None:
    found = sorted(units([("a", 1)] * 100 + [("b", 1)] * 100), key=lambda unit: unit.order)
    found[0] = dataclasses.replace(found[0], label="a", num_rows=200)
    wanted = {Split.TEST: 20, Split.VALIDATION: 20}
    split_of = cut_around_giants(found, wanted, 20, cut_by_label)
    assert found[0].name not in split_of
    for split in wanted:
        held_out = [unit.label for unit in found if split_of.get(unit.name) is split]
        assert (held_out.count("a"), held_out.count("b")) == (15, 5)


def in_order(each: Sequence[Unit], wanted: Mapping[Split, int], others: Sequence[Unit]) -> SplitOf:
    return cut_in_order(each, wanted)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ((800, 50, 150), (50, 150)),
        ((800, 150, 50), (150, 50)),
        # Half of the rows wanted: the test ends before the unit that would leave nothing.
        ((700, 60, 30, 199, 11), (60, 229)),
        # No order of the small units gives both splits 20 rows.
        ((20, 800, 180), (820, 180)),
        # A split may have fewer rows than wanted.
        ((700, 90, 180, 30), (270, 30)),
    ],
)
def test_giants_are_cut_only_where_a_split_would_get_too_few_rows(
    sizes: tuple[int, ...], expected: tuple[int, int]
) -> None:
    found = units([("", size) for size in sizes])
    wanted = {Split.TEST: 100, Split.VALIDATION: 100}
    split_of = cut_around_giants(found, wanted, 21, in_order)
    assert tuple(rows_in(split_of, found, split) for split in wanted) == expected


@pytest.mark.parametrize("place", [0, 10, 30, 70])
def test_a_unit_too_large_for_its_label_is_passed_over_wherever_it_stands(place: int) -> None:
    sizes = [("ab"[number % 2], 3) for number in range(80)]
    by_order = sorted(units(sizes), key=lambda unit: unit.order)
    by_order[place] = dataclasses.replace(by_order[place], num_rows=40)
    wanted = {Split.TEST: 20, Split.VALIDATION: 20}
    split_of = cut_by_label(by_order, wanted)
    assert by_order[place].name not in split_of
    assert all(20 <= rows_in(split_of, by_order, split) <= 22 for split in wanted)


@given(LABELLED, st.sampled_from("abcd"))
@settings(max_examples=50, deadline=None)
def test_a_row_that_is_added_moves_few_others(sizes: list[tuple[str, int]], label: str) -> None:
    single = [(each, 1) for each, _ in sizes]
    wanted = {Split.TEST: 5, Split.VALIDATION: 5}
    before = cut_by_label(units(single), wanted)
    after = cut_by_label(units([*single, (label, 1)]), wanted)
    names = [unit.name for unit in units(single)]
    # A label's quota in a split moves by at most one row, so its first border moves by one and its second by two; the
    # label that has the new row shifts by one more at both. Four labels: 4 * 3 + 2.
    assert sum(before.get(name) is not after.get(name) for name in names) <= 14


def test_a_part_that_is_cut_before_counts_for_the_shares() -> None:
    found = units([("a", 1)] * 50 + [("b", 1)] * 50)
    wanted = {Split.TEST: 20, Split.VALIDATION: 20}
    both = cut_by_label(found, wanted)
    test = [unit for unit in found if both.get(unit.name) is Split.TEST]
    rest = [unit for unit in found if both.get(unit.name) is not Split.TEST]
    again = cut_by_label(rest, {Split.VALIDATION: 20}, test)
    assert again == {name: split for name, split in both.items() if split is Split.VALIDATION}


@pytest.mark.parametrize("seed", range(3))
def test_labels_of_one_size_that_the_test_passes_over_are_in_validation(seed: int) -> None:
    found = units([(f"label{number:03d}", 1) for number in range(150)] * 5)
    split_of = cut_by_label(found, {Split.TEST: 75, Split.VALIDATION: 75}, seed=seed)
    tested, validated = (
        {unit.label for unit in found if split_of.get(unit.name) is split} for split in (Split.TEST, Split.VALIDATION)
    )
    assert (len(tested), len(validated), len(tested | validated)) == (75, 75, 150)
    assert 20 < sum(label < "label075" for label in tested) < 55
