"""A complete study of seconds: a tiny random base, rows it can learn something from, documents that answer them."""

import json
from pathlib import Path

from small_job import COLOURS
from tiny_base import write_tiny_base

from tunewright.records import StudyRecipe, read_study_recipe


def study_recipe(rows: Path, base: Path, *overrides: str, **fields: object) -> StudyRecipe:
    """Few steps, few candidates; the settings of small_job.small_recipe otherwise."""
    settings = {
        "data": {"path": str(rows)},
        "base": str(base),
        "few_shot": {"k": [1, 2]},
        "retrieval": {"k": [1]},
        "max_validation_inputs": 6,
        "method": {"dropout": 0.1},
        "train": {"epochs": 1, "learning_rate": 0.01, "precision": "float32", "min_validations": 1},
        "evaluate": {"num_resamples": 100, "max_answer_tokens": 6, "rows_per_batch": 8},
        "retention": {"enabled": False},
        **fields,
    }
    return read_study_recipe(settings, None, overrides)


def write_study_base(folder: Path) -> Path:
    """A tiny base with room for passages."""
    base = write_tiny_base(folder)
    config = json.loads((base / "config.json").read_text(encoding="utf-8"))
    config["max_position_embeddings"] = 512
    (base / "config.json").write_text(json.dumps(config), encoding="utf-8")
    return base


def write_documents(folder: Path, num_documents: int = 80) -> Path:
    """One note for each question of small_job.write_rows."""
    folder.mkdir()
    for number in range(num_documents):
        text = f"The colour of place {number} is {COLOURS[number % 5]}."
        (folder / f"place{number}.txt").write_text(text, encoding="utf-8")
    return folder


def write_update(folder: Path, num_changed: int = 12) -> dict[str, str]:
    """The documents with other colours for the first places, and the rows that this makes wrong."""
    documents = write_documents(folder / "updated")
    rows = []
    for number in range(num_changed):
        colour = COLOURS[(number + 1) % 5]
        (documents / f"place{number}.txt").write_text(f"The colour of place {number} is {colour}.", encoding="utf-8")
        rows.append(json.dumps({"prompt": f"What is the colour of place {number}?", "completion": colour}) + "\n")
    answers = folder / "updated.jsonl"
    answers.write_text("".join(rows), encoding="utf-8")
    return {"documents": str(documents), "answers": str(answers)}
