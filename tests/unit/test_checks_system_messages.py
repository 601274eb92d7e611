"""Rows without the system message of the others, where the others are many enough."""

import pytest
from check_rows import chat_rows
from checked_rows import plain_texts

from tunewright.data.checks.check import RowSet
from tunewright.data.checks.system_messages import MISSING_SYSTEM_MESSAGE
from tunewright.records import CheckRecipe, Finding


def rows(num_with: int, num_without: int) -> RowSet:
    with_message = chat_rows([(f"q{number}", "a") for number in range(num_with)], system="Be kind.", source="with")
    return (*with_message, *chat_rows([(f"q{number}", "b") for number in range(num_without)], source="without"))


def found(checked: RowSet) -> list[str]:
    findings = list(MISSING_SYSTEM_MESSAGE.find(checked, CheckRecipe()))
    assert all(isinstance(finding, Finding) for finding in findings)
    return [finding.locations[0] for finding in findings if isinstance(finding, Finding)]


@pytest.mark.parametrize(
    ("num_with", "num_without", "num_found"), [(2, 1, 1), (95, 5, 5), (3, 2, 0), (0, 4, 0), (4, 0, 0), (0, 0, 0)]
)
def test_the_rows_without_one_are_found_from_two_thirds_with_one_on(
    num_with: int, num_without: int, num_found: int
) -> None:
    assert found(rows(num_with, num_without)) == [f"without:{number}" for number in range(1, num_found + 1)]


def test_texts_have_no_system_message_to_miss() -> None:
    assert found((*rows(3, 1), *plain_texts(["one", "two"]))) == ["without:1"]


def test_a_finding_says_how_many_have_one() -> None:
    (finding,) = MISSING_SYSTEM_MESSAGE.find(rows(3, 1), CheckRecipe())
    assert isinstance(finding, Finding)
    assert finding.explanation == "The row has no system message, but 75% of the rows begin with one."
