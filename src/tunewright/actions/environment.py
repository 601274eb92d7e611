"""What a result depends on beside recipe and data: code, versions, processor, threads."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tunewright.actions.processes import num_processes
from tunewright.model.out_of_memory import address_space_limit
from tunewright.records import Environment

GLIBC_SETTINGS = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "134217728",
}
"""Memory that was given back to the system is faulted in again page by page; these keep it, in large pages."""

PRIMITIVE_CACHE = {"ONEDNN_PRIMITIVE_CACHE_CAPACITY": "256"}
"""oneDNN keeps 1,024 compiled matrix products, one for each shape, and steps bring new lengths. 256 are enough for
the layers of a step: an 8M base on mixed lengths grew from 1.0 to 1.3 GB in 24 steps instead of to 1.6, no slower
(benchmarks/forecast.py; the same with glibc's settings and without)."""

RECORDED_PACKAGES = ("torch", "transformers", "peft", "tokenizers", "safetensors", "scipy", "sacrebleu")


def allocator_settings() -> dict[str, str]:
    """Environment variables that decide how a process that trains keeps memory; to be set before it starts.

    Where address space is limited malloc keeps none: it could not be had by those who map memory themselves, which are
    compiled products, files of weights, stacks of threads and libraries.
    """
    keeps = platform.libc_ver()[0] == "glibc" and address_space_limit() is None
    return {**(GLIBC_SETTINGS if keeps else {}), **PRIMITIVE_CACHE}


def describe_environment() -> Environment:
    """Look at this machine and this installation. Loads torch."""
    import torch

    accelerator = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return Environment(
        tunewright=version("tunewright"),
        code_revision=code_revision(),
        python=platform.python_version(),
        packages={name: found for name in RECORDED_PACKAGES if (found := _version(name))},
        platform=platform.platform(),
        processor=processor_name(),
        num_threads=torch.get_num_threads(),
        num_processes=num_processes(),
        memory_bytes=memory_bytes(),
        accelerator=accelerator,
        allocator={name: os.environ[name] for name in GLIBC_SETTINGS | PRIMITIVE_CACHE if name in os.environ},
    )


def memory_bytes() -> int:
    """Physical memory of the machine."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def processor_name(cpuinfo: Path = Path("/proc/cpuinfo")) -> str:
    """Name of the processor, its family and model where the system tells them, and its number of cores.

    A virtual machine may hide what comes after "AMD EPYC", and a Zen 5 (family 26) multiplies bfloat16 matrices more
    than twice as fast as a Zen 4 (family 25) of that name.
    """
    name = platform.processor() or platform.machine()
    if cpuinfo.exists():
        first_core = cpuinfo.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
        fields = [line.partition(":") for line in first_core.splitlines()]
        told = {field.strip(): value.strip() for field, _, value in fields}
        name = told.get("model name", name)
        if "cpu family" in told and "model" in told:
            name = f"{name} (family {told['cpu family']}, model {told['model']})"
    return f"{name}, {os.cpu_count()} cores"


def code_revision() -> str | None:
    """Commit of the checkout this package runs from, with `+` when files were changed; None outside a checkout."""
    package = Path(__file__).parents[1]
    if not (package.parents[1] / ".git").exists():
        return None
    commit = _git(package, "rev-parse", "HEAD")
    changed = _git(package, "status", "--porcelain", "--untracked-files=no", "--", str(package))
    return None if commit is None else commit + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str | None:
    # Without the locks that `status` takes to save what it found: they are in the way of a commit of that moment, and
    # stay for ever where it is killed.
    command = ["git", "--no-optional-locks", "-C", str(folder), *arguments]
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
