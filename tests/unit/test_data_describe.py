"""What a version says about what was found in its rows and is still there."""

from data_report_fixture import build_finding, build_result

from tunewright.data import known_gaps
from tunewright.records import Severity


def test_what_was_accepted_and_what_was_left_in_are_gaps_and_what_was_settled_is_none() -> None:
    dropped = build_finding("near_duplicates", 1, 2)
    results = (
        build_result("secrets", build_finding("secrets", 3, 4), severity=Severity.ACCEPTED),
        build_result("refusals", build_finding("refusals", 5), build_finding("refusals", 6)),
        build_result("lengths", build_finding("lengths", 7), severity=Severity.NOTE),
        build_result("duplicates", build_finding("duplicates", 8, 9)),
        build_result("near_duplicates", dropped.model_copy(update={"drop": dropped.example_ids[1:]})),
        build_result("mojibake", build_finding("mojibake", 10, edited_text=(("Ã©", "é"),))),
        build_result("repetition"),
        build_result("licences", skipped="no licences are listed"),
    )
    assert known_gaps(results) == (
        "Accepted: Secrets, 2 rows",
        "Found and left in: Refusals, 2 rows",
        "Found and left in: Lengths, 1 row",
        "Not checked: Licences: no licences are listed",
    )


def test_rows_that_a_fix_list_keeps_beside_others_that_were_repaired_are_a_gap() -> None:
    repaired = build_finding("personal_data", 1, edited_text=(("ada@mail.de", "xxx@example.com"),))
    result = build_result("personal_data", repaired, build_finding("personal_data", 2))
    assert known_gaps([result]) == ("Found and left in: Personal data, 1 row",)
