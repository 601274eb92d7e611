"""The task: what is asked, what counts as right, and which metrics fit the answers of a data set."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from tunewright.data.checks.answers import normal_label
from tunewright.data.checks.final_answers import after_hashes
from tunewright.data.groups import Groups
from tunewright.errors import Problem, RecipeError
from tunewright.evaluate.final_numbers import has_number
from tunewright.evaluate.json_answers import is_json
from tunewright.evaluate.scorers import SCORERS
from tunewright.records import Conversation, Example, Message

FITTING_SHARE = 0.95
"""Answers that must have a form before it counts as the form of the data: a few odd rows do not change the task."""
MAX_LABELS = 200
MAX_LABEL_WORDS = 5
MIN_ROWS_PER_LABEL = 3

LOSS_METRICS = ("loss", "perplexity")
LABEL_METRICS = ("accuracy", "macro_f1")


@dataclass(frozen=True, slots=True)
class TestItem:
    """One distinct input with everything that counts as a right answer to it.

    Rows that share an input are one item: their scores hang together, so counting them one by one would make every
    interval too narrow.
    """

    example: Example
    """First row of this input; its id names the item."""
    prompt: tuple[Message, ...]
    """Empty for plain text, which has loss metrics only."""
    references: tuple[str, ...]
    """Distinct right answers in the order of the rows."""
    examples: tuple[Example, ...]
    """Every row of this input; the loss covers all of them."""
    group: str | None = None
    """Name of its group (`Provenance.group`). Groups that share an input are one, as they are when rows are split."""

    @property
    def expects_calls(self) -> bool:
        """Whether a right answer calls functions; such references are calls as canonical JSON."""
        return any(isinstance(row.body, Conversation) and row.body.ends_in_calls for row in self.examples)


def test_items(examples: Sequence[Example], max_inputs: int | None) -> tuple[TestItem, ...]:
    """Group rows by what the model is given, in the order in which the inputs first appear.

    Args:
        examples: rows of the test split.
        max_inputs: keep only the first so many distinct inputs, with all of their rows; None keeps all.
    """
    rows_of: dict[str, list[Example]] = {}
    for example in examples:
        rows_of.setdefault(example.input_id, []).append(example)
    kept = list(rows_of.values())[:max_inputs]
    groups: Groups[str] = Groups()
    for rows in kept:
        groups.join(_groups(rows))
    return tuple(_item(rows, groups) for rows in kept)


def _groups(rows: Sequence[Example]) -> list[str]:
    return [row.provenance.group for row in rows if row.provenance.group is not None]


def _item(rows: Sequence[Example], groups: Groups[str]) -> TestItem:
    first = rows[0].body
    prompt = first.prompt if isinstance(first, Conversation) else ()
    answers = [row.body.answer for row in rows if isinstance(row.body, Conversation)]
    return TestItem(
        example=rows[0],
        prompt=prompt,
        references=tuple(dict.fromkeys(answers)),
        examples=tuple(rows),
        group=next(map(groups.name, _groups(rows)), None),
    )


class MetricChoice(NamedTuple):
    """Which metrics are computed, which of them leads the report, and why."""

    metrics: tuple[str, ...]
    headline: str
    reason: str


def choose_metrics(answers: Sequence[str], chosen: Sequence[str] | None = None) -> MetricChoice:
    """Pick the metrics that fit the answers, or check the ones the user named.

    | answers | headline | others, before loss and perplexity |
    |---|---|---|
    | at least 95 % JSON objects or arrays | json_fields | json_valid, exact_match |
    | a few short texts that repeat | accuracy | macro_f1 |
    | at least 95 % with `#### number`, no fraction, date or the like | final_number | chrf |
    | other texts | chrf | token_f1, exact_match |
    | none (plain text) | loss | |

    Args:
        answers: the answers of the training rows; empty for plain text.
        chosen: names from the recipe; the first becomes the headline.
    Raises:
        RecipeError: a chosen name is unknown, given twice, or cannot be computed for these answers.
    """
    if chosen is not None:
        _check(chosen, answers)
        return MetricChoice(tuple(chosen), chosen[0], "chosen in the recipe; the first one leads")
    if not answers:
        return MetricChoice(LOSS_METRICS, "loss", "plain text has no answers to compare, so only its loss is measured")
    headline, others, reason = _fitting(answers)
    return MetricChoice((headline, *others, *LOSS_METRICS), headline, reason)


def _fitting(answers: Sequence[str]) -> tuple[str, tuple[str, ...], str]:
    if (share := _share(is_json, answers)) >= FITTING_SHARE:
        # Field by field, because one free-text field would keep the exact match of both arms near zero.
        others = ("json_valid", "exact_match")
        return (
            "json_fields",
            others,
            f"{100 * share:.0f} % of the training answers are JSON, so their fields are compared",
        )
    if _are_labels(answers):
        num_labels = len(set(map(normal_label, answers)))
        reason = f"{len(answers)} training answers are {num_labels} different short texts, so they are labels"
        return "accuracy", ("macro_f1",), reason
    if (share := _share(_has_marked_number, answers)) >= FITTING_SHARE:
        reason = f"{100 * share:.0f} % of the training answers give a number after ####, so that number is compared"
        return "final_number", ("chrf",), reason
    return "chrf", ("token_f1", "exact_match"), "the training answers are free text, so overlap is measured"


def _share(has_form: Callable[[str], bool], answers: Sequence[str]) -> float:
    return sum(map(has_form, answers)) / len(answers)


def _has_marked_number(answer: str) -> bool:
    return after_hashes(answer) is not None and has_number(answer)


def _are_labels(answers: Sequence[str]) -> bool:
    labels = set(map(normal_label, answers))
    return (
        len(labels) <= max(2, min(MAX_LABELS, len(answers) / 5))
        and all(len(label.split()) <= MAX_LABEL_WORDS for label in labels)
        and len(answers) / len(labels) >= MIN_ROWS_PER_LABEL
    )


def _check(chosen: Sequence[str], answers: Sequence[str]) -> None:
    problems = [
        Problem("evaluate.metrics", repr(name), f"one of {', '.join(SCORERS)}", "Correct the name or remove it.")
        for name in chosen
        if name not in SCORERS
    ]
    problems += [
        Problem("evaluate.metrics", f"{name!r} {chosen.count(name)} times", "each name once", "Remove the others.")
        for name in dict.fromkeys(chosen)
        if chosen.count(name) > 1
    ]
    if not chosen:
        problems.append(
            Problem(
                "evaluate.metrics", "an empty list", "at least one metric", "Remove the setting to have it derived."
            )
        )
    problems += [problem for name in dict.fromkeys(chosen) if (problem := _misfit(name, answers))]
    if problems:
        raise RecipeError(problems)


def _misfit(name: str, answers: Sequence[str]) -> Problem | None:
    """Why a known metric would say nothing about these answers."""
    if name not in SCORERS or name in LOSS_METRICS:
        return None
    where = f"evaluate.metrics: {name}"
    if not answers:
        return Problem(where, "rows of plain text", "rows with answers", f"Use {' and '.join(LOSS_METRICS)}.")
    scorer = SCORERS[name]
    share = _share(scorer.can_judge, answers)
    if share < FITTING_SHARE:
        found = f"{scorer.needs} in {100 * share:.1f} % of the training answers"
        return Problem(where, found, f"at least {100 * FITTING_SHARE:.0f} %", "Remove it, or correct the answers.")
    num_labels = len(set(map(normal_label, answers)))
    # Looser than the rule that derives labels: the user may know better, but texts that never repeat are no labels.
    if name in LABEL_METRICS and 2 * num_labels > len(answers):
        found = f"{num_labels} different answers in {len(answers)} training rows"
        return Problem(where, found, "labels that repeat", "Use exact_match, token_f1 or chrf for free text.")
    return None
