"""All checks over one row set, and what their findings decide about each row."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import islice

from tunewright.contracts import Progress
from tunewright.data.checks.answer_text import (
    EMPTY_OR_BOILERPLATE_ANSWERS,
    REFUSALS,
    REPETITION,
    TRUNCATED_ANSWERS,
)
from tunewright.data.checks.base_tokens import (
    CUT_PROMPTS,
    SPECIAL_TOKENS,
    UNUSABLE_ROWS,
    RowsUnderBase,
    with_base,
)
from tunewright.data.checks.check import Check, RowSet
from tunewright.data.checks.contradictions import CONTRADICTIONS
from tunewright.data.checks.formats import CODE_DOES_NOT_PARSE, INVALID_JSON, JSON_DRIFT
from tunewright.data.checks.group_balance import GENDER_TERMS, GROUP_BALANCE
from tunewright.data.checks.labels import LABEL_BALANCE, LABEL_ERRORS
from tunewright.data.checks.languages import LANGUAGE_MIX
from tunewright.data.checks.leakage import LEAKAGE
from tunewright.data.checks.lengths import LENGTHS
from tunewright.data.checks.licences import LICENCES
from tunewright.data.checks.near_duplicates import NEAR_DUPLICATES
from tunewright.data.checks.overlap import CONTAMINATION, PROTECTED_TEXT
from tunewright.data.checks.personal import PERSONAL_DATA
from tunewright.data.checks.placeholders import UNFILLED_PLACEHOLDERS
from tunewright.data.checks.preferences import CONTRADICTORY_PREFERENCES, EQUAL_PAIRS, PREFERENCE_LENGTH_BIAS
from tunewright.data.checks.reference_sample import NOT_COVERED, REFERENCE_DRIFT
from tunewright.data.checks.row_finding import replaced
from tunewright.data.checks.secrets import SECRETS
from tunewright.data.checks.system_messages import MISSING_SYSTEM_MESSAGE
from tunewright.data.checks.text import INVISIBLE_CHARACTERS, MOJIBAKE
from tunewright.data.checks.tool_calls import TOOL_CALLS
from tunewright.data.checks.topics import TOPIC_SHARES
from tunewright.data.representation.features import TooLittleInCommonError
from tunewright.errors import MissingExtraError, Problem, RecipeError
from tunewright.records import (
    Body,
    CheckRecipe,
    CheckResult,
    Conversation,
    Example,
    Finding,
    Measurement,
    Message,
    PlainText,
    PreferencePair,
    Severity,
)

CHECKS: tuple[Check, ...] = (
    CONTRADICTIONS,
    LEAKAGE,
    CONTAMINATION,
    LICENCES,
    NEAR_DUPLICATES,
    LABEL_ERRORS,
    LABEL_BALANCE,
    INVALID_JSON,
    JSON_DRIFT,
    CODE_DOES_NOT_PARSE,
    TOOL_CALLS,
    EQUAL_PAIRS,
    CONTRADICTORY_PREFERENCES,
    PREFERENCE_LENGTH_BIAS,
    MOJIBAKE,
    INVISIBLE_CHARACTERS,
    SECRETS,
    PERSONAL_DATA,
    PROTECTED_TEXT,
    REFUSALS,
    EMPTY_OR_BOILERPLATE_ANSWERS,
    TRUNCATED_ANSWERS,
    REPETITION,
    UNFILLED_PLACEHOLDERS,
    MISSING_SYSTEM_MESSAGE,
    LANGUAGE_MIX,
    LENGTHS,
    SPECIAL_TOKENS,
    UNUSABLE_ROWS,
    CUT_PROMPTS,
    TOPIC_SHARES,
    REFERENCE_DRIFT,
    NOT_COVERED,
    GROUP_BALANCE,
    GENDER_TERMS,
)
"""In the order of reports. Edits are applied in this order too: secrets and personal data are found in the text as it
is after the repairs, so those come first."""

ALL_FINDINGS = sys.maxsize


def run_checks(
    rows: RowSet,
    recipe: CheckRecipe,
    progress: Progress,
    max_findings: int = ALL_FINDINGS,
    base: RowsUnderBase | None = None,
    settled: Set[str] = frozenset(),
) -> tuple[CheckResult, ...]:
    """Ask every check; a check that has nothing to do or lacks its library says so instead of failing.

    Args:
        rows: distinct rows.
        recipe: what is skipped, accepted and configured.
        progress: shows which check is running.
        max_findings: findings kept per check, the worst first. All are counted in `num_rows`.
        base: what rows are measured with; without it some checks have nothing to do.
        settled: ids of rows that a fix list has decided about: no finding drops or edits them.
    Returns:
        One result per check, in the order of CHECKS.
    Raises:
        RecipeError: a check to skip or accept is unknown, or one to accept does not block.
    """
    _require_known(recipe)
    checks = CHECKS if base is None else with_base(CHECKS, base)
    results = []
    with progress.bar("Checking rows", len(checks)) as advance:
        for check in checks:
            advance(0, check.title)
            results.append(_run(check, rows, recipe, max_findings, settled))
            advance(1)
    return tuple(results)


def _require_known(recipe: CheckRecipe) -> None:
    known = {check.id: check for check in CHECKS}
    acceptable = [check.id for check in CHECKS if check.severity is Severity.BLOCKING and check.is_acceptable]
    problems = [
        Problem("data.checks.skip", repr(name), f"one of {', '.join(known)}", "Correct or remove it.")
        for name in recipe.skip
        if name not in known
    ]
    problems += [
        Problem("data.checks.accept", repr(name), f"one of {', '.join(acceptable)}", _why_not_accepted(known.get(name)))
        for name in recipe.accept
        if name not in acceptable
    ]
    if recipe.reference_input is not None and recipe.reference is None:
        problems.append(
            Problem(
                "data.checks.reference_input",
                repr(recipe.reference_input),
                "no such setting without data.checks.reference",
                "Name the file with data.checks.reference, or remove it.",
            )
        )
    if problems:
        raise RecipeError(problems)


def _why_not_accepted(check: Check | None) -> str:
    if check is None:
        return "Correct or remove it."
    if not check.is_acceptable:
        return "Remove it: no base can learn from such rows. To drop them, set data.unusable_rows=drop."
    return f"Remove it: {check.id} never stops training. To leave the check out, use data.checks.skip."


def _run(check: Check, rows: RowSet, recipe: CheckRecipe, max_findings: int, settled: Set[str]) -> CheckResult:
    started = time.monotonic()
    skipped = "left out by data.checks.skip" if check.id in recipe.skip else check.idle(recipe) or check.lacking(rows)
    lacks_extra = False
    findings: list[Finding] = []
    measured: list[Measurement] = []
    if skipped is None:
        try:
            found = list(check.find(rows, recipe))
            measured = [each for each in found if not isinstance(each, Finding)]
            # Python's sort is stable: findings of equal score stay in the check's order.
            findings = sorted((each for each in found if isinstance(each, Finding)), key=lambda each: -each.score)
        except MissingExtraError as missing:
            skipped, lacks_extra = str(missing), True
        except TooLittleInCommonError as reason:
            skipped = str(reason)
    num_rows = len({example_id for finding in findings for example_id in finding.example_ids})
    num_rows += sum(finding.num_only_here for finding in findings)
    return CheckResult(
        check=check.id,
        title=check.title,
        explanation=check.explanation,
        severity=_severity(check, findings, recipe, settled, share=num_rows / max(1, len(rows))),
        action=check.action,
        num_rows=num_rows,
        findings=tuple(_without(settled, finding) for finding in islice(findings, max_findings)),
        measured=tuple(measured),
        skipped=skipped,
        is_acceptable=check.is_acceptable,
        lacks_extra=lacks_extra,
        seconds=round(time.monotonic() - started, 3),
    )


def _severity(
    check: Check, findings: Sequence[Finding], recipe: CheckRecipe, settled: Set[str], share: float
) -> Severity:
    """A blocking check does not block what is accepted, rare enough, or dropped or repaired by default.

    It does block where a fix list decides otherwise about a row that would be dropped or repaired.
    """
    if check.severity is not Severity.BLOCKING:
        return check.severity
    if check.id in recipe.accept:
        return Severity.ACCEPTED
    is_settled = bool(findings) and all(changed and settled.isdisjoint(changed) for changed in map(_changed, findings))
    is_settled = is_settled or 0 < share <= check.tolerated_share
    return Severity.WARNING if is_settled else Severity.BLOCKING


def _changed(finding: Finding) -> tuple[str, ...]:
    """Ids of the rows that are dropped or edited by default."""
    return finding.example_ids if finding.edited_text else finding.drop


def _without(settled: Set[str], finding: Finding) -> Finding:
    """The finding with what it does by default to rows that a fix list has not decided about."""
    if settled.isdisjoint(_changed(finding)):
        return finding
    return finding.model_copy(
        update={
            "drop": tuple(example_id for example_id in finding.drop if example_id not in settled),
            "edited_text": () if settled >= set(finding.example_ids) else finding.edited_text,
        }
    )


@dataclass(frozen=True, slots=True)
class Edit:
    """How the text of one row is repaired."""

    reason: str
    replacements: tuple[tuple[str, str], ...]
    """(old, new), each applied to every message in turn."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What happens to rows, by example id. No row is in both."""

    dropped: dict[str, str]
    """The reason: check id and explanation."""
    edited: dict[str, Edit]


