"""Scorers: how good one answer is against its references, and what each number means to a reader.

A scorer is a pure function of the answer and the references of its input; the reference that fits best counts.
`SCORERS` is the one list of metrics. How the values of the rows become one number is the scorer's `Aggregate`.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from tunewright.data.checks.answers import normal_label
from tunewright.evaluate.aggregate import Aggregate
from tunewright.evaluate.final_numbers import has_number, read_final_number
from tunewright.evaluate.json_answers import is_json, share_of_fields, strict_json
from tunewright.evaluate.sql_query import read_simple_query
from tunewright.evaluate.sql_tables import can_be_executed, gives_same_result
from tunewright.records import Metric

if TYPE_CHECKING:
    from sacrebleu.metrics import CHRF


@dataclass(frozen=True, slots=True)
class Scorer:
    """One metric: its description, its function, and which references it can judge against."""

    metric: Metric
    aggregate: Aggregate
    score: Callable[[str, Sequence[str]], float] | None
    """Value of one answer against its references; None when the value comes from token probabilities."""
    can_judge: Callable[[str], bool] = bool
    """Whether a reference can be compared with. Without such a reference the row is unscored, not wrong."""
    needs: str = "a text"
    """What `can_judge` looks for, completing "the reference is not ..."."""


def exact_match(answer: str, references: Sequence[str]) -> float:
    """1 when the answer is a reference, up to white space at the ends and the length of white space inside."""
    return float(_collapse(answer) in {_collapse(reference) for reference in references})


def token_f1(answer: str, references: Sequence[str]) -> float:
    """Word overlap with the closest reference: harmonic mean of precision and recall over word counts.

    Words are compared in lower case without punctuation and without a, an, the. When a side has no word left, the
    value is 1 if both have none, else 0.

    Source: Rajpurkar et al. 2016, "SQuAD: 100,000+ Questions for Machine Comprehension of Text", section 6.1, and
    the empty case of the official evaluation script for SQuAD 2.0.
    """
    return max(_token_f1_of_one(_squad_words(answer), _squad_words(reference)) for reference in references)


def chrf(answer: str, references: Sequence[str]) -> float:
    """Sentence-level chrF2 of sacrebleu as a share: character 1- to 6-gram F-score, recall weighted twice.

    Source: Popović 2015, "chrF: character n-gram F-score for automatic MT evaluation".
    """
    return float(_chrf_scorer().sentence_score(answer, list(references)).score) / 100


def accuracy(answer: str, references: Sequence[str]) -> float:
    """1 when the answer is the label, up to case and white space at the ends."""
    return float(normal_label(answer) in {normal_label(reference) for reference in references})


def json_valid(answer: str, references: Sequence[str]) -> float:
    """1 when the whole answer is one JSON object or array: no other text, no key twice, no NaN or infinity."""
    del references
    return float(is_json(answer))


def json_fields(answer: str, references: Sequence[str]) -> float:
    """Share of the reference object's top-level fields that the answer has with an equal value; 0 when invalid.

    Order of keys and white space do not count. Fields that only the answer has do not count either. A reference
    that is an array (or has no fields) counts as one field: the whole value.

    Calls of functions are paired so that most agrees. The value is then the share of names and arguments that are
    right, among those of the side that has more of them.
    """
    if not is_json(answer):
        return 0.0
    given = strict_json(answer)
    return max(share_of_fields(given, strict_json(reference)) for reference in references)


def final_number(answer: str, references: Sequence[str]) -> float:
    """1 when the answer's final number equals the reference's; thousands commas, $ and trailing .0 do not count.

    The final number is the first one behind the mark `####`, or the last one of the text when there is no mark. One
    that is part of something else, as in 3/4, 10:30, 2024-05-01, 1e5 or 3,5, is not read and equals none.

    >>> final_number("9 eggs at $2 make $1,018.00 in all.", ["9 * 2 = 18, plus 1000\\n#### 1018"])
    1.0

    Source: Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems" (GSM8K's answer format).
    """
    given = read_final_number(answer)
    return float(given is not None and given in map(read_final_number, references))


def sql_result(answer: str, references: Sequence[str]) -> float:
    """1 when the answer, executed, selects what a reference does on tables made for it; see sql_tables.py."""
    return float(any(gives_same_result(answer, reference) for reference in references))


def sql_conditions(answer: str, references: Sequence[str]) -> float:
    """1 when column, aggregate and set of conditions are a reference's; order, case and quotes do not count."""
    found = read_simple_query(answer)
    return float(found is not None and found in map(read_simple_query, references))


def is_simple_query(text: str) -> bool:
    """Whether a text is a query that `sql_conditions` can take apart."""
    return read_simple_query(text) is not None


def _collapse(text: str) -> str:
    return " ".join(text.split())


_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def _squad_words(text: str) -> list[str]:
    # Same order as the official script: lower case, punctuation, articles, white space.
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def _token_f1_of_one(answer: list[str], reference: list[str]) -> float:
    if not answer or not reference:
        return float(answer == reference)
    num_shared = (Counter(answer) & Counter(reference)).total()
    return 2 * num_shared / (len(answer) + len(reference))


