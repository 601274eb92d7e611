"""How much memory this process uses and could still get."""

import ctypes
import os
import resource
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tunewright.model.out_of_memory import address_space_limit, mapped_bytes

SECONDS_BETWEEN_SAMPLES = 0.005


@dataclass(frozen=True, slots=True)
class _CgroupFiles:
    """Where one version of the kernel's control groups tells a group's memory."""

    mount: str
    """Below /sys/fs/cgroup."""
    limit: str
    usage: str
    cache: str
    """The line of memory.stat with the file pages that the kernel gives up first."""


_CGROUP_FILES = (
    _CgroupFiles("", "memory.max", "memory.current", "inactive_file"),
    _CgroupFiles("memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of version 2, and of version 1."""


def peak_bytes() -> int:
    """Highest resident memory of this process so far; on CUDA the most that the device's allocator gave out."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated()
    # Linux counts in KiB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def available_bytes(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int | None:
    """What the system could still give this process, all limits included; None where it does not say.

    Args:
        proc, cgroup: where the kernel tells it, for tests.
    """
    found = []
    with suppress(OSError):
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
        found += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")]
    for group in _groups(proc):
        for files in _CGROUP_FILES:
            # "max" is no limit, and no number.
            with suppress(OSError, ValueError):
                found.append(_left_in(cgroup / files.mount / group, files))
    with suppress(OSError):
        found += _left_of_address_space(proc)
    return min(found, default=None)


def _left_of_address_space(proc: Path) -> list[int]:
    """What a limit on it leaves, if there is one.

    Libraries and stacks count as mapped, whether they were touched or not, so it is mapped that counts here and not
    resident. What malloc has mapped and keeps free is the exception: the next tensor finds its place there, if not in
    one piece. Too little of it is told by an error, and is no death, so it may count as whole.
    """
    limit = address_space_limit()
    return [] if limit is None else [limit - mapped_bytes(proc) + _free_in_malloc()]


class _MallocInfo(ctypes.Structure):
    """Of glibc's mallinfo2, which names them in this order."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks"),
            *("fordblks", "keepcost"),
        )
    )


def _free_in_malloc() -> int:
    """Bytes that malloc holds and nobody uses; 0 where the C library does not say."""
    try:
        mallinfo = ctypes.CDLL(None).mallinfo2
    except (OSError, AttributeError):
        return 0
    mallinfo.restype = _MallocInfo
    return int(mallinfo().fordblks)


def _groups(proc: Path) -> set[PurePosixPath]:
    """The control groups around this process, of every hierarchy. In a container they may be named as the host does."""
    groups = {PurePosixPath()}
    with suppress(OSError):
        for line in (proc / "self" / "cgroup").read_text(encoding="utf-8").splitlines():
            own = PurePosixPath(line.split(":", 2)[2].lstrip("/"))
            groups.update((own, *own.parents))
    return groups


def _left_in(group: Path, files: _CgroupFiles) -> int:
    limit, used = int((group / files.limit).read_bytes()), int((group / files.usage).read_bytes())
    # Files that were read count as used until somebody needs their memory.
    with suppress(OSError):
        stat = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        used -= int(stat.get(files.cache, 0))
    return limit - used


def resident_bytes() -> int:
    """What this process holds now; its highest so far where the system tells only that."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return peak_bytes()


def give_back_free_memory() -> None:
    """Let the system have what the allocator keeps for later. Does nothing where the C library is not glibc."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


@dataclass(slots=True)
class Highest:
    """The highest resident memory that was seen."""

    num_bytes: int = 0


@contextmanager
def highest_resident() -> Iterator[Highest]:
    """Watch resident memory while open. The process's own peak may be older, and higher."""
    highest, ended = Highest(), threading.Event()

    def look() -> None:
        highest.num_bytes = max(highest.num_bytes, resident_bytes())

    def watch() -> None:
        while not ended.wait(SECONDS_BETWEEN_SAMPLES):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield highest
    finally:
        ended.set()
        thread.join()
        look()
