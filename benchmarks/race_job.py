"""What every entrant of the training race is given, and what it has to hand back."""

import json
import resource
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Row:
    """Tokens of one training row; those from `first_trained` on are trained."""

    token_ids: list[int]
    first_trained: int


@dataclass(frozen=True, slots=True)
class Job:
    """The same for every entrant but for `settings`."""

    base: str
    """Folder of the weights, in the hub's layout, float32."""
    adapter: str | None
    """Folder of the LoRA adapter to start from, in PEFT's format; None trains every weight."""
    rows: str
    held_out: str
    rows_per_step: int
    learning_rate: float
    settings: dict[str, object] = field(default_factory=dict)
    """Of the entrant itself."""
    clock: str = "wall"
    """"wall", or "processor" for seconds of processor time, which other work on the machine disturbs less."""


@dataclass(slots=True)
class Clock:
    """Seconds of each optimizer step, and the losses beside them."""

    kind: str
    step_seconds: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    _started: float = 0.0

    def start_step(self) -> None:
        """The optimizer step begins: batches are made from here on."""
        self._started = self._now()

    def end_step(self) -> None:
        """The weights have moved."""
        self.step_seconds.append(self._now() - self._started)

    def _now(self) -> float:
        wait_for_device()
        return time.process_time() if self.kind == "processor" else time.perf_counter()


def device() -> str:
    """Where all entrants compute: on a CUDA device, if there is one."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


def wait_for_device() -> None:
    """Until what was asked of a CUDA device is done."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def read_rows(path: str) -> list[Row]:
    """Rows of a file that `write_rows` made."""
    return [Row(**json.loads(line)) for line in Path(path).read_text(encoding="utf-8").splitlines()]


def write_rows(path: Path, rows: list[Row]) -> None:
    """One JSON object a line."""
    path.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")


def steps_of(rows: list[Row], rows_per_step: int) -> Iterator[list[Row]]:
    """The rows of each optimizer step, in order."""
    for first in range(0, len(rows), rows_per_step):
        yield rows[first : first + rows_per_step]


def load_network(job: Job) -> object:
    """Transformers' network with PEFT's adapter, as both entrants start from."""
    from transformers import AutoModelForCausalLM

    network = AutoModelForCausalLM.from_pretrained(job.base, dtype="float32").to(device())
    if job.adapter is None:
        return network
    from peft import PeftModel

    return PeftModel.from_pretrained(network, job.adapter, is_trainable=True)


def write_result(path: str, clock: Clock, network: object, job: Job) -> None:
    """Losses of held-out rows are computed here, the same way for everyone: float32, one row at a time."""
    peak = _peak_memory_bytes()
    result = {
        "step_seconds": clock.step_seconds,
        "losses": clock.losses,
        "peak_memory_bytes": peak,
        "held_out_loss": _held_out_loss(network, read_rows(job.held_out)),
    }
    Path(path).write_text(json.dumps(result), encoding="utf-8")


def _peak_memory_bytes() -> int:
    """Of the CUDA device, if there is one, else of the process."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _held_out_loss(network: object, rows: list[Row]) -> float | None:
    import torch
    from torch.nn import functional

    if not rows:
        return None
    network.eval()
    nats = count = 0.0
    with torch.no_grad():
        for row in rows:
            token_ids = torch.tensor([row.token_ids], device=device())
            logits = network(input_ids=token_ids, use_cache=False).logits[0, row.first_trained - 1 : -1]
            nats += functional.cross_entropy(logits.float(), token_ids[0, row.first_trained :], reduction="sum").item()
            count += len(logits)
    return nats / count
