"""The rows of coming steps, made by other processes while a GPU works on this one."""

import os
import signal
import tempfile
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import accumulate, chain, pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import NamedTuple

import numpy as np

from tunewright.render import TokenSequence
from tunewright.train.stream import StepRows

STEPS_AHEAD_PER_PROCESS = 2


class _Laid(NamedTuple):
    """Rows end to end, their numbers in a file.

    Megabytes come through the pool's pipe in pieces of 64 KiB, and for each of them the thread that reads waits for the
    interpreter, which is busy launching the GPU's kernels.
    """

    names: list[str]
    lengths: list[int]
    numbers: str
    """Path of all token ids and then all loss weights."""

    @classmethod
    def of(cls, rows: Sequence[TokenSequence], folder: str) -> "_Laid":
        token_ids = np.fromiter(chain.from_iterable(row.token_ids for row in rows), np.int32)
        loss_weights = np.fromiter(chain.from_iterable(row.loss_weights for row in rows), np.float32)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
            file.write(token_ids.tobytes() + loss_weights.tobytes())
        return cls([row.example_id for row in rows], [len(row.token_ids) for row in rows], file.name)

    def rows(self) -> list[TokenSequence]:
        content = Path(self.numbers).read_bytes()
        Path(self.numbers).unlink()
        half = len(content) // 2
        token_ids = np.frombuffer(content[:half], np.int32).tolist()
        loss_weights = np.frombuffer(content[half:], np.float32).tolist()
        places = pairwise(accumulate(self.lengths, initial=0))
        return [
            TokenSequence(name, tuple(token_ids[start:end]), tuple(loss_weights[start:end]), cut=None)
            for name, (start, end) in zip(self.names, places, strict=True)
        ]


class RowsAhead:
    """The rows that the pool's processes make, asked for in advance. Steps are asked for in order, from any one on."""

    def __init__(self, num_steps: int, pool: ProcessPoolExecutor, num_ahead: int) -> None:
        self._num_steps, self._pool, self._num_ahead = num_steps, pool, num_ahead
        self._waiting: deque[tuple[int, Future[_Laid]]] = deque()

    def rows(self, step: int) -> list[TokenSequence]:
        """Rows of optimizer step `step` (from 0)."""
        if not self._waiting or self._waiting[0][0] != step:
            self._waiting.clear()
        first = self._waiting[-1][0] + 1 if self._waiting else step
        for coming in range(first, min(step + self._num_ahead, self._num_steps)):
            self._waiting.append((coming, self._pool.submit(_rows_of_worker, coming)))
        return self._waiting.popleft()[1].result().rows()


@contextmanager
def rows_ahead(source: StepRows, num_steps: int, num_processes: int) -> Iterator[StepRows]:
    """While open, `num_processes` processes make the rows of coming steps; with none, `source` itself is given.

    The processes are forked, so `source` is not copied: open this before a GPU is touched.
    """
    if not num_processes:
        yield source
        return
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with (
        tempfile.TemporaryDirectory(dir=memory) as folder,
        ProcessPoolExecutor(num_processes, get_context("fork"), _start_worker, (source, folder)) as pool,
    ):
        try:
            yield RowsAhead(num_steps, pool, STEPS_AHEAD_PER_PROCESS * num_processes)
        finally:
            pool.shutdown(cancel_futures=True)


_source: StepRows | None = None
_folder = ""


def _start_worker(source: StepRows, folder: str) -> None:
    global _source, _folder
    _source, _folder = source, folder
    # Ctrl-C reaches every process of the terminal; the loop decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(10)  # the process that feeds the GPU goes first


def _rows_of_worker(step: int) -> _Laid:
    assert _source is not None
    return _Laid.of(_source.rows(step), _folder)
