"""Running checks, and what their findings decide: on fakes, so that nothing depends on what real checks find."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

import pytest

from tunewright.contracts import SilentProgress
from tunewright.data.checks import run
from tunewright.data.checks.check import Check, RowSet, checked_row
from tunewright.data.checks.duplicates import check_duplicates, check_shared_inputs
from tunewright.data.checks.run import CHECKS, decide, edit_example, run_checks
from tunewright.errors import MissingExtraError, RecipeError
from tunewright.records import (
    CheckRecipe,
    CheckResult,
    Conversation,
    Example,
    Finding,
    Message,
    PlainText,
    Provenance,
    Severity,
    Split,
)


def example(question: str, answer: str, row: int = 1, source: str = "rows.jsonl") -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(body=Conversation(messages=messages), provenance=Provenance(source=source, row=row))


ROWS: RowSet = tuple(checked_row(example(f"q{number}", f"a{number}", number)) for number in range(4))


def finding(check: str, *numbers: int, score: float = 1.0, **settings: object) -> Finding:
    found = [ROWS[number] for number in numbers]
    return Finding(
        check=check,
        example_ids=tuple(row.id for row in found),
        locations=tuple(row.location for row in found),
        explanation=f"Rows {numbers}.",
        score=score,
    ).model_copy(update=settings)


def fake(check_id: str, *findings: Finding, severity: Severity = Severity.WARNING, idle: str | None = None) -> Check:
    return Check(check_id, check_id.title(), "", severity, "listed only", lambda rows, recipe: findings, lambda _: idle)


def results(monkeypatch: pytest.MonkeyPatch, *checks: Check, **recipe: object) -> tuple[CheckResult, ...]:
    monkeypatch.setattr(run, "CHECKS", checks)
    return run_checks(ROWS, CheckRecipe.model_validate(recipe), SilentProgress())


def test_ids_of_checks_are_unique_and_every_check_explains_itself() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    for check in CHECKS:
        assert check.id.replace("_", "").islower(), check.id
        assert check.id == check.id.strip()
        assert len(check.explanation) > 40, check.id
        assert check.title, check.id
        assert check.action, check.id


def test_findings_come_worst_first_and_rows_found_twice_count_once(monkeypatch: pytest.MonkeyPatch) -> None:
    found = (finding("a", 0, 1, score=1.0), finding("a", 1, 2, score=3.0), finding("a", 3, score=1.0))
    (result,) = results(monkeypatch, fake("a", *found))
    assert [each.score for each in result.findings] == [3.0, 1.0, 1.0]
    assert result.findings[1] == found[0]
    assert result.num_rows == 4


def test_only_the_worst_findings_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHECKS", (fake("a", finding("a", 0), finding("a", 1, score=2.0)),))
    (result,) = run_checks(ROWS, CheckRecipe(), SilentProgress(), max_findings=1)
    assert [each.score for each in result.findings] == [2.0]
    assert result.num_rows == 2


@pytest.mark.parametrize("change", [{"edited_text": (("q", "x"),)}, {"drop": (ROWS[0].id,)}])
def test_a_blocking_check_blocks_where_a_fix_list_keeps_a_row_that_would_be_changed(
    change: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = fake("a", finding("a", 0, **change), severity=Severity.BLOCKING)
    monkeypatch.setattr(run, "CHECKS", (found,))
    (by_default,) = run_checks(ROWS, CheckRecipe(), SilentProgress(), settled={ROWS[1].id})
    (overruled,) = run_checks(ROWS, CheckRecipe(), SilentProgress(), settled={ROWS[0].id})
    assert not by_default.blocks
    assert overruled.blocks
    assert overruled.findings == (finding("a", 0),)


def test_a_finding_still_changes_the_rows_that_a_fix_list_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    found = finding("a", 0, 1, 2, drop=(ROWS[1].id, ROWS[2].id), edited_text=(("q", "x"),))
    monkeypatch.setattr(run, "CHECKS", (fake("a", found, severity=Severity.BLOCKING),))
    (result,) = run_checks(ROWS, CheckRecipe(), SilentProgress(), settled={ROWS[1].id})
    assert result.blocks
    assert result.findings == (found.model_copy(update={"drop": (ROWS[2].id,)}),)


def test_a_skipped_or_idle_check_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    skipped, idle = results(monkeypatch, fake("a", finding("a", 0)), fake("b", idle="no files are named"), skip=["a"])
    assert skipped.skipped == "left out by data.checks.skip"
    assert idle.skipped == "no files are named"
    assert (skipped.num_rows, skipped.lacks_extra, idle.lacks_extra) == (0, False, False)


def test_a_missing_library_skips_its_check_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(rows: RowSet, recipe: CheckRecipe) -> Iterator[Finding]:
        yield finding("a", 0)
        raise MissingExtraError("datasketch", "data", "find near-duplicates")

    lacking = Check("a", "A", "", Severity.BLOCKING, "", find)
    first, second = results(monkeypatch, lacking, fake("b", finding("b", 0)))
    assert first.lacks_extra
    assert "pip install 'tunewright[data]'" in str(first.skipped)
    assert not first.blocks
    assert second.num_rows == 1


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"skip": ["near_duplicate"]}, r"data\.checks\.skip: found 'near_duplicate', expected one of a, b\."),
        ({"accept": ["c"]}, r"data\.checks\.accept: found 'c', expected one of b\."),
        ({"accept": ["a"]}, r"found 'a', expected one of b\. Remove it: a never stops training"),
    ],
)
def test_unknown_names_of_checks_are_refused(
    monkeypatch: pytest.MonkeyPatch, recipe: dict[str, object], message: str
) -> None:
    with pytest.raises(RecipeError, match=message):
        results(monkeypatch, fake("a"), fake("b", severity=Severity.BLOCKING), **recipe)


@pytest.mark.parametrize(
    ("found", "accept", "severity", "blocks"),
    [
        ((), [], Severity.BLOCKING, False),
        ((finding("b", 0),), [], Severity.BLOCKING, True),
        ((finding("b", 0),), ["b"], Severity.ACCEPTED, False),
        ((finding("b", 0, edited_text=(("q", "Q"),)),), [], Severity.WARNING, False),
        ((finding("b", 0, edited_text=(("q", "Q"),)), finding("b", 1)), [], Severity.BLOCKING, True),
    ],
)
def test_a_blocking_check_blocks_unless_accepted_or_repaired(
    monkeypatch: pytest.MonkeyPatch, found: Iterable[Finding], accept: list[str], severity: Severity, *, blocks: bool
) -> None:
    (result,) = results(monkeypatch, fake("b", *found, severity=Severity.BLOCKING), accept=accept)
    assert (result.severity, result.blocks) == (severity, blocks)


def test_a_row_is_dropped_once_for_the_first_reason_and_then_not_edited() -> None:
    findings = (
        finding("a", 0, 1, drop=(ROWS[1].id,)),
        finding("b", 1, drop=(ROWS[1].id,), edited_text=(("q", "Q"),)),
        finding("c", 0, 2),
    )
    decisions = decide(findings)
    assert decisions.dropped == {ROWS[1].id: "a: Rows (0, 1)"}
    assert decisions.edited == {}


def test_edits_of_several_checks_follow_each_other() -> None:
    decisions = decide(
        [finding("a", 0, edited_text=(("q", "Q"),)), finding("b", 0, edited_text=(("Q0", "Quest"), ("a", "A")))]
    )
    edit = decisions.edited[ROWS[0].id]
    assert edit.reason == "a: Rows (0,); b: Rows (0,)"
    assert edit.replacements == (("q", "Q"), ("Q0", "Quest"), ("a", "A"))
    edited = edit_example(ROWS[0].example, edit.replacements)
    assert edited == example("Quest", "A0", row=0)
    assert edited.provenance == ROWS[0].example.provenance
    assert edited.id != ROWS[0].id


def test_a_row_that_is_kept_is_neither_dropped_nor_edited() -> None:
    findings = (finding("a", 0, 1, drop=(ROWS[0].id, ROWS[1].id)), finding("b", 2, edited_text=(("q", "Q"),)))
    decisions = decide(findings, kept={ROWS[1].id, ROWS[2].id})
    assert list(decisions.dropped) == [ROWS[0].id]
    assert decisions.edited == {}


def test_a_plain_text_is_edited_and_an_edit_that_leaves_nothing_is_refused() -> None:
    text = Example(body=PlainText(text="one two"), provenance=Provenance(source="t.txt", row=1))
    assert edit_example(text, [("two", "2")]).body == PlainText(text="one 2")
    with pytest.raises(ValueError, match="empty assistant answer"):
        edit_example(ROWS[0].example, [("a0", "")])


def test_copies_in_two_splits_are_the_worst_duplicates() -> None:
    files = {
        Split.TRAIN: [example("q", "a", 1), example("q", "a", 2), example("q", "a", 3), example("x", "y", 4)],
        Split.TEST: [example("x", "y", 1, "test.jsonl"), example("z", "z", 2, "test.jsonl")],
    }
    result = check_duplicates(files, keep=False)
    assert result.num_rows == 3
    assert [found.explanation for found in result.findings] == [
        "The same row stands in 2 places, in train and test data.",
        "The same row stands in 3 places.",
    ]
    assert result.findings[0].locations == ("rows.jsonl:4", "test.jsonl:1")
    assert result.findings[0].evidence == ("x → y",)
    assert "within the training data are kept" in check_duplicates(files, keep=True).action


def test_an_input_that_a_held_out_file_asks_too_is_found_once_per_row() -> None:
    files = {
        Split.TRAIN: [example("q", "a", 1), example("q", "a", 2), example("q", "b", 3), example("r", "a", 4)],
        Split.VALIDATION: [example("q", "c", 1, "validation.jsonl")],
        Split.TEST: [example("q", "a", 1, "test.jsonl")],
    }
    result = check_shared_inputs(files)
    assert [found.explanation for found in result.findings] == [
        "validation.jsonl:1 has the same input, with another answer, as test.jsonl:1, which is test data.",
        "rows.jsonl:3 has the same input, with another answer, as test.jsonl:1, which is test data.",
    ]
    assert (result.num_rows, result.findings[1].evidence) == (2, ("q → b", "q → a"))


def test_a_single_file_shares_no_input_with_held_out_files() -> None:
    result = check_shared_inputs({Split.TRAIN: [example("q", "a", 1), example("q", "b", 2)]})
    assert (result.num_rows, result.skipped is None) == (0, False)


@pytest.mark.parametrize(("tolerated", "severity"), [(0.5, Severity.WARNING), (0.49, Severity.BLOCKING)])
def test_a_blocking_check_only_warns_up_to_the_share_it_tolerates(
    tolerated: float, severity: Severity, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = replace(fake("rare", finding("rare", 0, 1), severity=Severity.BLOCKING), tolerated_share=tolerated)
    (result,) = results(monkeypatch, check)
    assert result.severity is severity
