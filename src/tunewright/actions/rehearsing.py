"""The general rows of a rehearsal as one base reads them."""

import copy
from collections.abc import Iterator
from dataclasses import replace

from tunewright.actions.preparing import Preparation
from tunewright.actions.processes import num_processes
from tunewright.actions.training import Rehearsal
from tunewright.contracts import Progress
from tunewright.data.general import general_rows
from tunewright.errors import RenderError
from tunewright.model.language_model import LanguageModel
from tunewright.records import Example, Full
from tunewright.render import TokenSequence

NONE_FITS = "No general row fits this base's context and chat template, so training does not rehearse."


def prepare_rehearsal(preparation: Preparation, model: LanguageModel, progress: Progress) -> Rehearsal | None:
    """The general rows that fit the base's context and its template whole.

    Every token of them but the first is held to the base: what it expects inside of a question is general text, too.

    Args:
        model: not yet trained.
    Returns:
        None where no general row fits, and the user is told that there is no rehearsal.
    """
    rendered: list[TokenSequence] = []
    locations: dict[str, str] = {}
    for row, sequence in _fitting(preparation):
        rendered.append(_trained_throughout(sequence))
        locations[row.id] = str(row.provenance)
    if not rendered:
        progress.say(NONE_FITS)
        return None
    # Several processes share a base of their own.
    needs_base = isinstance(preparation.recipe.method, Full) and num_processes() == 1
    base = copy.deepcopy(model.network).requires_grad_(False) if needs_base else None
    return Rehearsal(rendered, locations, preparation.recipe.retention.rehearsal_fraction, base)


def has_general_rows(preparation: Preparation) -> bool:
    """Whether there is anything to rehearse."""
    return next(_fitting(preparation), None) is not None


def _fitting(preparation: Preparation) -> Iterator[tuple[Example, TokenSequence]]:
    limit = preparation.renderer.max_length
    renderer = preparation.renderer.fitted(limit, max_answer_tokens=limit // 2)
    for row in general_rows():
        try:
            sequences = renderer.render(row)
        except RenderError:  # a template without system turns, say: what is left is enough to rehearse
            continue
        if len(sequences) == 1 and not sequences[0].cut:
            yield row, sequences[0]


def _trained_throughout(row: TokenSequence) -> TokenSequence:
    return replace(row, loss_weights=(0.0, *(1.0,) * (len(row.token_ids) - 1)))
