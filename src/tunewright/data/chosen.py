"""Preference pairs where rows with one answer are needed: the chosen answers on request, else a refusal."""

from collections.abc import Iterable, Mapping, Sequence

from tunewright.errors import DataError, Problem, RecipeError
from tunewright.records import Change, Conversation, Example, Message, PreferencePair, Split


def with_chosen_answers(
    files: Mapping[Split, Sequence[Example]],
) -> tuple[Mapping[Split, tuple[Example, ...]], tuple[Change, ...]]:
    """Turn every preference pair into a conversation that ends with its chosen answer, as `data.train_on_chosen` asks.

    Returns:
        The rows, and a change for every pair.
    Raises:
        RecipeError: there are no pairs, so the setting would have no effect.
    """
    changes: list[Change] = []
    turned: dict[Split, tuple[Example, ...]] = {}
    for split, examples in files.items():
        kept = []
        for example in examples:
            if isinstance(example.body, PreferencePair):
                example = Example(body=chosen_conversation(example.body), provenance=example.provenance)
                changes.append(_change(example))
            kept.append(example)
        turned[split] = tuple(kept)
    if not changes:
        fix = "Remove it: every row has one answer, which is trained."
        raise RecipeError(Problem("data.train_on_chosen", "true", "rows with a chosen and a rejected answer", fix))
    return turned, tuple(changes)


def chosen_conversation(pair: PreferencePair) -> Conversation:
    """The prompt, answered as preferred."""
    return Conversation(messages=(*pair.prompt, Message(role="assistant", content=pair.chosen)))


def _change(example: Example) -> Change:
    reason = "preference pair: its chosen answer is trained, the rejected one is left out (data.train_on_chosen)"
    return Change(action="edited", example_id=example.id, location=str(example.provenance), reason=reason)


def require_one_answer(examples: Iterable[Example]) -> None:
    """Refuse preference pairs where every row must say what to write.

    Raises:
        DataError: the first pair and how many there are.
    """
    pairs = [example for example in examples if isinstance(example.body, PreferencePair)]
    if not pairs:
        return
    raise DataError(
        Problem(
            str(pairs[0].provenance),
            f"a preference pair ({len(pairs):,} in all)",
            "rows with one answer, which the model learns to write",
            "A pair only says which of two answers is better, and tunewright cannot train on that yet. To train on the "
            "chosen answers alone, add --set data.train_on_chosen=true.",
        )
    )
