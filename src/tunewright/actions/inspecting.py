"""Verbs that only look: rows as tokens, the resolved recipe, runs."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tunewright.actions.announcing import announce_sources
from tunewright.actions.opened_arms import OpenedArm, open_model_or_arm
from tunewright.actions.preparing import prepare_tuning
from tunewright.contracts import Progress, SilentProgress
from tunewright.data import prepare_test
from tunewright.errors import ModelError, Problem, RenderError
from tunewright.outside.hub import load_hub_dataset
from tunewright.records import (
    Conversation,
    DataRecipe,
    Derived,
    Example,
    Report,
    Run,
    Split,
    StudyReport,
    TokenRow,
    TuneRecipe,
)
from tunewright.render import Renderer
from tunewright.store import Store
from tunewright.train.defaults import answer_room


def explain_recipe(
    recipe: TuneRecipe, progress: Progress | None = None, home: Path | None = None
) -> tuple[TuneRecipe, tuple[Derived, ...]]:
    """The recipe that `tune` would carry out, and every derived setting with its reason. Reads and checks the rows."""
    preparation = prepare_tuning(recipe, progress or SilentProgress(), home)
    return preparation.recipe, preparation.derived


def show_tokens(
    data: DataRecipe,
    base: str,
    *,
    num_rows: int = 3,
    max_length: int | None = None,
    max_answer_tokens: int | None = None,
    home: Path | None = None,
    progress: Progress | None = None,
) -> tuple[TokenRow, ...]:
    """The first rows token by token: trained, only read, or cut from a prompt that is too long.

    Of an arm that puts something before a row, that stands there too, and only the row's last answer counts as
    trained: what such an arm puts before a row is never learned.

    Args:
        base: a base, a run, or an arm of a study (`STUDY/few-shot`).
        max_length: pretend the context is this short.
        max_answer_tokens: room kept for an answer; default: what the run was tuned with, or `tune` would derive.
        progress: told what was read; silent by default.
    Raises:
        ModelError: it is an arm of a hosted model, whose tokens are not known here.
    """
    opened = open_model_or_arm(base, home)
    if isinstance(opened, OpenedArm) and opened.hosted_at:
        found, expected = (
            f"the hosted model {opened.hosted_at}",
            "a model on this machine: others' tokens are not known",
        )
        fix = f"See what it answers with: tunewright chat {opened.full_name}"
        raise ModelError(str(Problem(opened.full_name, found, expected, fix)))
    read = prepare_test(data, load_hub_dataset)
    announce_sources(read.version.sources, progress or SilentProgress())
    rows = read.rows(Split.TEST)
    examples = rows[:num_rows]
    if isinstance(opened, OpenedArm):
        renderer = opened.tokens().renderer
        if max_length or max_answer_tokens:
            renderer = renderer.fitted(
                max_length or renderer.max_length, max_answer_tokens or renderer.max_answer_tokens
            )
        return tuple(row for example in examples for row in _token_rows(example, renderer, opened))
    renderer = opened.renderer
    if max_length or max_answer_tokens or not opened.artifact:
        length = max_length or renderer.max_length
        room = max_answer_tokens or (renderer.max_answer_tokens if opened.artifact else None)
        if room is None:  # of all rows, as `tune` derives it
            room, _ = answer_room(_answer_tokens(renderer, rows), length)
        renderer = renderer.fitted(length, room)
    return tuple(row for example in examples for row in _token_rows(example, renderer))


def _token_rows(example: Example, renderer: Renderer, arm: OpenedArm | None = None) -> list[TokenRow]:
    location = str(example.provenance)
    try:
        sequences = renderer.render(_as_given(example, renderer, arm) if arm else example)
    except RenderError as error:
        return [TokenRow(location=location, pieces=(), num_tokens=0, num_trained_tokens=0, problem=str(error))]
    return [
        TokenRow(
            location=location,
            pieces=renderer.show(sequence),
            num_tokens=len(sequence.token_ids),
            num_trained_tokens=sequence.num_trained_tokens,
        )
        for sequence in sequences
    ]


def _as_given(example: Example, renderer: Renderer, arm: OpenedArm) -> Example:
    """The row with all that the arm puts before it.

    Raises:
        RenderError: it is a text, which nobody is asked.
    """
    body = example.body
    if not isinstance(body, Conversation):
        where, fix = str(example.provenance), "Give --base a run or a model to see it as it is trained on."
        raise RenderError(Problem(where, "a row that is no conversation", "one that an arm can be asked", fix))
    given = arm.given(body.prompt, renderer).messages
    if given == body.prompt:
        return example
    read = [message.model_copy(update={"weight": 0}) if message.is_trained else message for message in given]
    answer = body.messages[len(body.prompt)]
    return example.model_copy(update={"body": Conversation(messages=(*read, answer))})


def _answer_tokens(renderer: Renderer, examples: Sequence[Example]) -> list[int]:
    lengths = []
    for example in examples:
        if isinstance(example.body, Conversation):
            with suppress(RenderError):  # the row's own line says it
                lengths.append(renderer.measure(example)[1])
    return lengths


def list_runs(home: Path | None = None) -> list[Run]:
    """All runs whose record can be read, newest first; `unreadable_runs` names the others."""
    return Store(home).runs()


def unreadable_runs(home: Path | None = None) -> tuple[str, ...]:
    """What is wrong with each run whose record cannot be read: file, what was found, and what to do."""
    return tuple(map(str, Store(home).unreadable_runs().values()))


def show_run(run: str, home: Path | None = None) -> tuple[Run, Report | StudyReport | None]:
    """A run's record, and its report when it has finished.

    Args:
        run: id, start of an id, `last`, or the run's folder.
    """
    folder = Store(home).run(run)
    if not folder.has("report.json"):
        return folder.record, None
    kind: type[Report | StudyReport] = StudyReport if folder.record.kind == "study" else Report
    return folder.record, folder.read_record("report.json", kind)


def run_folder(run: str, home: Path | None = None) -> Path:
    """Where a run's files lie."""
    return Store(home).run(run).path
