"""Small records, and a file system that fails on demand, for the tests of the store."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from tunewright.records import (
    BaseModelRef,
    Conversation,
    DatasetEntry,
    DatasetVersion,
    Environment,
    Example,
    Message,
    Provenance,
    Run,
    RunStatus,
    Source,
    Split,
)
from tunewright.store import Files, RunFolder, Store

RECIPE_ID = "3fa2" + "0" * 60
NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)


class FaultyFiles(Files):
    """Counts the calls that change the disk and fails the k-th (from 1), or the k-th and all that follow."""

    def __init__(self, fail_at: int = 0, error: int = errno.EIO, *, sticky: bool = False) -> None:
        self.calls: list[tuple[str, str]] = []
        self.fail_at, self.error, self.sticky = fail_at, error, sticky

    def before(self, call: str, path: Path) -> None:
        self.calls.append((call, path.name))
        count = len(self.calls)
        if self.fail_at and (count == self.fail_at or (self.sticky and count > self.fail_at)):
            raise OSError(self.error, os.strerror(self.error), str(path))


def conversation(question: str, answer: str, row: int = 1) -> Example:
    messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(body=Conversation(messages=messages), provenance=Provenance(source="rows.jsonl", row=row))


def dataset(*questions: str) -> tuple[DatasetVersion, dict[str, Example]]:
    examples = [conversation(question, "yes", row) for row, question in enumerate(questions, start=1)]
    version = DatasetVersion(
        entries=tuple(DatasetEntry(example_id=example.id, split=Split.TRAIN) for example in examples),
        sources=(Source(name="rows.jsonl", sha256="0" * 64, form="messages", num_rows=len(examples)),),
    )
    return version, {example.id: example for example in examples}


def run_record(run_id: str, created_at: str) -> Run:
    return Run(
        id=run_id,
        kind="tune",
        status=RunStatus.RUNNING,
        created_at=created_at,
        command="tunewright tune rows.jsonl",
        recipe_id=RECIPE_ID,
        dataset_id="1" * 64,
        dataset_hash="3" * 64,
        base=BaseModelRef(name="bundled", origin="bundled", revision="sha256:0", sha256="0" * 64),
        renderer_hash="2" * 64,
        environment=Environment(
            tunewright="0.1.0",
            code_revision=None,
            python="3.11",
            packages={},
            platform="linux",
            processor="any",
            num_threads=1,
            memory_bytes=1,
            accelerator=None,
        ),
    )


def new_store(home: Path, files: Files | None = None, clock: Callable[[], datetime] = lambda: NOON) -> Store:
    return Store(home, files=files, clock=clock, token=lambda: "t0ken")


def new_run(home: Path, files: Files | None = None) -> RunFolder:
    return new_store(home, files).create_run(RECIPE_ID, run_record)
