"""Open whatever answers: a base, or the artifact of a run on the base it was made for."""

from dataclasses import dataclass
from pathlib import Path

from tunewright.actions.handover import RECIPE_FILE
from tunewright.contracts import Progress
from tunewright.errors import BaseMismatchError, CorruptError, Problem, StoreError
from tunewright.model.adapter import load_adapter
from tunewright.model.language_model import LanguageModel
from tunewright.model.load import context_length, load_base
from tunewright.outside.hub import FoundBase, find_again, find_base
from tunewright.outside.model_folder import refuse_unsafe
from tunewright.records import Artifact, BaseChange, BaseModelRef, BasePart, Precision, TuneRecipe
from tunewright.render import Renderer, load_renderer
from tunewright.store import RunFolder, Store

ARTIFACT = "artifact"
"""Folder of a run that holds what was trained."""


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """A model ready to answer, and what it is."""

    name: str
    """`base` or `tuned`: the arm's name in a report."""
    base: FoundBase
    renderer: Renderer
    artifact_folder: Path | None
    artifact: Artifact | None
    dataset_id: str | None = None
    """Dataset version of the run that made the artifact."""
    forced: tuple[BaseChange, ...] = ()
    """What of the base is another than the artifact was made for; only where that was asked for."""
    home: Path | None = None
    """Home of that run; None for a base, and for a run that was moved out of its home."""
    system_prompt: str | None = None
    """`data.system_prompt` of that run: it stood before each row that had none."""

    @property
    def full_name(self) -> str:
        """What was opened: the base's name, or the id of the run that made the artifact."""
        return self.artifact.parent_run if self.artifact else self.base.ref.name

    def load(self, precision: Precision, rows_per_batch: int) -> LanguageModel:
        """Load the weights."""
        if self.artifact is None or self.artifact_folder is None:
            network = load_base(self.base.folder)
        elif self.artifact.kind == "model":
            network = load_base(self.artifact_folder)
        else:
            network = load_adapter(load_base(self.base.folder), self.artifact_folder)
        return LanguageModel(network, self.renderer, precision, rows_per_batch)


def open_model(
    model: str, home: Path | None, max_answer_tokens: int | None = None, *, force: bool = False
) -> OpenedModel:
    """Find a model by name without loading its weights.

    Args:
        model: a run (id, start of an id, `last` for the newest that was tuned, or its folder), or a base as in
            `find_base`.
        max_answer_tokens: room for an answer; default: the run's own, or a quarter of the base's context.
        force: open what a run has trained although its base or tokenizer is another now; see `OpenedModel.forced`.
    Raises:
        BaseMismatchError: the run's base or tokenizer is no longer the one it was tuned on.
        StoreError, ModelError: nothing of that name, its files do not verify, or the run has no model (yet).
    """
    store = Store(home)
    try:
        run = store.run(_newest_tuned(store) if model == "last" else model)
    except StoreError as no_run:
        if isinstance(no_run, CorruptError):
            raise
        if not _may_be_base(model):
            raise StoreError(f"{no_run} Or give a model: bundled, a folder, or a hub id such as owner/name.") from None
        base = find_base(model)
        length = context_length(base.folder)
        renderer = load_renderer(base.folder).fitted(length, max_answer_tokens or length // 4)
        return OpenedModel("base", base, renderer, None, None)
    return open_tuned(run, max_answer_tokens, force=force)


def say_forced(opened: OpenedModel, progress: Progress) -> None:
    """Tell the user with what a model answers instead of what it was made for."""
    for change in opened.forced:
        progress.say(f"Forced: {opened.full_name} {change.told}. Its answers are not those of what was trained.")


def say_slow_answers(model: LanguageModel, progress: Progress) -> None:
    """Tell the user when the base's architecture keeps answers from being written the fast way."""
    if description := model.slow_answers:
        progress.say(description)


def _newest_tuned(store: Store) -> str:
    """The newest run that has a model: `evaluate` makes runs too."""
    newest = store.newest_run(lambda run: run.kind == "tune" and store.run(run.id).has(ARTIFACT))
    return newest.id if newest else "last"


def open_tuned(run: RunFolder, max_answer_tokens: int | None = None, *, force: bool = False) -> OpenedModel:
    """Open what a run has trained; see `open_model`."""
    if not run.has(ARTIFACT):
        found = f"a run of kind {run.record.kind} and status {run.record.status}, without a model"
        inside = next((one.record.id for one in run.nested_runs() if one.has(ARTIFACT)), None)
        # A study holds the runs of its tuned arms.
        fix = f"Give {inside}." if inside else "Give the id of one: `tunewright runs` lists them all."
        raise StoreError(str(Problem(f"run {run.record.id}", found, "a tune run that has trained", fix)))
    folder = run.published(ARTIFACT)
    artifact = run.read_record(f"{ARTIFACT}/artifact.json", Artifact)
    if artifact.kind == "model":
        # A run's folder can come from somebody else, manifest and all.
        refuse_unsafe(folder, f"of run {run.record.id}")
    limits = artifact.max_length, max_answer_tokens or artifact.max_answer_tokens
    base, renderer, forced = _find_base(run, "its artifact", artifact.base, artifact.renderer_hash, limits, force=force)
    system_prompt = run.read_record(RECIPE_FILE, TuneRecipe).data.system_prompt if run.has(RECIPE_FILE) else None
    return OpenedModel(
        "tuned", base, renderer, folder, artifact, run.record.dataset_id, forced, run.home, system_prompt
    )


def open_base_of(run: RunFolder, max_length: int, max_answer_tokens: int) -> OpenedModel:
    """Open the base that a run started from.

    Raises:
        BaseMismatchError: it, or its tokenizer, is no longer the one of then.
        ModelError: it is gone.
    """
    limits = max_length, max_answer_tokens
    base, renderer, _ = _find_base(run, "it", run.record.base, run.record.renderer_hash, limits)
    return OpenedModel("base", base, renderer, None, None)


def _find_base(
    run: RunFolder, made: str, ref: BaseModelRef, renderer_hash: str, limits: tuple[int, int], *, force: bool = False
) -> tuple[FoundBase, Renderer, tuple[BaseChange, ...]]:
    """The base of then, its renderer with limits as in `Renderer.fitted`, and what of it is another now, by force."""
    base = find_again(ref)
    # First: a template or vocabulary that was edited may not make a renderer at all.
    forced = _changes(run, made, base, "base", ref.sha256, base.ref.sha256, force=force)
    renderer = load_renderer(base.folder).fitted(*limits)
    return base, renderer, forced + _changes(run, made, base, "renderer", renderer_hash, renderer.hash, force=force)


def _changes(
    run: RunFolder, made: str, base: FoundBase, part: BasePart, then: str, now: str, *, force: bool
) -> tuple[BaseChange, ...]:
    if then == now:
        return ()
    change = BaseChange(part=part, made_for=then, found=now)
    if force:
        return (change,)
    raise BaseMismatchError(
        f"run {run.record.id}: {made} {change.told} at {base.ref.name}. Its answers would be worth nothing. Put the "
        "old files back, or make it again. (`chat` and `evaluate` ask a tuned run all the same with --force.)"
    )


def _may_be_base(model: str) -> bool:
    return model == "bundled" or Path(model).is_dir() or "/" in model
