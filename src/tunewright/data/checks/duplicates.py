"""Exact duplicates, and inputs that training shares with held-out files: settled by `prepare` without any similarity.

They are asked of all rows, copies included; the other checks see distinct rows.
"""

import time
from collections.abc import Mapping, Sequence

from tunewright.data.checks.check import checked_row
from tunewright.data.checks.excerpts import excerpt
from tunewright.data.copies import repeated
from tunewright.data.example_file import Examples, examples_on_disk
from tunewright.data.shared_inputs import SAME_ROW, Mark, marks, ties
from tunewright.records import CheckResult, Example, Finding, Severity, Split

DUPLICATES = "duplicates"
SHARED_INPUTS = "shared_inputs"


def check_duplicates(files: Mapping[Split, Sequence[Example]], *, keep: bool) -> CheckResult:
    """Find rows that occur more than once, in one file or in several.

    Args:
        files: all rows; the main file stands under train.
        keep: whether copies in training data stay, as `data.keep_duplicates` says.
    Returns:
        A result whose `num_rows` counts the copies beyond the one that is kept of each row.
    """
    started = time.monotonic()
    splits = [split for split in Split if split in files]
    parts = [examples_on_disk(files[split]) for split in splits]
    copies = repeated(parts)
    findings = [_finding([(splits[part], parts[part][index]) for part, index in found]) for found in copies]
    findings.sort(key=lambda finding: -finding.score)
    if keep:
        action = "copies within the training data are kept; of all others one is, in the test data if it is there"
    else:
        action = "one copy is kept, in the test data if it is there"
    return CheckResult(
        check=DUPLICATES,
        title="Exact duplicates",
        explanation=(
            "Rows with the same text as another row. Copies within the training data count a row several times; a copy "
            "in both training and test data lets the model answer the test from memory."
        ),
        severity=Severity.WARNING,
        action=action,
        num_rows=sum(len(found) - 1 for found in copies),
        findings=tuple(findings),
        seconds=round(time.monotonic() - started, 3),
    )


def _finding(copies: Sequence[tuple[Split, Example]]) -> Finding:
    splits = list(dict.fromkeys(split for split, _ in copies))
    across = f", in {' and '.join(splits)} data" if len(splits) > 1 else ""
    row = checked_row(copies[0][1])
    shown = f"{row.input} → {row.answer}" if row.input else row.answer
    return Finding(
        check=DUPLICATES,
        example_ids=tuple(example.id for _, example in copies),
        locations=tuple(str(example.provenance) for _, example in copies),
        explanation=f"The same row stands in {len(copies)} places{across}.",
        evidence=(excerpt(shown),),
        # A row that is in training and in test data is worse than any number of copies in one of them.
        score=len(copies) + (1_000_000 if len(splits) > 1 else 0),
    )


def check_shared_inputs(files: Mapping[Split, Sequence[Example]]) -> CheckResult:
    """Find rows whose input stands in the file of a stronger split too, with another answer: test, then validation.

    White space and case do not count. Inputs of a chat's earlier turns do, if their answers are trained.
    Equal rows are left to `check_duplicates`.
    """
    started = time.monotonic()
    held_out: dict[Mark, tuple[Split, Examples, int]] = {}
    findings: dict[str, Finding] = {}
    for split in (Split.TEST, Split.VALIDATION, Split.TRAIN) if len(files) > 1 else ():
        examples = examples_on_disk(files.get(split, ()))
        for example in examples:
            shared, mark = next((tie for tie in ties(example) if tie[1] in held_out), (SAME_ROW, None))
            if mark is not None and shared != SAME_ROW and example.id not in findings:
                home, others, place = held_out[mark]
                findings[example.id] = _shared_finding(example, shared, home, others[place])
        if split is not Split.TRAIN:
            for index, example in enumerate(examples):
                for mark in marks(example):
                    held_out.setdefault(mark, (split, examples, index))
    return CheckResult(
        check=SHARED_INPUTS,
        title="Inputs shared with held-out data",
        explanation=(
            "Rows whose input, or that of an earlier turn, is asked in the test or validation file too, with another "
            "answer or in other white space or case. A model that has trained on a question is not tested by it."
        ),
        severity=Severity.WARNING,
        action="the row is taken out; the test file keeps its rows before the validation file",
        num_rows=len(findings),
        findings=tuple(findings.values()),
        skipped=None if len(files) > 1 else "there is one file; its rows with one input share a split",
        seconds=round(time.monotonic() - started, 3),
    )


def _shared_finding(example: Example, shared: str, split: Split, other: Example) -> Finding:
    location, place = str(example.provenance), str(other.provenance)
    return Finding(
        check=SHARED_INPUTS,
        example_ids=(example.id, other.id),
        locations=(location, place),
        explanation=f"{location} has the {shared} {place}, which is {split} data.",
        evidence=tuple(excerpt(f"{row.input} → {row.answer}") for row in (checked_row(example), checked_row(other))),
    )
