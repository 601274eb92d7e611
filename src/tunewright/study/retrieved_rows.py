"""Training rows for a model that will be asked with retrieved passages, after RAFT (Zhang et al. 2024).

Each row shows the passage that answers it among others that do not, in random order, and in a share of the rows the
right passage is missing. So the model learns to find what it needs, to ignore the rest, and not to lean on passages
alone. Nobody says which passage is right: taken for it is the one that a search with question and answer finds first.
"""

import random
from collections.abc import Callable, Mapping, Sequence

from tunewright.contracts import PassageIndex
from tunewright.data import PreparedData
from tunewright.records import Conversation, DatasetEntry, DatasetVersion, Example, Hit, Message, Split
from tunewright.retrieve.prompt import with_passages
from tunewright.study.arms import question_of

Fits = Callable[[Sequence[Message]], bool]


def with_retrieved_passages(
    data: PreparedData, index: PassageIndex, k: int, absent_fraction: float, seed: int, fits: Fits
) -> PreparedData:
    """The same rows in the same splits, training rows with chosen passages and the others as they will be asked.

    Test rows stay as they are: the arm that asks puts passages before them.

    Args:
        k: most passages of a row.
        absent_fraction: share of the training rows that do not show the right passage.
        seed: of the order of the passages and of the rows without the right one. Each row draws for itself, so the
            passages of a row do not depend on the other rows.
        fits: whether a prompt leaves enough room for the answer.
    """
    changed: dict[str, Example] = {}
    for split in (Split.TRAIN, Split.VALIDATION):
        rows = list({row.id: row for row in data.rows(split)}.values())
        found = index.search([question_of(_prompt(row)) for row in rows], k + 1)
        if split is Split.TRAIN:
            right = index.search([f"{question_of(_prompt(row))}\n{_answer(row)}" for row in rows], 1)
            for row, hits, best in zip(rows, found, right, strict=True):
                draw = random.Random(f"{seed} {row.id}")  # noqa: S311 (a seeded choice, no secret)
                shown = _mixed(hits, best, k, is_absent=draw.random() < absent_fraction)
                changed[row.id] = _with_hits(row, shown, fits, draw)
        else:
            changed |= {row.id: _with_hits(row, hits[:k], fits, None) for row, hits in zip(rows, found, strict=True)}
    return _replaced(data, changed)


def _mixed(hits: Sequence[Hit], best: Sequence[Hit], k: int, *, is_absent: bool) -> list[Hit]:
    """The right passage first, if it is to be there, then what looks like it."""
    right = {hit.passage.id for hit in best}
    others = [hit for hit in hits if hit.passage.id not in right]
    return others[:k] if is_absent else [*best, *others][:k]


def _with_hits(row: Example, hits: Sequence[Hit], fits: Fits, order: random.Random | None) -> Example:
    """The row with the first passages that fit, in the given or a random order."""
    prompt, used = with_passages(_prompt(row), hits, fits)
    if order is not None and len(used) > 1:
        mixed = order.sample(used, len(used))
        # The numbers of the passages may take other tokens now; where that matters, the given order stays.
        reordered, kept = with_passages(_prompt(row), mixed, fits)
        prompt = reordered if len(kept) == len(used) else prompt
    assert isinstance(row.body, Conversation)
    messages = (*prompt, *row.body.messages[len(row.body.prompt) :])
    # Not a copy with other messages: that would carry the old row's ids along.
    return Example(body=Conversation(messages=messages), provenance=row.provenance)


def _replaced(data: PreparedData, changed: Mapping[str, Example]) -> PreparedData:
    now = {id_: changed.get(id_, example) for id_, example in data.examples.items()}
    entries = tuple(
        DatasetEntry(example_id=now[entry.example_id].id, split=entry.split) for entry in data.version.entries
    )
    version = DatasetVersion(entries=entries, sources=data.version.sources, changes=data.version.changes)
    return PreparedData(version, {example.id: example for example in now.values()})


def _prompt(row: Example) -> tuple[Message, ...]:
    assert isinstance(row.body, Conversation), "a study has rows with answers alone"
    return row.body.prompt


def _answer(row: Example) -> str:
    assert isinstance(row.body, Conversation), "a study has rows with answers alone"
    return row.body.answer
