"""What is written down about the machine and the installation."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

from tunewright.actions import environment
from tunewright.actions.environment import (
    GLIBC_SETTINGS,
    PRIMITIVE_CACHE,
    allocator_settings,
    code_revision,
    describe_environment,
    memory_bytes,
    processor_name,
)


def test_the_environment_is_that_of_this_process() -> None:
    found = describe_environment()
    assert (found.tunewright, found.python) == (version("tunewright"), platform.python_version())
    assert found.packages == {name: version(name) for name in environment.RECORDED_PACKAGES}
    assert (found.num_threads, found.memory_bytes) == (torch.get_num_threads(), memory_bytes())
    assert found.processor == processor_name()
    assert (found.accelerator is None) is not torch.cuda.is_available()


def test_malloc_keeps_memory_unless_address_space_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "libc_ver", lambda: ("glibc", "2.36"))
    monkeypatch.setattr(environment, "address_space_limit", lambda: None)
    assert allocator_settings() == {**GLIBC_SETTINGS, **PRIMITIVE_CACHE}
    monkeypatch.setattr(environment, "address_space_limit", lambda: 10**12)
    assert allocator_settings() == PRIMITIVE_CACHE


def test_a_package_that_is_not_installed_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "RECORDED_PACKAGES", ("torch", "no-such-package"))
    assert describe_environment().packages == {"torch": version("torch")}


def test_memory_is_that_of_the_kernel() -> None:
    meminfo = Path("/proc/meminfo")
    if not meminfo.exists():
        pytest.skip("no /proc/meminfo on this system")
    (total,) = (line.split()[1] for line in meminfo.read_text().splitlines() if line.startswith("MemTotal:"))
    assert memory_bytes() == pytest.approx(int(total) * 1024, rel=0.01)


def test_the_processor_is_named_with_its_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 12)
    assert processor_name().endswith(", 12 cores")
    assert len(processor_name()) > len(", 12 cores")


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (
            "processor\t: 0\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: AMD EPYC\n\nprocessor\t: 1\nmodel\t\t: 9\n",
            "AMD EPYC (family 25, model 17), 2 cores",
        ),
        ("processor\t: 0\nmodel name\t: ARMv8\n", "ARMv8, 2 cores"),
        ("processor\t: 0\nCPU part\t: 0xd0c\n", "aarch64, 2 cores"),
        (None, "aarch64, 2 cores"),
    ],
)
def test_the_processor_is_named_as_far_as_the_system_tells(
    told: str | None, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr("platform.processor", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    if told is not None:
        (tmp_path / "cpuinfo").write_text(told)
    assert processor_name(tmp_path / "cpuinfo") == name


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package folder elsewhere that the module believes to come from."""
    path = tmp_path / "src" / "tunewright" / "actions" / "environment.py"
    path.parent.mkdir(parents=True)
    path.write_text("# code\n", encoding="utf-8")
    monkeypatch.setattr(environment, "__file__", str(path))
    return path


def test_outside_a_checkout_there_is_no_revision(installed: Path) -> None:
    assert code_revision() is None


def test_in_a_checkout_it_is_the_commit_with_a_plus_when_the_package_was_changed(
    installed: Path, tmp_path: Path
) -> None:
    git(tmp_path, "init", "--quiet")
    assert code_revision() is None  # nothing is committed yet
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    commit = git(tmp_path, "rev-parse", "HEAD")
    assert code_revision() == commit
    (tmp_path / "notes.txt").write_text("not part of the package", encoding="utf-8")
    assert code_revision() == commit
    installed.write_text("# other code\n", encoding="utf-8")
    assert code_revision() == f"{commit}+"


def test_asking_for_the_revision_writes_nothing_into_the_checkout(installed: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    os.utime(installed, (0, 0))  # git compares the bytes then, and would note in its index that they are the same
    index = (tmp_path / ".git" / "index").read_bytes()
    assert not str(code_revision()).endswith("+")
    assert (tmp_path / ".git" / "index").read_bytes() == index


def test_without_git_there_is_no_revision(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setenv("PATH", "")
    assert code_revision() is None
