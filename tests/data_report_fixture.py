"""One data report with everything in it, hostile text included."""

from report_fixture import HOSTILE

from tunewright.records import (
    CheckResult,
    DataReport,
    Finding,
    LabelCount,
    LengthHistogram,
    Severity,
    Source,
)


def build_finding(check: str, *rows: int, evidence: tuple[str, ...] = (), **settings: object) -> Finding:
    return Finding(
        check=check,
        example_ids=tuple(f"{row:064x}" for row in rows),
        locations=tuple(f"rows & co.jsonl:{row}" for row in rows),
        explanation=f"Rows {', '.join(map(str, rows))} are alike.",
        evidence=evidence,
    ).model_copy(update=settings)


def build_result(check: str, *findings: Finding, **settings: object) -> CheckResult:
    return CheckResult(
        check=check,
        title=check.replace("_", " ").capitalize(),
        explanation=f"Explains {check} with `a_setting`.",
        severity=Severity.WARNING,
        action="listed only",
        num_rows=len({place for finding in findings for place in finding.locations}),
        findings=findings,
    ).model_copy(update=settings)


def build_data_report(**changes: object) -> DataReport:
    """Six checks: two that block (one accepted), one that drops, one that edits, one clean, one skipped."""
    drop = build_finding("near_duplicates", 5, 6, 7, 8, 9, evidence=("five", "six", "seven", "eight", "nine"))
    report = DataReport(
        sources=(
            Source(
                name="rows & co.jsonl",
                sha256="ab" * 32,
                form="messages",
                num_rows=1234,
                warnings=(f"a field that was not used: {HOSTILE}",),
            ),
        ),
        num_rows=1234,
        num_distinct_rows=1200,
        num_dropped=4,
        num_edited=1,
        results=(
            build_result(
                "contradictions",
                build_finding("contradictions", 1, 2, evidence=(f"yes {HOSTILE}", "no")),
                *(build_finding("contradictions", row, row + 1, evidence=("a", "b")) for row in (11, 13, 15)),
                severity=Severity.BLOCKING,
                action="training is refused",
            ),
            build_result("secrets", build_finding("secrets", 3), severity=Severity.ACCEPTED),
            build_result("near_duplicates", drop.model_copy(update={"drop": drop.example_ids[1:]})),
            build_result(
                "mojibake", build_finding("mojibake", 4, evidence=("cafÃ©",), edited_text=(("cafÃ©", "café"),))
            ),
            build_result("refusals"),
            build_result("contamination", skipped="no files are named in data.checks.benchmarks"),
        ),
        lengths=(
            LengthHistogram(part="input", median=7, longest=90, bin_edges=(1.0, 11.0, 21.0), counts=(1100, 100)),
            LengthHistogram(part="answer", median=1, longest=1, bin_edges=(1.0, 2.0), counts=(1200,)),
        ),
        labels=(LabelCount(label="card <lost>", num_rows=900), LabelCount(label="other", num_rows=300)),
        num_labels=2,
        seconds=1.25,
    )
    return report.model_copy(update=changes)


def build_clean_data_report() -> DataReport:
    return build_data_report(results=(build_result("refusals"),), num_dropped=0, num_edited=0, labels=(), num_labels=0)
