"""Rows that a model was trained on: what it gets right of them proves nothing."""

from collections.abc import Iterable, Iterator, Sequence, Set
from pathlib import Path

from pydantic import ValidationError

from tunewright.actions.answering import OpenedModel
from tunewright.actions.opened_arms import OpenedArm
from tunewright.contracts import Progress
from tunewright.errors import CorruptError, StoreError
from tunewright.outside.hub import FoundBase
from tunewright.records import Artifact, Conversation, Example, Split
from tunewright.store import RunFolder, Store


def warn_of_training_rows(
    opened: OpenedModel | OpenedArm, asked: Sequence[Example], home: Path | None, progress: Progress
) -> None:
    """Say how many of the rows an opened model was trained on.

    Its training rows are looked for in its own home, then in the one that was given.

    Raises:
        CorruptError: they are there, and not what they were.
    """
    if opened.dataset_id is not None:
        own = opened.store.home if isinstance(opened, OpenedArm) else opened.home
        _warn(opened.full_name, opened.dataset_id, [own or home, home], asked, progress)
    if isinstance(opened, OpenedModel) or opened.hosted_at is None:
        base = opened.tokens().base if isinstance(opened, OpenedArm) else opened.base
        warn_of_training_rows_of_base(base, asked, home, progress)


def warn_of_training_rows_of_base(
    base: FoundBase, asked: Sequence[Example], home: Path | None, progress: Progress
) -> None:
    """Say how many of the rows a base was trained on by the runs that made it.

    Raises:
        CorruptError: their rows are there, and not what they were.
    """
    try:
        for run in _makers(base.folder, home):
            _warn(run.record.id, run.record.dataset_id, [run.home or home, home], asked, progress)
    except CorruptError:
        raise
    except StoreError as error:
        progress.say(f"Not checked whether the base was trained on these rows: {error}")


def _makers(folder: Path, home: Path | None) -> Iterator[RunFolder]:
    """The runs that made a base, newest first: what trained every weight can be the base of the next training."""
    seen = set[Path]()
    while folder not in seen and (folder / "artifact.json").is_file():
        seen.add(folder)
        try:
            artifact = Artifact.model_validate_json((folder / "artifact.json").read_bytes())
        except ValidationError:  # a file of somebody else
            return
        run = _run_at(folder.parent, artifact.parent_run, home)
        yield run
        folder = Path(run.record.base.name)


def _run_at(folder: Path, run_id: str, home: Path | None) -> RunFolder:
    """The run in this folder or, where what it made was copied away, the one of that id."""
    try:
        return Store(home).run(str(folder))
    except CorruptError:
        raise
    except StoreError:
        return Store(home).run(run_id)


def _warn(
    name: str, dataset_id: str, homes: Sequence[Path | None], asked: Sequence[Example], progress: Progress
) -> None:
    stores = [Store(home) for home in homes]
    store = next((store for store in stores if store.dataset_folder(dataset_id).is_dir()), stores[0])
    try:
        version, examples = store.get_dataset(dataset_id)
    except CorruptError:
        raise
    except StoreError as error:  # copied without its rows, or they were deleted
        progress.say(f"Not checked whether the model was trained on these rows: {error}")
        return
    trained = (examples[entry.example_id] for entry in version.entries if entry.split is Split.TRAIN)
    num_known, num_asked = _num_known(asked, trained)
    if num_known:
        progress.say(
            f"Warning: {num_known:,} of the {num_asked:,} inputs were training rows of {name}. The figures are too "
            "good for them; give other rows."
        )


def _num_known(asked: Iterable[Example], trained: Iterable[Example]) -> tuple[int, int]:
    """How many inputs were trained on, and of how many.

    As in the cut, white space and case do not count, and an earlier turn that is trained does. A system prompt that
    only one of the two has does not count, either: `data.system_prompt` puts one before each row.
    """
    trained = tuple(trained)
    known = {question for example in trained for question in _questions(example)}
    known_without = {question for example in trained for question in _questions(_without_system(example))}
    inputs = {example.input_id: example for example in asked}
    found = [_is_known(example, known, known_without) for example in inputs.values()]
    return sum(found), len(found)


def _is_known(asked: Example, known: Set[str], known_without: Set[str]) -> bool:
    alone = _without_system(asked)
    return not known.isdisjoint({asked.loose_input_id, alone.loose_input_id}) or (
        alone is asked and asked.loose_input_id in known_without
    )


def _questions(example: Example) -> set[str]:
    return {example.loose_input_id, *example.earlier_input_ids}


def _without_system(example: Example) -> Example:
    """The row as it would be without its system prompt; itself where it has none."""
    body = example.body
    if not isinstance(body, Conversation) or body.messages[0].role != "system":
        return example
    # Made anew: a copy would keep the hashes.
    return Example(body=Conversation(messages=body.messages[1:]), provenance=example.provenance)
