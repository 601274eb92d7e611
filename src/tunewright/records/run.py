"""Run: one execution, with everything that could change its result written down before the first step."""

from enum import StrEnum
from typing import Literal

from pydantic import Field

from tunewright.records.base import Record

RunKind = Literal["tune", "evaluate", "study", "pretrain"]


class RunStatus(StrEnum):
    """Moves one way, except that an interrupted run goes on running when it is resumed."""

    RUNNING = "running"
    INTERRUPTED = "interrupted"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class BaseModelRef(Record):
    """Exactly which base model was used."""

    name: str
    """As the user asked for it: `bundled`, a path, or a hub id."""
    origin: Literal["bundled", "folder", "hub"]
    revision: str
    """The hub's commit, or `sha256:` and the content hash of a folder. Never a moving name."""
    sha256: str
    """Hash over the names and bytes of the weights, configuration and tokenizer files."""


BasePart = Literal["base", "renderer"]
"""Its files, and what turns rows into its tokens."""


class BaseChange(Record):
    """A part of a base that is another now than when an artifact was made for it."""

    part: BasePart
    made_for: str
    """Hash of then."""
    found: str
    """Hash of now."""

    @property
    def told(self) -> str:
        """In words, with both hashes."""
        return f"was made for {self.part} {self.made_for[:12]}, found {self.found[:12]}"


class Environment(Record):
    """The machine and the versions: two runs with equal environments and inputs give equal bytes on a CPU."""

    tunewright: str
    code_revision: str | None
    """Commit of the source tree, with `+` when it had changes; None when installed from a wheel."""
    python: str
    packages: dict[str, str]
    platform: str
    processor: str
    num_threads: int
    """Threads of one matrix product. Another number gives other final bits, so resuming compares it."""
    num_processes: int = 1
    """Processes that trained together. Another number adds up in another order."""
    memory_bytes: int
    accelerator: str | None
    allocator: dict[str, str] = Field(default_factory=dict)
    """Environment variables that decide how memory is kept, as they were when the process started."""

    @property
    def threads(self) -> str:
        """`1 thread`, `2 threads`, and how many processes if there were several."""
        threads = "1 thread" if self.num_threads == 1 else f"{self.num_threads} threads"
        return threads if self.num_processes == 1 else f"{self.num_processes} processes with {threads} each"


class Run(Record):
    """One execution of a recipe."""

    id: str
    kind: RunKind
    status: RunStatus
    created_at: str
    """UTC, ISO 8601."""
    command: str
    """What repeats it from a shell."""
    recipe_id: str
    dataset_id: str
    dataset_hash: str | None = None
    """SHA-256 over the stored files of its rows, with the sources, groups and changes that the id leaves out; None in
    records of earlier versions of tunewright: then those are meant that were stored first."""
    base: BaseModelRef
    renderer_hash: str
    forced: tuple[BaseChange, ...] = ()
    """What of the base is not as the model was made for; it answered all the same, as `--force` asks."""
    environment: Environment
    outputs: tuple[str, ...] = ()
    """Files of the run folder that exist when it has succeeded."""
    output_hashes: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of those outputs that are single files; a folder's are in its manifest."""
    error: str | None = None
