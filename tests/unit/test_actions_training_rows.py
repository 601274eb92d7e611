"""Rows that a model was trained on: where they are looked for, which count, and what is said where they are gone."""

import shutil
from pathlib import Path

import pytest
from listening import Listening
from store_samples import NOON, RECIPE_ID, conversation, dataset, new_store, run_record

from tunewright.actions.answering import OpenedModel
from tunewright.actions.training_rows import warn_of_training_rows, warn_of_training_rows_of_base
from tunewright.errors import CorruptError
from tunewright.outside.hub import FoundBase
from tunewright.records import (
    Artifact,
    BaseModelRef,
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Example,
    Message,
    Provenance,
    Run,
    Split,
)
from tunewright.store import RunFolder

VERSION, EXAMPLES = dataset("one?", "two?", "three?")
ASKED = (*EXAMPLES.values(), *dataset("four?")[1].values())


def base_in(folder: Path) -> FoundBase:
    return FoundBase(folder, BaseModelRef(name=str(folder), origin="folder", revision="sha256:0", sha256="0" * 64))


def opened(home: Path | None, folder: Path = Path("nowhere")) -> OpenedModel:
    """A tuned model with the rows of VERSION, on a base in a folder."""
    base = base_in(folder)
    return OpenedModel("tuned", base, None, None, artifact("2026-3fa2", base), VERSION.id, (), home)  # type: ignore[arg-type]


def artifact(run_id: str, base: FoundBase) -> Artifact:
    return Artifact(
        kind="model", base=base.ref, renderer_hash="2", max_length=128, max_answer_tokens=8, parent_run=run_id
    )


def tuned_run(home: Path, base: FoundBase, *questions: str) -> RunFolder:
    """A run that trained every weight of a base on some questions."""
    version, examples = dataset(*questions)
    store = new_store(home, clock=lambda: NOON)
    store.put_dataset(version, examples)

    def record(run_id: str, created_at: str) -> Run:
        return run_record(run_id, created_at).model_copy(update={"dataset_id": version.id, "base": base.ref})

    run = store.create_run(RECIPE_ID, record)
    with run.publish("artifact") as folder:
        (folder / "artifact.json").write_text(artifact(run.record.id, base).model_dump_json(), encoding="utf-8")
    return run


def said(own: Path | None, given: Path, asked: tuple[Example, ...] = ASKED) -> list[str]:
    listening = Listening()
    warn_of_training_rows(opened(own), asked, given, listening)
    return listening.lines


def said_of_base(folder: Path, home: Path, asked: tuple[Example, ...] = ASKED) -> list[str]:
    listening = Listening()
    warn_of_training_rows_of_base(base_in(folder), asked, home, listening)
    return listening.lines


@pytest.mark.parametrize("place", ["own", "given"])
def test_training_rows_are_found_in_the_runs_own_home_and_in_the_given_one(tmp_path: Path, place: str) -> None:
    new_store(tmp_path / place).put_dataset(VERSION, EXAMPLES)
    (warning,) = said(tmp_path / "own", tmp_path / "given")
    assert warning.startswith("Warning: 3 of the 4 inputs were training rows of 2026-3fa2. The figures are too good")


def test_training_rows_of_a_run_that_was_moved_out_of_its_home_are_those_of_the_given_home(tmp_path: Path) -> None:
    new_store(tmp_path).put_dataset(VERSION, EXAMPLES)
    assert said(None, tmp_path)[0].startswith("Warning: 3 of the 4 inputs")


def test_training_rows_that_were_deleted_are_told_not_refused(tmp_path: Path) -> None:
    new_store(tmp_path).put_dataset(VERSION, EXAMPLES)
    shutil.rmtree(tmp_path / "datasets")
    (line,) = said(tmp_path, tmp_path)
    assert line.startswith("Not checked whether the model was trained on these rows: ")
    assert VERSION.id[:16] in line


def test_training_rows_that_are_not_what_they_were_are_refused(tmp_path: Path) -> None:
    own = new_store(tmp_path / "own")
    own.put_dataset(VERSION, EXAMPLES)
    new_store(tmp_path / "given").put_dataset(VERSION, EXAMPLES)
    (own.dataset_folder(VERSION.id) / "examples.jsonl").write_text("{}\n", encoding="utf-8")
    with pytest.raises(CorruptError):
        said(tmp_path / "own", tmp_path / "given")


