"""What checks have measured about the data as a whole, in a few lines on the screen."""

from collections.abc import Sequence

from rich.table import Table

from tunewright.cli.screen import Screen
from tunewright.cli.visible import visible
from tunewright.records import (
    CheckResult,
    Estimate,
    GroupTable,
    InputClusters,
    ReferenceComparison,
    ReferenceCoverage,
    TokenLengths,
)

MAX_TOPICS = 8
MAX_GROUPS = 6


def print_measured(screen: Screen, results: Sequence[CheckResult]) -> None:
    """Print topics as a table; comparison with the reference and groups as one line each."""
    for measured in (each for result in results for each in result.measured):
        if isinstance(measured, InputClusters):
            screen.line("\nTopics of the inputs, by typical words", "bold")
            screen.show(_topic_table(measured))
            if len(measured.clusters) > MAX_TOPICS:
                screen.line(f"and {len(measured.clusters) - MAX_TOPICS} smaller; --page shows all", "dim")
            screen.line(measured.choice, "dim")
        else:
            screen.line(visible(_line(measured)))


def _topic_table(measured: InputClusters) -> Table:
    samples = list(measured.clusters[0].shares)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("topic", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    for sample in samples:
        table.add_column("share" if sample == "all" else sample, justify="right", no_wrap=True)
    for cluster in measured.clusters[:MAX_TOPICS]:
        shares = [f"{cluster.shares[sample].value:.0%}" for sample in samples]
        table.add_row(visible(cluster.name), f"{cluster.num_rows:,}", *shares)
    return table


def _line(measured: ReferenceComparison | ReferenceCoverage | GroupTable | TokenLengths) -> str:
    if isinstance(measured, TokenLengths):
        return tokens_in_words(measured)
    if isinstance(measured, ReferenceComparison):
        auc = measured.auc
        return (
            f"Told apart from {measured.reference} by a classifier: AUC {auc.value:.2f} [{auc.low:.2f}, "
            f"{auc.high:.2f}] (0.5: not at all; 1: always)"
        )
    if isinstance(measured, ReferenceCoverage):
        return f"Inputs of {measured.reference} that training covers: {_share(measured.covered)}"
    groups = [f"{group.group} {group.num_rows:,}" for group in measured.groups[:MAX_GROUPS]]
    more = ["..."] if len(measured.groups) > MAX_GROUPS else []
    return f"Rows by {measured.name}: {', '.join([*groups, *more])}"


def tokens_in_words(measured: TokenLengths) -> str:
    """How many tokens there are, and what of them is trained."""
    parts = [f"{found.part}s median {found.median:g}, longest {found.longest:,}" for found in measured.lengths]
    return (
        f"In the tokens of {measured.base}: {measured.num_tokens:,} in all, {measured.num_answer_tokens:,} of them "
        f"trained; {'; '.join(parts)}; room for {measured.max_length:,}"
    )


def _share(estimate: Estimate) -> str:
    low, high = 100 * estimate.low, 100 * estimate.high
    return f"{estimate.value:.1%} of {estimate.num_rows:,} [{low:.1f}, {high:.1f}]"