def decide(findings: Iterable[Finding], kept: Set[str] = frozenset()) -> Decisions:
    """Turn findings into what happens to each row by default.

    A row that several checks would drop is dropped once, for the first reason. A row to drop is not edited. Edits by
    several checks are applied one after the other, in the order of the findings.

    Args:
        findings: of all checks, in the order of CHECKS.
        kept: ids of rows that stay as they are, whatever was found.
    """
    findings = tuple(findings)
    dropped: dict[str, str] = {}
    for finding in findings:
        for example_id in finding.drop:
            if example_id not in kept:
                dropped.setdefault(example_id, reason_of(finding))
    edited: dict[str, Edit] = {}
    for finding in findings:
        if not finding.edited_text:
            continue
        for example_id in finding.example_ids:
            if example_id in kept or example_id in dropped:
                continue
            before = edited.get(example_id)
            reasons = (before.reason, reason_of(finding)) if before else (reason_of(finding),)
            replacements = (before.replacements if before else ()) + finding.edited_text
            edited[example_id] = Edit("; ".join(reasons), replacements)
    return Decisions(dropped, edited)


def reason_of(finding: Finding) -> str:
    """What a change says about itself: `near_duplicates: the same words as ...`."""
    return f"{finding.check}: {finding.explanation.rstrip('.')}"


def edit_example(example: Example, replacements: Iterable[tuple[str, str]]) -> Example:
    """Replace text in every message of an example. The result has another id and the same provenance.

    Raises:
        ValueError: what is left is not a valid example, such as an empty answer.
    """
    repaired = partial(replaced, replacements=tuple(replacements))

    def repaired_all(messages: Iterable[Message]) -> tuple[Message, ...]:
        return tuple(_edit_message(message, repaired) for message in messages)

    body: Body
    match example.body:
        case Conversation(messages=messages):
            body = Conversation(messages=repaired_all(messages))
        case PreferencePair(prompt=prompt, chosen=chosen, rejected=rejected):
            body = PreferencePair(prompt=repaired_all(prompt), chosen=repaired(chosen), rejected=repaired(rejected))
        case PlainText(text=text):
            body = PlainText(text=repaired(text))
    return Example(body=body, provenance=example.provenance)


def _edit_message(message: Message, repaired: Callable[[str], str]) -> Message:
    calls = tuple(call.model_copy(update={"arguments": repaired(call.arguments)}) for call in message.tool_calls)
    return message.model_copy(update={"content": repaired(message.content), "tool_calls": calls})