def chat(*turns: str) -> Example:
    """System prompt, question, answer, question, answer ...; an empty system prompt stands for none."""
    roles = ("system", *("user", "assistant") * (len(turns) // 2))
    messages = [Message(role=role, content=turn) for role, turn in zip(roles, turns, strict=True) if turn]  # type: ignore[arg-type]
    return Example(body=Conversation(messages=tuple(messages)), provenance=Provenance(source="chats.jsonl", row=1))


@pytest.mark.parametrize(
    ("trained", "asked", "is_known"),
    [
        (chat("", "One?", "yes"), conversation("  one?", "no"), True),
        (chat("Be brief.", "One?", "yes"), conversation("One?", "yes"), True),
        (chat("", "One?", "yes"), chat("Be brief.", "One?", "yes"), True),
        (chat("Be brief.", "One?", "yes"), chat("Name a colour.", "One?", "yes"), False),  # another task, perhaps
        (chat("", "One?", "yes", "Two?", "no"), conversation("One?", "yes"), True),
        (chat("Be brief.", "One?", "yes", "Two?", "no"), conversation("One?", "yes"), True),
        (chat("", "One?", "yes", "Two?", "no"), conversation("Two?", "no"), False),  # it was asked after another
        (chat("", "One?", "yes"), conversation("Two?", "yes"), False),
    ],
)
def test_white_space_earlier_turns_and_a_system_prompt_of_one_side_hide_no_training_row(
    trained: Example, asked: Example, is_known: bool, tmp_path: Path
) -> None:
    rows = {trained.id: trained}
    version = DatasetVersion(entries=(DatasetEntry(example_id=trained.id, split=Split.TRAIN),), sources=())
    new_store(tmp_path).put_dataset(version, rows)
    run, listening = opened(tmp_path), Listening()
    of_rows = OpenedModel("tuned", run.base, run.renderer, None, run.artifact, version.id, (), tmp_path)
    warn_of_training_rows(of_rows, (asked,), tmp_path, listening)
    assert bool(listening.lines) == is_known


def test_rows_of_every_training_that_made_a_base_are_told(tmp_path: Path) -> None:
    first = tuned_run(tmp_path / "home", base_in(tmp_path / "from the hub"), "one?", "two?")
    second = tuned_run(tmp_path / "home", base_in(first.published("artifact")), "three?", "six?")
    asked = said_of_base(second.published("artifact"), tmp_path / "elsewhere")
    assert [line.split(". ")[0] for line in asked] == [
        f"Warning: 1 of the 4 inputs were training rows of {second.record.id}",
        f"Warning: 2 of the 4 inputs were training rows of {first.record.id}",
    ]
    # An adapter on such a base knows the rows of both, too.
    listening = Listening()
    warn_of_training_rows(opened(None, second.published("artifact")), ASKED, tmp_path / "home", listening)
    assert len(listening.lines) == 3


def test_what_was_copied_out_of_its_run_is_known_by_the_runs_id(tmp_path: Path) -> None:
    run = tuned_run(tmp_path / "home", base_in(tmp_path / "from the hub"), "one?")
    copied = tmp_path / "model"
    shutil.copytree(run.published("artifact"), copied)
    assert said_of_base(copied, tmp_path / "home")[0].startswith("Warning: 1 of the 4 inputs were training rows of")
    (line,) = said_of_base(copied, tmp_path / "elsewhere")
    assert line.startswith("Not checked whether the base was trained on these rows: ")
    assert run.record.id in line


def test_a_base_that_no_run_made_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    assert said_of_base(tmp_path / "base", tmp_path) == []
    (tmp_path / "base" / "artifact.json").write_text('{"of": "somebody else"}', encoding="utf-8")
    assert said_of_base(tmp_path / "base", tmp_path) == []


def test_a_run_that_names_what_it_made_as_its_base_is_told_once(tmp_path: Path) -> None:
    run = tuned_run(tmp_path / "home", base_in(tmp_path / "home/runs/20261120-120000-3fa2/artifact"), "one?")
    assert str(run.published("artifact")) == run.record.base.name
    assert len(said_of_base(run.published("artifact"), tmp_path)) == 1


def test_rows_of_a_base_that_are_not_what_they_were_are_refused(tmp_path: Path) -> None:
    run = tuned_run(tmp_path / "home", base_in(tmp_path / "from the hub"), "one?")
    (rows,) = (tmp_path / "home" / "datasets").rglob("examples.jsonl")
    rows.write_text("{}\n", encoding="utf-8")
    with pytest.raises(CorruptError):
        said_of_base(run.published("artifact"), tmp_path)
