"""The fix list: one JSON line per row that checks found, for a person to edit and for `prepare` to carry out.

    {"location": "rows.jsonl:12", "example_id": "5e0c...", "action": "drop", "check": "near_duplicates", ...}

The list wins over the checks: a row in it is dropped, kept or edited as the list says, and by nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from tunewright.data.checks.check import CheckedRow
from tunewright.data.checks.run import Decisions, Edit, edit_example
from tunewright.data.jsonl import read_jsonl
from tunewright.data.refusals import ReadLog, RefusedError, excerpt
from tunewright.errors import DataError, Problem, StoreError
from tunewright.records import DataRecipe, Example, Finding, Fix, canonical_json
from tunewright.records.text_file import not_a_file

NOTHING_LEFT = "after the repair nothing is left to learn from"
"""Why a row is dropped that would be edited."""


def default_fixes(rows: Iterable[CheckedRow], findings: Iterable[Finding], decisions: Decisions) -> tuple[Fix, ...]:
    """Write down what will happen to every row found, one fix per row, in the order of the rows.

    A row that is listed only is marked keep.
    """
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        for example_id in finding.example_ids:
            found.setdefault(example_id, []).append(finding)
    return tuple(_default_fix(row.id, row.location, found[row.id], decisions) for row in rows if row.id in found)


def _default_fix(example_id: str, location: str, findings: Sequence[Finding], decisions: Decisions) -> Fix:
    action: Literal["drop", "keep", "edit"] = "keep"
    finding = findings[0]
    reason = finding.explanation
    if example_id in decisions.dropped:
        action = "drop"
        finding, reason = _why_dropped(example_id, findings)
    elif example_id in decisions.edited:
        action = "edit"
        finding = next(finding for finding in findings if finding.edited_text)
        reason = finding.explanation
    return Fix(
        location=location,
        example_id=example_id,
        action=action,
        check=finding.check,
        reason=reason,
        text=decisions.edited[example_id].replacements if action == "edit" else (),
        evidence=_evidence(example_id, finding),
    )


def _why_dropped(example_id: str, findings: Sequence[Finding]) -> tuple[Finding, str]:
    for finding in findings:
        if example_id in finding.drop:
            return finding, finding.explanation
    emptying = next(finding for finding in findings if finding.edited_text)
    return emptying, f"{emptying.explanation.rstrip('.')}; {NOTHING_LEFT}."


def _evidence(example_id: str, finding: Finding) -> str:
    aligned = dict(zip(finding.example_ids, finding.evidence, strict=False))
    return aligned.get(example_id, "")


def write_fixes(path: Path, fixes: Iterable[Fix]) -> None:
    """Write a fix list.

    Raises:
        StoreError: the file cannot be written.
    """
    lines = [canonical_json(fix.model_dump(mode="json")) + "\n" for fix in fixes]
    try:
        path.write_text("".join(lines), encoding="utf-8", newline="\n")
    except OSError as error:
        found = error.strerror or type(error).__name__
        problem = Problem(str(path), found, "a file to write to", "Make the folder, or give another file.")
        raise StoreError(str(problem)) from error


def require_no_edited_list(path: Path, recipe: DataRecipe) -> None:
    """Keep a fix list from being written over: somebody may have decided about its rows.

    Args:
        path: where a list is to be written.
        recipe: the list that it carries out is read first, and its decisions are in the new one.
    Raises:
        StoreError: the file exists and is not that list.
    """
    if path.exists() and (recipe.fixes is None or not path.samefile(recipe.fixes)):
        fix = f"Give another name. To go on with its decisions, add --set data.fixes={path}."
        raise StoreError(str(Problem(f"--fix {path}", "a file that exists already", "a new file", fix)))


def read_fixes(path: Path) -> tuple[Fix, ...]:
    """Read a fix list.

    Raises:
        DataError: the file cannot be read, or lines are wrong; each is named.
    """
    log = ReadLog(str(path))
    fixes: dict[str, Fix] = {}
    advice = "Write one with: tunewright check DATA --fix FILE."
    if found := not_a_file(path):
        raise DataError(Problem(f"data.fixes: {path}", found, "a fix list", advice))
    try:
        with path.open("rb") as file:
            for number, line in read_jsonl(file, log):
                try:
                    fix = _parse(line)
                    _require_first(fix, fixes)
                except RefusedError as refused:
                    log.refuse(number, refused)
                else:
                    fixes[fix.example_id] = fix
    except OSError as error:
        found = error.strerror or type(error).__name__
        raise DataError(Problem(f"data.fixes: {path}", found, "a fix list", advice)) from None
    log.raise_if_refused()
    return tuple(fixes.values())


def _parse(line: dict[str, object]) -> Fix:
    try:
        return Fix.model_validate(line)
    except ValidationError as error:
        detail = error.errors()[0]
        place = ".".join(str(part) for part in detail["loc"])
        if detail["type"] == "missing":
            raise RefusedError(place, "nothing", "a value", "Add the field.") from None
        if detail["type"] == "extra_forbidden":
            known = ", ".join(Fix.model_fields)
            raise RefusedError(place, "an unknown field", f"one of {known}", "Remove or rename it.") from None
        expected = detail["msg"].removeprefix("Value error, ")
        found = excerpt(str(detail["input"])) if place else "a fix that cannot be carried out"
        raise RefusedError(place, found, expected[0].lower() + expected[1:], "Correct the line.") from None


def _require_first(fix: Fix, fixes: dict[str, Fix]) -> None:
    if fix.example_id in fixes:
        raise RefusedError(
            "example_id", f"{fix.example_id[:12]} for the second time", "one line per row", "Remove one of them."
        )


def decisions_of(fixes: Sequence[Fix], examples: Iterable[Example], path: str) -> Decisions:
    """Turn a fix list into what happens to the rows it names.

    Args:
        fixes: the list.
        examples: all rows that were read.
        path: of the list, for messages.
    Raises:
        DataError: a fix names no row, or its edit does not apply to the row or leaves nothing valid.
    """
    wanted = {fix.example_id for fix in fixes}
    by_id = {example.id: example for example in examples if example.id in wanted}
    problems = [problem for fix in fixes for problem in _problems(fix, by_id.get(fix.example_id), path)]
    if problems:
        raise DataError(problems)
    return Decisions(
        dropped={fix.example_id: _reason(fix) for fix in fixes if fix.action == "drop"},
        edited={fix.example_id: Edit(_reason(fix), fix.text) for fix in fixes if fix.action == "edit"},
    )


def _reason(fix: Fix) -> str:
    return f"fix list, {fix.check}: {fix.reason.rstrip('.')}"


def _problems(fix: Fix, example: Example | None, path: str) -> Iterator[Problem]:
    where = f"{path}: row {fix.example_id[:12]} ({fix.location})"
    if example is None:
        advice = "The row has changed or is gone: remove the line, or write the list again."
        yield Problem(where, "no such row", "a row of the data", advice)
        return
    if fix.action != "edit":
        return
    try:
        edited = edit_example(example, fix.text)
    except ValueError:
        yield Problem(where, "an edit that leaves no valid row", "text that can be trained on", "Drop the row instead.")
        return
    if edited.id == example.id:
        old = excerpt(fix.text[0][0])
        yield Problem(where, f"an edit of {old}, which changes nothing", "text of the row", "Correct the old text.")
