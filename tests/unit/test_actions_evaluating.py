"""`evaluate` tells what it read before it measures."""

from pathlib import Path

from listening import Listening
from tiny_base import write_tiny_base

from tunewright.actions import evaluate
from tunewright.records import DataRecipe, EvaluateRecipe


def test_what_was_read_and_what_of_it_is_not_used_is_told(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"text": "A red box.", "label": "red"}\n', encoding="utf-8")
    base, listening = write_tiny_base(tmp_path / "base"), Listening()
    evaluate(str(base), DataRecipe(path=str(rows)), EvaluateRecipe(), home=tmp_path / "home", progress=listening)
    read = listening.lines.index(f"Read 1 row of {rows} as text.")
    assert listening.lines[read + 1].startswith("  fields that were not used: label")
