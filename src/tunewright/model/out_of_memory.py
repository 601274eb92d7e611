"""Memory that runs out with an error: what says so, and the limit on address space (`ulimit -v`) behind most of it.

The system kills a process that takes more than a control group may, but refuses to map more than RLIMIT_AS. Then
whoever asked for memory says so in words of its own. Loads no torch: the supervisor asks here, too.
"""

import re
import resource
import sys
from contextlib import suppress
from pathlib import Path

from tunewright.errors import OutOfMemoryError, TunewrightError

LIBRARIES_BYTES = 1_000_000_000
"""Of address space. Torch, transformers and PEFT map 0.88 GB with one thread and 0.96 GB with two (torch 2.13 for CPUs,
2026-11-27), more with CUDA, and a run of the smallest base 1.4 GB. With less their imports end in anything: OpenBLAS
sends itself SIGINT, as Ctrl-C does, or asks for the same memory without end."""

NEAR_LIMIT_BYTES = 33_000_000
"""Python and malloc map less at once, unless they are asked for much in one piece; that is then told."""

_SAID = re.compile(
    r"can't allocate memory|cannot allocate memory|failed to map segment|bad_alloc|could not create a primitive$",
    re.IGNORECASE,
)
"""By torch's allocator of the CPU, the C library, its loader, C++, and oneDNN, which finds no room for the code of a
product; where oneDNN only lacks one, it goes on: "... descriptor for ..."."""

_NO_THREAD = "can't start new thread"
"""Its stack finds no address space, if that is limited; else there are too many threads."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an allocator or the system said so: Python's, CUDA's, or any of many that raise a plain RuntimeError."""
    if isinstance(error, TunewrightError):  # whose words may repeat what an allocator said
        return False
    torch = sys.modules.get("torch")
    if isinstance(error, (MemoryError, getattr(torch, "OutOfMemoryError", MemoryError))):
        return True
    words = str(error)
    return _SAID.search(words) is not None or (_NO_THREAD in words and address_space_limit() is not None)


def address_space_limit() -> int | None:
    """Most bytes that this process may map (RLIMIT_AS, `ulimit -v`); None where that is not limited."""
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if limit == resource.RLIM_INFINITY else limit


def has_reached_limit(proc: Path = Path("/proc")) -> bool:
    """Whether this process has mapped, at some time, all of the address space that it may.

    Libraries that find no memory may forget why: "error return without exception set".
    """
    limit = address_space_limit()
    if limit is None:
        return False
    with suppress(OSError):
        for line in (proc / "self" / "status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmPeak:"):
                return limit - int(line.split()[1]) * 1024 < NEAR_LIMIT_BYTES
    return False


def mapped_bytes(proc: Path = Path("/proc")) -> int:
    """Address space that this process has taken: libraries, files, stacks, and what is reserved and not yet touched.

    Raises:
        OSError: the system does not say.
    """
    return int((proc / "self" / "statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()


def shortage(error: BaseException) -> str:
    """What was said, with the limit that may be the reason: no allocator names it."""
    lines = str(error).strip().splitlines() or ["out of memory"]
    said = next((line for line in lines if _SAID.search(line)), lines[0])
    limit = address_space_limit()
    return said if limit is None else f"{said}; {limit_in_words(limit)}"


def limit_in_words(limit: int) -> str:
    """What `address_space_limit` found, in bytes, as a user knows it."""
    return f"`ulimit -v` lets this process map {limit / 1e9:.2f} GB"


def require_room_for_libraries() -> None:
    """Refuse what could not even load torch.

    Raises:
        OutOfMemoryError: the limit on address space is that low.
    """
    limit = address_space_limit()
    if limit is not None and limit < LIBRARIES_BYTES:
        raise OutOfMemoryError(
            f"{limit_in_words(limit)} of memory, and the libraries alone need about "
            f"{LIBRARIES_BYTES / 1e9:.0f} GB. Raise the limit, or lift it: ulimit -v unlimited"
        )


def out_of_memory(error: BaseException) -> OutOfMemoryError:
    """What a user is told where nothing smaller can be tried."""
    return OutOfMemoryError(
        f"Memory ran out ({shortage(error)}). Raise the limit if there is one, close other programs, set a lower "
        "train.max_length, train.tokens_per_micro_batch or evaluate.rows_per_batch, use method.kind=lora if every "
        "weight is trained, or take a smaller base or a machine with more memory."
    )
