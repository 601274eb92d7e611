"""The main job, as a user gives it, on a base that has no attention: Mamba."""

import json
from pathlib import Path
from typing import Any

import pytest
from cli_fixture import Shell
from html_reader import read
from safetensors import safe_open
from small_job import write_rows
from tiny_base import write_tiny_base

from tunewright.records import Report, settled
from tunewright.store import Store

SETTINGS = (
    *("train.epochs=1", "train.learning_rate=0.01", "train.precision=float32", "train.min_validations=1"),
    *("evaluate.num_resamples=100", "retention.enabled=false"),
)


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def losses(report: dict[str, Any]) -> dict[str, float]:
    return {found["arm"]: found["estimate"]["value"] for found in report["results"] if found["metric"] == "loss"}


def test_a_base_without_attention_is_tuned_and_evaluated(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(monkeypatch, capsys)
    base, rows = write_tiny_base(tmp_path / "base", "mamba"), write_rows(tmp_path / "rows.jsonl")
    json_file = tmp_path / "report.json"
    settings = [argument for setting in SETTINGS for argument in ("--set", setting)]
    outcome = shell.run("tune", str(rows), "--base", str(base), *settings, "--json", str(json_file))
    assert outcome.code == 0, outcome.stderr
    for words in ("Rows are padded to equal length", "Answers are written through transformers' own cache"):
        assert words in outcome.stderr
    tuned = json.loads(json_file.read_bytes())
    assert losses(tuned)["tuned"] < losses(tuned)["base"]

    run = Store(home).run(tuned["run_id"])
    path = settled(settled(run.read_record("report.json", Report).training).path)
    assert (path.name, path.left_out_layers) == ("padded", ("out_proj",))
    assert path.reason == "MambaForCausalLM has attention of its own, which cannot be told where documents end"
    assert path.told in " ".join(shell.run("show", "last").stdout.split())
    assert path.told in read((run.path / "report.html").read_text(encoding="utf-8")).text
    with safe_open(run.path / "artifact" / "adapter_model.safetensors", "numpy") as tensors:
        updated = {name.split(".lora_")[0].rpartition(".")[2] for name in tensors.keys()}  # noqa: SIM118  (no mapping)
    assert updated == {"in_proj", "x_proj", "dt_proj"}

    outcome = shell.run("evaluate", tuned["run_id"], str(rows), "--json", str(json_file))
    assert outcome.code == 0, outcome.stderr
    assert losses(json.loads(json_file.read_bytes()))["tuned"] < losses(tuned)["base"]
