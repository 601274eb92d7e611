"""The command line as a shell sees it: arguments in, two streams and an exit code out."""

import sys
from dataclasses import dataclass
from typing import Any

import pytest

from tunewright.actions.handover import Job, read_job
from tunewright.cli import main
from tunewright.cli.progress import RichProgress
from tunewright.cli.screen import Screen
from tunewright.cli.worker import carry_out
from tunewright.records import BaseModelRef, Environment, Run, RunStatus


@dataclass(frozen=True)
class Outcome:
    code: int
    stdout: str
    stderr: str


def work_here(job: Job, progress: RichProgress) -> int:
    """Stands in for the supervisor: the worker's part, in this process."""
    return carry_out(read_job(job.model_dump_json()), Screen(job.json_file), progress)


@dataclass(frozen=True)
class Shell:
    """Runs `tunewright` in this process, without colours, 80 columns wide."""

    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> Outcome:
        self.monkeypatch.setattr(sys, "argv", ["tunewright", *arguments])
        self.monkeypatch.setenv("COLUMNS", "80")
        self.monkeypatch.setattr("tunewright.actions.supervise", work_here)
        with pytest.raises(SystemExit) as stop:
            main()
        streams = self.capsys.readouterr()
        return Outcome(int(stop.value.code or 0), streams.out, streams.err)

    def fake(self, action: str, result: object) -> "Calls":
        """Replace an action by one that returns `result`, or raises it."""
        calls = Calls(result)
        self.monkeypatch.setattr(f"tunewright.actions.{action}", calls)
        return calls


class Calls:
    """Remembers how it was called."""

    def __init__(self, result: object) -> None:
        self._result = result
        self.arguments: tuple[Any, ...] = ()
        self.options: dict[str, Any] = {}
        self.count = 0

    def __call__(self, *arguments: Any, **options: Any) -> object:
        self.count += 1
        self.arguments, self.options = arguments, options
        if isinstance(self._result, BaseException):
            raise self._result
        return self._result


def build_run(**changes: object) -> Run:
    run = Run(
        id="20261120-160831-3f9a",
        kind="tune",
        status=RunStatus.SUCCEEDED,
        created_at="2026-11-20T16:08:31+00:00",
        command="tunewright tune tickets.jsonl",
        recipe_id="3f" * 32,
        dataset_id="5e" * 32,
        base=BaseModelRef(name="bundled", origin="bundled", revision="sha256:" + "ab" * 32, sha256="ab" * 32),
        renderer_hash="cd" * 32,
        environment=Environment(
            tunewright="0.1.0",
            code_revision=None,
            python="3.11.9",
            packages={},
            platform="Linux",
            processor="a processor",
            num_threads=2,
            memory_bytes=8_000_000_000,
            accelerator=None,
        ),
    )
    return run.model_copy(update=changes)
