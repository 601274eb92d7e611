"""Whole runs on other architectures: stopped in the middle, they go on and end in the same bytes."""

from pathlib import Path

import pytest
from architectures import write_architecture
from chat_bases import STYLES, write_base
from listening import Listening
from small_job import adapter_bytes, small_recipe, stop_at_step, write_rows

from tunewright.actions import resume, tune
from tunewright.errors import InterruptedRunError

HOW = {
    "opt": "Rows are packed without padding and computed by the network's own code",
    "mixtral": "Rows are packed without padding and computed by the network's own code",
    "llama4_text": "Rows are packed without padding and computed by the network's own code",
    "bloom": "Rows are padded to equal length and computed by the network's own code",
    "lfm2": "Rows are padded to equal length and computed by the network's own code",
    "jamba": "Rows are padded to equal length and computed by the network's own code",
    "phi3-longrope": "Rows are computed one after the other by the network's own code",
}


def write_base_of(folder: Path, name: str) -> Path:
    from transformers import AutoTokenizer

    write_base(folder, STYLES["chatml"])
    tokenizer = AutoTokenizer.from_pretrained(folder)
    end = {"bos_token_id": None, "eos_token_id": tokenizer.eos_token_id, "pad_token_id": None}
    return write_architecture(folder, name, vocab_size=len(tokenizer), **end)


@pytest.mark.slow
@pytest.mark.parametrize("name", HOW)
def test_a_stopped_run_ends_in_the_bytes_of_a_straight_one(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = small_recipe(write_rows(tmp_path / "rows.jsonl"), write_base_of(tmp_path / "base", name))
    progress = Listening()
    tune(recipe, home=tmp_path / "straight", progress=progress)
    assert any(line.startswith(HOW[name]) for line in progress.lines)
    with monkeypatch.context() as patch:
        stop_at_step(patch, 5)
        with pytest.raises(InterruptedRunError):
            tune(recipe, home=tmp_path / "stopped")
    resume("last", home=tmp_path / "stopped")
    assert adapter_bytes(tmp_path / "stopped") == adapter_bytes(tmp_path / "straight")
