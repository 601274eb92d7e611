"""What counts as memory that ran out, and what is told of it."""

import resource
import sys
from pathlib import Path

import pytest
import torch
from limited import limit_address_space

from tunewright.actions.handover import TuneJob
from tunewright.actions.supervising import World, supervise
from tunewright.contracts import SilentProgress
from tunewright.errors import OutOfMemoryError, TrainError
from tunewright.model.libraries import import_libraries
from tunewright.model.out_of_memory import LIBRARIES_BYTES, is_out_of_memory, mapped_bytes, shortage

NUMPY = ImportError(
    "\n\nIMPORTANT: PLEASE READ THIS\n\nOriginal error was: libblas.so: failed to map segment from shared object"
)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 64 bytes."),
        RuntimeError("unable to mmap 8 bytes from file <model.safetensors>: Cannot allocate memory (12)"),
        RuntimeError("could not create a primitive"),
        RuntimeError("std::bad_alloc"),
        OSError(12, "Cannot allocate memory"),
        NUMPY,
    ],
    ids=str,
)
def test_whoever_found_no_memory_is_understood(error: Exception) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug"),
        RuntimeError("could not create a primitive descriptor for a matmul primitive"),
        OSError(28, "No space left on device"),
        TrainError("Memory is too short (DefaultCPUAllocator: can't allocate memory)"),
        OutOfMemoryError("told already"),
    ],
    ids=str,
)
def test_other_errors_and_our_own_are_not(error: Exception) -> None:
    assert not is_out_of_memory(error)


def test_a_thread_that_cannot_start_lacks_memory_only_where_that_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    error = RuntimeError("can't start new thread")
    limit_address_space(monkeypatch, 10**9)
    assert is_out_of_memory(error)
    limit_address_space(monkeypatch, resource.RLIM_INFINITY)
    assert not is_out_of_memory(error)


def test_before_torch_is_loaded_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "torch")
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("a bug"))
    assert "torch" not in sys.modules


def test_told_is_the_line_about_memory_with_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    limit_address_space(monkeypatch, resource.RLIM_INFINITY)
    assert shortage(MemoryError()) == "out of memory"
    assert shortage(RuntimeError("no room\nat alloc.cpp:3")) == "no room"
    limit_address_space(monkeypatch, 2_500_000_000)
    told = "Original error was: libblas.so: failed to map segment from shared object"
    assert shortage(NUMPY) == f"{told}; `ulimit -v` lets this process map 2.50 GB"


def test_what_could_not_load_torch_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    limit_address_space(monkeypatch, LIBRARIES_BYTES - 1)
    words = r"`ulimit -v` lets this process map 1\.00 GB of memory, and the libraries alone need about 1 GB\. Raise"
    world = World(lambda folder: pytest.fail("started"), lambda: 0)
    with pytest.raises(OutOfMemoryError, match=words):
        supervise(TuneJob(resume="last", home=tmp_path), SilentProgress(), world)
    monkeypatch.delitem(sys.modules, "transformers.modeling_utils", raising=False)
    with pytest.raises(OutOfMemoryError, match=words):
        import_libraries()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="the system does not say")
def test_mapped_is_more_than_resident() -> None:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    assert mapped_bytes() > resident
