"""doctor: what is broken, what is only missing, and what to do about it."""

import importlib
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest

import tunewright.actions.diagnosing
from tunewright.errors import ModelError

# The package's `doctor` is the function; this is the file it stands in.
DOCTOR = sys.modules["tunewright.actions.diagnosing"]


@pytest.fixture(autouse=True)
def _no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DOCTOR, "_tune_one_step", lambda folder: None)


def checks(home: Path) -> dict[str, tuple[str, str, str | None]]:
    found = tunewright.actions.doctor(home)
    return {check.name.partition(" at ")[0]: (check.status, check.found, check.advice) for check in found}


def test_a_machine_that_is_fit_has_only_good_news(tmp_path: Path) -> None:
    found = checks(tmp_path / "not" / "made" / "yet")
    assert {status for status, _, _ in found.values()} <= {"ok", "warning"}
    assert found["torch"][:2] == ("ok", importlib.metadata.version("torch"))
    assert re.search(r"; (1 thread|\d+ threads); trains in ", found["processor"][1])
    assert found["one training step"][0] == "ok"
    assert not (tmp_path / "not").exists()


def test_a_package_that_is_missing_comes_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name in ("peft", "matplotlib"):
            raise ImportError(f"No module named {name!r}")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", import_module)
    found = checks(tmp_path)
    advice = "Install tunewright again: pip install tunewright"
    assert found["peft"] == ("broken", "ImportError: No module named 'peft'", advice)
    assert found["matplotlib"][0] == "warning"
    assert found["matplotlib"][2] == "pip install 'tunewright[plots]'"


@pytest.mark.parametrize(
    "error",
    [
        ValueError("numpy.dtype size changed, may indicate binary incompatibility"),
        AttributeError("module 'numpy' has no attribute 'float'"),
        RuntimeError("module compiled against another version"),
    ],
)
def test_a_package_that_does_not_fit_the_others_is_told_with_its_error(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.import_module

    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name == "matplotlib":
            raise error
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", import_module)
    assert checks(tmp_path)["matplotlib"][:2] == ("warning", f"{type(error).__name__}: {error}")


def test_a_package_without_a_version_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "ftfy":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setitem(sys.modules, "ftfy", ModuleType("ftfy"))
    monkeypatch.setattr(importlib.metadata, "version", version)
    status, found, _ = checks(tmp_path)["ftfy"]
    assert (status, found) == ("warning", "PackageNotFoundError: No package metadata was found for ftfy")


def test_little_memory_and_a_full_disk_are_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DOCTOR, "memory_bytes", lambda: 3_000_000_000)
    monkeypatch.setattr(DOCTOR, "MIN_FREE_DISK_BYTES", 1e18)
    found = checks(tmp_path)
    assert found["memory"] == ("warning", "3.0 GB, less than 4 GB", "Use a small base and short rows.")
    assert found["disk"][0] == "warning"
    assert found["disk"][2] == f"Make room at {tmp_path}, or set TUNEWRIGHT_HOME to another disk."


@pytest.mark.parametrize(
    "error", [ModelError("no base"), RuntimeError("no kernel"), OSError("no disk"), ValueError("no dtype")]
)
def test_a_step_that_fails_is_reported_with_its_error(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise error

    monkeypatch.setattr(DOCTOR, "_tune_one_step", fail)
    status, found, advice = checks(tmp_path)["one training step"]
    assert (status, found) == ("broken", f"{type(error).__name__}: {error}")
    assert "tunewright doctor --json -" in (advice or "")


def test_without_torch_it_says_so_and_leaves_out_what_needs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def import_module(name: str, package: str | None = None) -> ModuleType:
        if name == "torch":
            raise OSError("libcudart.so.12: cannot open shared object file")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", import_module)
    found = checks(tmp_path)
    assert found["torch"][:2] == ("broken", "OSError: libcudart.so.12: cannot open shared object file")
    assert found.keys() >= {"memory", "disk"}
    assert found.keys().isdisjoint({"processor", "one training step"})