@cache
def _chrf_scorer() -> "CHRF":
    from sacrebleu.metrics import CHRF

    return CHRF()


def _metric(name: str, title: str, explanation: str, *, higher_is_better: bool = True, is_share: bool = True) -> Metric:
    return Metric(name=name, title=title, explanation=explanation, higher_is_better=higher_is_better, is_share=is_share)


_ALL_SCORERS = (
    Scorer(
        _metric(
            "exact_match",
            "Exact match",
            "Share of answers equal to a reference, apart from the amount of white space. Calls of functions may "
            "come in any order.",
        ),
        Aggregate.RATE,
        exact_match,
    ),
    Scorer(
        _metric(
            "token_f1",
            "Token F1",
            "Word overlap with the closest reference (SQuAD definition: no case, punctuation or articles), averaged "
            "over rows.",
        ),
        Aggregate.MEAN,
        token_f1,
    ),
    Scorer(
        _metric(
            "chrf",
            "chrF",
            "Overlap of character sequences with the references (sacrebleu's sentence chrF2), averaged over rows; "
            "papers often give the corpus-level chrF, which weighs long answers more.",
        ),
        Aggregate.MEAN,
        chrf,
    ),
    Scorer(
        _metric("accuracy", "Accuracy", "Share of answers equal to the label, apart from case."),
        Aggregate.RATE,
        accuracy,
    ),
    Scorer(
        _metric(
            "macro_f1",
            "Macro F1",
            "F1 of each label that occurs in the test rows, averaged so that rare labels count as much as frequent "
            "ones. An answer that is no label counts as a miss of the right one. Of several labels of an input, any is "
            "right and counts as the first.",
        ),
        Aggregate.MACRO_F1,
        accuracy,
    ),
    Scorer(
        _metric(
            "json_valid",
            "Valid JSON",
            "Share of answers that are one JSON object or array and nothing else; a key given twice, NaN or text "
            "around it makes an answer invalid.",
        ),
        Aggregate.RATE,
        json_valid,
        is_json,
        "a JSON object or array",
    ),
    Scorer(
        _metric(
            "json_fields",
            "JSON fields right",
            "Share of the reference's top-level fields that the answer has with an equal value, averaged over rows; "
            "0 for an answer that is not valid JSON. Extra fields do not count. Of calls of functions, in any order, "
            "it is the share of names and arguments that are right, among those of the side that has more.",
        ),
        Aggregate.MEAN,
        json_fields,
        is_json,
        "a JSON object or array",
    ),
    Scorer(
        _metric(
            "final_number",
            "Final number right",
            "Share of answers whose final number (after ####, else the last one) equals the reference's.",
        ),
        Aggregate.RATE,
        final_number,
        has_number,
        "a text with a plain final number",
    ),
    Scorer(
        _metric(
            "sql_result",
            "SQL result right",
            "Share of answers that select what the reference selects when both are executed, by SQLite, on five small "
            "tables made for the reference: their rows meet all of its conditions, miss one of them, or are arbitrary. "
            "Two further tables for each threshold have the values right beside it. The order of rows and the case of "
            "texts do not count. An answer that cannot be executed is wrong.",
        ),
        Aggregate.RATE,
        sql_result,
        can_be_executed,
        "a query SELECT [AGGREGATE] column FROM table [WHERE conditions joined by AND] that SQLite executes",
    ),
    Scorer(
        _metric(
            "sql_conditions",
            "SQL parts right",
            "Share of answers with the reference's column, aggregate and set of conditions. The order of conditions, "
            "the case of names and texts, and quotes do not count.",
        ),
        Aggregate.RATE,
        sql_conditions,
        is_simple_query,
        "a query SELECT [AGGREGATE] column FROM table [WHERE conditions joined by AND]",
    ),
    Scorer(
        _metric(
            "loss",
            "Loss",
            "Cross-entropy of the reference answers in nats per token: how unexpected they are to the model.",
            higher_is_better=False,
            is_share=False,
        ),
        Aggregate.LOSS,
        None,
    ),
    Scorer(
        _metric(
            "perplexity",
            "Perplexity",
            "exp(loss): among how many equally likely tokens the model hesitates on average.",
            higher_is_better=False,
            is_share=False,
        ),
        Aggregate.PERPLEXITY,
        None,
    ),
)

SCORERS: Mapping[str, Scorer] = {scorer.metric.name: scorer for scorer in _ALL_SCORERS}
"""Every metric by its name, in the order in which they are listed to the user."""

AGGREGATES: Mapping[str, Aggregate] = {
    **{name: scorer.aggregate for name, scorer in SCORERS.items()},
    "schema_valid": Aggregate.RATE,
    "code_parses": Aggregate.RATE,
    "terminology": Aggregate.MEAN,
    "style": Aggregate.MEAN,
    "preference": Aggregate.MEAN,
    "agreement": Aggregate.RATE,
}
"""How the rows become one number, by metric: those of SCORERS, and those of evaluate/formats.py,
evaluate/house.py and evaluate/preference.py, which need a parser, the user's own rules or another model."""
