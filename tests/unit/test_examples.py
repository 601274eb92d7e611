"""The documented examples on real data: what they run is what the package understands."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from public_files import public_file

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
CONVERT = EXAMPLES / "clinc150" / "convert.py"


def convert(source: Path, folder: Path) -> dict[str, list[dict[str, str]]]:
    subprocess.run([sys.executable, str(CONVERT), str(source), str(folder)], check=True)
    return {
        path.name: [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        for path in folder.iterdir()
    }


def test_clinc150_splits_become_files_of_prompts_and_completions(tmp_path: Path) -> None:
    splits = {
        "train": [["what is my balance", "balance"], ["où est mon café", "translate"]],
        "val": [["hello", "greeting"]],
        "test": [["bye", "goodbye"]],
        "oos_train": [["who won", "oos"]],
    }
    source = tmp_path / "data_full.json"
    source.write_text(json.dumps(splits), encoding="utf-8")
    assert convert(source, tmp_path / "made" / "here") == {
        "train.jsonl": [
            {"prompt": "what is my balance", "completion": "balance"},
            {"prompt": "où est mon café", "completion": "translate"},
        ],
        "validation.jsonl": [{"prompt": "hello", "completion": "greeting"}],
        "test.jsonl": [{"prompt": "bye", "completion": "goodbye"}],
    }


def test_the_real_clinc150_keeps_every_in_scope_sentence(tmp_path: Path) -> None:
    files = convert(public_file("datasets/clinc150/data_full.json"), tmp_path / "clinc150")
    counts = {name: (len(rows), len({row["completion"] for row in rows})) for name, rows in files.items()}
    assert counts == {"train.jsonl": (15_000, 150), "validation.jsonl": (3_000, 150), "test.jsonl": (4_500, 150)}


@pytest.mark.parametrize("name", ["clinc150", "e2e_nlg", "gsm8k"])
def test_an_example_gives_one_command_with_known_options_and_points_to_the_results(name: str) -> None:
    text = (EXAMPLES / name / "README.md").read_text(encoding="utf-8")
    (command,) = [shlex.split(line) for line in text.splitlines() if line.startswith("    tunewright tune ")]
    options = {word for word in command if word.startswith("--")}
    assert options <= {"--input", "--output", "--validation", "--test", "--base", "--set"}
    assert command[command.index("--base") + 1] == "bundled"
    assert "Measured: [results](../../docs/results.md)." in text
    assert not any(word.startswith("/") for word in command)
