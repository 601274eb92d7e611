"""Memorisation in a run of `tune`: canaries among the training rows, and what can be got out before and after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tunewright.actions.preparing import Preparation
from tunewright.contracts import SilentProgress
from tunewright.data import PreparedData
from tunewright.errors import Problem, RecipeError
from tunewright.evaluate.memorisation import (
    CANARIES_SOURCE,
    MAX_EXPOSURE,
    Canary,
    Halves,
    exposures,
    extraction_rate,
    make_canaries,
    second_halves,
)
from tunewright.model.language_model import LanguageModel
from tunewright.records import (
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Estimate,
    Example,
    MemorisationSummary,
    Record,
    Split,
)
from tunewright.render import Renderer
from tunewright.store import RunFolder

BASE_FILE = "memorisation-base.json"


class Memorised(Record):
    """What one model gives away."""

    exposures: tuple[float, ...]
    trained: Estimate | None
    """Share of training rows that are continued word for word."""
    unseen: Estimate | None
    """The same of test rows."""


@dataclass(frozen=True, slots=True)
class MemorisationProbe:
    """Asks models for the rows of one preparation."""

    preparation: Preparation
    canaries: tuple[Canary, ...]

    def measure(self, model: LanguageModel) -> Memorised:
        """Of one model, base or tuned."""
        recipe, renderer = self.preparation.recipe, self.preparation.renderer
        with SilentProgress().bar("Canaries", len(self.canaries)) as advance:
            found = exposures(model, renderer, self.canaries, is_text=_is_text(self.preparation), advance=advance)
        trained, unseen = (
            extraction_rate(model, self._halves(split), recipe.evaluate) for split in (Split.TRAIN, Split.TEST)
        )
        return Memorised(exposures=found, trained=trained, unseen=unseen)

    def _halves(self, split: Split) -> Halves:
        """Of the user's rows of a split, the same for every model: canaries are measured by their exposure."""
        recipe = self.preparation.recipe
        rows = [row for row in self.preparation.data.rows(split) if row.provenance.source != CANARIES_SOURCE]
        return second_halves(rows, self.preparation.renderer, recipe.memorisation.max_rows, recipe.train.seed)

    def measure_base(self, run: RunFolder, model: LanguageModel) -> None:
        """Measure the untrained model, unless an earlier sitting did."""
        if not run.has(BASE_FILE):
            run.write_json(BASE_FILE, self.measure(model).model_dump(mode="json"))

    def summarise(self, run: RunFolder, model: LanguageModel) -> MemorisationSummary:
        """The tuned model beside the base."""
        base, tuned = run.read_record(BASE_FILE, Memorised), self.measure(model)
        settings = self.preparation.recipe.memorisation
        return MemorisationSummary(
            canary_repeats=settings.canary_repeats,
            max_exposure=MAX_EXPOSURE,
            base_exposures=base.exposures,
            tuned_exposures=tuned.exposures,
            base_rate=base.trained,
            tuned_rate=tuned.trained,
            unseen_rate=tuned.unseen,
            num_too_short=self._halves(Split.TRAIN).num_too_short,
        )


def open_probe(preparation: Preparation) -> MemorisationProbe | None:
    """What measures memorisation; None where it is switched off."""
    settings = preparation.recipe.memorisation
    if settings.canaries == 0 and settings.max_rows == 0:
        return None
    return MemorisationProbe(preparation, make_canaries(settings.canaries, preparation.recipe.train.seed))


def plant_canaries(preparation: Preparation) -> Preparation:
    """The preparation with `memorisation.canaries` secrets among its training rows, each as often as asked for.

    Raises:
        RecipeError: a prompt is to be baked in, so that the answers of the rows are not what is trained, or answers may
            not be as long as the secrets.
    """
    settings = preparation.recipe.memorisation
    canaries = make_canaries(settings.canaries, preparation.recipe.train.seed)
    if not canaries:
        return preparation
    if preparation.recipe.bake:
        fix = "Remove the canaries, or train without a prompt to bake."
        raise RecipeError(Problem("memorisation.canaries", "canaries beside bake", "one of them", fix))
    rows = [canary.row(is_text=_is_text(preparation)) for canary in canaries]
    _require_room(rows, preparation.renderer)
    planted = tuple(
        DatasetEntry(example_id=row.id, split=Split.TRAIN) for _ in range(settings.canary_repeats) for row in rows
    )
    data = preparation.data
    # Made anew: a copy would carry the old id along.
    entries = (*data.version.entries, *planted)
    version = DatasetVersion(entries=entries, sources=data.version.sources, changes=data.version.changes)
    examples = {**data.examples, **{row.id: row for row in rows}}
    return replace(preparation, data=PreparedData(version, examples, data.results, data.notes))


def _require_room(rows: Sequence[Example], renderer: Renderer) -> None:
    """Raises: RecipeError where the room for answers follows short ones, such as labels, and holds no secret."""
    needed, room = max(renderer.measure(row)[1] for row in rows), renderer.max_answer_tokens
    if needed > room:
        expected = f"secrets of at most {room} (evaluate.max_answer_tokens)"
        fix = f"Add --set evaluate.max_answer_tokens={needed}, or leave the canaries out."
        raise RecipeError(Problem("memorisation.canaries", f"secrets of up to {needed} tokens", expected, fix))


def _is_text(preparation: Preparation) -> bool:
    return not any(isinstance(row.body, Conversation) for row in preparation.data.examples.values())
